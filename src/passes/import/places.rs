//! Which section a piece belongs to.

use crate::document::imported::Piece;

/// The sections that are open, as pieces come by.
#[derive(Default)]
pub struct Places {
    /// Level, and number among the headings.
    open: Vec<(u32, usize)>,
    headings: usize,
}

impl Places {
    /// Takes note of `piece`.
    pub fn pass(&mut self, piece: &Piece) {
        match piece {
            Piece::Heading { level, .. } => {
                self.close(level.saturating_sub(1));
                self.open.push((*level, self.headings));
                self.headings += 1;
            }
            Piece::Close { level } => self.close(*level),
            Piece::Text(_) => {}
        }
    }

    fn close(&mut self, level: u32) {
        self.open.retain(|(open, _)| *open <= level);
    }

    /// The number of the heading whose section is in force.
    #[must_use]
    pub fn section(&self) -> Option<usize> {
        self.open.last().map(|(_, heading)| *heading)
    }
}

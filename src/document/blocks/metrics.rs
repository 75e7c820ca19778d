//! Measures of a part that single lines are judged by: its body size, its leading, the columns of its pages, whether its
//! paragraphs begin with an indent.

use std::collections::BTreeMap;

use super::lines::Line;

/// Left and right edge of a column, 1/100 pt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Column {
    pub left: i32,
    pub right: i32,
}

/// What is measured once per part.
#[derive(Debug, Default)]
pub struct Metrics {
    /// Size of most characters.
    pub body_size: i32,
    /// Most characters are bold.
    pub body_bold: bool,
    /// Colour of most characters.
    pub body_color: u32,
    /// Distance of baselines by font size.
    leading: BTreeMap<i32, i32>,
    /// Columns by (page, region).
    columns: BTreeMap<(u32, u16), Column>,
    /// Paragraphs begin with an indent rather than after white space.
    pub indents: bool,
}

/// Left edges this close are one, 1/100 pt.
const SAME_EDGE: i32 = 150;

impl Metrics {
    /// Measures the text lines of a part, given page by page.
    #[must_use]
    pub fn of(pages: &[Vec<&Line<'_>>]) -> Self {
        let mut metrics = Self::default();
        metrics.measure_type(pages);
        metrics.measure_leading(pages);
        metrics.measure_columns(pages);
        metrics.measure_indents(pages);
        metrics
    }

    /// Baseline distance within a paragraph of `size`.
    #[must_use]
    pub fn leading(&self, size: i32) -> i32 {
        // 1.2 em is what layout programs set by default.
        self.leading.get(&quantum(size)).copied().unwrap_or(size * 12 / 10)
    }

    /// The column of `line`; its own extent if it stands alone.
    #[must_use]
    pub fn column(&self, line: &Line<'_>) -> Column {
        let own = Column { left: line.rect.x, right: line.rect.right() };
        self.columns.get(&(line.page, line.region)).copied().unwrap_or(own)
    }

    fn measure_type(&mut self, pages: &[Vec<&Line<'_>>]) {
        let mut weight: BTreeMap<(i32, bool, u32), usize> = BTreeMap::new();
        for line in pages.iter().flatten() {
            *weight.entry((line.font.size, line.font.bold, line.font.color)).or_default() += line.chars();
        }
        if let Some(((size, bold, color), _)) = weight.into_iter().max_by_key(|(style, n)| (*n, std::cmp::Reverse(style.0))) {
            (self.body_size, self.body_bold, self.body_color) = (size, bold, color);
        }
    }

    fn measure_leading(&mut self, pages: &[Vec<&Line<'_>>]) {
        let mut seen: BTreeMap<i32, BTreeMap<i32, usize>> = BTreeMap::new();
        for (a, b) in neighbours(pages) {
            let (step, size) = (b.baseline - a.baseline, a.size());
            if quantum(size) == quantum(b.size()) && step > size * 9 / 10 && step < size * 2 {
                *seen.entry(quantum(size)).or_default().entry(step / 10 * 10).or_default() += 1;
            }
        }
        for (size, steps) in seen {
            // The smallest step that is nearly as common as the commonest: larger ones are paragraph spacing.
            let most = steps.values().copied().max().unwrap_or(0);
            if let Some((step, _)) = steps.into_iter().find(|(_, n)| *n * 2 >= most) {
                self.leading.insert(size, step + 10);
            }
        }
    }

    fn measure_columns(&mut self, pages: &[Vec<&Line<'_>>]) {
        for lines in pages {
            let mut regions: BTreeMap<u16, Vec<&Line<'_>>> = BTreeMap::new();
            for line in lines.iter().filter(|l| l.is_plain()) {
                regions.entry(line.region).or_default().push(line);
            }
            let mut extents: Vec<(u32, u16, Column, usize)> = Vec::new();
            for (region, lines) in regions {
                let page = lines[0].page;
                let left = left_edge(&lines);
                let right = lines.iter().map(|l| l.rect.right()).max().unwrap_or(left);
                extents.push((page, region, Column { left, right }, lines.len()));
            }
            // A region of few lines shares the right edge of the widest column of the page that begins where it begins.
            for (page, region, own, count) in &extents {
                let mut column = *own;
                let alike =
                    extents.iter().filter(|(_, r, c, n)| r != region && n > count && (c.left - own.left).abs() <= 2 * SAME_EDGE);
                if let Some(other) = alike.max_by_key(|(_, _, c, n)| (*n, c.right)) {
                    column.right = column.right.max(other.2.right);
                }
                self.columns.insert((*page, *region), column);
            }
        }
    }

    fn measure_indents(&mut self, pages: &[Vec<&Line<'_>>]) {
        let (mut indented, mut spaced) = (0usize, 0usize);
        for (a, b) in neighbours(pages).filter(|(a, b)| a.size() == self.body_size && b.size() == self.body_size) {
            let (column, em) = (self.column(b), b.size());
            let (shift, step) = (b.rect.x - column.left, b.baseline - a.baseline);
            let tight = step <= self.leading(em) * 112 / 100;
            indented += usize::from(tight && a.rect.x - column.left < em / 2 && shift > em * 6 / 10 && shift < em * 4);
            spaced += usize::from(!tight && shift < em / 2);
        }
        self.indents = indented > spaced;
    }
}

/// Sizes to half a point: rounding of scaled fonts differs by less.
fn quantum(size: i32) -> i32 {
    (size + 25) / 50
}

/// The leftmost edge that at least two lines share, else the leftmost.
fn left_edge(lines: &[&Line<'_>]) -> i32 {
    let mut xs: Vec<i32> = lines.iter().map(|l| l.rect.x).collect();
    xs.sort_unstable();
    xs.windows(2).find(|w| w[1] - w[0] <= SAME_EDGE).map_or_else(|| xs.first().copied().unwrap_or(0), |w| w[0])
}

/// Lines that follow each other in one region.
fn neighbours<'b, 'a: 'b>(pages: &'b [Vec<&'b Line<'a>>]) -> impl Iterator<Item = (&'b Line<'a>, &'b Line<'a>)> {
    pages.iter().flat_map(|lines| lines.windows(2).filter(|w| w[0].region == w[1].region).map(|w| (w[0], w[1])))
}

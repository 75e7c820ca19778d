//! Leaders: rows of dots that lead the eye over white space to a price or a page number. They are no text: the words before and
//! behind them are cells of a row.

use std::ops::Range;

use super::lines::Cell;

/// An ellipsis has three dots, at the end of a sentence four.
const FEWEST_DOTS: usize = 5;
/// Letters are about half an em wide, in percent.
const LETTER_WIDTH: i32 = 55;

/// Where the first leader of `text` stands, with the spaces around it.
fn leader(text: &str) -> Option<Range<usize>> {
    let (mut start, mut dots) = (0, 0);
    for (at, c) in text.char_indices() {
        match c {
            '.' | '·' => dots += 1,
            '…' => dots += 3,
            c if c.is_whitespace() => {}
            _ if dots >= FEWEST_DOTS => return Some(start..at),
            _ => (start, dots) = (at + c.len_utf8(), 0),
        }
    }
    (dots >= FEWEST_DOTS).then_some(start..text.len())
}

/// `text` with its leaders as three dots each.
pub fn shortened(text: String) -> String {
    if !text.contains("..") && !text.contains(". .") && !text.contains(['·', '…']) {
        return text;
    }
    let (mut out, mut rest) = (String::new(), text.as_str());
    while let Some(dots) = leader(rest) {
        out.push_str(&rest[..dots.start]);
        out.push_str(" ... ");
        rest = &rest[dots.end..];
    }
    out.push_str(rest);
    out.trim().to_owned()
}

/// Parts `cells`, set in type of `size`, at their leaders. A leader beside other cells is none itself.
pub fn part(cells: &mut Vec<Cell>, size: i32) {
    let mut at = 0;
    while at < cells.len() {
        let text = cells[at].text.as_str();
        let Some(dots) = leader(text).filter(|dots| cells.len() > 1 || dots.len() < text.len()) else {
            at += 1;
            continue;
        };
        let cell = cells.remove(at);
        let width =
            |text: &str| i32::try_from(text.chars().count()).unwrap_or(i32::MAX).saturating_mul(size * LETTER_WIDTH / 100);
        let (before, behind) = (cell.text[..dots.start].trim(), cell.text[dots.end..].trim());
        let right = cell.right.min(cell.x.saturating_add(width(before)));
        let x = right.saturating_add(1).max(cell.right.saturating_sub(width(behind)));
        let parts = [(cell.x, right, before), (x, cell.right.max(x), behind)].into_iter().filter(|part| !part.2.is_empty());
        let parts: Vec<Cell> = parts.map(|(x, right, text)| Cell { x, right, text: text.to_owned(), bold: cell.bold }).collect();
        // What is behind a leader may hold another.
        at += usize::from(!before.is_empty());
        let from = at - usize::from(!before.is_empty());
        cells.splice(from..from, parts);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parts(text: &str) -> Vec<String> {
        let mut cells = vec![Cell { x: 5000, right: 30000, text: text.into(), bold: false }];
        part(&mut cells, 1000);
        assert!(cells.windows(2).all(|w| w[0].right < w[1].x));
        cells.into_iter().map(|c| c.text).collect()
    }

    #[test]
    fn what_a_leader_leads_to_is_a_cell() {
        assert_eq!(parts("Bread, a loaf ........ 2 cp"), ["Bread, a loaf", "2 cp"]);
        assert_eq!(parts("Rope . . . . . . 1 gp . . . . . . 5 lb."), ["Rope", "1 gp", "5 lb."]);
        assert_eq!(parts("Lamp oil……… 3 sp"), ["Lamp oil", "3 sp"]);
        assert_eq!(parts("And then.... nothing"), ["And then.... nothing"]);
        assert_eq!(parts(". . . . . . ."), [". . . . . . ."]);
    }

    #[test]
    fn leaders_are_shortened_in_text() {
        assert_eq!(shortened("a laboratory.......... 1 pound".into()), "a laboratory ... 1 pound");
        assert_eq!(shortened("so it goes... on".into()), "so it goes... on");
    }
}

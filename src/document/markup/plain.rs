//! Plain text with the light structure that people give it: underlined, numbered, capitalised or isolated headings, lists,
//! tables in columns, `Label: value` lines; other lines are joined into paragraphs.
//! Levels are relative: the forms of heading that a text uses are ranked.

use super::blocks::Blocks;
use super::nesting::TooDeep;
use super::plain_shape as shape;
use crate::document::flow::{FlowKind, FlowText};

/// Columns that a tab stands for.
const TAB: usize = 4;

/// The blocks of `text`.
///
/// # Errors
/// Lists that nest deeper than `limit`.
pub fn read(text: &str, limit: u64) -> Result<FlowText, TooDeep> {
    let text = text.replace('\u{c}', "\n\n");
    let lines: Vec<&str> = text.split('\n').map(str::trim_end).collect();
    let groups: Vec<&[&str]> = lines.split(|l| l.is_empty()).filter(|g| !g.is_empty()).collect();
    let mut found = Vec::new();
    for (i, group) in groups.iter().enumerate() {
        let around = Around {
            before: i.checked_sub(1).and_then(|i| groups.get(i)).copied().unwrap_or_default(),
            after: groups.get(i + 1).copied().unwrap_or_default(),
        };
        read_group(group, &around, limit, &mut found).map_err(|(depth, line)| {
            let line = lines.iter().position(|l| std::ptr::eq(*l, line)).unwrap_or(0) + 1;
            TooDeep { depth, line }
        })?;
    }
    Ok(write(&found))
}

/// The neighbours of a group of lines; empty at the ends of the text.
struct Around<'a> {
    before: &'a [&'a str],
    after: &'a [&'a str],
}

/// The form of a heading, highest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Form {
    /// A title alone at the very top.
    Opening,
    DoubleRule,
    Division,
    Capitals,
    Chapter,
    SingleRule,
    /// Components of its number, from 2.
    Numbered(usize),
    OtherRule,
    Isolated,
    /// Number signs give the level themselves.
    Marked(usize),
}

/// Lists that nest too deep: how deep, and the line of the item that does.
type Deep<'a> = (usize, &'a str);

enum Found {
    Heading(Form, String),
    Text(FlowKind, String),
    Table(Vec<Vec<String>>, usize),
}

fn write(found: &[Found]) -> FlowText {
    let mut forms: Vec<Form> = found
        .iter()
        .filter_map(|f| match f {
            Found::Heading(form, _) if !matches!(form, Form::Marked(_)) => Some(*form),
            _ => None,
        })
        .collect();
    forms.sort_unstable();
    forms.dedup();
    let mut blocks = Blocks::default();
    for f in found {
        match f {
            Found::Heading(Form::Marked(level), text) => blocks.heading(*level, text, None),
            Found::Heading(form, text) => blocks.heading(forms.iter().position(|f| f == form).unwrap_or(0) + 1, text, None),
            Found::Text(kind, text) => blocks.text(*kind, text),
            Found::Table(rows, headers) => blocks.table(rows.clone(), *headers),
        }
    }
    blocks.finish()
}

/// Reads lines without a blank one between them: headings at their top, then what the rest is.
fn read_group<'a>(group: &[&'a str], around: &Around<'_>, limit: u64, found: &mut Vec<Found>) -> Result<(), Deep<'a>> {
    let mut rest = group;
    while let Some((heading, used)) = heading_at(rest, rest.len() == group.len(), around, found.is_empty()) {
        found.push(heading);
        rest = &rest[used..];
    }
    if rest.iter().all(|l| shape::rule(l).is_some()) {
        return Ok(());
    }
    if let Some((rows, headers)) = table(rest) {
        found.push(Found::Table(rows, headers));
        Ok(())
    } else {
        read_lines(rest, limit, found)
    }
}

/// The heading that `lines` open with and how many lines it takes.
fn heading_at(lines: &[&str], whole: bool, around: &Around<'_>, at_top: bool) -> Option<(Found, usize)> {
    let first = lines.first()?.trim();
    let heading = |form, text: &str, used| Some((Found::Heading(form, text.to_owned()), used));
    let by_rule = |c| match c {
        '=' => Form::DoubleRule,
        '-' => Form::SingleRule,
        _ => Form::OtherRule,
    };
    if let (Some(over), Some(title)) = (shape::rule(first), lines.get(1)) {
        let is_closed = lines.get(2).and_then(|l| shape::rule(l)) == Some(over) && shape::rule(title).is_none();
        return if is_closed { heading(by_rule(over), title, 3) } else { None };
    }
    if let Some(under) = lines.get(1).and_then(|l| shape::rule(l)) {
        return heading(by_rule(under), first, 2);
    }
    if let Some((level, text)) = shape::marked(first) {
        return heading(Form::Marked(level), text, 1);
    }
    if shape::is_division(first) {
        return heading(Form::Division, first, 1);
    }
    let is_alone = lines.len() == 1 && whole;
    match shape::numbered(first) {
        Some(1) if is_alone && !is_listed(around) => return heading(Form::Chapter, first, 1),
        Some(n) if n > 1 && (is_alone || lines.get(1).is_none_or(|l| shape::numbered(l.trim()).is_none())) => {
            return heading(Form::Numbered(n), first, 1);
        }
        _ => {}
    }
    let is_plain = shape::list_marker(first).is_none() && shape::cells(first).len() < 2;
    let opens_text = lines.get(1).is_none_or(|l| !shape::is_capitals(l));
    if is_plain && shape::is_capitals(first) && opens_text {
        return heading(Form::Capitals, first, 1);
    }
    if is_alone && is_plain && shape::is_title_case(first) && !around.after.is_empty() {
        if at_top {
            return heading(Form::Opening, first, 1);
        }
        let stands_above_text = around.after.len() > 1 || !shape::is_title_case(around.after[0].trim());
        return if stands_above_text { heading(Form::Isolated, first, 1) } else { None };
    }
    None
}

/// A numbered line with numbered neighbours is an item of a list with blank lines in it.
fn is_listed(around: &Around<'_>) -> bool {
    let opens_item = |g: &[&str]| g.first().is_some_and(|l| shape::list_marker(l).is_some_and(|(m, _)| !m.is_empty()));
    opens_item(around.before) || opens_item(around.after)
}

/// Rows and header rows, if every line has the same number of cells. Gaps of spaces need three rows: prose has chance gaps.
fn table(lines: &[&str]) -> Option<(Vec<Vec<String>>, usize)> {
    let is_ruled = lines.len() > 2 && shape::is_table_rule(lines[1]);
    let rows: Vec<&str> = lines.iter().copied().filter(|l| !shape::is_table_rule(l)).collect();
    let is_marked = rows.iter().all(|l| l.contains('|')) || rows.iter().all(|l| l.trim().contains('\t'));
    let needed = if is_ruled || is_marked { 2 } else { 3 };
    let cells: Vec<Vec<String>> = rows.iter().map(|l| shape::cells(l).into_iter().map(str::to_owned).collect()).collect();
    let width = cells.first()?.len();
    let is_even = cells.iter().all(|r| r.len() == width);
    let is_list = rows.iter().all(|l| shape::list_marker(l).is_some());
    if width < 2 || rows.len() < needed || !is_even || is_list {
        return None;
    }
    let has_digit = |r: &[String]| r.iter().any(|c| c.contains(|c: char| c.is_ascii_digit()));
    // Two columns without a figure may be terms and their meanings: only more columns, or figures below, show a header.
    let is_headed = is_ruled || (!has_digit(&cells[0]) && (width > 2 || cells.iter().skip(1).all(|r| has_digit(r))));
    Some((cells, usize::from(is_headed)))
}

/// Lists, field lines and paragraphs.
fn read_lines<'a>(lines: &[&'a str], limit: u64, found: &mut Vec<Found>) -> Result<(), Deep<'a>> {
    let mut indents: Vec<usize> = Vec::new();
    let mut start = 0;
    for (i, line) in lines.iter().enumerate() {
        let Some((number, _)) = shape::list_marker(line) else { continue };
        let opens = i == 0 || !indents.is_empty() || number.is_empty() || lines[i - 1].ends_with(':');
        if opens {
            flush(&lines[start..i], &mut indents, found);
            start = i;
            let indent = indent_of(line);
            indents.retain(|n| *n < indent);
            indents.push(indent);
            if indents.len() as u64 > limit {
                return Err((indents.len(), line));
            }
        }
    }
    flush(&lines[start..], &mut indents, found);
    Ok(())
}

/// Writes the lines gathered: an item if a list is open, else a paragraph.
fn flush(lines: &[&str], indents: &mut [usize], found: &mut Vec<Found>) {
    let Some(first) = lines.first() else { return };
    if let (Some((number, text)), false) = (shape::list_marker(first), indents.is_empty()) {
        let mut item = vec![text];
        item.extend(&lines[1..]);
        let space = if number.is_empty() { "" } else { " " };
        let depth = u8::try_from(indents.len() - 1).unwrap_or(u8::MAX);
        found.push(Found::Text(FlowKind::ListItem { depth }, format!("{number}{space}{}", join(&item))));
        return;
    }
    let keeps_lines =
        lines.len() > 1 && (lines.iter().all(|l| shape::is_field(l.trim())) || lines.iter().all(|l| shape::has_leader(l)));
    let text = if keeps_lines { lines.join("\n") } else { join(lines) };
    found.push(Found::Text(FlowKind::Paragraph, text));
}

fn indent_of(line: &str) -> usize {
    line.chars().take_while(|c| c.is_whitespace()).map(|c| if c == '\t' { TAB } else { 1 }).sum()
}

/// One line of many: a word divided by a soft hyphen is made whole, a hyphen or dash at a line's end takes no space.
fn join(lines: &[&str]) -> String {
    let mut out = String::new();
    for line in lines {
        let line = line.trim();
        let divided = out.ends_with('\u{ad}');
        let is_compound = out.ends_with('-') && !out.ends_with(" -") && line.starts_with(char::is_alphabetic);
        if divided {
            out.pop();
        } else if !out.is_empty() && !is_compound && !out.ends_with('—') {
            out.push(' ');
        }
        out.push_str(line);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shapes(text: &str) -> Vec<(FlowKind, String)> {
        read(text, 256).unwrap().blocks.into_iter().map(|b| (b.kind, b.text)).collect()
    }

    fn heading(level: u8, text: &str) -> (FlowKind, String) {
        (FlowKind::Heading { level }, text.to_owned())
    }

    fn paragraph(text: &str) -> (FlowKind, String) {
        (FlowKind::Paragraph, text.to_owned())
    }

    #[test]
    fn forms_of_heading_are_ranked() {
        let text = "The Lamp Almanac\n\nby nobody\n\nCHAPTER ONE\n\nSome text that\nruns on.\n\nWicks\n-----\nCotton is best.\n\n\
                    Trimming a Wick\n\nCut it short.\n";
        assert_eq!(
            shapes(text),
            [
                heading(1, "The Lamp Almanac"),
                paragraph("by nobody"),
                heading(2, "CHAPTER ONE"),
                paragraph("Some text that runs on."),
                heading(3, "Wicks"),
                paragraph("Cotton is best."),
                heading(4, "Trimming a Wick"),
                paragraph("Cut it short."),
            ]
        );
    }

    #[test]
    fn numbered_headings_are_no_lists() {
        let text = "1. Doors\n\nA door is shut.\n\n1.1 Locks\nA lock holds.\n\n1. one\n2. two\n   more\n";
        let item = |t: &str| (FlowKind::ListItem { depth: 0 }, t.to_owned());
        assert_eq!(
            shapes(text),
            [
                heading(1, "1. Doors"),
                paragraph("A door is shut."),
                heading(2, "1.1 Locks"),
                paragraph("A lock holds."),
                item("1. one"),
                item("2. two more"),
            ]
        );
    }

    #[test]
    fn lists_nest_by_indent() {
        let item = |depth, t: &str| (FlowKind::ListItem { depth }, t.to_owned());
        assert_eq!(
            shapes("Take these:\n- rope\n  of hemp\n  * thin\n  * thick\n- chalk"),
            [paragraph("Take these:"), item(0, "rope of hemp"), item(1, "thin"), item(1, "thick"), item(0, "chalk")]
        );
    }

    #[test]
    fn lists_that_nest_deeper_than_the_limit_are_told_with_their_line() {
        let text: String = (0..40).map(|i| format!("{}- x\n", " ".repeat(i))).collect();
        assert_eq!(read(&format!("one\n\n{text}"), 39).unwrap_err(), TooDeep { depth: 40, line: 42 });
        assert!(read(&text, 40).is_ok());
    }

    #[test]
    fn columns_are_tables_and_fields_keep_their_lines() {
        let flow = read(
            "Item      Cost\nRope      1 c\nLamp oil  2 c\n\nGuard: 14\nWounds: 3 each\n\nOne . . . . 2\nTwo . . . . 5\n",
            256,
        )
        .unwrap();
        assert_eq!(flow.blocks[0].kind, FlowKind::Table { header_rows: 1 });
        assert_eq!(flow.blocks[0].rows[2], ["Lamp oil", "2 c"]);
        assert_eq!(flow.blocks[1].text, "Guard: 14\nWounds: 3 each");
        assert_eq!(flow.blocks[2].text, "One . . . . 2\nTwo . . . . 5");
    }

    #[test]
    fn divided_and_compound_words_are_joined() {
        assert_eq!(
            shapes("a light\u{ad}\nhouse, a well-\nmade—\nand\nold one"),
            [paragraph("a lighthouse, a well-made—and old one")]
        );
    }
}

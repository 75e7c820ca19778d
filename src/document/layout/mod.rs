//! From glyphs to lines in reading order: pieces of text by geometry, words by gaps, lines, columns, order.
//! Knows nothing of PDF syntax or of what a line means.

mod cells;
mod columns;
mod gaps;
mod initials;
mod lines;
mod order;
mod pieces;
mod script;

use std::borrow::Cow;

use crate::document::page_text::PageText;
use crate::document::pdf::glyph::PageGlyphs;

/// Lengths are compared as percents of each other, in an i32. A page is at most 14,400 pt wide (PDF 32000-1, annex C); what
/// lies beyond 50,000 pt lies on none.
const FAR: i32 = 5_000_000;

/// The lines of a page in reading order. What no reader sees comes after what one sees.
#[must_use]
pub fn lay_out(page: &PageGlyphs) -> PageText {
    let page = &*within_reach(page);
    let pieces = initials::join(page, pieces::collect(page));
    let ordered = order::reading_order(pieces);
    lines::build(page, ordered)
}

/// The page with all that lies far out brought to the edge of what can be measured.
fn within_reach(page: &PageGlyphs) -> Cow<'_, PageGlyphs> {
    let are_near = |lengths: &[i32]| lengths.iter().all(|length| (-FAR..=FAR).contains(length));
    let glyphs = || page.glyphs.iter().all(|g| are_near(&[g.x, g.right, g.baseline, g.size, g.tracking]));
    let shapes = || page.shapes.iter().all(|s| are_near(&[s.rect.x, s.rect.y, s.rect.w, s.rect.h]));
    if are_near(&[page.width, page.height]) && glyphs() && shapes() {
        return Cow::Borrowed(page);
    }
    let mut near = page.clone();
    let bring = |length: &mut i32| *length = (*length).clamp(-FAR, FAR);
    [&mut near.width, &mut near.height].into_iter().for_each(bring);
    for g in &mut near.glyphs {
        [&mut g.x, &mut g.right, &mut g.baseline, &mut g.size, &mut g.tracking].into_iter().for_each(bring);
    }
    for s in &mut near.shapes {
        [&mut s.rect.x, &mut s.rect.y, &mut s.rect.w, &mut s.rect.h].into_iter().for_each(bring);
    }
    Cow::Owned(near)
}

#[cfg(test)]
mod tests {
    use std::fmt::Write as _;
    use std::sync::Arc;

    use super::*;
    use crate::document::page_text::Visibility;
    use crate::document::pdf::glyph::{Backend, read};
    use crate::document::pdf::sample;

    fn page(content: &str) -> PageText {
        let bytes: Arc<[u8]> = sample::from_contents(&[content.as_bytes().to_vec()]).into();
        lay_out(&read(&bytes, Backend::Hayro, &crate::builtin::Limits::default()).unwrap()[0])
    }

    fn lines(content: &str) -> Vec<String> {
        page(content).lines.iter().map(|l| l.text()).collect()
    }

    /// Text at (x, y from the bottom) in Times of `size`.
    fn at(x: i32, y: i32, size: i32, text: &str) -> String {
        format!("BT /F1 {size} Tf 1 0 0 1 {x} {y} Tm ({text}) Tj ET\n")
    }

    /// Two columns of ten lines of prose, as (x, y, text).
    fn columns() -> Vec<(i32, i32, String)> {
        let line = |x, side: &str, i: i32| (x, 700 - 14 * i, format!("{side} line {i} runs on to the edge of its column"));
        (0..10).map(|i| line(72, "left", i)).chain((0..10).map(|i| line(320, "right", i))).collect()
    }

    fn draw(lines: &[(i32, i32, String)]) -> String {
        lines.iter().map(|(x, y, text)| at(*x, *y, 10, text)).collect()
    }

    #[test]
    fn a_letter_spaced_heading_is_words() {
        assert_eq!(lines("BT /F1 20 Tf 5 Tc 72 700 Td (Combat Rules) Tj ET"), ["Combat Rules"]);
        let spread = "BT /F1 20 Tf 72 700 Td [(C)-200(o)-200(m)-200(b)-200(a)-200(t)] TJ ET";
        assert_eq!(lines(spread), ["Combat"]);
    }

    #[test]
    fn a_gap_without_a_space_separates_words() {
        assert_eq!(lines("BT /F1 10 Tf 72 700 Td [(the)-300(two)] TJ ET"), ["the two"]);
        assert_eq!(lines("BT /F1 10 Tf 72 700 Td [(k)20(erning)] TJ ET"), ["kerning"]);
    }

    #[test]
    fn cells_are_spans_and_rows_are_lines() {
        let row = |y| at(72, y, 10, "Dagger") + &at(160, y, 10, "1d4") + &at(220, y, 10, "2 gp");
        let page = page(&(row(700) + &row(686)));
        assert_eq!(page.lines.len(), 2);
        let cells: Vec<&str> = page.lines[0].spans.iter().map(|s| s.text.as_str()).collect();
        assert_eq!(cells, ["Dagger", "1d4", "2 gp"]);
    }

    #[test]
    fn columns_are_read_one_after_the_other_whatever_the_stream_does() {
        let mut by_rows = columns();
        let straight = lines(&draw(&by_rows));
        by_rows.sort_by_key(|(x, y, _)| (-y, *x));
        assert_eq!(lines(&draw(&by_rows)), straight);
        let mut shuffled = columns();
        shuffled.sort_by_key(|(x, y, _)| (x * 31 + y * 17) % 23);
        assert_eq!(lines(&draw(&shuffled)), straight);
        assert!(straight[9].starts_with("left line 9") && straight[10].starts_with("right line 0"));
    }

    #[test]
    fn columns_of_tables_are_columns_too() {
        // Each side a table on baselines of its own, as a stream writes them that goes across the page.
        let rows = |x: i32, top: i32| {
            let row = move |i: i32| (top - 13 * i, [(x, format!("thing {i} of it")), (x + 170, format!("{i} pounds"))]);
            (0..12).flat_map(move |i| row(i).1.map(|(x, text)| (x, row(i).0, text)))
        };
        let mut by_rows: Vec<_> = rows(72, 700).chain(rows(330, 695)).collect();
        by_rows.sort_by_key(|(x, y, _)| (-y, *x));
        let columns = page(&draw(&by_rows));
        let texts: Vec<String> = columns.lines.iter().map(|l| l.text()).collect();
        assert_eq!((texts[0].as_str(), texts[11].as_str()), ("thing 0 of it 0 pounds", "thing 11 of it 11 pounds"));
        assert!(columns.lines[12].region > columns.lines[11].region && columns.lines[12].rect.x == 33_000);
        // A table as wide as the page has its cells on the same baselines.
        let mut wide: Vec<_> = rows(72, 700).chain(rows(330, 700)).collect();
        wide.sort_by_key(|(x, y, _)| (-y, *x));
        assert_eq!(lines(&draw(&wide))[0], "thing 0 of it 0 pounds thing 0 of it 0 pounds");
    }

    #[test]
    fn cells_that_overlap_tell_where_a_column_begins() {
        // Nine letters of Times end where the column begins; longer words reach into it.
        let words = ["Governance", "Bureaucracy", "Bureaucracy", "Hierarchy"];
        let rows: String =
            words.iter().zip([742, 728, 714, 700]).map(|(w, y)| at(72, y, 10, w) + &at(112, y, 10, "Hidden")).collect();
        let page = page(&rows);
        assert_eq!(page.lines[3].spans.iter().map(|s| s.text.as_str()).collect::<Vec<_>>(), ["Hierarchy", "Hidden"]);
    }

    #[test]
    fn a_word_too_long_for_its_cell_stays_in_its_line() {
        let row = |y| at(72, y, 10, "Companion") + &at(110, y, 10, "3") + &at(160, y, 10, "none");
        let page = page(&(row(700) + &row(686)));
        let cells: Vec<&str> = page.lines[0].spans.iter().map(|s| s.text.as_str()).collect();
        assert_eq!((page.lines.len(), cells), (2, vec!["Companion", "3", "none"]));
        // Text that was fitted to a width differs in size by a few percent.
        let fitted = at(72, 700, 10, "Companion") + "BT /F1 9.6 Tf 1 0 0 1 110 700 Tm (3) Tj ET\n" + &at(160, 700, 10, "none");
        assert_eq!(lines(&fitted).len(), 1);
    }

    #[test]
    fn a_heading_across_columns_is_a_region_of_its_own() {
        let mut by_rows = columns();
        by_rows.sort_by_key(|(x, y, _)| (-y, *x));
        let heading = at(72, 740, 24, "A heading that is as wide as the whole page");
        let page = page(&(heading + &draw(&by_rows)));
        let regions: Vec<u16> = page.lines.iter().map(|l| l.region).collect();
        assert_eq!(regions[0], 0);
        assert!(regions[1..11].iter().all(|r| *r == 1));
        assert!(regions[11..].iter().all(|r| *r == 2));
    }

    #[test]
    fn a_folio_in_the_middle_of_a_gutter_leaves_it_one() {
        // Lines of 222 pt from 72 and 309 pt on: 14 pt between them, and a folio of 5 pt in the middle.
        let line = |x, i: i32| (x, 700 - 14 * i, "and so the line runs on to the very edge of the column 1".to_owned());
        let mut both: Vec<_> = (0..12).map(|i| line(72, i)).chain((0..12).map(|i| line(309, i))).collect();
        both.push((299, 480, "1".to_owned()));
        let page = page(&draw(&both));
        let regions: Vec<u16> = page.lines.iter().map(|l| l.region).collect();
        assert!(regions[..12].iter().all(|r| *r == 0) && regions[12..24].iter().all(|r| *r == 1), "{regions:?}");
        assert_eq!(regions[24], 2);
    }

    #[test]
    fn a_hyphen_that_hangs_into_a_narrow_gutter_leaves_it_one() {
        let line = |x, i: i32| (x, 700 - 14 * i, "and so the line runs on to the very edge of the column 1".to_owned());
        let mut both: Vec<_> = (0..12).map(|i| line(72, i)).chain((0..12).map(|i| line(305, i))).collect();
        // The hyphen takes 3.3 of the 10.5 pt between the columns, the folio 5 of the rest.
        both[5].2.push('-');
        both.push((298, 480, "1".to_owned()));
        let regions: Vec<u16> = page(&draw(&both)).lines.iter().map(|l| l.region).collect();
        assert!(regions[..12].iter().all(|r| *r == 0) && regions[12..24].iter().all(|r| *r == 1), "{regions:?}");
        assert_eq!(regions[24], 2);
    }

    #[test]
    fn a_wrapped_cell_of_a_table_across_columns_stays_in_it() {
        let row = |y: i32, last: &str| {
            [(72, "Season"), (200, "Beasts of the woods and the heath"), (350, last)]
                .map(|(x, text)| (x, y, text.to_owned()))
                .to_vec()
        };
        let wrapped = vec![(350, 744, "to be found".to_owned())];
        let table = [row(770, "Where"), row(756, "In the beech woods where there is mast"), wrapped, row(730, "In the hills")];
        let mut columns = columns();
        let by_stream: Vec<_> = table.concat().into_iter().chain(columns.clone()).collect();
        columns.sort_by_key(|(x, y, _)| (-y, *x));
        let by_rows: Vec<_> = table.concat().into_iter().chain(columns).collect();
        for lines in [by_stream, by_rows] {
            let regions: Vec<u16> = page(&draw(&lines)).lines.iter().map(|l| l.region).collect();
            assert!(regions[..4].iter().all(|r| *r == regions[0]) && regions[4] > regions[3], "{regions:?}");
        }
    }

    #[test]
    fn a_drop_capital_begins_its_word() {
        let content = at(72, 676, 36, "T") + &at(96, 689, 10, "he orcs") + &at(96, 677, 10, "attack at dawn");
        assert_eq!(lines(&content), ["The orcs", "attack at dawn"]);
    }

    #[test]
    fn an_accent_drawn_apart_joins_its_letter() {
        // Octal 264 is the acute accent; it is moved back over the letter.
        assert_eq!(lines("BT /F1 10 Tf 72 700 Td [(the caf) (\\264) 380 (e is)] TJ ET"), ["the café is"]);
    }

    #[test]
    fn a_superscript_stays_in_its_line() {
        assert_eq!(
            lines("BT /F1 10 Tf 72 700 Td (word) Tj /F1 6 Tf 4 Ts (2) Tj 0 Ts /F1 10 Tf ( goes on) Tj ET"),
            ["word2 goes on"]
        );
    }

    #[test]
    fn what_no_reader_sees_is_marked_and_comes_last() {
        let content = "BT /F1 10 Tf 3 Tr 72 700 Td (hidden) Tj 0 Tr ET\n".to_owned()
            + "1 g "
            + &at(72, 680, 10, "white")
            + "0 g "
            + &at(5000, 660, 10, "far")
            + &at(72, 640, 10, "seen")
            + "0 0 1 rg 60 610 100 20 re f 1 g "
            + &at(72, 615, 10, "on blue");
        let page = page(&content);
        let found: Vec<(String, Visibility)> = page.lines.iter().map(|l| (l.text(), l.visibility)).collect();
        assert_eq!(
            found,
            [
                ("seen".to_owned(), Visibility::Visible),
                ("on blue".to_owned(), Visibility::Visible),
                ("hidden".to_owned(), Visibility::Invisible),
                ("white".to_owned(), Visibility::SameAsGround),
                ("far".to_owned(), Visibility::OffPage),
            ]
        );
    }

    #[test]
    fn rotated_text_says_so() {
        let page = page("BT /F1 10 Tf 0 1 -1 0 300 300 Tm (upwards) Tj ET");
        assert_eq!(page.lines[0].rotation, 270);
        assert_eq!(page.lines[0].text(), "upwards");
        assert!(page.lines[0].rect.h > page.lines[0].rect.w);
    }

    #[test]
    fn fonts_rulings_and_places_are_reported() {
        let page = page("BT /F2 12 Tf 72 700 Td (Bold) Tj ET 72 690 m 300 690 l S 72 600 100 50 re f");
        assert_eq!(page.fonts[0].name, "Times-Bold");
        assert!(page.fonts[0].bold && page.fonts[0].size == 1200);
        assert_eq!(page.lines[0].baseline, 9_200);
        assert_eq!((page.shapes.len(), page.shapes[0].filled, page.shapes[1].filled), (2, false, true));
    }

    #[test]
    fn what_lies_far_out_is_measured_like_any_other() {
        let far = |x: i32, size: i32, text: &str| format!("BT /F1 {size} Tf 1 0 0 1 {x} 700 Tm ({text}) Tj ET\n");
        let content = far(72, 10, "near") + &far(9_000_000, 9_000_000, "far out") + &far(-9_000_000, 9_000_000, "as far");
        assert!(lines(&content).iter().any(|l| l.contains("near")));
        let mut glyphs =
            read(&sample::from_contents(&[content.into_bytes()]).into(), Backend::Hayro, &crate::builtin::Limits::default())
                .unwrap()
                .remove(0);
        for (i, g) in glyphs.glyphs.iter_mut().enumerate() {
            let far = if i % 2 == 0 { 1_000_000_000 } else { -1_000_000_000 };
            (g.x, g.right, g.baseline, g.size) = (far, -far, far, 1_000_000_000);
        }
        assert!(lay_out(&glyphs).lines.iter().all(|l| l.rect.x.abs() <= FAR));
    }

    #[test]
    fn hostile_content_is_survived() {
        let mut nested = String::new();
        for _ in 0..200 {
            let _ = write!(nested, "q 1e30 0 0 1e30 0 0 cm BT /F1 1e30 Tf (x) Tj ");
        }
        page(&nested);
        page("BT /F9 10 Tf (no font) Tj ET Q Q Q EMC EMC 1 0 0 cm [ ( << /A");
        page("/Form Do /Im Do BI /W 1 /H 1 ID x");
    }
}

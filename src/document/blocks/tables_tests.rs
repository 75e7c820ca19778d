use super::*;
use crate::document::blocks::lines::{of_page, tests::page};
use crate::document::page_text::PageText;

fn rows(page: &PageText) -> Vec<Vec<String>> {
    let lines = of_page(1, page);
    let lines: Vec<Option<&Line<'_>>> = lines.iter().map(Some).collect();
    find(&lines, &page.shapes, &Lexicon::default()).into_iter().flat_map(|t| t.rows).map(|r| r.cells).collect()
}

#[test]
fn aligned_cells_are_rows_and_prose_is_not() {
    let table = page(&[
        (10000, &[(5000, 1500, 1, "Item"), (15000, 1500, 1, "Cost")]),
        (11400, &[(5000, 1500, 0, "Rope"), (15000, 800, 0, "5 gp")]),
        (12800, &[(5000, 2500, 0, "Lantern"), (15000, 900, 0, "10 gp")]),
    ]);
    assert_eq!(rows(&table), [["Item", "Cost"], ["Rope", "5 gp"], ["Lantern", "10 gp"]]);
    let prose = page(&[(10000, &[(5000, 20000, 0, "Some prose that runs on")]), (11200, &[(5000, 18000, 0, "and on and on.")])]);
    assert!(rows(&prose).is_empty());
}

#[test]
fn a_wrapped_cell_belongs_to_its_row() {
    let table = page(&[
        (10000, &[(5000, 500, 0, "1"), (8000, 9000, 0, "A sad, short tale about a")]),
        (11200, &[(8000, 4000, 0, "musician.")]),
        (14000, &[(5000, 500, 0, "2"), (8000, 9000, 0, "A celebrated song about a")]),
        (15200, &[(8000, 4000, 0, "carp.")]),
        (18000, &[(5000, 500, 0, "3"), (8000, 9000, 0, "A melody")]),
    ]);
    assert_eq!(
        rows(&table),
        [["1", "A sad, short tale about a musician."], ["2", "A celebrated song about a carp."], ["3", "A melody"]]
    );
}

#[test]
fn a_word_too_long_for_its_column_does_not_take_the_next_one_in() {
    let row = |y, first: &'static str, right, second: &'static str| {
        (y, [(5000, right, 0, first), (8000, 500, 0, second), (12000, 900, 0, "none")])
    };
    let lines = [
        row(10000, "Companion", 3600, "3"),
        row(11400, "Magus", 2200, "5"),
        row(12800, "Specialist", 3400, "2"),
        row(14200, "Horse", 2000, "1"),
    ];
    let lines: Vec<(i32, &[_])> = lines.iter().map(|(y, spans)| (*y, spans.as_slice())).collect();
    assert_eq!(
        rows(&page(&lines)),
        [["Companion", "3", "none"], ["Magus", "5", "none"], ["Specialist", "2", "none"], ["Horse", "1", "none"]]
    );
}

#[test]
fn tables_below_each_other_add_no_columns_to_each_other() {
    let row = |y, right, x| (y, [(5000, right, 0, "Name"), (x, 500, 0, "kind"), (16000, 900, 0, "none")]);
    let xs = [8000, 8000, 8000, 8400, 8400, 8400];
    let lines: Vec<_> = (0..6).map(|i| row(10000 + 1400 * i, 3500, xs[i as usize])).collect();
    let lines: Vec<(i32, &[_])> = lines.iter().map(|(y, spans)| (*y, spans.as_slice())).collect();
    assert!(rows(&page(&lines)).iter().all(|r| r == &["Name", "kind", "none"]));
}

#[test]
fn two_steps_between_lines_tell_the_rows_of_wrapped_cells() {
    let table = page(&[
        (10000, &[(5000, 1500, 0, "Repairs to the hall that"), (15000, 800, 0, "5 gp")]),
        (11000, &[(5000, 1500, 0, "stands by the river")]),
        (12130, &[(5000, 1500, 0, "Feed for the three"), (15000, 800, 0, "2 gp")]),
        (13130, &[(5000, 1500, 0, "horses")]),
        (14260, &[(5000, 1500, 0, "Candles"), (15000, 800, 0, "1 gp")]),
    ]);
    assert_eq!(
        rows(&table),
        [["Repairs to the hall that stands by the river", "5 gp"], ["Feed for the three horses", "2 gp"], ["Candles", "1 gp"]]
    );
}

#[test]
fn rows_below_a_header_set_apart_are_rows() {
    let table = page(&[
        (10000, &[(5000, 1500, 1, "Category"), (15000, 800, 1, "Damage")]),
        (11150, &[(5000, 1500, 0, "Light"), (15000, 800, 0, "1d")]),
        (12150, &[(5000, 1500, 0, "Medium"), (15000, 800, 0, "2d")]),
        (13150, &[(5000, 1500, 0, "Heavy"), (15000, 800, 0, "3d")]),
    ]);
    assert_eq!(rows(&table), [["Category", "Damage"], ["Light", "1d"], ["Medium", "2d"], ["Heavy", "3d"]]);
}

#[test]
fn the_last_first_cell_goes_on_in_a_line_closer_than_rows_are() {
    let table = page(&[
        (10000, &[(5000, 1500, 0, "Item"), (15000, 800, 0, "Cost")]),
        (11150, &[(5000, 1500, 0, "One book"), (15000, 800, 0, "2 gp")]),
        (12300, &[(5000, 1500, 0, "Ink for four books,"), (15000, 800, 0, "1 gp")]),
        (13300, &[(5000, 1500, 0, "unadorned")]),
        (15000, &[(5000, 9000, 0, "A paragraph comes after it.")]),
    ]);
    assert_eq!(rows(&table), [["Item", "Cost"], ["One book", "2 gp"], ["Ink for four books, unadorned", "1 gp"]]);
}

#[test]
fn a_row_cut_by_the_end_of_a_column_goes_on_in_the_table() {
    let table = page(&[
        (10000, &[(15000, 1500, 0, "cooper,")]),
        (11000, &[(15000, 1500, 0, "cobbler")]),
        (12300, &[(5000, 1500, 0, "Stores"), (15000, 1800, 0, "brewer"), (25000, 800, 0, "20%")]),
        (14000, &[(5000, 1500, 0, "Ink"), (15000, 1800, 0, "scribe"), (25000, 800, 0, "50%")]),
        (15500, &[(5000, 1500, 0, "Arms"), (15000, 1800, 0, "smith"), (25000, 800, 0, "50%")]),
    ]);
    assert_eq!(rows(&table)[..2], [["", "cooper, cobbler", ""], ["Stores", "brewer", "20%"]]);
    let below_text = page(&[
        (9800, &[(5000, 9000, 0, "A paragraph that runs on over them.")]),
        (11000, &[(15000, 1500, 0, "cooper,")]),
        (12300, &[(5000, 1500, 0, "Stores"), (15000, 1800, 0, "brewer"), (25000, 800, 0, "20%")]),
        (14000, &[(5000, 1500, 0, "Ink"), (15000, 1800, 0, "scribe"), (25000, 800, 0, "50%")]),
        (15500, &[(5000, 1500, 0, "Arms"), (15000, 1800, 0, "smith"), (25000, 800, 0, "50%")]),
    ]);
    assert_eq!(rows(&below_text)[0], ["Stores", "brewer", "20%"]);
}

#[test]
fn bullets_are_no_column() {
    let list = page(&[
        (10000, &[(5000, 300, 0, "•"), (6500, 9000, 0, "One thing")]),
        (11200, &[(5000, 300, 0, "•"), (6500, 9000, 0, "Another")]),
        (12400, &[(5000, 300, 0, "•"), (6500, 9000, 0, "A third")]),
    ]);
    assert!(rows(&list).is_empty());
}

#[test]
fn header_cells_on_baselines_of_their_own_are_one_row() {
    let table = page(&[
        (10000, &[(15000, 3000, 1, "Desired Effect")]),
        (10750, &[(5000, 3000, 1, "Ease Factor")]),
        (12100, &[(5000, 500, 0, "6"), (15000, 9000, 0, "Turn a man against his neighbor,")]),
        (13250, &[(15000, 6000, 0, "or against his partner.")]),
        (14400, &[(5000, 500, 0, "9"), (15000, 9000, 0, "Turn a man against his wife.")]),
        (15550, &[(5000, 500, 0, "12"), (15000, 9000, 0, "Turn a man against his kin.")]),
    ]);
    // A stream that goes back up from the first cell to the second writes the cells of a row.
    let mut text = table;
    text.lines.swap(0, 1);
    assert_eq!(
        rows(&text),
        [
            ["Ease Factor", "Desired Effect"],
            ["6", "Turn a man against his neighbor, or against his partner."],
            ["9", "Turn a man against his wife."],
            ["12", "Turn a man against his kin."]
        ]
    );
    // With one row below them they are a table that the end of the column cuts.
    text.lines.truncate(3);
    assert_eq!(rows(&text), [["Ease Factor", "Desired Effect"], ["6", "Turn a man against his neighbor,"]]);
}

#[test]
fn the_first_cell_of_a_row_torn_by_the_end_of_the_column_is_a_row() {
    let table = page(&[
        (10000, &[(5000, 500, 1, "1"), (8000, 9000, 0, "A sad tale")]),
        (11500, &[(5000, 500, 1, "2"), (8000, 9000, 0, "A celebrated song")]),
        (13000, &[(5000, 500, 1, "3"), (8000, 9000, 0, "A melody")]),
        (14500, &[(5000, 500, 1, "4")]),
    ]);
    assert_eq!(rows(&table)[3], ["4", ""]);
    let bold_name = page(&[
        (10000, &[(5000, 500, 1, "1"), (7000, 2000, 1, "Pit"), (12000, 9000, 0, "A pit opens")]),
        (11500, &[(5000, 500, 1, "2"), (7000, 2000, 1, "Push"), (12000, 9000, 0, "An object moves")]),
        (13000, &[(5000, 500, 1, "3"), (7000, 2000, 1, "Scry")]),
    ]);
    assert_eq!(rows(&bold_name)[2], ["3", "Scry", ""]);
    // Followed by text of its column it is no cell.
    let text = page(&[
        (10000, &[(5000, 500, 1, "1"), (8000, 9000, 0, "A sad tale")]),
        (11500, &[(5000, 500, 1, "2"), (8000, 9000, 0, "A celebrated song")]),
        (13000, &[(5000, 500, 1, "3"), (8000, 9000, 0, "A melody")]),
        (14500, &[(5000, 500, 1, "4")]),
        (16000, &[(5000, 15000, 0, "Some text that follows")]),
    ]);
    assert_eq!(rows(&text).len(), 3);
}

#[test]
fn the_rest_of_a_torn_row_stands_a_step_of_rows_above_the_next() {
    let table = page(&[
        (10000, &[(8000, 9000, 0, "Gathered from a river that flows")]),
        (11050, &[(8000, 4000, 0, "from the other side.")]),
        (12550, &[(5000, 500, 0, "4"), (8000, 9000, 0, "The reed fisher")]),
        (14050, &[(5000, 500, 0, "5"), (8000, 9000, 0, "The silver stream")]),
        (15550, &[(5000, 500, 0, "6"), (8000, 9000, 0, "The thrush")]),
    ]);
    assert_eq!(rows(&table)[0], ["", "Gathered from a river that flows from the other side."]);
}

#[test]
fn a_lone_word_too_long_for_its_column_does_not_end_the_table() {
    let row = |y, first: &'static str| (y, [(5000, 2000, 0, first), (8000, 500, 0, "2"), (12000, 900, 0, "none")]);
    let table = [row(10000, "Magus"), row(11400, "Specialist,"), row(13900, "Horse"), row(15300, "Noble")];
    let mut lines: Vec<(i32, &[_])> = table.iter().map(|(y, spans)| (*y, spans.as_slice())).collect();
    lines.insert(2, (12500, &[(5000, 3100, 0, "Craftsman")]));
    assert_eq!(
        rows(&page(&lines)),
        [["Magus", "2", "none"], ["Specialist, Craftsman", "2", "none"], ["Horse", "2", "none"], ["Noble", "2", "none"]]
    );
}

#[test]
fn a_word_that_overflows_in_larger_type_leaves_a_river() {
    let row = |y, font, right| (y, [(5000, right, font, "Word"), (8000, 900, font, "none")]);
    let table = [row(10000, 0, 3300), row(11400, 2, 2000), row(12800, 0, 2000), row(14200, 2, 3300)];
    let lines: Vec<(i32, &[_])> = table.iter().map(|(y, spans)| (*y, spans.as_slice())).collect();
    let mut text = page(&lines);
    text.fonts.push(crate::document::page_text::FontStyle { size: 1200, name: "Body".into(), ..Default::default() });
    assert!(rows(&text).len() == 4 && rows(&text).iter().all(|r| r == &["Word", "none"]));
}

#[test]
fn lines_whose_cells_all_go_on_in_small_letters_open_no_row() {
    let table = page(&[
        (10000, &[(5000, 4000, 0, "Purchase of a horse"), (15000, 800, 0, "1 pound")]),
        (11040, &[(5000, 6000, 0, "Hire of one workman (paid"), (15000, 500, 0, "2")]),
        (11950, &[(5000, 4000, 0, "two pence per day)"), (15000, 800, 0, "pounds")]),
        (12990, &[(5000, 6000, 0, "Hire of one craftsman (paid"), (15000, 500, 0, "5")]),
        (13900, &[(5000, 4000, 0, "five pence per day)"), (15000, 800, 0, "pounds")]),
    ]);
    let wanted = [
        ["Purchase of a horse", "1 pound"],
        ["Hire of one workman (paid two pence per day)", "2 pounds"],
        ["Hire of one craftsman (paid five pence per day)", "5 pounds"],
    ];
    assert_eq!(rows(&table), wanted);
    let mut even = table;
    for (i, line) in even.lines.iter_mut().enumerate() {
        line.baseline = 10000 + 1000 * i as i32;
    }
    assert_eq!(rows(&even), wanted);
}

#[test]
fn a_header_over_two_columns_is_a_row_above_theirs() {
    let row = |y, a: &'static str| {
        (y, [(5000, 2000, 0, a), (10000, 300, 0, "1"), (14000, 300, 0, "0"), (18000, 300, 0, "2"), (22000, 300, 0, "5")])
    };
    let body = [row(13000, "Road"), row(14500, "Heath"), row(16000, "Marsh")];
    let mut lines: Vec<(i32, &[_])> =
        vec![(10000, &[(5000, 2500, 1, "Terrain"), (11000, 4000, 1, "By day"), (19000, 4000, 1, "By night")])];
    lines.push((11500, &[(9500, 2000, 1, "Walk"), (13500, 2000, 1, "Ride"), (17500, 2000, 1, "Walk"), (21500, 2000, 1, "Ride")]));
    lines.extend(body.iter().map(|(y, spans)| (*y, spans.as_slice())));
    let found = rows(&page(&lines));
    assert_eq!(found[0], ["Terrain", "By day", "", "By night", ""]);
    assert_eq!((&found[1][1..], found[2][0].as_str()), (&["Walk", "Ride", "Walk", "Ride"].map(String::from)[..], "Road"));
}

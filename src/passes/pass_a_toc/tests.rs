use super::*;
use crate::document::flow::{FlowBlock, FlowKind, FlowText};

#[test]
fn unknown_and_wrong_params_are_named() {
    assert!(check_params(&default_params(&serde_json::Map::new())).is_ok());
    assert_eq!(check_params(&serde_json::json!({ "outlines": true })).unwrap_err().0, "outlines");
    assert_eq!(check_params(&serde_json::json!({ "outline": 3 })).unwrap_err().0, "outline");
    let of_depth = |n: i64| check_params(&serde_json::json!({ "max_outline_depth": n })).map_err(|(_, why)| why);
    assert_eq!((of_depth(1), of_depth(64)), (Ok(()), Ok(())));
    assert_eq!((of_depth(0), of_depth(65)), (Err("must be from 1 to 64".into()), Err("must be from 1 to 64".into())));
}

#[test]
fn a_flow_gives_sections_with_anchors() {
    let block = |kind, text: &str, anchor: &str| FlowBlock { kind, text: text.into(), rows: Vec::new(), anchor: anchor.into() };
    let blocks = vec![
        block(FlowKind::Heading { level: 1 }, "The Vale", "the-vale"),
        block(FlowKind::Paragraph, "Text.", "the-vale"),
        block(FlowKind::Heading { level: 3 }, "Inns", "inns"),
    ];
    let flow = TextUnit::Flow(FlowText { title: String::new(), blocks, notes: Vec::new() });
    let item = Item { id: "s".into(), source_id: "s".into(), path: "a/vale.md".into() };
    let out = run(
        Inputs { item: &item, source: b"# The Vale", lines: &[flow], vocabulary: Vocabulary::bundled().unwrap() },
        &Params::default(),
        &Limits::default(),
    )
    .unwrap();
    assert_eq!(out.toc.title, "The Vale");
    assert_eq!(out.toc.sections[1].level, 2);
    assert_eq!(out.toc.sections[1].parent_id.as_ref(), Some(&out.toc.sections[0].section_id));
    assert_eq!(out.toc.sections[1].anchor.as_deref(), Some("inns"));
}

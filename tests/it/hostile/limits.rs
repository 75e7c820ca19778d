//! Limits that the Ingestfile sets: what passes one fails by name, and only until the limit is raised.

use super::*;

fn with_limits(p: &Project, limits: &str) {
    let ingestfile = std::fs::read_to_string(repository().join("Ingestfile.toml")).unwrap();
    p.ingestfile(&format!("{ingestfile}\n[limits]\n{limits}\n"));
}

#[test]
fn a_document_that_failed_on_a_limit_is_tried_again_when_that_limit_is_raised() {
    let pages: Vec<Vec<u8>> = (0..12).map(|i| if i == 0 { page_about("bridge keeper") } else { Vec::new() }).collect();
    let p = beside(&[("long.pdf", pdf(&pages, plain))]);
    with_limits(&p, "pages = 10");
    build(&p).fails(1).failed(&["pages long.pdf"]).stderr_has("the PDF has 12 pages; `pages` in `[limits]` allows 10");
    build(&p).fails(1).ran(&[]);
    with_limits(&p, "pages = 10\nnesting = 300");
    build(&p).fails(1).ran(&[]);
    p.run(&["why", "pages:long.pdf"]).ok().stdout_has("the PDF has 12 pages");

    with_limits(&p, "pages = 11");
    p.run(&["why", "pages:long.pdf"]).ok().stdout_has("it failed on the limit `pages`, which was raised from 10 to 11");
    build(&p).fails(1).failed(&["pages long.pdf"]).stderr_has("`pages` in `[limits]` allows 11");
    with_limits(&p, "pages = 12");
    let built = all_are_built(&p, 3);
    assert!(built.with_outcome("ran").contains(&"pages long.pdf".to_owned()), "{}", built.stderr);
    assert!(!built.with_outcome("ran").contains(&format!("pages {GOOD_PDF}")), "{}", built.stderr);

    // What was made under one limit is what would be made under another.
    with_limits(&p, "pages = 10");
    build(&p).ok().ran(&[]);
}

//! Vocabulary files: any text is taken or refused with places inside it; what is taken finds expressions, references and
//! entries that lie in whatever it is asked about, twice the same way.

use ingest::document::vocabulary::{Text, compose, usual};
use ingest::document::{expressions, references::find::references};

/// Between the file and what is printed in a book.
const LINE: &str = "\n====\n";

pub fn run(data: &[u8]) {
    crate::guarded(|| {
        let text = String::from_utf8_lossy(data);
        let (text, printed) = text.split_once(LINE).unwrap_or((&text, "Roll 2d6+1 (see page 12). Swell 4."));
        let made = match compose(&usual(), &[Text { name: "words.toml", text }]) {
            Ok(made) => made,
            Err(problems) => {
                assert!(!problems.is_empty(), "refused, and nothing is wrong");
                for problem in &problems {
                    assert!(problem.span.start <= problem.span.end, "{problem}");
                    assert!(!problem.render(false).is_empty() && problem.line_column() >= (1, 1), "{problem}");
                }
                return;
            }
        };
        let length = u32::try_from(printed.chars().count()).expect("the fuzzer's inputs are short");
        let found = expressions::find(printed, &made.expressions);
        assert!(found.windows(2).all(|w| w[0].end <= w[1].start) && found.iter().all(|e| e.start < e.end && e.end <= length));
        assert_eq!(found, expressions::find(printed, &made.expressions), "found otherwise the second time");
        let leads = references(printed, &made.references);
        assert!(leads.windows(2).all(|w| w[0].end <= w[1].start) && leads.iter().all(|r| r.start < r.end && r.end <= length));
        assert!(leads.iter().all(|r| !r.target.is_empty()), "a reference to nothing");
        for title in printed.lines() {
            let named = made.entry(title).map(|(kind, _)| kind).or_else(|| made.kind_of_heading(title));
            assert!(named.is_none_or(|kind| made.kinds.iter().any(|k| k.kind == kind)), "a kind that nobody declares");
        }
    });
}

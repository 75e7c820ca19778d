//! Pass F of the sample books: book by book, folded into one report that says what one look at everything says.

use crate::books::books;
use crate::project::Project;

const RULE: &str = "run     = \"validate\"\neach    = \"source\"\n";

/// The sample books with pass F as `rule` says.
fn with(rule: &str) -> Project {
    books().edit("Ingestfile.toml", RULE, rule)
}

#[test]
fn a_rule_that_does_not_say_each_goes_by_source_all_the_same() {
    let p = with("run = \"validate\"\n");
    p.build(&[]).ok().nothing_to_do();
}

#[cfg(unix)]
#[test]
fn a_rule_that_reads_something_of_the_whole_job_looks_at_everything_at_once_and_says_the_same() {
    let p = books();
    let names = ["passF_clean.json", "passF_cleanup.json"];
    let before = names.map(|n| p.artifact(n));
    // A copy of the contents that knows no source.
    let copied = "[rule.contents]\ninputs = { toc = \"passA.toc\" }\ncommand = \"cat {toc} > {all}\"\noutputs = { all = { path = \"all.json\", publish = false } }\n\n[rule.passF]\n";
    p.edit("Ingestfile.toml", "[rule.passF]\n", copied);
    p.edit("Ingestfile.toml", RULE, "run = \"validate\"\n");
    p.edit(
        "Ingestfile.toml",
        "inputs  = { toc = \"passA.toc\", dictionary = \"passA.dictionary\", coverage",
        "inputs = { toc = \"contents.all\", dictionary = \"passA.dictionary\", coverage",
    );
    p.build(&[]).ok().ran(&["contents", "passF"]);
    assert_eq!(names.map(|n| p.artifact(n)), before);
}

#[test]
fn a_check_that_fails_fails_the_pass_and_publishes_nothing_of_it() {
    let p = with("run = \"validate\"\neach = \"source\"\nparams = { dictionary_ratio_fail = 50.0 }\n");
    let before = p.artifact("passF_clean.json");
    let book = "fixtures/uploads/sunken-reach-setting.md";
    let text = format!("{}\n\n## Lamplighters\n\nThe lamplighters of the reach are paid 3 gp a night.\n", p.text(book));
    p.file(book, text);
    for _ in 0..2 {
        p.build(&[]).fails(1).stderr_has("checks failed: `chunk_dictionary_ratio` is ");
        assert_eq!(p.record("F")["status"], "FAILED");
        assert!(p.record("F")["error"].to_string().contains("checks failed: `chunk_dictionary_ratio`"), "{}", p.record("F"));
        assert_eq!(p.artifact("passF_clean.json"), before);
    }
    p.edit("Ingestfile.toml", "dictionary_ratio_fail = 50.0", "fail_on = false").build(&[]).ok();
    assert!(p.artifact("passF_clean.json").contains("paid 3 gp a night"));
}

#[test]
fn a_report_is_judged_as_a_whole_by_its_schema() {
    let p = books();
    let schema = "schemas/passF_cleanup.schema.json";
    p.edit(schema, "\"stale_deleted\"", "\"stale_dropped\"");
    p.build(&[]).fails(1).stderr_has("the gate of `passF_cleanup.json` rejected it");
}

#[cfg(unix)]
#[test]
fn whoever_reads_the_report_reads_that_of_the_job() {
    let rule = "[rule.told]\neach = \"source\"\ninputs = { report = \"passF.cleanup\" }\ncommand = \"cat {report} > {out}\"\noutputs = { out = \"told/{id}.json\" }\n";
    let p = books();
    p.ingestfile(&format!("{}\n{rule}", p.text("Ingestfile.toml"))).build(&[]).ok();
    assert_eq!(p.artifact("told/sunken-reach-setting.md.json"), p.artifact("passF_cleanup.json"));
}

use serde_json::json;

use super::*;
use crate::builtin::{Item, Limits, Merge, OutputPort};

fn work(item: &Item, inputs: &Inputs, params: &Value, _: &Limits) -> Result<Vec<(&'static str, Output)>, Failure> {
    let text = inputs.file("text")?;
    if text.bytes.is_empty() {
        return Err(Failure::new(FailureKind::NotReadable, "it holds nothing"));
    }
    assert_ne!(&*text.bytes, b"panic", "told to");
    let mut lines = inputs.tree("lines").map(|l| l.map(|f| f.unwrap().name).collect::<Vec<_>>()).unwrap_or_default();
    lines.extend(inputs.files("words").map(|f| f.unwrap()).map(|(name, bytes)| format!("{name} of {}", bytes.len())));
    let seen = json!([item.id, text.name, params["n"], lines]);
    let page = NamedBytes { name: "a/0001.txt".into(), bytes: text.bytes.clone(), attrs: "{}".into() };
    Ok(vec![("pages", Output::Tree(vec![page])), ("seen", Output::File(seen.to_string().into_bytes()))])
}

fn check(params: &Value) -> Result<(), (String, String)> {
    params["n"].as_u64().map(drop).ok_or_else(|| ("n".to_owned(), "it must be a number".to_owned()))
}

static BUILTIN: Builtin = Builtin {
    name: "echo",
    about: "",
    inputs: &["text", "lines?", "words*"],
    outputs: &[
        OutputPort { name: "seen", tree: false, merge: Merge::Splice, split: None, projections: &[], count: None },
        OutputPort { name: "pages", tree: true, merge: Merge::Splice, split: None, projections: &[], count: None },
    ],
    default_params: |_| json!({"n": 7}),
    check_params: check,
    run: work,
    fingerprint: "",
};

struct Lab(tempfile::TempDir);

impl Lab {
    fn new() -> Self {
        let lab = Self(tempfile::tempdir().unwrap());
        lab.file("inputs/text.txt", b"hello").file("inputs/lines/0001.json", b"{}");
        lab
    }

    fn file(&self, name: &str, bytes: &[u8]) -> &Self {
        let at = self.0.path().join(name);
        disk::create_dir_all(at.parent().unwrap()).unwrap();
        disk::write(&at, bytes).unwrap();
        self
    }

    fn ask(&self, request: &Value) -> Result<Response, RequestError> {
        self.file("request.json", request.to_string().as_bytes());
        carry_out(&BUILTIN, &self.0.path().join("request.json"), &|_| Some(4))
    }

    fn read(&self, name: &str) -> String {
        disk::read_to_string(&self.0.path().join(name)).unwrap()
    }

    fn refusal(&self, change: Value) -> String {
        let mut request = request();
        let (Value::Object(all), Value::Object(change)) = (&mut request, change) else { panic!() };
        all.extend(change);
        self.ask(&request).unwrap_err().to_string()
    }
}

fn request() -> Value {
    json!({"version": 1, "rule": "echo", "inputs": {"text": "inputs/text.txt"}})
}

#[test]
fn a_request_is_carried_out_with_defaults() {
    let lab = Lab::new();
    let mut request = request();
    request["item"] = json!({"id": "x", "source_id": "x", "path": "x.txt"});
    request["inputs"]["lines"] = json!(["inputs/lines/0001.json"]);
    let response = lab.ask(&request).unwrap();
    assert_eq!(lab.read("outputs/seen.json"), r#"["x","text.txt",7,["0001.json"]]"#);
    assert_eq!(lab.read("outputs/pages/a/0001.txt"), "hello");
    assert_eq!(response.status, ResponseStatus::Success);
    assert_eq!(response.outputs["seen"].items, 4);
    assert_eq!(response.outputs["pages"].files[0].attrs, "{}");
    assert_eq!(serde_json::from_str::<Response>(&lab.read(RESPONSE)).unwrap(), response);
}

#[test]
fn any_number_of_files_may_be_given_where_a_built_in_takes_them() {
    let lab = Lab::new();
    lab.file("a.toml", b"a").file("more/b.toml", b"bb");
    let mut request = request();
    request["inputs"]["words"] = json!(["more/b.toml", "a.toml"]);
    lab.ask(&request).unwrap();
    assert_eq!(lab.read("outputs/seen.json"), r#"["","text.txt",7,["more/b.toml of 2","a.toml of 1"]]"#);
    request["inputs"]["words"] = json!("a.toml");
    lab.ask(&request).unwrap();
    assert_eq!(lab.read("outputs/seen.json"), r#"["","text.txt",7,["a.toml of 1"]]"#);
    assert!(lab.refusal(json!({"inputs": {"text": "inputs/text.txt", "words": ["../x"]}})).starts_with("the input"));
}

#[test]
fn a_second_run_replaces_the_tree_of_the_first() {
    let lab = Lab::new();
    lab.ask(&request()).unwrap();
    lab.file("outputs/pages/old.txt", b"old");
    lab.ask(&request()).unwrap();
    assert!(!disk::exists(&lab.0.path().join("outputs/pages/old.txt")));
    lab.file("mine/old.txt", b"old");
    assert_eq!(lab.refusal(json!({"outputs": {"pages": "mine"}})), "`mine` is not empty");
}

#[test]
fn a_failure_is_a_response_and_a_panic_is_a_failure() {
    let lab = Lab::new();
    let failure = |bytes: &[u8]| lab.file("inputs/text.txt", bytes).ask(&request()).unwrap().failure.unwrap();
    assert_eq!(failure(b"").message, "it holds nothing");
    assert_eq!(failure(b"panic").kind, FailureKind::Panic);
    assert!(lab.read(RESPONSE).contains("\"FAILED\""));
}

#[test]
fn a_name_that_leaves_the_folder_is_refused() {
    let lab = Lab::new();
    for name in ["../x", "/etc/passwd", "a\\b", ""] {
        assert!(lab.refusal(json!({"inputs": {"text": name}})).starts_with("the input"), "{name}");
        assert!(lab.refusal(json!({"outputs": {"seen": name}})).starts_with("the output"), "{name}");
    }
    for name in ["request.json", "response.json", "inputs/text.txt", "inputs", "outputs/pages/x"] {
        let message = lab.refusal(json!({"outputs": {"seen": name, "pages": "outputs/pages"}}));
        assert!(message.contains("something else of the request has that place"), "{name}: {message}");
    }
}

#[cfg(unix)]
#[test]
#[allow(clippy::disallowed_methods, reason = "a test makes a link")]
fn a_link_out_of_the_folder_is_refused() {
    let (lab, outside) = (Lab::new(), tempfile::tempdir().unwrap());
    disk::write(&outside.path().join("secret"), b"x").unwrap();
    std::os::unix::fs::symlink(outside.path(), lab.0.path().join("out")).unwrap();
    assert!(lab.refusal(json!({"inputs": {"text": "out/secret"}})).ends_with("a link leads out of the request's folder"));
    assert!(lab.refusal(json!({"outputs": {"seen": "out/new.json"}})).ends_with("a link leads out of the request's folder"));
}

#[test]
fn what_a_request_gets_wrong_is_named() {
    let lab = Lab::new();
    assert_eq!(lab.refusal(json!({"inputs": {}})), "the request gives no input `text`, which `echo` needs");
    assert_eq!(lab.refusal(json!({"inputs": {"txt": "x"}})), "`echo` has no input `txt`");
    assert_eq!(lab.refusal(json!({"outputs": {"sen": "x"}})), "`echo` has no output `sen`");
    assert_eq!(lab.refusal(json!({"params": {"m": 1}})), "param `m`: `echo` has no such param; it has `n`");
    assert_eq!(lab.refusal(json!({"params": {"n": "x"}})), "param `n`: it must be a number");
    assert!(lab.refusal(json!({"version": 2})).ends_with("is of version 2; this `ingest` reads version 1"));
    assert!(lab.refusal(json!({"nonsense": 2})).contains("is no request: unknown field `nonsense`"));
    let missing = lab.refusal(json!({"inputs": {"text": "inputs/none.txt"}}));
    assert!(missing.contains("none.txt"), "{missing}");
    assert!(!disk::exists(&lab.0.path().join(RESPONSE)));
}

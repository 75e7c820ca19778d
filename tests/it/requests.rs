//! Commands that are told all by a request: one item, many at once, or request after request; what they answer, and what
//! becomes of the rest when one of them dies, hangs, lies or says what is no answer.

use serde_json::{Value, json};

use crate::project::Project;

/// `{"version":1,…}` as a shell writes it; `%s` are the item, the outputs and the error.
const RESPONSE: &str = r#"'{"version":1,"tool":{"name":"sh","version":"7"},"item":"%s","outputs":[%s],"counts":{"words":3},"tokens":{"input":5},"warnings":[%s],"error":%s'"#;

/// What is done for one item, by what its source says: `$folder`, `$item` and the path of the source are known.
const WORK: &str = r#"
say() { printf RESPONSE "$item" "$1" "$2" "$3"; }
error() { say '' '' "{\"kind\":\"$1\",\"message\":\"$2\",\"hint\":$3,\"retry\":$4}"; }
work() {
  case $(cat "$folder/inputs/source.txt") in
    die*)   echo "about to die" >&2; exit 7 ;;
    hang*)  sleep 100 ;;
    junk*)  printf 'no json' ;;
    other*) item=somebody; say '"out"' '' null ;;
    lie*)   say '"out"' '' null ;;
    none*)  say '' '' null ;;
    bad*)   error bad_document 'the page is torn' '"glue it"' false ;;
    setup*) error missing_package 'no such package' '"pip install it"' false ;;
    brief*) (sleep 0.2; kill -9 $$) > /dev/null 2>&1 < /dev/null & cp "$folder/inputs/source.txt" "$folder/outputs/out.txt"; say '"out"' '' null ;;
    again*) if mkdir once 2> /dev/null; then error internal 'not now' null true; else cp "$folder/inputs/source.txt" "$folder/outputs/out.txt"; say '"out"' '' null; fi ;;
    *)      cp "$folder/inputs/source.txt" "$folder/outputs/out.txt"; say '"out"' '"mind the gap"' null ;;
  esac
}
"#;

/// Answers request after request; writes down that it began.
const WORKER: &str = r#"
echo began >> began.txt
item=''; say '' '' null; echo ',"ready":READY}'
while IFS= read -r line; do
  id=$(printf '%s' "$line" | sed 's/.*"id":\([0-9][0-9]*\),.*/\1/')
  folder=$(printf '%s' "$line" | sed 's/.*"folder":"\([^"]*\)".*/\1/')
  item=$(printf '%s' "$line" | sed 's/.*"item":{"id":"\([^"]*\)".*/\1/')
  work; printf ',"id":%s,"index":0}\n' "$id"
done
"#;

/// Answers each request of a batch in its folder.
const BATCH: &str = r#"
echo began >> began.txt
for folder in $(sed -n 's/.*"folder": "\([^"]*\)".*/\1/p' "$1"); do
  item=$(sed -n 's/.*"source_id": "\([^"]*\)".*/\1/p' "$folder/request.json")
  work > "$folder/response.new"; echo '}' >> "$folder/response.new"
  mv "$folder/response.new" "$folder/response.json"
done
"#;

/// Answers the one request.
const ONE: &str = r#"
folder=$(dirname "$1"); item=$(sed -n 's/.*"source_id": "\([^"]*\)".*/\1/p' "$1")
grep -o '"params": .*' "$1" >> params.txt
{ work; echo '}'; } > "$folder/response.json"
"#;

fn script(way: &str) -> String {
    (WORK.replace("RESPONSE", RESPONSE) + way).replace("READY", "true")
}

fn rule(more: &str) -> String {
    format!(
        "version = 1\n\n[job]\nsources = \"uploads\"\non_error = \"quarantine\"\n\n[pool.one]\nsize = 1\n\n[rule.use]\npass = \"C\"\n\
         each = \"source\"\ninputs = {{ source = \"source\" }}\noutputs = {{ out = \"out/{{id}}.txt\" }}\npool = \"one\"\n{more}\n"
    )
}

fn worker(sources: &[(&str, &str)]) -> Project {
    let rule = rule("command = [\"sh\", \"do.sh\"]\nfiles = [\"do.sh\"]\nworker = true\ntimeout_s = 2");
    with(Project::new(&rule).file("do.sh", script(WORKER)), sources)
}

fn with(p: Project, sources: &[(&str, &str)]) -> Project {
    sources.iter().fold(p, |p, (name, text)| p.source(name, text))
}

fn began(p: &Project) -> usize {
    p.text("began.txt").lines().count()
}

#[test]
fn a_worker_stays_for_all_items() {
    let p = worker(&[("a.txt", "1"), ("b.txt", "2"), ("c.txt", "3")]);
    p.build(&["-j", "4"]).ok().ran(&["use a.txt", "use b.txt", "use c.txt"]);
    assert_eq!((began(&p), p.artifact("out/b.txt.txt")), (1, "2".to_owned()));
    p.build(&[]).nothing_to_do();
    p.leaves_nothing_behind();
}

#[test]
fn what_a_response_tells_is_told() {
    let p = worker(&[("a.txt", "1")]);
    let built = p.build(&[]);
    built.ok().stderr_has("`use` of a.txt: mind the gap");
    let ended = built.events.iter().find(|e| e["event"] == "action_ended").unwrap();
    assert_eq!(ended["tool"], "sh 7");
    assert_eq!(ended["items"], json!([["out", 1], ["words", 3], ["input_tokens", 5]]));
}

#[test]
fn one_item_that_goes_wrong_takes_no_other_with_it() {
    let sources = ["die", "hang", "junk", "other", "lie", "none", "bad", "good 1", "good 2"];
    let sources: Vec<(String, &str)> = sources.iter().enumerate().map(|(i, text)| (format!("{i}.txt"), *text)).collect();
    let p = sources.iter().fold(worker(&[]), |p, (name, text)| p.source(name, text));
    let built = p.build(&[]);
    built.fails(1).ran(&["use 7.txt", "use 8.txt"]);
    for said in [
        "the worker ended with exit code 7 before it answered and said:\n  about to die",
        "the command ran longer than its 2 s (`timeout_s`)",
        "the response of the command is refused: expected ident at line 1 column 2",
        "the response of the command is refused: it is about the item `somebody`, and was asked for `3.txt`",
        "the command did not write its output `out`",
        "the page is torn; glue it",
    ] {
        built.stderr_has(said);
    }
    // One for the first, and another one after each that had to be ended.
    assert_eq!(began(&p), 4);
    // What it says of a document it would say each time; the rest is tried again.
    let again = p.build(&[]);
    again.fails(1).ran(&[]);
    let started = again.started();
    assert_eq!(started, ["use 0.txt", "use 1.txt", "use 2.txt", "use 3.txt", "use 4.txt", "use 5.txt"]);
    let mended = (0..7).fold(p.clone(), |p, i| p.source(&format!("{i}.txt"), "good"));
    mended.build(&[]).ok();
    p.build(&[]).nothing_to_do();
}

#[test]
fn a_worker_that_ends_while_nobody_asks_it_costs_no_item() {
    let late = "[rule.late]\neach = \"source\"\ninputs = { source = \"source\" }\noutputs = { late = \"late/{id}.txt\" }\n\
                command = \"if grep -q late {source}; then sleep 1; fi; cp {source} {late}\"\n";
    let rule =
        rule("command = [\"sh\", \"do.sh\"]\nfiles = [\"do.sh\"]\nworker = true").replace("\"source\" }", "\"late.late\" }");
    let p = Project::new(&(rule + late)).file("do.sh", script(WORKER));
    with(p.clone(), &[("a.txt", "brief"), ("b.txt", "late")]).build(&["-j", "2"]).ok().ran(&[
        "late a.txt",
        "late b.txt",
        "use a.txt",
        "use b.txt",
    ]);
    assert_eq!(began(&p), 2);
    p.leaves_nothing_behind();
}

#[test]
fn what_asks_for_it_is_tried_once_more() {
    let p = worker(&[("a.txt", "again"), ("b.txt", "1")]);
    p.build(&[]).ok().ran(&["use a.txt", "use b.txt"]);
    assert!(p.exists("once"));
}

#[test]
fn a_worker_that_cannot_begin_is_not_started_for_each_item() {
    let p = worker(&[("a.txt", "1"), ("b.txt", "2")]);
    let script = "echo began >> began.txt\n".to_owned()
        + &WORK.replace("RESPONSE", RESPONSE)
        + "item=''; error missing_package 'no `spacy`' '\"make the environment\"' false; echo ',\"ready\":false}'\n";
    let built = p.file("do.sh", script).build(&[]);
    built.fails(1).failed(&["use a.txt", "use b.txt"]).stderr_has("no `spacy`").stderr_has("make the environment");
    assert_eq!(began(&p), 1);
    // It is not the document's fault, and is tried again.
    p.file("do.sh", self::script(WORKER)).build(&[]).ok().ran(&["use a.txt", "use b.txt"]);
}

#[test]
fn a_batch_is_one_process_and_a_death_costs_one_item() {
    let rule = rule("command = [\"sh\", \"do.sh\", \"{request}\"]\nfiles = [\"do.sh\"]\nbatch = 16");
    let p = Project::new(&rule).file("do.sh", script(BATCH));
    let p = with(p, &[("a.txt", "1"), ("b.txt", "die"), ("c.txt", "3"), ("d.txt", "4")]);
    let built = p.build(&["-j", "4"]);
    built.fails(1).ran(&["use a.txt", "use c.txt", "use d.txt"]).failed(&["use b.txt"]);
    built.stderr_has("the command ended with exit code 7 and said:\n  about to die");
    assert_eq!(began(&p), 2);
    p.source("b.txt", "2").build(&[]).ok().ran(&["use b.txt"]);
    assert_eq!((began(&p), p.artifact("out/c.txt.txt")), (3, "3".to_owned()));
    p.leaves_nothing_behind();
}

#[test]
fn a_pool_holds_no_more_than_its_size() {
    let command = "mkdir in && sleep 0.1 && rmdir in && cp {source} {out}";
    let p = Project::new(&rule(&format!("command = \"{command}\"")));
    with(p, &[("a.txt", "1"), ("b.txt", "2"), ("c.txt", "3"), ("d.txt", "4")]).build(&["-j", "4"]).ok();
}

#[test]
fn params_reach_the_request_and_a_new_value_reruns() {
    let rule = rule("command = [\"sh\", \"do.sh\", \"{request}\"]\nfiles = [\"do.sh\"]\nparams = { chars = 500 }");
    let p = with(Project::new(&rule).file("do.sh", script(ONE)), &[("a.txt", "1")]);
    p.build(&[]).ok().ran(&["use a.txt"]);
    let why = p.edit("Ingestfile.toml", "chars = 500", "chars = 600").run(&["why", "use"]);
    why.ok().stdout_has("chars").stdout_has("500").stdout_has("600");
    p.build(&[]).ok().ran(&["use a.txt"]);
    p.edit("Ingestfile.toml", "pool = \"one\"", "pool = \"one\"\nmemory_mb = 900").build(&[]).nothing_to_do();
}

#[cfg(target_os = "linux")]
#[test]
fn a_command_takes_no_more_memory_than_its_limit() {
    let greedy = "awk 'BEGIN { s = \\\"x\\\"; while (length(s) < 300000000) s = s s; print length(s) }' > {out}";
    let p = with(Project::new(&rule(&format!("command = \"{greedy}\""))), &[("a.txt", "1")]);
    p.edit("Ingestfile.toml", "pool = \"one\"", "pool = \"one\"\nmemory_mb = 128").build(&[]).fails(1).failed(&["use a.txt"]);
    p.edit("Ingestfile.toml", "memory_mb = 128", "memory_mb = 4096").build(&[]).ok().ran(&["use a.txt"]);
}

#[test]
fn requests_and_responses_are_as_their_schemas_say() {
    let rule = rule("command = \"cp {request} request.txt && cp {source} {out}\"\nparams = { chars = 500 }");
    let p = with(Project::new(&rule), &[("a.txt", "1")]);
    p.build(&[]).ok();
    let schema = |name: &str| -> Value { serde_json::from_slice(&p_schema(name)).unwrap() };
    let asked: Value = serde_json::from_str(&p.text("request.txt")).unwrap();
    assert_eq!(asked["params"], json!({ "chars": 500 }));
    assert!(jsonschema::is_valid(&schema("request"), &asked), "{asked}");
    let said = format!("{}}}", RESPONSE.trim_matches('\''));
    let said: Value = serde_json::from_str(
        &said.replacen("%s", "a.txt", 1).replacen("%s", "\"out\"", 1).replacen("%s", "", 1).replace("%s", "null"),
    )
    .unwrap();
    assert!(jsonschema::is_valid(&schema("response"), &said), "{said}");
}

fn p_schema(name: &str) -> Vec<u8> {
    std::fs::read(crate::project::repository().join(format!("schemas/{name}.schema.json"))).unwrap()
}

/// The graph of a source that knows the spell Fly by one alias.
fn graph_of(source: &str, alias: &str) -> String {
    let nodes = json!([
        { "id": "entity:spell:fly", "kind": "entity", "name": "Fly", "aliases": [alias], "source_ids": [source], "entity_kind": "spell" },
        { "id": format!("source:{source}"), "kind": "source", "name": source, "aliases": [], "source_id": source },
    ]);
    let stats = json!({ "nodes": { "entity": 1, "source": 1 }, "edges": {}, "components": 2, "orphans": 2, "max_degree": 0 });
    json!({ "nodes": nodes, "edges": [], "unresolved": [], "stats": stats }).to_string()
}

#[test]
fn what_is_like_a_builtins_output_is_merged_like_it() {
    let rule = "version = 1\n\n[job]\nsources = \"uploads\"\ninclude = [\"*.json\"]\n\n[rule.passE]\neach = \"source\"\n\
                inputs = { source = \"source\" }\ncommand = \"cp {source} {graph}\"\n\
                outputs = { graph = { path = \"passE_graph.json\", like = \"graph.graph\" } }\n\
                gate = { graph = { schema = \"schemas/passE_graph.schema.json\" } }\n";
    let p =
        Project::of_passes(rule).source("a.json", &graph_of("a.json", "Flight")).source("b.json", &graph_of("b.json", "Soar"));
    p.build(&[]).ok().ran(&["passE a.json", "passE b.json"]);
    let graph = p.json("passE_graph.json");
    let ids: Vec<&str> = graph["nodes"].as_array().unwrap().iter().map(|n| n["id"].as_str().unwrap()).collect();
    assert_eq!(ids, ["entity:spell:fly", "source:a.json", "source:b.json"]);
    assert_eq!(graph["nodes"][0]["source_ids"], json!(["a.json", "b.json"]));
    assert_eq!(graph["nodes"][0]["aliases"], json!(["Flight", "Soar"]));
    assert_eq!(graph["stats"]["nodes"]["source"], 2);
    p.build(&[]).nothing_to_do();
}

use super::*;
use crate::engine::manifest::ActionManifest;
use crate::engine::observe::ActionName;
use crate::engine::plan::{Fate, PlannedAction};
use crate::ingestfile;
use crate::store::records::{Came, LastBuild, Turn};

const INGESTFILE: &str = r#"
version = 1
[job]
sources = "in"
include = ["**/*.txt"]
[rule.cut]
each = "source"
inputs = { source = "source" }
command = "cut {source} {parts}"
outputs = { parts = "parts/" }
[rule.passC]
each = "cut.parts"
inputs = { part = "part" }
command = "chunk {part} {chunks}"
outputs = { chunks = "c.json" }
[rule.passE]
each = "source"
inputs = { chunks = "passC.chunks" }
command = "graph {chunks} {graph}"
outputs = { graph = "e.json" }
"#;

/// A graph, sources `a.txt` and `b.txt`, and records of last builds.
struct Lab {
    graph: Graph,
    sources: Vec<SourceFile>,
    state: State,
    plan: Plan,
}

fn manifest(fields: &[(Field, &str)]) -> ActionManifest {
    ActionManifest(fields.iter().map(|(f, v)| (f.clone(), (*v).to_owned())).collect())
}

fn input(name: &str) -> Field {
    Field::Input(name.to_owned())
}

impl Lab {
    fn new() -> Self {
        let graph = ingestfile::load("Ingestfile.toml", INGESTFILE, &[]).unwrap().graph;
        let source = |id: &str| SourceFile { id: id.to_owned(), path: id.to_owned(), file: id.into() };
        let line = |rule: &str, line: &str| (rule.to_owned(), manifest(&[(Field::Command, &format!("\"{line}\""))]));
        let declared = [line("passC", "chunk {part} {chunks}"), line("passE", "graph {chunks} {graph}")].into();
        let plan = Plan { declared, ..Plan::default() };
        Self { graph, sources: vec![source("a.txt"), source("b.txt")], state: State::default(), plan }
    }

    /// An action that was built, from `now` and before that from `before`.
    fn built(mut self, rule: &str, item: &str, now: &ActionManifest, before: Option<&ActionManifest>) -> Self {
        let encoded = now.encode();
        let reason = before.map_or(Reason::NeverBuilt, |b| Reason::Changed(now.changes_since(b)));
        let reason = postcard::to_stdvec(&reason).unwrap().into();
        let declared = self.state.declarations.last().map_or(0, |(n, _)| n + 1);
        self.state.declarations.put(declared, encoded.declared.clone());
        let last = LastBuild {
            key: encoded.key(),
            declared,
            own: encoded.own,
            accepted: true,
            gates: 0,
            source: None,
            history: vec![Turn { build: 0, came: Came::Ran, ran: true, reason }],
        };
        self.state.last.put(format!("job\0{rule}\0{item}"), last);
        self
    }

    fn planned(mut self, rule: &str, item: &str, fate: Fate, changes: Vec<Change>, waits_for: Option<&str>) -> Self {
        let action = ActionName { rule: rule.to_owned(), item: item.to_owned() };
        let reason = (!changes.is_empty()).then_some(Reason::Changed(changes));
        let waits_for = waits_for.map(str::to_owned);
        self.plan.actions.push(PlannedAction { action, pass: None, fate, reason, cause: None, waits_for });
        self
    }

    fn told(&self, rule: &str) -> String {
        let causes = Causes::new(&self.graph, &self.sources, "job", &self.state, std::iter::empty(), &self.plan);
        let nodes = causes.of(self.graph.rule_named(rule).unwrap());
        tell(&causes.steps(&nodes.iter().collect::<Vec<_>>()), 0)
    }

    fn told_of_last(&self, rule: &str) -> String {
        let causes = Causes::new(&self.graph, &self.sources, "job", &self.state, std::iter::empty(), &self.plan);
        let nodes = causes.last_nodes(self.graph.rule_named(rule).unwrap(), &|_| true);
        tell(&causes.steps(&nodes.iter().collect::<Vec<_>>()), 0)
    }
}

fn tell(steps: &[Step], depth: usize) -> String {
    let line = |s: &Step| {
        let below = tell(&s.through, depth + 1);
        format!("{}{} {} x{}: {}\n{below}", "  ".repeat(depth), s.rule, s.standing.verb(), s.count, s.because)
    };
    steps.iter().map(line).collect()
}

fn changed(field: Field, old: &str, new: &str) -> Vec<Change> {
    vec![Change { field, old: Some(old.to_owned()), new: Some(new.to_owned()) }]
}

/// `passC` and `passE` as they are declared: nothing of their own changed.
fn declared(lab: Lab, parts: &[&str]) -> Lab {
    let command = |line: &str| manifest(&[(Field::Command, &format!("\"{line}\""))]);
    let (c, e) = (command("chunk {part} {chunks}"), command("graph {chunks} {graph}"));
    let lab = parts.iter().fold(lab, |lab, part| lab.built("passC", part, &c, None));
    ["a.txt", "b.txt"].iter().fold(lab, |lab, s| lab.built("passE", s, &e, None))
}

#[test]
fn a_wave_goes_back_to_the_sources_that_changed_in_a_line_each() {
    let none = ActionManifest::default();
    let source = |lab: Lab, id: &str| {
        lab.built("cut", id, &none, None)
            .planned("cut", id, Fate::Run, changed(input("source"), &"a".repeat(64), &"b".repeat(64)), None)
            .planned("passE", id, Fate::May, Vec::new(), Some("passC"))
    };
    let lab = declared(source(source(Lab::new(), "a.txt"), "b.txt"), &["a.txt/1", "a.txt/2", "b.txt/1"]);
    insta::assert_snapshot!(lab.told("passE"), @r"
    passE may run x2: its input `chunks` is made by `passC`
      passC may run x3: its items are made by `cut`
        cut would run x2: the source `a.txt` changed (aaaaaaaaaaaa → bbbbbbbbbbbb) (and 1 more)
    ");
}

#[test]
fn only_what_belongs_to_the_target_is_told() {
    let none = ActionManifest::default();
    let lab = Lab::new()
        .built("cut", "a.txt", &none, None)
        .built("passC", "a.txt/1", &none, None)
        .built("passC", "b.txt/1", &none, None)
        .built("passE", "a.txt", &none, None)
        .planned("cut", "a.txt", Fate::UpToDate, Vec::new(), None)
        .planned("passC", "a.txt/1", Fate::Run, changed(Field::Param("n".into()), "600", "500"), None)
        .planned("passC", "b.txt/1", Fate::Run, changed(Field::Code, "x", "y"), None)
        .planned("passE", "a.txt", Fate::FromCache, changed(input("chunks"), "1", "2"), None);
    insta::assert_snapshot!(lab.told("passE"), @r"
    passE would come from the cache x1: its input `chunks`, made by `passC`, changed (1 → 2)
      passC would run x1: param `n` changed from `600` to `500`
    ");
}

#[test]
fn what_changed_of_the_rule_itself_is_known_before_its_inputs_are() {
    let old = manifest(&[(Field::Command, "\"chunk --old {part} {chunks}\"")]);
    let none = ActionManifest::default();
    let lab = Lab::new().built("cut", "a.txt", &none, None).built("passC", "a.txt/1", &old, None).planned(
        "cut",
        "a.txt",
        Fate::Run,
        changed(input("source"), "1", "2"),
        None,
    );
    insta::assert_snapshot!(lab.told("passC"), @r#"
    passC would run x1: its command changed from `"chunk --old {part} {chunks}"` to `"chunk {part} {chunks}"`
    passC would run x1: its items are made by `cut`
      cut would run x1: the source `a.txt` changed (1 → 2)
    "#);
}

#[test]
fn a_new_source_a_new_job_and_a_new_item_are_told_apart() {
    let none = ActionManifest::default();
    let fresh = |lab: Lab| lab.planned("cut", "b.txt", Fate::Run, Vec::new(), None);
    assert_eq!(fresh(Lab::new()).told("cut"), "cut would run x1: it was never built\n");
    let lab = fresh(Lab::new().built("cut", "a.txt", &none, None));
    assert_eq!(lab.told("passC"), "passC may run x1: the source `b.txt` is new\n");
    let again = manifest(&[(input("source"), "2")]);
    let lab = Lab::new()
        .built("cut", "a.txt", &again, Some(&manifest(&[(input("source"), "1")])))
        .built("passC", "a.txt/1", &none, None)
        .planned("cut", "a.txt", Fate::UpToDate, Vec::new(), None)
        .planned("passC", "a.txt/2", Fate::Run, Vec::new(), None);
    insta::assert_snapshot!(lab.told("passC"), @r"
    passC would run x1: its item is new, made by `cut`
      cut last ran x1: the source `a.txt` changed (1 → 2)
    ");
}

#[test]
fn the_last_build_is_told_from_its_manifest_and_the_one_before() {
    let of = |field: Field, value: &str| manifest(&[(field, value)]);
    let lab = Lab::new()
        .built("cut", "a.txt", &of(input("source"), "2"), Some(&of(input("source"), "1")))
        .built("passC", "a.txt/1", &of(input("part"), "4"), Some(&of(input("part"), "3")))
        .built("passC", "gone.txt/1", &of(input("part"), "4"), Some(&of(input("part"), "3")))
        .built("passE", "b.txt", &of(input("chunks"), "1"), None);
    insta::assert_snapshot!(lab.told_of_last("passC"), @r"
    passC last ran x1: its input `part`, made by `cut`, changed (3 → 4)
      cut last ran x1: the source `a.txt` changed (1 → 2)
    ");
    assert_eq!(lab.told_of_last("passE"), "passE last ran x1: it was built for the first time\n");
}

//! Gates: any schema, artifact and pointer is judged or refused, twice the same way; what is folded from summaries of pieces never
//! takes what reading the whole refuses; no reference of a schema leads out of the project.

use std::sync::Arc;

use arbitrary::{Arbitrary, Unstructured};
use ingest::engine::graph::{Check, GateSpec, RuleId, Scope};
use ingest::engine::verdict::{GateInput, ItemCounts, Judge};
use ingest::gates::Gates;
use serde_json::{Map, Number, Value};

#[derive(Arbitrary, Debug)]
struct Case {
    subject: Vec<Vec<Json>>,
    other: Vec<Vec<Json>>,
    schema: Json,
    pointer: Pointer,
    target: Pointer,
    share: f64,
    counts: (u64, u64, Option<u64>),
    raw: Option<String>,
    reference: String,
}

#[derive(Arbitrary, Debug)]
enum Json {
    Null,
    Bool(bool),
    Whole(i64),
    Real(f64),
    Text(String),
    Word(u8),
    Array(Vec<Json>),
    Object(Vec<(u8, Json)>),
}

/// Keys of artifacts and of schemas.
const KEYS: [&str; 44] = [
    "id",
    "pages",
    "words",
    "chunked",
    "a",
    "b",
    "source_id",
    "text",
    "page",
    "chunk_id",
    "type",
    "properties",
    "items",
    "required",
    "additionalProperties",
    "$ref",
    "$defs",
    "definitions",
    "enum",
    "const",
    "anyOf",
    "oneOf",
    "allOf",
    "not",
    "if",
    "then",
    "minimum",
    "maximum",
    "minLength",
    "maxLength",
    "minItems",
    "maxItems",
    "uniqueItems",
    "format",
    "multipleOf",
    "propertyNames",
    "$id",
    "$anchor",
    "$schema",
    "contains",
    "dependentRequired",
    "unevaluatedProperties",
    "$dynamicRef",
    "prefixItems",
];
const WORDS: [&str; 18] = [
    "object",
    "array",
    "string",
    "integer",
    "number",
    "null",
    "boolean",
    "#",
    "#/$defs/a",
    "#/properties/b",
    "other.json",
    "../x.json",
    "https://json-schema.org/draft/2020-12/schema",
    "http://example.org/x",
    "date-time",
    "id",
    "/id",
    "project:///schemas/x.schema.json",
];

#[derive(Arbitrary, Debug)]
struct Pointer(Vec<u8>);

impl Pointer {
    fn text(&self) -> String {
        let segment = |s: &u8| match s % 50 {
            48 => "/*".to_owned(),
            49 => "/0".to_owned(),
            n => format!("/{}", KEYS[usize::from(n) % KEYS.len()]),
        };
        self.0.iter().take(4).map(segment).collect()
    }
}

impl Json {
    fn value(&self, depth: usize) -> Value {
        match self {
            Self::Null => Value::Null,
            Self::Bool(b) => (*b).into(),
            Self::Whole(n) => (*n).into(),
            Self::Real(n) => (*n).into(),
            Self::Text(text) => text.as_str().into(),
            Self::Word(n) => WORDS[usize::from(*n) % WORDS.len()].into(),
            Self::Array(_) | Self::Object(_) if depth == 0 => Value::Null,
            Self::Array(all) => all.iter().map(|v| v.value(depth - 1)).collect(),
            Self::Object(all) => {
                let entry = |(key, value): &(u8, Self)| (KEYS[usize::from(*key) % KEYS.len()].to_owned(), value.value(depth - 1));
                Value::Object(all.iter().map(entry).collect::<Map<_, _>>())
            }
        }
    }
}

pub fn run(data: &[u8]) {
    crate::guarded(|| {
        let mut u = Unstructured::new(data);
        let Ok(case) = Case::arbitrary(&mut u) else { return };
        check(&case);
    });
}

fn check(case: &Case) {
    let gates = Gates::new();
    let pieces = |all: &[Vec<Json>]| -> Vec<Value> {
        all.iter().take(5).map(|p| p.iter().take(8).map(|v| v.value(4)).collect()).collect()
    };
    let (subject, other) = (pieces(&case.subject), pieces(&case.other));
    let whole = |pieces: &[Value]| -> String {
        let all: Vec<&Value> = pieces.iter().filter_map(Value::as_array).flatten().collect();
        serde_json::to_string(&all).unwrap_or_default()
    };
    let input = |name: &str, bytes: &str| GateInput { name: name.to_owned(), bytes: bytes.as_bytes().into() };
    let schema = input("schemas/x.schema.json", &case.schema.value(8).to_string());
    let others = [input("passA.toc", &whole(&other))];
    let (pointer, target) = (case.pointer.text(), case.target.text());
    let min = Number::from_f64(case.share).unwrap_or_else(|| 0.into());
    for check in [
        Check::Schema,
        Check::Unique { pointer: pointer.clone() },
        Check::Refs { pointer: pointer.clone(), target: target.clone() },
        Check::Coverage { part: pointer.clone(), whole: target.clone(), min: min.clone() },
        Check::Present { json: true },
    ] {
        let gate = spec(check.clone());
        if let Some(raw) = &case.raw {
            let said = || gates.judge(&gate, raw.as_bytes(), std::slice::from_ref(&schema), &others);
            assert_eq!(said(), said(), "judged otherwise the second time");
        }
        let text = whole(&subject);
        let said = || gates.judge(&gate, text.as_bytes(), std::slice::from_ref(&schema), &others);
        let verdict = said();
        assert_eq!(verdict, said(), "judged otherwise the second time");
        if let Ok(verdict) = &verdict {
            assert_eq!(verdict.accepted(), verdict.violations.is_empty(), "{verdict:?}");
        }
        let Some(readings) = gates.readings(&gate) else { continue };
        let summaries: Vec<Vec<Arc<[u8]>>> = readings
            .iter()
            .zip([&subject, &other])
            .map(|(reading, pieces)| pieces.iter().map(|p| gates.summarise(reading, p.to_string().as_bytes()).into()).collect())
            .collect();
        if gates.folds(&gate, &summaries) {
            assert!(verdict.as_ref().is_ok_and(|v| v.accepted()), "folded to yes, read to {verdict:?}");
        }
    }
    let (subject, other, baseline) = case.counts;
    let counts = ItemCounts { subject, other: Some(("passA.toc", other)), baseline };
    for check in [
        Check::MinItems { count: other },
        Check::Ratio { min: Some(min.clone()), max: Some(min.clone()) },
        Check::MaxDrop { share: min },
    ] {
        assert!(gates.judge_counts(&spec(check), &counts).is_some());
    }
    let reference = serde_json::json!({ "$ref": case.reference }).to_string();
    for file in gates.refers_to("schemas/x.schema.json", reference.as_bytes()).unwrap_or_default() {
        assert!(ingest::rel_path::RelPath::parse(&file).is_ok(), "`{file}` leaves the project");
    }
    let _ = gates.refers_to(&schema.name, &schema.bytes);
}

fn spec(check: Check) -> GateSpec {
    let files = if check == Check::Schema { vec!["schemas/x.schema.json".to_owned()] } else { Vec::new() };
    GateSpec { output: 0, scope: Scope::Item, check, files, others: vec![(RuleId(0), 0)] }
}

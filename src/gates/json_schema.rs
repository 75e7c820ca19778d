//! Validity against a JSON Schema, told in plain sentences. References are followed inside the schema and to the files that
//! came with it; others are refused: nothing here reaches the network or the disk.
//!
//! A schema that says "an array of these", of an artifact or of one of its keys, is compiled for one item, so that lists are read
//! item by item and never stand in memory whole.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, PoisonError};

use jsonschema::Validator;
use jsonschema::error::{TypeKind, ValidationError, ValidationErrorKind as Kind};
use serde_json::value::RawValue;
use serde_json::{Map, Value};

use super::items::{self, escaped};
use super::{Findings, excerpt, place, references};
use crate::digest::Digest;
use crate::engine::verdict::{GateInput, Verdict, Violation};

/// Compiled schemas by digest.
#[derive(Default)]
pub(super) struct Schemas {
    compiled: Mutex<HashMap<Digest, Arc<Compiled>>>,
}

struct Compiled {
    whole: Validator,
    /// For one item, if the schema says nothing but what each item is like.
    item: Option<Validator>,
    /// Likewise for the keys of an object.
    lists: Vec<(String, Validator)>,
}

impl Schemas {
    /// Whether `subject` is valid against the first of `files`, which may refer to the others.
    pub(super) fn judge(&self, subject: &str, files: &[GateInput]) -> Result<Verdict, String> {
        let compiled = self.compiled(files)?;
        let mut findings = Findings::default();
        let whole = match &compiled.item {
            Some(validator) if opens_with(subject, '[') => items::items(
                subject,
                |_| true,
                |item, value| {
                    let prefix = item.map_or_else(String::new, |item| format!("/{item}"));
                    check(validator, &value, &prefix, &mut findings);
                },
            ),
            _ if !compiled.lists.is_empty() && opens_with(subject, '{') => check_object(&compiled, subject, &mut findings),
            _ => serde_json::from_str(subject).map(|value| check(&compiled.whole, &value, "", &mut findings)),
        };
        Ok(match whole {
            Ok(()) => findings.verdict,
            Err(error) => Findings::of_one(format!("not JSON: {error}")),
        })
    }

    fn compiled(&self, files: &[GateInput]) -> Result<Arc<Compiled>, String> {
        let digest = digest_of(files);
        let known = self.compiled.lock().unwrap_or_else(PoisonError::into_inner).get(&digest).cloned();
        if let Some(compiled) = known {
            return Ok(compiled);
        }
        let (schema, others) = files.split_first().ok_or("a schema gate got no schema")?;
        let broken = |why: String| format!("`{}` is no JSON Schema: {why}", schema.name);
        let value: Value = serde_json::from_slice(&schema.bytes).map_err(|error| broken(error.to_string()))?;
        let known = references::Known::of(files)?;
        let options = || jsonschema::options().with_base_uri(references::uri_of(&schema.name));
        let compile = |value: &Value| {
            options().with_retriever(known.clone()).build(value).map_err(|error| {
                // Which of several files is missed first is chance; all are asked for where none is missed.
                let all = known.all();
                let _ = options().with_retriever(all.clone()).build(value);
                broken(all.missing().unwrap_or_else(|| with_cause(&error)))
            })
        };
        // A schema that is referred to from outside must keep its shape.
        let is_referred_to = others.iter().any(|o| references::of(&o.name, &o.bytes).is_ok_and(|to| to.contains(&schema.name)));
        let item = item_schema(&value).filter(|_| !is_referred_to).as_ref().map(compile).transpose()?;
        let lists = if is_referred_to { Vec::new() } else { lists_of(&value) };
        let lists = lists.iter().map(|(key, item)| Ok((key.clone(), compile(item)?))).collect::<Result<_, String>>()?;
        let compiled = Arc::new(Compiled { whole: compile(&value)?, item, lists });
        self.compiled.lock().unwrap_or_else(PoisonError::into_inner).insert(digest, compiled.clone());
        Ok(compiled)
    }
}

/// Of all files that a validator is made of.
fn digest_of(files: &[GateInput]) -> Digest {
    let mut h = blake3::Hasher::new();
    for file in files {
        for part in [file.name.as_bytes(), &file.bytes] {
            h.update(&(part.len() as u64).to_le_bytes());
            h.update(part);
        }
    }
    Digest::of_hasher(&h)
}

fn with_cause(error: &ValidationError<'_>) -> String {
    match std::error::Error::source(error) {
        Some(cause) => format!("{error}: {cause}"),
        None => error.to_string(),
    }
}

fn opens_with(json: &str, bracket: char) -> bool {
    json.trim_start_matches([' ', '\t', '\r', '\n']).starts_with(bracket)
}

/// Checks an object: its lists item by item, and all else as if they were empty.
fn check_object(compiled: &Compiled, subject: &str, findings: &mut Findings) -> Result<(), serde_json::Error> {
    let entries: BTreeMap<String, &RawValue> = serde_json::from_str(subject)?;
    let list_of = |key: &str| compiled.lists.iter().find(|(name, _)| name == key).map(|(_, validator)| validator);
    let mut rest = Map::new();
    for (key, raw) in &entries {
        let is_list = list_of(key).is_some() && opens_with(raw.get(), '[');
        rest.insert(key.clone(), if is_list { Value::Array(Vec::new()) } else { serde_json::from_str(raw.get())? });
    }
    check(&compiled.whole, &Value::Object(rest), "", findings);
    for (key, raw) in entries.iter().filter(|(_, raw)| opens_with(raw.get(), '[')) {
        let Some(validator) = list_of(key) else { continue };
        items::items(
            raw.get(),
            |_| true,
            |item, value| {
                let item = item.map_or_else(String::new, |item| format!("/{item}"));
                check(validator, &value, &format!("/{}{item}", escaped(key)), findings);
            },
        )?;
    }
    Ok(())
}

/// Keys that say nothing of a value.
const SAYS_NOTHING: [&str; 7] = ["$schema", "$comment", "title", "description", "examples", "$defs", "definitions"];

/// The schema of one item, if `schema` is that of an array and says no more of it.
fn item_schema(schema: &Value) -> Option<Value> {
    if !refers_to_definitions_only(schema) {
        return None;
    }
    Some(at_the_top(schema, items_of(schema)?))
}

/// The keys of objects of `schema` that are lists of which it says only what an item is like, each with the schema of one.
fn lists_of(schema: &Value) -> Vec<(String, Value)> {
    let says_more = |key: &String| {
        !SAYS_NOTHING.contains(&key.as_str())
            && !["type", "properties", "required", "additionalProperties"].contains(&key.as_str())
    };
    let Some(entries) = schema.as_object().filter(|entries| !entries.keys().any(says_more)) else { return Vec::new() };
    if entries.get("type").is_none_or(|kind| kind != "object") || !refers_to_definitions_only(schema) {
        return Vec::new();
    }
    let properties = entries.get("properties").and_then(Value::as_object).into_iter().flatten();
    properties.filter_map(|(key, list)| Some((key.clone(), at_the_top(schema, items_of(list)?)))).collect()
}

/// What `schema` says of an item, if it says nothing else but that it is of an array.
fn items_of(schema: &Value) -> Option<&Value> {
    let schema = schema.as_object()?;
    let plain = schema.keys().all(|key| SAYS_NOTHING.contains(&key.as_str()) || key == "type" || key == "items");
    schema.get("items").filter(|items| items.is_object() && plain && schema.get("type").is_some_and(|kind| kind == "array"))
}

/// `inner`, a part of `schema`, as a schema of its own.
pub(super) fn at_the_top(schema: &Value, inner: &Value) -> Value {
    let kept = ["$schema", "$defs", "definitions"].iter().filter_map(|key| Some(((*key).to_owned(), schema.get(*key)?.clone())));
    let mut top: Map<String, Value> = kept.collect();
    top.insert("allOf".to_owned(), Value::Array(vec![inner.clone()]));
    Value::Object(top)
}

/// References that a move of `items` to the top would break (`#`, `#/items/…`, anchors, ids) are not there. Those to other
/// files stay as they are.
fn refers_to_definitions_only(schema: &Value) -> bool {
    match schema {
        Value::Array(values) => values.iter().all(refers_to_definitions_only),
        Value::Object(entries) => entries.iter().all(|(key, value)| match (key.as_str(), value) {
            ("$ref" | "$dynamicRef" | "$recursiveRef", Value::String(to)) => {
                to.starts_with("#/$defs/") || to.starts_with("#/definitions/") || !to.starts_with('#')
            }
            ("$id" | "id" | "$anchor" | "$dynamicAnchor" | "$recursiveAnchor", Value::String(_)) => false,
            (_, value) => refers_to_definitions_only(value),
        }),
        _ => true,
    }
}

/// One thing that is wrong below the value that was checked.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct Wrong {
    /// Sorts as documents do: indexes as numbers.
    order: Vec<(usize, String)>,
    pointer: String,
    message: String,
}

/// What is wrong with `value`, which stands at `prefix`.
pub(super) fn check(validator: &Validator, value: &Value, prefix: &str, findings: &mut Findings) {
    if validator.is_valid(value) {
        return;
    }
    let mut wrong = Vec::new();
    for error in validator.iter_errors(value) {
        explain(&error, &mut wrong);
    }
    wrong.sort();
    wrong.dedup();
    for wrong in wrong {
        let Wrong { pointer, message, .. } = wrong;
        findings.add(|| {
            let place = place::of(value, &pointer);
            Violation { pointer: format!("{prefix}{pointer}"), message, place }
        });
    }
}

fn explain(error: &ValidationError<'_>, wrong: &mut Vec<Wrong>) {
    let at = error.instance_path().as_str();
    let mut add = |pointer: String, message: String| {
        let order = pointer.split('/').map(|s| (s.parse().unwrap_or(usize::MAX), s.to_owned())).collect();
        wrong.push(Wrong { order, pointer, message });
    };
    match error.kind() {
        Kind::Required { property: Value::String(key) } => add(format!("{at}/{}", escaped(key)), format!("`{key}` is missing")),
        Kind::AdditionalProperties { unexpected } | Kind::UnevaluatedProperties { unexpected } => {
            for key in unexpected {
                add(format!("{at}/{}", escaped(key)), format!("`{key}` is not known here"));
            }
        }
        Kind::AnyOf { context } | Kind::OneOfNotValid { context } => match closest(at, context) {
            Some(errors) => errors.iter().for_each(|error| explain(error, wrong)),
            None => add(
                at.to_owned(),
                wrong_types(error, context).or_else(|| wrong_values(error, context)).unwrap_or_else(|| sentence(error)),
            ),
        },
        _ => add(at.to_owned(), sentence(error)),
    }
}

/// Of several alternatives the one that was meant: the only one whose shape fits (`null` or an object, say).
fn closest<'e>(at: &str, context: &'e [Vec<ValidationError<'static>>]) -> Option<&'e [ValidationError<'static>]> {
    let fits = |errors: &&Vec<ValidationError<'static>>| {
        let misses = |e: &ValidationError<'_>| {
            e.instance_path().as_str() == at && matches!(e.kind(), Kind::Type { .. } | Kind::Constant { .. } | Kind::Enum { .. })
        };
        !errors.is_empty() && !errors.iter().any(misses)
    };
    let mut fitting = context.iter().filter(fits);
    fitting.next().filter(|_| fitting.next().is_none()).map(Vec::as_slice)
}

/// An error in one sentence, lower case, no final period.
fn sentence(error: &ValidationError<'_>) -> String {
    let value = error.instance();
    let shown = excerpt(value);
    match error.kind() {
        Kind::Type { kind } => format!("`{shown}` is {}, not {}", type_of(value), wanted(&[kind])),
        Kind::Enum { options } => format!("`{shown}` is none of {}", listed(options.as_array().into_iter().flatten())),
        Kind::Constant { expected_value } => format!("`{shown}` is not `{}`", excerpt(expected_value)),
        Kind::Minimum { limit } => format!("{shown} is below {limit}"),
        Kind::Maximum { limit } => format!("{shown} is above {limit}"),
        Kind::ExclusiveMinimum { limit } => format!("{shown} is not above {limit}"),
        Kind::ExclusiveMaximum { limit } => format!("{shown} is not below {limit}"),
        Kind::MinLength { limit } => format!("`{shown}` is shorter than {limit} characters"),
        Kind::MaxLength { limit } => format!("`{shown}` is longer than {limit} characters"),
        Kind::MinItems { limit } => format!("there are fewer than {limit} items"),
        Kind::MaxItems { limit } => format!("there are more than {limit} items"),
        Kind::UniqueItems => "an item is there twice".to_owned(),
        Kind::Pattern { pattern } => format!("`{shown}` does not match `{pattern}`"),
        Kind::Format { format } => format!("`{shown}` is no {format}"),
        Kind::FalseSchema => "nothing is allowed here".to_owned(),
        Kind::AnyOf { .. } | Kind::OneOfNotValid { .. } => format!("`{shown}` is none of what is allowed here"),
        Kind::OneOfMultipleValid { .. } => format!("`{shown}` is more than one of what is allowed here"),
        _ => {
            let text = error.masked_with(format!("`{shown}`")).to_string();
            let mut rest = text.chars();
            rest.next().map_or_else(String::new, |first| first.to_lowercase().chain(rest).collect())
        }
    }
}

/// What to say if every alternative asks for another type.
fn wrong_types(error: &ValidationError<'_>, context: &[Vec<ValidationError<'static>>]) -> Option<String> {
    let at = error.instance_path().as_str();
    let kinds: Vec<&TypeKind> = context.iter().map(|errors| type_wanted(at, errors)).collect::<Option<_>>()?;
    Some(format!("`{}` is {}, not {}", excerpt(error.instance()), type_of(error.instance()), wanted(&kinds)))
}

/// What to say if every alternative is a list of values.
fn wrong_values(error: &ValidationError<'_>, context: &[Vec<ValidationError<'static>>]) -> Option<String> {
    let at = error.instance_path().as_str();
    let mut options = Vec::new();
    for errors in context {
        let kind = errors.iter().find(|e| e.instance_path().as_str() == at).map(ValidationError::kind);
        match kind? {
            Kind::Constant { expected_value } => options.push(&**expected_value),
            Kind::Enum { options: listed } => options.extend(listed.as_array()?),
            _ => return None,
        }
    }
    Some(format!("`{}` is none of {}", excerpt(error.instance()), listed(options)))
}

fn listed<'v>(options: impl IntoIterator<Item = &'v Value>) -> String {
    options.into_iter().map(|v| format!("`{}`", excerpt(v))).collect::<Vec<_>>().join(", ")
}

fn type_wanted<'e>(at: &str, errors: &'e [ValidationError<'static>]) -> Option<&'e TypeKind> {
    errors.iter().find_map(|e| match e.kind() {
        Kind::Type { kind } if e.instance_path().as_str() == at => Some(kind),
        _ => None,
    })
}

/// The types that were asked for, in words.
fn wanted(kinds: &[&TypeKind]) -> String {
    let types = kinds.iter().flat_map(|kind| match kind {
        TypeKind::Single(one) => vec![with_article(one.as_str())],
        TypeKind::Multiple(several) => several.iter().map(|one| with_article(one.as_str())).collect(),
    });
    types.collect::<Vec<_>>().join(" or ")
}

fn type_of(value: &Value) -> String {
    with_article(match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(number) if number.is_f64() => "number",
        Value::Number(_) => "integer",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    })
}

fn with_article(name: &str) -> String {
    match name {
        "null" => "null".to_owned(),
        "integer" | "array" | "object" => format!("an {name}"),
        _ => format!("a {name}"),
    }
}

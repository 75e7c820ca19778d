//! TOML to syntax types: shapes, types and unknown keys. Goes on after a problem, so that all of them are reported.

use std::ops::Range;

use serde_json::{Number, Value};
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::check::{Problems, meant};
use super::syntax::{
    At, Cache, CommandLine, Coverage, FileInput, FromInput, Gate, Ingestfile, Input, Job, Limits, Named, Output, OutputTable,
    Pool, Ratio, Reference, Rule,
};

/// The Ingestfile that `text` writes, as far as it can be read; what cannot becomes a problem.
pub(super) fn parse(text: &str, problems: &mut Problems) -> Option<Ingestfile> {
    let (root, errors) = DeTable::parse_recoverable(text);
    for error in &errors {
        // A file that ends too early has no offending text: point at its end.
        let span = error.span().unwrap_or(text.len()..text.len());
        problems.add(&span, format!("not TOML: {}", error.message()), "", "");
    }
    // What a syntax error leaves behind is not worth a second complaint.
    if errors.is_empty() { ingestfile(root.get_ref(), problems) } else { None }
}

fn ingestfile(root: &DeTable<'_>, problems: &mut Problems) -> Option<Ingestfile> {
    let mut fields = Fields::of(root, &(0..0), "the file");
    let version = fields.required("version", problems, integer);
    let job = fields.optional("job", problems, |value, problems| table(value, "job", problems).map(|t| job(&t, problems)));
    let cache =
        fields.optional("cache", problems, |value, problems| table(value, "cache", problems).map(|t| cache(&t, problems)));
    let limits =
        fields.optional("limits", problems, |value, problems| table(value, "limits", problems).map(|t| limits(&t, problems)));
    let pool = fields.optional("pool", problems, |value, problems| named(value, "pool", problems, pool));
    let rule = fields.optional("rule", problems, |value, problems| named(value, "rule", problems, rule));
    fields.finish(problems);
    let (job, cache) = (job.unwrap_or_default(), cache.unwrap_or_default());
    let (limits, pool, rule) = (limits.unwrap_or_default(), pool.unwrap_or_default(), rule.unwrap_or_default());
    Some(Ingestfile { version: version?, job, cache, limits, pool, rule })
}

fn job(table: &Table<'_, '_>, problems: &mut Problems) -> Job {
    let mut fields = Fields::of(table.table, &table.span, "`[job]`");
    let job = Job {
        env: fields.optional("env", problems, string),
        sources: fields.optional("sources", problems, string),
        include: fields.optional("include", problems, strings),
        artifacts: fields.optional("artifacts", problems, string),
        on_error: fields.optional("on_error", problems, string),
        barrier: fields.optional("barrier", problems, string),
    };
    fields.finish(problems);
    job
}

fn cache(table: &Table<'_, '_>, problems: &mut Problems) -> Cache {
    let mut fields = Fields::of(table.table, &table.span, "`[cache]`");
    let cache =
        Cache { max_size: fields.optional("max_size", problems, string), max_age: fields.optional("max_age", problems, string) };
    fields.finish(problems);
    cache
}

fn limits(table: &Table<'_, '_>, problems: &mut Problems) -> Limits {
    let mut fields = Fields::of(table.table, &table.span, "`[limits]`");
    let limits = Limits {
        time_s: fields.optional("time_s", problems, natural),
        memory_mb: fields.optional("memory_mb", problems, natural),
        decompressed_mb: fields.optional("decompressed_mb", problems, natural),
        pages: fields.optional("pages", problems, natural),
        nesting: fields.optional("nesting", problems, natural),
    };
    fields.finish(problems);
    limits
}

fn pool(name: &At<String>, value: Element<'_, '_>, problems: &mut Problems) -> Option<Pool> {
    let table = table(value, &format!("pool.{}", name.value), problems)?;
    let mut fields = Fields::of(table.table, &name.span, "a pool");
    let size = fields.required("size", problems, natural);
    fields.finish(problems);
    Some(Pool { span: name.span.clone(), size: size? })
}

fn rule(name: &At<String>, value: Element<'_, '_>, problems: &mut Problems) -> Option<Rule> {
    let table = table(value, &format!("rule.{}", name.value), problems)?;
    let mut fields = Fields::of(table.table, &name.span, "a rule");
    let rule = Rule {
        span: name.span.clone(),
        pass: fields.optional("pass", problems, string),
        run: fields.optional("run", problems, string),
        command: fields.optional("command", problems, command),
        each: fields.optional("each", problems, string),
        inputs: fields.optional("inputs", problems, |v, p| named(v, "inputs", p, input)).unwrap_or_default(),
        outputs: fields.optional("outputs", problems, |v, p| named(v, "outputs", p, output)),
        params: fields.optional("params", problems, |v, p| named(v, "params", p, param)).unwrap_or_default(),
        gate: fields.optional("gate", problems, |v, p| named(v, "gate", p, gate)).unwrap_or_default(),
        files: fields.optional("files", problems, strings),
        version: fields.optional("version", problems, strings),
        version_files: fields.optional("version_files", problems, strings),
        env: fields.optional("env", problems, strings),
        timeout_s: fields.optional("timeout_s", problems, natural),
        memory_mb: fields.optional("memory_mb", problems, natural),
        worker: fields.optional("worker", problems, boolean),
        batch: fields.optional("batch", problems, natural),
        pool: fields.optional("pool", problems, string),
    };
    fields.finish(problems);
    Some(rule)
}

fn command(value: Element<'_, '_>, problems: &mut Problems) -> Option<At<CommandLine>> {
    let span = value.value.span();
    let line = match value.value.get_ref() {
        DeValue::String(text) => CommandLine::Shell(text.to_string()),
        DeValue::Array(_) => CommandLine::Argv(strings(value, problems)?.value),
        _ => return wrong_type(value, "a string or an array of strings", problems),
    };
    Some(At { span, value: line })
}

fn input(_: &At<String>, value: Element<'_, '_>, problems: &mut Problems) -> Option<At<Input>> {
    let span = value.value.span();
    let input = match value.value.get_ref() {
        DeValue::String(text) => Input::Name(text.to_string()),
        DeValue::Table(table) if has(table, "file") => {
            let mut fields = Fields::of(table, &span, "an input that is a file");
            let file = fields.required("file", problems, string);
            fields.finish(problems);
            Input::File(FileInput { file: file? })
        }
        DeValue::Table(table) => {
            let mut fields = Fields::of(table, &span, "an input");
            let from = fields.required("from", problems, string);
            let select = fields.optional("select", problems, string);
            fields.also_known("file");
            fields.finish(problems);
            Input::From(FromInput { from: from?, select })
        }
        _ => return wrong_type(value, "a string, `{ from = …, select = … }` or `{ file = … }`", problems),
    };
    Some(At { span, value: input })
}

fn output(_: &At<String>, value: Element<'_, '_>, problems: &mut Problems) -> Option<At<Output>> {
    let span = value.value.span();
    let output = match value.value.get_ref() {
        DeValue::String(text) => Output::Path(text.to_string()),
        DeValue::Table(table) => {
            let mut fields = Fields::of(table, &span, "an output");
            let path = fields.required("path", problems, string);
            let publish = fields.optional("publish", problems, boolean);
            let like = fields.optional("like", problems, string);
            fields.finish(problems);
            Output::Table(OutputTable { path: path?, publish, like })
        }
        _ => return wrong_type(value, "a path, or `{ path = …, publish = false }`", problems),
    };
    Some(At { span, value: output })
}

fn param(_: &At<String>, value: Element<'_, '_>, problems: &mut Problems) -> Option<At<Value>> {
    Some(At { span: value.value.span(), value: json(value, problems)? })
}

fn gate(name: &At<String>, value: Element<'_, '_>, problems: &mut Problems) -> Option<Gate> {
    let table = table(value, &format!("gate.{}", name.value), problems)?;
    let mut fields = Fields::of(table.table, &table.span, "a gate");
    let gate = Gate {
        schema: fields.optional("schema", problems, string),
        min_items: fields.optional("min_items", problems, natural),
        unique: fields.optional("unique", problems, string),
        refs: fields.optional("refs", problems, |v, p| array(v, p, "an array of references", reference)),
        ratio: fields.optional("ratio", problems, ratio),
        max_drop: fields.optional("max_drop", problems, number),
        coverage: fields.optional("coverage", problems, coverage),
        command: fields.optional("command", problems, command),
        files: fields.optional("files", problems, strings),
        version: fields.optional("version", problems, strings),
        version_files: fields.optional("version_files", problems, strings),
        env: fields.optional("env", problems, strings),
        timeout_s: fields.optional("timeout_s", problems, natural),
    };
    fields.finish(problems);
    Some(gate)
}

fn ratio(value: Element<'_, '_>, problems: &mut Problems) -> Option<At<Ratio>> {
    let table = table(value, "ratio", problems)?;
    let mut fields = Fields::of(table.table, &table.span, "`ratio`");
    let of = fields.required("of", problems, string);
    let (min, max) = (fields.optional("min", problems, number), fields.optional("max", problems, number));
    fields.finish(problems);
    Some(At { span: table.span, value: Ratio { of: of?, min, max } })
}

fn coverage(value: Element<'_, '_>, problems: &mut Problems) -> Option<At<Coverage>> {
    let table = table(value, "coverage", problems)?;
    let mut fields = Fields::of(table.table, &table.span, "`coverage`");
    let (part, whole) = (fields.required("part", problems, string), fields.required("whole", problems, string));
    let min = fields.required("min", problems, number);
    fields.finish(problems);
    Some(At { span: table.span, value: Coverage { part: part?, whole: whole?, min: min? } })
}

fn reference(value: Element<'_, '_>, problems: &mut Problems) -> Option<At<Reference>> {
    let span = value.value.span();
    if let Some([pointer, from, target]) = value.value.get_ref().as_array().map(|a| &a[..])
        && let Some(pointer) = text_of(pointer)
        && let Some(from) = text_of(from)
        && let Some(target) = text_of(target)
    {
        return Some(At { span, value: Reference(pointer, from, target) });
    }
    wrong_type(value, "`[\"/pointer\", \"rule.output\", \"/pointer\"]`", problems)
}

/// A value and what to call it in messages.
#[derive(Clone, Copy)]
struct Element<'a, 'i> {
    name: &'a str,
    value: &'a Spanned<DeValue<'i>>,
}

struct Table<'a, 'i> {
    table: &'a DeTable<'i>,
    span: Range<usize>,
}

/// The keys of a table that has known keys only.
struct Fields<'a, 'i> {
    table: &'a DeTable<'i>,
    span: Range<usize>,
    /// What has these keys, for messages.
    owner: &'a str,
    known: Vec<&'static str>,
}

impl<'a, 'i> Fields<'a, 'i> {
    /// `span` is where a missing key is reported.
    fn of(table: &'a DeTable<'i>, span: &Range<usize>, owner: &'a str) -> Self {
        Self { table, span: span.clone(), owner, known: Vec::new() }
    }

    fn optional<T>(
        &mut self,
        key: &'static str,
        problems: &mut Problems,
        read: impl FnOnce(Element<'_, 'i>, &mut Problems) -> Option<T>,
    ) -> Option<T> {
        self.known.push(key);
        let value = self.table.get(key)?;
        read(Element { name: key, value }, problems)
    }

    fn required<T>(
        &mut self,
        key: &'static str,
        problems: &mut Problems,
        read: impl FnOnce(Element<'_, 'i>, &mut Problems) -> Option<T>,
    ) -> Option<T> {
        if !has(self.table, key) {
            problems.add(&self.span, format!("{} needs `{key}`", self.owner), &format!("no `{key}`"), "");
        }
        self.optional(key, problems, read)
    }

    fn also_known(&mut self, key: &'static str) {
        self.known.push(key);
    }

    /// Reports the keys that nobody asked for.
    fn finish(self, problems: &mut Problems) {
        for (key, _) in self.table {
            if !self.known.contains(&key.get_ref().as_ref()) {
                let message = format!("unknown key `{}` in {}", key.get_ref(), self.owner);
                problems.add(&key.span(), message, "unknown key", meant(key.get_ref(), self.known.iter().copied()));
            }
        }
    }
}

fn has(table: &DeTable<'_>, key: &str) -> bool {
    table.contains_key(key)
}

fn table<'a, 'i>(element: Element<'a, 'i>, name: &str, problems: &mut Problems) -> Option<Table<'a, 'i>> {
    match element.value.get_ref().as_table() {
        Some(table) => Some(Table { table, span: element.value.span() }),
        None => wrong_type(Element { name, ..element }, "a table", problems),
    }
}

/// The entries of a table whose keys are the author's own, in the order of the file.
fn named<T>(
    element: Element<'_, '_>,
    name: &str,
    problems: &mut Problems,
    read: impl Fn(&At<String>, Element<'_, '_>, &mut Problems) -> Option<T>,
) -> Option<Named<T>> {
    let table = table(element, name, problems)?.table;
    let mut entries: Vec<_> = table.iter().collect();
    entries.sort_by_key(|(key, _)| key.span().start);
    let mut read_entries = Vec::new();
    for (key, value) in entries {
        let key = At { span: key.span(), value: key.get_ref().to_string() };
        if let Some(entry) = read(&key, Element { name: &key.value, value }, problems) {
            read_entries.push((key, entry));
        }
    }
    Some(Named(read_entries))
}

fn text_of(value: &Spanned<DeValue<'_>>) -> Option<At<String>> {
    Some(At { span: value.span(), value: value.get_ref().as_str()?.to_owned() })
}

fn string(element: Element<'_, '_>, problems: &mut Problems) -> Option<At<String>> {
    text_of(element.value).or_else(|| wrong_type(element, "a string", problems))
}

fn strings(element: Element<'_, '_>, problems: &mut Problems) -> Option<At<Vec<At<String>>>> {
    array(element, problems, "an array of strings", string)
}

fn array<T>(
    element: Element<'_, '_>,
    problems: &mut Problems,
    expected: &str,
    read: impl Fn(Element<'_, '_>, &mut Problems) -> Option<T>,
) -> Option<At<Vec<T>>> {
    let Some(values) = element.value.get_ref().as_array() else { return wrong_type(element, expected, problems) };
    let value = values.iter().filter_map(|value| read(Element { value, ..element }, problems)).collect();
    Some(At { span: element.value.span(), value })
}

fn boolean(element: Element<'_, '_>, problems: &mut Problems) -> Option<At<bool>> {
    match element.value.get_ref() {
        DeValue::Boolean(value) => Some(At { span: element.value.span(), value: *value }),
        _ => wrong_type(element, "true or false", problems),
    }
}

fn integer(element: Element<'_, '_>, problems: &mut Problems) -> Option<At<i64>> {
    match to_i64(element.value.get_ref()) {
        Some(value) => Some(At { span: element.value.span(), value }),
        None => wrong_type(element, "an integer", problems),
    }
}

fn natural(element: Element<'_, '_>, problems: &mut Problems) -> Option<At<u64>> {
    match to_i64(element.value.get_ref()).and_then(|i| u64::try_from(i).ok()) {
        Some(value) => Some(At { span: element.value.span(), value }),
        None => wrong_type(element, "an integer, 0 or more", problems),
    }
}

fn number(element: Element<'_, '_>, problems: &mut Problems) -> Option<At<Number>> {
    match element.value.get_ref() {
        DeValue::Integer(_) | DeValue::Float(_) => {
            let Some(Value::Number(number)) = json(element, problems) else { return None };
            Some(At { span: element.value.span(), value: number })
        }
        _ => wrong_type(element, "a number", problems),
    }
}

fn to_i64(value: &DeValue<'_>) -> Option<i64> {
    let integer = value.as_integer()?;
    i64::from_str_radix(integer.as_str(), integer.radix()).ok()
}

/// A param as JSON, keys sorted.
fn json(element: Element<'_, '_>, problems: &mut Problems) -> Option<Value> {
    match element.value.get_ref() {
        DeValue::String(text) => Some(Value::String(text.to_string())),
        DeValue::Boolean(value) => Some(Value::Bool(*value)),
        value @ DeValue::Integer(_) => match to_i64(value) {
            Some(integer) => Some(Value::from(integer)),
            None => wrong_type(element, "an integer of 64 bits", problems),
        },
        DeValue::Float(float) => match float.as_str().parse().ok().and_then(serde_json::Number::from_f64) {
            Some(number) => Some(Value::Number(number)),
            None => wrong_type(element, "a finite number", problems),
        },
        DeValue::Array(values) => {
            values.iter().map(|value| json(Element { value, ..element }, problems)).collect::<Option<_>>().map(Value::Array)
        }
        DeValue::Table(table) => {
            let mut entries: Vec<_> = table.iter().collect();
            entries.sort_by(|a, b| a.0.get_ref().cmp(b.0.get_ref()));
            let entry = |key: &str, value| Some((key.to_owned(), json(Element { name: key, value }, problems)?));
            let mut entry = entry;
            entries.into_iter().map(|(key, value)| entry(key.get_ref(), value)).collect::<Option<_>>().map(Value::Object)
        }
        DeValue::Datetime(_) => wrong_type(element, "a string, number, boolean, array or table", problems),
    }
}

fn wrong_type<T>(element: Element<'_, '_>, expected: &str, problems: &mut Problems) -> Option<T> {
    let found = match element.value.get_ref() {
        DeValue::String(_) => "a string",
        DeValue::Integer(_) => "an integer",
        DeValue::Float(_) => "a float",
        DeValue::Boolean(_) => "a boolean",
        DeValue::Datetime(_) => "a date",
        DeValue::Array(_) => "an array",
        DeValue::Table(_) => "a table",
    };
    problems.add(&element.value.span(), format!("`{}` must be {expected}", element.name), &format!("this is {found}"), "");
    None
}

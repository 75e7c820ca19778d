//! TOML to syntax types: shapes, types and unknown keys. Goes on after a problem, so that all of them are reported.

use serde_json::Value;
use toml::de::{DeTable, DeValue};

use super::syntax::{
    Cache, CommandLine, Coverage, FileInput, FromInput, Gate, Ingestfile, Input, Job, Limits, Output, OutputTable, Pool, Ratio,
    Reference, Rule, Vocabulary,
};
use crate::spanned::fields::{
    self, Element, Fields, Table, array, boolean, has, integer, json, named, natural, number, string, strings, table, text_of,
    wrong_type,
};
use crate::spanned::{At, Problems};

/// The Ingestfile that `text` writes, as far as it can be read; what cannot becomes a problem.
pub(super) fn parse(text: &str, problems: &mut Problems) -> Option<Ingestfile> {
    fields::parse(text, problems, ingestfile)
}

fn ingestfile(root: &DeTable<'_>, problems: &mut Problems) -> Option<Ingestfile> {
    let mut fields = Fields::of(root, &(0..0), "the file");
    let version = fields.required("version", problems, integer);
    let job = fields.optional("job", problems, |value, problems| table(value, "job", problems).map(|t| job(&t, problems)));
    let cache =
        fields.optional("cache", problems, |value, problems| table(value, "cache", problems).map(|t| cache(&t, problems)));
    let limits =
        fields.optional("limits", problems, |value, problems| table(value, "limits", problems).map(|t| limits(&t, problems)));
    let vocabulary = fields.optional("vocabulary", problems, |value, problems| {
        table(value, "vocabulary", problems).map(|t| vocabulary(&t, problems))
    });
    let pool = fields.optional("pool", problems, |value, problems| named(value, "pool", problems, pool));
    let rule = fields.optional("rule", problems, |value, problems| named(value, "rule", problems, rule));
    fields.finish(problems);
    let (job, cache) = (job.unwrap_or_default(), cache.unwrap_or_default());
    let (limits, pool, rule) = (limits.unwrap_or_default(), pool.unwrap_or_default(), rule.unwrap_or_default());
    let vocabulary = vocabulary.unwrap_or_default();
    Some(Ingestfile { version: version?, job, cache, limits, vocabulary, pool, rule })
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

fn vocabulary(table: &Table<'_, '_>, problems: &mut Problems) -> Vocabulary {
    let mut fields = Fields::of(table.table, &table.span, "`[vocabulary]`");
    let vocabulary =
        Vocabulary { uses: fields.optional("use", problems, strings), files: fields.optional("files", problems, strings) };
    fields.finish(problems);
    vocabulary
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

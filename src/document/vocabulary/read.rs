//! TOML to the words of a vocabulary file: shapes, types and unknown keys.

use toml::de::DeTable;

use super::syntax::{Expression, File, Kind, References, Structure};
use crate::spanned::fields::{self, Element, Fields, boolean, integer, named, natural, string, strings, table};
use crate::spanned::{At, Named, Problems};

/// The file that `text` writes, as far as it can be read; what cannot becomes a problem.
pub fn parse(text: &str, problems: &mut Problems) -> Option<File> {
    fields::parse(text, problems, file)
}

fn file(root: &DeTable<'_>, problems: &mut Problems) -> Option<File> {
    let mut fields = Fields::of(root, &File::TOP, "a vocabulary");
    let version = fields.required("version", problems, integer);
    let structure = fields.optional("structure", problems, structure);
    let kind = fields.optional("kind", problems, |v, p| named(v, "kind", p, kind));
    let fragment = fields.optional("fragment", problems, texts);
    let expression = fields.optional("expression", problems, |v, p| named(v, "expression", p, expression));
    let numbers =
        fields.optional("numbers", problems, |v, p| named(v, "numbers", p, |_, value, problems| natural(value, problems)));
    let synonyms = fields.optional("synonyms", problems, texts);
    let references = fields.optional("references", problems, references);
    fields.finish(problems);
    Some(File {
        version: version?,
        structure: structure.unwrap_or_default(),
        kind: kind.unwrap_or_default(),
        fragment: fragment.unwrap_or_default(),
        expression: expression.unwrap_or_default(),
        numbers: numbers.unwrap_or_default(),
        synonyms: synonyms.unwrap_or_default(),
        references: references.unwrap_or_default(),
    })
}

/// A table of strings.
fn texts(value: Element<'_, '_>, problems: &mut Problems) -> Option<Named<At<String>>> {
    named(value, value.name, problems, |_, value, problems| string(value, problems))
}

fn structure(value: Element<'_, '_>, problems: &mut Problems) -> Option<Structure> {
    let table = table(value, "structure", problems)?;
    let mut fields = Fields::of(table.table, &table.span, "`[structure]`");
    let structure = Structure {
        replace: fields.optional("replace", problems, boolean),
        divisions: fields.optional("divisions", problems, strings),
        contents: fields.optional("contents", problems, strings),
        index: fields.optional("index", problems, strings),
        no_names: fields.optional("no_names", problems, strings),
        collecting: fields.optional("collecting", problems, strings),
        levels: fields.optional("levels", problems, strings),
    };
    fields.finish(problems);
    Some(structure)
}

fn kind(name: &At<String>, value: Element<'_, '_>, problems: &mut Problems) -> Option<Kind> {
    let table = table(value, &format!("kind.{}", name.value), problems)?;
    let mut fields = Fields::of(table.table, &table.span, "a kind");
    let kind = Kind {
        replace: fields.optional("replace", problems, boolean),
        headings: fields.optional("headings", problems, strings),
        entries: fields.optional("entries", problems, strings),
        tags: fields.optional("tags", problems, strings),
        fields: fields.optional("fields", problems, strings),
        min_fields: fields.optional("min_fields", problems, natural),
        stats: fields.optional("stats", problems, strings),
        subtitles: fields.optional("subtitles", problems, strings),
        names: fields.optional("names", problems, string),
        plural: fields.optional("plural", problems, boolean),
        called: fields.optional("called", problems, strings),
        called_before: fields.optional("called_before", problems, strings),
        near: fields.optional("near", problems, strings),
        under: fields.optional("under", problems, strings),
        levelled: fields.optional("levelled", problems, string),
        any_heading: fields.optional("any_heading", problems, boolean),
    };
    fields.finish(problems);
    Some(kind)
}

fn expression(name: &At<String>, value: Element<'_, '_>, problems: &mut Problems) -> Option<Expression> {
    let table = table(value, &format!("expression.{}", name.value), problems)?;
    let mut fields = Fields::of(table.table, &table.span, "an expression");
    let expression = Expression {
        replace: fields.optional("replace", problems, boolean),
        value: fields.optional("value", problems, string),
        name: fields.optional("name", problems, string),
        patterns: fields.optional("patterns", problems, strings),
        units: fields.optional("units", problems, texts).unwrap_or_default(),
        adjectives: fields.optional("adjectives", problems, strings),
        not_types: fields.optional("not_types", problems, strings),
    };
    fields.finish(problems);
    Some(expression)
}

fn references(value: Element<'_, '_>, problems: &mut Problems) -> Option<References> {
    let table = table(value, "references", problems)?;
    let mut fields = Fields::of(table.table, &table.span, "`[references]`");
    let references = References {
        replace: fields.optional("replace", problems, boolean),
        patterns: fields.optional("patterns", problems, strings),
        phrases: fields.optional("phrases", problems, strings),
        books: fields.optional("books", problems, strings),
        and: fields.optional("and", problems, strings),
        see: fields.optional("see", problems, strings),
        eyes: fields.optional("eyes", problems, strings),
        measures: fields.optional("measures", problems, strings),
        no_titles: fields.optional("no_titles", problems, strings),
        chapters: fields.optional("chapters", problems, strings),
    };
    fields.finish(problems);
    Some(references)
}

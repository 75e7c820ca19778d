//! Several vocabulary files made into one vocabulary, and all that is wrong with them told where it stands. Files of the
//! program are taken at their word; a test checks them.

use std::collections::{BTreeMap, BTreeSet};

use super::bundled::{ALWAYS, Bundled};
use super::draft::{Draft, ExpressionDraft, From, KindDraft, Word};
use super::pattern::{BadPattern, Parts, Pattern};
use super::syntax::File;
use super::{KindWords, Reading, Vocabulary, claims, read};
use crate::diagnostic::Diagnostic;
use crate::document::expressions::Declared;
use crate::document::expressions::values::Form;
use crate::document::headings::key::compact;
use crate::document::number_words::NumberWords;
use crate::placeholder;
use crate::spanned::{Problems, meant};

/// A vocabulary file of a project.
#[derive(Clone, Copy, Debug)]
pub struct Text<'t> {
    /// As the user names it.
    pub name: &'t str,
    pub text: &'t str,
}

/// Files on their way to a vocabulary.
pub(super) struct Composing {
    pub(super) problems: Vec<Problems>,
    /// The first so many are the program's own.
    own: usize,
    /// Parts of patterns that each file may use.
    pub(super) parts: Vec<Parts>,
}

/// The vocabulary of `bundled` ones and, after them, the project's own `files`.
///
/// # Errors
/// Everything that is wrong with them, file by file.
pub fn compose(bundled: &[&'static Bundled], files: &[Text<'_>]) -> Result<Vocabulary, Vec<Diagnostic>> {
    checked(bundled, bundled.len(), files)
}

/// As `compose`, of which the first `own` files are taken at their word.
fn checked(bundled: &[&'static Bundled], own: usize, files: &[Text<'_>]) -> Result<Vocabulary, Vec<Diagnostic>> {
    let named = bundled.iter().map(|b| (format!("bundled `{}`", b.name), b.text));
    let texts: Vec<(String, &str)> = named.chain(files.iter().map(|f| (f.name.to_owned(), f.text))).collect();
    let always = bundled.iter().position(|b| b.name == ALWAYS);
    let mut problems: Vec<Problems> = texts.iter().map(|(name, text)| Problems::new(name, text)).collect();
    let read: Vec<Option<File>> = texts.iter().zip(&mut problems).map(|((_, text), p)| read::parse(text, p)).collect();
    let mut composing = Composing { problems, own, parts: Vec::new() };
    let shared = always.and_then(|at| read[at].as_ref()).map(|file| composing.parts_of(always.unwrap_or(0), file, Parts::new()));
    let shared = shared.unwrap_or_default();
    let mut draft = Draft::default();
    for (ix, file) in read.into_iter().enumerate() {
        let parts = match &file {
            Some(file) if Some(ix) != always => composing.parts_of(ix, file, shared.clone()),
            _ => shared.clone(),
        };
        composing.parts.push(parts);
        if let Some(file) = file {
            draft.add(ix, file, &mut composing.problems[ix]);
        }
    }
    let vocabulary = composing.finish(&draft);
    if composing.problems.iter().all(Problems::none) {
        return Ok(vocabulary);
    }
    Err(composing.problems.into_iter().flat_map(Problems::into_sorted).collect())
}

impl Composing {
    pub(super) fn is_own(&self, file: usize) -> bool {
        file < self.own
    }

    pub(super) fn add<T>(&mut self, at: &From<T>, message: impl Into<String>, label: &str, hint: impl Into<String>) {
        self.problems[at.file].add(&at.at.span, message, label, hint);
    }

    /// The parts of patterns that a file may use: `known` ones, and its own. Each may use those before it.
    fn parts_of(&mut self, ix: usize, file: &File, known: Parts) -> Parts {
        let mut parts = known;
        for (name, text) in &file.fragment.0 {
            let plain = |c: char| c.is_ascii_lowercase() || c == '_';
            if name.value.is_empty() || !name.value.chars().all(plain) {
                let message = format!("`{}` is no name for a part of patterns", name.value.escape_debug());
                self.problems[ix].add(&name.span, message, "", "names hold small letters and `_`");
            }
            let word = From { file: ix, at: text.clone() };
            if let Some((pattern, _)) = self.pattern_with(&word, &parts) {
                parts.insert(name.value.clone(), pattern.text().to_owned());
            }
        }
        parts
    }

    /// A pattern, and the names of its groups if it is the project's.
    pub(super) fn pattern(&mut self, word: &Word) -> Option<(Pattern, Vec<String>)> {
        let parts = std::mem::take(&mut self.parts[word.file]);
        let made = self.pattern_with(word, &parts);
        self.parts[word.file] = parts;
        let takes_nothing = |p: &Pattern| p.regex().is_some_and(|regex| regex.is_match(""));
        if !self.is_own(word.file) && made.as_ref().is_some_and(|(pattern, _)| takes_nothing(pattern)) {
            self.add(word, format!("the pattern `{}` takes the empty text", word.at.value), "", "it would be found everywhere");
            return None;
        }
        made
    }

    fn pattern_with(&mut self, word: &Word, parts: &Parts) -> Option<(Pattern, Vec<String>)> {
        let written = &word.at.value;
        let made = Pattern::new(written, parts).and_then(|pattern| {
            let groups = if self.is_own(word.file) { Vec::new() } else { pattern.check(written)? };
            Ok((pattern, groups))
        });
        match made {
            Ok(made) => return Some(made),
            Err(BadPattern::UnknownPart(name, place)) => {
                let span = self.problems[word.file].within(&word.at, &place);
                let message = format!("`{{{name}}}` is no part of patterns");
                let hint = meant(&name, parts.keys().map(String::as_str));
                self.problems[word.file].add(&span, message, "no such part in `[fragment]`", hint);
            }
            Err(BadPattern::Malformed(what, place)) => {
                let span = place.map_or_else(|| word.at.span.clone(), |p| self.problems[word.file].within(&word.at, &p));
                let message = format!("the pattern `{written}` is no regular expression");
                self.problems[word.file].add(&span, message, &what, "");
            }
        }
        None
    }

    fn finish(&mut self, draft: &Draft) -> Vocabulary {
        let keys = |words: &[Word]| words.iter().map(|w| compact(&w.at.value)).collect::<BTreeSet<_>>();
        let lower = |words: &[Word]| words.iter().map(|w| w.at.value.trim().to_lowercase()).collect::<Vec<_>>();
        claims::check(&draft.kinds, &mut self.problems);
        let structure = &draft.structure;
        let mut synonyms: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for (other, name) in &draft.synonyms {
            if compact(&other.at.value) == compact(&name.at.value) {
                self.add(name, format!("`{}` stands for itself", other.at.value), "", "");
            }
            synonyms.entry(compact(&name.at.value)).or_default().push(other.at.value.trim().to_owned());
        }
        let numbers: NumberWords = numbers(draft);
        let kind = |tagged: &KindDraft| (keys(&tagged.tags), tagged.kind);
        Vocabulary {
            contents: keys(&structure.contents),
            index: keys(&structure.index),
            divisions: keys(&structure.divisions),
            no_names: keys(&structure.no_names),
            collecting: lower(&structure.collecting),
            levels: lower(&structure.levels).into_iter().collect(),
            tags: draft.kinds.iter().map(kind).flat_map(|(tags, kind)| tags.into_iter().map(move |tag| (tag, kind))).collect(),
            kinds: draft.kinds.iter().map(|k| self.kind(k, &draft.kinds)).collect(),
            synonyms,
            expressions: draft.expressions.iter().filter_map(|e| self.expression(e, &draft.kinds, &numbers)).collect(),
            numbers,
            references: self.references(&draft.references),
        }
    }

    fn kind(&mut self, draft: &KindDraft, all: &[KindDraft]) -> KindWords {
        for word in draft.headings.iter().chain(&draft.tags).chain(&draft.subtitles).filter(|w| compact(&w.at.value).is_empty()) {
            self.add(word, format!("`{}` holds no letter", word.at.value), "", "");
        }
        let words = |words: &[Word]| words.iter().map(|w| w.at.value.trim().to_lowercase()).collect::<Vec<_>>();
        let mut fields: Vec<String> =
            words(&draft.fields).iter().map(|f| f.trim_end_matches(':').trim_end().to_owned()).collect();
        fields.sort();
        fields.dedup();
        fields.sort_by_key(|f| std::cmp::Reverse(f.len()));
        let least = draft.min_fields.as_ref().map_or(2, |n| usize::try_from(n.at.value).unwrap_or(usize::MAX));
        if let Some(given) = draft.min_fields.as_ref().filter(|_| least == 0 || least > fields.len()) {
            let message = format!("`min_fields` is {least}, and `{}` has {} fields", draft.kind.name(), fields.len());
            self.add(given, message, "", "");
        }
        let reading = draft.names.as_ref().and_then(|said| self.one_of(said, "names", &Reading::ALL)).unwrap_or(Reading::Title);
        let levelled = draft.levelled.as_ref().and_then(|said| {
            let known = all.iter().find(|k| k.kind.name() == said.at.value).map(|k| k.kind);
            if known.is_none() {
                let hint = meant(&said.at.value, all.iter().map(|k| k.kind.name()));
                self.add(said, format!("unknown kind `{}`", said.at.value), "no such kind", hint);
            }
            known
        });
        // A phrase is compared word by word.
        let phrase =
            |text: &String| text.split(|c: char| !c.is_alphanumeric()).filter(|w| !w.is_empty()).collect::<Vec<_>>().join(" ");
        KindWords {
            headings: draft.headings.iter().map(|w| compact(&w.at.value)).collect(),
            entries: draft.entries.iter().filter_map(|e| self.pattern(e)).map(|(pattern, _)| pattern).collect(),
            min_fields: if fields.is_empty() { 0 } else { least.min(fields.len()) },
            fields,
            subtitles: words(&draft.subtitles).iter().map(phrase).collect(),
            stats: words(&draft.stats),
            has_plural: draft.plural.unwrap_or(!matches!(reading, Reading::State | Reading::Label)),
            reading,
            called: words(&draft.called),
            called_before: words(&draft.called_before),
            near: words(&draft.near),
            under: words(&draft.under),
            levelled,
            any_heading: draft.any_heading.as_ref().is_some_and(|a| a.at.value),
            ..KindWords::new(draft.kind)
        }
    }

    /// The value that `said` names.
    fn one_of<T: Copy>(&mut self, said: &Word, key: &str, known: &[(&'static str, T)]) -> Option<T> {
        let found = known.iter().find(|(name, _)| *name == said.at.value);
        if found.is_none() {
            let hint = meant(&said.at.value, known.iter().map(|(name, _)| *name));
            self.add(said, format!("`{key}` is no `{}`", said.at.value), "not known", hint);
        }
        found.map(|(_, value)| *value)
    }

    fn expression(&mut self, draft: &ExpressionDraft, kinds: &[KindDraft], numbers: &NumberWords) -> Option<Declared> {
        let name = draft.name.at.value.clone();
        if kinds.iter().any(|k| k.kind.name() == name) {
            self.add(&draft.name, format!("`{name}` is a kind and an expression"), "", "rename one: mentions tell them by name");
        }
        let form = draft.value.as_ref().map_or(Some(Form::Text), |said| self.one_of(said, "value", &Form::ALL))?;
        let mut patterns = Vec::with_capacity(draft.patterns.len());
        for word in &draft.patterns {
            let Some((pattern, groups)) = self.pattern(word) else { continue };
            if !self.is_own(word.file) {
                self.groups(word, &groups, form);
            }
            patterns.push((pattern, groups, word));
        }
        if let Some(written) = &draft.written {
            for placeholder in placeholder::find(&written.at.value) {
                let lacking = patterns
                    .iter()
                    .find(|(_, groups, word)| !self.is_own(word.file) && groups.iter().all(|g| g != placeholder.name));
                if let Some((_, groups, _)) = lacking {
                    let span = self.problems[written.file].within(&written.at, &placeholder.span);
                    let message = format!("`{{{}}}` is no group of every pattern of `{name}`", placeholder.name);
                    let hint = meant(placeholder.name, groups.iter().map(String::as_str));
                    self.problems[written.file].add(&span, message, "no such group", hint);
                }
            }
        }
        let lower = |words: &[Word]| words.iter().map(|w| w.at.value.trim().to_lowercase()).collect::<Vec<_>>();
        Some(Declared {
            patterns: patterns.into_iter().map(|(pattern, ..)| pattern).collect(),
            form,
            name: draft.written.as_ref().map(|w| w.at.value.clone()).unwrap_or_default(),
            units: draft.units.iter().map(|(p, unit)| (p.at.value.to_lowercase(), unit.at.value.clone())).collect(),
            adjectives: lower(&draft.adjectives),
            not_types: lower(&draft.not_types),
            numbers: numbers.clone(),
            kind: name,
        })
    }

    /// Tells what `form` needs and a pattern has not.
    fn groups(&mut self, word: &Word, groups: &[String], form: Form) {
        let form_name = Form::ALL.iter().find(|(_, f)| *f == form).map_or("", |(name, _)| name);
        for wanted in form.needs().iter().filter(|any| !any.iter().any(|w| groups.iter().any(|g| g == w))) {
            let names = wanted.iter().map(|w| format!("`(?P<{w}>…)`")).collect::<Vec<_>>().join(" or ");
            let message = format!("`value = \"{form_name}\"` needs a group {names}");
            let hint = groups.iter().map(|g| meant(g, wanted.iter().copied())).find(|h| h.starts_with("did"));
            self.add(word, message, "no such group", hint.unwrap_or_default());
        }
        if matches!(form, Form::Text | Form::Number) && groups.is_empty() {
            let message = format!("`value = \"{form_name}\"` needs a group with a name");
            self.add(word, message, "no group", "write `(?P<name>…)` around what is the value");
        }
    }
}

/// Numbers in words; of one that is given twice, the last.
fn numbers(draft: &Draft) -> NumberWords {
    let number = |(word, number): &(Word, u64)| Some((word.at.value.trim().to_lowercase(), u32::try_from(*number).ok()?));
    draft.numbers.iter().filter_map(number).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::document::vocabulary::{BUNDLED, usual};

    fn told(text: &str) -> Vec<String> {
        let problems = compose(&usual(), &[Text { name: "brine.toml", text }]).err().unwrap_or_default();
        problems.iter().map(|p| p.to_string() + &p.hint.as_ref().map(|h| format!(" [{h}]")).unwrap_or_default()).collect()
    }

    #[test]
    fn there_is_nothing_wrong_with_the_bundled_vocabularies() {
        let all: Vec<&'static Bundled> = BUNDLED.iter().collect();
        let made = checked(&all, 0, &[]).map_err(|problems| problems.iter().map(|p| p.render(false)).collect::<Vec<_>>());
        let names: Vec<String> = made.unwrap().kinds.iter().map(|k| k.kind.name().to_owned()).collect();
        // Where two kinds are equally likely, this order decides.
        assert_eq!(
            names,
            [
                "spell",
                "creature",
                "item",
                "condition",
                "feat",
                "class",
                "ancestry",
                "background",
                "feature",
                "skill",
                "rule",
                "mechanic",
                "place",
                "person",
                "move",
                "tag"
            ]
        );
        for some in 0..1 << BUNDLED.len() {
            let used = |(n, b): &(usize, &Bundled)| b.name == ALWAYS || some & (1 << n) != 0;
            let some: Vec<_> = BUNDLED.iter().enumerate().filter(used).map(|(_, b)| b).collect();
            assert!(checked(&some, 0, &[]).is_ok(), "{some:?}");
        }
        assert!(Vocabulary::bundled().is_ok());
    }

    #[test]
    fn a_file_adds_to_what_is_there_and_replaces_where_it_says_so() {
        let more = Text {
            name: "a.toml",
            text: "version = 1\n[kind.spell]\nheadings = [\"Shanties\"]\n[kind.ship]\nheadings = [\"Ships\"]",
        };
        let both = compose(&usual(), &[more]).unwrap();
        let kind = |v: &Vocabulary, title: &str| v.kind_of_heading(title).map(|k| k.name().to_owned());
        assert_eq!(kind(&both, "Shanties"), Some("spell".into()));
        assert_eq!((kind(&both, "Spells"), kind(&both, "Ships")), (Some("spell".into()), Some("ship".into())));
        let only = Text { name: "b.toml", text: "version = 1\n[kind.spell]\nreplace = true\nheadings = [\"Shanties\"]" };
        let replaced = compose(&usual(), &[only]).unwrap();
        assert_eq!((kind(&replaced, "Shanties"), kind(&replaced, "Spells")), (Some("spell".into()), None));
    }

    #[test]
    fn a_phrase_is_a_pattern_in_plain_words() {
        let text = "version = 1\n[references]\nphrases = [\"turn to leaf {page}\", \"consult the {title} rite\"]";
        let made = compose(&usual(), &[Text { name: "a.toml", text }]).unwrap();
        let found = crate::document::references::find::references(
            "You Turn to leaf 12. We consult the Black Tide rite.",
            &made.references,
        );
        let shown: Vec<_> = found.iter().map(|r| format!("{} {}", r.kind, r.target)).collect();
        assert_eq!(shown, ["page 12", "section Black Tide"]);
    }

    #[test]
    fn what_is_wrong_points_at_its_place_and_names_the_way_out() {
        let expression = |rest: &str| told(&format!("version = 1\n[expression.tide]\n{rest}"));
        assert_eq!(told("version = 2"), ["brine.toml:1:11: version 2 is not known [this `ingest` reads version 1]"]);
        assert_eq!(
            told("version = 1\n[kind.ship]\nheading = [\"Ships\"]"),
            ["brine.toml:3:1: unknown key `heading` in a kind [did you mean `headings`?]"]
        );
        assert_eq!(
            expression("patterns = ['tide (?P<n>\\d+']"),
            ["brine.toml:3:19: the pattern `tide (?P<n>\\d+` is no regular expression"]
        );
        assert_eq!(
            expression("patterns = ['{dyce} tides']")[0],
            "brine.toml:3:14: `{dyce}` is no part of patterns [did you mean `dice`?]"
        );
        assert_eq!(
            expression("value = \"nubmer\"\npatterns = ['(?P<n>\\d+)']"),
            ["brine.toml:3:9: `value` is no `nubmer` [did you mean `number`?]"]
        );
        assert_eq!(
            expression("value = \"money\"\npatterns = ['(?P<amuont>\\d+) (?P<unit>pearls)']"),
            ["brine.toml:4:13: `value = \"money\"` needs a group `(?P<amount>…)` [did you mean `amount`?]"]
        );
        assert_eq!(
            expression("patterns = ['(?P<a>x)?']"),
            ["brine.toml:3:13: the pattern `(?P<a>x)?` takes the empty text [it would be found everywhere]"]
        );
        assert_eq!(
            told("version = 1\n[kind.Ship]\nheadings = [\"Ships\"]")[0].split(" [").next(),
            Some("brine.toml:2:7: `Ship` is no name for a kind")
        );
        assert_eq!(
            told("version = 1\n[kind.ship]\nlevelled = \"featur\"")[0],
            "brine.toml:3:12: unknown kind `featur` [did you mean `feature`?]"
        );
        assert_eq!(
            told("version = 1\n[references]\nphrases = [\"see leaf {pgae}\"]")[0],
            "brine.toml:3:22: `{pgae}` leads nowhere [did you mean `page`?]"
        );
        assert_eq!(
            told("version = 1\n[expression.spell]\npatterns = ['(?P<a>x)']")[0],
            "brine.toml:2:13: `spell` is a kind and an expression [rename one: mentions tell them by name]"
        );
    }

    #[test]
    fn parts_of_patterns_are_checked_where_they_are_written_and_where_they_are_used() {
        let two = "version = 1\n[fragment]\npages = '(?P<page>\\d+)'\n[references]\nphrases = [\"leaf {page}\"]";
        assert!(told(two)[0].starts_with("brine.toml:5:12: the phrase `leaf {page}` makes no pattern"), "{:?}", told(two));
        let broken = told("version = 1\n[fragment]\nwind = '(north'\nWind = 'x'");
        assert_eq!(broken[0], "brine.toml:3:9: the pattern `(north` is no regular expression");
        assert_eq!(broken[1], "brine.toml:4:1: `Wind` is no name for a part of patterns [names hold small letters and `_`]");
    }

    #[test]
    fn two_kinds_that_claim_one_heading_are_told_where_both_stand() {
        let told = told("version = 1\n[kind.shanty]\nheadings = [\"Songs\", \"Spells\"]\n[kind.ship]\nheadings = [\"songs\"]");
        assert_eq!(told.len(), 2, "{told:#?}");
        assert!(
            told[0].starts_with(
                "brine.toml:3:22: the heading `Spells` collects both `spell` and `shanty` [`spell` has it in bundled `fantasy`:"
            ),
            "{}",
            told[0]
        );
        assert!(
            told[1].starts_with(
                "brine.toml:5:13: the heading `songs` collects both `shanty` and `ship` [`shanty` has it in brine.toml:3:13;"
            ),
            "{}",
            told[1]
        );
    }

    const WHOLE: &str = r#"version = 1
[kind.ship]
headings = ["Ships"]
fields = ["Hull:", "Sails:"]
entries = ['^The (?P<name>\w+)$']
[fragment]
wind = '(?P<wind>north|south)'
[expression.knots]
value = "measure"
patterns = ['{dice} (?P<unit>knots)', '(?P<amount>\d+) {wind} (?P<unit>knots)']
units = { knots = "kn" }
[references]
phrases = ["leaf {page}"]
patterns = ['tale of (?P<title>{title})']
[synonyms]
HP = "Hull Points"
"#;

    /// What a file does to a text, if it is one.
    fn used(text: &str) {
        match compose(&usual(), &[Text { name: "brine.toml", text }]) {
            Err(problems) => assert!(!problems.is_empty() && problems.iter().all(|p| !p.render(false).is_empty())),
            Ok(made) => {
                const PRINTED: &str =
                    "The Gull makes 2d6+1 knots, 3 north knots (see leaf 12, or the tale of Black Tide). É 30 ft.";
                let length = u32::try_from(PRINTED.chars().count()).unwrap();
                let found = crate::document::expressions::find(PRINTED, &made.expressions);
                assert!(found.iter().all(|e| e.start < e.end && e.end <= length));
                let leads = crate::document::references::find::references(PRINTED, &made.references);
                assert!(leads.iter().all(|r| r.start < r.end && r.end <= length && !r.target.is_empty()));
                let _ = made.entry("The Gull");
            }
        }
    }

    #[test]
    fn a_file_cut_anywhere_never_panics() {
        (0..WHOLE.len()).for_each(|end| used(&WHOLE[..end]));
        assert!(compose(&usual(), &[Text { name: "whole.toml", text: WHOLE }]).is_ok());
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        #[test]
        fn a_file_with_slips_is_taken_or_refused(edits in prop::collection::vec((0..WHOLE.len(), "[\\PC\n]{0,3}", 0..3_usize), 1..5)) {
            let mut text = WHOLE.to_owned();
            for (at, new, gone) in edits {
                let at = at.min(text.len());
                let end = (at + gone).min(text.len());
                if text.is_char_boundary(at) && text.is_char_boundary(end) {
                    text.replace_range(at..end, &new);
                }
            }
            used(&text);
        }
    }
}

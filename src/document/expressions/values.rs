//! What a pattern's groups come to: the forms of values that a vocabulary names. A pattern says what is printed; its form may
//! still refuse. The regex crate has no look-around: what must not follow is checked here.

use std::collections::BTreeMap;

use regex::Captures;
use serde_json::Value;

use super::Declared;
use super::amount::{Dice, decimal, whole};

/// Canonical writing and value.
type Parsed = (String, BTreeMap<String, Value>);

/// How the groups of a pattern become a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// Each group in lower case.
    Text,
    /// Each group a whole number.
    Number,
    Dice,
    /// Dice or an amount, and a unit.
    Measure,
    /// An amount, and a unit or a mark.
    Money,
    Damage,
}

impl Form {
    /// All of them, as vocabularies call them.
    pub const ALL: [(&'static str, Self); 6] = [
        ("text", Self::Text),
        ("number", Self::Number),
        ("dice", Self::Dice),
        ("measure", Self::Measure),
        ("money", Self::Money),
        ("damage", Self::Damage),
    ];

    /// Groups that a pattern must have, one of each list.
    #[must_use]
    pub fn needs(self) -> &'static [&'static [&'static str]] {
        match self {
            Self::Text | Self::Number => &[],
            Self::Dice => &[&["sides"]],
            Self::Measure => &[&["unit"], &["amount", "sides"]],
            Self::Money => &[&["amount"], &["unit", "mark"]],
            Self::Damage => &[&["amount", "points", "sides", "type"]],
        }
    }
}

impl Declared {
    /// Canonical writing and value of what one of its patterns has found in `text`; `None` if it is none after all.
    #[must_use]
    pub fn read(&self, captures: &Captures<'_>, text: &str) -> Option<Parsed> {
        match self.form {
            Form::Text => self.groups(captures, |group| Some(Value::from(group.to_lowercase()))),
            Form::Number => self.groups(captures, |group| whole(group, &self.numbers).map(Value::from)),
            Form::Dice => self.dice(captures, text),
            Form::Measure => self.measure(captures, text),
            Form::Money => self.money(captures, text),
            Form::Damage => self.damage(captures),
        }
    }

    /// Every group that takes part, under its name.
    fn groups(&self, captures: &Captures<'_>, read: impl Fn(&str) -> Option<Value>) -> Option<Parsed> {
        let mut value = BTreeMap::new();
        let regex = self.patterns.iter().filter_map(|p| p.regex());
        for name in regex.flat_map(|r| r.capture_names().flatten()) {
            if let Some(group) = text_of(captures, name) {
                value.insert(name.to_owned(), read(group)?);
            }
        }
        let written = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        let name = if self.name.is_empty() {
            captures.get(0)?.as_str().split_whitespace().collect::<Vec<_>>().join(" ")
        } else {
            crate::placeholder::fill(&self.name, |group| value.get(group).map(written))
        };
        Some((name, value))
    }

    fn money(&self, captures: &Captures<'_>, text: &str) -> Option<Parsed> {
        let (written, amount) = decimal(text_of(captures, "amount")?, &self.numbers)?;
        if let Some(mark) = text_of(captures, "mark") {
            let value = BTreeMap::from([("amount".to_owned(), amount), ("unit".to_owned(), mark.into())]);
            return Some((format!("{mark}{written}"), value));
        }
        let printed = text_of(captures, "unit")?.to_lowercase();
        let mut words = printed.split_whitespace();
        let first = words.next()?;
        let unit = self.unit(first);
        // "3 gold rings" are rings: a bare metal is money only where its phrase ends.
        if self.adjectives.iter().any(|a| a == first) && words.next().is_none() && begins_noun(rest(captures, text)) {
            return None;
        }
        let name = format!("{written} {unit}");
        let value = BTreeMap::from([("amount".to_owned(), amount), ("unit".to_owned(), unit.into())]);
        Some((name, value))
    }

    /// An amount or dice with a unit.
    fn measure(&self, captures: &Captures<'_>, text: &str) -> Option<Parsed> {
        let printed = text_of(captures, "unit")?.to_lowercase();
        let unit = self.unit(printed.trim_end_matches('.'));
        // A sign or a die before the number belongs to something else: `+5 feet` is a difference, `1d6 foot` is caught by dice.
        if lead(captures, text).ends_with(['.', '/', ',']) && text_of(captures, "amount").is_some() {
            return None;
        }
        let mut value = BTreeMap::from([("unit".to_owned(), Value::from(unit))]);
        if let Some(dice) = self.dice_of(captures, "") {
            dice.put(&mut value);
            return Some((format!("{} {unit}", dice.name()), value));
        }
        let (written, amount) = decimal(text_of(captures, "amount")?, &self.numbers)?;
        value.insert("amount".to_owned(), amount);
        let Some(long) = text_of(captures, "long").and_then(|t| whole(t, &self.numbers)) else {
            return Some((format!("{written} {unit}"), value));
        };
        value.insert("long".to_owned(), long.into());
        Some((format!("{written}/{long} {unit}"), value))
    }

    /// A unit as it is written down.
    fn unit<'a>(&'a self, printed: &'a str) -> &'a str {
        self.units.get(printed).map_or_else(|| printed.strip_suffix('s').unwrap_or(printed), String::as_str)
    }

    fn damage(&self, captures: &Captures<'_>) -> Option<Parsed> {
        // Listed ones have a group each: a part of a pattern that is used once more.
        let groups = ["type", "type2", "type3", "type4", "type5", "type6", "type7", "type8"];
        let types = groups.into_iter().filter_map(|group| text_of(captures, group)).map(str::to_lowercase);
        let types: Vec<String> = types.filter(|t| !self.not_types.contains(t)).collect();
        let kind = (!types.is_empty()).then(|| types.join(", "));
        let mut value = BTreeMap::new();
        let amount = text_of(captures, "amount").or_else(|| text_of(captures, "points")).and_then(|t| whole(t, &self.numbers));
        let dice = self.dice_of(captures, "").or_else(|| self.dice_of(captures, "2"));
        if let Some(amount) = amount {
            value.insert("amount".to_owned(), amount.into());
        }
        if let Some(dice) = dice {
            dice.put(&mut value);
        }
        let figure = match (amount, dice) {
            (Some(a), Some(d)) => format!("{a} ({})", d.name()),
            (Some(a), None) => a.to_string(),
            (None, Some(d)) => d.name(),
            (None, None) => String::new(),
        };
        let words = [figure.as_str(), kind.as_deref().unwrap_or_default(), "damage"].into_iter().filter(|w| !w.is_empty());
        let name = words.collect::<Vec<_>>().join(" ");
        if value.is_empty() && kind.is_none() {
            return None;
        }
        if let Some(first) = types.first() {
            value.insert("type".to_owned(), first.as_str().into());
        }
        if types.len() > 1 {
            value.insert("types".to_owned(), types.into());
        }
        Some((name, value))
    }

    /// The dice among the captures; None if there are none or they are too many.
    fn dice_of(&self, captures: &Captures<'_>, suffix: &str) -> Option<Dice> {
        Dice::parse(|name| text_of(captures, &format!("{name}{suffix}")).map(str::trim), &self.numbers)
    }

    fn dice(&self, captures: &Captures<'_>, text: &str) -> Option<Parsed> {
        let dice = self.dice_of(captures, "")?;
        // `3d8x`, `R2d2-unit`, `d20ish` are names; `d6+d8` is two dice; `2d6+3d8` would take the 3 from the second.
        if rest(captures, text).starts_with(|c: char| c.is_alphanumeric() || c == '_') {
            return None;
        }
        let mut value = BTreeMap::new();
        dice.put(&mut value);
        Some((dice.name(), value))
    }
}

fn text_of<'t>(captures: &Captures<'t>, group: &str) -> Option<&'t str> {
    captures.name(group).map(|m| m.as_str())
}

/// What follows the match.
fn rest<'t>(captures: &Captures<'_>, text: &'t str) -> &'t str {
    captures.get(0).and_then(|m| text.get(m.end()..)).unwrap_or("")
}

/// What precedes the match.
fn lead<'t>(captures: &Captures<'_>, text: &'t str) -> &'t str {
    captures.get(0).and_then(|m| text.get(..m.start())).unwrap_or("")
}

/// Whether `rest` goes on with a word that may be a noun.
fn begins_noun(rest: &str) -> bool {
    const JOINTS: [&str; 16] =
        ["and", "or", "for", "each", "per", "to", "a", "from", "in", "worth", "is", "are", "as", "with", "plus", "on"];
    let Some(rest) = rest.strip_prefix([' ', '-', '\n']) else { return false };
    let word: String = rest.chars().take_while(|c| c.is_alphabetic()).collect();
    !word.is_empty() && !JOINTS.contains(&word.to_lowercase().as_str())
}

//! The patterns of expressions and what each parses to. A pattern says what is printed; its parser may still refuse.
//! The regex crate has no look-around: what must not follow is checked by the parsers.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use regex::{Captures, Regex};
use serde_json::Value;

use crate::document::expressions::amount::Dice;
use crate::document::expressions::amount::decimal;
use crate::document::expressions::amount::whole;

/// Canonical writing and value.
type Parsed = (String, BTreeMap<String, Value>);

/// One way to print an expression.
pub struct Pattern {
    pub kind: &'static str,
    pub regex: Regex,
    pub parse: fn(&Captures<'_>, &str) -> Option<Parsed>,
}

/// A number in words, in digits, or with thousands commas.
const NUMBER: &str = r"(?:\d{1,3}(?:,\d{3})+|\d+)(?:\.\d+)?|(?:one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|thirteen|fourteen|fifteen|sixteen|seventeen|eighteen|nineteen|twenty)\b";
/// Dice with count, sides, sign, modifier as groups.
const DICE: &str = r"(?:(?P<count>\d+|(?:one|two|three|four|five|six|seven|eight|nine|ten)\x20+)?d(?P<sides>\d+|%)(?:\s*(?P<sign>[+\-−–])\s*(?P<modifier>\d+))?)";

/// All patterns.
pub fn patterns() -> &'static [Pattern] {
    static PATTERNS: LazyLock<Vec<Pattern>> = LazyLock::new(build);
    &PATTERNS
}

fn build() -> Vec<Pattern> {
    let made = [
        ("dice", format!(r"(?i)\b{DICE}"), parse_dice as fn(&Captures<'_>, &str) -> Option<Parsed>),
        // Without its modifier: in `2d6+1d4` the 1 belongs to the second.
        ("dice", r"(?i)\b(?P<count>\d+)?d(?P<sides>\d+|%)".to_owned(), parse_dice),
        ("dice", format!(r"(?i)\b(?P<count>{NUMBER})[ -](?P<sides>{NUMBER})[- ]sided\s+dic?es?\b"), parse_dice),
        (
            "dc",
            r"(?i)\b(?:DC|difficulty class|difficulty|target number|TN)(?:\s+(?:is|of|are))?\s?:?\s?(?P<dc>\d{1,3})\b".to_owned(),
            parse_dc,
        ),
        (
            "damage",
            format!(
                r"(?i)(?:\b(?P<amount>\d+)\s+\({DICE}\)|\b(?P<points>\d+)(?:\s+points?\s+of)?|\b(?:{}))(?:\s+(?:extra|additional))?\s+(?:(?P<type>[a-z]+)\s+)?damage\b",
                DICE.replace("P<count>", "P<count2>")
                    .replace("P<sides>", "P<sides2>")
                    .replace("P<sign>", "P<sign2>")
                    .replace("P<modifier>", "P<modifier2>")
            ),
            parse_damage,
        ),
        (
            "currency",
            format!(
                r"(?i)\b(?P<amount>{NUMBER})\s?(?P<unit>gp|sp|cp|pp|ep|(?:gold|silver|copper|platinum|electrum)(?:\s+(?:pieces?|coins?))?|crowns?|shillings?|guilders?|credits?|ducats?|florins?|dollars?)\b"
            ),
            parse_currency,
        ),
        ("currency", format!(r"(?P<sign>[$€£])\s?(?P<amount>{NUMBER})"), parse_marked_currency),
        (
            "distance",
            format!(
                r"(?i)\b(?:{DICE}|(?P<amount>{NUMBER})(?:/(?P<long>\d+))?)[\s-]?(?P<unit>feet\b|foot\b|ft\.|ft\b|miles?\b|yards?\b|inch(?:es)?\b|met(?:er|re)s?\b|kilomet(?:er|re)s?\b|km\b|paces?\b|leagues?\b|squares?\b|hexes\b)"
            ),
            parse_distance,
        ),
        (
            "duration",
            format!(
                r"(?i)\b(?:{DICE}|(?P<amount>{NUMBER}))[\s-]?(?P<unit>rounds?|turns?|seconds?|minutes?|hours?|days?|weeks?|months?|seasons?|years?)\b"
            ),
            parse_duration,
        ),
    ];
    made.into_iter()
        .filter_map(|(kind, regex, parse)| {
            // The patterns are constants: the test below has compiled each.
            Regex::new(&regex).ok().map(|regex| Pattern { kind, regex, parse })
        })
        .collect()
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

/// The dice among the captures; None if there are none or they run into a word.
fn dice_of(captures: &Captures<'_>, suffix: &str) -> Option<Dice> {
    let group = |name: &str| text_of(captures, &format!("{name}{suffix}"));
    Dice::parse(group("count").map(str::trim), group("sides")?, group("sign"), group("modifier"))
}

fn parse_dice(captures: &Captures<'_>, text: &str) -> Option<Parsed> {
    let dice = dice_of(captures, "")?;
    // `3d8x`, `R2d2-unit`, `d20ish` are names; `d6+d8` is two dice; `2d6+3d8` would take the 3 from the second.
    if rest(captures, text).starts_with(|c: char| c.is_alphanumeric() || c == '_') {
        return None;
    }
    let mut value = BTreeMap::new();
    dice.put(&mut value);
    Some((dice.name(), value))
}

fn parse_dc(captures: &Captures<'_>, _: &str) -> Option<Parsed> {
    let dc = whole(text_of(captures, "dc")?)?;
    Some((format!("DC {dc}"), BTreeMap::from([("dc".to_owned(), dc.into())])))
}

fn parse_damage(captures: &Captures<'_>, _: &str) -> Option<Parsed> {
    // Words that stand before "damage" and are no type of it.
    const NO_TYPE: [&str; 16] = [
        "of",
        "the",
        "extra",
        "additional",
        "more",
        "less",
        "total",
        "as",
        "for",
        "in",
        "any",
        "no",
        "and",
        "or",
        "points",
        "point",
    ];
    let kind = text_of(captures, "type").map(str::to_lowercase).filter(|t| !NO_TYPE.contains(&t.as_str()));
    let mut value = BTreeMap::new();
    let amount = text_of(captures, "amount").or_else(|| text_of(captures, "points")).and_then(whole);
    let dice = dice_of(captures, "").or_else(|| dice_of(captures, "2"));
    if amount.is_none() && dice.is_none() {
        return None;
    }
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
        (None, None) => return None,
    };
    let name = kind.as_ref().map_or_else(|| format!("{figure} damage"), |k| format!("{figure} {k} damage"));
    if let Some(kind) = kind {
        value.insert("type".to_owned(), kind.into());
    }
    Some((name, value))
}

fn parse_currency(captures: &Captures<'_>, text: &str) -> Option<Parsed> {
    let (written, amount) = decimal(text_of(captures, "amount")?)?;
    let printed = text_of(captures, "unit")?.to_lowercase();
    let mut words = printed.split_whitespace();
    let metal = words.next()?;
    let unit = match metal {
        "gold" => "gp",
        "silver" => "sp",
        "copper" => "cp",
        "platinum" => "pp",
        "electrum" => "ep",
        other => other.strip_suffix('s').unwrap_or(other),
    };
    // "3 gold rings" are rings: a bare metal is money only where its phrase ends.
    if unit.len() == 2 && metal.len() > 2 && words.next().is_none() && begins_noun(rest(captures, text)) {
        return None;
    }
    let value = BTreeMap::from([("amount".to_owned(), amount), ("unit".to_owned(), unit.into())]);
    Some((format!("{written} {unit}"), value))
}

/// Whether `rest` goes on with a word that may be a noun.
fn begins_noun(rest: &str) -> bool {
    const JOINTS: [&str; 16] =
        ["and", "or", "for", "each", "per", "to", "a", "from", "in", "worth", "is", "are", "as", "with", "plus", "on"];
    let Some(rest) = rest.strip_prefix([' ', '-', '\n']) else { return false };
    let word: String = rest.chars().take_while(|c| c.is_alphabetic()).collect();
    !word.is_empty() && !JOINTS.contains(&word.to_lowercase().as_str())
}

fn parse_marked_currency(captures: &Captures<'_>, _: &str) -> Option<Parsed> {
    let sign = text_of(captures, "sign")?;
    let (written, amount) = decimal(text_of(captures, "amount")?)?;
    let value = BTreeMap::from([("amount".to_owned(), amount), ("unit".to_owned(), sign.into())]);
    Some((format!("{sign}{written}"), value))
}

fn parse_distance(captures: &Captures<'_>, text: &str) -> Option<Parsed> {
    let printed = text_of(captures, "unit")?.to_lowercase();
    let unit = match printed.trim_end_matches('.') {
        "feet" | "foot" | "ft" => "ft",
        "mile" | "miles" => "mi",
        "yard" | "yards" => "yd",
        "inch" | "inches" => "in",
        "km" | "kilometer" | "kilometers" | "kilometre" | "kilometres" => "km",
        "meter" | "meters" | "metre" | "metres" => "m",
        "hexes" => "hex",
        other => return measured(captures, text, other.strip_suffix('s').unwrap_or(other)),
    };
    measured(captures, text, unit)
}

fn parse_duration(captures: &Captures<'_>, text: &str) -> Option<Parsed> {
    let printed = text_of(captures, "unit")?.to_lowercase();
    measured(captures, text, printed.strip_suffix('s').unwrap_or(&printed))
}

/// An amount or dice with a unit.
fn measured(captures: &Captures<'_>, text: &str, unit: &str) -> Option<Parsed> {
    // A sign or a die before the number belongs to something else: `+5 feet` is a difference, `1d6 foot` is caught by dice.
    if lead(captures, text).ends_with(['.', '/', ',']) && text_of(captures, "amount").is_some() {
        return None;
    }
    let mut value = BTreeMap::from([("unit".to_owned(), Value::from(unit))]);
    if let Some(dice) = dice_of(captures, "") {
        dice.put(&mut value);
        return Some((format!("{} {unit}", dice.name()), value));
    }
    let (written, amount) = decimal(text_of(captures, "amount")?)?;
    value.insert("amount".to_owned(), amount);
    let Some(long) = text_of(captures, "long").and_then(whole) else { return Some((format!("{written} {unit}"), value)) };
    value.insert("long".to_owned(), long.into());
    Some((format!("{written}/{long} {unit}"), value))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_pattern_compiles() {
        assert_eq!(patterns().len(), 9);
    }
}

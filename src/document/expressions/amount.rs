//! Amounts: whole and decimal numbers, numbers in words, and dice with their average. Exact: averages are halves.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::document::number_words;

/// Larger numbers are not meant as dice or amounts: catalogue numbers, hashes.
const LARGEST: i64 = 10_000_000;

/// A whole number in digits (with thousands commas) or one in words up to twenty.
#[must_use]
pub fn whole(text: &str) -> Option<i64> {
    let lower = text.trim().to_lowercase();
    if let Some(n) = number_words::value(&lower) {
        return Some(i64::from(n));
    }
    let digits: String = lower.chars().filter(|c| *c != ',').collect();
    digits.parse().ok().filter(|n| (0..=LARGEST).contains(n))
}

/// `count` dice of `sides` sides and a modifier.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Dice {
    pub count: i64,
    pub sides: i64,
    pub modifier: i64,
}

impl Dice {
    /// From what is printed: count ("" is one), sides ("%" is 100), sign and modifier.
    #[must_use]
    pub fn parse(count: Option<&str>, sides: &str, sign: Option<&str>, modifier: Option<&str>) -> Option<Self> {
        let count = count.map_or(Some(1), whole)?;
        let sides = if sides == "%" { 100 } else { whole(sides)? };
        let size = modifier.map_or(Some(0), whole)?;
        let modifier = if sign.is_some_and(|s| s != "+") { -size } else { size };
        // Nobody rolls a thousand dice, and a die of one side is none.
        ((1..=1000).contains(&count) && (2..=1_000_000).contains(&sides)).then_some(Self { count, sides, modifier })
    }

    /// `2d6+3`.
    #[must_use]
    pub fn name(&self) -> String {
        let base = format!("{}d{}", self.count, self.sides);
        if self.modifier == 0 { base } else { format!("{base}{:+}", self.modifier) }
    }

    /// Puts `count`, `sides`, `modifier` and `average` into `value`.
    pub fn put(&self, value: &mut BTreeMap<String, Value>) {
        let doubled = self.count * (self.sides + 1) + 2 * self.modifier;
        value.insert("count".to_owned(), self.count.into());
        value.insert("sides".to_owned(), self.sides.into());
        value.insert("modifier".to_owned(), self.modifier.into());
        value.insert("average".to_owned(), halves(doubled));
    }
}

/// Half of `doubled`: a whole number where it is one.
#[must_use]
pub fn halves(doubled: i64) -> Value {
    if doubled % 2 == 0 {
        Value::from(doubled / 2)
    } else {
        let whole = doubled.div_euclid(2);
        #[allow(clippy::cast_precision_loss, reason = "far below 2^53")]
        let exact = whole as f64 + 0.5;
        Value::from(exact)
    }
}

/// A number with at most two decimals, as a JSON number; whole where it is.
#[must_use]
pub fn decimal(text: &str) -> Option<(String, Value)> {
    if let Some(n) = whole(text) {
        return Some((n.to_string(), Value::from(n)));
    }
    let digits: String = text.chars().filter(|c| *c != ',').collect();
    let (units, part) = digits.split_once('.')?;
    let units = whole(units)?;
    let part = part.get(..part.len().min(2)).filter(|p| !p.is_empty() && p.chars().all(|c| c.is_ascii_digit()))?;
    let written = format!("{units}.{part}");
    let value = written.parse::<f64>().ok().map(Value::from)?;
    Some((written, value))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn averages_are_exact() {
        let dice = Dice::parse(Some("3"), "8", Some("−"), Some("2")).unwrap();
        let mut value = BTreeMap::new();
        dice.put(&mut value);
        assert_eq!(value["average"], Value::from(11.5));
        assert_eq!(dice.name(), "3d8-2");
        assert_eq!(halves(-1), Value::from(-0.5));
    }

    #[test]
    fn numbers_are_read_in_digits_and_in_words() {
        assert_eq!(whole("1,500"), Some(1500));
        assert_eq!(whole("Twelve"), Some(12));
        assert_eq!(whole("many"), None);
        assert_eq!(decimal("2.5"), Some(("2.5".to_owned(), Value::from(2.5))));
    }
}

//! Amounts: whole and decimal numbers, numbers in words, and dice with their average. Exact: averages are halves.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::document::number_words::NumberWords;

/// Larger numbers are not meant as dice or amounts: catalogue numbers, hashes.
const LARGEST: i64 = 10_000_000;

/// A whole number in digits (with thousands commas) or one of `words`.
#[must_use]
pub fn whole(text: &str, words: &NumberWords) -> Option<i64> {
    let lower = text.trim().to_lowercase();
    if let Some(n) = words.value(&lower) {
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
    /// What the sum is multiplied by: 1, but for `3d6×10`.
    pub factor: i64,
}

impl Dice {
    /// From what is `printed` as count (nothing is one), sides ("%" is 100), sign, modifier and factor.
    #[must_use]
    pub fn parse<'t>(printed: impl Fn(&str) -> Option<&'t str>, words: &NumberWords) -> Option<Self> {
        let number = |group: &str, least| printed(group).map_or(Some(least), |text| whole(text, words));
        let sides = match printed("sides")? {
            "%" => 100,
            text => whole(text, words)?,
        };
        let (count, size, factor) = (number("count", 1)?, number("modifier", 0)?, number("factor", 1)?);
        let modifier = if printed("sign").is_some_and(|s| s != "+") { -size } else { size };
        // Nobody rolls a thousand dice, and a die of one side is none.
        ((1..=1000).contains(&count) && (2..=1_000_000).contains(&sides) && (1..=LARGEST).contains(&factor)).then_some(Self {
            count,
            sides,
            modifier,
            factor,
        })
    }

    /// `2d6+3`, `3d6×10`.
    #[must_use]
    pub fn name(&self) -> String {
        let modifier = if self.modifier == 0 { String::new() } else { format!("{:+}", self.modifier) };
        let factor = if self.factor == 1 { String::new() } else { format!("×{}", self.factor) };
        format!("{}d{}{modifier}{factor}", self.count, self.sides)
    }

    /// Puts `count`, `sides`, `modifier`, `average` and, where there is one, `factor` into `value`.
    pub fn put(&self, value: &mut BTreeMap<String, Value>) {
        let doubled = (self.count * doubled_average(self.sides) + 2 * self.modifier) * self.factor;
        if self.factor != 1 {
            value.insert("factor".to_owned(), self.factor.into());
        }
        value.insert("count".to_owned(), self.count.into());
        value.insert("sides".to_owned(), self.sides.into());
        value.insert("modifier".to_owned(), self.modifier.into());
        value.insert("average".to_owned(), halves(doubled));
    }
}

/// Twice what a die of `sides` sides shows on average. A d66 is two d6 read as digits (11 to 66), a d666 three.
fn doubled_average(sides: i64) -> i64 {
    match sides {
        44 | 66 | 88 => (sides % 10 + 1) * 11,
        444 | 666 | 888 => (sides % 10 + 1) * 111,
        _ => sides + 1,
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
pub fn decimal(text: &str, words: &NumberWords) -> Option<(String, Value)> {
    if let Some(n) = whole(text, words) {
        return Some((n.to_string(), Value::from(n)));
    }
    let digits: String = text.chars().filter(|c| *c != ',').collect();
    let (units, part) = digits.split_once('.')?;
    let units = whole(units, words)?;
    let part = part.get(..part.len().min(2)).filter(|p| !p.is_empty() && p.chars().all(|c| c.is_ascii_digit()))?;
    let written = format!("{units}.{part}");
    let value = written.parse::<f64>().ok().map(Value::from)?;
    Some((written, value))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Name and average of dice with these groups.
    fn dice(groups: &[(&str, &'static str)]) -> (String, Value) {
        let printed = |name: &str| groups.iter().find(|(group, _)| *group == name).map(|(_, text)| *text);
        let dice = Dice::parse(printed, &NumberWords::default()).unwrap();
        let mut value = BTreeMap::new();
        dice.put(&mut value);
        (dice.name(), value["average"].clone())
    }

    #[test]
    fn averages_are_exact() {
        let less = [("count", "3"), ("sides", "8"), ("sign", "−"), ("modifier", "2")];
        assert_eq!(dice(&less), ("3d8-2".into(), Value::from(11.5)));
        assert_eq!(dice(&[("count", "3"), ("sides", "6"), ("factor", "10")]), ("3d6×10".into(), Value::from(105)));
        assert_eq!(halves(-1), Value::from(-0.5));
    }

    #[test]
    fn dice_read_as_digits_have_the_average_of_their_digits() {
        let mean = |sides| dice(&[("sides", sides)]).1;
        assert_eq!((mean("66"), mean("666"), mean("%")), (Value::from(38.5), Value::from(388.5), Value::from(50.5)));
    }

    #[test]
    fn numbers_are_read_in_digits_and_in_words() {
        let words: NumberWords = [("twelve".to_owned(), 12)].into_iter().collect();
        assert_eq!(whole("1,500", &words), Some(1500));
        assert_eq!(whole("Twelve", &words), Some(12));
        assert_eq!(whole("many", &words), None);
        assert_eq!(decimal("2.5", &words), Some(("2.5".to_owned(), Value::from(2.5))));
    }
}

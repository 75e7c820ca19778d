//! Params of `chunk`: four sizes, in characters or, with a `tokenizer`, in its tokens. The Ingestfile gives one kind or the
//! other; what it leaves out has a default of the same kind.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::document::tokens::{Tokenizer, Unit};

/// Sizes of chunks, all in `unit`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Params {
    pub unit: Unit,
    /// A chunk is closed before it would pass this.
    pub target: u32,
    /// No chunk is larger.
    pub max: u32,
    /// A chunk below this takes more, up to `max`, if its section has more.
    pub min: u32,
    /// Whole sentences of the chunk before that are repeated, where the cap leaves room; never across sections.
    pub overlap: u32,
}

impl Default for Params {
    fn default() -> Self {
        Self { unit: Unit::Characters, target: 500, max: 600, min: 120, overlap: 0 }
    }
}

/// What the Ingestfile writes.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    target_chars: Option<u32>,
    max_chars: Option<u32>,
    min_chars: Option<u32>,
    overlap_chars: Option<u32>,
    tokenizer: Option<Tokenizer>,
    target_tokens: Option<u32>,
    max_tokens: Option<u32>,
    min_tokens: Option<u32>,
    overlap_tokens: Option<u32>,
}

/// In the order of `Params`.
const SIZES: [&str; 4] = ["target", "max", "min", "overlap"];
/// Of about the same length in English as the defaults in characters.
const TOKENS: [u32; 4] = [125, 150, 30, 0];

/// All params: those of the kind that `given` chooses with their defaults, the others null.
pub fn defaults(given: &Map<String, Value>) -> Value {
    let by_tokens = given.get("tokenizer").is_some_and(|t| !t.is_null());
    let characters = Params::default();
    let characters = [characters.target, characters.max, characters.min, characters.overlap];
    let mut all = Map::new();
    for (i, name) in SIZES.iter().enumerate() {
        all.insert(format!("{name}_chars"), if by_tokens { Value::Null } else { characters[i].into() });
        all.insert(format!("{name}_tokens"), if by_tokens { TOKENS[i].into() } else { Value::Null });
    }
    all.insert("tokenizer".to_owned(), Value::Null);
    Value::Object(all)
}

/// Params from JSON; what is null or left out has its default.
///
/// # Errors
/// The param at fault, and a sentence.
pub fn parse(value: &Value) -> Result<Params, (String, String)> {
    let bad = |key: String, why: String| Err((key, why));
    let empty = Map::new();
    let given = value.as_object().unwrap_or(&empty);
    let is_given = |key: &str| given.get(key).is_some_and(|v| !v.is_null());
    let tokenizer = given.get("tokenizer").filter(|t| !t.is_null());
    if let Some(name) = tokenizer
        && name.as_str().is_none_or(|n| !Tokenizer::NAMES.contains(&n))
    {
        return bad("tokenizer".into(), format!("`tokenizer` must be `{}`, not {name}", Tokenizer::NAMES.join("` or `")));
    }
    let (kind, other) = if tokenizer.is_some() { ("tokens", "chars") } else { ("chars", "tokens") };
    for name in SIZES {
        let (key, other) = (format!("{name}_{kind}"), format!("{name}_{other}"));
        if is_given(&other) {
            let why = match tokenizer {
                Some(_) => format!("sizes are in tokens or in characters, not in both; with `tokenizer` it is `{key}`"),
                None => format!("a size in tokens needs `tokenizer` (`{}`) beside it", Tokenizer::NAMES.join("` or `")),
            };
            return bad(other, why);
        }
        if given.get(&key).is_some_and(|v| !v.is_null() && v.as_u64().is_none_or(|n| n > 1_000_000)) {
            let why = format!("`{key}` must be a whole number from 0 to 1000000");
            return bad(key, why);
        }
    }
    let written: Written = serde_json::from_value(value.clone()).map_err(|e| ("params".to_owned(), e.to_string()))?;
    check(written.params(), kind)
}

impl Written {
    fn params(&self) -> Params {
        match self.tokenizer {
            None => {
                let or = Params::default();
                Params {
                    unit: or.unit,
                    target: self.target_chars.unwrap_or(or.target),
                    max: self.max_chars.unwrap_or(or.max),
                    min: self.min_chars.unwrap_or(or.min),
                    overlap: self.overlap_chars.unwrap_or(or.overlap),
                }
            }
            Some(tokenizer) => Params {
                unit: Unit::Tokens(tokenizer),
                target: self.target_tokens.unwrap_or(TOKENS[0]),
                max: self.max_tokens.unwrap_or(TOKENS[1]),
                min: self.min_tokens.unwrap_or(TOKENS[2]),
                overlap: self.overlap_tokens.unwrap_or(TOKENS[3]),
            },
        }
    }
}

/// Refuses what contradicts itself.
fn check(params: Params, kind: &str) -> Result<Params, (String, String)> {
    let Params { unit, target, max, min, overlap } = params;
    // Below this a cap would cut inside most sentences, and there is no room to repeat a table's header.
    let least = if unit == Unit::Characters { 40 } else { 16 };
    let bad = |name: &str, must: String, value: u32| {
        let key = format!("{name}_{kind}");
        let why = format!("`{key}` must be {must}, not {value}");
        Err((key, why))
    };
    if max < least {
        bad("max", format!("at least {least}"), max)
    } else if target == 0 || target > max {
        bad("target", format!("from 1 to `max_{kind}` ({max})"), target)
    } else if min > target {
        bad("min", format!("at most `target_{kind}` ({target})"), min)
    } else if overlap > max / 2 {
        bad("overlap", format!("at most half of `max_{kind}` ({})", max / 2), overlap)
    } else {
        Ok(params)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn at_fault(value: Value) -> (String, String) {
        parse(&value).unwrap_err()
    }

    #[test]
    fn params_that_contradict_each_other_name_the_key() {
        assert_eq!(at_fault(json!({"target_chars": 700, "max_chars": 600})).0, "target_chars");
        assert_eq!(at_fault(json!({"min_chars": 550})).0, "min_chars");
        assert_eq!(at_fault(json!({"max_chars": -1})).0, "max_chars");
        assert_eq!(at_fault(json!({"tokenizer": "words", "max_tokens": 15})).0, "max_tokens");
        assert_eq!(at_fault(json!({"tokenizer": "words", "overlap_tokens": 76})).0, "overlap_tokens");
        assert_eq!(parse(&json!({})), Ok(Params::default()));
    }

    #[test]
    fn sizes_are_of_one_kind() {
        let mixed = at_fault(json!({"tokenizer": "cl100k_base", "max_chars": 600}));
        assert_eq!(mixed.0, "max_chars");
        assert_eq!(mixed.1, "sizes are in tokens or in characters, not in both; with `tokenizer` it is `max_tokens`");
        let alone = at_fault(json!({"max_chars": 600, "max_tokens": 100}));
        assert_eq!(alone.0, "max_tokens");
        assert_eq!(alone.1, "a size in tokens needs `tokenizer` (`cl100k_base` or `words`) beside it");
        let unknown = at_fault(json!({"tokenizer": "gpt"}));
        assert_eq!(unknown.1, "`tokenizer` must be `cl100k_base` or `words`, not \"gpt\"");
    }

    #[test]
    fn defaults_are_of_the_kind_that_is_given() {
        let Value::Object(given) = json!({"tokenizer": "cl100k_base", "max_tokens": 200}) else { unreachable!() };
        let Value::Object(mut all) = defaults(&given) else { unreachable!() };
        all.extend(given);
        let params = parse(&Value::Object(all)).unwrap();
        assert_eq!(params, Params { unit: Unit::Tokens(Tokenizer::Cl100kBase), target: 125, max: 200, min: 30, overlap: 0 });
        assert_eq!(parse(&defaults(&Map::new())), Ok(Params::default()));
    }
}

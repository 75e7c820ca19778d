//! The forms in which a name is printed: plural, singular, with and without a bracketed qualifier. English.
//! Knows nothing of texts.

/// Whole words whose plural no rule gives.
const IRREGULAR: [(&str, &str); 14] = [
    ("mouse", "mice"),
    ("louse", "lice"),
    ("goose", "geese"),
    ("foot", "feet"),
    ("tooth", "teeth"),
    ("ox", "oxen"),
    ("child", "children"),
    ("person", "people"),
    ("die", "dice"),
    ("staff", "staves"),
    ("vertex", "vertices"),
    ("matrix", "matrices"),
    ("genius", "genii"),
    ("djinni", "djinn"),
];

/// Words before which the noun of a name stands: the bags of `Bags of Holding`.
const JOINTS: [&str; 7] = ["of", "from", "with", "against", "for", "in", "to"];

/// `name` with its noun in the plural and in the singular, as far as the forms differ from it; in lower case.
#[must_use]
pub fn inflected(name: &str) -> Vec<String> {
    let lower = name.to_lowercase();
    let words: Vec<&str> = lower.split(' ').filter(|w| !w.is_empty()).collect();
    let Some(noun) = noun_of(&words) else { return Vec::new() };
    let mut forms = Vec::new();
    for form in plurals(words[noun]).into_iter().chain(singulars(words[noun])) {
        let mut copy: Vec<&str> = words.clone();
        copy[noun] = &form;
        forms.push(copy.join(" "));
    }
    forms.retain(|f| *f != lower);
    forms
}

/// Index of the word that takes the plural: the one before the first joint, else the last with a letter.
fn noun_of(words: &[&str]) -> Option<usize> {
    let end = words.iter().position(|w| JOINTS.contains(w)).filter(|i| *i > 0).unwrap_or(words.len());
    let noun = words[..end].iter().rposition(|w| w.chars().all(|c| c.is_alphabetic() || c == '-') && w.chars().count() > 2)?;
    Some(noun)
}

fn plurals(word: &str) -> Vec<String> {
    let mut out: Vec<String> = IRREGULAR.iter().filter(|(one, _)| *one == word).map(|(_, many)| (*many).to_owned()).collect();
    if let Some(stem) = word.strip_suffix('y')
        && !stem.ends_with(['a', 'e', 'i', 'o', 'u'])
    {
        out.push(format!("{stem}ies"));
    } else if word.ends_with(['s', 'x', 'z']) || word.ends_with("ch") || word.ends_with("sh") {
        out.push(format!("{word}es"));
    } else {
        out.push(format!("{word}s"));
    }
    if let Some(stem) = word.strip_suffix("man") {
        out.push(format!("{stem}men"));
    }
    if let Some(stem) = word.strip_suffix("fe").or_else(|| word.strip_suffix('f')) {
        out.push(format!("{stem}ves"));
    }
    if let Some(stem) = word.strip_suffix("us") {
        out.push(format!("{stem}i"));
    }
    if word.ends_with('o') {
        out.push(format!("{word}es"));
    }
    out
}

fn singulars(word: &str) -> Vec<String> {
    let mut out: Vec<String> = IRREGULAR.iter().filter(|(_, many)| *many == word).map(|(one, _)| (*one).to_owned()).collect();
    if word.chars().count() < 4 {
        return out;
    }
    if let Some(stem) = word.strip_suffix("ies") {
        out.push(format!("{stem}y"));
    } else if let Some(stem) = word.strip_suffix("ves") {
        out.extend([format!("{stem}f"), format!("{stem}fe"), format!("{stem}ve")]);
    } else if let Some(stem) =
        word.strip_suffix("es").filter(|s| s.ends_with(['s', 'x', 'z']) || s.ends_with("ch") || s.ends_with("sh"))
    {
        out.push(stem.to_owned());
    } else if let Some(stem) = word.strip_suffix('s').filter(|s| !s.ends_with(['s', 'u', 'i'])) {
        out.push(stem.to_owned());
    } else if let Some(stem) = word.strip_suffix("men") {
        out.push(format!("{stem}man"));
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn has(name: &str, form: &str) -> bool {
        inflected(name).iter().any(|f| f == form)
    }

    #[test]
    fn nouns_take_their_plural() {
        assert!(has("Wolf", "wolves") && has("Harpy", "harpies") && has("Mouse", "mice") && has("Witch", "witches"));
        assert!(has("Watchman", "watchmen") && has("Staff", "staffs") && has("Staff", "staves"));
    }

    #[test]
    fn the_noun_before_of_takes_the_plural() {
        assert!(has("Bag of Holding", "bags of holding"));
        assert!(!has("Bag of Holding", "bag of holdings"));
    }

    #[test]
    fn names_in_the_plural_have_a_singular() {
        assert!(has("Hit Points", "hit point") && has("Wolves", "wolf") && has("Dwarves", "dwarf"));
        assert!(!has("Colossus", "colossu") && !has("Compass", "compas"));
    }

    #[test]
    fn signs_and_numbers_are_no_nouns() {
        assert!(has("Longsword +1", "longswords +1"));
        assert!(inflected("+1").is_empty());
    }
}

//! The language of a chunk, by `whatlang`; "und" where the text is too short or the answer too unsure.

use whatlang::detect;

/// ISO 639-3 code of what `normalized` is written in, or "und". `least_letters`: shorter texts are undecided.
#[must_use]
pub fn language(normalized: &str, least_letters: usize) -> String {
    // Figures, dice and labels in capitals say nothing of a language; whole words do.
    let words = normalized.split(' ').filter(|w| w.chars().all(|c| c.is_alphabetic() || matches!(c, '\'' | ',' | '.' | '-')));
    let text: String = words.collect::<Vec<_>>().join(" ");
    let letters = text.chars().filter(|c| c.is_alphabetic()).count();
    if letters < least_letters {
        return "und".to_owned();
    }
    // Names and invented words lower the confidence of running text; from a few lines on half is enough.
    let sure = |info: &whatlang::Info| info.is_reliable() || (letters >= 3 * least_letters && info.confidence() >= 0.5);
    detect(&text).filter(sure).map_or_else(|| "und".to_owned(), |info| info.lang().code().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn running_text_has_its_language() {
        let english = "The keeper of the old ferry asks every traveller for a copper ring before the boat leaves the shore.";
        let german = "Der alte Fährmann verlangt von jedem Reisenden einen kupfernen Ring, bevor das Boot das Ufer verlässt.";
        assert_eq!(language(english, 40), "eng");
        assert_eq!(language(german, 40), "deu");
    }

    #[test]
    fn a_few_words_are_undecided() {
        assert_eq!(language("Shield", 40), "und");
        assert_eq!(language("AC 15 HP 22 2d6+3", 40), "und");
    }
}

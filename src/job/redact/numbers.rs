//! Numbers of persons: which runs of digits are a telephone, a bank account or a card. The patterns find candidates; what
//! they are is decided here by length and check digits, for rulebooks are full of numbers. Knows nothing of what is around.

fn digits(text: &str) -> impl DoubleEndedIterator<Item = u32> {
    text.chars().filter_map(|c| c.to_digit(10))
}

/// E.164 allows fifteen digits; fewer than nine are more likely dice or a score.
pub(super) fn is_international(text: &str) -> bool {
    (9..=17).contains(&digits(text).count())
}

/// A national number: ten to twelve digits with its area code.
pub(super) fn is_national(text: &str) -> bool {
    (9..=12).contains(&digits(text).count())
}

/// A number with its area code in brackets: `(555) 123-4567`.
pub(super) fn is_bracketed(text: &str) -> bool {
    (10..=12).contains(&digits(text).count())
}

/// Five pairs of digits (`01 23 45 67 89`). A column of levels or dice has no two pairs beyond thirty.
pub(super) fn is_in_pairs(text: &str) -> bool {
    let digits: Vec<u32> = digits(text).collect();
    digits.chunks(2).skip(1).filter(|pair| pair.first().is_some_and(|tens| *tens >= 3)).count() >= 2
}

/// The check of Luhn (ISO/IEC 7812), and a first digit that cards have.
pub(super) fn is_card(text: &str) -> bool {
    let sum: u32 = digits(text)
        .rev()
        .enumerate()
        .map(|(place, d)| match (place % 2, d * 2) {
            (0, _) => d,
            (_, double) if double > 9 => double - 9,
            (_, double) => double,
        })
        .sum();
    let n = digits(text).count();
    (13..=19).contains(&n) && sum.is_multiple_of(10) && digits(text).next().is_some_and(|first| (3..=6).contains(&first))
}

/// The check of ISO 13616: the country and its check digits at the end, letters as 10 to 35, the rest of 97 is 1.
pub(super) fn is_iban(text: &str) -> bool {
    let plain: Vec<char> = text.chars().filter(char::is_ascii_alphanumeric).collect();
    if !(15..=34).contains(&plain.len()) {
        return false;
    }
    let rest = plain.iter().skip(4).chain(plain.iter().take(4)).filter_map(|c| c.to_digit(36));
    rest.fold(0, |rest, value| (rest * if value > 9 { 100 } else { 10 } + value) % 97) == 1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn check_digits_tell_cards_and_accounts_from_other_numbers() {
        assert!(is_card("4111 1111 1111 1111") && is_card("378282246310005"));
        assert!(!is_card("4111 1111 1111 1112") && !is_card("9780306406157"));
        assert!(is_iban("DE89 3704 0044 0532 0130 00") && is_iban("GB29NWBK60161331926819"));
        assert!(!is_iban("DE88 3704 0044 0532 0130 00"));
    }

    #[test]
    fn pairs_of_small_numbers_are_no_telephone() {
        assert!(is_in_pairs("01 23 45 67 89"));
        assert!(!is_in_pairs("01 02 03 04 05") && !is_in_pairs("08 10 14 12 08"));
    }
}

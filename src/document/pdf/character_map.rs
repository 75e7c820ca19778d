//! How much a character map asks of those who read it: some write down every code of a range. Knows no more of its syntax than
//! where ranges stand.

/// More codes than all fonts of a page have together.
const MAX_CODES: u64 = 4_000_000;
/// A map of every code of two bytes takes one megabyte.
const MAX_BYTES: usize = 8 << 20;

/// Whether reading the map takes no more than any font needs.
pub fn is_sane(map: &[u8]) -> bool {
    map.len() <= MAX_BYTES && codes(map) <= MAX_CODES
}

/// Codes of all ranges, added up.
fn codes(map: &[u8]) -> u64 {
    let mut total = 0_u64;
    // Strings of the section, outside arrays, since the last range was complete.
    let mut open: Option<(usize, Vec<u64>)> = None;
    let (mut at, mut depth) = (0, 0_usize);
    while at < map.len() {
        let rest = &map[at..];
        match rest[0] {
            b'<' if rest.get(1) == Some(&b'<') => at += 1,
            b'<' => {
                let end = rest.iter().position(|b| *b == b'>').unwrap_or(rest.len());
                if let Some((size, strings)) = open.as_mut().filter(|_| depth == 0) {
                    strings.push(hex(&rest[1..end]));
                    total = total.saturating_add(complete(*size, strings));
                }
                at += end;
            }
            b'[' => {
                depth += 1;
                // An array stands in the place of a string.
                if let Some((size, strings)) = &mut open {
                    strings.push(0);
                    total = total.saturating_add(complete(*size, strings));
                }
            }
            b']' => depth = depth.saturating_sub(1),
            b'b' if rest.starts_with(b"beginbfrange") => {
                (open, depth) = (Some((3, Vec::new())), 0);
                at += 11;
            }
            b'b' if rest.starts_with(b"begincidrange") || rest.starts_with(b"beginnotdefrange") => {
                (open, depth) = (Some((2, Vec::new())), 0);
                at += 12;
            }
            b'e' if rest.starts_with(b"end") => open = None,
            _ => {}
        }
        at += 1;
    }
    total
}

/// The width of a range of which `size` strings are there now; 0 before.
fn complete(size: usize, strings: &mut Vec<u64>) -> u64 {
    if strings.len() < size {
        return 0;
    }
    let width = strings[1].saturating_sub(strings[0]).saturating_add(1);
    strings.clear();
    width
}

fn hex(digits: &[u8]) -> u64 {
    let values = digits.iter().filter_map(|b| char::from(*b).to_digit(16)).take(15);
    values.fold(0, |n, d| n << 4 | u64::from(d))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_are_added_up() {
        let map = b"1 begincodespacerange <00000000> <ffffffff> endcodespacerange 2 beginbfrange <0000> <000f> <0041>\n\
                    <10><12>[<0041><0042><0043>] endbfrange 1 begincidrange <0100> <01ff> 7 endcidrange << /A <ff> >>";
        assert_eq!(codes(map), 16 + 3 + 256);
        assert!(is_sane(map));
        assert!(!is_sane(b"1 beginbfrange <00000000> <ffffffff> <0041> endbfrange"));
        assert!(!is_sane(&b"100 beginbfrange <0000> <ffff> <0041> <0000> <ffff> <0041> endbfrange ".repeat(40)));
    }
}

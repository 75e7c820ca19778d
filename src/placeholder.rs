//! Placeholders: `{name}` in commands and in output paths. One reading of them for who checks them and who fills them.
//!
//! A name is a letter or `_`, then letters, digits and `_` (ASCII). `${name}` is the shell's own and no placeholder, and so is
//! everything else in braces (`{print $1}`, `{a,b}`).

use std::ops::Range;

/// A `{name}` in a text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Placeholder<'a> {
    pub name: &'a str,
    /// Bytes of the text, braces included.
    pub span: Range<usize>,
}

/// Whether `name` can stand in a placeholder.
#[must_use]
pub fn is_name(name: &str) -> bool {
    let mut bytes = name.bytes();
    bytes.next().is_some_and(|b| b.is_ascii_alphabetic() || b == b'_') && bytes.all(|b| b.is_ascii_alphanumeric() || b == b'_')
}

/// The placeholders of `text`, in order.
#[must_use]
pub fn find(text: &str) -> Vec<Placeholder<'_>> {
    let mut found = Vec::new();
    let mut from = 0;
    while let Some(open) = text[from..].find('{').map(|i| from + i) {
        from = open + 1;
        let Some(close) = text[from..].find(['}', '{']).map(|i| from + i) else { break };
        let name = &text[from..close];
        if text[close..].starts_with('}') && is_name(name) && !text[..open].ends_with('$') {
            found.push(Placeholder { name, span: open..close + 1 });
            from = close + 1;
        }
    }
    found
}

/// `text` with every placeholder replaced by what `value` gives for its name; where it gives nothing, it stays as it is.
#[must_use]
pub fn fill(text: &str, value: impl Fn(&str) -> Option<String>) -> String {
    let mut filled = String::with_capacity(text.len());
    let mut from = 0;
    for Placeholder { name, span } in find(text) {
        if let Some(value) = value(name) {
            filled.push_str(&text[from..span.start]);
            filled.push_str(&value);
            from = span.end;
        }
    }
    filled.push_str(&text[from..]);
    filled
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shell_variables_and_other_braces_are_no_placeholders() {
        let names: Vec<_> =
            find("awk '{print $1}' ${HOME} {a,b} {source} {{out}} {1} {} {").into_iter().map(|p| p.name).collect();
        assert_eq!(names, ["source", "out"]);
    }

    #[test]
    fn filling_leaves_what_is_unknown() {
        let text = "cat {a} {b} > {a}.é";
        assert_eq!(fill(text, |n| (n == "a").then(|| "x{b}".to_owned())), "cat x{b} {b} > x{b}.é");
    }
}

//! What secrets and personal data look like. One table, in the order in which it is applied; each entry is a regular
//! expression of linear time, and a function that says what becomes of a match.

use std::sync::{LazyLock, OnceLock};

use regex::{Captures, Regex};

use super::marks::Need::{self, Account, Number, OneOf};
use super::marks::{Marks, Seen};
use super::numbers;

/// What stands in place of a key, token or password.
const SECRET: &str = "[secret]";

/// What becomes of a match.
type Replace = fn(&Captures<'_>) -> String;

pub(super) struct Pattern {
    expression: String,
    /// Made when a text may hold a match for the first time: to make all of them takes longer than many a command.
    regex: OnceLock<Option<Regex>>,
    pub(super) replace: Replace,
    /// What every match holds.
    pub(super) needs: Seen,
}

impl Pattern {
    /// The expressions are constants and the tests use them all: each one compiles.
    pub(super) fn regex(&self) -> Option<&Regex> {
        self.regex.get_or_init(|| Regex::new(&self.expression).ok()).as_ref()
    }
}

pub(super) struct Patterns {
    pub(super) all: Vec<Pattern>,
    pub(super) marks: Marks,
}

/// What may stand before a token: the start, a character that is no letter or digit, or a terminal's colour.
const LEFT: &str = r"(^|[^A-Za-z0-9]|\x1b\[[0-9;]*m)";

/// Names whose value is nobody's business. A lone `key` is not among them: our own action keys are called so.
const TELLING: &str = r"(?:pass(?:word|wd|phrase|code)?|pwd|(?:[a-z0-9]+[_.-]?)*(?:password|passwd|passphrase|pwd|secret|token|credentials?|api[_-]?key|apikey|key)|auth(?:orization)?|session[_-]?id|cookie|sid|sig(?:nature)?|x-amz-signature|access[_-]?code)";

const VALUE: &str = r#"(\\"[^"\\\n]*\\"|"[^"\n]*"|'[^'\n]*'|[^\s"'`&,;)\]}\\]+)"#;

/// What a name of `TELLING` holds.
const OF_TELLING: &[&str] =
    &["pass", "pwd", "secret", "token", "credential", "key", "auth", "session", "cookie", "sid", "sig", "access"];

/// What one of the prefixes of keys holds.
const OF_PREFIXED: &[&str] = &[
    "ghp_",
    "gho_",
    "ghu_",
    "ghs_",
    "ghr_",
    "github_pat_",
    "glpat-",
    "hf_",
    "npm_",
    "pypi-",
    "akia",
    "asia",
    "aiza",
    "ya29.",
    "gocspx-",
    "xox",
    "xapp-",
    "k_live_",
    "k_test_",
    "whsec_",
    "sg.",
    "dop_v1_",
    "shpat_",
    "shpca_",
    "shppa_",
    "shpss_",
    "age-secret-key-1",
];

/// In this order: a token may hold an `@`, an address may hold a number.
pub(super) static PATTERNS: LazyLock<Patterns> = LazyLock::new(|| {
    let prefixed = [
        r"gh[pousr]_[a-z0-9]{16,}",
        r"github_pat_[a-z0-9_]{16,}",
        r"glpat-[a-z0-9_-]{16,}",
        r"hf_[a-z0-9]{16,}",
        r"npm_[a-z0-9]{30,}",
        r"pypi-[a-z0-9_-]{40,}",
        r"(?:akia|asia)[0-9a-z]{16}",
        r"aiza[a-z0-9_-]{30,}",
        r"ya29\.[a-z0-9_.-]{20,}",
        r"gocspx-[a-z0-9_-]{20,}",
        r"xox[abeprs]-[a-z0-9_-]{10,}",
        r"xapp-[a-z0-9_-]{10,}",
        r"[spr]k_(?:live|test)_[a-z0-9]{10,}",
        r"whsec_[a-z0-9]{16,}",
        r"sg\.[a-z0-9_-]{16,}\.[a-z0-9_-]{16,}",
        r"dop_v1_[a-f0-9]{32,}",
        r"shp(?:at|ca|pa|ss)_[a-f0-9]{20,}",
        r"age-secret-key-1[a-z0-9]{40,}",
    ]
    .join("|");
    let telling = OneOf(OF_TELLING);
    let table: [(&[Need], String, Replace); 21] = [
        // A private key, also one whose beginning or end was cut off.
        (&[OneOf(&["-----begin "])], r"(?s)-----BEGIN [A-Z0-9 ]*PRIVATE KEY( BLOCK)?-----.*?(-----END [A-Z0-9 ]*PRIVATE KEY( BLOCK)?-----|$)".into(), secret),
        (&[OneOf(&["-----end "])], r"[A-Za-z0-9+/=\s\\]{40,}-----END [A-Z0-9 ]*PRIVATE KEY( BLOCK)?-----".into(), secret),
        // Authorization: Bearer abc…
        (&[OneOf(&["bearer", "basic"])], r"(?i)\b(bearer|basic)\s+([a-z0-9._~+/=-]{12,})".into(), scheme),
        // A JSON Web Token: base64 of `{"` is `eyJ`. In an id it is in small letters.
        (&[OneOf(&["eyj"])], format!(r"(?i){LEFT}eyj[a-z0-9_-]{{5,}}\.[a-z0-9_-]{{5,}}(\.[a-z0-9_-]*)?"), after_left),
        (&[OneOf(OF_PREFIXED)], format!(r"(?i){LEFT}(?:{prefixed})"), after_left),
        // Prefixes that are also words: what follows must look like a key.
        (&[OneOf(&["sk-", "sk_", "xai-", "xai_", "pplx-", "pplx_", "r8-", "r8_"])], format!(r"(?i){LEFT}((?:sk|gsk|xai|pplx|r8)[-_][a-z0-9_-]{{16,}})"), key_like),
        (&[OneOf(&["hooks.slack.com"])], r"(?i)hooks\.slack\.com/services/[\w/]+".into(), |_| format!("hooks.slack.com/services/{SECRET}")),
        // scheme://user:password@host
        (&[OneOf(&["://"]), OneOf(&["@"])], r#"://[^/\s:@"'`]*:[^/\s@"'`]+@"#.into(), |_| format!("://{SECRET}@")),
        // --password hunter2
        (&[OneOf(&["--"]), telling], r"(?i)(--[a-z-]*(?:password|passwd|passphrase|token|secret|api-?key)[ =]+)(\S+)".into(), |c| format!("{}{SECRET}", &c[1])),
        // … `API_TOKEN` changed from `old` to `new`
        (&[OneOf(&["` changed "]), telling], format!(r"(?i)(`{TELLING}` changed (?:its \w+ )?from )(?:`[^`]*`?|nothing)(?:( to )(?:`[^`]*`?|nothing))?"), |c| {
            let to = c.get(2).map_or(String::new(), |to| format!("{}{SECRET}", to.as_str()));
            format!("{}{SECRET}{to}", &c[1])
        }),
        // password=…, api_key: "…", {"client_secret": "…"}, also where quotes are escaped.
        (&[OneOf(&["=", ":"]), telling], format!(r#"(?i){LEFT}({TELLING})(\\?["']?\s*(?:=>|:=|=|:)\s*){VALUE}"#), assignment),
        (&[OneOf(&["@", "%40"])], r"[\p{L}\p{N}._%+-]*[\p{L}\p{N}_+-](?:@|%40)[\p{L}\p{N}-]+(\.[\p{L}\p{N}-]+)*\.\p{L}{2,}".into(), |_| "[e-mail]".to_owned()),
        (&[Account], r"(^|[^\w-])([A-Z]{2}\d{2}(?: ?[A-Z0-9]{4}){2,7}(?: ?[A-Z0-9]{1,4})?)\b".into(), |c| number(c, numbers::is_iban, "[account]")),
        (
            &[Number],
            r"(^|[^\w-])(\d{4}[ -]\d{4}[ -]\d{4}[ -]\d{4}|\d{4}[ -]\d{6}[ -]\d{5}|\d{13,19})\b".into(),
            |c| number(c, numbers::is_card, "[card]"),
        ),
        (&[Number, OneOf(&["+"])], r"(^|[^\w+])(\+\d[\d ()./-]{7,20}\d)\b".into(), |c| number(c, numbers::is_international, "[phone]")),
        (&[Number, OneOf(&["00"])], r"(^|[^\w.-])(00[1-9]\d{0,2}(?:[ ./-]\d{2,}){2,5})\b".into(), |c| number(c, numbers::is_international, "[phone]")),
        (&[Number, OneOf(&["("])], r"(^|[^\w.-])(\(\d{2,5}\) ?\d{3,5}[ .-]?\d{3,5})\b".into(), |c| number(c, numbers::is_bracketed, "[phone]")),
        // 555-123-4567, 555.123.4567; spaces alone would also be page numbers.
        (&[Number, OneOf(&["-", "."])], r"(^|[^\w.-])((?:1[-.])?\d{3}-\d{3}-\d{4}|(?:1\.)?\d{3}\.\d{3}\.\d{4}|1\d{2}-\d{4}-\d{4})\b".into(), |c| {
            format!("{}[phone]", &c[1])
        }),
        (&[Number, OneOf(&["0"])], r"(^|[^\w./-])(0\d{1,4}[ /-]\d{3,8}(?:[ -]\d{3,5})?)\b".into(), |c| number(c, numbers::is_national, "[phone]")),
        (&[Number, OneOf(&["0"])], r"(^|[^\w.-])(0[1-9](?:[ .-]\d{2}){4})\b".into(), |c| number(c, numbers::is_in_pairs, "[phone]")),
        (
            &[OneOf(&["/home/", "/users", "\\users"])],
            r#"(?i)(^|[^\w.-])(?:(?:/var|/export|/mnt)?/home/[^/\s"'`:]+|(?:/mnt/[a-z])?/users/(?-i:\p{Lu}[\w.-]*(?: \p{Lu}[\w.-]*){1,3}(?P<s>/)|[^/\s"'`:]+)|[a-z]:[\\/]{1,2}users[\\/]{1,2}(?:[^\\/:"'`\n]+(?P<b>\\{1,2})|[^\\/\s"'`]+))"#.into(),
            |c| format!("{}~{}", &c[1], c.name("s").or(c.name("b")).map_or("", |m| m.as_str())),
        ),
    ];
    let (marks, needs) = Marks::of(&table.each_ref().map(|(needs, ..)| *needs));
    let pattern = |((_, expression, replace), needs)| Pattern { expression, regex: OnceLock::new(), replace, needs };
    Patterns { all: table.into_iter().zip(needs).map(pattern).collect(), marks }
});

fn secret(_: &Captures<'_>) -> String {
    SECRET.to_owned()
}

fn after_left(c: &Captures<'_>) -> String {
    format!("{}{SECRET}", &c[1])
}

/// Made by a machine rather than written: a long run of letters with digits in it.
fn is_random(text: &str, least: usize) -> bool {
    text.split(|c: char| !c.is_ascii_alphanumeric())
        .any(|run| run.len() >= least && run.bytes().any(|b| b.is_ascii_digit()) && run.bytes().any(|b| b.is_ascii_alphabetic()))
}

/// `basic` and `bearer` are words too: `basic understanding` is none of ours.
fn scheme(c: &Captures<'_>) -> String {
    let value = &c[2];
    let mixed = value.bytes().zip(value.bytes().skip(1)).any(|(a, b)| a.is_ascii_lowercase() && b.is_ascii_uppercase());
    if mixed || value.ends_with('=') || value.bytes().any(|b| b.is_ascii_digit()) {
        format!("{} {SECRET}", &c[1])
    } else {
        c[0].to_owned()
    }
}

fn key_like(c: &Captures<'_>) -> String {
    if is_random(&c[2], 12) { after_left(c) } else { c[0].to_owned() }
}

/// A value that follows a telling name. Behind `:` it must look like one, for sentences have colons too; a `key` may be one
/// of ours, or any key of a map.
fn assignment(c: &Captures<'_>) -> String {
    let (left, name, sign, value) = (&c[1], &c[2], &c[3], &c[4]);
    let lower = name.to_ascii_lowercase();
    let bare = value.trim_matches(['"', '\'', '\\']);
    let quote = &value[..value.len() - value.trim_start_matches(['"', '\'', '\\']).len()];
    let has_digit = bare.bytes().any(|b| b.is_ascii_digit());
    let is_digest = bare.len() == 64 && bare.bytes().all(|b| b.is_ascii_hexdigit());
    // `{"password": …}` and `password=…` are data; `password: …` may be a sentence.
    let is_data = sign.contains('=') || sign.contains(['"', '\'']);
    let is_password = ["pass", "pwd", "passwd"].iter().any(|p| lower.contains(p));
    let is_key = lower.ends_with("key");
    let looks_secret = match (is_password, is_key, is_data) {
        (true, _, true) => bare.len() >= 3,
        (true, _, false) => bare.len() >= 5 && has_digit,
        (_, true, _) => !is_digest && has_digit && bare.len() >= 8,
        (_, _, true) => bare.len() >= 6 && has_digit || bare.len() >= 12,
        (_, _, false) => bare.len() >= 12 && has_digit,
    };
    let is_taken_out = bare.starts_with(&SECRET[..SECRET.len() - 1]);
    if looks_secret && !is_taken_out { format!("{left}{name}{sign}{quote}{SECRET}{quote}") } else { c[0].to_owned() }
}

fn number(c: &Captures<'_>, is_one: fn(&str) -> bool, shown: &str) -> String {
    if is_one(&c[2]) { format!("{}{shown}", &c[1]) } else { c[0].to_owned() }
}

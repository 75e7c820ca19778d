//! The variables of the process that started this one, by name. On Windows case does not count in a name: what is asked for as
//! PATH is mostly set as `Path`.

use std::collections::BTreeMap;
use std::ffi::OsString;

/// All variables that are Unicode.
#[derive(Clone, Debug, Default)]
pub struct Environment(BTreeMap<String, String>);

impl Environment {
    /// The environment of these names and values; of names that are one here the last counts.
    #[must_use]
    pub fn new(variables: impl IntoIterator<Item = (OsString, OsString)>) -> Self {
        let unicode = |(name, value): (OsString, OsString)| Some((key(&name.into_string().ok()?), value.into_string().ok()?));
        Self(variables.into_iter().filter_map(unicode).collect())
    }

    /// What the variable holds; `None` if it is not set, which is not the same as empty.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.get(&key(name)).map(String::as_str)
    }

    /// Those of `names` that are set, called as they are called there.
    #[must_use]
    pub fn those<S: AsRef<str>>(&self, names: impl IntoIterator<Item = S>) -> Vec<(String, String)> {
        let set = |name: S| Some((name.as_ref().to_owned(), self.get(name.as_ref())?.to_owned()));
        names.into_iter().filter_map(set).collect()
    }
}

fn key(name: &str) -> String {
    if cfg!(windows) { name.to_uppercase() } else { name.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn case_counts_in_a_name_but_on_windows() {
        let of = |names: &[&str]| Environment::new(names.iter().map(|n| (n.into(), n.len().to_string().into())));
        let path = of(&["Path", "Empty"]);
        assert_eq!(path.get("Path"), Some("4"));
        assert_eq!(path.get("PATH"), cfg!(windows).then_some("4"));
        assert_eq!(path.get("Pat"), None);
        let set = path.those(["PATH", "Path", "Pat"]);
        let names: Vec<&str> = set.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(names, if cfg!(windows) { vec!["PATH", "Path"] } else { vec!["Path"] });
    }
}

//! The vocabularies that ship with the program. Their words are data (crate::vocabulary), not code.

/// A vocabulary of the program.
#[derive(Debug)]
pub struct Bundled {
    /// What `use` calls it.
    pub name: &'static str,
    /// What it is for, in one line.
    pub about: &'static str,
    pub text: &'static str,
    /// Whether it is used where `use` is not given.
    pub usual: bool,
}

/// All of them, in the order in which they are put together: kinds keep it. `generic` is part of every vocabulary.
pub static BUNDLED: [Bundled; 4] = [
    Bundled {
        name: "fantasy",
        about: "fantasy games of the d20 family",
        text: include_str!("../../vocabulary/fantasy.toml"),
        usual: true,
    },
    Bundled {
        name: "generic",
        about: "what rulebooks print whatever is played; part of every vocabulary",
        text: include_str!("../../vocabulary/generic.toml"),
        usual: true,
    },
    Bundled {
        name: "narrative",
        about: "games of the d6 and narrative families",
        text: include_str!("../../vocabulary/narrative.toml"),
        usual: true,
    },
    Bundled {
        name: "fantasy_stats",
        about: "figures of stat blocks as expressions, and their short names",
        text: include_str!("../../vocabulary/fantasy_stats.toml"),
        usual: false,
    },
];

/// The one that is part of every vocabulary.
pub const ALWAYS: &str = "generic";

/// Those that are used where nothing else is said.
#[must_use]
pub fn usual() -> Vec<&'static Bundled> {
    BUNDLED.iter().filter(|b| b.usual).collect()
}

/// Those that `names` ask for, in their own order.
///
/// # Errors
/// The first name that is none of theirs.
pub fn chosen<'n>(names: &[&'n str]) -> Result<Vec<&'static Bundled>, &'n str> {
    if let Some(unknown) = names.iter().find(|name| BUNDLED.iter().all(|b| b.name != **name)) {
        return Err(unknown);
    }
    Ok(BUNDLED.iter().filter(|b| b.name == ALWAYS || names.contains(&b.name)).collect())
}

//! Typed ids of nodes. An entity's id comes from its kind and name alone, so that two books that name one thing agree on it
//! without knowing of each other, and two names that slug alike do not.

use crate::digest::Digest;
use crate::document::normalized::name_key;

#[must_use]
pub fn source(source_id: &str) -> String {
    format!("source:{source_id}")
}

#[must_use]
pub fn section(section_id: &str) -> String {
    format!("section:{section_id}")
}

#[must_use]
pub fn chunk(chunk_id: &str) -> String {
    format!("chunk:{chunk_id}")
}

/// `entity:spell:fireball`. Names with one key (case, spaces, quotes and dashes aside) are one entity; where the slug loses
/// more than that, 8 hex digits of the key follow.
#[must_use]
pub fn entity(kind: &str, name: &str) -> String {
    let key = name_key(name);
    let mut slug = String::with_capacity(key.len());
    let mut lossless = !key.is_empty();
    for c in key.chars() {
        match c {
            ' ' => slug.push('-'),
            c if c.is_ascii_alphanumeric() => slug.push(c),
            _ => lossless = false,
        }
    }
    if lossless {
        return format!("entity:{kind}:{slug}");
    }
    // A name without letters or digits has an empty key: its own bytes tell it from others.
    let hashed = if key.is_empty() { name } else { &key };
    let join = if slug.is_empty() { "" } else { "-" };
    format!("entity:{kind}:{slug}{join}{}", Digest::of(hashed.as_bytes()).short(8))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_names_have_plain_ids() {
        assert_eq!(entity("spell", "Fireball"), "entity:spell:fireball");
        assert_eq!(entity("spell", "Hunter’s  Mark"), "entity:spell:hunters-mark");
        assert_eq!(entity("feat", "Two-Weapon Fighting"), entity("feat", "TWO WEAPON FIGHTING"));
    }

    #[test]
    fn different_names_that_slug_alike_do_not_collide() {
        assert_ne!(entity("item", "Sword +1"), entity("item", "Sword 1"));
        assert_ne!(entity("item", "Sword +1"), entity("item", "Sword -1"));
        assert_ne!(entity("place", "Pâté"), entity("place", "Pt"));
        assert_ne!(entity("spell", "Shield"), entity("item", "Shield"));
        assert_ne!(entity("tag", "†"), entity("tag", "‡"));
    }
}

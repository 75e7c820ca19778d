//! Colours as 0xRRGGBB, near enough to tell black from red and text from its ground; no colour management.

use std::rc::Rc;

use hayro_syntax::object::{Array, Dict, Name, Number, Object, Stream};
use hayro_syntax::page::Resources;

use super::inflate::Budget;

/// What the numbers of a colour mean.
#[derive(Clone, Debug, PartialEq)]
pub enum Space {
    Gray,
    Rgb,
    Cmyk,
    /// A spot colour: from its full tint to none.
    Tint {
        none: u32,
        full: u32,
    },
    /// A palette.
    Indexed {
        base: Rc<Space>,
        table: Rc<[u8]>,
    },
    Pattern,
    Unknown,
}

/// Colour spaces refer to others a few levels deep.
const MAX_DEPTH: u32 = 8;

impl Space {
    /// The space called `name` in `resources`.
    pub fn named(name: &Name<'_>, resources: &Resources<'_>, budget: &Budget<'_>) -> Self {
        match Self::device(name.as_ref()) {
            Some(space) => space,
            None => resources.get_color_space(name).map_or(Self::Unknown, |o| Self::read(&o, budget, 0)),
        }
    }

    fn device(name: &[u8]) -> Option<Self> {
        match name {
            b"DeviceGray" | b"G" | b"CalGray" => Some(Self::Gray),
            b"DeviceRGB" | b"RGB" | b"CalRGB" => Some(Self::Rgb),
            b"DeviceCMYK" | b"CMYK" => Some(Self::Cmyk),
            b"Pattern" => Some(Self::Pattern),
            _ => None,
        }
    }

    fn read(object: &Object<'_>, budget: &Budget<'_>, depth: u32) -> Self {
        if depth > MAX_DEPTH {
            return Self::Unknown;
        }
        match object {
            Object::Name(name) => Self::device(name.as_ref()).unwrap_or(Self::Unknown),
            Object::Array(array) => Self::read_array(array, budget, depth).unwrap_or(Self::Unknown),
            _ => Self::Unknown,
        }
    }

    fn read_array(array: &Array<'_>, budget: &Budget<'_>, depth: u32) -> Option<Self> {
        let items: Vec<Object<'_>> = array.iter::<Object<'_>>().take(4).collect();
        let Object::Name(kind) = items.first()? else { return None };
        match kind.as_ref() {
            b"ICCBased" => {
                let Object::Stream(profile) = items.get(1)? else { return None };
                match profile.dict().get::<i32>("N")? {
                    1 => Some(Self::Gray),
                    3 => Some(Self::Rgb),
                    4 => Some(Self::Cmyk),
                    _ => None,
                }
            }
            b"Separation" | b"DeviceN" => {
                let alternate = Self::read(items.get(2)?, budget, depth + 1);
                let (none, full) = tint_ends(items.get(3)?, &alternate, budget).unwrap_or((0xff_ffff, 0));
                Some(Self::Tint { none, full })
            }
            b"Indexed" | b"I" => {
                let base = Rc::new(Self::read(items.get(1)?, budget, depth + 1));
                let table = match items.get(3)? {
                    Object::String(s) => s.as_bytes().into(),
                    Object::Stream(s) => budget.decoded(s)?.into(),
                    _ => return None,
                };
                Some(Self::Indexed { base, table })
            }
            other => Self::device(other),
        }
    }

    /// The colour before one is set.
    pub fn initial(&self) -> Option<u32> {
        match self {
            Self::Tint { full, .. } => Some(*full),
            Self::Pattern | Self::Unknown => None,
            Self::Indexed { .. } => self.colour(&[0.0]),
            _ => Some(0),
        }
    }

    fn components(&self) -> usize {
        match self {
            Self::Rgb => 3,
            Self::Cmyk => 4,
            _ => 1,
        }
    }

    /// The colour that `values` mean; `None` if it cannot be told (a pattern).
    pub fn colour(&self, values: &[f64]) -> Option<u32> {
        let v = |i: usize| values.get(i).copied().unwrap_or(0.0);
        match self {
            Self::Gray => Some(rgb(v(0), v(0), v(0))),
            Self::Rgb => Some(rgb(v(0), v(1), v(2))),
            Self::Cmyk => Some(cmyk(v(0), v(1), v(2), v(3))),
            Self::Tint { none, full } => {
                let amount = values.iter().fold(0.0_f64, |m, x| m.max(*x));
                Some(between(*none, *full, amount))
            }
            Self::Indexed { base, table } => {
                #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped to a palette")]
                let at = v(0).clamp(0.0, 255.0) as usize * base.components();
                let entry: Vec<f64> = table.get(at..at + base.components())?.iter().map(|b| f64::from(*b) / 255.0).collect();
                base.colour(&entry)
            }
            Self::Pattern | Self::Unknown => None,
        }
    }
}

/// Colours of a tint transform at no tint and at full tint. Exact for exponential functions; sampled ones by their ends.
fn tint_ends(function: &Object<'_>, alternate: &Space, budget: &Budget<'_>) -> Option<(u32, u32)> {
    let (dict, samples) = match function {
        Object::Dict(d) => (d.clone(), None),
        Object::Stream(s) => (s.dict().clone(), Some(s)),
        _ => return None,
    };
    match dict.get::<i32>("FunctionType")? {
        2 => {
            let ends = |key: &str, default: f64| -> Vec<f64> {
                dict.get::<Array<'_>>(key).map_or_else(|| vec![default], |a| a.iter::<Number>().map(|n| n.as_f64()).collect())
            };
            Some((alternate.colour(&ends("C0", 0.0))?, alternate.colour(&ends("C1", 1.0))?))
        }
        0 => sampled_ends(&dict, samples?, alternate, budget),
        _ => None,
    }
}

fn sampled_ends(dict: &Dict<'_>, stream: &Stream<'_>, alternate: &Space, budget: &Budget<'_>) -> Option<(u32, u32)> {
    let inputs = dict.get::<Array<'_>>("Size")?.iter::<Number>().count();
    if inputs != 1 || dict.get::<i32>("BitsPerSample")? != 8 {
        return None;
    }
    let data = budget.decoded(stream)?;
    let n = alternate.components();
    let at = |bytes: &[u8]| alternate.colour(&bytes.iter().map(|b| f64::from(*b) / 255.0).collect::<Vec<_>>());
    Some((at(data.get(..n)?)?, at(data.get(data.len().checked_sub(n)?..)?)?))
}

fn byte(x: f64) -> u32 {
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped; NaN becomes 0")]
    let b = (x.clamp(0.0, 1.0) * 255.0 + 0.5) as u32;
    b
}

/// 0xRRGGBB of components from 0 to 1.
pub fn rgb(r: f64, g: f64, b: f64) -> u32 {
    byte(r) << 16 | byte(g) << 8 | byte(b)
}

/// The usual uncalibrated conversion: each ink darkens its complement (ISO 32000-1, 10.3.5).
pub fn cmyk(c: f64, m: f64, y: f64, k: f64) -> u32 {
    rgb(1.0 - (c + k).min(1.0), 1.0 - (m + k).min(1.0), 1.0 - (y + k).min(1.0))
}

fn between(from: u32, to: u32, amount: f64) -> u32 {
    let channel = |shift: u32| {
        let (a, b) = (f64::from(from >> shift & 255), f64::from(to >> shift & 255));
        (a + (b - a) * amount.clamp(0.0, 1.0)) / 255.0
    };
    rgb(channel(16), channel(8), channel(0))
}

/// Nobody can read text on a ground that differs less: 8 of 255 in each channel.
pub fn look_alike(a: u32, b: u32) -> bool {
    [16, 8, 0].iter().all(|s| (a >> s & 255).abs_diff(b >> s & 255) <= 8)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn inks_darken() {
        assert_eq!(cmyk(0.0, 0.0, 0.0, 1.0), 0);
        assert_eq!(cmyk(0.0, 1.0, 1.0, 0.0), 0xff_0000);
        assert_eq!(Space::Tint { none: 0xff_ffff, full: 0 }.colour(&[1.0]), Some(0));
    }

    #[test]
    fn near_white_on_white_looks_alike() {
        assert!(look_alike(0xff_ffff, 0xfa_fafa));
        assert!(!look_alike(0xff_ffff, 0xe0_e0e0));
    }
}

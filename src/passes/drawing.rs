//! What `ingest show` asks of a worker: a page of a book drawn, with what was made of it. It is no rule, and nothing that it
//! makes is kept; it is a built-in so that a book which hangs or crashes the reader meets the same limits as in a build.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::builtin::{Builtin, Failure, FailureKind, Inputs, Item, Limits, Merge, Output, OutputPort};
use crate::document::drawing::{self, Drawing, background, raster};
use crate::passes::params::params_of;

/// How a drawing is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Format {
    #[default]
    Svg,
    Png,
}

/// What to draw, and how.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Params {
    pub drawing: Drawing,
    pub format: Format,
}

/// What is told of a drawing.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Told {
    /// Pages of the book; `None` if it was not given, or does not open.
    pub pages: Option<u32>,
    /// Why the page itself is not in the drawing; one sentence.
    pub without_page: Option<String>,
}

/// Input `source` may be left out: then the page itself is not drawn. Without such a page in the book, `drawing` is empty.
pub static BUILTIN: Builtin = Builtin {
    name: "drawing",
    about: "draws a page with what was made of it",
    inputs: &["source?"],
    outputs: &[port("drawing"), port("told")],
    default_params: |_| serde_json::to_value(Params::default()).unwrap_or_default(),
    check_params: |params| params_of::<Params>(params).map(|_| ()),
    run,
    // Nothing of it is stored, so nothing has to know it again.
    fingerprint: "",
};

const fn port(name: &'static str) -> OutputPort {
    OutputPort { name, tree: false, merge: Merge::Splice, split: None, projections: &[], count: None }
}

fn run(_: &Item, inputs: &Inputs, params: &Value, limits: &Limits) -> Result<Vec<(&'static str, Output)>, Failure> {
    let Params { mut drawing, format } =
        params_of::<Params>(params).map_err(|(_, m)| Failure::new(FailureKind::BadArtifact, m))?;
    let mut told = Told::default();
    let mut page = None;
    if let Some(source) = inputs.optional_file("source")? {
        match background::of(&source.bytes, drawing.page, limits) {
            Err(failure) => told.without_page = Some(failure.message),
            Ok((pages, drawn)) => {
                told.pages = Some(pages);
                drawing.pages = Some(pages);
                match drawn {
                    Ok(drawn) => page = Some(drawn),
                    Err(why) => told.without_page = Some(why),
                }
            }
        }
    }
    let is_there = told.pages.is_none_or(|n| (1..=n).contains(&drawing.page));
    let bytes = if is_there { written(&mut drawing, page.as_ref(), format, &mut told)? } else { Vec::new() };
    let told = serde_json::to_vec(&told).map_err(|e| Failure::new(FailureKind::BadArtifact, e.to_string()))?;
    Ok(vec![("drawing", Output::File(bytes)), ("told", Output::File(told))])
}

fn written(
    drawing: &mut Drawing,
    page: Option<&background::Background>,
    format: Format,
    told: &mut Told,
) -> Result<Vec<u8>, Failure> {
    if let Some(why) = &told.without_page {
        drawing.notes.push(format!("drawn without the page itself: {why}"));
    }
    let svg = drawing::svg(drawing, page);
    if format == Format::Svg {
        return Ok(svg.into_bytes());
    }
    match raster::png(&svg) {
        Ok(png) => Ok(png),
        Err(why) if page.is_some() => {
            told.without_page = Some(why);
            written(drawing, None, format, told)
        }
        Err(why) => Err(Failure::new(FailureKind::Limit, why)),
    }
}

//! The second backend: pdf-extract. It reads what the first could not, and panics on some files, so it runs behind
//! `guarded`; what it would call itself over without end it is not given (`descent`). It tells neither fonts nor colours.

use super::descent;
use super::glyph::{FontFace, Glyph, GlyphSource, PageGlyphs};
use super::guarded::guarded;
use super::matrix::{Matrix, centi};
use crate::builtin::{Failure, FailureKind, Limits};
use crate::document::page_text::Visibility;

/// Reads the pages of a PDF through pdf-extract.
pub struct ExtractSource<'l> {
    document: pdf_extract::Document,
    /// Number of each, and where it is.
    pages: Vec<(u32, pdf_extract::ObjectId)>,
    limits: &'l Limits,
}

impl<'l> ExtractSource<'l> {
    /// Loads `bytes`.
    ///
    /// # Errors
    /// `NotReadable` if pdf-extract cannot load the file.
    pub fn new(bytes: &[u8], limits: &'l Limits) -> Result<Self, Failure> {
        let unreadable = || Failure::new(FailureKind::NotReadable, "pdf-extract cannot read the file");
        let document = guarded(|| pdf_extract::Document::load_mem(bytes)).ok_or_else(unreadable)?.map_err(|_| unreadable())?;
        let pages = document.get_pages().into_iter().collect();
        Ok(Self { document, pages, limits })
    }
}

impl GlyphSource for ExtractSource<'_> {
    fn page_count(&self) -> usize {
        self.pages.len()
    }

    fn page(&mut self, index: usize) -> Result<PageGlyphs, Failure> {
        let failure = || Failure::new(FailureKind::NotReadable, format!("pdf-extract cannot read page {}", index + 1));
        let (number, id) = *self.pages.get(index).ok_or_else(failure)?;
        guarded(|| descent::check(&self.document, id, self.limits)).ok_or_else(failure)?.map_err(|what| {
            Failure::new(FailureKind::NotReadable, format!("pdf-extract is not given page {}, which {what}", index + 1))
        })?;
        let mut collector = Collector::default();
        match guarded(|| pdf_extract::output_doc_page(&self.document, &mut collector, number).is_ok()) {
            Some(true) => Ok(collector.page),
            _ => Err(failure()),
        }
    }
}

#[derive(Default)]
struct Collector {
    page: PageGlyphs,
    height: f64,
    origin: (f64, f64),
}

impl pdf_extract::OutputDev for Collector {
    fn begin_page(
        &mut self,
        _page: u32,
        media: &pdf_extract::MediaBox,
        _art: Option<(f64, f64, f64, f64)>,
    ) -> Result<(), pdf_extract::OutputError> {
        self.height = media.ury - media.lly;
        self.origin = (media.llx, media.lly);
        self.page.width = centi(media.urx - media.llx);
        self.page.height = centi(self.height);
        self.page.fonts = vec![FontFace::default()];
        Ok(())
    }

    fn end_page(&mut self) -> Result<(), pdf_extract::OutputError> {
        Ok(())
    }

    fn output_character(
        &mut self,
        trm: &pdf_extract::Transform,
        width: f64,
        _spacing: f64,
        font_size: f64,
        text: &str,
    ) -> Result<(), pdf_extract::OutputError> {
        let m = Matrix::new([trm.m11, trm.m12, trm.m21, trm.m22, trm.m31, trm.m32]);
        let (x, y) = (m.e - self.origin.0, self.height - (m.f - self.origin.1));
        let text = super::font::clean(text);
        let start = u32::try_from(self.page.text.len()).unwrap_or(u32::MAX);
        self.page.text.push_str(&text);
        let size = font_size * m.y_scale();
        self.page.glyphs.push(Glyph {
            start,
            end: u32::try_from(self.page.text.len()).unwrap_or(u32::MAX),
            x: centi(x),
            right: centi(x + width * font_size * m.x_scale()),
            baseline: centi(y),
            size: centi(size).max(1),
            font: 0,
            rotation: 0,
            color: 0,
            visibility: Visibility::Visible,
            space: text == " ",
            moved: false,
            tracking: 0,
        });
        Ok(())
    }

    fn begin_word(&mut self) -> Result<(), pdf_extract::OutputError> {
        Ok(())
    }

    fn end_word(&mut self) -> Result<(), pdf_extract::OutputError> {
        Ok(())
    }

    fn end_line(&mut self) -> Result<(), pdf_extract::OutputError> {
        Ok(())
    }
}

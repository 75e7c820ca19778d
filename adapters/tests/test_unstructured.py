"""Pass C by the real Unstructured, in its virtual environment."""

import tempfile
import unittest
from pathlib import Path
from typing import Any, ClassVar

from tests.staging import ADAPTERS, UPLOADS, Staging, valid, worked

SCRIPT = ADAPTERS / "unstructured_partition.py"
PART = "part-00000000000000aa"
EMPTY_PAGE = b"\n".join(
    [
        b"%PDF-1.4",
        b"1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj",
        b"2 0 obj<</Type/Pages/Kids[3 0 R]/Count 1>>endobj",
        b"3 0 obj<</Type/Page/Parent 2 0 R/MediaBox[0 0 200 200]/Resources<<>>>>endobj",
        b"xref\n0 4\n0000000000 65535 f \n0000000009 00000 n \n0000000052 00000 n \n0000000101 00000 n ",
        b"trailer<</Size 4/Root 1 0 R>>\nstartxref\n178\n%%EOF\n",
    ]
)


def section(n: int, title: str, page: int | None, page_end: int | None = None, parent: int | None = None) -> dict[str, Any]:
    return {
        "section_id": f"sec-{n:016x}",
        "title": title,
        "level": 1 if parent is None else 2,
        "parent_id": None if parent is None else f"sec-{parent:016x}",
        "page_start": page,
        "page_end": page_end,
        "anchor": None if page else f"at-{n}",
    }


def book(file: Path, pages: int | None, *sections: dict[str, Any]) -> Staging:
    toc = [{"source_id": "book", "title": "A Book", "page_count": pages, "page_labels": [], "sections": list(sections)}]
    part = {"part_id": PART, "page_start": 1 if pages else None, "page_end": pages}
    splits = [{"source_id": "book", "parts": [{**part, "section_ids": [s["section_id"] for s in sections]}]}]
    return Staging(("chunks", "coverage")).given_file("source", file).given("toc", toc).given("splits", splits)


def weir() -> Staging:
    sections = (section(1, "Before You Begin", 3, 4), section(2, "What Is Going On", 3, 3, 1), section(3, "The Weir", 6, 8))
    return book(UPLOADS / "adventures/weir-of-saint-osk.pdf", 10, *sections)


def file_of(name: str, data: bytes) -> Path:
    path = Path(tempfile.mkdtemp()) / name
    path.write_bytes(data)
    return path


class Partition(unittest.TestCase):
    said: ClassVar[list[Any]]
    pdf: ClassVar[Staging]
    again: ClassVar[Staging]
    html: ClassVar[Staging]
    torn: ClassVar[Staging]
    empty: ClassVar[Staging]
    small: ClassVar[Staging]
    other: ClassVar[Staging]

    @classmethod
    def setUpClass(cls) -> None:
        cls.pdf, cls.again = weir(), weir()
        cls.html = book(UPLOADS / "tidewrack-bestiary.html", None, section(1, "How to Read the Entries", None))
        cls.torn = book(file_of("torn.pdf", b"%PDF-1.7\n1 0 obj\n<<"), 1)
        cls.empty = book(file_of("empty.pdf", EMPTY_PAGE), 1)
        cls.small = weir()
        cls.small.request["params"] = {"max_characters": 200, "new_after_n_chars": 150}
        almanac = UPLOADS / "wardens-pocket-almanac.txt"
        cls.other = Staging(("chunks", "coverage")).given_file("source", almanac).given("toc", [])
        cls.said = worked(SCRIPT, cls.pdf, cls.html, cls.torn, cls.empty, cls.small, cls.other)

    def test_chunks_and_coverage_are_what_pass_c_promises(self) -> None:
        for staging in (self.pdf, self.html, self.small):
            self.assertEqual(valid("passC_chunks", staging.output("chunks")), [])
            self.assertEqual(valid("passC_coverage", staging.output("coverage")), [])

    def test_chunks_know_page_part_and_section(self) -> None:
        chunks = self.pdf.output("chunks")
        self.assertGreater(len(chunks), 20)
        self.assertEqual(len({c["chunk_id"] for c in chunks}), len(chunks))
        self.assertEqual({c["metadata"]["part_id"] for c in chunks}, {PART})
        self.assertEqual([c["page"] for c in chunks], sorted(c["page"] for c in chunks))
        paths = [tuple(c["metadata"]["section_path"]) for c in chunks]
        before = "Before You Begin"
        self.assertEqual(list(dict.fromkeys(paths)), [(), (before,), (before, "What Is Going On"), ("The Weir",)])
        self.assertTrue(all(c["metadata"]["boxes"] for c in chunks))

    def test_a_source_without_pages_has_anchors(self) -> None:
        chunks = self.html.output("chunks")
        self.assertEqual({c["page"] for c in chunks}, {None})
        self.assertIn("at-1", {c["metadata"]["anchor"] for c in chunks})
        self.assertEqual(self.html.output("coverage")[0]["pages"], [])

    def test_no_chunk_is_longer_than_its_limit(self) -> None:
        self.assertLessEqual(max(len(c["text"]) for c in self.small.output("chunks")), 200)
        self.assertEqual(self.said[4]["counts"]["pages"], 10)

    def test_running_heads_are_dropped_with_their_reason(self) -> None:
        coverage = self.pdf.output("coverage")[0]
        self.assertEqual([p["page"] for p in coverage["pages"]], list(range(1, 11)))
        self.assertLessEqual({d["reason"] for d in coverage["dropped"]}, {"running_head", "folio"})
        self.assertTrue(all(p["chunked"] <= p["words"] for p in coverage["pages"]))

    def test_a_broken_book_costs_no_other(self) -> None:
        self.assertEqual([s["error"] and s["error"]["kind"] for s in self.said[:3]], [None, None, "bad_document"])
        self.assertIn("the PDF cannot be read", self.said[2]["error"]["message"])

    def test_a_book_without_text_needs_ocr(self) -> None:
        self.assertEqual(self.said[3]["error"]["kind"], "needs_ocr")

    def test_inputs_of_no_source_are_told(self) -> None:
        self.assertEqual(self.said[5]["error"]["kind"], "bad_input")

    def test_the_bytes_are_the_same_in_another_process(self) -> None:
        worked(SCRIPT, self.again, seed="4242")
        for name in ("chunks", "coverage"):
            first, second = (s.folder / f"outputs/{name}.json" for s in (self.pdf, self.again))
            self.assertEqual(first.read_bytes(), second.read_bytes())


if __name__ == "__main__":
    unittest.main()

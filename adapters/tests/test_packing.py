"""How elements of Unstructured become chunks and coverage: on elements made up here, without the tool."""

import sys
import unittest
from types import SimpleNamespace
from typing import Any

from tests.staging import ADAPTERS, valid

sys.path.insert(0, str(ADAPTERS))
from unstructured_partition import Book, Packing

PART = "part-00000000000000aa"


def section(n: int, title: str, page: int, page_end: int) -> dict[str, Any]:
    made = {"section_id": f"sec-{n:016x}", "title": title, "parent_id": None, "anchor": None}
    return {**made, "page_start": page, "page_end": page_end}


def element(text: str, page: int, category: str = "NarrativeText") -> Any:
    points = ((10.004, 20.0), (10.004, 30.0), (90.0, 30.0), (90.0, 20.0))
    where = SimpleNamespace(page_number=page, coordinates=SimpleNamespace(points=points), orig_elements=None)
    return SimpleNamespace(text=text, category=category, metadata=where)


def packed(*elements: Any) -> Packing:
    sections = [
        section(1, "Spells", 2, 3),
        section(2, "Beacon", 2, 2),
        section(3, "Beacon Hill", 3, 3),
        section(4, "Inns", 4, 9),
    ]
    toc = [{"source_id": "book", "page_count": 5, "sections": sections}]
    parts = [{"part_id": PART, "page_start": 1, "page_end": 5, "section_ids": []}]
    packing = Packing("book", Book.of(toc, [{"source_id": "book", "parts": parts}], {"id": "book"}), lambda run: run)
    packing.take(elements)
    return packing


class Chunks(unittest.TestCase):
    def paths(self, *elements: Any) -> list[list[str]]:
        return [chunk["metadata"]["section_path"] for chunk in packed(*elements).chunks]

    def test_a_heading_enters_its_section_only_on_its_page(self) -> None:
        found = self.paths(
            element("Spells", 1, "Title"), element("Spells", 2, "Title"), element("BEACON", 2), element("light", 2)
        )
        self.assertEqual(found, [[], ["Spells"], ["Beacon"], ["Beacon"]])

    def test_headings_are_found_that_were_joined_to_their_text(self) -> None:
        self.assertEqual(
            self.paths(element("Spells Beacon A light.", 2), element("Beacon Hill A hill.", 3)), [["Beacon"], ["Beacon Hill"]]
        )

    def test_a_printed_number_is_no_part_of_a_title(self) -> None:
        found = self.paths(element("Chapter 2: Spells", 2), element("2.1 Beacon", 2), element("2.2. Beacon Hill A hill.", 3))
        self.assertEqual(found, [["Spells"], ["Beacon"], ["Beacon Hill"]])

    def test_a_section_ends_with_its_last_page_even_where_no_heading_is_found(self) -> None:
        self.assertEqual(self.paths(element("Beacon", 2), element("on", 2), element("and on", 5))[-1], ["Inns"])

    def test_the_same_text_twice_has_two_ids(self) -> None:
        first, second = (chunk["chunk_id"] for chunk in packed(element("Again.", 2), element("Again.", 2)).chunks)
        self.assertNotEqual(first, second)

    def test_ids_know_nothing_of_pages(self) -> None:
        self.assertEqual(packed(element("x", 2)).chunks[0]["chunk_id"], packed(element("x", 1)).chunks[0]["chunk_id"])

    def test_hyphens_of_line_ends_are_no_letters(self) -> None:
        self.assertEqual(
            packed(element("back\xad ground and great\xadgrandmother", 2)).chunks[0]["text"], "background and greatgrandmother"
        )

    def test_what_is_dropped_is_counted_and_named(self) -> None:
        packing = packed(
            element("The Book", 2, "Header"), element("2", 2, "PageNumber"), element("Two words . . .", 2, "Image")
        )
        self.assertEqual([(d["text"], d["reason"]) for d in packing.dropped], [("The Book", "running_head"), ("2", "folio")])
        pages = packing.coverage({2, 3})[0]["pages"]
        self.assertEqual(
            [(p["words"], p["chunked"], p["needs_ocr"]) for p in pages[:3]], [(0, 0, False), (5, 2, False), (0, 0, True)]
        )
        self.assertEqual(packing.chunks[0]["metadata"]["element_types"], ["UncategorizedText"])
        self.assertEqual(packing.chunks[0]["metadata"]["boxes"], [{"page": 2, "x": 10.0, "y": 20.0, "w": 80.0, "h": 10.0}])
        self.assertEqual(valid("passC_chunks", packing.chunks) + valid("passC_coverage", packing.coverage(set())), [])


if __name__ == "__main__":
    unittest.main()

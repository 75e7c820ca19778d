"""Pass D by the real Haystack, in its virtual environment."""

import unittest
from typing import Any, ClassVar

from tests.staging import ADAPTERS, Staging, valid, worked

SCRIPT = ADAPTERS / "haystack_enrich.py"


def chunk(n: int, text: str) -> dict[str, Any]:
    metadata = {
        "page_start": 3,
        "page_end": 3,
        "anchor": None,
        "section_id": f"sec-{1:016x}",
        "section_path": ["Spells"],
        "part_id": f"part-{1:016x}",
        "element_types": ["NarrativeText"],
        "boxes": [],
        "char_count": len(text),
        "token_count": 1,
    }
    return {"chunk_id": f"chunk-{n:016x}", "source_id": "book", "page": 3, "text": text, "metadata": metadata}


def term(n: int, name: str, kind: str, *aliases: str) -> dict[str, Any]:
    return {"term_id": f"term-{n:016x}", "term": name, "kind": kind, "aliases": list(aliases)}


NAMES = [
    term(0, "Beacon", "item", "Lamp of Beacon"),
    term(1, "Beacon", "spell"),
    term(2, "Saint Osk", "place", "the Weir"),
    term(3, "Saint Osk's Lamp", "item"),
    term(4, "Blinded", "condition"),
]
TEXTS = [
    "Beacon lights the road to Saint\nOsk. A beacon of hope is none, nor is a Beaconfire.",
    "Saint Osk’s  Lamp — 2d6+3 fire damage, or d8 − 1 where it rains; see page 12 and Chapter IV.",
    "Saint Osk's people went to THE WEIR. 😀 They were Blinded",
    "ﬁre and ﬂood\n\n\nfire",
]


def request(texts: list[str], names: list[dict[str, Any]] = NAMES) -> Staging:
    chunks = [chunk(n, text) for n, text in enumerate(texts)]
    return Staging(("enriched",)).given("chunks", chunks).given("names", names)


class Enrich(unittest.TestCase):
    said: ClassVar[list[Any]]
    found: ClassVar[list[Any]]
    all: ClassVar[Staging]
    none: ClassVar[Staging]
    again: ClassVar[Staging]
    odd: ClassVar[Staging]
    turned: ClassVar[Staging]

    @classmethod
    def setUpClass(cls) -> None:
        cls.all, cls.none, cls.again = request(TEXTS), request([]), request(TEXTS)
        cls.odd = Staging(("enriched",)).given("chunks", [{"chunk_id": "x", "content": "no text"}]).given("names", [])
        cls.turned = request(TEXTS, NAMES[::-1])
        cls.said = worked(SCRIPT, cls.all, cls.none, cls.odd, cls.turned)
        cls.found = cls.all.output("enriched")

    def names(self, n: int) -> list[tuple[str, str]]:
        return [(e["kind"], e["name"]) for e in self.found[n]["entities"]]

    def test_it_is_what_pass_d_promises(self) -> None:
        self.assertEqual(valid("passD_enriched", self.found), [])

    def test_chunks_keep_their_order_and_all_that_they_had(self) -> None:
        given = [chunk(n, text) for n, text in enumerate(TEXTS)]
        self.assertEqual([{name: e[name] for name in given[0]} for e in self.found], given)

    def test_names_are_found_where_they_are_written_as_names(self) -> None:
        self.assertEqual(self.names(0), [("item", "Beacon"), ("place", "Saint Osk")])
        self.assertEqual(self.names(2), [("place", "Saint Osk"), ("place", "Saint Osk"), ("condition", "Blinded")])

    def test_the_longest_name_wins_and_dice_have_an_average(self) -> None:
        self.assertEqual(self.names(1), [("item", "Saint Osk's Lamp"), ("dice", "2d6+3"), ("dice", "1d8-1")])
        self.assertEqual([e["value"]["average"] for e in self.found[1]["entities"][1:]], [10, 3.5])

    def test_offsets_count_code_points_of_the_text(self) -> None:
        for enriched in self.found:
            for place in (*enriched["entities"], *enriched["references"]):
                self.assertEqual(enriched["text"][place["start"] : place["end"]], place["surface"])

    def test_references_have_their_target(self) -> None:
        targets = [(r["kind"], r["target"]) for r in self.found[1]["references"]]
        self.assertEqual(targets, [("page", "12"), ("chapter", "IV")])

    def test_the_cleaner_unifies_what_is_normalized(self) -> None:
        self.assertEqual(self.found[3]["normalized"], "fire and flood fire")
        self.assertTrue(self.found[1]["normalized"].startswith("Saint Osk's Lamp - 2d6+3"))

    def test_names_are_found_alike_whatever_their_order(self) -> None:
        self.assertEqual(self.turned.output("enriched"), self.found)

    def test_no_chunks_are_no_error(self) -> None:
        self.assertEqual((self.none.output("enriched"), self.said[1]["error"]), ([], None))

    def test_chunks_of_another_shape_are_told(self) -> None:
        self.assertEqual(self.said[2]["error"]["kind"], "bad_input")
        self.assertIn("'text'", self.said[2]["error"]["message"])

    def test_the_bytes_are_the_same_in_another_process(self) -> None:
        worked(SCRIPT, self.again, seed="4242")
        first, second = (s.folder / "outputs/enriched.json" for s in (self.all, self.again))
        self.assertEqual(first.read_bytes(), second.read_bytes())


if __name__ == "__main__":
    unittest.main()

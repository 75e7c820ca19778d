"""Pass E by the real LlamaIndex, in its virtual environment."""

import unittest
from typing import Any, ClassVar

from tests.staging import ADAPTERS, Staging, valid, worked

SCRIPT = ADAPTERS / "llamaindex_graph.py"


def section(n: int, title: str, page: int, parent: int | None = None) -> dict[str, Any]:
    made: dict[str, Any] = {"section_id": f"sec-{n:016x}", "title": title, "page_start": page, "level": 2 if parent else 1}
    return {**made, "parent_id": None if parent is None else f"sec-{parent:016x}"}


def toc(source_id: str, *sections: dict[str, Any]) -> dict[str, Any]:
    return {"source_id": source_id, "title": source_id.title(), "page_labels": ["i", "1", "2"], "sections": list(sections)}


def term(n: int, source_id: str, name: str, section_id: int | None, *aliases: str) -> dict[str, Any]:
    home = None if section_id is None else f"sec-{section_id:016x}"
    made = {"term_id": f"term-{n:016x}", "source_id": source_id, "term": name, "kind": "spell"}
    return {**made, "section_id": home, "aliases": list(aliases)}


def chunk(n: int, source_id: str, section_id: int | None, mentions: list[tuple[int, str]], **reference: str) -> dict[str, Any]:
    entities: list[Any] = [{"term_id": f"term-{t:016x}", "kind": "spell", "name": name} for t, name in mentions]
    entities.append({"term_id": None, "kind": "dice", "name": "2d6"})
    references = [{"surface": f"see {reference['target']}", **reference}] if reference else []
    metadata = {"section_id": None if section_id is None else f"sec-{section_id:016x}"}
    made = {"chunk_id": f"chunk-{n:016x}", "source_id": source_id, "page": 2, "text": "text", "metadata": metadata}
    return {**made, "entities": entities, "references": references}


TOC = [toc("rules", section(1, "Spells", 2), section(2, "Spell: Fireball", 3, 1)), toc("setting")]
TERMS = [
    term(1, "rules", "Fireball", 2, "Fire Ball"),
    term(2, "rules", "Hunter’s Mark", None),
    term(3, "setting", "Fireball", None),
]
CHUNKS = [
    chunk(2, "rules", None, []),
    chunk(1, "rules", 2, [(1, "Fireball"), (1, "Fireball"), (2, "Hunter’s Mark")], kind="page", target="1"),
    chunk(3, "setting", None, [(3, "Fireball")], kind="chapter", target="9"),
]


def request() -> Staging:
    return Staging(("graph",), "").given("toc", TOC).given("dictionary", TERMS).given("enriched", CHUNKS)


class Graph(unittest.TestCase):
    said: ClassVar[list[Any]]
    graph: ClassVar[Any]
    nodes: ClassVar[dict[str, Any]]
    all: ClassVar[Staging]
    again: ClassVar[Staging]
    odd: ClassVar[Staging]
    empty: ClassVar[Staging]

    @classmethod
    def setUpClass(cls) -> None:
        cls.all, cls.again = request(), request()
        cls.odd = Staging(("graph",), "").given("toc", TOC).given("dictionary", TERMS).given("enriched", [{"chunk_id": "x"}])
        cls.empty = Staging(("graph",), "").given("toc", []).given("dictionary", []).given("enriched", [])
        cls.said = worked(SCRIPT, cls.all, cls.odd, cls.empty)
        cls.graph = cls.all.output("graph")
        cls.nodes = {n["id"]: n for n in cls.graph["nodes"]}

    def edges(self, kind: str) -> list[tuple[str, str, list[str]]]:
        return [(e["source"], e["target"], e["chunk_ids"]) for e in self.graph["edges"] if e["kind"] == kind]

    def test_it_is_what_pass_e_promises(self) -> None:
        self.assertEqual(valid("passE_graph", self.graph), [])
        self.assertEqual(valid("passE_graph", self.empty.output("graph")), [])
        self.assertEqual(list(self.nodes), sorted(self.nodes))
        self.assertTrue(all(e[end] in self.nodes for e in self.graph["edges"] for end in ("source", "target")))

    def test_books_share_an_entity_of_one_name(self) -> None:
        fireball = self.nodes["entity:spell:fireball"]
        self.assertEqual((fireball["source_ids"], fireball["aliases"]), (["rules", "setting"], ["Fire Ball"]))
        self.assertEqual(self.nodes["entity:spell:hunters-mark"]["name"], "Hunter’s Mark")

    def test_entities_are_defined_where_a_heading_bears_their_name(self) -> None:
        wanted = [("entity:spell:fireball", f"section:sec-{2:016x}", [f"chunk-{1:016x}"])]
        self.assertEqual(self.edges("defined_in"), wanted)

    def test_chunks_mention_what_pass_d_found(self) -> None:
        self.assertEqual(len(self.edges("mentions")), 3)

    def test_sections_and_chunks_are_nested_and_in_order(self) -> None:
        self.assertIn((f"section:sec-{1:016x}", f"section:sec-{2:016x}", []), self.edges("contains"))
        self.assertIn(("source:rules", f"chunk:chunk-{2:016x}", []), self.edges("contains"))
        self.assertEqual(self.edges("next"), [(f"chunk:chunk-{2:016x}", f"chunk:chunk-{1:016x}", [])])

    def test_printed_pages_lead_to_sections_and_the_rest_is_listed(self) -> None:
        refers = [(f"chunk:chunk-{1:016x}", f"section:sec-{1:016x}", [f"chunk-{1:016x}"])]
        self.assertEqual(self.edges("refers_to"), refers)
        self.assertEqual([u["reason"] for u in self.graph["unresolved"]], ["no section is chapter 9"])

    def test_the_graph_is_counted(self) -> None:
        stats = self.graph["stats"]
        self.assertEqual(stats["nodes"], {"chunk": 3, "entity": 2, "section": 2, "source": 2})
        self.assertEqual((stats["components"], stats["orphans"]), (1, 0))

    def test_chunks_of_another_shape_are_told(self) -> None:
        self.assertEqual(self.said[1]["error"]["kind"], "bad_input")

    def test_the_bytes_are_the_same_in_another_process(self) -> None:
        worked(SCRIPT, self.again, seed="4242")
        first, second = (s.folder / "outputs/graph.json" for s in (self.all, self.again))
        self.assertEqual(first.read_bytes(), second.read_bytes())


if __name__ == "__main__":
    unittest.main()

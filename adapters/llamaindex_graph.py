"""Pass E by LlamaIndex: a property graph index over the enriched chunks of the job, as the link graph.

Inputs `toc`, `dictionary` and `enriched`, output `graph`. What holds by structure (sources, sections, definitions) is put into
the index's store as it is; chunks become its text nodes, and an extractor of ours finds in each what pass D found there. The
index asks for a model and gets one that says nothing; nothing is embedded.
"""

from __future__ import annotations

import os
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import contract
from contract import AdapterError, Request, Result, Tool, Work, content_id, folded

TOOL = Tool("llama-index-core", "0.14.25", "llamaindex")

NODE_KINDS = ("source", "section", "chunk", "entity")
EDGE_KINDS = ("contains", "next", "mentions", "defined_in", "refers_to")
QUALIFIED = re.compile(r"^(?:[^:]{1,14}:\s*)?(.*?)(?:\s*[\[(][^\])]{1,14}[\])])?$")
"""A heading is a name, maybe with a short qualifier before or after it."""


def entity_id(kind: str, name: str) -> str:
    """`entity:spell:fireball`: from kind and name alone, so that books agree on it. A hash follows where a slug loses it."""
    key = folded(name).replace("'", "").replace("-", " ")
    slug = re.sub(r"[^a-z0-9 ]", "", key).strip().replace(" ", "-")
    if slug and slug.replace("-", " ") == key:
        return f"entity:{kind}:{slug}"
    return f"entity:{kind}:{slug}{'-' if slug else ''}{content_id('name', key or name)[5:13]}"


Edge = tuple[str, str, str, tuple[str, ...]]
"""Source, kind, target, and the chunks that support it."""


class Book:
    """What is known of one source before its chunks are read."""

    def __init__(self, toc: Mapping[str, Any], terms: Iterable[Mapping[str, Any]]) -> None:
        self.source_id: str = toc["source_id"]
        self.title: str = toc["title"]
        self.labels = {label.casefold(): page for page, label in reversed(list(enumerate(toc["page_labels"], start=1)))}
        self.sections: list[Mapping[str, Any]] = toc["sections"]
        self.known = {s["section_id"] for s in self.sections}
        self.by_title: dict[str, list[str]] = defaultdict(list)
        for section in self.sections:
            self.by_title[folded(section["title"])].append(section["section_id"])
        self.terms = {t["term_id"]: t for t in terms if t["source_id"] == self.source_id}

    def nodes(self) -> Iterator[dict[str, Any]]:
        """The source and its sections."""
        yield node(f"source:{self.source_id}", "source", self.title, self.source_id)
        for s in self.sections:
            yield node(f"section:{s['section_id']}", "section", s["title"], self.source_id, s["page_start"])

    def contains(self) -> Iterator[Edge]:
        """Each section in what encloses it."""
        for s in self.sections:
            parent = s["parent_id"] if s["parent_id"] in self.known and s["parent_id"] != s["section_id"] else None
            holder = f"section:{parent}" if parent else f"source:{self.source_id}"
            yield holder, "contains", f"section:{s['section_id']}", ()

    def home(self, term: Mapping[str, Any]) -> str | None:
        """The section whose heading bears the name of `term`."""
        names = {folded(name) for name in (term["term"], *term["aliases"])}
        titles = {s["section_id"]: s["title"] for s in self.sections}
        named = term["section_id"]
        if named in titles and self.bears(titles[named], names):
            return str(named)
        same = self.by_title.get(folded(term["term"]), [])
        return same[0] if len(same) == 1 else None

    @staticmethod
    def bears(title: str, names: set[str]) -> bool:
        """Whether a heading is one of `names`."""
        match = QUALIFIED.match(folded(title))
        return folded(title) in names or (match is not None and match[1] in names)

    def resolve(self, reference: Mapping[str, Any]) -> tuple[str | None, str]:
        """The section that a reference leads to, or why there is none."""
        kind, target = reference["kind"], str(reference["target"])
        title, _, label = target.rpartition(", page ") if kind == "page" else ("", "", target)
        for name in (title, target if kind == "section" else ""):
            same = self.by_title.get(folded(name), []) if name else []
            if len(same) == 1:
                return same[0], ""
        if kind == "section":
            return None, f"no section is called `{target}`"
        if kind == "chapter":
            numbered = re.compile(rf"chapter {re.escape(target.casefold())}\b")
            chapters = [s["section_id"] for s in self.sections if numbered.match(folded(s["title"]))]
            return (chapters[0], "") if chapters else (None, f"no section is chapter {target}")
        page = self.labels.get(label.casefold())
        if page is None:
            return None, f"no page is printed as {label}"
        begun = [s for s in self.sections if s["page_start"] == page]
        deepest = max((s["level"] for s in begun), default=0)
        on = [s["section_id"] for s in begun if s["level"] == deepest]
        before = [s["section_id"] for s in self.sections if s["page_start"] is not None and s["page_start"] < page]
        found = on[:1] or before[-1:]
        return (found[0], "") if found else (None, f"no section holds page {label}")


def node(id_: str, kind: str, name: str, source_id: str, page: int | None = None) -> dict[str, Any]:
    """A node that belongs to one source."""
    made = {"id": id_, "kind": kind, "name": name, "aliases": [], "source_id": source_id}
    return made if page is None else {**made, "page": page}


class Findings:
    """All that the graph is to hold: structure first, then what each chunk supports."""

    def __init__(self, toc: Any, dictionary: Any, enriched: Any) -> None:
        try:
            self.books = {book.source_id: book for book in (Book(source, dictionary) for source in toc)}
            self.chunks: dict[str, Mapping[str, Any]] = {chunk["chunk_id"]: chunk for chunk in enriched}
            self.entities: dict[str, dict[str, Any]] = {}
            self.structure = [n for book in self.books.values() for n in book.nodes()]
            self.edges = [e for book in self.books.values() for e in book.contains()]
            self.unresolved: list[dict[str, Any]] = []
            self.of_chunk: dict[str, list[Edge]] = {}
            self.add_definitions()
            self.add_chunks()
        except (KeyError, TypeError, AttributeError) as error:
            message = f"the inputs are not what passes A and D make: {error!r}"
            raise AdapterError("bad_input", message) from error

    def entity(self, book: Book, kind: str, name: str, aliases: Sequence[str]) -> str:
        """The id of an entity, which from now on is one of `book` too."""
        id_ = entity_id(kind, name)
        usual = {"id": id_, "kind": "entity", "name": name, "aliases": [], "source_ids": [], "entity_kind": kind}
        known = self.entities.setdefault(id_, usual)
        known["aliases"] = sorted({*known["aliases"], *aliases})
        known["source_ids"] = sorted({*known["source_ids"], book.source_id})
        return id_

    def add_definitions(self) -> None:
        """Terms whose name a heading bears are defined there; the section's first chunk supports it."""
        first: dict[str, str] = {}
        for chunk in self.chunks.values():
            first.setdefault(chunk["metadata"]["section_id"], chunk["chunk_id"])
        for book in self.books.values():
            for term in book.terms.values():
                home = book.home(term)
                if home is not None:
                    id_ = self.entity(book, term["kind"], term["term"], term["aliases"])
                    support = (first[home],) if home in first else ()
                    self.edges.append((id_, "defined_in", f"section:{home}", support))

    def add_chunks(self) -> None:
        """What each chunk stands in, follows, mentions and refers to."""
        last: dict[str, str] = {}
        for chunk_id, chunk in self.chunks.items():
            book = self.books[chunk["source_id"]]
            id_, section = f"chunk:{chunk_id}", chunk["metadata"]["section_id"]
            holder = f"section:{section}" if section in book.known else f"source:{book.source_id}"
            found: list[Edge] = [(holder, "contains", id_, ())]
            if book.source_id in last:
                found.append((last[book.source_id], "next", id_, ()))
            last[book.source_id] = id_
            for mention in chunk["entities"]:
                if mention["term_id"] is not None:
                    aliases = book.terms.get(mention["term_id"], {}).get("aliases", [])
                    entity = self.entity(book, mention["kind"], mention["name"], aliases)
                    found.append((id_, "mentions", entity, (chunk_id,)))
            for reference in chunk["references"]:
                target, reason = book.resolve(reference)
                if target is not None:
                    found.append((id_, "refers_to", f"section:{target}", (chunk_id,)))
                    continue
                place = {"source_id": book.source_id, "chunk_id": chunk_id}
                printed = {name: reference[name] for name in ("surface", "target")}
                self.unresolved.append({**place, **printed, "reason": reason})
            self.of_chunk[chunk_id] = found


def stats(nodes: Sequence[Mapping[str, Any]], edges: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Counts over the graph."""
    degree: Counter[str] = Counter()
    root = {n["id"]: n["id"] for n in nodes}

    def top(id_: str) -> str:
        while root[id_] != id_:
            root[id_] = id_ = root[root[id_]]
        return id_

    for edge in edges:
        degree.update((edge["source"], edge["target"]))
        root[top(edge["source"])] = top(edge["target"])
    kinds = Counter(n["kind"] for n in nodes), Counter(e["kind"] for e in edges)
    return {
        "nodes": {kind: kinds[0][kind] for kind in sorted(NODE_KINDS)},
        "edges": {kind: kinds[1][kind] for kind in sorted(EDGE_KINDS)},
        "components": sum(top(id_) == id_ for id_ in root),
        "orphans": sum(degree[id_] == 0 for id_ in root),
        "max_degree": max(degree.values(), default=0),
    }


def load() -> Work:
    """Imports LlamaIndex. It has no telemetry; its tokenizer lies in the package and is not asked for."""
    os.environ["LLAMA_INDEX_CACHE_DIR"] = os.environ.get("TMPDIR", os.curdir)
    from llama_index.core import MockEmbedding, PropertyGraphIndex
    from llama_index.core.graph_stores import SimplePropertyGraphStore
    from llama_index.core.graph_stores.types import KG_NODES_KEY, KG_RELATIONS_KEY, ChunkNode, EntityNode, Relation
    from llama_index.core.llms import MockLLM
    from llama_index.core.schema import TextNode, TransformComponent

    class RulebookExtractor(TransformComponent):  # type: ignore[misc]
        """Tells the index what pass D found in each chunk."""

        findings: Any

        def __call__(self, nodes: Sequence[Any], **_: Any) -> Sequence[Any]:
            for text in nodes:
                edges = self.findings.of_chunk[text.id_.removeprefix("chunk:")]
                named = {end for edge in edges for end in (edge[0], edge[2]) if end in self.findings.entities}
                text.metadata[KG_NODES_KEY] = [entity_node(self.findings.entities[id_]) for id_ in sorted(named)]
                text.metadata[KG_RELATIONS_KEY] = [relation(edge) for edge in edges]
            return nodes

    def entity_node(made: Mapping[str, Any]) -> Any:
        return EntityNode(name=made["id"], label=made["kind"], properties={"node": made})

    def relation(edge: Edge) -> Any:
        source, kind, target, support = edge
        return Relation(label=kind, source_id=source, target_id=target, properties={"chunk_ids": list(support)})

    def text_node(chunk: Mapping[str, Any]) -> Any:
        about = node(f"chunk:{chunk['chunk_id']}", "chunk", chunk["chunk_id"], chunk["source_id"], chunk["page"])
        return TextNode(id_=about["id"], text=chunk["text"], metadata={"node": about})

    def index_of(findings: Findings) -> Any:
        store = SimplePropertyGraphStore()
        ends = {edge[0] for edge in findings.edges}
        defined = [made for id_, made in findings.entities.items() if id_ in ends]
        store.upsert_nodes([entity_node(made) for made in (*findings.structure, *defined)])
        index = PropertyGraphIndex(
            nodes=[text_node(chunk) for chunk in findings.chunks.values()],
            kg_extractors=[RulebookExtractor(findings=findings)],
            property_graph_store=store,
            llm=MockLLM(),
            embed_model=MockEmbedding(embed_dim=1),
            embed_kg_nodes=False,
            use_async=False,
        )
        store.upsert_relations([relation(edge) for edge in findings.edges])
        return index

    def work(request: Request) -> Result:
        findings = Findings(request.json("toc"), request.json("dictionary"), request.json("enriched"))
        graph = index_of(findings).property_graph_store.graph
        nodes = [n.properties["node"] for n in graph.nodes.values() if isinstance(n, (ChunkNode, EntityNode))]
        nodes.sort(key=lambda n: n["id"])
        edges = [
            {"source": r.source_id, "kind": r.label, "target": r.target_id, "chunk_ids": r.properties["chunk_ids"]}
            for r in graph.relations.values()
        ]
        edges.sort(key=lambda e: (e["source"], EDGE_KINDS.index(e["kind"]), e["target"]))
        findings.unresolved.sort(key=lambda u: tuple(u.values()))
        made = {"nodes": nodes, "edges": edges, "unresolved": findings.unresolved, "stats": stats(nodes, edges)}
        request.write("graph", made)
        counts = {"chunks": len(findings.chunks), "nodes": len(nodes), "edges": len(edges)}
        return Result(["graph"], {**counts, "unresolved": len(findings.unresolved)})

    return work


if __name__ == "__main__":
    contract.main(TOOL, load)

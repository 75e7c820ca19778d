"""Loads what `ingest export --format llamaindex -o DIR` wrote with LlamaIndex itself, and asks for the triplets of an entity.

.venv/llamaindex/bin/python -B adapters/checks/llamaindex_export.py DIR [entity:kind:name]
"""

from __future__ import annotations

import json
import sys
from pathlib import Path


def check(folder: Path, entity: str | None) -> dict[str, object]:
    """Nodes, relations, and what is said of `entity`, or of the one that is mentioned most."""
    from llama_index.core import MockEmbedding, PropertyGraphIndex
    from llama_index.core.graph_stores import SimplePropertyGraphStore
    from llama_index.core.llms import MockLLM
    from llama_index.core.schema import NodeRelationship
    from llama_index.core.storage.docstore import SimpleDocumentStore

    documents = SimpleDocumentStore.from_persist_dir(str(folder))
    store = SimplePropertyGraphStore.from_persist_dir(str(folder))
    graph, texts = store.graph, documents.docs
    for id_, text in texts.items():
        assert text.node_id == id_, f"docstore.json: {id_} is called {text.node_id}"
        following = text.relationships.get(NodeRelationship.NEXT)
        assert following is None or following.node_id in texts, f"docstore.json: {id_} is followed by nothing"
    for id_, node in graph.nodes.items():
        assert node.id == id_, f"property_graph_store.json: {id_} is called {node.id}"
    for relation in graph.relations.values():
        ends = (relation.source_id, relation.target_id)
        assert all(end in graph.nodes for end in ends), f"property_graph_store.json: {ends} dangles"
    assert len(graph.triplets) == len(graph.relations), "property_graph_store.json: triplets and relations differ"
    named = [r.target_id for r in graph.relations.values() if r.label == "mentions"]
    asked = entity or max(sorted(set(named)), key=named.count)
    index = PropertyGraphIndex.from_existing(
        store, llm=MockLLM(), embed_model=MockEmbedding(embed_dim=1), embed_kg_nodes=False, use_async=False
    )
    triplets = index.property_graph_store.get_triplets(entity_names=[asked])
    assert triplets, f"nothing is said of {asked}"
    chunks = [t[0].id for t in triplets if t[1].label == "mentions"]
    assert all(chunk in texts for chunk in chunks), f"{asked} is mentioned where there is no text"
    found = {node.node_id: node.text for node in store.get_llama_nodes(chunks)}
    assert found == {chunk: texts[chunk].text for chunk in chunks}, f"{asked}: texts of graph and docstore differ"
    said = sorted(f"{t[0].id} {t[1].label} {t[2].id}" for t in triplets)
    counts = {"texts": len(texts), "nodes": len(graph.nodes), "relations": len(graph.relations)}
    return {**counts, "entity": asked, "triplets": len(triplets), "first": said[0]}


if __name__ == "__main__":
    print(json.dumps(check(Path(sys.argv[1]), sys.argv[2] if len(sys.argv) > 2 else None), ensure_ascii=False))

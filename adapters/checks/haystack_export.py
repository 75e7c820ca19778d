"""Loads what `ingest export --format haystack -o DIR` wrote with Haystack itself, and asks BM25 and a filter about it.

.venv/haystack/bin/python -B adapters/checks/haystack_export.py DIR "a question"
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path


def check(folder: Path, question: str) -> dict[str, object]:
    """How many documents, the best three for `question`, and how many stand in the best one's section."""
    os.environ |= {"HAYSTACK_TELEMETRY_ENABLED": "False"}
    from haystack.components.retrievers.in_memory import InMemoryBM25Retriever
    from haystack.document_stores.in_memory import InMemoryDocumentStore

    path = folder / "documents.json"
    written = {d["id"]: d for d in json.loads(path.read_bytes())["documents"]}
    store = InMemoryDocumentStore.load_from_disk(str(path))
    assert store.count_documents() == len(written), f"{path}: an id comes twice"
    for document in store.filter_documents():
        same = (document.content, document.meta) == (written[document.id]["content"], written[document.id]["meta"])
        assert same, f"{path}: {document.id} is another document"
        for entity in document.meta.get("entities", []):
            assert document.content[entity["start"] : entity["end"]] == entity["surface"], f"{document.id}: offsets"
    best = InMemoryBM25Retriever(store, top_k=3).run(query=question)["documents"]
    assert best, f"{path}: nothing answers {question!r}"
    here = [("source_id", best[0].meta["source_id"]), ("section_id", best[0].meta.get("section_id"))]
    conditions = [{"field": f"meta.{name}", "operator": "==", "value": value} for name, value in here]
    beside = store.filter_documents({"operator": "AND", "conditions": conditions})
    answer = {"best": [d.id for d in best], "text": best[0].content[:80], "in_its_section": len(beside)}
    return {"documents": len(written), **answer}


if __name__ == "__main__":
    print(json.dumps(check(Path(sys.argv[1]), sys.argv[2]), ensure_ascii=False))

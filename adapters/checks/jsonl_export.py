"""Reads what `ingest export --format jsonl -o DIR` wrote, line by line, and asks that no reference leads nowhere.

python3 -B adapters/checks/jsonl_export.py DIR
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any


def lines_of(path: Path) -> Iterator[Any]:
    """Each line by itself: a line is a value, whatever stands before it."""
    with path.open("rb") as lines:
        for number, line in enumerate(lines, start=1):
            assert line.endswith(b"\n"), f"{path}:{number} is cut off"
            yield json.loads(line)


def check(folder: Path) -> dict[str, object]:
    """How many elements, chunks, nodes and edges there are."""
    elements = [e["element_id"] for e in lines_of(folder / "elements.jsonl")]
    chunks = {c["chunk_id"] for c in lines_of(folder / "chunks.jsonl")}
    nodes: set[str] = set()
    edges = 0
    for value in lines_of(folder / "graph.jsonl"):
        if value["type"] == "node":
            nodes.add(value["id"])
            continue
        edges += 1
        for end in (value["source"], value["target"]):
            assert end in nodes, f"graph.jsonl: {end} is no node above"
    assert len(set(elements)) == len(elements), "elements.jsonl: an id comes twice"
    missing = {n.removeprefix("chunk:") for n in nodes if n.startswith("chunk:")} - chunks
    counts = {"elements": len(elements), "chunks": len(chunks), "nodes": len(nodes), "edges": edges}
    return {**counts, "chunks_dropped": len(missing)}


if __name__ == "__main__":
    print(json.dumps(check(Path(sys.argv[1]))))

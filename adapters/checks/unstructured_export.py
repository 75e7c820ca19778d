"""Loads what `ingest export --format unstructured -o DIR` wrote with Unstructured itself, and asks how many there are of what.

.venv/unstructured/bin/python -B adapters/checks/unstructured_export.py DIR
"""

from __future__ import annotations

import json
import os
import sys
from collections import Counter
from pathlib import Path


def check(folder: Path) -> dict[str, object]:
    """Counts; an `AssertionError` where Unstructured gives back other than was written."""
    os.environ |= {"SCARF_NO_ANALYTICS": "true", "DO_NOT_TRACK": "true", "UNSTRUCTURED_DISABLE_NOTICE": "1"}
    from unstructured.staging.base import elements_from_json, elements_to_dicts

    told: dict[str, object] = {}
    for name in ("elements", "chunks"):
        path = folder / f"{name}.json"
        written = json.loads(path.read_bytes())
        loaded = elements_from_json(str(path))
        assert elements_to_dicts(loaded) == written, f"{path}: Unstructured gives back something else"
        assert len({e.id for e in loaded}) == len(loaded), f"{path}: an id comes twice"
        told[name] = {"count": len(loaded), "types": dict(sorted(Counter(type(e).__name__ for e in loaded).items()))}
        parents = {e.id for e in loaded}
        lost = [e.id for e in loaded if e.metadata.parent_id is not None and e.metadata.parent_id not in parents]
        assert not lost, f"{path}: the parent of {lost[0]} is not there"
    return told


if __name__ == "__main__":
    print(json.dumps(check(Path(sys.argv[1]))))

"""A staging folder as `ingest` makes it, and adapters run in processes of their own, as `ingest` runs them."""

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

ADAPTERS = Path(__file__).resolve().parent.parent
UPLOADS = ADAPTERS.parent / "fixtures" / "uploads"
SCHEMAS = ADAPTERS.parent / "schemas"


class Staging:
    """One item's private folder."""

    def __init__(self, outputs: tuple[str, ...], source_id: str = "book") -> None:
        self.folder = Path(tempfile.mkdtemp())
        for sub in ("inputs", "outputs"):
            (self.folder / sub).mkdir()
        item = {"id": source_id, "source_id": source_id, "path": f"{source_id}.pdf"}
        self.request: dict[str, Any] = {"version": 1, "rule": "rule", "item": item, "params": None, "inputs": {}}
        self.request["outputs"] = {name: f"outputs/{name}.json" for name in outputs}

    def given(self, name: str, value: Any) -> "Staging":
        """With a JSON input."""
        (self.folder / f"inputs/{name}.json").write_text(json.dumps(value), encoding="utf-8")
        self.request["inputs"][name] = f"inputs/{name}.json"
        return self

    def given_file(self, name: str, path: Path) -> "Staging":
        """With a file as an input."""
        to = f"inputs/{name}{path.suffix}"
        shutil.copyfile(path, self.folder / to)
        self.request["inputs"][name] = to
        return self

    def written(self) -> "Staging":
        """With its `request.json`."""
        (self.folder / "request.json").write_text(json.dumps(self.request), encoding="utf-8")
        return self

    def line(self) -> dict[str, Any]:
        """The request as a worker gets it."""
        return {**self.request, "folder": str(self.folder)}

    def output(self, name: str) -> Any:
        return json.loads((self.folder / f"outputs/{name}.json").read_bytes())

    def response(self) -> Any:
        return json.loads((self.folder / "response.json").read_bytes())

    def run(self, script: Path, *arguments: str, env: Mapping[str, str] | None = None) -> subprocess.CompletedProcess[str]:
        """The adapter on this request, with nothing of the environment but what is given."""
        self.written()
        place = str(self.folder / "outputs")
        return start(script, place, *arguments, env={"HOME": str(self.folder), "TMPDIR": str(self.folder), **(env or {})})


def start(
    script: Path, *arguments: str, env: Mapping[str, str] | None = None, stdin: str | None = None
) -> subprocess.CompletedProcess[str]:
    """An adapter in a process of its own."""
    known = {name: os.environ[name] for name in ("PATH", "SYSTEMROOT") if name in os.environ}
    command = [sys.executable, "-B", str(script), *arguments]
    given = {"input": stdin} if stdin is not None else {"stdin": subprocess.DEVNULL}
    return subprocess.run(
        command, capture_output=True, encoding="utf-8", env={**known, **(env or {})}, check=False, timeout=300, **given
    )


def worked(script: Path, *items: Staging, seed: str = "0") -> list[Any]:
    """The responses of one worker to all of `items`, in one batch. `seed` is that of Python's hashes."""
    batch = {"version": 1, "id": "all", "requests": [item.line() for item in items]}
    env = {"PYTHONHASHSEED": seed, "TMPDIR": tempfile.mkdtemp()}
    done = start(script, "--worker", env=env, stdin=json.dumps(batch) + "\n")
    said = [json.loads(line) for line in done.stdout.splitlines()]
    if not said or not said[0]["ready"]:
        raise AssertionError(done.stderr)
    return said[1:]


def valid(artifact: str, value: Any) -> list[str]:
    """What is wrong with an artifact: no more than types, required and unknown fields and patterns of its schema."""
    schema = json.loads((SCHEMAS / f"{artifact}.schema.json").read_bytes())
    found: list[str] = []
    judge(value, schema, schema, "", found)
    return found


def judge(value: Any, schema: Any, whole: Any, place: str, found: list[str]) -> None:
    """The part of JSON Schema that the schemas of this project use."""
    import re

    if "$ref" in schema:
        judge(value, whole["$defs"][schema["$ref"].rpartition("/")[2]], whole, place, found)
        return
    types = schema.get("type", [])
    types = types if isinstance(types, list) else [types]
    checks = {
        "string": lambda v: isinstance(v, str),
        "integer": lambda v: isinstance(v, int) and not isinstance(v, bool),
        "number": lambda v: isinstance(v, (int, float)) and not isinstance(v, bool),
        "boolean": lambda v: isinstance(v, bool),
        "null": lambda v: v is None,
        "array": lambda v: isinstance(v, list),
        "object": lambda v: isinstance(v, dict),
    }
    if types and not any(checks[t](value) for t in types):
        found.append(f"{place}: {value!r} is no {types}")
        return
    if "enum" in schema and value not in schema["enum"]:
        found.append(f"{place}: {value!r} is not one of {schema['enum']}")
    if isinstance(value, str):
        if "pattern" in schema and not re.search(schema["pattern"], value):
            found.append(f"{place}: {value!r} is not {schema['pattern']}")
        if not schema.get("minLength", 0) <= len(value) <= schema.get("maxLength", len(value)):
            found.append(f"{place}: {value!r} is too short or too long")
    if isinstance(value, (int, float)) and value < schema.get("minimum", value):
        found.append(f"{place}: {value} is too small")
    if isinstance(value, list):
        if not schema.get("minItems", 0) <= len(value) <= schema.get("maxItems", len(value)):
            found.append(f"{place}: {len(value)} items")
        for i, item in enumerate(value):
            judge(item, schema.get("items", {}), whole, f"{place}/{i}", found)
    if isinstance(value, dict):
        known = schema.get("properties", {})
        found.extend(f"{place}: `{name}` is missing" for name in schema.get("required", []) if name not in value)
        for name, item in value.items():
            if name not in known and schema.get("additionalProperties") is False:
                found.append(f"{place}: `{name}` is not known here")
            judge(item, known.get(name, {}), whole, f"{place}/{name}", found)

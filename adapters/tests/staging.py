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

from jsonschema import Draft202012Validator

ADAPTERS = Path(__file__).resolve().parent.parent
VENVS = Path(os.environ.get("INGEST_VENVS", ADAPTERS.parent / ".venv"))
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


def python_of(script: Path) -> str:
    """The interpreter of an adapter's virtual environment; the present one for adapters that need none."""
    tool = script.stem.partition("_")[0]
    if not (ADAPTERS / f"{tool}.lock").is_file():
        return sys.executable
    python = VENVS / tool / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    if not python.is_file():
        raise AssertionError(f"there is no `{python}`: see adapters/README.md")
    return str(python)


def start(
    script: Path, *arguments: str, env: Mapping[str, str] | None = None, stdin: str | None = None
) -> subprocess.CompletedProcess[str]:
    """An adapter in a process of its own."""
    known = {name: os.environ[name] for name in ("PATH", "SYSTEMROOT") if name in os.environ}
    command = [python_of(script), "-B", str(script), *arguments]
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
    """What the schema of an artifact says against it."""
    schema = json.loads((SCHEMAS / f"{artifact}.schema.json").read_bytes())
    return [f"{e.json_path}: {e.message}" for e in Draft202012Validator(schema).iter_errors(value)]

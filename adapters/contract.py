"""The contract between `ingest` and an adapter: requests in, outputs and responses out.

It knows folders, JSON lines, exit codes and ids; what an adapter does with its tool it does not know. Only the standard
library is imported here, so that `--version` and every complaint about a missing package come at once.

    adapter.py PLACE      one request: PLACE is `request.json`, or anything inside the folder that holds it
    adapter.py --worker   a request a line on stdin, a response a line on stdout, until stdin ends
    adapter.py --version  one line for the action key: tool and version as installed
    --param NAME=JSON     a param for every request that does not name it itself
"""

from __future__ import annotations

import argparse
import hashlib
import importlib.metadata
import json
import os
import platform
import re
import sys
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any, NoReturn

VERSION = 1
"""Version of requests and responses."""

EXIT_DONE, EXIT_FAILED, EXIT_USAGE, EXIT_SETUP = 0, 1, 2, 3
"""Done; an item failed; the request cannot be read; the adapter cannot work on any item on this machine."""

LOOPBACK = ("127.", "::1", "localhost")


class AdapterError(Exception):
    """A failure that the response tells: what kind, what happened, and the way out."""

    def __init__(self, kind: str, message: str, hint: str | None = None, *, retry: bool = False) -> None:
        super().__init__(message)
        self.kind, self.message, self.hint, self.retry = kind, message, hint, retry

    def to_json(self) -> dict[str, Any]:
        """The `error` of a response. `retry`: the same request may go well another time."""
        return {"kind": self.kind, "message": self.message, "hint": self.hint, "retry": self.retry}


@dataclass(frozen=True)
class Tool:
    """The package that an adapter wraps."""

    package: str
    pinned: str
    """The version that the adapter is made for."""
    setup: str
    """Name of the lock file and of the virtual environment below `.venv`."""

    def hint(self) -> str:
        """The command that mends the environment."""
        return f"ingest adapter setup {self.setup}"

    def check(self) -> None:
        """Whether this interpreter has the package, and all that the lock file pins, in the versions that it pins.

        Raises `AdapterError` of kind `missing_package` or `wrong_version`.
        """
        for package, pinned in {self.package: Pin({self.pinned}), **pins_of(self.setup)}.items():
            try:
                version = importlib.metadata.version(package)
            except importlib.metadata.PackageNotFoundError:
                if pinned.somewhere_only:
                    continue
                message = f"the package `{package}` is not installed for `{sys.executable}`"
                raise AdapterError("missing_package", message, self.hint()) from None
            if version not in pinned.versions:
                message = f"`{package}` is {version}, and this adapter is made for {' or '.join(sorted(pinned.versions))}"
                raise AdapterError("wrong_version", message, self.hint())

    def line(self) -> str:
        """What `--version` prints: what shapes the output beside the adapter's own files and its lock file."""
        self.check()
        python = ".".join(platform.python_version_tuple()[:2])
        return f"{self.package} {self.pinned}, python {python}, unicode {unicodedata.unidata_version}"


@dataclass
class Pin:
    """Versions of a package that a lock file allows."""

    versions: set[str]
    somewhere_only: bool = False
    """Only some systems or some versions of Python need it."""


def pins_of(setup: str) -> dict[str, Pin]:
    """What the lock file of a tool pins, by package; nothing if there is no such file beside this one."""
    path = Path(__file__).with_name(f"{setup}.lock")
    pins: dict[str, Pin] = {}
    if path.is_file():
        for name, version, marker in PINNED.findall(path.read_text(encoding="utf-8")):
            pin = pins.setdefault(name, Pin(set()))
            pin.versions.add(version)
            pin.somewhere_only |= bool(marker)
    return pins


PINNED = re.compile(r"^([A-Za-z0-9._-]+)==([^\s;\\]+)([ ;]*[^\\\n]*[\w'])?", re.MULTILINE)
"""A line of a lock file: package, version, and where it is needed."""


@dataclass(frozen=True)
class Request:
    """One item's work. Paths are absolute or relative to the working folder."""

    rule: str
    item: Mapping[str, str]
    params: Mapping[str, Any]
    inputs: Mapping[str, tuple[Path, ...]]
    outputs: Mapping[str, Path]
    folder: Path

    def input(self, name: str) -> Path:
        """The file of the input `name`."""
        paths = self.inputs.get(name)
        if paths is None or len(paths) != 1:
            known = ", ".join(f"`{n}`" for n in sorted(self.inputs)) or "none"
            raise bad_request(f"the rule `{self.rule}` needs one file as its input `{name}`; it has {known}")
        return paths[0]

    def json(self, name: str) -> Any:
        """What the JSON input `name` holds."""
        path = self.input(name)
        try:
            return json.loads(path.read_bytes())
        except OSError as error:
            raise bad_request(f"cannot read the input `{name}`: {error.strerror or error}") from error
        except ValueError as error:
            raise AdapterError("bad_input", f"the input `{name}` is no JSON: {error}") from error

    def write(self, name: str, value: Any) -> None:
        """Writes the JSON output `name`: compact, UTF-8, keys in the order they were put in."""
        path = self.outputs.get(name)
        if path is None:
            raise bad_request(f"the rule `{self.rule}` names no output `{name}`")
        text = json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
        path.write_bytes(text.encode())


@dataclass
class Result:
    """What an adapter tells of an item that went well."""

    outputs: list[str]
    counts: dict[str, int] = field(default_factory=dict)
    tokens: dict[str, int] = field(default_factory=dict)
    """Of models, `input` and `output`; nothing where no model was asked."""
    warnings: list[str] = field(default_factory=list)


Work = Callable[[Request], Result]


def bad_request(message: str) -> AdapterError:
    """The request is not what the contract says."""
    return AdapterError("bad_request", message, "schemas/request.schema.json says what a request holds")


def parse_request(value: Any, folder: Path, defaults: Mapping[str, Any]) -> Request:
    """A request as JSON, whose paths are relative to `folder` unless it names a `folder` itself."""
    if not isinstance(value, dict):
        raise bad_request("a request is a JSON object")
    if value.get("version") != VERSION:
        raise bad_request(f"this adapter knows requests of version {VERSION}, and this one is {value.get('version')!r}")
    rule, item, params = value.get("rule"), value.get("item"), value.get("params") or {}
    if not isinstance(rule, str) or not isinstance(item, dict) or not isinstance(params, dict):
        raise bad_request("`rule` is a text, `item` an object, `params` an object or null")
    own = value.get("folder", str(folder))
    inputs, outputs = value.get("inputs"), value.get("outputs")
    if not isinstance(own, str) or not isinstance(inputs, dict) or not isinstance(outputs, dict):
        raise bad_request("`folder` is a text, `inputs` and `outputs` are objects")
    return Request(
        rule=rule,
        item={str(k): str(v) for k, v in item.items()},
        params={**defaults, **params},
        inputs={name: tuple(below(Path(own), p, name) for p in each(paths)) for name, paths in inputs.items()},
        outputs={name: below(Path(own), path, name) for name, path in outputs.items()},
        folder=Path(own),
    )


def each(paths: Any) -> Sequence[Any]:
    """A file, or the files of a tree."""
    return paths if isinstance(paths, list) else [paths]


def below(folder: Path, path: Any, name: str) -> Path:
    """`path` in `folder`; nothing that leads out of it."""
    if not isinstance(path, str) or Path(path).is_absolute() or ".." in Path(path).parts:
        raise bad_request(f"`{name}` is no path within the request's folder: {path!r}")
    return folder / path


def answer(work: Work, tool: Tool, value: Any, folder: Path, defaults: Mapping[str, Any]) -> dict[str, Any]:
    """Does one request: its response, whatever happens."""
    item: Mapping[str, str] = {}
    try:
        request = parse_request(value, folder, defaults)
        item = request.item
        result = work(request)
        missing = [name for name in result.outputs if not request.outputs[name].exists()]
        if missing:
            raise AdapterError("internal", f"the output `{missing[0]}` was not written")
    except AdapterError as error:
        return response(tool, item, error=error.to_json())
    except MemoryError:
        return response(tool, item, error=AdapterError("memory", "there is not enough memory", retry=True).to_json())
    except Exception as error:  # what a library raises is that item's failure and no other's
        where = innermost(error)
        message = f"{type(error).__name__}: {error}{f' ({where})' if where else ''}"
        return response(tool, item, error=AdapterError("internal", message).to_json())
    return response(tool, item, result=result)


def innermost(error: Exception) -> str:
    """File name and line in which `error` was raised: no folders, which differ between machines."""
    trace, place = error.__traceback__, ""
    while trace is not None:
        place = f"{Path(trace.tb_frame.f_code.co_filename).name}:{trace.tb_lineno}"
        trace = trace.tb_next
    return place


def response(
    tool: Tool, item: Mapping[str, str], *, result: Result | None = None, error: dict[str, Any] | None = None
) -> dict[str, Any]:
    """The response for one item, keys in a fixed order."""
    said = result or Result([])
    return {
        "version": VERSION,
        "tool": {"name": tool.package, "version": tool.pinned},
        "item": item.get("id", ""),
        "outputs": sorted(said.outputs),
        "counts": dict(sorted(said.counts.items())),
        "tokens": dict(sorted(said.tokens.items())),
        "warnings": said.warnings,
        "error": error,
    }


def forbid_network() -> None:
    """From here on no code of this process reaches another machine: an attempt is an error of kind `network`."""

    def watch(event: str, args: tuple[Any, ...]) -> None:
        if event == "socket.getaddrinfo":
            host = args[0]
        elif event in ("socket.connect", "socket.sendto") and isinstance(args[1], tuple):
            host = args[1][0]
        else:
            return
        name = host.decode(errors="replace") if isinstance(host, bytes) else str(host or "localhost")
        if not name.startswith(LOOPBACK):
            raise AdapterError("network", f"something asked for `{name}`, and an adapter works offline")

    sys.addaudithook(watch)


def own_stdout() -> IO[str]:
    """The real stdout, for responses alone: what libraries print goes to stderr, also from C."""
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8", newline="\n")
    os.dup2(2, 1)
    return answers


def own_stdin() -> Iterator[bytes]:
    """The real stdin, line by line; libraries and their children find an empty one."""
    lines = os.fdopen(os.dup(0), "rb")
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)
    return iter(lines)


def main(tool: Tool, load: Callable[[], Work], arguments: Sequence[str] | None = None) -> NoReturn:
    """Runs an adapter. `load` imports the tool, which may take seconds, and returns what does one request."""
    sys.exit(run(tool, load, arguments))


def run(tool: Tool, load: Callable[[], Work], arguments: Sequence[str] | None = None) -> int:
    """`main`, with the exit code returned."""
    parser = argparse.ArgumentParser(allow_abbrev=False)
    parser.add_argument("place", nargs="?", type=Path)
    parser.add_argument("--worker", action="store_true")
    parser.add_argument("--version", action="store_true")
    parser.add_argument("--param", action="append", default=[], metavar="NAME=JSON")
    asked = parser.parse_args(arguments)
    try:
        if asked.version:
            print(tool.line())
            return EXIT_DONE
        if asked.worker == (asked.place is not None):
            raise bad_request("give either a request or `--worker`")
        defaults = params_of(asked.param)
        return serve(tool, load, defaults) if asked.worker else once(tool, load, asked.place, defaults)
    except AdapterError as error:
        complain(error.to_json())
        return EXIT_SETUP if error.kind in ("missing_package", "wrong_version") else EXIT_USAGE


def params_of(words: Iterable[str]) -> dict[str, Any]:
    """`NAME=JSON`, each; what is no JSON is a text."""
    params: dict[str, Any] = {}
    for word in words:
        name, equals, value = word.partition("=")
        if not equals:
            raise bad_request(f"`--param {word}` is not NAME=JSON")
        try:
            params[name] = json.loads(value)
        except ValueError:
            params[name] = value
    return params


def complain(error: Mapping[str, Any]) -> None:
    """An error for people, on stderr."""
    print(f"error: {error['message']}", file=sys.stderr)
    if error["hint"]:
        print(f"hint: {error['hint']}", file=sys.stderr)


def prepared(tool: Tool, load: Callable[[], Work]) -> Work:
    """What does one request, with the tool's package checked and loaded."""
    tool.check()
    forbid_network()
    try:
        return load()
    except ImportError as error:
        missing = (error.name or "").partition(".")[0] or str(error)
        message = f"`{tool.package}` cannot be loaded: `{missing}` is missing or broken: {error}"
        raise AdapterError("missing_package", message, tool.hint()) from error


def once(tool: Tool, load: Callable[[], Work], place: Path, defaults: Mapping[str, Any]) -> int:
    """One request from a file, or a batch; each response lies beside its request as `response.json`."""
    path = request_of(place)
    try:
        value = json.loads(path.read_bytes())
    except OSError as error:
        raise bad_request(f"cannot read `{path.as_posix()}`: {error.strerror or error}") from error
    except ValueError as error:
        raise bad_request(f"`{path.as_posix()}` is no JSON: {error}") from error
    work = prepared(tool, load)
    code = EXIT_DONE
    for one in requests_of(value):
        given = one.get("folder", str(path.parent)) if isinstance(one, dict) else path.parent
        folder = Path(given) if isinstance(given, (str, Path)) else path.parent
        said = answer(work, tool, one, folder, defaults)
        text = json.dumps(said, ensure_ascii=False, indent=2) + "\n"
        (folder / "response.json").write_text(text, encoding="utf-8", newline="\n")
        if said["error"] is not None:
            complain(said["error"])
            code = EXIT_USAGE if said["error"]["kind"] == "bad_request" else EXIT_FAILED
        for warning in said["warnings"]:
            print(f"warning: {warning}", file=sys.stderr)
    return code


def request_of(place: Path) -> Path:
    """`request.json` of the folder that `place` lies in."""
    if place.name == "request.json" and place.is_file():
        return place
    found = [folder / "request.json" for folder in (place, *place.parents) if (folder / "request.json").is_file()]
    if not found:
        raise bad_request(f"there is no `request.json` at `{place.as_posix()}` or in a folder above it")
    return found[0]


def requests_of(value: Any) -> list[Any]:
    """The requests of a line or a file: one, or those of a batch."""
    if isinstance(value, dict) and "requests" in value:
        if value.get("version") != VERSION or not isinstance(value["requests"], list):
            raise bad_request(f"a batch is of version {VERSION}, and its `requests` is a list")
        return value["requests"]
    return [value]


def serve(tool: Tool, load: Callable[[], Work], defaults: Mapping[str, Any]) -> int:
    """A worker: first a greeting, then for each line as many responses as it holds requests, in their order."""
    answers, lines = own_stdout(), own_stdin()

    def say(value: Mapping[str, Any]) -> None:
        answers.write(json.dumps(value, ensure_ascii=False, separators=(",", ":")) + "\n")
        answers.flush()

    try:
        work = prepared(tool, load)
    except AdapterError as error:
        say({**response(tool, {}, error=error.to_json()), "ready": False})
        raise
    say({**response(tool, {}), "ready": True})
    for line in lines:
        if not line.strip():
            continue
        try:
            value = json.loads(line)
            asked = requests_of(value)
        except (ValueError, AdapterError) as error:
            trouble = error if isinstance(error, AdapterError) else bad_request(f"a line is no JSON: {error}")
            say({"id": None, "index": 0, **response(tool, {}, error=trouble.to_json())})
            continue
        for index, one in enumerate(asked):
            said = answer(work, tool, one, Path(), defaults)
            say({"id": value.get("id") if isinstance(value, dict) else None, "index": index, **said})
    return EXIT_DONE


def content_id(kind: str, *parts: str) -> str:
    """`kind-` and 16 hex digits of SHA-256 over `parts`, each told apart by its length."""
    digest = hashlib.sha256()
    for part in parts:
        data = part.encode("utf-8", errors="surrogatepass")
        digest.update(len(data).to_bytes(8, "little"))
        digest.update(data)
    return f"{kind}-{digest.hexdigest()[:16]}"


SPACE = re.compile(r"\s+")
WORDS = re.compile(r"\w+(?:['’.]\w+)*|[^\w\s]")
UNIFIED = {
    **dict.fromkeys(map(ord, "‘’‚‛ʼ`´"), "'"),
    **dict.fromkeys(map(ord, "“”„‟"), '"'),
    **dict.fromkeys(map(ord, "‐‑‒–—―−"), "-"),
}
"""Quotes and dashes, one character for one, so that offsets stay."""


def folded(text: str) -> str:
    """`text` for comparing titles and names: compatibility forms, quotes and white space unified, without case."""
    return SPACE.sub(" ", unicodedata.normalize("NFKC", text).translate(UNIFIED)).strip().casefold()


def token_count(text: str) -> int:
    """Words and punctuation marks."""
    return len(WORDS.findall(text))

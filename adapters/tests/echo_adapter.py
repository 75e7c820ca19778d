"""An adapter of a tool that is always there, for tests of the contract: it copies its input, and misbehaves as told."""

import os
import socket
import sys
from importlib import metadata
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import contract
from contract import AdapterError, Request, Result, Tool, Work

TOOL = Tool(os.environ.get("ECHO_PACKAGE", "pip"), os.environ.get("ECHO_PINNED") or metadata.version("pip"), "echo")


def load() -> Work:
    if os.environ.get("ECHO_IMPORT"):
        __import__(os.environ["ECHO_IMPORT"])

    def work(request: Request) -> Result:
        does = request.params.get("does", "copies")
        if does == "prints":
            print("a stray line")
            os.write(1, b"and one past Python\n")
        if does == "dies":
            os._exit(9)
        if does == "raises":
            raise ValueError("no such page")
        if does == "fails":
            raise AdapterError("bad_document", "the book is torn", "fetch it again")
        if does == "connects":
            socket.create_connection(("192.0.2.1", 80), timeout=1)
        if does == "reads stdin":
            request.write("out", [sys.stdin.read()])
            return Result(["out"])
        if does == "claims":
            return Result(["out"])
        request.write("out", request.json("value"))
        return Result(["out"], {"items": 1}, warnings=["it was only copied"] if does == "warns" else [])

    return work


if __name__ == "__main__":
    contract.main(TOOL, load)

"""Builds the same books with the built-in passes and with each adapter, and prints one table. No figure is written by hand.

    python3 benches/peers/peers.py --ingest target/release/ingest
    python3 benches/peers/peers.py --ingest target/release/ingest --books DIR --score SCORE.py

The first takes the sample books. The second takes the PDFs of DIR and the scores that `SCORE.py JOB DIR --json` prints, a mean
over the books that have one. `--only NAME` (repeatable) builds some of them. Needs `.venv/unstructured`, `.venv/haystack` and
`.venv/llamaindex` (see adapters/README.md), and Linux or macOS, whose `wait4` tells processor time and memory.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent.parent
VARIANTS = {
    "built-in": "Ingestfile.toml",
    "C by Unstructured": "fixtures/Ingestfile.unstructured.toml",
    "D by Haystack": "fixtures/Ingestfile.haystack.toml",
    "E by LlamaIndex": "fixtures/Ingestfile.llamaindex.toml",
}
EDIT = """
import sys
import pikepdf
with pikepdf.open(sys.argv[1], allow_overwriting_input=True) as book:
    page = book.pages[len(book.pages) // 2]
    font = pikepdf.Dictionary(Type=pikepdf.Name.Font, Subtype=pikepdf.Name.Type1, BaseFont=pikepdf.Name.Helvetica)
    page.add_resource(font, pikepdf.Name.Font, pikepdf.Name.Edited)
    page.contents_add(b"q BT /Edited 9 Tf 1 0 0 1 60 60 Tm (One line more.) Tj ET Q")
    book.save(deterministic_id=True)
"""
"""Adds a line to the page in the middle: what an editor of the book would have done."""


@dataclass
class Run:
    """What one build took."""

    wall_s: float
    cpu_s: float
    peak_mb: float
    """Of the largest process."""
    outcome: str

    def __str__(self) -> str:
        return f"{self.wall_s:.1f} | {self.cpu_s:.1f} | {self.peak_mb:.0f}"


def build(ingest: Path, project: Path) -> Run:
    """One build, to its last line; an error ends the bench."""
    said = project / "said.txt"
    with said.open("wb") as out:
        began = time.monotonic()
        child = subprocess.Popen([ingest, "build"], cwd=project, stdin=subprocess.DEVNULL, stdout=out, stderr=out)
        _, status, used = os.wait4(child.pid, 0)
    wall = time.monotonic() - began
    lines = said.read_text(encoding="utf-8").splitlines()
    if os.waitstatus_to_exitcode(status) != 0:
        sys.exit(f"the build in {project} failed:\n" + "\n".join(lines))
    unit = 1_048_576 if sys.platform == "darwin" else 1_024
    return Run(wall, used.ru_utime + used.ru_stime, used.ru_maxrss / unit, lines[-1].removeprefix("ingest: "))


def project_of(folder: Path, ingestfile: str, books: Path | None) -> Path:
    """A project with copies of the books, and links to what it only reads."""
    folder.mkdir(parents=True)
    for name in ("adapters", "schemas", ".venv"):
        if (ROOT / name).exists():
            (folder / name).symlink_to(ROOT / name, target_is_directory=True)
    uploads = folder / "fixtures/uploads"
    if books is None:
        shutil.copytree(ROOT / "fixtures/uploads", uploads)
    else:
        uploads.mkdir(parents=True)
        for book in sorted(books.glob("*.pdf")):
            shutil.copy(book, uploads)
    shutil.copy(ROOT / ingestfile, folder / "Ingestfile.toml")
    return folder


def job_of(project: Path) -> Path:
    """The published folder."""
    env = project / "artifacts/ingest/dev"
    return env / (env / "current").read_text(encoding="utf-8").strip()


def facts(job: Path) -> dict[str, float]:
    """What holds of any job, with or without ground truth."""

    def read(name: str) -> Any:
        return json.loads((job / name).read_bytes())

    chunks, coverage = read("passC_chunks.json"), read("passC_coverage.json")
    enriched, graph, cleanup = read("passD_enriched.json"), read("passE_graph.json"), read("passF_cleanup.json")
    pages = [page for source in coverage for page in source["pages"]]
    sections = sum(len(source["sections"]) for source in read("passA_toc.json"))
    held = {chunk["metadata"]["section_id"] for chunk in chunks} - {None}
    return {
        "chunks": len(chunks),
        "sections with text": round(len(held) / max(sections, 1), 3),
        "words in chunks": round(sum(p["chunked"] for p in pages) / max(sum(p["words"] for p in pages), 1), 3),
        "names found": sum(e["term_id"] is not None for item in enriched for e in item["entities"]),
        "links": len(graph["edges"]),
        "unresolved": len(graph["unresolved"]),
        "checks failed or warned": sum(check["status"] != "pass" for check in cleanup["checks"]),
    }


def scores(job: Path, books: Path, scorer: Path) -> dict[str, float]:
    """Means of the scores over the books that have them."""
    command = [sys.executable, str(scorer), str(job), str(books), "--json"]
    told = json.loads(subprocess.run(command, check=True, capture_output=True).stdout)
    names = list(dict.fromkeys(name for row in told.values() for name in row))
    found = {name: [row[name] for row in told.values() if row.get(name) is not None] for name in names}
    return {name: round(sum(values) / len(values), 3) for name, values in found.items() if values}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--ingest", type=Path, required=True)
    parser.add_argument("--books", type=Path)
    parser.add_argument("--score", type=Path)
    parser.add_argument("--only", action="append", choices=VARIANTS)
    parser.add_argument("--folder", type=Path, help="where the projects are made, and kept")
    asked = parser.parse_args()
    ingest, folder = asked.ingest.resolve(), asked.folder or Path(tempfile.mkdtemp(prefix="peers-"))
    costs, kept = [], []
    for name, ingestfile in VARIANTS.items():
        if asked.only and name not in asked.only:
            continue
        project = project_of(folder / name.replace(" ", "-"), ingestfile, asked.books)
        first, again = build(ingest, project), build(ingest, project)
        known = facts(job_of(project))
        if asked.books and asked.score:
            known |= scores(job_of(project), asked.books, asked.score)
        largest = max((project / "fixtures/uploads").rglob("*.pdf"), key=lambda p: (p.stat().st_size, p.name))
        editor = ROOT / ".venv/unstructured/bin/python"
        subprocess.run([editor, "-c", EDIT, largest], check=True)
        edited = build(ingest, project)
        costs.append(f"| {name} | {first} | {again.wall_s:.2f} | {again.outcome} | {edited.wall_s:.1f} | {edited.outcome} |")
        kept.append((name, known))
    columns = list(dict.fromkeys(column for _, known in kept for column in known))
    print("| | wall s | processor s | MB | second build s | | one page edited s | |\n|---|--:|--:|--:|--:|---|--:|---|")
    print("\n".join(costs))
    print("\n| | " + " | ".join(name for name, _ in kept) + " |\n|---|" + "--:|" * len(kept))
    for column in columns:
        print(f"| {column} | " + " | ".join(str(known.get(column, "–")) for _, known in kept) + " |")
    if asked.folder is None:
        shutil.rmtree(folder)


if __name__ == "__main__":
    main()

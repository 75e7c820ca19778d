"""From PDFs to chunks beside `pdftotext`: processor time of both over the same files, in turn. No figure is written by hand.

    python3 benches/pages/pages.py --ingest target/release/ingest --books DIR

`ingest build passC` from nothing (pages, text, A, B and C, with their gates, cache and published artifacts) with all its
processes, and one `pdftotext` for each file. Every round has a project of its own, in /dev/shm where there is one: on a disk with
ext4 the kernel looks long for a free inode among those that anybody deleted within the last minutes, which would count as the
build's. `--folder DIR` measures there. Needs Linux or macOS, whose `wait4` tells processor time.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from statistics import mean

ROOT = Path(__file__).resolve().parent.parent.parent


def took(command: list[str | Path]) -> tuple[float, float]:
    """Seconds of the processor in a command and all that it waited for: its own, and the system's."""
    child = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
    _, status, used = os.wait4(child.pid, 0)
    if os.waitstatus_to_exitcode(status) != 0:
        sys.exit(f"{' '.join(map(str, command))} failed")
    return used.ru_utime, used.ru_stime


def built(ingest: Path, books: Path, project: Path) -> tuple[float, float]:
    """A build of the chunks of all books in a new project."""
    project.mkdir()
    (project / "schemas").symlink_to(ROOT / "schemas", target_is_directory=True)
    lines = (ROOT / "Ingestfile.toml").read_text(encoding="utf-8").splitlines()
    lines = ['include = ["*.pdf"]' if line.startswith("include ") else line for line in lines]
    (project / "Ingestfile.toml").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return took([ingest, "-C", project, "build", "passC", "--uploads", books, "-q"])


def read(books: Path, folder: Path) -> tuple[float, float]:
    """`pdftotext` over all books."""
    each = [took(["pdftotext", book, folder / "text.txt"]) for book in sorted(books.glob("*.pdf"))]
    return sum(own for own, _ in each), sum(system for _, system in each)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--ingest", type=Path, required=True)
    parser.add_argument("--books", type=Path, required=True)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--folder", type=Path, help="where the projects are made, and removed at the end")
    parser.add_argument("--most", type=float, help="ends with 1 if the ratio of the sums is greater, also over three times as many rounds")
    asked = parser.parse_args()
    ingest, books = asked.ingest.resolve(), asked.books.resolve()
    shared_memory = Path("/dev/shm")
    below = asked.folder or (shared_memory if shared_memory.is_dir() else None)
    folder = Path(tempfile.mkdtemp(prefix="pages-", dir=below))
    built(ingest, books, folder / "warm")
    ours: list[tuple[float, float]] = []
    theirs: list[tuple[float, float]] = []

    def ratio() -> float:
        return sum(own + system for own, system in ours) / sum(own + system for own, system in theirs)

    def measure(rounds: int) -> None:
        for _ in range(rounds):
            ours.append(built(ingest, books, folder / f"round-{len(ours)}"))
            theirs.append(read(books, folder))

    measure(asked.rounds)
    if asked.most is not None and ratio() > asked.most:
        # What runs beside it on the same machine weighs on one side more than on the other.
        print(f"{ratio():.3f} over {asked.rounds} rounds: measured three times as long")
        measure(2 * asked.rounds)
    shutil.rmtree(folder)
    print("| | processor s | of it the system's | least |\n|---|--:|--:|--:|")
    for name, times in (("ingest build passC", ours), ("pdftotext", theirs)):
        sums = [sum(both) for both in times]
        print(f"| {name} | {mean(sums):.2f} | {mean(system for _, system in times):.2f} | {min(sums):.2f} |")
    print(f"\nratio of the sums over {len(ours)} rounds: {ratio():.3f}")
    if asked.most is not None and ratio() > asked.most:
        sys.exit(f"the ratio is over {asked.most}")


if __name__ == "__main__":
    main()

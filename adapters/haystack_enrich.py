"""Pass D by Haystack: a pipeline of cleaner and tagger over the chunks of one source.

Inputs `chunks` and `names` (the dictionary without pages), output `enriched`: the same chunks in the same order, with what was
found in them. The pipeline holds no splitter: a chunk stays one document. Offsets are of code points of the chunk's own text.
"""

import os
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import contract
from contract import SPACE, UNIFIED, AdapterError, Request, Result, Tool, Work

TOOL = Tool("haystack-ai", "3.4.0", "haystack")

WORD = re.compile(r"[^\W_]+(?:['’][^\W_]+)*")
DICE = re.compile(r"(?<![\w.])(\d{0,3})d(\d{1,4})(?:\s?([+\-−–])\s?(\d{1,4})(?!\w|\.\d))?(?!\w)")
PAGE = re.compile(r"\bpages?\s+(\d{1,4}|[ivxl]{1,6})\b", re.IGNORECASE)
CHAPTER = re.compile(r"\bchapter\s+(\d{1,3}|[IVXL]{1,6})\b", re.IGNORECASE)
NOISE = re.compile(r"[\ufffd\x00-\x08\x0b-\x1f]")
STOP = frozenset(
    """
    a about after all also an and any are as at be been before but by can could do each for from had has have he her his
    how if in into is it its may more must no not of on one only or other out over she so some such than that the their
    them then there these they this those to under until up was were what when where which while who will with would you
    your
    """.split()
)
MOST_KEYWORDS = 8
SHORTEST_KEYWORD = 4


@dataclass(frozen=True)
class Term:
    """A term of the dictionary."""

    term_id: str
    term: str
    kind: str


class Names:
    """The dictionary, looked up by the words of a text. A name is found where its words stand next to each other."""

    def __init__(self, terms: Iterable[Mapping[str, Any]]) -> None:
        self.by_first: dict[str, dict[tuple[str, ...], Term]] = {}
        try:
            for entry in sorted(terms, key=lambda t: (t["term"], t["term_id"])):
                term = Term(entry["term_id"], entry["term"], entry["kind"])
                for name in (term.term, *entry["aliases"]):
                    words = tuple(word for word, _, _ in words_of(name))
                    if words:
                        self.by_first.setdefault(words[0], {}).setdefault(words, term)
        except (KeyError, TypeError) as error:
            raise AdapterError("bad_input", f"`names` is no dictionary: {error!r}") from error

    def find(self, text: str) -> Iterator[tuple[int, int, Term]]:
        """Start, end and term of each name, the longest at each place, none within another."""
        words, at = words_of(text), 0
        while at < len(words):
            fit: tuple[int, Term] | None = None
            for name, term in self.by_first.get(words[at][0], {}).items():
                end = at + len(name)
                if tuple(word for word, _, _ in words[at:end]) == name and (fit is None or len(name) > fit[0]):
                    fit = (len(name), term)
            # A name of one word is a name only where it is written like one.
            if fit is None or (fit[0] == 1 and text[words[at][1]].islower() and not fit[1].term[0].islower()):
                at += 1
                continue
            yield words[at][1], words[at + fit[0] - 1][2], fit[1]
            at += fit[0]


def words_of(text: str) -> list[tuple[str, int, int]]:
    """Words without case, with start and end; an apostrophe belongs to a word, but for the genitive's."""
    found = []
    for match in WORD.finditer(text):
        word, end = match.group().translate(UNIFIED).casefold(), match.end()
        if word.endswith("'s"):
            found.append((word[:-2], match.start(), end - 2))
            found.append(("'s", end - 2, end))
        else:
            found.append((word, match.start(), end))
    return found


def mention(kind: str, name: str, text: str, start: int, end: int, term_id: str | None, value: Any) -> dict[str, Any]:
    """An entity of pass D; `surface` is exactly what stands there."""
    surface = text[start:end]
    return {"kind": kind, "name": name, "surface": surface, "start": start, "end": end, "term_id": term_id, "value": value}


def dice_of(text: str) -> Iterator[dict[str, Any]]:
    """Throws of dice (`2d6 + 3`), with their average."""
    for match in DICE.finditer(text):
        count, sides = int(match[1] or 1), int(match[2])
        modifier = int(match[4] or 0) * (1 if match[3] in (None, "+") else -1)
        if count == 0 or sides == 0:
            continue
        twice = count * (sides + 1) + 2 * modifier
        name = f"{count}d{sides}{f'{modifier:+d}' if modifier else ''}"
        average: int | float = twice // 2 if twice % 2 == 0 else twice / 2
        value = {"average": average, "count": count, "modifier": modifier, "sides": sides}
        yield mention("dice", name, text, match.start(), match.end(), None, value)


def references_of(text: str) -> list[dict[str, Any]]:
    """Printed references to pages and chapters, by start."""
    found = []
    for kind, pattern in (("page", PAGE), ("chapter", CHAPTER)):
        for match in pattern.finditer(text):
            place = {"surface": match.group(), "start": match.start(), "end": match.end()}
            found.append({**place, "kind": kind, "target": match[1]})
    return sorted(found, key=lambda r: (r["start"], r["end"]))


def keywords_of(text: str) -> list[str]:
    """The most frequent words that say something, the first one first where they are equally frequent."""
    words = [word for word, _, _ in words_of(text)]
    said = [w for w in words if len(w) >= SHORTEST_KEYWORD and w not in STOP and not w.isdigit()]
    return [word for word, _ in Counter(said).most_common(MOST_KEYWORDS)]


def normalized(text: str) -> str:
    """What the cleaner leaves, with quotes, dashes and white space unified; the same again changes nothing."""
    return SPACE.sub(" ", text.translate(UNIFIED)).strip()


def quality_of(text: str, types: Sequence[str]) -> dict[str, Any]:
    """Flags about a chunk's text."""
    ends = text.rstrip("\"'”’)]")[-1:] in (".", "!", "?", ":", "…")
    prose = bool(types) and types[-1] == "NarrativeText"
    noise = round(len(NOISE.findall(text)) / len(text), 4)
    return {"noise": noise, "truncated": prose and not ends, "table_fragment": False}


def load() -> Work:
    """Imports Haystack, without its telemetry, and lays out the pipeline's components."""
    os.environ |= {"HAYSTACK_TELEMETRY_ENABLED": "False", "HAYSTACK_AUTO_TRACE_ENABLED": "False"}
    from haystack import Document, Pipeline, component
    from haystack.components.preprocessors import DocumentCleaner

    @component
    class RulebookTagger:
        """Tags a document by the dictionary: entities, references, keywords and quality into its metadata."""

        def __init__(self, names: Names) -> None:
            self.names = names

        @component.output_types(documents=list[Document])  # type: ignore[untyped-decorator]
        def run(self, documents: list[Document]) -> dict[str, list[Document]]:
            return {"documents": [self.tagged(document) for document in documents]}

        def tagged(self, document: Document) -> Document:
            text = document.meta["text"]
            names = [mention(t.kind, t.term, text, a, b, t.term_id, None) for a, b, t in self.names.find(text)]
            entities = sorted([*names, *dice_of(text)], key=lambda e: (e["start"], e["end"], e["kind"]))
            found = {
                "normalized": normalized(document.content or ""),
                "entities": entities,
                "keywords": keywords_of(text),
                "references": references_of(text),
                "language": "eng" if STOP.intersection(w for w, _, _ in words_of(text)) else "und",
                "quality": quality_of(text, document.meta["types"]),
            }
            return Document(id=document.id, content=document.content, meta={**document.meta, "found": found})

    def pipeline_of(names: Names) -> Pipeline:
        pipeline = Pipeline()
        cleaner = DocumentCleaner(unicode_normalization="NFKC", remove_empty_lines=True, keep_id=True)
        pipeline.add_component("cleaner", cleaner)
        pipeline.add_component("tagger", RulebookTagger(names))
        pipeline.connect("cleaner.documents", "tagger.documents")
        return pipeline

    def work(request: Request) -> Result:
        chunks = request.json("chunks")
        documents = documents_of(chunks, Document)
        pipeline = pipeline_of(Names(request.json("names")))
        made = pipeline.run({"cleaner": {"documents": documents}})["tagger"]["documents"] if documents else []
        found = {document.id: document.meta["found"] for document in made}
        if list(found) != [chunk["chunk_id"] for chunk in chunks]:
            raise AdapterError("internal", "the pipeline gave other documents than it was given")
        enriched = [{**chunk, **found[chunk["chunk_id"]]} for chunk in chunks]
        request.write("enriched", enriched)
        counts = {name: sum(len(e[name]) for e in enriched) for name in ("entities", "keywords", "references")}
        return Result(["enriched"], {"chunks": len(chunks), **counts})

    return work


def documents_of(chunks: Any, document: Callable[..., Any]) -> list[Any]:
    """Haystack's documents of chunks: ids are ours, and the text as it is goes along in the metadata."""
    try:
        return [
            document(id=c["chunk_id"], content=c["text"], meta={"text": c["text"], "types": c["metadata"]["element_types"]})
            for c in chunks
        ]
    except (KeyError, TypeError) as error:
        raise AdapterError("bad_input", f"`chunks` is not what pass C makes: {error!r}") from error


if __name__ == "__main__":
    contract.main(TOOL, load)

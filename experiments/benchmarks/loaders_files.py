"""Files to time readers on: real ones of the data pack, put together; formats that it lacks, from its words."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from itertools import cycle, islice
from pathlib import Path
from xml.sax.saxutils import escape, quoteattr

import pyarrow.json
import pyarrow.parquet


class Files:
    """Makes each file on demand under `folder`, of about `rows` rows (fewer where the pack has fewer of its kind)."""

    def __init__(self, pack: Path, folder: Path, rows: int) -> None:
        self.pack, self.folder, self.rows = pack, folder, rows

    def _write(self, name: str, lines: Iterable[str]) -> Path:
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("w", encoding="utf-8", newline="\n") as file:
            file.writelines(f"{line}\n" for line in lines)
        return path

    def _lines(self, *patterns: str, header: bool = False, again: bool = True) -> Iterator[str]:
        """Lines of the pack's files; with `again`, from the first one on again until there are enough."""
        found: list[str] = []
        first = ""
        for path in sorted(path for pattern in patterns for path in self.pack.glob(pattern)):
            lines = path.read_bytes().decode().removeprefix("\ufeff").replace("\r", "").split("\n")
            first = lines[0]
            found += [line for line in lines[1 if header else 0 :] if line]
            if len(found) >= self.rows:
                break
        if not found:
            raise SystemExit(f"{self.pack}: nothing there like {patterns}; WORKBENCH_DATA is the unpacked data pack")
        if header:
            yield first
        yield from islice(cycle(found) if again else found, self.rows)

    def _blocks(self, *patterns: str) -> Iterator[str]:
        """The same of blocks of lines parted by blank ones."""
        found: list[str] = []
        for path in sorted(path for pattern in patterns for path in self.pack.glob(pattern)):
            found += [block.strip("\n") + "\n" for block in path.read_bytes().decode().split("\n\n") if block.strip()]
        yield from islice(cycle(found), self.rows)

    def _pairs(self) -> Iterator[tuple[str, str]]:
        for line in self._lines("wechsel/*.txt"):
            source, _, target = line.partition("\t")
            yield source, target

    # Running text

    def text(self) -> Path:
        return self._write("ntrex.txt", self._lines("ntrex/newstest2019-ref.*.txt"))

    def _records(self) -> Iterator[dict[str, str]]:
        for number, line in enumerate(self._lines("ntrex/newstest2019-ref.*.txt")):
            yield {"id": f"n{number}", "text": line.replace("\t", " "), "source": "ntrex"}

    def jsonl(self) -> Path:
        return self._write("ntrex.jsonl", (json.dumps(row, ensure_ascii=False) for row in self._records()))

    def table(self) -> Path:
        rows = (f"{row['id']}\t{row['text']}\t{row['source']}" for row in self._records())
        return self._write("ntrex.tsv", ("id\ttext\tsource", *rows))

    def parquet(self) -> Path:
        path = self.folder / "ntrex.parquet"
        pyarrow.parquet.write_table(pyarrow.json.read_json(self.jsonl()), path)
        return path

    def storybook(self) -> Path:
        return self._write("storybook.jsonl", self._lines("storybook/*.jsonl"))

    def bible(self) -> Path:
        """Verses of eight languages, each with chapters of its own, for no verse may come twice."""
        lines, renumbered = self._lines("bible/*.tsv"), []
        seen: dict[str, int] = {}
        for line in lines:
            if match := re.fullmatch(r"(b\.[0-9A-Z]{3}\.)(\d+)(\.\d+[a-z]?\t.*)", line):
                start, chapter, rest = match.groups()
                verse = start + chapter + rest.partition("\t")[0]
                seen[verse] = seen.get(verse, -1) + 1
                renumbered.append(f"{start}{int(chapter) + 1000 * seen[verse]}{rest}")
        return self._write("bible.tsv", renumbered)

    # Aligned and labelled sentences

    def aligned(self) -> tuple[Path, Path]:
        source = list(self._lines("ntrex/newstest2019-ref.deu.txt"))
        target = list(self._lines("ntrex/newstest2019-ref.cym.txt"))
        return self._write("ntrex.deu", source), self._write("ntrex.cym", target)

    def flores(self) -> Path:
        source, target = self.aligned()
        for code, path in (("eng_Latn", source), ("cym_Latn", target)):
            self._write(f"flores/dev/{code}.dev", path.read_text("utf-8").removesuffix("\n").split("\n"))
        return self.folder / "flores"

    def sib200(self) -> Path:
        self._write("sib200/swh_Latn/train.tsv", self._lines("sib200/*/train.tsv", header=True))
        return self.folder / "sib200"

    def afrisenti(self) -> Path:
        self._write("afrisenti/hau/train.tsv", self._lines("afrisenti/[!o]*/train.tsv", header=True))
        return self.folder / "afrisenti"

    def massive(self) -> Path:
        return self._write("sw-KE.tsv", self._lines("massive/??-??.tsv", header=True))

    def massive_meta(self) -> Path:
        return self.pack / "massive" / "meta.tsv"

    # Tagged sentences

    def xsid(self) -> Path:
        return self._write("xsid.valid.conll", self._blocks("xsid/*.conll"))

    def conllu(self) -> Path:
        return self._write("ud.conllu", self._blocks("ud/*.conllu"))

    def masakhaner(self) -> Path:
        """Made of xSID's words: `token tag` lines."""
        blocks = []
        for block in self._blocks("xsid/*.conll"):
            fields = [line.split("\t") for line in block.split("\n") if line and line[0] != "#"]
            blocks.append("".join(f"{row[1].split()[0]} {'O' if row[3] == 'O' else 'B-LOC'}\n" for row in fields))
        return self._write("masakhaner.txt", blocks)

    # Morphology

    def unimorph(self) -> Path:
        names = [f"unimorph/{code}/{code}" for code in ("aka", "bak", "fao", "kaz", "lug", "mlt", "swc", "zul")]
        return self._write("zul", self._lines(*names, again=False))

    def sigmorphon(self) -> Path:
        return self._write("deu.trn", self._lines("sigmorphon2023/*.trn", again=False))

    # Lexicons

    def gatitos(self) -> Path:
        return self._write("gatitos.tsv", self._lines("gatitos/en_*.tsv"))

    def wechsel(self) -> Path:
        return self._write("wechsel.txt", self._lines("wechsel/*.txt"))

    def triples(self) -> Path:
        return self._write("triples.tsv", self._lines("lexicon_gpl/*.tsv"))

    def freedict(self) -> Path:
        entries = (
            f"<entry><form><orth>{escape(left)}</orth></form><gramGrp><pos>n</pos></gramGrp><sense>"
            f'<cit type="trans"><quote>{escape(right)}</quote></cit></sense></entry>'
            for left, right in self._pairs()
        )
        opening = '<?xml version="1.0" encoding="UTF-8"?>\n<TEI xmlns="http://www.tei-c.org/ns/1.0"><text><body>'
        return self._write("freedict.tei", (opening, *entries, "</body></text></TEI>"))

    def apertium(self) -> Path:
        entries = (
            f'<e><p><l>{escape(left).replace(" ", "<b/>")}<s n="n"/></l>'
            f'<r>{escape(right).replace(" ", "<b/>")}<s n="n"/></r></p></e>'
            for left, right in self._pairs()
        )
        opening = f'<dictionary><sdefs><sdef n={quoteattr("n")}/></sdefs><section id="main" type="standard">'
        return self._write("apertium.dix", (opening, *entries, "</section></dictionary>"))

    def panlex(self) -> tuple[Path, Path]:
        heading = "id\tlangvar\ttxt\ttxt_degr\tmeaning\tlangvar_uid"
        sides: tuple[list[str], list[str]] = ([heading], [heading])
        for number, pair in enumerate(self._pairs()):
            for side, word, code in zip(sides, pair, ("eng-000", "cym-000"), strict=True):
                side.append(f"{number}\t187\t{word}\t{word.lower()}\t{number}\t{code}")
        return self._write("eng.tsv", sides[0]), self._write("cym.tsv", sides[1])

    def wiktextract(self) -> Path:
        pages = (
            {
                "word": left,
                "lang": "English",
                "lang_code": "en",
                "pos": "noun",
                "senses": [{"glosses": ["one of its senses"]}],
                "translations": [
                    {"lang": "Welsh", "code": "cy", "word": right, "sense": "one"},
                    {"lang": "Breton", "code": "br", "word": right, "sense": "one"},
                ],
            }
            for left, right in self._pairs()
        )
        return self._write("wiktextract.jsonl", (json.dumps(page, ensure_ascii=False) for page in pages))

    def annotations(self) -> tuple[Path, Path]:
        paths = []
        for side, code in enumerate(("en", "cy")):
            names = {chr(0x10000 + n): {"default": ["x"], "tts": [pair[side]]} for n, pair in enumerate(self._pairs())}
            path = self.folder / f"annotations.{code}.json"
            path.write_text(json.dumps({"annotations": {"annotations": names}}, ensure_ascii=False, indent=1), "utf-8")
            paths.append(path)
        return paths[0], paths[1]

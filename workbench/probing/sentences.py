"""Sentences that mean the same in several languages: NTREX, SIB-200, the embedded default, or a folder of one's own."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from workbench import languages
from workbench.config import ParallelData
from workbench.errors import BadInput
from workbench.files import canonical_json, content_hash, sha256_bytes, sha256_file
from workbench.records import Lang, Pair
from workbench.sources import catalogue, embedded, labeled, parallel
from workbench.sources.embedded import data_home

ENGLISH = Lang("eng", "Latn")
SIB_SPLIT: labeled.Split = "test"  # the 204 sentences that others report on


@dataclass(frozen=True, slots=True)
class Parallel:
    """Sentence n of every language means the same. `repeated`: of each language, sentences that stand more than once
    (different sentences can share a translation; such ties count in parts). The pivot has none.
    """

    name: str
    pivot: Lang
    texts: Mapping[Lang, tuple[str, ...]]
    repeated: Mapping[Lang, int]

    @property
    def n(self) -> int:
        return len(self.texts[self.pivot])

    @property
    def others(self) -> tuple[Lang, ...]:
        return tuple(lang for lang in self.texts if lang != self.pivot)

    @property
    def sha256(self) -> str:
        return sha256_bytes(canonical_json({lang.tag: list(texts) for lang, texts in self.texts.items()}).encode())


def read(name: str, tags: Sequence[str], pivot: str, limit: int | None = None) -> list[Parallel]:
    """The first `limit` sentences in these languages and the pivot; no tags: every language there is.

    The embedded default aligns each language with English on its own, so it gives one `Parallel` a language.

    Raises: BadInput at file:line where files are not of one length, a line is empty, or a sentence stands twice; where
        a language is missing, with those that are there; where the data are not there, with how to get them.
    """
    centre = languages.parse(pivot)
    wanted = [lang for lang in map(languages.parse, dict.fromkeys(tags)) if lang != centre]
    if tags and not wanted:
        raise BadInput(f"--languages {','.join(tags)}: wanted at least one language beside the pivot {centre.tag}")
    match name:
        case "ntrex" | "sib200":
            return [_published(name, wanted, centre, limit)]
        case "embedded":
            return _embedded(wanted, centre, limit)
        case _:
            return [_folder(Path(name), wanted, centre, limit)]


def pinned(name: ParallelData, pivot: str, limit: int | None = None) -> Parallel:
    """The sentences in all the languages whose files the catalogue pins: the same on every machine.

    Raises: BadInput where one is not there, with how to get it.
    """
    return read(name, [lang.tag for lang in _pinned(name)], pivot, limit)[0]


def revision(name: ParallelData) -> str:
    """Twelve hex digits of what `pinned` reads.

    Raises: BadInput where a file is not there, with how to get it.
    """
    found = catalogue.load(data_home())
    root = found.dataset(name).place(data_home())
    paths = [_file(name, root, code) for code in _pinned(name).values()]
    if missing := [path for path in paths if not path.is_file()]:
        raise BadInput(
            f"{missing[0]}: no such file ({len(missing)} of {len(paths)} of {name} are missing); the study measures "
            f"alignment on them; `workbench data fetch {name}` gets it into $WORKBENCH_DATA (now {data_home()})"
        )
    return content_hash([sha256_file(path) for path in paths])


def _pinned(name: ParallelData) -> dict[Lang, str]:
    """Languages and their codes; two of one language and script would be one column of a table, and are refused."""
    found = [e for e in catalogue.load(data_home()).entries if e.dataset.name == name and e.files]
    codes = {entry.lang: _code(entry) for entry in found}
    if len(codes) != len(found):
        raise BadInput(f"{name}: the catalogue has a language twice among {[entry.code for entry in found]}")
    return codes


def _published(name: ParallelData, wanted: list[Lang], pivot: Lang, limit: int | None) -> Parallel:
    found = catalogue.load(data_home())
    root = found.dataset(name).place(data_home())
    fetch = f"`workbench data fetch {name}` gets it"
    if not root.is_dir():
        raise BadInput(f"{root}: no such folder; {fetch} (into $WORKBENCH_DATA, now {data_home()})")
    codes = {entry.lang: _code(entry) for entry in found.entries if entry.dataset.name == name}
    there = {lang: code for lang, code in codes.items() if _file(name, root, code).is_file()}
    asked = [pivot, *(wanted or sorted(lang for lang in there if lang != pivot))]
    if missing := [lang for lang in asked if lang not in there]:
        raise BadInput(_missing(name, missing[0], codes, there, root, fetch))
    if len(asked) < 2:
        raise BadInput(f"{root}: of {name} only {pivot.tag} is there; wanted another language beside it; {fetch}")
    texts: dict[Lang, tuple[str, ...]] = {}
    ids: list[str] = []
    first: Lang | None = None
    for lang in asked:
        if name == "ntrex":
            any_code = next(code for other, code in there.items() if other != ENGLISH)
            code = any_code if lang == ENGLISH else there[lang]
            pairs = list(parallel.ntrex(root, code))
            rows = [(p.id, p.source if lang == ENGLISH else p.target) for p in pairs]
        else:
            rows = [(p.id, p.source) for p in labeled.sib200(root, there[lang], SIB_SPLIT)]
        if first is None:
            first, ids = lang, [key for key, _ in rows]
        elif ids != [key for key, _ in rows]:
            here, one = _file(name, root, there[lang]), _file(name, root, there[first])
            keys = [key for key, _ in rows]
            at = next((n for n, (a, b) in enumerate(zip(ids, keys, strict=False)) if a != b), min(len(ids), len(keys)))
            raise BadInput(f"{here}:{at + 2}: from here on its sentences are not those of {one}; fetch {name} again")
        texts[lang] = tuple(text for _, text in rows[:limit])
    lines = {lang: str(_file(name, root, there[lang])) for lang in asked}
    return _checked(name, pivot, texts, lines, strict=False, head=1 if name == "sib200" else 0)


def _code(entry: catalogue.Entry) -> str:
    """The code in a file's name; of a language with several translations the one whose file is pinned."""
    if not entry.files:
        return entry.code.split()[0]
    path = entry.files[0].path  # newstest2019-ref.cym.txt, or cym_Latn/test.tsv
    return path.split("/")[0] if "/" in path else path.split(".")[1]


def _file(name: ParallelData, root: Path, code: str) -> Path:
    if name == "sib200":
        return root / code / f"{SIB_SPLIT}.tsv"
    return root / ("newstest2019-src.eng.txt" if code == "eng" else f"newstest2019-ref.{code}.txt")


def _missing(
    name: str, lang: Lang, codes: Mapping[Lang, str], there: Mapping[Lang, str], root: Path, fetch: str
) -> str:
    if lang in codes:
        return f"{root}: {lang.tag} ({languages.name(lang)}) of {name} is not there; {fetch}"
    filed = [other.tag for other in there if other in languages.counterparts(lang) or other.code == lang.code]
    hint = f"; there is {', '.join(filed)}" if filed else f"; there are {', '.join(sorted(x.tag for x in there))}"
    return f"{name} has no {lang.tag} ({languages.name(lang)}){hint}"


def _embedded(wanted: list[Lang], pivot: Lang, limit: int | None) -> list[Parallel]:
    if pivot != ENGLISH:
        raise BadInput(f"the embedded sentences are aligned with eng-Latn alone, not with {pivot.tag}")
    data = embedded.prepare()
    found = []
    for lang in wanted or [one for one in embedded.wanted_languages() if one != pivot]:
        pairs = distinct(data.pairs(lang, "test"), limit)
        if len(pairs) < 2:
            raise BadInput(f"the embedded data have {len(pairs)} test sentence(s) of {lang.tag} with their English")
        texts = {pivot: tuple(pair.source for pair in pairs), lang: tuple(pair.target for pair in pairs)}
        found.append(Parallel("embedded", pivot, texts, {}))
    return found


def distinct(pairs: Iterable[Pair], limit: int | None) -> list[Pair]:
    """The first `limit` pairs of which neither side, whatever its case, has stood in an earlier one."""
    kept: list[Pair] = []
    seen: set[tuple[str, str]] = set()
    for pair in pairs:
        sides = {("source", pair.source.lower()), ("target", pair.target.lower())}
        if not sides & seen and (limit is None or len(kept) < limit):
            kept.append(pair)
            seen |= sides
    return kept


def _folder(folder: Path, wanted: list[Lang], pivot: Lang, limit: int | None) -> Parallel:
    if not folder.is_dir():
        raise BadInput(
            f"--pairs {folder}: no such folder; wanted ntrex, sib200, embedded, or a folder with one file per language "
            f"({pivot.tag}.txt, ...), line n of each meaning the same"
        )
    files = {path.stem: path for path in sorted(folder.glob("*.txt"))}
    there: dict[Lang, Path] = {}
    for stem, path in files.items():
        if (lang := languages.parse(stem)) in there:
            raise BadInput(
                f"{path}: wanted one file for {lang.tag}, but {there[lang].name} is one too (a code alone means the "
                "language's usual script); take one of them away"
            )
        there[lang] = path
    asked = wanted or [lang for lang in there if lang != pivot]
    if missing := [lang for lang in (pivot, *asked) if lang not in there]:
        raise BadInput(f"{folder / (missing[0].tag + '.txt')}: no such file; there are {', '.join(files) or 'none'}")
    if not asked:
        raise BadInput(f"{folder}: only {pivot.tag}.txt is in it; wanted another language beside it")
    texts: dict[Lang, tuple[str, ...]] = {}
    for lang in asked:
        pairs = list(parallel.aligned(there[pivot], there[lang], lang, "own"))
        texts.setdefault(pivot, tuple(pair.source for pair in pairs[:limit]))
        texts[lang] = tuple(pair.target for pair in pairs[:limit])
    return _checked(str(folder), pivot, texts, {lang: str(there[lang]) for lang in texts}, strict=True, head=0)


def _checked(
    name: str, pivot: Lang, texts: Mapping[Lang, tuple[str, ...]], files: Mapping[Lang, str], *, strict: bool, head: int
) -> Parallel:
    """Refuse a pivot sentence that stands twice, and where `strict` any; `head` lines stand before the first."""
    if len(texts[pivot]) < 2:
        raise BadInput(f"{files[pivot]}: wanted at least two sentences, got {len(texts[pivot])}")
    for lang, found in texts.items():
        if lang != pivot and not strict:
            continue
        seen: dict[str, int] = {}
        for number, text in enumerate(found, head + 1):
            if text in seen:
                raise BadInput(
                    f"{files[lang]}:{number}: the sentence of line {seen[text]} again ({text[:60]!r}); retrieval "
                    "cannot tell them apart: take one line out of every language's file"
                )
            seen[text] = number
    repeated = {lang: sum(n - 1 for n in Counter(found).values()) for lang, found in texts.items()}
    return Parallel(name, pivot, texts, {lang: count for lang, count in repeated.items() if count})

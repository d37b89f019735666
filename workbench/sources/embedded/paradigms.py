"""Inflection tables of the embedded default: Eastern Armenian, generated from a morphological grammar.

The grammar (format: https://uniparser-morph.readthedocs.io) was written to analyse, so it also accepts forms nobody
writes. Of several endings for one cell the one with a condition on the stem that holds is taken (`-ը` after consonants
rather than `-ն`); what is marked old, oral, nonstandard, possessed, passive, causative or negative is left out.
"""

from __future__ import annotations

import re
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from workbench.seeds import derive
from workbench.sources.embedded.annotations import Term

MAX_DEPTH = 6
LEMMAS = {"N": 650, "V": 250, "A": 100}  # sampled per part of speech: about 20,000 cells in all

# The grammar's tags -> UniMorph's (https://unimorph.github.io/schema), in UniMorph's order. A row of the grammar with
# any other tag is left out. `obl` is one form for genitive and dative; `dest` and `res` are the grammar's destinative
# converb and resultative participle, for which PROSP and PRF are the nearest aspects.
UNIMORPH = {
    "nom": "NOM", "obl": "GEN/DAT", "gen": "GEN", "dat": "DAT",
    "abl": "ABL", "ins": "INS", "loc": "LOC",  # codespell:ignore abl
    "inf": "NFIN", "cvb,ipfv": "IPFV", "cvb,pfv": "PFV", "cvb,dest": "PROSP", "ptcp,sbj": "ACT", "ptcp,res": "PRF",
    "aor": "IND;PST;PFV", "sbjv": "SBJV", "cond": "COND", "imp": "IMP", "prs": "PRS", "pst": "PST",
    "1": "1", "2": "2", "3": "3", "sg": "SG", "pl": "PL", "nonposs": "INDF", "def": "DEF",
}  # fmt: skip
KNOWN_TAGS = frozenset(tag for name in UNIMORPH for tag in name.split(","))
CASES = frozenset({"nom", "obl", "gen", "dat", "abl", "ins", "loc"})  # codespell:ignore abl
POS = {"N": "N", "A": "ADJ", "V": "V", "ADV": "ADV", "NUM": "NUM"}

_LEXEME = re.compile(r"^-lexeme\n((?: .*\n?)+)", re.MULTILINE)
_FIELD = re.compile(r"^ *(\S[\w-]*): *(.*?) *$", re.MULTILINE)
_STEM_NUMBERS = re.compile(r"^<(\d+)>")
_ARMENIAN = re.compile(r"[\u0531-\u0556\u0561-\u0587]")


@dataclass(frozen=True, slots=True)
class Ending:
    """One row of a paradigm: what is put around the stem, its tags, and the paradigms that continue after it."""

    text: str
    tags: tuple[str, ...]
    after: str
    continued: tuple[str, ...]


@dataclass(frozen=True, slots=True, order=True)
class Lexeme:
    """A dictionary entry: its stems (numbered), first tag as part of speech, paradigms and English gloss."""

    lemma: str
    stems: tuple[str, ...]
    tags: tuple[str, ...]
    paradigms: tuple[str, ...]
    gloss: str


@dataclass(frozen=True, slots=True)
class Grammar:
    """The dictionary and the paradigms that its entries name."""

    lexemes: tuple[Lexeme, ...]
    tables: Mapping[str, Sequence[Ending]]


def read_armenian(archive: zipfile.ZipFile) -> Grammar:
    texts = [archive.read(f"uniparser_eastern_armenian/data/{name}.txt").decode() for name in ("lexemes", "paradigms")]
    return Grammar(tuple(read_lexemes(texts[0])), read_paradigms(texts[1]))


def read_lexemes(text: str) -> Iterator[Lexeme]:
    """The entries of `lexemes.txt`. Of spelling variants (`//`) the first, the modern one, is taken."""
    for block in _LEXEME.finditer(text):
        fields = _FIELD.findall(block[1])
        first = dict(reversed(fields))
        stems = tuple(variants.split("//")[0].strip() for variants in first.get("stem", "").split("|"))
        tags = tuple(tag.strip() for tag in first.get("gramm", "").split(","))
        paradigms = tuple(value for key, value in fields if key == "paradigm")
        yield Lexeme(first.get("lex", ""), stems, tags, paradigms, first.get("trans_en", ""))


def read_paradigms(text: str) -> dict[str, list[Ending]]:
    """The tables of `paradigms.txt` by name."""
    found: dict[str, list[Ending]] = {}
    for block in re.split(r"^-paradigm: *", text, flags=re.MULTILINE)[1:]:
        name, _, body = block.partition("\n")
        endings = found[name.strip()] = []
        for row in re.split(r"^ *-flex: *", body, flags=re.MULTILINE)[1:]:
            flexes, _, rest = row.partition("\n")
            fields = _FIELD.findall(rest)
            values = dict(fields)
            tags = tuple(tag for tag in values.get("gramm", "").replace(" ", "").split(",") if tag)
            continued = tuple(value for key, value in fields if key == "paradigm")
            endings.append(Ending(flexes.split("//")[0].strip(), tags, values.get("regex-prev", ""), continued))
    return found


def inflect(lexeme: Lexeme, tables: Mapping[str, Sequence[Ending]]) -> Iterator[tuple[str, tuple[str, ...]]]:
    """The forms of a lexeme, each with the tags met on the way to it."""
    stems = dict(enumerate(lexeme.stems))
    for paradigm in lexeme.paradigms:
        yield from _inflect(stems, paradigm, (), tables, 0)


def _inflect(
    stems: Mapping[int, str], paradigm: str, tags: tuple[str, ...], tables: Mapping[str, Sequence[Ending]], depth: int
) -> Iterator[tuple[str, tuple[str, ...]]]:
    if depth > MAX_DEPTH:
        return
    fitting: dict[tuple[tuple[str, ...], tuple[str, ...]], list[tuple[Ending, dict[int, str]]]] = {}
    for ending in tables.get(paradigm, ()):
        if not KNOWN_TAGS.issuperset(ending.tags):
            continue
        chosen = {number: stem for number, stem in _chosen(stems, ending.text).items() if _holds(ending.after, stem)}
        if chosen:
            fitting.setdefault((ending.tags, ending.continued), []).append((ending, chosen))
    for alternatives in fitting.values():
        with_condition = [pair for pair in alternatives if pair[0].after]
        ending, chosen = (with_condition or alternatives)[0]
        joined = {number: form for number, stem in chosen.items() if (form := _join(stem, ending.text)) is not None}
        if not joined:
            continue
        gathered = tags + ending.tags
        if ending.continued:
            for name in ending.continued:
                yield from _inflect(joined, name, gathered, tables, depth + 1)
        else:
            yield joined[min(joined)], gathered


def _chosen(stems: Mapping[int, str], flex: str) -> dict[int, str]:
    """The stems that an ending goes with: those it names (`<02>`), or all."""
    numbers = _STEM_NUMBERS.match(flex)
    return {number: stem for number, stem in stems.items() if numbers is None or str(number) in numbers[1]}


def _holds(condition: str, stem: str) -> bool:
    return not condition or re.match(condition, stem) is not None


def _join(stem: str, flex: str) -> str | None:
    """Stem and ending together: `.` in an ending is where the stem's parts go; `<.>` is where a next ending attaches.

    None where the ending has a prefix and the stem takes none (only stems that begin with `.` do).
    """
    flex = _STEM_NUMBERS.sub("", flex).replace("<.>", "\0").translate({ord(mark): None for mark in "|[]"})
    affixes = flex.split(".")
    if affixes[0] and not stem.startswith("."):
        return None
    parts = stem.removeprefix(".").split(".")
    length = max(len(parts), len(affixes))
    parts += [""] * (length - len(parts))
    affixes += [""] * (length - len(affixes))
    return "".join(affix + part for affix, part in zip(affixes, parts, strict=True)).replace("\0", ".")


def unimorph(lexeme: Lexeme, tags: Sequence[str]) -> str | None:
    """The UniMorph features of a cell, `;` between; None for cells outside the usual paradigm.

    Of participles only the citation form counts, of infinitives none that is declined; only nominative and dative have
    definite forms; what lives has no locative.
    """
    pos, found = POS[lexeme.tags[0]], set(tags)
    if pos == "V":
        if "ptcp" in found and {"nom", "sg", "nonposs"} <= found:
            found -= {"nom", "sg", "nonposs"}
        if found & CASES:
            return None
        pos = "V.CVB" if "cvb" in found else "V.PTCP" if "ptcp" in found else "V"
    elif "loc" in found and {"anim", "hum"} & set(lexeme.tags):
        return None
    if "def" in found:
        if "obl" in found:
            found = (found - {"obl"}) | {"dat"}
        elif not found & {"nom", "dat"}:
            return None
    if pos in ("N", "ADJ"):
        if not found & CASES:
            return None
        if not found & {"sg", "pl"}:
            found.add("sg")
    features = [UNIMORPH[name] for name in UNIMORPH if found.issuperset(name.split(","))]
    return ";".join([pos, *features])


def cells(grammar: Grammar) -> list[tuple[str, str, str]]:
    """(lemma, form, features) of `LEMMAS` lexemes with an English gloss, whole paradigms, sorted by lemma.

    Random: lemmas in the order of `seeds.derive(0, "lemma", lemma)`.
    """
    by_pos: dict[str, list[Lexeme]] = {pos: [] for pos in LEMMAS}
    for lexeme in grammar.lexemes:
        usual = lexeme.gloss and lexeme.lemma.islower() and " " not in lexeme.lemma and "-" not in lexeme.lemma
        if usual and lexeme.tags[0] in by_pos:
            by_pos[lexeme.tags[0]].append(lexeme)
    found: list[tuple[str, str, str]] = []
    for pos, lexemes in by_pos.items():
        ordered = sorted(lexemes, key=lambda lexeme: (derive(0, "lemma", lexeme.lemma), lexeme))
        for lexeme in ordered[: LEMMAS[pos]]:
            forms: dict[str, str] = {}
            for form, tags in inflect(lexeme, grammar.tables):
                features = unimorph(lexeme, tags)
                if features and (features not in forms or ("ins" in tags and "sg" not in tags)):
                    forms[features] = form  # the instrumental in -յամբ, listed without number, is the usual one
            found += [(lexeme.lemma, form, features) for features, form in forms.items()]
    return sorted(found)


def glosses(grammar: Grammar) -> Iterator[Term]:
    """Lemmas and the English glosses that the dictionary gives for them, one term per gloss."""
    for lexeme in grammar.lexemes:
        pos = POS.get(lexeme.tags[0])
        if pos is None or not lexeme.gloss or not lexeme.lemma or _ARMENIAN.search(lexeme.gloss):
            continue
        for part in re.split(r"[,;]", re.sub(r"\([^()]*\)", " ", lexeme.gloss)):
            english = " ".join(part.split())
            if english and "/" not in english and "." not in english:
                yield Term(english, lexeme.lemma, "armenian", pos)

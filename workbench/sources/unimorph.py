"""UniMorph: `lemma, form, features`. The `unimorph` package finds and fetches the data; the files are read here.

Why not with the package: it reads with pandas' defaults, so that lemmas `nan`, `null` and `NA` vanish, a leading `"`
swallows rows, a fourth column shifts the others, a missing one becomes NaN, and languages kept as `.xz` are not found.

Source: Batsuren et al. 2022, "UniMorph 4.0", https://aclanthology.org/2022.lrec-1.89 (layered features).
"""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import repeat
from pathlib import Path
from typing import Literal
from unicodedata import is_normalized

from workbench import languages
from workbench.errors import BadInput, Unavailable
from workbench.records import Inflection, Lang, draft, sealed
from workbench.sources.lines import Report, Seen, columns_of, in_blocks, lines, note, reject

_CODE = re.compile(r"[a-z]{3}")
_TOKEN = re.compile(r"[^;,()]+|[;,()]")
_MARKS = frozenset(";,()")
# Latin, Cyrillic and Greek, each with a little around it: text that has one of them alone mixes none.
_LATIN = (
    "A-Za-z\xaa-\u02ff\u1d00-\u1dbf\u1e00-\u1eff\u2070-\u209f\u212a-\u2188\u2c60-\u2c7f\ua720-\ua7ff\uab30-\uab6f"
    "\ufb00-\ufb06\uff21-\uff5a\U00010780-\U000107bf\U0001df00-\U0001dfff"
)
_CYRILLIC = "\u0400-\u052f\u1c80-\u1c8f\u1d2b\u1d78\u2de0-\u2dff\ua640-\ua69f\ufe2e\ufe2f\U0001e030-\U0001e08f"
_GREEK = (
    "\u0370-\u03ff\u1d26-\u1dbf\u1f00-\u1fff\u2126\uab65\U00010140-\U000101a0\U0001d200-\U0001d245\U0001dff0-\U0001dfff"
)
_WRITINGS = tuple(re.compile(f"[{ranges}]") for ranges in (_LATIN, _CYRILLIC, _GREEK))
_NOT_LATIN = re.compile(f"[{_CYRILLIC}{_GREEK}]")


# Features


def split_features(text: str) -> tuple[str, ...]:
    """The atoms of a feature bundle: `V;IMP;ACC(2,SG)` -> `V IMP ACC ( 2 SG )`.

    Brackets are atoms, for `ACC(2,SG)` and `NOM(2,SG)` differ only by them. The usual separators, `;` outside and `,`
    inside brackets, are left out; an unusual one (`NOM(1;PL)` occurs) is an atom, so that `join_features` is exact.

    Raises: ValueError saying what is wrong: an empty feature, or brackets that do not match.
    """
    if "(" not in text and "," not in text and ")" not in text:
        atoms = tuple(text.split(";"))
        if "" in atoms:
            raise ValueError("an empty feature")
        return atoms
    found: list[str] = []
    depth, before = 0, ";"
    for token in _TOKEN.findall(text):
        if token == "(":
            if before in _MARKS:
                raise ValueError("a bracket that follows no feature")
            depth += 1
            found.append(token)
        elif token == ")":
            if before in {"(", ",", ";"}:
                raise ValueError("an empty feature")
            if depth == 0:
                raise ValueError("a closing bracket too many")
            depth -= 1
            found.append(token)
        elif token in {";", ","}:
            if before in {"(", ",", ";"}:
                raise ValueError("an empty feature")
            if token != _separator(depth):
                found.append(token)
        else:
            if before == ")":
                raise ValueError("a feature that follows a bracket without a separator")
            found.append(token)
        before = token
    if depth:
        raise ValueError("a bracket that is never closed")
    if before in {",", ";"}:
        raise ValueError("an empty feature")
    return tuple(found)


def join_features(atoms: tuple[str, ...]) -> str:
    """The feature bundle that `split_features` made these atoms of."""
    text, depth, open_ended = "", 0, False
    for atom in atoms:
        if atom == "(":
            depth += 1
            open_ended = False
        elif atom == ")":
            depth -= 1
            open_ended = True
        elif atom in {";", ","}:
            open_ended = False
        else:
            if open_ended:
                text += _separator(depth)
            open_ended = True
        text += atom
    return text


def _separator(depth: int) -> str:
    return "," if depth else ";"


# Files


@dataclass(frozen=True, slots=True)
class Segmented:
    """A form cut into morphemes: `abandons` = `abandon | s`."""

    inflection: Inflection
    segments: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Derivation:
    """A derived word and its base: `axial` -> `abaxial`, `ADJ:ADJ`, by the affix `ab-`."""

    lang: Lang
    base: str
    derived: str
    parts_of_speech: str
    affix: str


def paradigm_files(folder: Path, code: str) -> list[Path]:
    """The files that hold a language's paradigms: `fin`, or `fin.1 fin.2 …`, or `ces.xz`, the first that is there.

    Raises: BadInput where there is none of them, with what there is.
    """
    whole, parts, packed = folder / code, sorted(folder.glob(f"{code}.[0-9]*"), key=_part), folder / f"{code}.xz"
    if whole.is_file():
        return [whole]
    if parts and all(_part(path) for path in parts):
        if [_part(path) for path in parts] != list(range(1, len(parts) + 1)):
            names = [path.name for path in parts]
            raise BadInput(f"{folder}: parts of {code} are missing; got {names}; fetch it again")
        return parts
    if packed.is_file():
        return [packed]
    there = sorted(path.name for path in folder.iterdir()) if folder.is_dir() else "no such folder"
    raise BadInput(
        f"{folder}: wanted {code}, {code}.1 or {code}.xz; got {there}; give the file itself, or fetch the language"
    )


def _part(path: Path) -> int:
    number = path.suffix[1:]
    return int(number) if number.isascii() and number.isdigit() else 0


def read(path: Path, lang: Lang, report: Report | None = None) -> Iterator[Inflection]:
    """The inflections of one file, in file order, repeated rows kept (and counted in the report).

    A blank line parts paradigms. A fourth column holds segments: `segmentations` reads them. Lemma and form are NFC.

    Raises: BadInput at file:line.
    """
    seen = Seen()

    def clean(whole: str) -> list[Inflection] | None:
        made = clean_rows(whole, lang, (0, 1, 2), report)
        if made is not None and report is not None:
            rows = whole.split("\n")
            if not seen.add_new(rows if len(rows) == len(made) else list(filter(None, rows))):
                return None
            report.rows += len(made)
        return made

    def one(number: int, line: str) -> Inflection | None:
        row = _row(path, number, line, lang, report, seen, 3)
        return row[0] if row is not None else None

    return in_blocks(path, report, clean, one)


def segmentations(path: Path, lang: Lang, report: Report | None = None) -> Iterator[Segmented]:
    """The rows of a `.segmentations` file: four columns, the last of them segments parted by `|`.

    Raises: BadInput at file:line.
    """
    seen = Seen()
    for number, line in lines(path, report):
        if (row := _row(path, number, line, lang, report, seen, 4)) is not None:
            yield Segmented(*row)


def derivations(path: Path, lang: Lang, report: Report | None = None) -> Iterator[Derivation]:
    """The rows of a `.derivations` file: base, derived word, parts of speech, affix.

    Raises: BadInput at file:line.
    """
    for number, line in lines(path, report):
        if not line.strip():
            continue
        fields = [languages.nfc(field.strip()) for field in line.split("\t")]
        if len(fields) != 4 or not all(fields):
            reject(report, f"{path}:{number}", "wanted base, derived word, parts of speech, affix", line)
            continue
        if report is not None:
            report.rows += 1
        yield Derivation(lang, *fields)


def _row(
    path: Path, number: int, line: str, lang: Lang, report: Report | None, seen: Seen, columns: Literal[3, 4]
) -> tuple[Inflection, tuple[str, ...]] | None:
    if not line.strip():
        return None
    fields = line.split("\t")
    if len(fields) != columns:
        if columns == 3 and len(fields) == 4:
            note(report, f"{path}:{number}", "a fourth column (segments), not read here", line)
        else:
            reason = f"wanted {columns} tab-separated columns, not {len(fields)}"
            reject(report, f"{path}:{number}", reason, line, "lemma, form, features")
            return None
    segments = tuple(languages.nfc(segment) for segment in fields[3].split("|")) if columns == 4 else ()
    if not all(segments):
        reject(report, f"{path}:{number}", "an empty segment", line)
        return None
    row = inflection(fields[0], fields[1], fields[2], lang, path, number, report)
    if row is None:
        return None
    if report is not None:
        report.rows += 1
        if seen.add(line):
            report.note("a row that was there before (kept)", f"{path}:{number}: {line!r}")
    return row, segments


def clean_rows(whole: str, lang: Lang, order: tuple[int, int, int], report: Report | None) -> list[Inflection] | None:
    """The inflections of lines (parted by `\\n`) that hold nothing to put right, to refuse or to report, else None.

    The same as `inflection` makes of each, but looked through at once; blank lines are passed over. `order`: where
    lemma, form and features stand.
    """
    if "\n\n" in whole:
        whole = "\n".join(filter(None, whole.split("\n")))
    columns = columns_of(whole.removeprefix("\n").removesuffix("\n"), 3)
    if columns is None:
        return None
    lemmas, forms, bundles = (columns[place] for place in order)
    words = lemmas + forms
    if not all(words) or words != list(map(str.strip, words)):
        return None
    if not (text := "\n".join(words)).isascii():
        if not is_normalized("NFC", text):
            return None
        if report is not None and _NOT_LATIN.search(text) and sum(bool(one.search(text)) for one in _WRITINGS) > 1:
            return None
    try:
        features = list(map(_BUNDLES.__getitem__, bundles))
    except ValueError:
        return None
    return sealed(list(map(_Draft, repeat(lang), lemmas, forms, features)), Inflection)


_Draft = draft(Inflection)


class _Bundles(dict[str, tuple[str, ...]]):
    """The atoms of each clean bundle that was met: a language has hundreds of them."""

    def __missing__(self, bundle: str) -> tuple[str, ...]:
        if bundle != bundle.strip() or bundle.endswith(";"):
            raise ValueError("not clean")
        if len(self) > 16384:  # not bundles, then
            self.clear()
        self[bundle] = split_features(bundle)
        return self[bundle]


_BUNDLES = _Bundles()


def inflection(
    lemma: str, form: str, bundle: str, lang: Lang, path: Path, number: int, report: Report | None
) -> Inflection | None:
    """One row as an `Inflection`, or None where it is left out; every oddity of it counted."""
    raw = lemma, form
    lemma, form = languages.nfc(lemma.strip()), languages.nfc(form.strip())
    if not lemma or not form:
        reject(report, f"{path}:{number}", "an empty lemma or form", f"{raw[0]}\t{raw[1]}\t{bundle}")
        return None
    cleaned = bundle.strip()
    if cleaned.endswith(";"):
        cleaned = cleaned.rstrip(";")
        note(report, f"{path}:{number}", "features end in ';' (taken off)", bundle)
    try:
        atoms = split_features(cleaned)
    except ValueError as error:
        reject(report, f"{path}:{number}", f"features with {error}", bundle)
        return None
    if report is not None:
        if raw != (lemma, form):
            report.note("not NFC, or spaces at its ends (put right)", f"{path}:{number}: {raw!r}")
        if not (lemma.isascii() and form.isascii()) and languages.mixed_script_words(f"{lemma} {form}"):
            report.note("Latin, Cyrillic or Greek mixed in one word (kept)", f"{path}:{number}: {form!r}")
    made = _Draft(lang, lemma, form, atoms)
    made.__class__ = Inflection
    return made


# The package: where the data lies, and how it is fetched


@dataclass(frozen=True, slots=True)
class Clone:
    """A fetched language: its folder, and the commit that a manifest should name (empty where git cannot tell)."""

    folder: Path
    commit: str


def locate(code: str) -> Path:
    """The folder in which the `unimorph` package keeps a language (`$UNIMORPH` or `~/.unimorph`), fetched or not.

    Raises: BadInput where `code` is not three letters: it becomes a part of a path and of a URL.
    """
    if not _CODE.fullmatch(code):
        raise BadInput(f"UniMorph language {code[:40]!r}: wanted three lower-case letters (ISO 639-3), e.g. 'fin'")
    import unimorph

    return Path(unimorph.UNIMORPH_DIR) / code


def fetch(code: str, timeout_seconds: float = 900.0) -> Clone:
    """Clone a language's repository through the `unimorph` package, unless it is there already.

    The clone is made beside its place and moved there whole: one that was stopped half-way is never taken for data. git
    does not ask for a password (`GIT_TERMINAL_PROMPT=0`), as it otherwise would for a language that does not exist.

    Raises: BadInput for a wrong code; Unavailable where git, the network or the language is missing, or time runs out.
    """
    folder = locate(code)
    import unimorph

    if unimorph.not_loaded(code):
        if shutil.which("git") is None:
            raise Unavailable("UniMorph is fetched with git, which is not installed; install it, or copy the files")
        folder.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder.parent, prefix=".fetching-") as place:
            _clone(code, place, timeout_seconds)
            if folder.is_dir():
                folder.rmdir()
            os.replace(Path(place) / code, folder)
    return Clone(folder, _commit(folder))


def _clone(code: str, place: str, timeout_seconds: float) -> None:
    """Run the package's own download in a process of its own, with a time limit that also ends git."""
    environment = os.environ | {"UNIMORPH": place, "GIT_TERMINAL_PROMPT": "0"}
    command = [sys.executable, "-c", "import sys, unimorph; unimorph.download_unimorph(sys.argv[1])", code]
    child = subprocess.Popen(
        command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, start_new_session=True
    )
    try:
        output, _ = child.communicate(timeout=timeout_seconds)
    except subprocess.TimeoutExpired:
        os.killpg(child.pid, signal.SIGKILL)
        child.communicate()
        raise Unavailable(f"UniMorph {code}: not fetched within {timeout_seconds:.0f} s; try again") from None
    if child.returncode != 0:
        said = [line for line in output.decode(errors="replace").splitlines() if line.startswith(("fatal:", "remote:"))]
        reason = "; ".join(said) or f"the download ended with code {child.returncode}"
        raise Unavailable(f"UniMorph {code}: {reason}; is the network up, and is there a github.com/unimorph/{code}?")


def _commit(folder: Path) -> str:
    if not (folder / ".git").exists() or shutil.which("git") is None:
        return ""
    command = ["git", "-C", str(folder), "rev-parse", "HEAD"]
    done = subprocess.run(command, check=False, capture_output=True, text=True, timeout=60)
    return done.stdout.strip() if done.returncode == 0 else ""

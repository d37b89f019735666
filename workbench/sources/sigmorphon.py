"""SIGMORPHON inflection shared tasks, 2017 to 2023: the same three columns in two orders, and covered tests of two.

The order is a matter of the year and nothing in a file states it: 2017-2022 have `lemma, form, features`, 2023 has
`lemma, features, form`. Read in the wrong order, every answer is a feature bundle and every score is zero, so that the
reader looks at the columns before it believes the year.

Source: github.com/sigmorphon: conll2017, conll2018, 2019 (task 1), 2021Task0, 2022InflectionST, 2023InflectionST;
github.com/sigmorphon2020/task0-data; each README's section on the data format.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Literal, assert_never

from workbench import languages
from workbench.errors import BadInput
from workbench.records import Inflection, Lang
from workbench.sources.lines import Report, in_blocks, lines, reject
from workbench.sources.unimorph import clean_rows, inflection, split_features

Year = Literal[2017, 2018, 2019, 2020, 2021, 2022, 2023]
Split = Literal["train", "dev", "test"]

# `V`, `V.PTCP;PST`, `N;ACC(SG)`: a bundle opens with a part of speech.
_BUNDLE = re.compile(r"[A-Z][A-Za-z0-9.+/]*(?:[;(,][^\t]*)?")
# What a file's name says behind the language and before any dot: in 2017-2019 split and size, in 2022 the size.
_SPLIT = re.compile(r"-(?:train(?:-(?:high|medium|low))?|dev|(?:(?:un)?covered-)?test|test-covered)$|_(?:large|small)$")


@dataclass(frozen=True, slots=True)
class Question:
    """A row of a covered test: the form is to be found."""

    lang: Lang
    lemma: str
    features: tuple[str, ...]


def language(name: str) -> Lang:
    """The language of a file's name part: `deu`, `north-frisian`, `heb_unvoc`."""
    return languages.from_source(name.removesuffix("_unvoc"), "sigmorphon")


def variety(name: str) -> str:
    """What tells a file's rows from the others of its language: `unvocalized` of `heb_unvoc`, else nothing."""
    return "unvocalized" if name.endswith("_unvoc") else ""


def name_in(path: Path) -> str:
    """The language as a file's name has it, in the layout of any year: `turkish` of `turkish-train-low`, `tur` of
    `tur_small.train` and `tur.covered.tst.gz`, `heb_unvoc` of `heb_unvoc.trn`."""
    return _SPLIT.sub("", path.name.split(".")[0])


def find(root: Path, year: Year, name: str, split: Split, size: str = "") -> Path:
    """The one file under `root` (a copy of that year's repository) for a language and a split.

    `size` is `high`, `medium` or `low` for training files of 2017-2019, `large` or `small` for those of 2022.

    Raises: BadInput where there is no such file, or more than one.
    """
    if not re.fullmatch(r"[a-z][a-z_-]*", name):
        raise BadInput(f"SIGMORPHON language {name[:40]!r}: wanted a name as the file has it, e.g. 'deu' or 'albanian'")
    wanted = _patterns(year, name, split, size)
    found = sorted({path for pattern in wanted for path in root.rglob(pattern) if "covered" not in _words(path.name)})
    if len(found) != 1:
        got = [str(path.relative_to(root)) for path in found[:6]] or "none"
        raise BadInput(f"{root}: wanted one file {' or '.join(wanted)} for {year}; got {got}; name the file itself")
    return found[0]


def _words(name: str) -> list[str]:
    return re.split(r"[-.]", name)


def _patterns(year: Year, name: str, split: Split, size: str) -> list[str]:
    match year:
        case 2017 | 2018 | 2019:
            if split == "train":
                return [f"{name}-train-{size or 'high'}"]
            return [f"{name}-{split}", f"{name}-uncovered-{split}"] if split == "test" else [f"{name}-{split}"]
        case 2020 | 2023:
            return [f"{name}.{ {'train': 'trn', 'dev': 'dev', 'test': 'tst'}[split] }"]
        case 2021:
            return [f"{name}.{split}"]
        case 2022:
            return [{"train": f"{name}_{size or 'large'}.train", "dev": f"{name}.dev", "test": f"{name}.gold"}[split]]
        case _:
            assert_never(year)


def read(path: Path, year: Year, lang: Lang, report: Report | None = None) -> Iterator[Inflection]:
    """The rows of a train, dev or gold file.

    Raises: BadInput at file:line; for a covered file, and for a file whose columns are not in that year's order.
    """
    first, second = _order(year)
    _check_order(path, year)

    def clean(whole: str) -> list[Inflection] | None:
        made = clean_rows(whole, lang, (0, first, second), report)
        if made is not None and report is not None:
            report.rows += len(made)
        return made

    def one(number: int, line: str) -> Inflection | None:
        if not line.strip():
            return None
        fields = line.split("\t")
        if len(fields) != 3:
            reject(report, f"{path}:{number}", f"wanted 3 tab-separated columns, not {len(fields)}", line)
            return None
        row = inflection(fields[0], fields[first], fields[second], lang, path, number, report)
        if row is not None and report is not None:
            report.rows += 1
        return row

    yield from in_blocks(path, report, clean, one)


def read_covered(path: Path, lang: Lang, report: Report | None = None) -> Iterator[Question]:
    """The rows of a covered test, `lemma, features` in every year (some have an empty column between them).

    Raises: BadInput at file:line.
    """
    for number, line in lines(path, report):
        if not line.strip():
            continue
        fields = line.split("\t")
        if len(fields) == 3 and not fields[1]:
            fields = [fields[0], fields[2]]
        if len(fields) != 2:
            reject(report, f"{path}:{number}", f"wanted lemma and features, not {len(fields)} columns", line)
            continue
        row = inflection(fields[0], fields[0], fields[1], lang, path, number, report)
        if row is not None:
            if report is not None:
                report.rows += 1
            yield Question(lang, row.lemma, row.features)


def _order(year: Year) -> tuple[int, int]:
    """Where form and features stand."""
    return (2, 1) if year == 2023 else (1, 2)


def _check_order(path: Path, year: Year) -> None:
    """Look at the first rows: the column that should hold features must look like it at least as often as the other."""
    first, second = _order(year)
    scores = {first: 0, second: 0}
    covered = 0
    sample = [line.split("\t") for _, line in islice(lines(path, Report()), 200) if line.strip()]
    for fields in sample:
        if len(fields) == 3:
            for column in scores:
                scores[column] += looks_like_features(fields[column])
        covered += len(fields) == 2
    if sample and covered == len(sample):
        raise BadInput(f"{path}: a covered file (lemma, features): it has no forms; use read_covered")
    if scores[first] > scores[second]:
        other = "lemma, form, features (2017-2022)" if year == 2023 else "lemma, features, form (2023)"
        raise BadInput(f"{path}: its columns look like {other}, not like those of {year}; give the right year")


def looks_like_features(text: str) -> bool:
    """True of what can be told from a form: several features, or capitals alone."""
    if not _BUNDLE.fullmatch(text) or not text.isascii():
        return False
    try:
        return len(split_features(text)) > 1 or text.isupper()
    except ValueError:
        return False

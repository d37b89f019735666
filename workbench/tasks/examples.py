"""The tasks that the workbench knows, and their examples, read by the strict readers of `sources`."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from pathlib import Path
from typing import assert_never

from workbench import config, languages
from workbench.config import TaskName
from workbench.errors import BadInput
from workbench.files import content_hash, sha256_file
from workbench.languages import Convention
from workbench.records import Lang, Pair
from workbench.sources import catalogue, conllu, embedded, labeled, massive, xsid
from workbench.sources.conllu import UPOS
from workbench.sources.embedded import data_home
from workbench.sources.labeled import SENTIMENTS, SIB_TOPICS
from workbench.sources.lines import Report
from workbench.sources.massive import Utterance
from workbench.sources.tagged import Tagged
from workbench.tasks import own
from workbench.tasks.task import Example, Metric, Split, Task

_CODES: dict[str, tuple[Convention, str]] = {  # how a data set's files say their language
    "massive": ("massive", r"(?P<code>[a-z]{2}-[A-Z]{2})\.(tsv|jsonl)"),
    "xsid": ("xsid", r"(?P<code>[a-z]{2,3}(-[a-z]+)?)\.(valid|test)\.conll"),
    "sib200": ("sib200", r"(?P<code>[a-z]{3}_[A-Z][a-z]{3})/(dev|test|train)\.tsv"),
    "afrisenti": ("afrisenti", r"(?P<code>[a-z]{2,3})/(dev|test|train)\.tsv"),
    "ud-pos": ("ud", r"(?P<code>[a-z]{2,3})_\w+-ud-(dev|test|train)\.conllu"),
    "masakhapos": ("masakhane", r"(?P<code>[a-z]{3})/(dev|test|train)\.txt"),
    "masakhaner": ("masakhane", r"(?P<code>[a-z]{3})/(dev|test|train)\.txt"),
}
INTENTS = "intents"  # the key of their wheel among the embedded sources
_JOINT: tuple[Metric, ...] = ("exact_match", "intent_accuracy", "slot_f1")


def task(name: TaskName, folder: str = "") -> Task:
    """The description of a task; `folder` is that of one's own.

    Raises: BadInput where the data are not there, with how to get them.
    """
    if name == "own":
        return own.describe(Path(folder))
    if name == "intents":
        terms = next(one for one in embedded.licences() if one.source == INTENTS)
        return Task(
            name, "classify", "none", ("accuracy", "macro_f1"), data_home(), embedded.revision(), terms.licence,
            terms.citation,
        )  # fmt: skip
    data = catalogue.load(data_home()).dataset("ud" if name == "ud-pos" else name)
    root = data.place(data_home())
    if not root.is_dir():
        raise BadInput(
            f"{root}: no such folder, but the task {name!r} reads it; `workbench data fetch {data.name}` gets it into "
            f"$WORKBENCH_DATA (now {data_home()}), or says from where you can"
        )
    terms_of = (root, data.title, data.licence, data.citation)
    match name:
        case "massive":
            return Task(name, "joint", "merged", _JOINT, *terms_of)
        case "xsid":
            return Task(name, "joint", "xsid", _JOINT, *terms_of)
        case "sib200":
            return Task(name, "classify", "none", ("accuracy", "macro_f1"), *terms_of, labels=SIB_TOPICS)
        case "afrisenti":
            metrics: tuple[Metric, ...] = ("weighted_f1", "macro_f1", "accuracy")
            return Task(name, "classify", "none", metrics, *terms_of, labels=SENTIMENTS)
        case "ud-pos" | "masakhapos":
            return Task(name, "tag", "plain", ("tag_accuracy",), *terms_of, tags=UPOS)
        case "masakhaner":
            return Task(name, "tag", "bio", ("entity_f1",), *terms_of)
        case _:
            assert_never(name)


def languages_of(task: Task) -> dict[Lang, tuple[str, ...]]:
    """The languages that have a test split (or, where only that is there, any), and their codes in the data."""
    if task.name == "own":
        return dict.fromkeys(own.languages_of(task.root), ("",))
    if task.name == "intents":
        data = embedded.prepare()
        return {lang: ("",) for lang in data.languages() if data.intents(lang, "test")}
    convention, pattern = _CODES[task.name]
    codes = {match["code"] for path in _files(task.root) if (match := re.fullmatch(pattern, path))}
    found: dict[Lang, list[str]] = {}
    for code in sorted(codes):
        found.setdefault(languages.from_source(code, convention), []).append(code)
    if not found:
        raise BadInput(f"{task.root}: no file of {task.name} in it; wanted names such as {pattern}")
    return {lang: tuple(several) for lang, several in sorted(found.items())}


def asked(task: Task, settings: config.Task) -> tuple[Lang, ...]:
    """The languages that a study measures the task in, the one it trains on last.

    Raises: BadInput where the data have not one of them, with those that they have.
    """
    there, source = languages_of(task), languages.parse(settings.source)
    wanted = [languages.parse(tag) for tag in settings.languages] or list(there)
    for lang in (*wanted, source):
        if lang not in there:
            raise _absent(task, lang, there)
    return (*(lang for lang in wanted if lang != source), source)


def examples(task: Task, lang: Lang, split: Split, report: Report | None = None) -> list[Example]:
    """The examples of one split, in the order of their files; none where the language has no such split.

    Raises: BadInput at file:line for a row that cannot be used (with a `report` it is left out and counted there);
        where the task has no such language, with the near ones.
    """
    if lang not in (there := languages_of(task)):
        raise _absent(task, lang, there)
    codes = there[lang]
    if task.name == "own":
        return own.read(task, lang, split, report)
    several = len(codes) > 1
    return [
        one for code in codes for one in _read(task, lang, code, split, code if several else "", report)
    ]  # fmt: skip


def revision(task: Task, langs: Iterable[Lang]) -> str:
    """Twelve hex digits of all that these languages' examples are read from."""
    if task.name == "intents":
        return embedded.revision()
    if task.name == "own":
        return content_hash([[path.name, sha256_file(path)] for lang in langs for path in own.files(task.root, lang)])
    codes = {code for lang in langs for code in languages_of(task)[lang]}
    _, pattern = _CODES[task.name]
    shared = {"massive": "meta.tsv", "xsid": r"en\.train\..*"}.get(task.name, "")
    wanted = [
        path
        for path in _files(task.root)
        if ((match := re.fullmatch(pattern, path)) and match["code"] in codes)
        or (shared and re.fullmatch(shared, path))
    ]
    return content_hash([[path, sha256_file(task.root / path)] for path in wanted])


def _absent(task: Task, lang: Lang, there: Iterable[Lang]) -> BadInput:
    near = [one.tag for one in there if one.code == lang.code] or sorted(one.tag for one in there)
    return BadInput(f"{task.name} has no {lang.tag} ({languages.name(lang)}); there is {', '.join(near)}")


def _files(root: Path) -> list[str]:
    return sorted(path.relative_to(root).as_posix() for path in root.rglob("*") if path.is_file())


def _read(task: Task, lang: Lang, code: str, split: Split, variety: str, report: Report | None) -> Iterator[Example]:
    root = task.root
    match task.name:
        case "massive":
            for one in _massive(root, code, report):
                if one.split == split:
                    yield Example(one.id, lang, one.text, one.intent, one.tokens, one.labels)
        case "xsid":
            if split == "train":
                texts, tags = root / f"{code}.train.text.{code}", root / f"{code}.train.label.{code}"
                found = xsid.read_train(texts, tags, lang, report) if texts.is_file() else iter(())
            else:
                found = xsid.read(root / f"{code}.{'valid' if split == 'dev' else 'test'}.conll", lang, report)
            yield from _tagged(found, variety)
        case "sib200":
            yield from _classes(labeled.sib200(root, code, split, report) if _there(root, code, split) else (), variety)
        case "afrisenti":
            found_there = _there(root, code, split)
            yield from _classes(labeled.afrisenti(root, code, split, report) if found_there else (), variety)
        case "intents":
            yield from _classes(embedded.prepare().intents(lang, split), variety)
        case "ud-pos":
            for path in sorted(root.glob(f"{code}_*-ud-{split}.conllu")):
                yield from _tagged(conllu.read(path, lang, report), variety)
        case "masakhapos" | "masakhaner":
            path, kind = root / code / f"{split}.txt", "pos" if task.name == "masakhapos" else "ner"
            if path.is_file():
                yield from _tagged(conllu.read_columns(path, lang, "pos" if kind == "pos" else "ner", report), variety)
        case _:
            raise AssertionError(task.name)


def _there(root: Path, code: str, split: Split) -> bool:
    return (root / code / f"{split}.tsv").is_file()


def _massive(root: Path, code: str, report: Report | None) -> Sequence[Utterance]:
    path = root / f"{code}.tsv"
    if report is None:
        return _whole_locale(path if path.is_file() else root / f"{code}.jsonl")
    return list(_locale(path if path.is_file() else root / f"{code}.jsonl", report))


@lru_cache(maxsize=2)  # its three splits are in one file, and are asked for one after the other
def _whole_locale(path: Path) -> Sequence[Utterance]:
    return list(_locale(path, None))


def _locale(path: Path, report: Report | None) -> Iterator[Utterance]:
    if path.suffix == ".jsonl":
        return massive.read_jsonl(path, report)
    return massive.read_tsv(path, massive.read_meta(path.with_name("meta.tsv")), report)


def _tagged(found: Iterable[Tagged], variety: str) -> Iterator[Example]:
    for one in found:
        yield Example(_name(variety, one.id), one.lang, one.text, one.label, one.tokens, one.tags, variety)


def _classes(found: Iterable[Pair], variety: str) -> Iterator[Example]:
    for pair in found:
        yield Example(_name(variety, pair.id), pair.lang, pair.source, pair.target, variety=variety)


def _name(variety: str, name: str) -> str:
    return f"{variety}/{name}" if variety else name

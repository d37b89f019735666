"""One's own task: `<folder>/<language>/<split>.tsv`, `.jsonl` or `.conll`, read strictly and checked.

    .tsv    a header with `text` and `label`                                           a class per sentence
    .jsonl  objects with `text` and `label`, or `words` and `tags`, or all but `text`  a class, tags, or both
    .conll  `word<TAB>tag` lines parted by blank ones; `# intent = x` before a sentence gives it a class as well

Tags are BIO. The training split of English (or of whatever language a study trains on) says which labels there are: one
that only dev or test has is an error, for nothing could predict it.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

from workbench import languages
from workbench.errors import BadInput
from workbench.records import Lang
from workbench.sources.lines import Report, header, reject, rows
from workbench.sources.tagged import blocks, comment, is_bio, orphans
from workbench.sources.text import json_objects
from workbench.tasks.task import SPLITS, Example, Kind, Metric, Scheme, Split, Task

SUFFIXES = (".tsv", ".jsonl", ".conll")
MANY = 50  # different labels; of a column that has more, and hardly one twice, it is said that it is no label column
_METRICS: dict[Kind, tuple[Metric, ...]] = {
    "classify": ("accuracy", "macro_f1"),
    "tag": ("entity_f1",),
    "joint": ("exact_match", "intent_accuracy", "slot_f1"),
}


def describe(folder: Path) -> Task:
    """What the folder's files hold.

    Raises: BadInput where there is no language folder, or no training split to tell the labels by.
    """
    langs = languages_of(folder)
    trained = [path for lang in langs for path in files(folder, lang) if path.stem == "train"]
    if not trained:
        raise BadInput(f"{folder}: no train{'|train'.join(SUFFIXES)} in any language; labels are told by training data")
    first = next(_rows(trained[0], languages.parse(trained[0].parent.name), Report()), None)
    if first is None:
        raise BadInput(f"{trained[0]}: no usable example in it; `workbench tasks check {folder}` says why")
    kind: Kind = "classify" if not first.tags else "joint" if first.label else "tag"
    scheme: Scheme = "none" if kind == "classify" else "bio"
    return Task("own", kind, scheme, _METRICS[kind], folder, "own", "not stated", str(folder))


def languages_of(folder: Path) -> list[Lang]:
    """Raises: BadInput as `_folders`."""
    return list(_folders(folder))


def _folders(folder: Path) -> dict[Lang, Path]:
    """The folder of each language.

    Raises: BadInput where there is none, one whose name is no language tag, or two of one language.
    """
    if not folder.is_dir():
        raise BadInput(f"{folder}: no such folder; wanted <language>/<split>{'|'.join(SUFFIXES)} in it")
    there = sorted(path for path in folder.iterdir() if path.is_dir() and not path.name.startswith("."))
    if not there:
        raise BadInput(f"{folder}: wanted a folder per language in it, named by its tag (eng-Latn), got none")
    found: dict[Lang, Path] = {}
    for path in there:
        lang = languages.parse(path.name)
        if lang in found:
            raise BadInput(
                f"{path}: wanted one folder for {lang.tag}, but {found[lang].name} is one too (a code alone means the "
                "language's usual script); put their files into one"
            )
        found[lang] = path
    return found


def files(folder: Path, lang: Lang) -> list[Path]:
    """The split files of a language.

    Raises: BadInput where one split stands in two formats.
    """
    place = _folders(folder).get(lang)
    found = sorted(path for path in place.iterdir() if path.suffix in SUFFIXES and path.stem in SPLITS) if place else []
    if twice := [path for path, other in pairwise(found) if path.stem == other.stem]:
        raise BadInput(f"{twice[0]}: the split stands here in two formats; leave one of them")
    return found


def read(task: Task, lang: Lang, split: Split, report: Report | None = None) -> list[Example]:
    """The examples of a split; dev and test are held against the labels that the task's training splits show.

    Raises: BadInput at file:line, where no report takes the row down.
    """
    path = next((path for path in files(task.root, lang) if path.stem == split), None)
    if path is None:
        return []
    known = _known(task) if split != "train" else None
    kept = []
    for one in _rows(path, lang, report):
        place = one.variety  # here still where it stands
        plain = Example(one.id, one.lang, one.text, one.label, one.words, one.tags)
        here: Kind = "classify" if not one.tags else "joint" if one.label else "tag"
        if here != task.kind:
            reject(report, place, f"an example to {here}, in a task to {task.kind}", one.text)
        elif known is not None and (strange := ({one.label} if one.label else set()) | set(one.tags)) - known:
            names = sorted(strange - known)
            reject(report, place, "a label that no training split has (it could never be predicted)", ", ".join(names))
        else:
            kept.append(plain)
            if report is not None:
                report.rows += 1
    _want_labels(path, kept)
    return kept


def _known(task: Task) -> set[str]:
    found: set[str] = set()
    for lang in languages_of(task.root):
        for path in files(task.root, lang):
            if path.stem == "train":
                for one in _rows(path, lang, Report()):
                    found |= {one.label, *one.tags}
    inside = {f"I-{tag[2:]}" for tag in found if tag.startswith("B-")}  # as a span of two words might have it
    return (found | inside | {"O"}) - {""}


def _want_labels(path: Path, found: list[Example]) -> None:
    labels = {one.label for one in found if one.label}
    if len(labels) > MANY and len(labels) > 0.5 * len(found):
        raise BadInput(
            f"{path}:2: {len(labels)} different labels in {len(found)} rows; is the text where the label should be? "
            "wanted the header to say which column is `text` and which `label`"
        )


def _rows(path: Path, lang: Lang, report: Report | None) -> Iterator[Example]:
    """Examples whose `variety` is their file:line, for the errors to come."""
    match path.suffix:
        case ".tsv":
            yield from _table(path, lang, report)
        case ".jsonl":
            yield from _objects(path, lang, report)
        case _:
            yield from _conll(path, lang, report)


def _table(path: Path, lang: Lang, report: Report | None) -> Iterator[Example]:
    names = header(path)
    if "text" not in names or "label" not in names:
        raise BadInput(f"{path}:1: wanted a header with the columns 'text' and 'label', got {list(names)}")
    text, label = names.index("text"), names.index("label")
    for number, fields in rows(path, len(names), report, skip=1):
        words, kind, place = languages.nfc(fields[text].strip()), fields[label].strip(), f"{path}:{number}"
        if not words or not kind:
            reject(report, place, "an empty text or label", "\t".join(fields))
        else:
            yield Example(_name(path, number), lang, words, kind, variety=place)


def _objects(path: Path, lang: Lang, report: Report | None) -> Iterator[Example]:
    for place, row in json_objects(path, report):
        words, tags, label = row.get("words", []), row.get("tags", []), row.get("label", "")
        lists = isinstance(words, list) and isinstance(tags, list) and len(words) == len(tags)
        if not lists or not all(isinstance(one, str) for one in [*words, *tags, label]):
            reject(report, place, "wanted text and label, or as many words as tags (all of them texts)", str(row))
            continue
        text = row.get("text", " ".join(words))
        if not isinstance(text, str) or not text.strip() or not all(word.strip() for word in words):
            reject(report, place, "an empty text or word", str(row))
        elif not tags and not label.strip():
            reject(report, place, "neither a label nor tags", str(row))
        elif _good_tags(tags, place, report):
            spelt = tuple(languages.nfc(word) for word in words)
            name = _name(path, int(place.rpartition(":")[2]))
            yield Example(name, lang, languages.nfc(text.strip()), label.strip(), spelt, tuple(tags), place)


def _conll(path: Path, lang: Lang, report: Report | None) -> Iterator[Example]:
    for block in blocks(path, report):
        if block.broken or not block.rows:
            continue
        pairs = [(number, line.split("\t") if "\t" in line else line.split()) for number, line in block.rows]
        bad = next(((n, fields) for n, fields in pairs if len(fields) != 2 or not fields[0].strip()), None)
        if bad is not None:
            reject(report, f"{path}:{bad[0]}", "wanted a word, a tab and a tag", "\t".join(bad[1]))
            continue
        words, tags = [fields[0].strip() for _, fields in pairs], [fields[1].strip() for _, fields in pairs]
        if not all(map(is_bio, tags)) and all(map(is_bio, words)):
            reject(report, f"{path}:{pairs[0][0]}", "the tag stands before the word; wanted word, tab, tag", words[0])
        elif _good_tags(tags, f"{path}:{pairs[0][0]}", report, [number for number, _ in pairs]):
            spelt = tuple(map(languages.nfc, words))
            name, place = _name(path, block.first_line), f"{path}:{block.first_line}"
            yield Example(name, lang, " ".join(spelt), comment(block, "intent") or "", spelt, tuple(tags), place)


def _good_tags(tags: list[str], place: str, report: Report | None, numbers: list[int] | None = None) -> bool:
    """Whether the tags are whole BIO; else the example is rejected, at the very line where it is known."""
    for position, tag in enumerate(tags):
        before = tags[position - 1] if position else "O"
        at = place if numbers is None else f"{place.rpartition(':')[0]}:{numbers[position]}"
        if not is_bio(tag):
            reject(report, at, "wanted a BIO tag (O, B-x or I-x)", tag)
            return False
        if orphans([before, tag]) > orphans([before]):
            reject(report, at, f"{tag} after {before}: a span begins with B-{tag[2:]}", " ".join(tags))
            return False
    return True


def _name(path: Path, number: int) -> str:
    return f"{path.parent.name}/{path.stem}-{number:06d}"

"""xSID: intents and BIO slots in many varieties.

Source: van der Goot et al. 2021, https://aclanthology.org/2021.naacl-main.197; github.com/mainlp/xsid, release 0.7.

What its files hide. `# id` is absent in English and is no key in Lithuanian (276 of 500 values are distinct), so that a
sentence is identified by its place, which does agree in all varieties. The intent column disagrees with `# intent` in
two sentences of `de-muc.valid`: the header is believed. In English train 357 rows have the tag `Orecurring_datetime`,
which is an `O` that a search-and-replace hit: read as `O`. It also has four intents that no test has (`GetWeather`, the
Snips name of what is `weather/find` elsewhere, is one), 40 slot types against 35, and 7,690 repeated rows:
`read_train` reads what is there, counts the repetitions, and leaves the choice to the caller.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import zip_longest
from pathlib import Path

from workbench import languages
from workbench.errors import BadInput
from workbench.records import Lang
from workbench.sources.lines import Report, Seen, every_line, note, reject
from workbench.sources.tagged import Block, Tagged, blocks, comment, is_bio, orphans

_MANGLED = "Orecurring_datetime"


def read(path: Path, lang: Lang, report: Report | None = None) -> Iterator[Tagged]:
    """The sentences of a `.conll` file; `label` is the intent, `id` the sentence's place (`xsid-test-0001`).

    Raises: BadInput at file:line.
    """
    split = path.name.split(".")[-2] if path.name.count(".") >= 2 else path.stem
    for place, block in enumerate(blocks(path, report), 1):
        row = _sentence(block, path, lang, f"xsid-{split}-{place:04d}", report)
        if row is not None:
            if report is not None:
                report.rows += 1
            yield row


def _sentence(block: Block, path: Path, lang: Lang, name: str, report: Report | None) -> Tagged | None:
    if block.broken:
        return None
    where = f"{path}:{block.first_line}"
    intent, text = comment(block, "intent"), comment(block, "text")
    if not intent or text is None or not block.rows:
        got = " ".join([*block.comments, *(line for _, line in block.rows[:1])])
        reject(report, where, "wanted '# text', '# intent' and at least one token (the sentence is left out)", got)
        return None
    tokens: list[str] = []
    tags: list[str] = []
    for number, line in block.rows:
        fields = line.split("\t")
        if len(fields) != 4 or fields[0] != str(len(tokens) + 1) or not fields[1].strip() or not is_bio(fields[3]):
            reason = f"wanted {len(tokens) + 1}, token, intent, BIO tag (the sentence is left out)"
            reject(report, f"{path}:{number}", reason, line)
            return None
        if fields[2] != intent:
            note(report, f"{path}:{number}", "a token's intent is not the sentence's (the sentence's is kept)", line)
        tokens.append(languages.nfc(fields[1]))
        tags.append(fields[3])
    if orphans(tags):
        note(report, where, "I- without B- before it (kept)", " ".join(tags))
    return Tagged(name, languages.nfc(text), tuple(tokens), tuple(tags), lang, "slots", intent)


def read_train(texts: Path, labels: Path, lang: Lang, report: Report | None = None) -> Iterator[Tagged]:
    """English train: `en.train.text.en` (tokens) beside `en.train.label.en` (`BIO tags<TAB>intent`), line by line.

    Raises: BadInput at file:line, and where the two files are not of one length.
    """
    seen = Seen()
    for left, right in zip_longest(every_line(texts, report), every_line(labels, report)):
        if left is None or right is None:
            short, number = (texts, right) if left is None else (labels, left)
            line = number[0] if number else 0
            raise BadInput(f"{short}: ends before line {line} of the file beside it; both must be of one length")
        (number, text), (_, label) = left, right
        if text is None or label is None:
            continue
        tags_text, _, intent = label.partition("\t")
        tokens, tags = text.split(), tags_text.split()
        if _MANGLED in tags:
            note(report, f"{labels}:{number}", f"the tag {_MANGLED} (read as O)", tags_text)
            tags = ["O" if tag == _MANGLED else tag for tag in tags]
        if not tokens or len(tokens) != len(tags) or not intent.strip() or not all(map(is_bio, tags)):
            reason = "wanted as many BIO tags as tokens, a tab and an intent"
            reject(report, f"{labels}:{number}", reason, f"{text} | {label}")
            continue
        if report is not None:
            report.rows += 1
            if seen.add(f"{text}\n{label}"):
                report.note("a row that was there before (kept)", f"{texts}:{number}: {text!r}")
            if orphans(tags):
                report.note("I- without B- before it (kept)", f"{labels}:{number}: {tags_text!r}")
        words = tuple(languages.nfc(token) for token in tokens)
        yield Tagged(f"xsid-train-{number:05d}", " ".join(words), words, tuple(tags), lang, "slots", intent.strip())

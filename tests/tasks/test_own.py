"""One's own tasks: three formats, and what is wrong with a file said at its line."""

from __future__ import annotations

from pathlib import Path

import pytest

from workbench import languages
from workbench.errors import BadInput
from workbench.sources.lines import Report
from workbench.tasks import examples, own
from workbench.tasks.task import Split

ENGLISH, WELSH = languages.parse("eng-Latn"), languages.parse("cym-Latn")
TRAIN = "text\tlabel\nopen the door\tOpen\nshut the door\tShut\n"
CONLL = "# intent = Book\nto\tO\nNew\tB-city\nYork\tI-city\n\n# intent = Ask\nwhy\tO\n"


def write(folder: Path, name: str, text: str) -> Path:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, "utf-8")
    return path


def read(folder: Path, split: Split, report: Report | None = None, lang: languages.Lang = ENGLISH) -> list:
    return own.read(own.describe(folder), lang, split, report)


def test_a_table_is_a_classification(tmp_path: Path) -> None:
    write(tmp_path, "eng-Latn/train.tsv", TRAIN)
    write(tmp_path, "cym-Latn/test.tsv", "id\tlabel\ttext\n7\tOpen\tagor y drws\n")
    task = own.describe(tmp_path)
    assert (task.kind, task.metrics[0]) == ("classify", "accuracy")
    assert [(one.text, one.label) for one in read(tmp_path, "train")] == [
        ("open the door", "Open"),
        ("shut the door", "Shut"),
    ]
    (one,) = read(tmp_path, "test", lang=WELSH)
    assert (one.id, one.text, one.label, one.lang) == ("cym-Latn/test-000002", "agor y drws", "Open", WELSH)
    assert read(tmp_path, "dev") == []
    assert list(examples.languages_of(task)) == [WELSH, ENGLISH]


def test_json_lines_and_conll_say_the_same(tmp_path: Path) -> None:
    write(tmp_path, "a/eng-Latn/train.conll", CONLL)
    rows = (
        '{"words": ["to", "New", "York"], "tags": ["O", "B-city", "I-city"], "label": "Book"}\n'
        '{"words": ["why"], "tags": ["O"], "label": "Ask"}\n'
    )
    write(tmp_path, "b/eng-Latn/train.jsonl", rows)
    found = [read(tmp_path / name, "train") for name in "ab"]
    assert [(x.text, x.label, x.words, x.tags) for x in found[0]] == [
        ("to New York", "Book", ("to", "New", "York"), ("O", "B-city", "I-city")),
        ("why", "Ask", ("why",), ("O",)),
    ]
    assert [(x.text, x.tags) for x in found[0]] == [(x.text, x.tags) for x in found[1]]
    assert own.describe(tmp_path / "a").kind == own.describe(tmp_path / "b").kind == "joint"


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        (
            "dev.tsv",
            "text\tlabel\nopen it\tOpen\nsing\tSing\n",
            r"dev\.tsv:3: a label that no training split has.*Sing",
        ),
        ("dev.tsv", "text\tlabel\n  \tOpen\n", r"dev\.tsv:2: an empty text or label"),
        ("dev.tsv", "text\tlabel\nopen it\n", r"dev\.tsv:2: wanted 2 tab-separated columns"),
        ("dev.tsv", "sentence\tclass\nopen it\tOpen\n", r"dev\.tsv:1: wanted a header with the columns 'text' and"),
        ("dev.tsv", "text\tlabel\nOpen\topen the door\n", r"dev\.tsv:2: a label that no training split has.*open the"),
        ("dev.jsonl", '{"text": "open it"}\n', r"dev\.jsonl:1: neither a label nor tags"),
        ("dev.jsonl", '{"text": "open it", "label": 3}\n', r"dev\.jsonl:1: wanted text and label"),
        ("dev.conll", "open\tO\n", r"dev\.conll:1: an example to tag, in a task to classify"),
    ],
)
def test_what_is_wrong_with_a_classification_is_said_at_its_line(
    tmp_path: Path, name: str, text: str, said: str
) -> None:
    write(tmp_path, "eng-Latn/train.tsv", TRAIN)
    write(tmp_path, f"eng-Latn/{name}", text)
    with pytest.raises(BadInput, match=said):
        read(tmp_path, "dev")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("to\tO\nYork\tI-city\n", r"dev\.conll:2: I-city after O: a span begins with B-city"),
        ("to\tO\nYork\tcity\n", r"dev\.conll:2: wanted a BIO tag"),
        ("O\tto\nB-city\tYork\n", r"dev\.conll:1: the tag stands before the word"),
        ("to\tO\nYork\tB-town\n", r"dev\.conll:1: a label that no training split has.*B-town"),
        ("to\tO\n\nNew York B-city\n", r"dev\.conll:3: wanted a word, a tab and a tag"),
    ],
)
def test_what_is_wrong_with_tags_is_said_at_its_line(tmp_path: Path, text: str, said: str) -> None:
    write(tmp_path, "eng-Latn/train.conll", "to\tO\nNew\tB-city\nYork\tI-city\n")
    write(tmp_path, "eng-Latn/dev.conll", text)
    with pytest.raises(BadInput, match=said):
        read(tmp_path, "dev")


def test_a_report_counts_what_is_wrong_and_keeps_the_rest(tmp_path: Path) -> None:
    write(tmp_path, "eng-Latn/train.tsv", TRAIN)
    write(tmp_path, "eng-Latn/dev.tsv", "text\tlabel\n\tOpen\nopen it\tOpen\nhum\tHum\nhum on\tHum\n")
    report = Report()
    assert [one.text for one in read(tmp_path, "dev", report)] == ["open it"]
    assert report.dropped.counts == {
        "an empty text or label": 1,
        "a label that no training split has (it could never be predicted)": 2,
    }


def test_a_text_column_called_label_is_noticed(tmp_path: Path) -> None:
    rows = "".join(f"Open\tsentence number {n}\n" for n in range(60))
    write(tmp_path, "eng-Latn/train.tsv", "text\tlabel\n" + rows)
    with pytest.raises(BadInput, match="is the text where the label should be"):
        read(tmp_path, "train")


def test_a_folder_that_is_no_task_says_what_is_wanted(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="a folder per language"):
        own.describe(tmp_path)
    write(tmp_path, "eng-Latn/test.tsv", TRAIN)
    with pytest.raises(BadInput, match=r"no train\.tsv"):
        own.describe(tmp_path)
    write(tmp_path, "eng-Latn/test.jsonl", "{}\n")
    with pytest.raises(BadInput, match="in two formats"):
        own.files(tmp_path, ENGLISH)


def test_a_code_alone_is_the_languages_usual_script_and_no_other(tmp_path: Path) -> None:
    write(tmp_path, "eng-Latn/train.tsv", TRAIN)
    write(tmp_path, "srp/test.tsv", "text\tlabel\nотвори\tOpen\n")
    write(tmp_path, "srp-Latn/test.tsv", "text\tlabel\notvori\tOpen\n")
    texts = {
        tag: [one.text for one in read(tmp_path, "test", lang=languages.parse(tag))] for tag in ("srp", "srp-Latn")
    }
    assert texts == {"srp": ["отвори"], "srp-Latn": ["otvori"]}
    write(tmp_path, "srp-Cyrl/dev.tsv", "text\tlabel\nзатвори\tShut\n")
    with pytest.raises(BadInput, match=r"srp-Cyrl: wanted one folder for srp-Cyrl, but srp is one too|srp: wanted one"):
        own.describe(tmp_path)


def test_the_revision_is_of_the_files_content(tmp_path: Path) -> None:
    path = write(tmp_path, "eng-Latn/train.tsv", TRAIN)
    task = own.describe(tmp_path)
    before = examples.revision(task, [ENGLISH])
    path.write_text(TRAIN + "lock it\tShut\n")
    assert examples.revision(task, [ENGLISH]) != before

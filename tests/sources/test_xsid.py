from pathlib import Path

import pytest

from workbench import languages
from workbench.errors import BadInput
from workbench.sources import xsid
from workbench.sources.lines import Report

LIT, ENG = languages.parse("lit"), languages.parse("eng")
BLOCK = (
    "# id = 89\n# text = Ar lis?\n# text-en = Will it rain?\n# intent = weather/find\n"
    "1\tAr\tweather/find\tO\n2\tlis\tweather/find\tB-weather/attribute\n3\t?\tweather/find\tO\n"
)


def write(folder: Path, text: str, name: str = "lt.test.conll") -> Path:
    path = folder / name
    path.write_bytes(text.encode())
    return path


def test_a_sentence_is_known_by_its_place_for_its_id_is_no_key(tmp_path: Path) -> None:
    first, second = xsid.read(write(tmp_path, f"{BLOCK}\n{BLOCK}"), LIT)
    assert (first.id, second.id) == ("xsid-test-0001", "xsid-test-0002")
    assert (first.text, first.tokens, first.label) == ("Ar lis?", ("Ar", "lis", "?"), "weather/find")
    assert first.tags == ("O", "B-weather/attribute", "O")


def test_comments_with_a_colon_and_many_blank_lines_are_read(tmp_path: Path) -> None:
    text = "\n\n" + BLOCK.replace("# text-en = ", "# text-de: ") + "\n\n\n" + BLOCK.replace("\n", "\r\n")
    assert len(list(xsid.read(write(tmp_path, text), LIT))) == 2


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("# intent = weather/find\n", ""),
        ("# text = Ar lis?\n", ""),
        ("2\tlis", "3\tlis"),
        ("\tB-weather/attribute", ""),
        ("B-weather/attribute", "Bweather"),
        ("2\tlis", "2\t"),
    ],
)
def test_a_broken_sentence_is_left_out_whole(tmp_path: Path, old: str, new: str) -> None:
    path = write(tmp_path, BLOCK.replace(old, new) + "\n" + BLOCK)
    report = Report()
    (kept,) = xsid.read(path, LIT, report)
    assert kept.id == "xsid-test-0002"
    assert sum(report.dropped.counts.values()) == 1
    with pytest.raises(BadInput, match=r"lt\.test\.conll:\d: wanted"):
        list(xsid.read(path, LIT))


def test_the_sentences_intent_wins_over_a_tokens_and_it_is_counted(tmp_path: Path) -> None:
    path = write(tmp_path, BLOCK.replace("1\tAr\tweather/find", "1\tAr\tx/find"))
    report = Report()
    (row,) = xsid.read(path, LIT, report)
    assert row.label == "weather/find"
    assert list(report.noted.counts.values()) == [1]


def test_train_is_two_files_that_must_agree_line_by_line(tmp_path: Path) -> None:
    texts = write(tmp_path, "set alarm\nset alarm\nstop it\n", "en.train.text.en")
    labels = write(tmp_path, "O B-x\ta/b\nO B-x\ta/b\nOrecurring_datetime I-x\tc\n", "en.train.label.en")
    report = Report()
    rows = list(xsid.read_train(texts, labels, ENG, report))
    assert [(row.id, row.tags, row.label) for row in rows] == [
        ("xsid-train-00001", ("O", "B-x"), "a/b"),
        ("xsid-train-00002", ("O", "B-x"), "a/b"),
        ("xsid-train-00003", ("O", "I-x"), "c"),
    ]
    assert report.noted.counts == {
        "a row that was there before (kept)": 1,
        "the tag Orecurring_datetime (read as O)": 1,
        "I- without B- before it (kept)": 1,
    }
    short = write(tmp_path, "O B-x\ta/b\n", "short")
    with pytest.raises(BadInput, match="short: ends before line 2"):
        list(xsid.read_train(texts, short, ENG, Report()))
    wrong = write(tmp_path, "O\ta/b\nO B-x\ta/b\nO O\tc\n", "wrong")
    with pytest.raises(BadInput, match=r"wrong:1: wanted as many BIO tags as tokens"):
        list(xsid.read_train(texts, wrong, ENG))


@pytest.mark.data
def test_every_variety_and_the_english_train_load_whole(data_root: Path) -> None:
    folder = data_root / "xsid"
    paths = sorted(folder.glob("*.conll"))
    assert len(paths) == 26
    test_intents, test_slots, noted = set(), set(), 0
    for path in paths:
        report = Report()
        rows = list(xsid.read(path, languages.from_source(path.name.split(".")[0], "xsid"), report))
        assert len(rows) == (500 if "test" in path.name else 300)
        assert not report.dropped.counts
        noted += sum(report.noted.counts.values())
        if "test" in path.name:
            test_intents |= {row.label for row in rows}
            test_slots |= {tag[2:] for row in rows for tag in row.tags if tag != "O"}
    assert noted == 2
    report = Report()
    train = list(xsid.read_train(folder / "en.train.text.en", folder / "en.train.label.en", ENG, report))
    assert len(train) == 43605
    assert not report.dropped.counts
    assert report.noted.counts["a row that was there before (kept)"] == 7690
    only_in_train = {"GetWeather", "alarm/modify_alarm", "weather/checkSunrise", "weather/checkSunset"}
    assert {row.label for row in train} - test_intents == only_in_train
    assert (len(test_slots), len({tag[2:] for row in train for tag in row.tags if tag != "O"})) == (35, 40)

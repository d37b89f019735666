from collections import Counter
from pathlib import Path

import pytest

from workbench import languages
from workbench.errors import BadInput
from workbench.sources import labeled
from workbench.sources.lines import Report

CYM = languages.parse("cym-Latn")


def write(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(text.encode())
    return path


def test_sib200_takes_off_the_quotes_that_its_writer_put_and_no_others(tmp_path: Path) -> None:
    text = (
        "index_id\tcategory\ttext\n"
        '7\tsports\t"Meddai ""na"" wrtho."\n'
        '8\ttravel\t"Stopia," meddai hi.\n'
        "9\thealth\tcur \u2028 drwg\n"
    )
    write(tmp_path / "cym_Latn" / "dev.tsv", text)
    report = Report()
    pairs = list(labeled.sib200(tmp_path, "cym_Latn", "dev", report))
    assert [(pair.id, pair.target, pair.source) for pair in pairs] == [
        ("sib200-7", "sports", 'Meddai "na" wrtho.'),
        ("sib200-8", "travel", '"Stopia," meddai hi.'),
        ("sib200-9", "health", "cur \u2028 drwg"),
    ]
    assert pairs[0].lang == CYM
    assert report.noted.counts == {"CSV quotes (taken off)": 1}


def test_sib200_refuses_unknown_topics_and_a_missing_header(tmp_path: Path) -> None:
    write(tmp_path / "cym_Latn" / "dev.tsv", "index_id\tcategory\ttext\n7\tsport\tx\n")
    with pytest.raises(BadInput, match=r"dev\.tsv:2: wanted a number, a topic of SIB-200"):
        list(labeled.sib200(tmp_path, "cym_Latn", "dev"))
    write(tmp_path / "cym_Latn" / "test.tsv", "7\tsports\tx\n")
    with pytest.raises(BadInput, match=r"test\.tsv:1: wanted the header"):
        list(labeled.sib200(tmp_path, "cym_Latn", "test", Report()))


def test_afrisenti_has_two_headers_and_raw_quotes(tmp_path: Path) -> None:
    write(tmp_path / "hau" / "dev.tsv", 'tweet\tlabel\n""ina kwana"" 😀\tpositive\n"a\tneutral\n')
    write(tmp_path / "orm" / "dev.tsv", "ID\ttweet\tlabel\nor_1\tnagaa\tnegative\nor_2\t \tneutral\n")
    assert [pair.source for pair in labeled.afrisenti(tmp_path, "hau", "dev")] == ['""ina kwana"" 😀', '"a']
    report = Report()
    (pair,) = labeled.afrisenti(tmp_path, "orm", "dev", report)
    assert (pair.source, pair.target, pair.id) == ("nagaa", "negative", "afrisenti-orm-dev-00001")
    assert report.dropped.counts == {"an empty text or label": 1}


@pytest.mark.parametrize("code", ["../cym_Latn", "cym", "cym_Latn/x", "/etc_Pass"])
def test_a_language_id_never_becomes_a_path(tmp_path: Path, code: str) -> None:
    with pytest.raises(BadInput, match="wanted the form"):
        list(labeled.sib200(tmp_path, code, "dev"))
    with pytest.raises(BadInput, match="wanted three letters"):
        list(labeled.afrisenti(tmp_path, "../hau", "dev"))


def test_ones_own_table_is_found_by_its_header(tmp_path: Path) -> None:
    path = write(tmp_path / "mine.tsv", "n\tsentence\tclass\n1\tnos da\tgreeting\n")
    (pair,) = labeled.table(path, CYM, "intent", text="sentence", label="class")
    assert (pair.source, pair.target, pair.task) == ("nos da", "greeting", "intent")
    with pytest.raises(BadInput, match=r"wanted columns 'text' and 'label'"):
        list(labeled.table(path, CYM, "intent"))


def test_texts_in_two_splits_are_found(tmp_path: Path) -> None:
    write(tmp_path / "hau" / "train.tsv", "tweet\tlabel\na\tpositive\nb\tneutral\n")
    write(tmp_path / "hau" / "dev.tsv", "tweet\tlabel\nb\tnegative\nc\tneutral\n")
    train, dev = (list(labeled.afrisenti(tmp_path, "hau", split)) for split in ("train", "dev"))
    assert [pair.source for pair in labeled.shared(dev, train)] == ["b"]


@pytest.mark.data
def test_sib200_is_parallel_in_all_its_languages(data_root: Path) -> None:
    codes = sorted(path.name for path in (data_root / "sib200").iterdir())
    assert len(codes) == 72
    report = Report()
    sizes = Counter()
    for split in ("train", "dev", "test"):
        wanted = {(pair.id, pair.target) for pair in labeled.sib200(data_root / "sib200", "eng_Latn", split)}
        for code in codes:
            found = list(labeled.sib200(data_root / "sib200", code, split, report))
            assert {(pair.id, pair.target) for pair in found} == wanted
            assert not any(pair.source.startswith('"') and pair.source.count('"') % 2 for pair in found[:1])
            sizes[split, len(found)] += 1
    assert sizes == {("train", 701): 72, ("dev", 99): 72, ("test", 204): 72}
    assert not report.dropped.counts
    assert report.noted.counts == {"CSV quotes (taken off)": 2621}


@pytest.mark.data
def test_afrisenti_loads_whole_and_its_splits_overlap_as_published(data_root: Path) -> None:
    wanted = {
        "amh": (5984, 1497, 1999), "hau": (14172, 2677, 5303), "ibo": (10192, 1841, 3682), "kin": (3302, 827, 1026),
        "orm": (0, 396, 2096), "swa": (1810, 453, 748), "tir": (0, 398, 2000), "tso": (804, 203, 254),
        "twi": (3481, 388, 949), "yor": (8522, 2090, 4515),
    }  # fmt: skip
    splits = {}
    for code, sizes in wanted.items():
        for split, size in zip(("train", "dev", "test"), sizes, strict=True):
            if size:
                report = Report()
                splits[code, split] = list(labeled.afrisenti(data_root / "afrisenti", code, split, report))
                assert (len(splits[code, split]), report.dropped.counts) == (size, {}), (code, split)
    assert len(labeled.shared(splits["hau", "dev"], splits["hau", "train"])) == 215
    assert len(labeled.shared(splits["orm", "dev"], splits["orm", "test"])) == 185
    assert len(labeled.shared(splits["twi", "test"], splits["twi", "train"])) == 195

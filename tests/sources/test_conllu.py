from pathlib import Path

import pytest

from workbench import languages
from workbench.errors import BadInput
from workbench.sources import conllu
from workbench.sources.lines import Report

SPA, BAM = languages.parse("spa"), languages.parse("bam-Latn")


def row(key: str, form: str, upos: str) -> str:
    return f"{key}\t{form}\t_\t{upos}\t_\t_\t_\t_\t_\t_\n"


SENTENCE = (
    "# sent_id = es-1\n# text = vámonos al mar\n"
    + row("1-2", "vámonos", "_")
    + row("1", "vamos", "VERB")
    + row("2", "nos", "PRON")
    + row("3-4", "al", "_")
    + row("3", "a", "ADP")
    + row("4", "el", "DET")
    + row("5", "mar", "NOUN")
    + row("5.1", "va", "VERB")
)


def write(folder: Path, text: str, name: str = "es.conllu") -> Path:
    path = folder / name
    path.write_bytes(text.encode())
    return path


def test_words_of_a_multiword_token_count_and_empty_nodes_do_not(tmp_path: Path) -> None:
    (found,) = conllu.read(write(tmp_path, SENTENCE + "\n"), SPA)
    assert found.tokens == ("vamos", "nos", "a", "el", "mar")
    assert found.tags == ("VERB", "PRON", "ADP", "DET", "NOUN")
    assert (found.id, found.text, found.task) == ("es-1", "vámonos al mar", "pos")


def test_a_comment_needs_no_blank_after_its_hash_where_rows_are_numbered(tmp_path: Path) -> None:
    (found,) = conllu.read(write(tmp_path, "#newdoc\n#text = mar\n" + row("1", "mar", "NOUN")), SPA)
    assert (found.tokens, found.text) == (("mar",), "mar")


def test_a_token_that_is_nothing_but_quotes_leaves_its_sentence_out(tmp_path: Path) -> None:
    path, report = write(tmp_path, '"" O\nfoo O\n\n#foo O\n'), Report()
    (found,) = conllu.read_columns(path, SPA, "ner", report)
    assert found.tokens == ("#foo",)
    assert sum(report.dropped.counts.values()) == 1


def test_a_token_that_is_a_hash_is_no_comment(tmp_path: Path) -> None:
    (found,) = conllu.read(write(tmp_path, row("1", "#", "SYM") + row("2", "1", "NUM")), SPA)
    assert (found.tokens, found.text) == (("#", "1"), "# 1")


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("2\tnos", "7\tnos"),
        ("\tPRON", "\tpron"),
        ("\tmar\t", "\t\t"),
        ("5\tmar\t_", "5\tmar"),
        ("1\tvamos", "x\tvamos"),
    ],
)
def test_one_bad_row_leaves_its_whole_sentence_out(tmp_path: Path, old: str, new: str) -> None:
    path = write(tmp_path, SENTENCE.replace(old, new) + "\n" + SENTENCE)
    report = Report()
    assert len(list(conllu.read(path, SPA, report))) == 1
    assert sum(report.dropped.counts.values()) == 1
    with pytest.raises(BadInput, match=r"es\.conllu:\d+: "):
        list(conllu.read(path, SPA))


def test_a_file_cut_in_the_middle_of_a_row_says_where(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match=r"es\.conllu:\d+: "):
        list(conllu.read(write(tmp_path, (SENTENCE + "\n" + SENTENCE)[:-12]), SPA))


def test_masakhane_files_are_token_and_tag_with_quotes_as_a_csv_writer_left_them(tmp_path: Path) -> None:
    path = write(tmp_path, '# NUM\n"""" PUNCT\nsera VERB\n\nO PRON\n', "dev.txt")
    first, second = conllu.read_columns(path, BAM, "pos")
    assert (first.tokens, first.tags) == (("#", '"', "sera"), ("NUM", "PUNCT", "VERB"))
    assert (first.id, second.id) == ("dev-1", "dev-5")
    path = write(tmp_path, "Ali B-PER\nKeyita I-PER\nye O\n\nMali I-LOC\n\nx PER\n", "ner.txt")
    report = Report()
    rows = list(conllu.read_columns(path, BAM, "ner", report))
    assert [found.tags for found in rows] == [("B-PER", "I-PER", "O"), ("I-LOC",)]
    assert report.noted.counts == {"I- without B- before it (kept)": 1}
    assert sum(report.dropped.counts.values()) == 1


@pytest.mark.data
def test_every_treebank_has_its_published_size(data_root: Path) -> None:
    wanted = {
        "bm_crb-ud-test": (1026, 13823), "en_ewt-ud-train": (12544, 204577), "en_ewt-ud-dev": (2001, 25147),
        "en_ewt-ud-test": (2077, 25094), "fo_farpahc-ud-train": (1020, 23094), "fo_farpahc-ud-dev": (300, 8746),
        "fo_farpahc-ud-test": (301, 8644), "mt_mudt-ud-train": (1123, 22880), "mt_mudt-ud-dev": (433, 10209),
        "mt_mudt-ud-test": (518, 11073), "ug_udt-ud-train": (1656, 19262), "ug_udt-ud-dev": (900, 10644),
        "ug_udt-ud-test": (900, 10330), "wo_wtb-ud-train": (1188, 23561), "wo_wtb-ud-dev": (449, 10294),
        "wo_wtb-ud-test": (470, 10403), "yo_ytb-ud-test": (317, 8243),
    }  # fmt: skip
    for name, sizes in wanted.items():
        report = Report()
        lang = languages.from_source(name.split("_")[0], "ud")
        rows = list(conllu.read(data_root / "ud" / f"{name}.conllu", lang, report))
        assert (len(rows), sum(len(found.tokens) for found in rows)) == sizes, name
        assert not report.dropped.counts

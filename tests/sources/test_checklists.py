"""Two lists that must stay whole: each known trap of the published data has a test, each format a fuzzed parser."""

from __future__ import annotations

import ast
from pathlib import Path
from typing import get_args

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from workbench import languages
from workbench.errors import BadInput
from workbench.sources import catalogue_read, labeled, lexicon, massive, xsid
from workbench.sources.catalogue_kinds import Format, LexiconFormat
from workbench.sources.lines import Report

TESTS = Path(__file__).resolve().parents[1]
ENG, CYM = languages.parse("eng"), languages.parse("cym")

# What goes wrong with the real files -> the test of it on a small file, written for it.
TRAPS = {
    r"Python's \w+ cuts words at Indic and Burmese vowel signs": (
        "test_languages.py::test_words_keep_their_marks_apostrophes_and_hyphens"
    ),
    "csv's default quoting swallows rows whose text opens with a quote": (
        "sources/test_lines.py::test_rows_check_their_columns_and_quotes_mean_nothing"
    ),
    "the same in lexicons": "sources/test_lexicon.py::test_quotes_are_letters_like_any_other",
    "the same in tweets": "sources/test_labeled.py::test_afrisenti_has_two_headers_and_raw_quotes",
    "the same in verses": "sources/test_books.py::test_a_verse_with_an_opening_quote_swallows_nothing",
    "the same in paradigms": "sources/test_unimorph.py::test_a_leading_quote_swallows_nothing",
    "SIB-200 was quoted by a CSV writer after all": (
        "sources/test_labeled.py::test_sib200_takes_off_the_quotes_that_its_writer_put_and_no_others"
    ),
    "language codes differ by source": "test_languages.py::test_a_source_s_code_means_what_that_source_means_by_it",
    "MASSIVE's sl-SL is Slovenian": (
        "sources/test_massive.py::test_slovenian_is_slovenian_and_a_file_must_be_named_after_its_locale"
    ),
    "MASSIVE's ja-JP and zh-* are scored per character": (
        "sources/test_massive.py::test_japanese_and_chinese_are_cut_into_characters_and_ascii_stays_whole"
    ),
    "xSID's train has 7,690 repeated rows and odd tags": (
        "sources/test_xsid.py::test_train_is_two_files_that_must_agree_line_by_line"
    ),
    "xSID's train has intents and slot types that no test has": (
        "sources/test_checklists.py::test_labels_of_train_alone_are_kept_and_can_be_told"
    ),
    "GATITOS has a row of one column": (
        "sources/test_lexicon.py::test_a_bad_row_is_an_error_at_its_line_or_counted_in_the_report"
    ),
    "GATITOS's en_ts was a copy of en_tn": (
        "sources/test_lexicon_cli.py::test_a_copy_of_another_language_s_file_is_caught_and_close_ones_are_shown"
    ),
    "NTREX has carriage returns": ("sources/test_parallel.py::test_ntrex_pairs_keep_quotes_and_lose_carriage_returns"),
    "AfriSenti's Oromo has a column more": "sources/test_labeled.py::test_afrisenti_has_two_headers_and_raw_quotes",
    "UniMorph has carriage returns and homoglyphs": (
        "sources/test_unimorph.py::test_carriage_returns_bom_nfd_homoglyphs_and_repeated_rows_are_seen_to"
    ),
    "UniMorph's Kurdish has glued rows": (
        "sources/test_unimorph.py::test_two_rows_glued_by_a_lost_newline_are_left_out_as_published_kurdish_has_them"
    ),
    "SIGMORPHON 2023 has the form last, other years second": (
        "sources/test_sigmorphon.py::test_the_wrong_year_is_an_error_and_not_a_corpus_of_feature_bundles"
    ),
    "storybooks differ in licence, story by story": (
        "sources/test_books.py::test_a_story_that_is_not_plainly_cc_by_is_left_out"
    ),
    "LinguaMeta leaves speakers open": "sources/test_books.py::test_speakers_that_are_not_given_are_not_zero",
    "languages of SIB-200 share ids and labels": ("sources/test_checklists.py::test_rows_of_two_varieties_meet_by_id"),
    "language ids become paths": "test_languages.py::test_no_language_is_a_path",
    "the same in UniMorph": (
        "sources/test_unimorph.py::test_a_language_id_is_three_letters_before_it_touches_a_path_or_a_url"
    ),
    "the same in SIB-200 and AfriSenti": "sources/test_labeled.py::test_a_language_id_never_becomes_a_path",
    "the same in NTREX": "sources/test_parallel.py::test_a_language_id_never_becomes_a_path",
    "members of archives climb out": ("sources/test_catalogue_fetch.py::test_a_member_cannot_climb_out_of_the_folder"),
    "members of archives are links or devices": ("sources/test_catalogue_fetch.py::test_links_and_devices_are_refused"),
    "archives are bombs": "sources/test_catalogue_fetch.py::test_bombs_are_stopped_while_they_unpack",
}


def defined(file: Path) -> set[str]:
    return {node.name for node in ast.parse(file.read_text("utf-8")).body if isinstance(node, ast.FunctionDef)}


@pytest.mark.parametrize("trap", TRAPS)
def test_each_trap_of_the_published_data_has_its_test(trap: str) -> None:
    file, _, name = TRAPS[trap].partition("::")
    assert name in defined(TESTS / file)


def test_labels_of_train_alone_are_kept_and_can_be_told(tmp_path: Path) -> None:
    for name, text in {
        "en.train.text.en": "wake me\nplay it\n",
        "en.train.label.en": "O B-time\talarm/set\nB-song B-time\tmusic/play\n",
        "en.test.conll": "# id = 1\n# text = wake me\n# intent = alarm/set\n"
        "1\twake\talarm/set\tO\n2\tme\talarm/set\tB-time\n",
    }.items():
        (tmp_path / name).write_text(text)
    train = list(xsid.read_train(tmp_path / "en.train.text.en", tmp_path / "en.train.label.en", ENG))
    test = list(xsid.read(tmp_path / "en.test.conll", ENG))
    assert {row.label for row in train} - {row.label for row in test} == {"music/play"}
    slots = [{tag[2:] for row in rows for tag in row.tags if tag != "O"} for rows in (train, test)]
    assert slots[0] - slots[1] == {"song"}


def test_rows_of_two_varieties_meet_by_id(tmp_path: Path) -> None:
    for code, text in {"cym_Latn": "chwaraeon", "fij_Latn": "qito"}.items():
        (tmp_path / code).mkdir()
        (tmp_path / code / "dev.tsv").write_text(f"index_id\tcategory\ttext\n7\tsports\t{text}\n")
    welsh, fijian = (list(labeled.sib200(tmp_path, code, "dev")) for code in ("cym_Latn", "fij_Latn"))
    assert [(row.id, row.target) for row in welsh] == [(row.id, row.target) for row in fijian]


# A name under which the catalogue's reader takes a file of each format, and the start of a sound file.
FILES: dict[Format, tuple[str, bytes]] = {
    "gatitos": ("en_cy.tsv", b"cat\tcath\n"),
    "wechsel": ("welsh.txt", b"cat\tcath\n"),
    "muse": ("en-cy.txt", b"cat cath\n"),
    "triples": ("eng-cym.tsv", b"cat\tcath\tn\n"),
    "tsv": ("eng-cym.tsv", b"source\ttarget\ncat\tcath\n"),
    "ntrex": ("newstest2019-src.eng.txt", b"a\nb\n"),
    "sib200": ("cym_Latn/dev.tsv", b"index_id\tcategory\ttext\n1\tsports\ta\n"),
    "flores": ("dev/eng_Latn.jsonl", b'{"id":1,"text":"a"}\n'),
    "massive": ("cy-GB.jsonl", b'{"id":"0","locale":"cy-GB","partition":"test","scenario":"a","intent":"b"}\n'),
    "xsid": ("cy.test.conll", b"# id = 1\n# text = a\n# intent = x/y\n1\ta\tx/y\tO\n\n"),
    "afrisenti": ("hau/dev.tsv", b"tweet\tlabel\na\tpositive\n"),
    "conllu": ("cy-ud-test.conllu", b"# text = a\n1\ta\t_\tNOUN\t_\t_\t_\t_\t_\t_\n\n"),
    "pos": ("bam/dev.txt", b"a NOUN\n\n"),
    "ner": ("bam/dev.txt", b"a B-PER\nb I-PER\nc O\n\n"),
    "unimorph": ("cym/cym", b"a\tb\tV;PST\n"),
    "sigmorphon2023": ("cym.dev", b"a\tV;PST\tb\n"),
    "bible": ("Welsh-WEB.tsv", b"b.GEN.1.1\ta\n"),
    "storybook": ("cy.jsonl", b'{"id":"1","pages":["a"],"credits":["* License: CC BY"]}\n'),
    "linguameta": ("linguameta.tsv", b"bcp_47_code\tname\n"),
    "table": ("a.tsv", b"text\tlabel\na\tb\n"),
    "text": ("a.txt", b"a\n"),
}
ODD = [b"\xef\xbb\xbf", b"\r", b'"', b"\0", b"\xff", b"\t", b"\n", b"[", b"\xe2\x80\xa8", b"x" * 70_000]


def test_every_format_of_the_catalogue_is_fuzzed() -> None:
    assert set(FILES) == set(get_args(Format)) - {"embedded"}  # which is built by us, from wheels with checksums


@pytest.mark.parametrize("format", FILES)
@given(
    head=st.booleans(), pieces=st.lists(st.sampled_from(ODD) | st.binary(max_size=6), max_size=6), cut=st.floats(0, 1)
)
@settings(max_examples=25, suppress_health_check=list(HealthCheck), derandomize=True)
def test_the_catalogue_s_reader_gives_records_or_a_typed_error(
    tmp_path: Path, format: Format, head: bool, pieces: list[bytes], cut: float
) -> None:
    name, sound = FILES[format]
    path = tmp_path / name
    path.parent.mkdir(exist_ok=True)
    whole = sound * head + b"".join(pieces) + sound
    path.write_bytes(whole[: max(1, round(len(whole) * cut))])
    for report in (Report(), None):
        said = ""
        try:
            list(catalogue_read.records(format, path, CYM, report))
        except BadInput as error:
            said = str(error)
        assert not said or str(tmp_path) in said


@pytest.mark.parametrize("format", get_args(LexiconFormat))
def test_a_lexicon_with_a_line_of_ten_megabytes_is_read_or_refused(tmp_path: Path, format: LexiconFormat) -> None:
    path = tmp_path / "long.tsv"
    path.write_bytes(b"<a> [{ " + b"x" * 10_000_000 + b"\n")
    with pytest.raises(BadInput, match=r"long\.tsv"):
        lexicon.read(path, format, ENG, CYM)


def test_the_reader_of_massive_s_meta_is_not_fooled_by_another_file(tmp_path: Path) -> None:
    (tmp_path / "meta.tsv").write_text("id\tpartition\n")
    with pytest.raises(BadInput, match=r"meta\.tsv:1: wanted the header"):
        massive.read_meta(tmp_path / "meta.tsv")

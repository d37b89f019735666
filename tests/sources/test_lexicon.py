"""Readers of bilingual lexicons: each format on a small file written for it, and each real file whole."""

from __future__ import annotations

import gzip
import json
import lzma
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workbench import languages
from workbench.errors import BadInput
from workbench.records import Lexicon, Translation
from workbench.sources import lexicon
from workbench.sources.lexicon import Format
from workbench.sources.lexicon_entry import Entry, clean
from workbench.sources.lines import Report

ENG, CYM, SWH, EUS = (languages.parse(code) for code in ("eng", "cym", "swh", "eus"))


def _file(folder: Path, text: str | bytes, name: str = "lexicon.txt") -> Path:
    path = folder / name
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return path


def _pairs(found: Lexicon) -> list[tuple[str, str]]:
    return [(word, one.word) for word, all_of in found.entries.items() for one in all_of]


# Tables


def test_rows_keep_their_order_their_phrases_and_their_duplicates(tmp_path: Path) -> None:
    path = _file(tmp_path, "cat\tcath\na lot\tllawer iawn\ncat\tcwrcath\ncat\tcath\n")
    found = lexicon.read(path, "gatitos", ENG, CYM, licence="CC-BY-4.0")
    assert (found.source, found.target, found.licence, found.origin) == (ENG, CYM, "CC-BY-4.0", "gatitos:lexicon.txt")
    assert _pairs(found) == [("cat", "cath"), ("cat", "cwrcath"), ("cat", "cath"), ("a lot", "llawer iawn")]


def test_quotes_are_letters_like_any_other(tmp_path: Path) -> None:
    path = _file(tmp_path, '"hello\thelo\n"no"\t"na"\n\'tis\t"\n')
    assert _pairs(lexicon.read(path, "gatitos", ENG, CYM)) == [('"hello', "helo"), ('"no"', '"na"'), ("'tis", '"')]


def test_a_byte_order_mark_and_windows_line_ends_are_taken_off(tmp_path: Path) -> None:
    path = _file(tmp_path, b"\xef\xbb\xbfcat\tcath\r\ndog\tci\r\n")
    assert _pairs(lexicon.read(path, "gatitos", ENG, CYM)) == [("cat", "cath"), ("dog", "ci")]


def test_a_last_line_without_an_end_is_read(tmp_path: Path) -> None:
    assert _pairs(lexicon.read(_file(tmp_path, "cat\tcath"), "gatitos", ENG, CYM)) == [("cat", "cath")]


def test_no_line_ends_but_at_a_line_feed(tmp_path: Path) -> None:
    path = _file(tmp_path, "two\u2028lines\tdwy\u0085linell\n")
    assert _pairs(lexicon.read(path, "gatitos", ENG, CYM)) == [("two lines", "dwy linell")]


def test_sides_are_put_in_normal_form_c_and_spaces_made_one(tmp_path: Path) -> None:
    path = _file(tmp_path, " water \tdw\u0302r  oer\u200b\n")
    report = Report()
    assert _pairs(lexicon.read(path, "gatitos", ENG, CYM, report=report)) == [("water", "dŵr oer")]
    assert report.noted.counts == {"put in normal form C": 1}
    assert report.rows == 1


@pytest.mark.parametrize(
    ("row", "told"),
    [
        ("tükuwküle", "wanted 2 tab-separated columns, not 1"),
        ("cat\tcath\tn", "wanted 2 tab-separated columns, not 3"),
        ("\tcath", "an empty source side"),
        ("cat\t ", "an empty target side"),
        ("cat\t\u200b", "an empty target side"),
        ("cat\tca\x02th", "a control character or a damaged one"),
        ("cat\tca\ufffdth", "a control character or a damaged one"),
        ("cat\tca\rth", "a carriage return inside the line"),
        ("cat\tca\0th", "a NUL byte in the line"),
        ("", "blank line"),
    ],
)
def test_a_bad_row_is_an_error_at_its_line_or_counted_in_the_report(tmp_path: Path, row: str, told: str) -> None:
    path = _file(tmp_path, f"dog\tci\n{row}\nhorse\tceffyl\n")
    with pytest.raises(BadInput, match=rf"lexicon\.txt:2: .*{told}"):
        lexicon.read(path, "gatitos", ENG, CYM)
    report = Report()
    assert _pairs(lexicon.read(path, "gatitos", ENG, CYM, report=report)) == [("dog", "ci"), ("horse", "ceffyl")]
    assert report.dropped.counts == {told: 1}
    assert "lexicon.txt:2" in report.dropped.examples[told]


def test_bytes_that_are_not_utf_8_are_an_error_at_their_line(tmp_path: Path) -> None:
    path = _file(tmp_path, b"dog\tci\n" + "th\u00e9\tte\n".encode("latin-1"))
    with pytest.raises(BadInput, match=r"lexicon\.txt:2: not UTF-8"):
        lexicon.read(path, "gatitos", ENG, CYM)


def test_a_file_without_entries_is_an_error_even_with_a_report(tmp_path: Path) -> None:
    for text in ("", "\n", "one\ntwo\n"):
        with pytest.raises(BadInput):
            lexicon.read(_file(tmp_path, text), "gatitos", ENG, CYM, report=Report())
    with pytest.raises(BadInput, match="wanted a file"):
        lexicon.read(tmp_path / "absent.tsv", "gatitos", ENG, CYM, report=Report())


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("dog,ci\ncat,cath\n", r"left out 2 x wanted 2 to 5 tab-sep.*, first at .*lexicon\.txt:1: 'dog,ci'; is it"),
        ("dog\n", r"left out 1 x wanted 2 to 5 tab-sep.*, first at .*lexicon\.txt:1: 'dog'; is it"),
        ("the\tthé\n".encode("latin-1"), r"left out 1 x not UTF-8, first at .*lexicon\.txt:1: "),
        ("dog\tci\n".encode("utf-16"), r"left out 1 x not UTF-8, first at .*lexicon\.txt:1: "),
    ],
)
def test_a_file_of_which_every_row_was_left_out_says_why(tmp_path: Path, text: str | bytes, told: str) -> None:
    with pytest.raises(BadInput, match=f"no entry of a lexicon eng-Latn -> cym-Latn in it; {told}"):
        lexicon.read(_file(tmp_path, text), "tsv", ENG, CYM, report=Report())


def test_an_unknown_format_names_the_known_ones(tmp_path: Path) -> None:
    wrong: Format = "gattitos"  # type: ignore[assignment]
    with pytest.raises(BadInput, match="gatitos"):
        lexicon.read(_file(tmp_path, "a\tb\n"), wrong, ENG, CYM)


def test_compressed_files_are_read_and_a_cut_one_is_refused(tmp_path: Path) -> None:
    text = "".join(f"word{i}\tgair{i}\n" for i in range(5000)).encode()
    for suffix, packed in ((".gz", gzip.compress(text)), (".xz", lzma.compress(text))):
        whole = _file(tmp_path, packed, f"whole.tsv{suffix}")
        assert len(lexicon.read(whole, "gatitos", ENG, CYM).entries) == 5000
        with pytest.raises(BadInput, match="damaged or cut short"):
            lexicon.read(_file(tmp_path, packed[: len(packed) // 2], f"cut.tsv{suffix}"), "gatitos", ENG, CYM)


def test_a_line_of_ten_megabytes_is_read_and_one_of_twenty_is_refused(tmp_path: Path) -> None:
    long = "a" * 10_000_000
    found = lexicon.read(_file(tmp_path, f"word\t{long}\ncat\tcath\n"), "gatitos", ENG, CYM)
    assert [len(other) for _, other in _pairs(found)] == [10_000_000, 4]
    report = Report()
    path = _file(tmp_path, f"word\t{long}{long}\ncat\tcath\n")
    assert _pairs(lexicon.read(path, "gatitos", ENG, CYM, report=report)) == [("cat", "cath")]
    assert sum(report.dropped.counts.values()) == 1


def test_three_columns_are_source_target_and_part_of_speech(tmp_path: Path) -> None:
    path = _file(tmp_path, "cat\tcath\tn\nrun\trhedeg\t\n")
    entries = lexicon.read(path, "triples", ENG, CYM).entries
    assert entries == {"cat": (Translation("cath", "n"),), "run": (Translation("rhedeg", ""),)}


def test_muse_files_part_words_by_one_space_or_a_tab(tmp_path: Path) -> None:
    path = _file(tmp_path, "cat cath\ndog\tci\n")
    assert _pairs(lexicon.read(path, "muse", ENG, CYM)) == [("cat", "cath"), ("dog", "ci")]
    with pytest.raises(BadInput, match="not 3"):
        lexicon.read(_file(tmp_path, "a lot llawer\n"), "muse", ENG, CYM)


def test_a_reversed_file_is_turned_round(tmp_path: Path) -> None:
    path = _file(tmp_path, "cath\tcat\tn\nci\tdog\tn\n")
    found = lexicon.read(path, "triples", ENG, CYM, reverse=True)
    assert found.entries == {"cat": (Translation("cath", "n"),), "dog": (Translation("ci", "n"),)}


# Our own format


def test_our_format_takes_two_to_five_columns_and_an_optional_header(tmp_path: Path) -> None:
    path = _file(
        tmp_path, "source\ttarget\tpos\tweight\ncat\tcath\ndog\tci\tn\nhorse\tceffyl\tn\t2.5\npig\tmochyn\t\t1\tme\n"
    )
    entries = lexicon.read(path, "tsv", ENG, CYM).entries
    assert entries["horse"] == (Translation("ceffyl", "n", 2.5),)
    assert list(entries) == ["cat", "dog", "horse", "pig"]


@pytest.mark.parametrize("weight", ["0", "-1", "nan", "inf", "many"])
def test_a_weight_must_be_a_positive_number(tmp_path: Path, weight: str) -> None:
    with pytest.raises(BadInput, match=r":1: the weight is no positive number"):
        lexicon.read(_file(tmp_path, f"cat\tcath\tn\t{weight}\n"), "tsv", ENG, CYM)


words = st.text(min_size=1).map(clean).filter(bool).filter(lambda text: text.isprintable() and "\ufffd" not in text)
translations = st.builds(Translation, words, st.just("") | st.just("n"), st.floats(0.001, 1e6))


@given(entries=st.dictionaries(words, st.lists(translations, min_size=1, max_size=3).map(tuple), min_size=1))
def test_a_lexicon_written_is_the_lexicon_read(
    entries: dict[str, tuple[Translation, ...]], tmp_path_factory: pytest.TempPathFactory
) -> None:
    path = tmp_path_factory.mktemp("round") / "lexicon.tsv"
    whole = Lexicon(ENG, CYM, entries, "test", "CC0-1.0")
    assert lexicon.write(path, whole) == sum(map(len, entries.values()))
    assert lexicon.read(path, "tsv", ENG, CYM, origin="test", licence="CC0-1.0") == whole


# FreeDict

TEI = """<?xml version="1.0" encoding="UTF-8"?>
<TEI xmlns="http://www.tei-c.org/ns/1.0"><teiHeader><p>an <entry>example</entry> in the header</p></teiHeader>
<text><body>
<entry><form><orth>paka</orth></form><gramGrp><pos>n</pos></gramGrp>
  <sense><cit type="trans"><quote>cat</quote></cit>
  <cit type="trans" xml:lang="de"><quote>Katze</quote></cit></sense></entry>
<entry><form><orth>kimbia</orth><orth>kukimbia</orth></form>
  <sense n="1"><gramGrp><pos>v</pos></gramGrp><cit type="trans" xml:lang="en"><quote>run
    away</quote></cit><cit type="example"><quote>not this</quote></cit></sense></entry>
<entry><form><orth>ona</orth></form><sense><xr>see below</xr></sense></entry>
<entry><form><orth>mti</orth></form><trans><tr>tree</tr></trans></entry>
</body></text></TEI>
"""


def test_tei_gives_each_headword_with_each_translation_and_its_part_of_speech(tmp_path: Path) -> None:
    report = Report()
    found = lexicon.read(_file(tmp_path, TEI), "freedict", SWH, ENG, report=report)
    assert found.entries == {
        "paka": (Translation("cat", "n"),),
        "kimbia": (Translation("run away", "v"),),
        "kukimbia": (Translation("run away", "v"),),
        "mti": (Translation("tree"),),
    }
    assert report.dropped.counts == {"a translation marked as another language": 1, "an entry without a translation": 1}
    assert len(lexicon.read(_file(tmp_path, TEI), "freedict", SWH, ENG).entries) == 4


DOCTYPE = '<!DOCTYPE TEI SYSTEM "%s">\n<TEI '


@pytest.mark.parametrize(
    ("declared", "told"),
    [
        ('<!DOCTYPE TEI [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;&a;">]>', "defines the entity 'a'"),
        ('<!DOCTYPE TEI [<!ENTITY a SYSTEM "file:///etc/passwd">]>', "defines the entity 'a'"),
        ('<!DOCTYPE TEI [<!ENTITY % a SYSTEM "file:///etc/passwd"> %a;]>', "defines the entity 'a'"),
        ('<!DOCTYPE TEI [<!ENTITY % a "&#37;b;"> <!ENTITY % b "x">]>', "defines the entity 'a'"),
    ],
)
def test_definitions_of_entities_are_refused_before_they_can_grow(tmp_path: Path, declared: str, told: str) -> None:
    path = _file(tmp_path, TEI.replace("<TEI ", declared + "\n<TEI "))
    with pytest.raises(BadInput, match=rf"lexicon\.txt:2: .*{told}"):
        lexicon.read(path, "freedict", SWH, ENG, report=Report())


def test_a_document_type_that_is_only_named_is_not_read(tmp_path: Path) -> None:
    (tmp_path / "freedict-P5.dtd").write_text('<!ENTITY nbsp "read">')
    named = TEI.replace("<TEI ", DOCTYPE % "freedict-P5.dtd")
    switched = TEI.replace("<TEI ", '<!DOCTYPE TEI [<!ENTITY % TEI.dictionaries "INCLUDE">]><TEI ')
    for text in (named, switched):
        assert len(lexicon.read(_file(tmp_path, text), "freedict", SWH, ENG).entries) == 4
    with pytest.raises(BadInput, match=r"lexicon\.txt:6: &nbsp; is an entity of a document type that is not read"):
        lexicon.read(_file(tmp_path, named.replace(">cat<", ">c&nbsp;t<")), "freedict", SWH, ENG)


def test_xml_is_read_in_the_encoding_that_it_declares(tmp_path: Path) -> None:
    text = TEI.replace(">cat<", ">Ïak<")
    for name in ("ISO-8859-1", "UTF-16", "windows-1252"):
        data = text.replace("UTF-8", name).encode(name)
        found = lexicon.read(_file(tmp_path, data), "freedict", SWH, ENG).entries
        assert found["paka"] == (Translation("Ïak", "n"),)
    with pytest.raises(BadInput, match="not well-formed"):
        lexicon.read(_file(tmp_path, text.encode("latin-1")), "freedict", SWH, ENG)
    with pytest.raises(BadInput, match="encoding"):
        lexicon.read(_file(tmp_path, TEI.replace("UTF-8", "x-mine")), "freedict", SWH, ENG)


def test_definitions_stand_in_where_an_entry_has_no_translation(tmp_path: Path) -> None:
    text = """<TEI><text><body>
    <entry><form><orth>bahari</orth></form><gramGrp><pos>n</pos></gramGrp>
      <sense><def><note>hint, old</note>sea, ocean (salt, wide)</def></sense><sense><def>bay; gulf</def></sense></entry>
    <entry><form><orth>a</orth></form><sense><def>the first letter of the whole alphabet, vowel</def></sense></entry>
    <entry><form><orth>don</orth></form>
      <sense><trans><tr>is</tr><pos>v</pos></trans><def>be, exist</def></sense></entry>
    </body></text></TEI>"""
    report = Report()
    found = lexicon.read(_file(tmp_path, text), "freedict", SWH, ENG, report=report)
    assert _pairs(found) == [
        ("bahari", "sea"),
        ("bahari", "ocean (salt, wide)"),
        ("bahari", "bay"),
        ("bahari", "gulf"),
        ("a", "vowel"),
        ("don", "is"),
    ]
    assert [one.pos for one in (*found.entries["bahari"], *found.entries["don"])] == ["n", "n", "n", "n", "v"]
    assert report.noted.counts == {"translations taken from a definition": 2}
    assert report.dropped.counts == {"a definition, not a translation": 1}


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (TEI[: len(TEI) // 2], "not well-formed XML"),
        (TEI.replace("</sense>", "", 1), "not well-formed XML"),
        (TEI.replace("cat<", "c&nbsp;t<"), "not well-formed XML"),  # no document type: no entity to be skipped
        ("<html><body><entry/></body></html>", "wanted the root element TEI"),
        (TEI.replace("<form>", "<sense>" * 200 + "</sense>" * 200 + "<form>", 1), "nested more than 100 deep"),
        (TEI.replace("<orth>ona</orth>", ""), "without a headword"),
        ("not XML", "not well-formed XML"),
    ],
)
def test_xml_of_another_kind_is_an_error_at_its_line(tmp_path: Path, text: str, told: str) -> None:
    with pytest.raises(BadInput, match=rf"lexicon\.txt:\d+.*{told}"):
        lexicon.read(_file(tmp_path, text), "freedict", SWH, ENG)


# Apertium

DIX = """<?xml version="1.0"?>
<dictionary><alphabet/><sdefs><sdef n="n"/></sdefs>
<pardefs><pardef n="x"><e><p><l>no</l><r>not</r></p></e></pardef></pardefs>
<section id="main" type="standard">
<e><p><l>house<s n="n"/></l><r>etxe<s n="n"/></r></p></e>
<e r="RL"><p><l>home<s n="n"/></l><r>etxe<s n="n"/></r></p></e>
<e r="LR"><p><l>take<g><b/>off</g><s n="vblex"/></l><r>kendu<s n="vblex"/></r></p></e>
<e><i>Bilbo<s n="np"/></i></e>
<e i="yes"><p><l>old</l><r>zahar</r></p></e>
<e><re>[0-9]+</re></e>
<e><par n="x"/></e>
<e><p><l>of<j/>the</l><r>-aren</r></p></e>
<e r="LR"><p><l>at<s n="pr"/></l><r></r></p></e>
</section></dictionary>
"""


def test_dix_gives_lemma_pairs_of_the_wanted_direction(tmp_path: Path) -> None:
    report = Report()
    found = lexicon.read(_file(tmp_path, DIX), "apertium", ENG, EUS, report=report)
    assert found.entries == {
        "house": (Translation("etxe", "n"),),
        "take off": (Translation("kendu", "vblex"),),
        "Bilbo": (Translation("Bilbo", "np"),),
        "of+the": (Translation("-aren"),),
    }
    assert sum(report.dropped.counts.values()) == 5
    assert lexicon.read(_file(tmp_path, DIX), "apertium", ENG, EUS) == found
    back = lexicon.read(_file(tmp_path, DIX), "apertium", EUS, ENG, reverse=True)
    assert [one.word for one in back.entries["etxe"]] == ["house", "home"]
    assert "kendu" not in back.entries


# Wiktextract


def _page(word: str, *translations: object, **more: object) -> str:
    return json.dumps({"word": word, "lang_code": "en", "pos": "noun", "translations": translations} | more) + "\n"


def test_wiktextract_gives_the_translations_into_the_language_and_its_script(tmp_path: Path) -> None:
    srp = languages.parse("srp-Latn")
    sense = {"translations": [{"lang_code": "sr", "word": "dom"}]}
    text = (
        _page("house", {"code": "sr", "word": "куча"}, {"code": "sr", "word": "kuća"}, {"code": "cy", "word": "tŷ"})
        + _page("home", senses=[sense, {"glosses": ["x"]}])
        + _page("chat", {"code": "sr", "word": "razgovor"}, lang_code="fr")
        + json.dumps({"title": "a", "redirect": "b"})
        + "\n"
        + _page("tree", {"code": "sr", "note": "see wood"}, {"code": "roa-opt", "word": "x"}, "odd", {"word": 3})
    )
    report = Report()
    found = lexicon.read(_file(tmp_path, text), "wiktextract", ENG, srp, report=report)
    assert found.entries == {"house": (Translation("kuća", "noun"),), "home": (Translation("dom", "noun"),)}
    assert report.dropped.counts == {
        "a translation not written in Latn": 1,
        "a page of another language": 1,
        "no word of a language (a redirect or another page)": 1,
        "a translation that is a note, not a word": 1,
    }


def test_wiktextract_finds_a_language_under_its_macrolanguage(tmp_path: Path) -> None:
    text = _page("cat", {"code": "sw", "word": "paka"})
    assert _pairs(lexicon.read(_file(tmp_path, text), "wiktextract", ENG, SWH)) == [("cat", "paka")]


@pytest.mark.parametrize("line", ["{", "[1]", '"x"', "nul", "[" * 100_000, "1" * 5000, '{"word": "\\ud800"'])
def test_a_line_that_is_no_page_is_an_error_at_its_line(tmp_path: Path, line: str) -> None:
    path = _file(tmp_path, _page("cat", {"code": "cy", "word": "cath"}) + line + "\n")
    with pytest.raises(BadInput, match=r"lexicon\.txt:2: "):
        lexicon.read(path, "wiktextract", ENG, CYM)


def test_a_lone_surrogate_in_json_is_a_damaged_character(tmp_path: Path) -> None:
    path = _file(tmp_path, _page("cat", {"code": "cy", "word": "ca\ud800th"}))
    with pytest.raises(BadInput, match="damaged"):
        lexicon.read(path, "wiktextract", ENG, CYM)


# Two files joined


def test_panlex_expressions_are_joined_by_meaning(tmp_path: Path) -> None:
    head = "id\tlangvar\ttxt\ttxt_degr\tmeaning\tlangvar_uid\n"
    eng = _file(tmp_path, head + '1\t187\tcat\tcat\t10\teng-000\n2\t187\t"say ""no"""\tsay\t11\teng-000\n', "eng.tsv")
    swh = _file(tmp_path, head + "3\t5\tpaka\tpaka\t10\tswh-000\n4\t5\tkataa\tkataa\t11\tswh-000\n", "swh.tsv")
    report = Report()
    found = lexicon.join(eng, swh, "panlex", ENG, SWH, report=report)
    assert _pairs(found) == [("cat", "paka"), ('say "no"', "kataa")]
    assert report.rows == 2
    with pytest.raises(BadInput, match="columns 'txt' and 'meaning'"):
        lexicon.join(eng, _file(tmp_path, "a\tb\n", "x.tsv"), "panlex", ENG, SWH)
    with pytest.raises(BadInput, match=r"y\.tsv:2: the meaning is no PanLex id"):
        lexicon.join(eng, _file(tmp_path, head + "3\t5\tpaka\tpaka\tx\tswh-000\n", "y.tsv"), "panlex", ENG, SWH)


def _annotations(**names: object) -> str:
    return json.dumps({"annotations": {"identity": {}, "annotations": names}})


def test_cldr_names_of_the_same_symbol_are_translations(tmp_path: Path) -> None:
    eng = _annotations(
        a={"tts": ["cat face"], "default": ["cat"]}, b={"tts": ["wave: light skin"]}, c={"tts": ["dog"]}, d={}
    )
    cym = _annotations(a={"tts": ["wyneb cath"]}, b={"tts": ["chwifio: golau"]})
    paths = _file(tmp_path, eng, "en.json"), _file(tmp_path, cym, "cy.json")
    report = Report()
    assert _pairs(lexicon.join(*paths, "annotations", ENG, CYM, report=report)) == [("cat face", "wyneb cath")]
    assert sum(report.dropped.counts.values()) == 3
    assert _pairs(lexicon.join(*paths, "annotations", ENG, CYM)) == [("cat face", "wyneb cath")]


@pytest.mark.parametrize("text", ["<html>not found</html>", "{}", "[]", '{"annotations": {"annotations": 3}}'])
def test_an_error_page_in_place_of_annotations_is_refused(tmp_path: Path, text: str) -> None:
    good = _file(tmp_path, _annotations(a={"tts": ["cat"]}), "en.json")
    with pytest.raises(BadInput, match=r"cy\.json: "):
        lexicon.join(good, _file(tmp_path, text, "cy.json"), "annotations", ENG, CYM)


def test_an_entry_turned_twice_is_itself() -> None:
    one = Entry("cat", "cath", "n", 2.0)
    assert one.turned() == Entry("cath", "cat", "n", 2.0)
    assert one.turned().turned() == one

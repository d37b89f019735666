"""Whatever bytes a lexicon file holds: entries, or a typed error that names the file; never a crash, never silence."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import get_args

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from workbench import languages
from workbench.errors import BadInput
from workbench.records import Lexicon
from workbench.sources import lexicon
from workbench.sources.lexicon import Format, PairFormat
from workbench.sources.lines import Report

ENG, CYM = languages.parse("eng"), languages.parse("cym")
fuzz = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])

# Pieces that parsers trip over, so that examples get past the first check.
PIECES = [
    *(b"\t", b"\n", b"\r", b"\r\n", b"\0", b'"', b"'", b"\xef\xbb\xbf", b"\xff", b"\xc3", b"\xe2\x80\xa8", b"\x1a"),
    *(b" ", b"cat", b"cath", "tŷ".encode(), b"n", b"1.0", b"nan", b"-1e999", b"\xed\xa0\x80", "\u200b".encode()),
    *(b"<TEI><text><body>", b"<entry>", b"<form><orth>cat</orth></form>", b"</entry>", b"</body></text></TEI>"),
    *(b"<cit type='trans'><quote>cath</quote></cit>", b"<dictionary><section>", b"</section></dictionary>"),
    *(b"<e><p><l>cat<b/></l><r>cath</r></p></e>", b"<e/>", b"<!DOCTYPE TEI [", b"<!ENTITY a 'b'>", b"]>", b"&a;"),
    *(b"<!DOCTYPE TEI SYSTEM 'a.dtd'>", b"<sense><def>cath, ci</def></sense>", b"encoding='latin-1'"),
    *(b"&#0;", b"&#xD800;", b"<![CDATA[", b"<?xml version='1.0' encoding='utf-16'?>", b"<!--", b"xml:lang='zz'"),
    *(b"xmlns='x'", b"{", b"}", b"[", b"]", b":", b",", b"null", b"\\ud800", b"1e999", b"10", b"txt\tmeaning\n"),
    b'{"word": "cat", "lang_code": "en", "translations": [{"code": "cy", "word": "cath"}]}',
    b'{"annotations": {"annotations": {"x": {"tts": ["cat"]}}}}',
]
content = st.one_of(
    st.binary(max_size=200),
    st.lists(st.sampled_from(PIECES), max_size=25).map(b"".join),
    st.lists(st.one_of(st.sampled_from(PIECES), st.text(max_size=5).map(lambda t: t.encode("utf-8", "replace")))).map(
        b"".join
    ),
)


def _sound(found: Lexicon) -> None:
    """What every stage after the readers relies on."""
    assert found.entries
    for word, translations in found.entries.items():
        assert translations
        for text in (word, *(one.word for one in translations)):
            assert text == text.strip() != ""
            assert not set("\n\t\r\0") & set(text)
            assert text.encode().decode() == text == languages.nfc(text)
        assert all(one.weight > 0 for one in translations)


def _attempt(read: Callable[[Report | None], Lexicon], report: Report | None) -> Lexicon | str:
    try:
        return read(report)
    except BadInput as error:
        return str(error)


def _entries_or_typed_error(read: Callable[[Report | None], Lexicon], name: str) -> None:
    """Strict and counting readings: each gives a sound lexicon or BadInput, and they agree where strict succeeds."""
    report = Report()
    strict, counted = _attempt(read, None), _attempt(read, report)
    for found in (strict, counted):
        if isinstance(found, Lexicon):
            _sound(found)
        else:
            assert name in found
            assert len(found) < 2_000
    if isinstance(strict, Lexicon):
        assert strict == counted
    elif isinstance(counted, Lexicon):
        assert report.rows == sum(map(len, counted.entries.values()))
        assert report.dropped.counts, "strict reading refused what counted reading does not mention"


@pytest.mark.parametrize("format", get_args(Format))
@fuzz
@given(data=content, reverse=st.booleans())
@example(data=b"", reverse=False)
@example(data=b"\xef\xbb\xbf", reverse=False)
@example(data=b'"cat\tcath\n"', reverse=False)
@example(data=b"cat\tcath\rdog\tci\r", reverse=False)
def test_one_file_formats(tmp_path: Path, format: Format, data: bytes, reverse: bool) -> None:
    path = tmp_path / "fuzzed.any"
    path.write_bytes(data)
    source, target = (CYM, ENG) if reverse else (ENG, CYM)
    _entries_or_typed_error(
        lambda report: lexicon.read(path, format, source, target, reverse=reverse, report=report), "fuzzed.any"
    )


@pytest.mark.parametrize("format", get_args(PairFormat))
@fuzz
@given(left=content, right=content)
def test_joined_formats(tmp_path: Path, format: PairFormat, left: bytes, right: bytes) -> None:
    good = {
        "panlex": b"txt\tmeaning\ncat\t10\n",
        "annotations": b'{"annotations": {"annotations": {"x": {"tts": ["cat"]}}}}',
    }
    path, other = tmp_path / "fuzzed.left", tmp_path / "fuzzed.right"
    for one, two in ((left, right), (good[format], right), (left, good[format])):
        path.write_bytes(one)
        other.write_bytes(two)
        _entries_or_typed_error(lambda report: lexicon.join(path, other, format, ENG, CYM, report=report), "fuzzed.")


json_value = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=5)
    | st.sampled_from(["cy", "en", "cath"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["word", "lang_code", "code", "translations", "senses", "pos", "annotations", "tts", "x"]),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)


@fuzz
@given(value=json_value)
def test_json_of_any_shape(tmp_path: Path, value: object) -> None:
    path = tmp_path / "fuzzed.json"
    path.write_text(json.dumps(value) + "\n")
    _entries_or_typed_error(lambda report: lexicon.read(path, "wiktextract", ENG, CYM, report=report), "fuzzed.json")
    _entries_or_typed_error(
        lambda report: lexicon.join(path, path, "annotations", ENG, CYM, report=report), "fuzzed.json"
    )


WHOLE: dict[Format, str] = {
    "gatitos": "cat\tcath\ndog\tci\n",
    "wechsel": "cat\tcath\ndog\tci\n",
    "triples": "cat\tcath\tn\ndog\tci\t\n",
    "muse": "cat cath\ndog ci\n",
    "tsv": "source\ttarget\tpos\tweight\ncat\tcath\tn\t1.0\ndog\tci\tn\t2.0\n",
    "freedict": "<TEI><text><body><entry><form><orth>cat</orth></form>"
    "<cit type='trans'><quote>cath</quote></cit></entry></body></text></TEI>\n",
    "apertium": "<dictionary><section><e><p><l>cat</l><r>cath</r></p></e></section></dictionary>\n",
    "wiktextract": '{"word": "cat", "lang_code": "en", "translations": [{"code": "cy", "word": "cath"}]}\n',
}


@pytest.mark.parametrize("format", get_args(Format))
@fuzz
@given(data=st.data())
def test_a_file_cut_or_changed_anywhere(tmp_path: Path, format: Format, data: st.DataObject) -> None:
    whole = WHOLE[format].encode()
    path = tmp_path / "fuzzed.any"
    path.write_bytes(whole)
    _sound(lexicon.read(path, format, ENG, CYM))
    at = data.draw(st.integers(0, len(whole) - 1))
    inserted = data.draw(st.sampled_from([b"", *PIECES]))
    kept = data.draw(st.integers(at, len(whole)))
    path.write_bytes(whole[:at] + inserted + whole[kept:])
    _entries_or_typed_error(lambda report: lexicon.read(path, format, ENG, CYM, report=report), "fuzzed.any")

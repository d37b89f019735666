"""What is counted of a lexicon, two of them compared and merged, and files that hold the wrong language."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workbench import languages
from workbench.errors import BadInput
from workbench.records import Document, Lang, Lexicon, Translation
from workbench.sources import lexicon
from workbench.sources.lexicon_merge import compare, merge
from workbench.sources.lexicon_quality import coverage, report, suspects
from workbench.sources.lexicon_text import render
from workbench.sources.lines import Report

ENG, CYM, TSN, TSO = (languages.parse(code) for code in ("eng", "cym", "tsn", "tso"))
KAZ, SWH, SWA = (languages.parse(code) for code in ("kaz", "swh", "swa"))


def _lexicon(rows: str, target: Lang = CYM, origin: str = "test", licence: str = "CC0-1.0") -> Lexicon:
    """`cat=cath,cwrcath; dog=ci`"""
    entries = dict(row.strip().split("=") for row in rows.split(";"))
    found = {word: tuple(Translation(one) for one in all_of.split(",")) for word, all_of in entries.items()}
    return Lexicon(ENG, target, found, origin, licence)


def _text(lang: Lang, *lines: str) -> list[Document]:
    return [Document(str(number), line, lang) for number, line in enumerate(lines)]


# The report


def test_the_shape_of_a_lexicon_is_counted() -> None:
    found = report(_lexicon("cat=cath,cwrcath,cath; a lot=llawer iawn; dog=ci"))
    assert (found.num_sources, found.num_rows, found.num_pairs, found.num_duplicates) == (3, 5, 4, 1)
    assert (found.num_ambiguous, found.most_translations) == (1, 2)
    assert (found.num_multiword_sources, found.num_multiword_targets) == (1, 1)
    assert found.translations_per_source == pytest.approx(4 / 3)
    assert found.faults == {}


def test_faults_are_counted_with_examples() -> None:
    found = report(_lexicon(f"Paris=paris; cat=мысық; dog=ит,dog; tree=аға{chr(0x63)}; !=!; pike=шортан (n)", KAZ))
    assert found.faults == {
        "both sides the same": 3,
        "a side without a word": 2,  # both sides of "!"
        "kaz not written in Cyrl": 2,
        "a word of mixed scripts (homoglyphs?)": 1,
        "a note in brackets": 1,
    }
    assert found.examples["kaz not written in Cyrl"] == ("Paris = paris", "dog = dog")


def test_writing_in_several_unicode_scripts_is_no_fault_where_the_language_does_so() -> None:
    assert report(_lexicon("cat=猫; dog=いぬ; TV=テレビ; tree=木の実", languages.parse("jpn"))).faults == {}
    assert report(_lexicon("cat=貓", languages.parse("yue"))).faults == {}


def test_coverage_counts_words_of_the_longest_phrases_without_case() -> None:
    found = report(
        _lexicon("a lot=llawer; a=un; lot=tynged; Of cats=cathod"),
        [*_text(ENG, "A lot, a lot of cats!", "lot of dogs"), *_text(CYM, "llawer o gathod")],
    ).coverage
    english, welsh = found
    assert (english.lang, english.num_tokens, english.num_covered_tokens) == (ENG, 9, 7)
    assert (english.num_types, english.num_covered_types) == (5, 4)
    assert english.most_frequent_missing == (("dogs", 1), ("of", 1))  # "of" is covered only before "cats"
    assert (welsh.num_tokens, welsh.num_covered_tokens, welsh.token_rate) == (3, 1, pytest.approx(1 / 3))


def test_text_in_a_third_language_is_refused() -> None:
    with pytest.raises(BadInput, match="wanted text in eng-Latn or cym-Latn, got kaz-Cyrl"):
        report(_lexicon("cat=cath"), _text(KAZ, "мысық"))


@given(
    st.lists(st.sampled_from(["a", "b", "c", "d"]), max_size=12), st.sets(st.sampled_from(["a", "a b", "b c d", "d"]))
)
def test_coverage_never_exceeds_the_text(text: list[str], entries: set[str]) -> None:
    whole = Lexicon(ENG, CYM, {entry: (Translation("x"),) for entry in sorted(entries)}, "test")
    for found in coverage(whole, _text(ENG, " ".join(text))):
        assert 0 <= found.num_covered_tokens <= found.num_tokens == len(text)
        assert 0 <= found.num_covered_types <= found.num_types == len(set(text))
        alone = sum(word in entries for word in text)
        assert found.num_covered_tokens >= alone - sum(word == "b" for word in text)


# Comparing


def test_comparing_counts_agreement_and_shows_where_two_lexicons_part() -> None:
    first = _lexicon("cat=cath; dog=ci,hen gi; water=dŵr; tree=coeden", origin="one")
    second = _lexicon("Cat=Cath; dog=daeargi; water=dwr; sun=haul", origin="two")
    found = compare(first, second)
    assert (found.num_sources, found.num_pairs) == ((4, 4), (5, 4))
    assert (found.num_shared_sources, found.num_shared_pairs) == (3, 1)
    assert (found.num_agreeing, found.num_agreeing_but_for_marks) == (1, 1)
    assert found.agreement_rate == pytest.approx(1 / 3)
    assert found.disagreements == ("dog: ci, hen gi | daeargi",)


# Merging


def test_merging_keeps_every_entry_once_with_the_origins_that_have_it(tmp_path: Path) -> None:
    first = _lexicon("cat=cath,cath; dog=ci", origin="one", licence="CC-BY-4.0")
    second = Lexicon(ENG, CYM, {"cat": (Translation("cath", "n", 2.0), Translation("cwrcath"))}, "two", "CC-BY-SA-3.0")
    found = merge(first, second)
    assert found.lexicon.entries == {
        "cat": (Translation("cath", "n", 4.0), Translation("cwrcath", "", 1.0)),
        "dog": (Translation("ci", "", 1.0),),
    }
    assert found.origins == {("cat", "cath"): ("one", "two"), ("cat", "cwrcath"): ("two",), ("dog", "ci"): ("one",)}
    assert (found.lexicon.origin, found.lexicon.licence) == ("one+two", "CC-BY-4.0 AND CC-BY-SA-3.0")

    path = tmp_path / "merged.tsv"
    assert lexicon.write(path, found.lexicon, found.origins) == 3
    assert path.read_text("utf-8").splitlines()[1] == "cat\tcath\tn\t4.0\tone two"
    assert lexicon.read(path, "tsv", ENG, CYM).entries == found.lexicon.entries


def test_lexicons_of_different_languages_are_neither_compared_nor_merged() -> None:
    for act in (compare, merge):
        with pytest.raises(BadInput, match="different languages"):
            act(_lexicon("cat=cath", origin="a"), _lexicon("cat=katse", TSN, origin="b"))
    with pytest.raises(BadInput, match="related"):
        merge(_lexicon("cat=paka", SWH, origin="a"), _lexicon("cat=paka", SWA, origin="b"))


def test_origins_must_tell_the_merged_lexicons_apart() -> None:
    with pytest.raises(BadInput, match="distinct names"):
        merge(_lexicon("cat=cath", origin="a"), _lexicon("dog=ci", origin="a"))
    with pytest.raises(BadInput, match="without spaces"):
        merge(_lexicon("cat=cath", origin="a b"), _lexicon("dog=ci", origin="a"))


# Wrong-language files


def _numbered(target: Lang, start: int, stop: int, origin: str) -> Lexicon:
    entries = {f"word{i}": (Translation(f"lefoko{i}"),) for i in range(start, stop)}
    return Lexicon(ENG, target, entries | {"Jesus": (Translation("Jesus"),)}, origin)


def test_a_file_that_holds_another_language_is_suspected() -> None:
    tswana = _numbered(TSN, 0, 100, "en_tn")
    copied = {"en_tn": tswana, "en_ts": _numbered(TSO, 0, 100, "en_ts")}
    assert [(one.first, one.second, one.kind, one.num_shared) for one in suspects(copied)] == [
        ("en_tn", "en_ts", "identical", 100)
    ]
    nearly = {"en_tn": tswana, "en_ts": _numbered(TSO, 5, 105, "en_ts")}
    assert [(one.kind, one.shared_rate) for one in suspects(nearly)] == [("nearly the same", 0.95)]
    close = {"en_tn": tswana, "en_ts": _numbered(TSO, 35, 135, "en_ts")}
    assert [(one.kind, one.shared_rate) for one in suspects(close)] == [("close", 0.65)]
    apart = {"en_tn": tswana, "en_ts": _numbered(TSO, 100, 200, "en_ts")}
    assert suspects(apart) == []


def test_two_files_of_one_language_are_not_suspected() -> None:
    same = {"one": _numbered(SWH, 0, 100, "one"), "two": _numbered(SWA, 0, 100, "two")}
    assert suspects(same) == []


# As text


def test_reports_read_as_text() -> None:
    first = _lexicon("cat=cath,cwrcath; [x]=[x]", origin="one", licence="")
    text = render(report(first, _text(ENG, "cat and [dog]")))
    assert "one: English (eng-Latn) -> Welsh (cym-Latn)" in text
    assert "unstated" in text
    assert "both sides the same" in text
    assert "[x] = [x]" in text
    assert "most frequent words not in it: and, dog" in text
    assert "none found" in render([])
    second = _lexicon("cat=pws", origin="two")
    assert "apart: cat: cath, cwrcath | pws" in render(compare(first, second))
    assert "unstated AND CC0-1.0" in render(merge(first, second))
    copied = {"en_tn": _numbered(TSN, 0, 9, "a"), "en_ts": _numbered(TSO, 0, 9, "b")}
    assert "identical" in render(suspects(copied))
    assert all(len(line) <= 100 and line == line.rstrip() for line in text.splitlines())


# The real files


@pytest.fixture(scope="module")
def gatitos(data_root: Path) -> dict[str, Lexicon]:
    return {
        path.stem: lexicon.read(
            path, "gatitos", ENG, languages.from_source(path.stem[3:], "gatitos"), report=Report(), origin=path.stem
        )
        for path in sorted(data_root.glob("gatitos/en_*.tsv"))
    }


@pytest.mark.data
def test_a_gatitos_file_that_is_a_copy_of_another_language_s_is_caught(gatitos: dict[str, Lexicon]) -> None:
    # At one commit en_ts (Tsonga) is byte for byte en_tn (Tswana). The pack holds the right one of another commit.
    some = {name: gatitos[name] for name in ("en_nso", "en_ss", "en_tn", "en_ve")}
    upstream = some | {"en_ts": Lexicon(ENG, TSO, gatitos["en_tn"].entries, "en_ts")}
    assert [(one.first, one.second, one.kind) for one in suspects(upstream)] == [("en_tn", "en_ts", "identical")]
    assert [(one.first, one.second) for one in suspects(gatitos)] == [("en_bho", "en_mag"), ("en_kg", "en_ktu")]


@pytest.mark.data
def test_a_real_lexicon_covers_real_text_as_counted(gatitos: dict[str, Lexicon], data_root: Path) -> None:
    english = (data_root / "ntrex" / "newstest2019-src.eng.txt").read_text("utf-8").split("\n")
    wolof = (data_root / "ntrex" / "newstest2019-ref.wol.txt").read_text("utf-8").split("\n")
    found = report(gatitos["en_wo"], [*_text(ENG, *english), *_text(languages.parse("wol"), *wolof)])
    assert (found.num_sources, found.num_pairs, found.num_ambiguous) == (4_001, 4_034, 32)
    assert [round(one.token_rate, 2) for one in found.coverage] == [0.70, 0.40]

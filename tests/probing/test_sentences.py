"""Parallel sentences: read alike from every source; whatever does not fit together is refused with its place."""

from __future__ import annotations

from pathlib import Path

import pytest

from workbench.errors import BadInput
from workbench.probing import sentences
from workbench.records import Lang, Pair
from workbench.sources import catalogue

ENG, CYM, HYE = Lang("eng", "Latn"), Lang("cym", "Latn"), Lang("hye", "Armn")


def folder(tmp_path: Path, **languages: str) -> str:
    for tag, text in languages.items():
        (tmp_path / f"{tag.replace('_', '-')}.txt").write_text(text, "utf-8")
    return str(tmp_path)


def test_a_folder_has_one_file_per_language(tmp_path: Path) -> None:
    name = folder(tmp_path, eng_Latn="a\nb\nc\n", cym_Latn="d\ne\nf\n", hye_Armn="g\nh\ni\n")
    (found,) = sentences.read(name, [], "eng-Latn", limit=2)
    assert found.texts == {ENG: ("a", "b"), CYM: ("d", "e"), HYE: ("g", "h")}
    assert (found.pivot, found.n, found.others, found.repeated) == (ENG, 2, (CYM, HYE), {})
    (chosen,) = sentences.read(name, ["hye-Armn", "eng-Latn"], "cym-Latn")
    assert list(chosen.texts) == [CYM, HYE, ENG]
    assert chosen.sha256 != found.sha256


@pytest.mark.parametrize(
    ("cym", "wanted"),
    [
        ("d\ne\n", r"cym-Latn\.txt: ends before line 3"),
        ("d\ne\nf\ng\n", r"eng-Latn\.txt: ends before line 4"),
        ("d\n\nf\n", r"cym-Latn\.txt:2: one side is empty"),
        ("d\ne\nd\n", r"cym-Latn\.txt:3: the sentence of line 1 again"),
    ],
)
def test_a_folder_whose_files_do_not_fit_is_refused_at_its_line(tmp_path: Path, cym: str, wanted: str) -> None:
    with pytest.raises(BadInput, match=wanted):
        sentences.read(folder(tmp_path, eng_Latn="a\nb\nc\n", cym_Latn=cym), [], "eng-Latn")


def test_two_files_of_one_language_are_refused(tmp_path: Path) -> None:
    name = folder(tmp_path, eng_Latn="a\nb\n", cym_Latn="d\ne\n")
    (tmp_path / "cym.txt").write_text("f\ng\n")
    with pytest.raises(BadInput, match=r"wanted one file for cym-Latn, but cym"):
        sentences.read(name, [], "eng-Latn")


def test_what_is_missing_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    name = folder(tmp_path, eng_Latn="a\nb\n", cym_Latn="c\nd\n")
    with pytest.raises(BadInput, match=r"hye-Armn\.txt: no such file; there are cym-Latn, eng-Latn"):
        sentences.read(name, ["hye-Armn"], "eng-Latn")
    with pytest.raises(BadInput, match="wanted ntrex, sib200, embedded, or a folder"):
        sentences.read(str(tmp_path / "absent"), [], "eng-Latn")
    with pytest.raises(BadInput, match="at least one language beside the pivot eng-Latn"):
        sentences.read(name, ["eng-Latn"], "eng-Latn")
    with pytest.raises(BadInput, match="aligned with eng-Latn alone"):
        sentences.read("embedded", [], "cym-Latn")
    monkeypatch.setenv("WORKBENCH_DATA", str(tmp_path))
    with pytest.raises(BadInput, match="workbench data fetch ntrex"):
        sentences.read("ntrex", [], "eng-Latn")
    with pytest.raises(BadInput, match=r"61 of 61 of ntrex are missing.*workbench data fetch ntrex"):
        sentences.revision("ntrex")


def write_ntrex(root: Path, texts: dict[str, str]) -> None:
    place = catalogue.load().dataset("ntrex").place(root)
    place.mkdir(parents=True)
    for code, text in texts.items():
        name = "newstest2019-src.eng.txt" if code == "eng" else f"newstest2019-ref.{code}.txt"
        (place / name).write_text(text, "utf-8")


def test_ntrex_is_read_with_english_as_any_language_and_repeated_translations_are_counted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WORKBENCH_DATA", str(tmp_path))
    write_ntrex(tmp_path, {"eng": "a\nb\nc\n", "cym": "d\nd\ne\n", "fra": "f\ng\nh\n"})
    (found,) = sentences.read("ntrex", [], "eng-Latn")
    assert found.texts[CYM] == ("d", "d", "e")
    assert found.repeated == {CYM: 1}
    (other,) = sentences.read("ntrex", ["eng-Latn"], "fra-Latn")
    assert list(other.texts.values()) == [("f", "g", "h"), ("a", "b", "c")]
    with pytest.raises(BadInput, match=r"newstest2019-ref\.cym\.txt:2: the sentence of line 1 again"):
        sentences.read("ntrex", [], "cym-Latn")  # of a pivot sentence there must be one
    with pytest.raises(BadInput, match=r"hye-Armn .Armenian. of ntrex is not there; `workbench data fetch ntrex`"):
        sentences.read("ntrex", ["hye-Armn"], "eng-Latn")
    with pytest.raises(BadInput, match="ntrex has no swh-Latn"):
        sentences.read("ntrex", ["swh-Latn"], "eng-Latn")


def test_sib200_varieties_must_hold_the_same_sentences(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WORKBENCH_DATA", str(tmp_path))
    place = catalogue.load().dataset("sib200").place(tmp_path)
    for code, ids in (("eng_Latn", (1, 2, 3)), ("cym_Latn", (1, 2, 3)), ("hye_Armn", (1, 3, 2))):
        (place / code).mkdir(parents=True)
        rows = "".join(f"{number}\tsports\t{code} {number}\n" for number in ids)
        (place / code / "test.tsv").write_text("index_id\tcategory\ttext\n" + rows, "utf-8")
    (found,) = sentences.read("sib200", ["cym-Latn"], "eng-Latn")
    assert found.texts[CYM] == ("cym_Latn 1", "cym_Latn 2", "cym_Latn 3")
    with pytest.raises(BadInput, match=r"hye_Armn.test\.tsv:3: from here on its sentences are not those of"):
        sentences.read("sib200", ["hye-Armn"], "eng-Latn")


def test_english_alone_is_no_pair_of_languages(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WORKBENCH_DATA", str(tmp_path))
    write_ntrex(tmp_path, {"eng": "a\nb\nc\n"})
    place = catalogue.load().dataset("sib200").place(tmp_path) / "eng_Latn"
    place.mkdir(parents=True)
    (place / "test.tsv").write_text("index_id\tcategory\ttext\n1\tsports\ta\n2\tsports\tb\n", "utf-8")
    for name in ("ntrex", "sib200"):
        wanted = rf"{name}: of {name} only eng-Latn is there; wanted another .*`workbench data fetch {name}`"
        with pytest.raises(BadInput, match=wanted):
            sentences.read(name, [], "eng-Latn")


def test_pairs_of_which_a_side_has_stood_already_are_left_out() -> None:
    pairs = [Pair(str(n), a, b, CYM, "translation") for n, (a, b) in enumerate(["ab", "Ac", "dB", "ef", "gh"])]
    assert [pair.id for pair in sentences.distinct(pairs, None)] == ["0", "3", "4"]
    assert [pair.id for pair in sentences.distinct(pairs, 2)] == ["0", "3"]


@pytest.mark.data
def test_real_parallel_sentences_are_complete(data_root: Path) -> None:
    ntrex, sib200 = sentences.pinned("ntrex", "eng-Latn"), sentences.pinned("sib200", "eng-Latn")
    assert (ntrex.n, len(ntrex.texts)) == (1997, 61)
    assert (sib200.n, len(sib200.texts)) == (204, 72)
    assert not sib200.repeated.get(ENG)
    assert max(ntrex.repeated.values()) < 20
    assert sentences.revision("ntrex") != sentences.revision("sib200")

"""The shared tasks' non-neural baseline, by hand and by its official figures; floors on the command line."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workbench import cli
from workbench.inflection import rows as files
from workbench.inflection.baseline import Rules
from workbench.inflection.floors import floors, mean_scores
from workbench.inflection.nonneural import END, START, NonNeural, Pair, _aligned, _changes, _edges
from workbench.inflection.rows import Row

WORD = st.text("abcä", min_size=1, max_size=9)


def row(lemma: str, form: str, features: str = "V;PST", lang: str = "xxx") -> Row:
    return Row(lang, lemma, features, form)


def searched(lemma: str, form: str) -> list[Pair]:
    """The alignment as it is described: every remainder searched once, pairing first, costs summed from the left."""
    kept: dict[tuple[int, int], tuple[list[Pair], float]] = {}

    def best(i: int, j: int, paid: float) -> tuple[list[Pair], float]:
        if (i, j) not in kept:
            if i == len(lemma) or j == len(form):
                rest = [(old, "") for old in lemma[i:]] + [("", new) for new in form[j:]]
                kept[i, j] = rest, paid + len(rest) - paid
            else:
                found = []
                for di, dj in ((1, 1), (0, 1), (1, 0)):
                    cost = 1.0 if di != dj else 0.0 if lemma[i] == form[j] else 1.1
                    rest, total = best(i + di, j + dj, paid + cost)
                    found.append(([(lemma[i : i + di], form[j : j + dj]), *rest], total))
                pairs, least = min(found, key=lambda one: one[1])
                kept[i, j] = pairs, least - paid
        pairs, more = kept[i, j]
        return pairs, paid + more

    return best(0, 0, 0.0)[0]


@given(WORD, WORD)
def test_the_alignment_is_the_one_that_the_described_search_finds(lemma: str, form: str) -> None:
    assert _aligned(lemma, form) == searched(lemma, form)


def test_of_alignments_that_cost_alike_the_rounding_of_their_sums_decides() -> None:
    assert _aligned("ab", "ba") == [("", "b"), ("a", "a"), ("b", "")]
    assert _aligned("ab", "cd") == [("a", "c"), ("b", "d")]
    # "b" into the first "a" behind, or into the last: 4.1 either way; exact sums would take the first
    assert _aligned("ab", "baaaa") == [("", "b"), ("a", "a"), ("", "a"), ("", "a"), ("b", "a")]


def test_the_published_example_shows_its_published_changes() -> None:
    prefixes, suffixes = _changes("schielen", "geschielt")
    ends = {"n": "", "en": "t", "len": "lt", "elen": "elt", "ielen": "ielt", "hielen": "hielt"}
    ends |= {"chielen": "chielt", "schielen": "schielt", "": ""}
    assert dict(suffixes) == {old + END: new + END for old, new in ends.items()}
    assert prefixes[0] == (START, START + "ge")
    assert len(prefixes) == len("schiele")


def test_a_change_is_also_cut_inside_what_is_added_so_that_a_lemma_may_stay_as_it_is() -> None:
    known = [row("勉強", "勉強する"), row("食べ", "食べた")]
    assert dict.fromkeys(_changes("勉強", "勉強する")[1]).keys() >= {(END, "する" + END), (END, "る" + END), (END, END)}
    # behind what was never seen: each ending once, none twice; our rules take the longest that was added
    assert NonNeural(known).inflect("掃除", "V;PST") == "掃除"
    assert Rules(known).inflect("掃除", "V;PST") == "掃除する"
    assert NonNeural(known).inflect("猛勉強", "V;PST") == "猛勉強する"
    assert NonNeural(known[:1]).inflect("掃除", "V;PST") == "掃除する"  # equally frequent: the one that writes most
    assert NonNeural(known).inflect("食べ", "V;PRS") == "食べ"  # features never seen


def test_of_changes_that_are_equally_long_and_frequent_the_first_seen_is_taken() -> None:
    assert NonNeural([row("ka", "kam"), row("la", "lan")]).inflect("ta", "V;PST") == "tam"
    assert NonNeural([row("la", "lan"), row("ka", "kam")]).inflect("ta", "V;PST") == "tan"


def test_the_most_frequent_prefix_that_fits_is_put_before_a_word() -> None:
    rows = [row("spielen", "gespielt"), row("fragen", "gefragt"), row("bestellen", "bestellt")]
    found = NonNeural([*rows, row("machen", "machendes", "V.PTCP")])
    assert not found.backwards
    assert found.inflect("machen", "V;PST") == "gemacht"


def test_words_are_read_backwards_where_training_changes_the_front_of_words_that_are_whole() -> None:
    assert _edges("soma", "anasoma") == (3, 0)
    assert _edges("walk", "walked") == (0, 2)
    assert _edges("aa", "baab") == (1, 1)
    assert _edges("ab", "cde") == (0, 1)  # nothing alike: the first of those that overlap most
    rows = [row("soma", "anasoma"), row("penda", "anapenda")]
    found = NonNeural([*rows, row("ka", "ka mmmmmmmm", "N"), row("ka", "ka-mmmmmmmm", "N")])
    assert found.backwards
    assert found.inflect("cheka", "V;PST") == "anacheka"
    assert not NonNeural([*rows, row("ka", "kammmmmmmm", "N")]).backwards


def test_floors_of_several_languages_learn_from_their_own_rows_and_count_alike() -> None:
    own, others = row("ka", "kam", lang="a"), row("ka", "kan", lang="b")
    assert floors([], [own]) == {"copy-lemma": ["ka"]}
    assert floors([own], [row("ta", "tam")]) == {"copy-lemma": ["ta"], "rules": ["tam"], "nonneural": ["tam"]}
    asked = [row("ta", "tam", lang="a"), row("ta", "tan", lang="b"), row("la", "lam", lang="b")]
    found = mean_scores([own, others], asked)
    assert {name: one.exact_match for name, one in found.items()} == {"copy-lemma": 0, "rules": 0.75, "nonneural": 0.75}


def test_evaluation_prints_every_floor_and_says_which_it_cannot(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("aaa.trn", "aaa.tst", "bbb.tst", "given/aaa.tst", "given/bbb.tst"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("ka\tV;PST\tkam\nla\tV;PST\tlam\n", "utf-8")
    gold = [str(tmp_path / "aaa.tst"), str(tmp_path / "bbb.tst")]
    line = ["inflect", "evaluate", *gold, "--given", str(tmp_path / "given")]
    assert cli.main([*line, "--train", str(tmp_path / "aaa.trn")]) == 0
    said = capsys.readouterr().out
    assert said.count("  non-neural baseline      exact match 100.00 %   edit distance 0.000   n 2\n") == 1
    assert said.count("  prefix and suffix rules  exact match 100.00 %") == 1
    assert said.count("  the lemma itself         exact match   0.00 %") == 3  # of both, and their mean
    without = (
        "without prefix and suffix rules and non-neural baseline; give training files of the language by --train\n"
    )
    assert said.endswith(f"bbb: {without}")
    assert cli.main(line) == 0
    assert capsys.readouterr().out.endswith(f"aaa, bbb: {without}")
    (tmp_path / "aaa.covered.tst").write_text("ka\tV;PST\n", "utf-8")
    assert cli.main([*line, "--train", str(tmp_path / "aaa.covered.tst")]) == 2
    assert "aaa.covered.tst is a covered file" in capsys.readouterr().err


OFFICIAL = {"deu": 79.8, "heb": 30.9, "jap": 64.1, "nav": 35.8, "san": 62.2, "sme": 56.0, "swa": 60.5, "tur": 64.6}


@pytest.mark.data
@pytest.mark.parametrize("lang", OFFICIAL)
def test_the_baseline_writes_as_many_forms_right_as_the_official_one(lang: str, data_root: Path) -> None:
    folder = data_root / "sigmorphon2023"
    baseline = NonNeural(files.read(folder / f"{lang}.trn").rows)
    test = files.read(folder / f"{lang}.tst").rows
    right = sum(baseline.inflect(one.lemma, one.features) == one.form for one in test)
    assert round(100 * right / len(test), 1) == OFFICIAL[lang]
    assert baseline.backwards == (lang in {"nav", "swa"})

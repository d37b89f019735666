"""Inflection tables as text."""

from __future__ import annotations

from typing import get_args

import pytest

from workbench.config.synth import InflectionTask
from workbench.records import Document, Inflection, Lang
from workbench.sources.unimorph import Derivation, Segmented
from workbench.synth import inflection_tasks
from workbench.synth.inflection_tasks import unread

ICELANDIC = Lang("isl", "Latn")
TABLE = [
    Inflection(ICELANDIC, lemma, f"{lemma}{case}{number}".lower(), ("N", case, number))
    for lemma in ("hestur", "hús", "kona")
    for case in ("NOM", "ACC")
    for number in ("SG", "PL")
]

TASKS: tuple[InflectionTask, ...] = get_args(InflectionTask)
WIDE = [Inflection(ICELANDIC, lemma, lemma + end, (end,)) for lemma in "abcdefgh" for end in ("x", "y", "z")]
CUT = [Segmented(cell, (cell.lemma, cell.form.removeprefix(cell.lemma))) for cell in WIDE]
DERIVED = [Derivation(ICELANDIC, base, base + affix, "N:ADJ", f"-{affix}") for base in "abcdefgh" for affix in "pq"]

FROZEN = [
    "c: x cx, z cz",
    "hús: N ACC SG húsaccsg, N NOM SG húsnomsg",
    "kona: N ACC PL konaaccpl, N NOM PL konanompl",
    "f: y fy, z fz",
    "e: z ez, y ey",
    "g: x gx, z gz",
]
FROZEN_PERMUTED = [
    "c: x cx, z ey",
    "hús: N ACC SG konaaccpl, N NOM SG ez",
    "kona: N ACC PL fy, N NOM PL gx",
    "f: y húsaccsg, z konanompl",
    "e: z cz, y húsnomsg",
    "g: x gz, z fz",
]


def documents(
    inflections: list[Inflection],
    seed: int,
    *,
    max_lemmas: int = 1000,
    cells_per_lemma: int = 4,
    permute: bool = False,
) -> list[Document]:
    """The lines that there always were."""
    made = inflection_tasks.documents(
        inflections, seed, max_lemmas=max_lemmas, cells_per_lemma=cells_per_lemma, permute=permute
    )
    return made["paradigm"]


def every(*tasks: InflectionTask, permute: bool = False, seed: int = 0) -> dict[InflectionTask, list[Document]]:
    return inflection_tasks.documents(WIDE, seed, tasks or TASKS, CUT, DERIVED, cells_per_lemma=3, permute=permute)


def test_a_line_is_a_lemma_and_its_cells_with_features_as_words() -> None:
    (made,) = documents([Inflection(ICELANDIC, "hestur", "hesta", ("N", "ACC", "PL"))], seed=0)
    assert made.text == "hestur: N ACC PL hesta"
    assert (made.lang, made.source, made.parents) == (ICELANDIC, "inflection", ("hestur",))


def test_cells_per_lemma_and_lemmas_are_bounded() -> None:
    made = documents(TABLE, seed=0, max_lemmas=2, cells_per_lemma=3)
    assert len(made) == 2
    assert all(document.text.count(",") == 2 for document in made)


def test_the_order_of_rows_does_not_matter_and_the_seed_does() -> None:
    assert documents(TABLE, seed=0) == documents(TABLE[::-1], seed=0)
    assert documents(TABLE, seed=0, cells_per_lemma=2) != documents(TABLE, seed=1, cells_per_lemma=2)


def test_a_lemma_s_cells_do_not_depend_on_the_other_lemmas() -> None:
    alone = documents([cell for cell in TABLE if cell.lemma == "hús"], seed=0, cells_per_lemma=2)
    together = documents(TABLE, seed=0, cells_per_lemma=2)
    assert alone[0] in together


def test_no_inflections_give_no_documents() -> None:
    assert documents([], seed=0) == []


def test_permuted_lines_hold_the_same_lemmas_features_and_forms_in_other_pairs() -> None:
    def parts(lines: list[Document]) -> tuple[list[str], list[str], list[str]]:
        cells = [cell.rsplit(" ", 1) for line in lines for cell in line.text.split(": ", 1)[1].split(", ")]
        lemmas = [line.text.split(": ", 1)[0] for line in lines]
        return lemmas, [features for features, _ in cells], [form for _, form in cells]

    plain, permuted = documents(WIDE, seed=0), documents(WIDE, seed=0, permute=True)
    (lemmas, features, forms), (lemmas2, features2, forms2) = parts(plain), parts(permuted)
    assert lemmas == lemmas2
    assert features == features2
    assert forms != forms2
    assert sorted(forms) == sorted(forms2)
    assert [one.id for one in plain] == [one.id for one in permuted]
    assert permuted == documents(WIDE, seed=0, permute=True) != documents(WIDE, seed=1, permute=True)


def test_the_lines_of_frozen_studies_stay_what_they_were() -> None:
    made = documents([*TABLE, *WIDE], seed=3, max_lemmas=6, cells_per_lemma=2)
    assert [one.text for one in made] == FROZEN
    permuted = documents([*TABLE, *WIDE], seed=3, max_lemmas=6, cells_per_lemma=2, permute=True)
    assert [one.text for one in permuted] == FROZEN_PERMUTED


def test_every_task_is_made_of_the_same_cells() -> None:
    made = every()
    for task in ("inflect", "reinflect", "analyse", "segment"):
        assert len(made[task]) == len(WIDE), task
    assert len(made["paradigm"]) == len(made["fill"]) == 8
    assert len(made["derive"]) == len(DERIVED)
    few = inflection_tasks.documents(WIDE, 0, TASKS, CUT, DERIVED, max_lemmas=3, cells_per_lemma=2)
    assert len({one.parents for task in ("paradigm", "inflect", "fill") for one in few[task]}) == 3
    assert {one.parents for one in few["segment"]} == {one.parents for one in few["paradigm"]}
    assert [len(few[task]) for task in TASKS] == [3, 6, 6, 6, 3, 6, 6]
    ids = [one.id for documents in few.values() for one in documents]
    assert len(set(ids)) == len(ids)


def test_a_further_task_moves_no_line_of_the_others() -> None:
    together = every()
    for task in TASKS:
        assert every(task)[task] == together[task]
    assert every(seed=1)["fill"] != together["fill"]


def test_a_form_of_several_cells_has_all_of_them_as_its_answer() -> None:
    cells = [Inflection(ICELANDIC, "hús", "hús", ("N", case, number)) for case in ("NOM", "ACC") for number in "12"]
    (line,) = inflection_tasks.documents(cells, 0, ("analyse",))["analyse"]
    answer = line.text.removeprefix("hús = ").split("; ")
    assert sorted(answer) == sorted(f"hús, {' '.join(cell.features)}" for cell in cells)


def test_a_cell_is_never_reinflected_from_itself_nor_a_lone_cell_filled_in() -> None:
    for line in every("reinflect")["reinflect"]:
        form, known, rest = line.text.split(", ")
        asked, answer = rest.split(": ")
        assert known != asked
        assert form != answer
    assert not any(inflection_tasks.documents(WIDE[:1], 0, ("reinflect", "fill")).values())


@pytest.mark.parametrize("task", TASKS)
def test_permuted_lines_of_every_task_hold_the_same_words_in_other_places(task: InflectionTask) -> None:
    plain, permuted = every(task)[task], every(task, permute=True)[task]
    assert [one.text for one in plain] != [one.text for one in permuted]
    if task in ("inflect", "segment", "derive"):  # of the others a form may come twice, or not at all
        for side in (0, 1):
            parts = [[one.text.replace(" / ", ": ").split(": ")[side] for one in some] for some in (plain, permuted)]
            assert sorted(parts[0]) == sorted(parts[1])
    assert {cell.form for cell in WIDE} | {one.derived for one in DERIVED} >= {
        word
        for one in permuted
        for word in one.text.replace(":", "").replace(",", "").replace(";", "").split()
        if len(word) == 2 and "|" not in word and "-" not in word
    }


def test_words_with_a_mark_are_left_out_and_paradigm_lines_keep_them() -> None:
    marked = [Inflection(ICELANDIC, "já: nei", "jáið, neiið", ("N",)), Inflection(ICELANDIC, "já", "já", ("N", ","))]
    made = inflection_tasks.documents([*TABLE, *marked], 0, ("paradigm", "inflect"))
    assert len(made["inflect"]) == len(TABLE)
    assert "já: nei: N jáið, neiið" in {one.text for one in made["paradigm"]}


def test_what_has_no_data_makes_no_lines() -> None:
    assert inflection_tasks.documents(WIDE, 0, ("segment", "derive")) == {"segment": [], "derive": []}
    assert not any(inflection_tasks.documents([], 0, TASKS, CUT).values())


def test_unread_cells_are_of_lemmas_in_no_line_and_know_all_their_right_forms() -> None:
    both = [*WIDE, *(Inflection(ICELANDIC, cell.lemma, f"{cell.form}2", cell.features) for cell in WIDE)]
    asked = unread(both, 0, lemmas=3, max_lemmas=4)
    read = inflection_tasks.documents(both, 0, max_lemmas=4)["paradigm"]
    assert len(asked) == 3
    assert not {one.cell.lemma for one in asked} & {word for document in read for word in document.parents}
    assert all(len(one.forms) == 2 and one.cell.form in one.forms for one in asked)
    assert not unread(WIDE, 0, lemmas=3, max_lemmas=8)

"""Inflection tables as text."""

from __future__ import annotations

from workbench.records import Document, Inflection, Lang
from workbench.synth.inflection_tasks import documents

ICELANDIC = Lang("isl", "Latn")
TABLE = [
    Inflection(ICELANDIC, lemma, f"{lemma}{case}{number}".lower(), ("N", case, number))
    for lemma in ("hestur", "hús", "kona")
    for case in ("NOM", "ACC")
    for number in ("SG", "PL")
]


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

    table = [Inflection(ICELANDIC, lemma, lemma + end, (end,)) for lemma in "abcdefgh" for end in ("x", "y", "z")]
    plain, permuted = documents(table, seed=0), documents(table, seed=0, permute=True)
    (lemmas, features, forms), (lemmas2, features2, forms2) = parts(plain), parts(permuted)
    assert lemmas == lemmas2
    assert features == features2
    assert forms != forms2
    assert sorted(forms) == sorted(forms2)
    assert [one.id for one in plain] == [one.id for one in permuted]
    assert permuted == documents(table, seed=0, permute=True) != documents(table, seed=1, permute=True)

"""What is said of files and models that no check can refuse."""

from __future__ import annotations

from pathlib import Path
from unicodedata import normalize

import pytest

from workbench.errors import BadInput
from workbench.inflection import remarks, rows
from workbench.inflection.alphabet import Alphabet
from workbench.inflection.rows import NEWEST, Row, Table


def table(*found: Row, name: str = "xxx.tst") -> Table:
    return Table(Path(name), found, tuple(range(1, len(found) + 1)), NEWEST)


def paradigms(lemmas: int, forms: int) -> list[Row]:
    return [Row("xxx", f"l{one}", f"V;{two}", f"l{one}f{two}") for one in range(lemmas) for two in range(forms)]


def swapped(row: Row) -> Row:
    return Row(row.lang, row.form or "", row.features, row.lemma)


def test_more_lemmas_than_forms_are_taken_for_swapped_columns() -> None:
    given = paradigms(10, 3)
    assert not remarks.of_columns(table(*given))
    assert not remarks.of_columns(table(*paradigms(30, 1)))  # a form each says nothing
    (said,) = remarks.of_columns(table(*map(swapped, given)))
    assert said.startswith("xxx.tst: 30 different lemmas, but 10 different forms: are lemma and form swapped?")
    assert "e.g. 'l0f0', with the form 'l0'" in said
    assert not remarks.of_columns(table(*map(swapped, given[:12])))  # too few to tell
    assert not remarks.of_columns(table(*(Row("xxx", row.lemma, row.features, None) for row in given)))


def test_dev_lemmas_that_were_trained_on_and_languages_without_dev_are_said() -> None:
    training = [Row("xxx", "ä", "V", "a"), Row("yyy", "b", "V", "b"), Row("zzz", "c", "V", "c")]
    dev = [Row("xxx", "a\u0308", "N", "a"), Row("xxx", "b", "V", "b"), Row("xxx", "b", "N", "b"), *training[1:]]
    (seen,) = remarks.of_dev(training, dev)
    assert seen.startswith("--dev: 3 of 4 dev lemmas were trained on")
    (without,) = remarks.of_dev(training, [Row("yyy", "new", "V", "b")])
    assert without == "--dev: no rows of xxx, zzz; the weights kept are chosen on yyy alone"
    assert not remarks.of_dev(training[:1], [Row("xxx", "new", "V", "b")])


@pytest.mark.parametrize(("form", "other"), [("NFC", "NFD"), ("NFD", "NFC")])
def test_a_file_in_another_unicode_form_than_the_model_was_trained_on_is_said(form: str, other: str) -> None:
    def written(how: str, *lemmas: str) -> list[Row]:
        return [Row("xxx", normalize(how, lemma), "V", normalize(how, lemma)) for lemma in lemmas]

    alphabet = Alphabet.of(written(form, "kä", "käk", "kak", "äk"), num_slots=4, min_lemmas=3)
    (said,) = remarks.of_question(table(*written(other, "kä", "kä", "ak", "zä")), ["xxx"], alphabet)
    assert f"2 of 3 lemmas are in Unicode's {other}, and the model was trained on {form}" in said
    # what is unknown in any form is copied, and nothing to speak of
    assert not remarks.of_question(table(*written(form, "kä", "zöŋ")), ["xxx"], alphabet)
    assert not remarks.of_question(table(*written(other, "ka", "ŋ")), ["xxx"], alphabet)


def test_unknown_features_and_languages_are_said_or_refused() -> None:
    alphabet = Alphabet.of(paradigms(3, 2), num_slots=4, min_lemmas=3)
    asked = table(Row("yyy", "a", "V;9", None), Row("yyy", "a", "V;1", None), name="yyy.tst")
    said = remarks.of_question(asked, ["xxx"], alphabet)
    assert said[0] == "yyy.tst: language 'yyy', by the file's name; the model is of 'xxx'"
    assert "1 of 2 rows have features that no training row had" in said[1]
    with pytest.raises(BadInput, match=r"yyy\.tst: language 'yyy', by the file's name; the model knows xxx, zzz"):
        remarks.of_question(asked, ["xxx", "zzz"], alphabet)


@pytest.mark.data
def test_real_tables_are_taken_for_swapped_when_they_are_and_never_else(data_root: Path) -> None:
    found = [path for path in data_root.glob("sigmorphon2023/*") if path.suffix != ".trn"]
    found += [path for path in data_root.glob("unimorph/*/*") if path.stat().st_size < 500_000]
    found = [path for path in found if path.name != "ckb-arab.tsv"]  # it has rows that are none
    assert len(found) == 16 + 9
    for path in found:
        table = rows.read(path)
        assert not remarks.of_columns(table), path
        assert remarks.of_columns(Table(path, tuple(map(swapped, table.rows)), table.lines, table.order)), path


@pytest.mark.data
def test_real_models_are_asked_in_their_own_unicode_form_or_it_is_said(data_root: Path) -> None:
    for lang in ("nav", "deu", "heb"):
        training, test = (rows.read(data_root / "sigmorphon2023" / f"{lang}.{part}") for part in ("trn", "tst"))
        alphabet = Alphabet.of(training.rows, num_slots=16, min_lemmas=3)
        assert not remarks.of_question(test, [lang], alphabet)
        apart = [Row(lang, normalize("NFD", row.lemma), row.features, None) for row in test.rows]
        assert bool(remarks.of_question(table(*apart), [lang], alphabet)) == (lang != "heb")

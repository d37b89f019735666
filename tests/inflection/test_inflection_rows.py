"""Files of the shared tasks: read as they stand, told apart by looking, refused with file and line."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workbench.errors import BadInput
from workbench.inflection import rows
from workbench.inflection.rows import Row, atoms
from workbench.sources import sigmorphon

NEW = "gehen\tV;PST;NOM(3,SG)\tging\nHaus\tN;DAT(PL)\tHäusern\n"
OLD = "gehen\tging\tV;PST;3;SG\nHaus\tHäusern\tN;DAT;PL\n"


def written(folder: Path, text: str, name: str = "deu.trn") -> Path:
    path = folder / name
    path.write_bytes(text.encode())
    return path


def test_both_orders_of_columns_are_told_apart_and_the_language_is_the_files_name(tmp_path: Path) -> None:
    new, old = rows.read(written(tmp_path, NEW)), rows.read(written(tmp_path, OLD, "heb_unvoc.dev"))
    assert new.rows[0] == Row("deu", "gehen", "V;PST;NOM(3,SG)", "ging")
    assert old.rows[1] == Row("heb_unvoc", "Haus", "N;DAT;PL", "Häusern")
    assert (new.order, old.order, new.covered) == ((1, 2), (2, 1), False)


@pytest.mark.parametrize(
    ("name", "lang"),
    [
        ("turkish-train-low", "turkish"),
        ("north-frisian-train-high", "north-frisian"),
        ("turkish-train-medium.gz", "turkish"),
        ("turkish-dev", "turkish"),
        ("turkish-test", "turkish"),
        ("turkish-covered-test", "turkish"),
        ("turkish-uncovered-test", "turkish"),
        ("turkish-test-covered", "turkish"),
        ("tur_large.train", "tur"),
        ("tur_small.train", "tur"),
        ("tur.trn", "tur"),
        ("tur.covered.tst.xz", "tur"),
        ("tur.gold", "tur"),
        ("heb_unvoc.trn", "heb_unvoc"),
        ("heb_unvoc.covered.tst", "heb_unvoc"),
        ("kaz.noun.tsv", "kaz"),
        ("ckb-arab-large.dev", "ckb-arab-large"),
        ("fin", "fin"),
        ("fin.1", "fin"),
    ],
)
def test_the_language_is_what_a_files_name_says_in_any_year(name: str, lang: str) -> None:
    assert sigmorphon.name_in(Path("some-dev", name)) == lang


@pytest.mark.parametrize("year", [2017, 2018, 2019, 2020, 2021, 2022, 2023])
@pytest.mark.parametrize("size", ["", "high", "medium", "low", "large", "small"])
@pytest.mark.parametrize("split", ["train", "dev", "test"])
def test_the_language_of_a_years_file_is_the_one_it_is_found_by(
    year: sigmorphon.Year, size: str, split: sigmorphon.Split, tmp_path: Path
) -> None:
    if size and (split != "train" or (size in {"large", "small"}) != (year == 2022)):
        return
    for lang in ("middle-high-german", "heb_unvoc"):
        names = sigmorphon._patterns(year, lang, split, size)
        assert [sigmorphon.name_in(Path(name)) for name in names] == [lang] * len(names)


def test_a_covered_file_has_rows_without_forms_and_a_submission_has_its_columns(tmp_path: Path) -> None:
    table = rows.read(written(tmp_path, "gehen\tV;PST\nHaus\tN;PL\n", "deu.covered.tst"))
    assert table.covered
    assert table.rows[0] == Row("deu", "gehen", "V;PST", None)
    rows.write(tmp_path / "out", table, ["ging", "Häuser"])
    assert (tmp_path / "out").read_bytes() == "gehen\tV;PST\tging\nHaus\tN;PL\tHäuser\n".encode()


def test_a_covered_file_may_have_an_empty_column_where_the_form_is_to_stand(tmp_path: Path) -> None:
    table = rows.read(written(tmp_path, "gehen\t\tV;PST\nHaus\t\tN;PL\n", "deu.covered.tst"))
    assert table.covered
    assert table.rows[0] == Row("deu", "gehen", "V;PST", None)
    rows.write(tmp_path / "out", table, ["ging", "Häuser"])
    assert (tmp_path / "out").read_bytes() == "gehen\tging\tV;PST\nHaus\tHäuser\tN;PL\n".encode()


def test_lemmas_and_forms_alone_are_no_covered_file(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match=r"deu\.trn:1: no features .* got \['gehen', 'ging'\]"):
        rows.read(written(tmp_path, "gehen\tging\nHaus\tHäuser\n"))


@pytest.mark.parametrize("text", [NEW, OLD])
def test_a_submission_with_the_gold_forms_is_the_gold_file_byte_for_byte(text: str, tmp_path: Path) -> None:
    table = rows.read(written(tmp_path, text))
    rows.write(tmp_path / "out", table, [row.form or "" for row in table.rows])
    assert (tmp_path / "out").read_bytes() == text.encode()


@pytest.mark.parametrize(
    ("bad", "line", "says"),
    [
        ("gehen\tV;PST\n", 3, "wanted 3 columns"),
        ("gehen\tV;PST\tging\tmehr\n", 3, "wanted 3 columns"),
        ("gehen\tV;PST\t\n", 3, "an empty column"),
        ("\tV;PST\tging\n", 3, "an empty column"),
        ("gehen\tV;PST\tging \n", 3, "spaces"),
        ("gehen\tV;ACC(2,SG\tging\n", 3, "never closed"),
        ("gehen\tging\tV;PST\n", 3, "form and features are swapped"),
        ("V;PST\tgehen\tging\n", 3, "features in the lemma's column"),
        ("N;ACC(PL;PSS(2,SG))\tAbu Dabili\tAbu Dabililerini\n", 3, "features in the lemma's column"),
        ("ge\rhen\tV;PST\tging\n", 3, "carriage return"),
    ],
)
def test_a_bad_row_is_refused_with_file_and_line(bad: str, line: int, says: str, tmp_path: Path) -> None:
    path = written(tmp_path, NEW + bad)
    with pytest.raises(BadInput) as caught:
        rows.read(path)
    assert f"{path}:{line}" in str(caught.value)
    assert says in str(caught.value)


def test_the_row_that_differs_from_most_is_the_one_that_is_refused(tmp_path: Path) -> None:
    covered = "gehen\tV;PST\nHaus\tN;PL\nMaus\tN;PL\n"
    for text, line, says in [
        ("gehen\tV;PST\n" + NEW, 1, r"wanted 3 columns \(lemma, features and form\), got 2"),
        ("gehen\tV;PST\n" + OLD.splitlines(keepends=True)[0], 1, "wanted 3 columns"),
        ("gehen\tV;PST\tging\n" + covered, 1, r"wanted 2 columns \(lemma and features, no form\), got 3"),
        (covered + "N;DAT(PL)\tHaus\n", 4, "features in the lemma's column"),
        ("gehen\tging\tV;PST\nHaus\t\tN;PL\nMaus\t\tN;PL\n", 1, r"wanted 2 columns .*no form"),
        ("gehen\tging\tV;PST\ta\nHaus\tHaus\tN;PL\ta\n", 1, "wanted 3 columns .* got 4"),
    ]:
        with pytest.raises(BadInput, match=rf"deu\.trn:{line}: .*{says}"):
            rows.read(written(tmp_path, text))


@given(st.integers(3, 12), st.sampled_from([(1, 2), (2, 1), None]), st.sampled_from(["short", "swapped"]), st.data())
def test_one_odd_row_is_named_wherever_it_stands(
    tmp_path_factory: pytest.TempPathFactory,
    number: int,
    order: tuple[int, int] | None,
    fault: str,
    data: st.DataObject,
) -> None:
    odd = data.draw(st.integers(0, number - 1))
    fields = [["gehen", "V;PST;NOM(3,SG)"] if order is None else ["gehen", "ging", "ging"] for _ in range(number)]
    for one in fields if order else ():
        one[order[0]] = "V;PST;NOM(3,SG)"
    if fault == "short":
        fields[odd].pop()
    else:
        place = 1 if order is None else order[0]
        fields[odd][0], fields[odd][place] = fields[odd][place], fields[odd][0]
    folder = tmp_path_factory.mktemp("odd")
    with pytest.raises(BadInput, match=rf"deu\.trn:{odd + 1}: (wanted|features in the lemma's column)"):
        rows.read(written(folder, "".join("\t".join(one) + "\n" for one in fields)))


def test_capitals_alone_are_no_swapped_features(tmp_path: Path) -> None:
    found = rows.read(written(tmp_path, NEW + "NATO\tN;SG\tNATO\nA(b)\tN;SG\tA(b)\n")).rows
    assert [row.lemma for row in found[2:]] == ["NATO", "A(b)"]


def test_a_table_knows_the_line_of_each_row(tmp_path: Path) -> None:
    table = rows.read(written(tmp_path, "\n" + NEW.replace("\n", "\n\n")))
    assert table.lines == (2, 4)
    assert table.place(1) == f"{tmp_path / 'deu.trn'}:4"


def test_a_submission_may_have_written_anything_and_is_read_all_the_same(tmp_path: Path) -> None:
    path = tmp_path / "tur.tst"
    path.write_text("kedi\tN;PL\t\nev\tN;PL\tevler \nkuş\tN;PL\tN;PL\n", "utf-8")
    assert [row.form for row in rows.read(path, submission=True).rows] == ["", "evler ", "N;PL"]
    with pytest.raises(BadInput, match="1: an empty column"):
        rows.read(path)
    path.write_text("kedi\t\tkediler\n", "utf-8")
    with pytest.raises(BadInput, match=r"features|empty column"):
        rows.read(path, submission=True)


def test_features_in_the_first_column_or_nowhere_are_refused(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="features in the first column"):
        rows.read(written(tmp_path, "V;PST\tgehen\tging\nN;DAT(PL)\tHaus\tHäusern\n"))
    with pytest.raises(BadInput, match="no column looks like features"):
        rows.read(written(tmp_path, "gehen\tpast\tging\n"))


def test_windows_line_ends_are_taken_off(tmp_path: Path) -> None:
    assert rows.read(written(tmp_path, NEW.replace("\n", "\r\n"))).rows == rows.read(written(tmp_path, NEW)).rows


def test_atoms_are_what_stands_between_separators_and_brackets() -> None:
    assert atoms(Row("kat", "", "V;IND;NOM(1,SG);ACC(2,PL)", None)) == ("V", "IND", "NOM", "1", "SG", "ACC", "2", "PL")


WORD = st.text(st.characters(codec="utf-8", exclude_categories=("C", "Z")), min_size=1, max_size=8)


@given(st.lists(st.tuples(WORD, st.sampled_from(["V;PST", "N;ACC(PL;PSS(3,SG))", "V;3;SG"]), WORD), min_size=3))
def test_any_words_survive_reading_and_writing(tmp_path_factory: pytest.TempPathFactory, made: list) -> None:
    folder = tmp_path_factory.mktemp("rows")
    text = "".join(f"x{lemma}\t{features}\tx{form}\n" for lemma, features, form in made)
    table = rows.read(written(folder, text))
    assert [(f"x{lemma}", features, f"x{form}") for lemma, features, form in made] == [
        (row.lemma, row.features, row.form) for row in table.rows
    ]
    rows.write(folder / "out", table, [row.form or "" for row in table.rows])
    assert (folder / "out").read_bytes() == text.encode()


@pytest.mark.data
def test_every_file_of_the_2023_task_is_read_and_written_back_byte_for_byte(data_root: Path, tmp_path: Path) -> None:
    for path in sorted((data_root / "sigmorphon2023").iterdir()):
        table = rows.read(path)
        rows.write(tmp_path / "out", table, [row.form or "" for row in table.rows])
        lines = path.read_bytes().replace(b"\r\n", b"\n").split(b"\n")
        assert (tmp_path / "out").read_bytes() == b"".join(line + b"\n" for line in lines if line.strip()), path

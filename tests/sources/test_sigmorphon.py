from pathlib import Path

import pytest

from workbench.errors import BadInput
from workbench.sources import sigmorphon
from workbench.sources.lines import Report

DEU = sigmorphon.language("deu")
OLD = "gehen\tgehst\tV;IND;PRS;2;SG\nHaus\tHäuser\tN;NOM;PL\n"
NEW = "gehen\tV;IND;PRS;NOM(2,SG)\tgehst\nHaus\tN;NOM(PL)\tHäuser\n"


def write(folder: Path, text: str, name: str = "deu.trn") -> Path:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, "utf-8")
    return path


@pytest.mark.parametrize("year", [2017, 2018, 2019, 2020, 2021, 2022])
def test_the_older_years_have_the_form_second(tmp_path: Path, year: sigmorphon.Year) -> None:
    found = list(sigmorphon.read(write(tmp_path, OLD), year, DEU))
    assert [(row.lemma, row.form) for row in found] == [("gehen", "gehst"), ("Haus", "Häuser")]
    assert found[0].features == ("V", "IND", "PRS", "2", "SG")


def test_2023_has_the_form_last(tmp_path: Path) -> None:
    found = list(sigmorphon.read(write(tmp_path, NEW), 2023, DEU))
    assert [(row.lemma, row.form) for row in found] == [("gehen", "gehst"), ("Haus", "Häuser")]
    assert found[1].features == ("N", "NOM", "(", "PL", ")")


def test_the_wrong_year_is_an_error_and_not_a_corpus_of_feature_bundles(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match=r"look like lemma, features, form \(2023\)"):
        list(sigmorphon.read(write(tmp_path, NEW), 2020, DEU))
    with pytest.raises(BadInput, match=r"look like lemma, form, features \(2017-2022\)"):
        list(sigmorphon.read(write(tmp_path, OLD), 2023, DEU, Report()))


def test_forms_in_capitals_do_not_mislead_the_check(tmp_path: Path) -> None:
    assert len(list(sigmorphon.read(write(tmp_path, "NATO\tNATO\tN;SG\nEU\tEU\tN;SG\n"), 2021, DEU))) == 2


def test_covered_files_give_questions_and_are_refused_where_answers_are_wanted(tmp_path: Path) -> None:
    path = write(tmp_path, "gehen\tV;IND;PRS\nHaus\t\tN;PL\n", "deu.covered.tst")
    found = list(sigmorphon.read_covered(path, DEU))
    assert [(row.lemma, row.features) for row in found] == [("gehen", ("V", "IND", "PRS")), ("Haus", ("N", "PL"))]
    with pytest.raises(BadInput, match="use read_covered"):
        list(sigmorphon.read(write(tmp_path, "gehen\tV;IND;PRS\n", "deu.tst"), 2020, DEU))


@pytest.mark.parametrize(
    ("year", "name", "split", "size", "file"),
    [
        (2017, "albanian", "train", "medium", "all/task1/albanian-train-medium"),
        (2017, "albanian", "test", "", "answers/task1/albanian-uncovered-test"),
        (2018, "albanian", "dev", "", "task1/all/albanian-dev"),
        (2019, "breton", "train", "low", "task1/albanian--breton/breton-train-low"),
        (2020, "mlg", "train", "", "DEVELOPMENT-LANGUAGES/austronesian/mlg.trn"),
        (2021, "ail", "test", "", "part1/development_languages/ail.test"),
        (2022, "guj", "train", "small", "part1/development_languages/guj_small.train"),
        (2022, "guj", "test", "", "part1/development_languages/guj.gold"),
        (2023, "heb_unvoc", "dev", "", "part1/data/heb_unvoc.dev"),
    ],
)
def test_a_file_is_found_in_its_years_layout_and_not_its_covered_twin(tmp_path, year, name, split, size, file) -> None:
    path = write(tmp_path, "x", file)
    for twin in (f"{name}-covered-test", f"{name}-test-covered", f"{name}.covered.dev", f"{name}x-dev"):
        write(tmp_path, "x", f"{Path(file).parent}/{twin}")
    assert sigmorphon.find(tmp_path, year, name, split, size) == path


def test_a_missing_file_or_a_path_for_a_name_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match=r"wanted one file deu\.trn for 2023; got none"):
        sigmorphon.find(tmp_path, 2023, "deu", "train")
    for name in ("../deu", "deu/x", "*", "", "Deu"):
        with pytest.raises(BadInput, match="wanted a name as the file has it"):
            sigmorphon.find(tmp_path, 2023, name, "train")


def test_codes_of_the_shared_tasks_are_resolved() -> None:
    tags = [sigmorphon.language(name).tag for name in ("jap", "mao", "heb_unvoc", "classical-syriac", "swa")]
    assert tags == ["jpn-Jpan", "mri-Latn", "heb-Hebr", "syc-Syrc", "swa-Latn"]


@pytest.mark.data
def test_the_2023_splits_load_with_the_counts_of_the_paper(data_root: Path) -> None:
    folder = data_root / "sigmorphon2023"
    for name in ("deu", "heb", "jap", "nav", "san", "sme", "swa", "tur"):  # codespell:ignore sme
        sizes = []
        lemmas = []
        for split in ("train", "dev", "test"):
            report = Report()
            path = sigmorphon.find(folder, 2023, name, split)
            found = list(sigmorphon.read(path, 2023, sigmorphon.language(name), report))
            assert not report.dropped.counts
            sizes.append(len(found))
            lemmas.append({row.lemma for row in found})
        assert sizes == ([9922, 1000, 993] if name == "heb" else [10000, 1000, 1000])
        assert not lemmas[0] & lemmas[2]  # no lemma of the test is seen in training

"""Every committed study loads, and every committed table is what its frozen results give."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

from workbench import load
from workbench.reports import collect, spec, table

ROOT = Path(__file__).resolve().parents[1]
STUDIES = sorted(path.parent for path in (ROOT / "experiments").glob("*/study.toml"))


def only_reads(study: Path) -> bool:
    """Whether nothing is trained: a published encoder is looked at as it is, and every seed would see the same."""
    base = tomllib.loads((study / "study.toml").read_text("utf-8"))["base"]
    return "start" in base.get("pretrain", {}) and base.get("evaluate", {}).get("measures") == ["alignment"]


@pytest.mark.parametrize("study", STUDIES, ids=lambda path: path.name)
def test_a_study_loads_and_says_question_command_machine_time_and_expected(study: Path) -> None:
    found = load.study(study)
    assert found.name == study.name == spec.load(study).study
    head = (study / "study.toml").read_text("utf-8").split("\nname = ")[0]
    for word in ("?", "# command", "# machine", "# time", "# expected"):
        assert word in head


@pytest.mark.parametrize("study", STUDIES, ids=lambda path: path.name)
def test_committed_tables_are_rebuilt_byte_for_byte_from_at_least_three_seeds(study: Path) -> None:
    assert table.check(study, [ROOT / "README.md"])
    results = collect.gather(collect.read(study / "results.jsonl"))
    assert len(results.seeds) >= (1 if only_reads(study) else 3)
    assert set(load.study(study).seeds) == set(results.seeds)
    assert {cell.split for cell in results.cells} == {"test"}


@pytest.mark.parametrize(
    "file", [ROOT / "README.md", *(study / "study.toml" for study in STUDIES)], ids=lambda path: path.parent.name
)
def test_scripts_are_run_inside_the_environment(file: Path) -> None:
    assert not re.search(r"(?<!uv run )python experiments/", file.read_text("utf-8"))


def test_the_two_commands_stand_in_the_readme_once_each() -> None:
    readme = (ROOT / "README.md").read_text("utf-8")
    assert len(re.findall(r"^python3 -m venv .*workbench run experiments/quickstart$", readme, re.MULTILINE)) == 1
    assert len(re.findall(r"^python3 -m venv .*pytest$", readme, re.MULTILINE)) == 1


def test_the_citation_file_agrees_with_the_package() -> None:
    citation = (ROOT / "CITATION.cff").read_text("utf-8")
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    for key in ("cff-version", "message", "title", "authors", "license", "version", "date-released"):
        assert re.search(rf"^{key}: ?", citation, re.MULTILINE), key
    assert f"version: {project['version']}" in citation
    assert f"license: {project['license']}" in citation

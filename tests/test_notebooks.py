"""The notebooks: each runs from a clone, without a network or a run, and its pair for Jupyter says the same."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import jupytext
import pytest

FOLDER = Path(__file__).resolve().parents[1] / "experiments" / "notebooks"
NOTEBOOKS = sorted(FOLDER.glob("*.py"))


@pytest.mark.parametrize(
    ("name", "wanted"),
    [
        ("01_embedding_probe", ["char-trigram: beaten in 0 of 7 languages", "lexicon-gloss: beaten in 0 of 7"]),
        ("02_what_did_the_lexicon_buy", ["Of 1.21 bits saved, meaning is 0.07: 5%", "p = 0.016 over 7 languages"]),
        ("04_alignment_vs_transfer", ["56 points: 8 arms x 7 languages", "within languages   Spearman +0.00"]),
    ],
)
def test_a_notebook_runs_and_finds_what_the_frozen_results_hold(name: str, wanted: list[str]) -> None:
    done = subprocess.run(
        [sys.executable, f"{name}.py"],
        cwd=FOLDER,
        env=os.environ | {"MPLBACKEND": "Agg"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    for told in wanted:
        assert told in done.stdout


@pytest.mark.parametrize("script", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_and_its_pair_hold_the_same_cells_and_no_output(script: Path) -> None:
    pair = jupytext.read(script.with_suffix(".ipynb"))
    assert [(cell.cell_type, cell.source) for cell in pair.cells] == [
        (cell.cell_type, cell.source) for cell in jupytext.read(script).cells
    ]
    assert not any(cell.get("outputs") for cell in pair.cells)
    setup = next(cell.source for cell in pair.cells if cell.cell_type == "code")
    assert '"google.colab" in sys.modules' in setup
    assert '"-m", "pip", "install"' in setup

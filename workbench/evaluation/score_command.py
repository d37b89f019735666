"""`workbench score`: every score of stored predictions, computed again, and held against a run's results."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from pathlib import Path

from rich.console import Console
from rich.table import Table

from workbench.evaluation import predictions
from workbench.evaluation.predictions import Predicted
from workbench.files import canonical_json, read_jsonl

DIGITS = 6  # of a result row


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("paths", nargs="+", type=Path, help="files of predictions, or folders of runs that have some")
    parser.add_argument("--json", action="store_true", help="one JSON line per score, in place of a table")
    parser.add_argument(
        "--check", action="store_true", help="fail unless the results.jsonl of every run given says the same"
    )


def run(options: argparse.Namespace) -> int:
    """Exit code 1 where a run's results say otherwise than its predictions."""
    found = [(path, row) for path in predictions.files(options.paths) for row in _rows(predictions.read(path))]
    rows = [row for _, row in found]
    if options.json:
        for row in rows:
            print(canonical_json(row))
    else:
        _show(rows)
    return _check(found) if options.check else 0


def _rows(found: Predicted) -> list[dict[str, object]]:
    rows = []
    for part in (found, *found.varieties().values()):
        for one in part.scores():
            over, top = one.interval, part.head
            rows.append(
                {
                    **{name: getattr(top, name) for name in ("variant", "task", "lang", "split", "setting")},
                    "metric": one.metric,
                    "value": round(over.value, DIGITS),
                    "low": round(over.low, DIGITS),
                    "high": round(over.high, DIGITS),
                    "n": over.n,
                }
            )
    return rows


def _show(rows: list[dict[str, object]]) -> None:
    table = Table("variant", "task", "lang", "setting", "metric", "value", "95 %", "n", box=None, pad_edge=False)
    for row in rows:
        shown = f"{row['low']:.3f}-{row['high']:.3f}"
        names = [str(row[name]) for name in ("variant", "task", "lang", "setting", "metric")]
        table.add_row(*names, f"{row['value']:.4f}", shown, str(row["n"]))
    Console(width=None if Console().is_terminal else 200).print(table)


def _check(found: list[tuple[Path, dict[str, object]]]) -> int:
    """Each file's scores against the results of its own run: of several seeds, the rows differ in nothing else."""
    told: dict[Path, dict[tuple[str, ...], float]] = {}
    wrong = 0
    for path, row in found:
        run = _run(path)
        if run not in told:
            results = run / "results.jsonl"
            told[run] = {_cell(one): one["value"] for one in read_jsonl(results)} if results.is_file() else {}
        if (stands := told[run].get(_cell(row), "nothing")) != row["value"]:
            wrong += 1
            print(f"{run}: {' '.join(_cell(row))}: the predictions give {row['value']}, results say {stands}")
    print(f"{len(found) - wrong} of {len(found)} scores are as the results say")
    return 1 if wrong else 0


def _run(path: Path) -> Path:
    """The folder of the run that wrote a file of predictions: the one that holds its `predictions`."""
    inside = [folder.parent for folder in path.absolute().parents if folder.name == predictions.FOLDER]
    return inside[0] if inside else path.parent


def _cell(row: Mapping[str, object]) -> tuple[str, ...]:
    return tuple(str(row[name]) for name in ("variant", "task", "lang", "split", "setting", "metric"))

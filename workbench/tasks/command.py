"""`workbench tasks`: which labelled tasks there are, and whether the files of one are fit to be used."""

from __future__ import annotations

import argparse
from collections.abc import Iterable
from pathlib import Path
from typing import get_args

from rich.console import Console
from rich.table import Table

from workbench.config import TaskName
from workbench.errors import BadInput
from workbench.records import Dropped, Lang
from workbench.sources.lines import Report
from workbench.tasks import examples
from workbench.tasks.leakage import leakage
from workbench.tasks.task import SPLITS, Example, Split, Task, label_names, tag_names


def add_parser(verbs: argparse._SubParsersAction) -> None:
    parser = verbs.add_parser("tasks", help="labelled tasks: what there is, and whether a data set is fit to be used")
    actions = parser.add_subparsers(required=True, metavar="ACTION")
    listed = actions.add_parser("list", help="every known task: kind, metrics, languages that are here, licence")
    listed.set_defaults(func=_list)
    check = actions.add_parser("check", help="read all of a task: what is wrong, odd, repeated, or in two splits")
    check.add_argument(
        "task", help="a known task, or the folder of one's own: <language>/<split>.tsv, .jsonl or .conll"
    )
    check.set_defaults(func=_check)


def _list(options: argparse.Namespace) -> int:
    table = Table("task", "kind", "metrics", "languages", "licence", "citation", box=None, pad_edge=False)
    for name in get_args(TaskName):
        if name == "own":
            continue
        try:
            task = examples.task(name)
            here = str(len(examples.languages_of(task))) if name != "intents" else "embedded"
            table.add_row(name, task.kind, " ".join(task.metrics), here, task.licence, task.citation)
        except BadInput:
            table.add_row(name, "", "", "not here", "", "")
    Console(width=None if Console().is_terminal else 200).print(table)
    return 0


def _check(options: argparse.Namespace) -> int:
    """Exit code 1 where a row had to be left out."""
    task = _task(options.task)
    print(f"{task.name}: {task.kind}, judged by {', '.join(task.metrics)}; {task.licence}; {task.citation}")
    whole, found = Report(), _read(task)
    for lang, splits, report in found:
        counts = ", ".join(f"{split} {len(splits[split]):,}" for split in SPLITS if splits[split])
        print(f"{lang.tag}: {counts}")
        for line in leakage(splits).lines:
            print(f"  {line}")
        whole.merge(report)
    everything = [one for _, splits, _ in found for each in splits.values() for one in each]
    print(f"{len(label_names(everything))} labels, {len(tag_names(everything))} tags")
    for line in (*_told("left out", whole.dropped), *_told("kept, but", whole.noted)):
        print(line)
    return 1 if whole.dropped.counts else 0


def _task(named: str) -> Task:
    for name in get_args(TaskName):
        if name == named and name != "own":
            return examples.task(name)
    if Path(named).is_dir():
        return examples.task("own", named)
    known = ", ".join(name for name in get_args(TaskName) if name != "own")
    raise BadInput(f"{named}: neither a known task ({known}) nor a folder of one's own")


def _read(task: Task) -> list[tuple[Lang, dict[Split, list[Example]], Report]]:
    found: list[tuple[Lang, dict[Split, list[Example]], Report]] = []
    for lang in examples.languages_of(task):
        report, splits = Report(), {}
        for split in SPLITS:
            part = Report()
            splits[split] = examples.examples(task, lang, split, part)
            if split == SPLITS[0] or task.name != "massive":  # whose file holds all splits, and is read for each
                report.merge(part)
        found.append((lang, splits, report))
    return found


def _told(what: str, rows: Dropped) -> Iterable[str]:
    for reason, count in rows.counts.items():
        yield f"{what} {count:,}: {reason}; the first at {rows.examples[reason]}"

"""Stages `inflect` and `inflect-floors`: a model of one language (or of all), and what needs no model."""

from __future__ import annotations

import resource
from collections.abc import Mapping, Sequence
from dataclasses import asdict

import numpy as np

from workbench.config import InflectionConfig
from workbench.errors import BadInput
from workbench.evaluation import stats
from workbench.files import write_json, write_jsonl
from workbench.inflection import rows as files
from workbench.inflection.floors import floors
from workbench.inflection.rows import Row, Table
from workbench.inflection.score import by_group, edit_distance
from workbench.inflection.train import fit, sample
from workbench.records import Result
from workbench.reports.table import RESULTS_FILE
from workbench.runs.manifest import code_revision
from workbench.sources import sigmorphon
from workbench.stages.plan import Stage
from workbench.stages.pretrain import reporter
from workbench.stages.progress import Progress, Report
from workbench.stages.rows import INTERVAL_SEED
from workbench.stages.source import inflection_files

SUFFIX = {"dev": "dev", "test": "tst"}


def run(stage: Stage[InflectionConfig], report: Report) -> None:
    """Train, write the forms of the split's rows, and score them."""
    config, before = stage.config, _cpu_seconds()
    tables = _tables(config)
    inflector = fit(
        config,
        _rows(tables, "trn"),
        _rows(tables, "dev"),
        folder=stage.folder,
        seed=stage.seed,
        on_step=reporter(report),
    )
    report(Progress(config.train.steps, config.train.steps, note="writing forms"))
    found: list[Result] = []
    for lang in config.data.languages:
        table = tables[lang, SUFFIX[config.split]]
        given = inflector.write(table.rows)
        files.write(stage.folder / "predictions" / table.path.name, table, given)
        found += _scores(stage, stage.variant, lang, table.rows, given)
    # of this process: what an interrupted run took before is not in it
    write_json(stage.folder / "cost.json", {"cpu_seconds": _cpu_seconds() - before})
    write_jsonl(stage.folder / RESULTS_FILE, (asdict(one) for one in found))


def run_floors(stage: Stage[InflectionConfig], report: Report) -> None:
    """What needs no model, of the same training rows: `inflection.floors`."""
    config, tables = stage.config, _tables(stage.config)
    found: list[Result] = []
    for number, lang in enumerate(config.data.languages):
        report(Progress(number, len(config.data.languages), note=lang))
        training = sample(tables[lang, "trn"].rows, config.data.train_size, stage.seed)
        rows = tables[lang, SUFFIX[config.split]].rows
        of_size = f" ({config.data.train_size})" if config.data.train_size else ""
        for name, given in floors(training, rows).items():
            found += _scores(stage, f"floor:{name}{of_size}", lang, rows, given)
    write_jsonl(stage.folder / RESULTS_FILE, (asdict(one) for one in found))


def _tables(config: InflectionConfig) -> dict[tuple[str, str], Table]:
    """Language and file suffix -> its table.

    Raises: BadInput where one has no forms.
    """
    found = {}
    for path in inflection_files(config.data):
        lang, suffix = path.name.split(".")
        found[lang, suffix] = files.read(path)
        if found[lang, suffix].covered:
            raise BadInput(f"{path}: a covered file (lemma, features); a study scores what it writes, and wants forms")
    return found


def _rows(tables: Mapping[tuple[str, str], Table], suffix: str) -> list[Row]:
    return [row for (_, found), table in tables.items() if found == suffix for row in table.rows]


def _scores(
    stage: Stage[InflectionConfig], variant: str, lang: str, rows: Sequence[Row], given: Sequence[str]
) -> list[Result]:
    """Exact match and edit distance of all rows, and exact match by part of speech."""
    pairs = list(zip([row.form or "" for row in rows], given, strict=True))
    right = np.array([gold == form for gold, form in pairs], float)
    distance = np.array([edit_distance(gold, form) for gold, form in pairs], float)
    of_file = sigmorphon.variety(lang)

    def result(metric: str, over: stats.Interval, setting: str) -> Result:
        exact = metric == "exact_match"
        return Result(
            run=stage.folder.name,
            study=stage.study,
            variant=variant,
            seed=stage.seed,
            step=stage.config.train.steps if stage.kind == "inflect" else 0,
            task="inflection",
            lang=sigmorphon.language(lang).tag,
            split=stage.config.split,
            metric=metric,
            value=round(over.value, 6),
            n=over.n,
            unit="share" if exact else "characters",
            higher_is_better=exact,
            setting=setting,
            low=round(over.low, 6),
            high=round(over.high, 6),
            data_revision=stage.identity["data_revision"],
            code=code_revision(),
        )

    found = [
        result("exact_match", stats.bootstrap_mean(right, INTERVAL_SEED), of_file),
        result("edit_distance", stats.bootstrap_mean(distance, INTERVAL_SEED), of_file),
    ]
    for name, members in by_group(rows).items():
        if name.startswith("pos="):
            over = stats.bootstrap_mean(right[members], INTERVAL_SEED)
            found.append(result("exact_match", over, f"{of_file} {name}".strip()))
    return found


def _cpu_seconds() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime

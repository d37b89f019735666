"""From finished stages to the report: gathers what stands beside the result rows and hands all of it to the reports."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from workbench import languages
from workbench.config import AnyStudy, Study
from workbench.files import read_json
from workbench.records import Lang
from workbench.reports.collect import Results
from workbench.reports.figure import read_curve
from workbench.reports.html import Inputs
from workbench.reports.report import report
from workbench.reports.spec import Spec
from workbench.runs.manifest import code_revision, versions
from workbench.stages import source
from workbench.stages.plan import Stage
from workbench.stages.source import OwnText, Text, licences, open_text


def publish(
    study: AnyStudy, plan: Sequence[Stage[Any]], spec: Spec, results: Results, path: Path, folder: Path
) -> Path:
    """Write tables, figures and report.html under `folder`; return the page."""
    if isinstance(study, Study):
        return report(_inputs(study, plan, spec, results, path), folder)[0]
    return report(_inflection_inputs(study, plan, spec, results, path), folder)[0]


def _inflection_inputs(study: AnyStudy, plan: Sequence[Stage[Any]], spec: Spec, results: Results, path: Path) -> Inputs:
    """Of a study without a language model: numbers, and how to repeat them."""
    return Inputs(
        title=study.name,
        question=study.question,
        spec=spec,
        results=results,
        pivot="eng-Latn",
        data=[],
        fertility=[],
        mixture=[],
        licences=[],
        reproduce={
            "command": shlex.join(["workbench", "run", str(path)]),
            "code": code_revision(),
            "data": results.data_revision,
            "versions": versions(),
            "stages": {stage.label: stage.folder.name for stage in plan},
        },
    )


def _inputs(study: Study, plan: Sequence[Stage], spec: Spec, results: Results, path: Path) -> Inputs:
    first = plan[0].config
    seed = study.seeds[0]
    tokenizer = _one(plan, "tokenizer")
    base = next(stage for stage in plan if stage.kind == "base" and stage.seed == seed)
    adapted = [stage for stage in plan if stage.kind == "adapt" and stage.seed == seed]
    shown = [s for s in plan if s.kind == "run" and s.seed == seed and s.variant in _shown(study)]
    maps = [s.folder / "embeddings.npz" for s in shown if "retrieval" in s.config.measures]
    data = open_text(first.data.source, results.data_revision)
    found = licences(first.data.source)
    return Inputs(
        title=study.name,
        question=study.question,
        spec=spec,
        results=results,
        pivot=first.data.pivot,
        data=_data_rows(data, [*first.data.targets, *first.data.pretrain]),
        fertility=_rounded(read_json(tokenizer.folder / "fertility.json")),
        mixture=[
            {"lang": row["lang"], "tokens": row["num_tokens"], "share": row["share"], "epochs": row["epochs"]}
            for row in _rounded(read_json(base.folder / "mixture.json"))
        ],
        licences=[{"source": x.source, "licence": x.licence, "citation": x.citation} for x in found],
        reproduce={
            "command": shlex.join(["workbench", "run", str(path)]),
            "code": code_revision(),
            "data": results.data_revision,
            "versions": versions(),
            "stages": {stage.label: stage.folder.name for stage in [tokenizer, base, *adapted]},
        },
        curves=[
            read_curve(stage.folder / "metrics.jsonl", label, "loss_nats_per_token")
            for label, stage in _trained(plan, base, adapted)
        ],
        maps=maps,
        remarks=_coverage(plan, seed),
    )


def _trained(plan: Sequence[Stage], base: Stage, adapted: Sequence[Stage]) -> list[tuple[str, Stage]]:
    """The trainings whose curves are drawn: the base and what was adapted; without targets, each variant's base.

    A base that was there already (`pretrain.start`) was not trained here.
    """
    if base.config.data.targets:
        first = [] if base.config.pretrain.start else [("base", base)]
        return [*first, *((stage.variant, stage) for stage in adapted)]
    runs = [stage for stage in plan if stage.kind == "run" and stage.seed == base.seed]
    return [(run.variant, run.inputs["model"]) for run in runs if not run.config.pretrain.start]


def _shown(study: Study) -> tuple[str, str]:
    """The arms whose embeddings are drawn: the reference, and the last that is not the ceiling."""
    names = list(study.variants)
    return study.reference, "lexicon" if "lexicon" in names else names[-1]


def _one(plan: Sequence[Stage], kind: str) -> Stage:
    return next(stage for stage in plan if stage.kind == kind)


def _data_rows(data: Text, tags: Sequence[str]) -> list[dict[str, object]]:
    """What there is of each language; a count that a source does not have is not a zero, so it is said as a dash."""
    if not isinstance(data, OwnText):
        every = data.languages()
        counts = {tag: every[_present(every, languages.parse(tag))] for tag in tags}
        keys = list(dict.fromkeys(key for found in every.values() for key in found))
    else:
        counts = {tag: source.counts(data, languages.parse(tag)) for tag in tags}
        keys = list(dict.fromkeys(key for found in counts.values() for key in found))
    return [{"lang": tag, **{key: found.get(key, "–") for key in keys}} for tag, found in counts.items()]


def _present(counts: dict[Lang, dict[str, int]], lang: Lang) -> Lang:
    return next(candidate for candidate in (lang, *languages.counterparts(lang)) if candidate in counts)


def _rounded(rows: list[dict[str, Any]]) -> list[dict[str, object]]:
    return [{k: round(v, 4) if isinstance(v, float) else v for k, v in row.items()} for row in rows]


def _coverage(plan: Sequence[Stage], seed: int) -> list[str]:
    """One sentence on how much of the pivot's text each lexicon covers: gains are to be read beside it."""
    for stage in plan:
        if stage.kind == "synth" and stage.seed == seed and not stage.config.synth.permute_lexicon:
            rows = read_json(stage.folder / "report.json")
            shares = ", ".join(f"{languages.name(row['lang'])} {row['token_coverage']:.0%}" for row in rows)
            return [f"The lexicons cover these shares of the running English words: {shares}."]
    return []

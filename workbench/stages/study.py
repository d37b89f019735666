"""The verbs on a study: run it, look at it, freeze it, print its tables, write its report."""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from pathlib import Path

from rich.console import Console
from rich.table import Table

from workbench import load
from workbench.config import AnyStudy, Config, InflectionStudy, Study
from workbench.errors import BadInput
from workbench.records import Result
from workbench.reports import collect, group_table, plain, render, scaling_table, spec
from workbench.reports import table as tables
from workbench.runs import doctor
from workbench.runs.folder import Folder
from workbench.sources import sigmorphon
from workbench.stages import paradigms, scheduler, source
from workbench.stages.corpora import measured
from workbench.stages.display import Display, clock
from workbench.stages.plan import Stage, stages
from workbench.stages.publish import publish

BY_LANGUAGE = ("lm", "retrieval", "tokenizer")  # tasks measured in the languages of `data`, and in no others


def run(path: Path, overrides: Sequence[str], *, retry_failed: bool, dry_run: bool) -> int:
    """Run what is not done of the study, then print its main table and where everything is."""
    path, study = _folder(path), load.study(path, overrides)
    console = Console()
    shown = _spec(path, study, overrides, console)
    data_revision = source.revision(study, lambda line: console.print(line, highlight=False))
    if isinstance(study, Study):
        paradigms.refuse_without_data(study, data_revision)
    plan = stages(study, data_revision)
    if dry_run:
        for stage in plan:
            line = f"{Folder(stage.folder).status().state:8} {stage.label:32} {stage.folder}"
            console.print(line, highlight=False, soft_wrap=True)
        return 0
    console.print(f"[bold]{study.name}[/]: {len(study.variants)} variants x {len(study.seeds)} seeds", highlight=False)
    doctor.require(study.where.device)
    start = time.monotonic()
    display = Display(console)
    try:
        scheduler.execute(plan, study.where, path, overrides, display, retry_failed)
    finally:
        display.stop()
    console.print(f"all runs done in {clock(time.monotonic() - start)}", highlight=False)
    if study.where.hosts.index:
        console.print("the report is on host 0")
        return 0
    folder = runs_root(study) / "report"
    results = collect.gather(_finished(plan))
    _show(console, shown, results)
    written = publish(study, plan, shown, results, path, folder)
    console.print(f"\nreport   {written}\nruns     {runs_root(study)}", highlight=False, soft_wrap=True)
    if not overrides:
        console.print(
            "\nnext     open the report; "
            f"`workbench freeze {path}` keeps these numbers beside the study; {_ask_next(path, study)}",
            highlight=False,
            soft_wrap=True,
        )
    return 0


def _ask_next(path: Path, study: AnyStudy) -> str:
    """A question that the study at hand leaves open, as a command."""
    if not isinstance(study, Study):
        longer = 2 * max(config.train.steps for config in study.variants.values())
        return f"`workbench run {path} --set train.steps={longer}` asks what a longer training buys"
    configs = study.variants.values()
    if any("pseudo" in config.adapt.resources for config in configs):
        fewer = max(1, max(config.synth.sentences for config in configs) // 4)
        return f"`workbench run {path} --set synth.sentences={fewer}` asks what a smaller synthetic corpus buys"
    shorter = max(2, max(config.pretrain.steps for config in configs) // 2)
    return f"`workbench run {path} --set pretrain.steps={shorter}` asks what a shorter training buys"


def status(path: Path, overrides: Sequence[str]) -> int:
    """One line per stage: state, time, label, folder."""
    study = load.study(path, overrides)
    table = Table("state", "time", "stage", box=None, pad_edge=False)
    plan = stages(study, source.revision(study))
    # whole, for it is what `export`, `adapt` and `probe` are given
    table.add_column("folder", min_width=max(len(str(stage.folder)) for stage in plan))
    for stage in plan:
        found = Folder(stage.folder).status()
        colour = {"done": "green", "failed": "red", "running": "yellow", "absent": "dim"}[found.state]
        seconds = clock(found.seconds) if found.seconds else ""
        table.add_row(f"[{colour}]{found.state}[/]", seconds, f"{stage.label} {found.message}", str(stage.folder))
    Console().print(table, crop=False)
    return 0


def freeze(path: Path, overrides: Sequence[str]) -> int:
    """Copy the finished rows into the study's folder, sorted; refuse if one (variant, seed) is missing."""
    path, study = _folder(path), load.study(path, overrides)
    plan = stages(study, source.revision(study))
    dest = path / tables.RESULTS_FILE
    results = collect.freeze(_finished(plan), variants=list(study.variants), seeds=study.seeds, dest=dest)
    rows = sum(len(by_seed) for by_seed in results.cells.values())
    print(f"{dest}: {rows} rows, {len(study.variants)} variants x {len(study.seeds)} seeds")
    return 0


def table(path: Path, *, check: bool) -> int:
    """Rebuild the tables from the frozen rows: print and write them, or compare them with what is committed."""
    path, study = _folder(path), load.study(path)
    readmes = [readme for readme in [Path("README.md")] if readme.is_file()]
    if check:
        for file in tables.check(path, readmes):
            print(f"ok  {file}")
        return 0
    console = Console()
    shown = _spec(path, study, (), console)
    _show(console, shown, collect.gather(collect.read(path / tables.RESULTS_FILE)))
    for file in tables.write(path, readmes):
        print(file)
    return 0


def report(path: Path, overrides: Sequence[str], out: Path | None) -> int:
    """Write tables, figures and report.html of the finished runs."""
    path, study = _folder(path), load.study(path, overrides)
    shown = _spec(path, study, overrides, Console())
    plan = stages(study, source.revision(study))
    results = collect.gather(_finished(plan))
    folder = out or runs_root(study) / "report"
    print(publish(study, plan, shown, results, path, folder))
    return 0


def _folder(path: Path) -> Path:
    """A study is named by its folder, or by the study.toml in it."""
    return path.parent if path.is_file() else path


def runs_root(study: AnyStudy) -> Path:
    return Path(study.where.runs) / study.name


def _finished(plan: Sequence[Stage]) -> list[Result]:
    """The rows of every run and floor of the plan.

    Raises: BadInput if one of them is not done.
    """
    rows = []
    for stage in plan:
        if stage.measures:
            found = Folder(stage.folder).status()
            if found.state != "done":
                raise BadInput(f"{stage.folder}: {found.state}, wanted done; `workbench run` finishes it")
            rows += collect.read(stage.folder / tables.RESULTS_FILE)
    return rows


def _spec(path: Path, study: AnyStudy, overrides: Sequence[str], console: Console) -> spec.Spec:
    """What the study shows; without the languages that `--set` left out of it, which is said.

    Raises: BadInput where it shows another study, or rows or languages that this one has not.
    """
    file = path / spec.SPEC_FILE
    found = spec.load(file)
    if found.study != study.name:
        raise BadInput(f"{file}: study is {found.study!r}, wanted {study.name!r}")
    if unknown := sorted(found.variants - set(study.variants)):
        raise BadInput(f"{file}: rows of {unknown}, but the study's variants are {list(study.variants)}")
    if not isinstance(study, Study):
        return _of_files(file, found, study, overrides, console)
    configs = study.variants.values()
    _refuse_other_bits(file, found, configs)
    elsewhere = any(config.evaluate.tasks or "in-context" in config.measures for config in configs)
    tasks = BY_LANGUAGE if elsewhere else (*BY_LANGUAGE, "intents")
    pivot = study.variants[study.reference].data.pivot
    langs = list(dict.fromkeys(lang.tag for config in configs for lang in measured(config)))
    lost = [tag for tag in found.languages(tasks) if tag not in langs]
    if not lost:
        return found
    if not _set(overrides, "data.targets", "data.pretrain"):
        raise _without(file, lost, langs, "data.targets")
    others = [tag for tag in langs if tag != pivot] or [pivot]
    console.print(
        f"the tables are without {', '.join(lost)}, which --set left out; they show {', '.join(others)}",
        highlight=False,
        soft_wrap=True,
    )
    return spec.over(found, tasks, others, pivot)


def _of_files(
    file: Path, found: spec.Spec, study: InflectionStudy, overrides: Sequence[str], console: Console
) -> spec.Spec:
    """A column for each file, where `--set` names the files.

    Raises: BadInput where it does not, and a column has no file.
    """
    names = dict.fromkeys(name for config in study.variants.values() for name in config.data.languages)
    columns = dict.fromkeys(f"{sigmorphon.language(name).tag} {sigmorphon.variety(name)}".strip() for name in names)
    shown = found.languages(["inflection"])
    if set(columns) == set(shown):
        return found
    if _set(overrides, "data.languages"):
        console.print(f"the tables show {', '.join(columns)}, as --set has them", highlight=False, soft_wrap=True)
        return spec.in_columns(found, "inflection", list(columns))
    if lost := [tag for tag in shown if tag not in columns]:
        raise _without(file, lost, columns, "data.languages")
    return found


def _set(overrides: Sequence[str], *keys: str) -> bool:
    """Does `--set` give one of them, of the base or of a variant?"""
    return any(one.partition("=")[0].strip().endswith(keys) for one in overrides)


def _without(file: Path, lost: Iterable[str], langs: Iterable[str], key: str) -> BadInput:
    return BadInput(
        f"{file}: columns of {', '.join(lost)}, but the study measures {', '.join(langs)}; leave them out, or name the "
        f"languages in {key}"
    )


def _refuse_other_bits(file: Path, found: spec.Spec, configs: Iterable[Config]) -> None:
    """Raises: BadInput where a table shows bits at a setting that no variant measures them at."""
    given = {config.bits for config in configs}
    both: list[spec.TableSpec | spec.Scaling] = [*found.table, *found.scaling]
    for one in both:
        others = sorted(setting for metric, setting in given if metric == one.metric and setting != one.setting)
        if one.task == "lm" and others and (one.metric, one.setting) not in given:
            raise BadInput(
                f"{file}: {one.name!r} shows {one.metric} of setting {one.setting!r}, but the study measures "
                f"{', '.join(others)}; write that there, or leave the study's own evaluate.mask_groups and "
                "pretrain.length"
            )


def _show(console: Console, found: spec.Spec, results: collect.Results) -> None:
    for one in found.table:
        console.print()
        console.print(render.terminal(tables.build(one, results)))
    for groups in found.groups:
        console.print(plain.terminal(group_table.made(groups, results)))
    for law in found.scaling:
        for made in scaling_table.tables(law, results):
            console.print()
            console.print(plain.terminal(made))

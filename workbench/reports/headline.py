"""The report in words: sentences computed from the numbers by one fixed rule, whichever way they come out."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import Literal, assert_never

from workbench import naming
from workbench.reports import grid
from workbench.reports.collect import Results
from workbench.reports.grid import Grid
from workbench.reports.render import number
from workbench.reports.spec import Floors, Forgetting, Gain, Spec, TableSpec

Verdict = Literal["better", "unclear", "worse"]
_ABOUT = re.compile(r"\((?P<variant>[^()]+)\)$")


@dataclass(frozen=True, slots=True)
class Effect:
    """How much better, seed by seed: positive is better whichever way the metric runs."""

    label: str
    improvements: tuple[float, ...]

    @property
    def mean(self) -> float:
        return fmean(self.improvements)

    @property
    def verdict(self) -> Verdict:
        if not grid.is_clear(self.improvements):
            return "unclear"
        return "better" if self.mean > 0 else "worse"


@dataclass(frozen=True, slots=True)
class Finding:
    """One claim, decided: `chip` says how in two words, `short` in a sentence, `detail` with nothing left out."""

    title: str
    chip: str
    verdict: Verdict
    short: str
    detail: str
    effects: tuple[Effect, ...]
    overall: Effect | None
    unit: str
    digits: int

    @property
    def sentence(self) -> str:
        return f"{self.short} {self.detail}"


def rule(num_seeds: int) -> str:
    """What “clear” means, and how often noise alone would pass: Student's t beyond CLEAR * sqrt(n), n - 1 degrees."""
    from scipy.stats import t

    said = (
        f"“Clear” means: the same sign in every seed, and a mean difference beyond {grid.CLEAR:g} standard deviations "
        "over seeds"
    )
    if num_seeds < 2:
        return f"{said}; one seed is never clear."
    by_chance = 2 * float(t.sf(grid.CLEAR * num_seeds**0.5, num_seeds - 1))
    return f"{said}; with {num_seeds} seeds noise alone passes that about {by_chance:.0%} of the time."


def findings(spec: Spec, results: Results) -> list[Finding]:
    """Every claim of the spec in its order; a claim about floors gives one finding a floor."""
    found: list[Finding] = []
    for claim in spec.claim:
        numbers = grid.fill(spec.named(claim.table), results)
        match claim:
            case Gain():
                found.append(_gain(claim, numbers))
            case Floors():
                found += [_floor(claim, numbers, r.name) for r in numbers.spec.rows if r.floor and not r.ceiling]
            case Forgetting():
                found.append(_forgetting(claim, numbers))
            case _:
                assert_never(claim)
    return found


def _gain(claim: Gain, numbers: Grid) -> Finding:
    table, tags = numbers.spec, numbers.shared(claim.row, claim.against)
    names = naming.names((*table.columns, *table.aside))
    effects = _effects([(names[t], numbers.improvement(claim.row, claim.against, t)) for t in tags])
    overall = _overall(effects)
    before, after = (_mean(numbers, name, tags) for name in (claim.against, claim.row))
    size, unit = f"{abs(overall.mean):.{table.digits}f}", unit_of_difference(table)
    path = f"{before:.{table.digits}f} → {after:.{table.digits}f}, mean over {_count(len(tags), 'language')}"
    match overall.verdict:
        case "better":
            first = f"{_q(claim.row)} is better than {_q(claim.against)} by {size} {unit} ({path})."
        case "worse":
            first = f"{_q(claim.row)} is worse than {_q(claim.against)} by {size} {unit} ({path})."
        case "unclear":
            side = "better" if overall.mean > 0 else "worse"
            first = f"{_q(claim.row)} and {_q(claim.against)} do not clearly differ: {size} {unit} {side} ({path})."
        case _:
            assert_never(overall.verdict)
    chip = {"better": "gain", "unclear": "no clear difference", "worse": "loss"}[overall.verdict]
    detail = _by_label(effects, table.digits, "better", "worse")
    return Finding(claim.title, chip, overall.verdict, first, detail, effects, overall, unit, table.digits)


def _floor(claim: Floors, numbers: Grid, floor: str) -> Finding:
    table = numbers.spec
    arms = [row for row in table.rows if not row.floor and not row.ceiling]
    about = _ABOUT.search(numbers.row(floor).variant)
    own = [row.name for row in table.rows if about and row.variant == about["variant"]]
    rivals = own or [row.name for row in arms]
    whole = [name for name in rivals if set(numbers.columns_of(floor)) <= set(numbers.columns_of(name))]
    best = numbers.best(whole or rivals, numbers.columns_of(floor))
    tags = numbers.shared(best, floor)
    names = naming.names((*table.columns, *table.aside))
    effects = _effects([(names[t], numbers.improvement(best, floor, t)) for t in tags])
    overall = _overall(effects)
    size, unit = f"{abs(overall.mean):.{table.digits}f}", unit_of_difference(table)
    level, theirs = _mean(numbers, floor, tags), _mean(numbers, best, tags)
    path = f"{theirs:.{table.digits}f} against {level:.{table.digits}f}, mean over {_count(len(tags), 'language')}"
    who = _q(best)
    if len(rivals) > 1:
        who += f", the best of {len(rivals)} rows (a choice that favours the models),"
    match overall.verdict:
        case "better":
            first = f"{who} beats {_q(floor)} by {size} {unit} ({path})."
        case "worse":
            first = f"{who} loses to {_q(floor)}, which uses no neural model, by {size} {unit} ({path})."
        case "unclear":
            first = f"{who} does not clearly differ from {_q(floor)}: {size} {unit} ({path})."
        case _:
            assert_never(overall.verdict)
    chip = {"better": "model wins", "unclear": "no clear winner", "worse": "floor wins"}[overall.verdict]
    other = numbers.row(floor).metric
    caveat = f" The floor is measured as {other}, the models as {table.metric}: close, not equal." if other else ""
    detail = _by_label(effects, table.digits, "ahead", "behind") + caveat
    title = f"{claim.title} {floor}"
    return Finding(title, chip, overall.verdict, first, detail, effects, overall, unit, table.digits)


def _forgetting(claim: Forgetting, numbers: Grid) -> Finding:
    table, tag = numbers.spec, claim.column
    language = naming.names((*table.columns, *table.aside))[tag]
    names = [
        row.name
        for row in table.rows
        if not row.floor and row.name != claim.reference and tag in numbers.values[row.name]
    ]
    effects = _effects([(name, numbers.improvement(name, claim.reference, tag)) for name in names])
    worst = min(effects, key=lambda e: e.mean)
    worse = [e for e in effects if e.verdict == "worse"]
    unit = unit_of_difference(table)
    level = f"{_mean(numbers, claim.reference, [tag]):.{table.digits}f}"
    if worse:
        first = (
            f"Adapting costs {language}: {len(worse)} of {_count(len(effects), 'row')} are clearly worse than "
            f"{_q(claim.reference)} ({level} {table.unit}), {_q(worst.label)} the most, by "
            f"{abs(worst.mean):.{table.digits}f}."
        )
    else:
        first = f"No row is clearly worse in {language} than {_q(claim.reference)} ({level} {table.unit})."
    verdict: Verdict = "worse" if worse else "better" if all(e.verdict == "better" for e in effects) else "unclear"
    chip = {"better": "improved", "unclear": "no clear cost", "worse": "forgetting"}[verdict]
    detail = _by_label(effects, table.digits, "better", "worse")
    return Finding(claim.title, chip, verdict, first, detail, effects, None, unit, table.digits)


def unit_of_difference(table: TableSpec) -> str:
    return "points" if table.unit == "%" else table.unit


def _effects(rows: Sequence[tuple[str, Sequence[float]]]) -> tuple[Effect, ...]:
    return tuple(Effect(label, tuple(values)) for label, values in rows)


def _overall(effects: Sequence[Effect]) -> Effect:
    return Effect("mean", tuple(grid.column_means(_same_length([e.improvements for e in effects]))))


def _same_length(rows: Sequence[tuple[float, ...]]) -> list[tuple[float, ...]]:
    """A row of one value (both sides deterministic) is that value in every seed."""
    longest = max(map(len, rows))
    return [row * longest if len(row) == 1 else row for row in rows]


def _mean(numbers: Grid, name: str, tags: Sequence[str]) -> float:
    return fmean(fmean(numbers.values[name][tag].values()) for tag in tags)


def _by_label(effects: Sequence[Effect], digits: int, up: str, down: str) -> str:
    """Which ones, by how much: clear gains, clear losses, and the rest, none left out."""

    def listed(verdict: Verdict) -> str:
        chosen = sorted((e for e in effects if e.verdict == verdict), key=lambda e: -abs(e.mean))
        return ", ".join(f"{e.label} ({number(e.mean, digits, signed=True)})" for e in chosen)

    gains, losses, rest = listed("better"), listed("worse"), listed("unclear")
    parts = [f"clearly {up}: {gains}" if gains else "", f"clearly {down}: {losses}" if losses else ""]
    parts.append(f"no clear difference: {rest}" if rest else "")
    text = "; ".join(part for part in parts if part)
    one_seed = " (one seed, so nothing is called clear)" if all(len(e.improvements) == 1 for e in effects) else ""
    return f"{text[:1].upper()}{text[1:]}{one_seed}."


def _q(label: str) -> str:
    return f"“{label}”"


def _count(how_many: int, noun: str) -> str:
    return f"{how_many} {noun}" + ("" if how_many == 1 else "s")

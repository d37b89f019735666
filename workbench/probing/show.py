"""What `workbench probe` prints: one line per language, floors beside it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from rich.console import Console
from rich.table import Table as Grid

from workbench.evaluation.probe_rows import Row
from workbench.probing.probe import Settings, pairs
from workbench.probing.sentences import Parallel

FEW = 8  # languages named in a remark
MAX_PAIRS = 200  # lines printed of retrieval; all of them are in --out


def remarks(sentences: Sequence[Parallel], settings: Settings) -> list[str]:
    """What is measured on how much, and what about the sentences a reader should know."""
    numbers = sorted({one.n for one in sentences})
    count = sum(len(pairs(one, settings)) for one in sentences)
    sizes = f"{numbers[0]:,}" if len(numbers) == 1 else f"{numbers[0]:,} to {numbers[-1]:,}"
    found = [f"{sentences[0].name}: {sizes} sentences, {count} pair(s) of languages"]
    for one in sentences:
        if one.repeated:
            named = ", ".join(f"{lang.tag} {times}" for lang, times in list(one.repeated.items())[:FEW])
            more = f" and {len(one.repeated) - FEW} more" if len(one.repeated) > FEW else ""
            found.append(f"sentences that stand more than once (ties count in parts): {named}{more}")
    return found


@dataclass(slots=True)
class Table:
    """Gathers what is shown of the rows; all of them are in the file of rows."""

    num_layers: int
    rows: list[Row] = field(default_factory=list)

    def add(self, row: Row) -> None:
        self.rows.append(row)

    def print(self, console: Console | None = None) -> None:
        out = console or Console()
        for grid in (_retrieval(self.rows), _words(self.rows), _across(self.rows)):
            if grid is not None:
                out.print()
                out.print(grid)


def _retrieval(rows: Sequence[Row]) -> Grid | None:
    """Per pair the best layer of the held-out v-bar and of CSLS (or whichever were measured), both directions' mean."""
    found = [row for row in rows if row.probe == "retrieval"]
    if not found:
        return None
    measured = list(dict.fromkeys(row.method for row in found if row.layer is not None))
    shown = [method for method in ("held-out", "csls") if method in measured] or measured[:2]
    last = max(row.layer for row in found if row.layer is not None)
    columns = [f"{method} {at}" for method in shown for at in ("best", f"layer {last}")]
    grid = Grid(title="Sentences that find their translation, %, both directions", title_justify="left", box=None)
    for head in ("pair", "N", "chance", "trigram", "gloss", *columns):
        grid.add_column(head, justify="left" if head == "pair" else "right")
    by_pair: dict[tuple[str, str], list[Row]] = {}
    for row in found:
        by_pair.setdefault((row.pivot, row.lang), []).append(row)
    for (pivot, lang), own in list(by_pair.items())[:MAX_PAIRS]:
        floors = [_mean(own, name, None) for name in ("char-trigram", "lexicon-gloss")]
        cells = [f"{pivot} {lang}", str(own[0].n), _percent(own[0].chance), *map(_percent, floors)]
        for method in shown:
            layers = {row.layer: _mean(own, method, row.layer) for row in own if row.method == method}
            best = max(layers, key=lambda layer: layers[layer] or 0.0)
            mark = "" if (layers[best] or 0.0) > max(value or 0.0 for value in floors) else " <floor"
            cells += [f"{_percent(layers[best])} @{best}{mark}", _percent(layers[last])]
        grid.add_row(*cells)
    grid.caption = "trigram, gloss: floors without a model (character trigrams, lexicon glosses); @: the best layer"
    return grid


def _words(rows: Sequence[Row]) -> Grid | None:
    wanted = [row for row in rows if row.probe in ("word-translation", "word-alignment", "round-trip", "similarity")]
    kept: dict[tuple[str, str, str, str], Row] = {}
    for row in wanted:
        if row.layer is None or row.metric in ("precision_at_5", "precision_at_10"):
            continue
        if row.method.endswith("cosine"):
            continue
        key = (row.pivot, row.lang, row.metric, row.method)
        if key not in kept or row.value > kept[key].value:
            kept[key] = row
    return _grid("Words and spaces, the best layer of each", list(kept.values()))


def _across(rows: Sequence[Row]) -> Grid | None:
    layers = [row.layer for row in rows if row.layer is not None]
    found = [row for row in rows if row.probe in ("language", "grouping", "space") and row.layer == max(layers)]
    return _grid(f"The space of layer {max(layers, default=0)}", found)


def _grid(title: str, found: Sequence[Row]) -> Grid | None:
    if not found:
        return None
    grid = Grid(title=title, title_justify="left", box=None)
    for head in ("languages", "measure", "value", "95 %", "layer", "n", "chance", "floor"):
        grid.add_column(head, justify="left" if head in ("languages", "measure") else "right")
    for row in found[:MAX_PAIRS]:
        bounds = f"{row.low:.3f}-{row.high:.3f}" if row.low is not None and row.high is not None else ""
        grid.add_row(
            f"{row.pivot} {row.lang}".strip() or "all",
            f"{row.metric} {row.method}".strip(),
            f"{row.value:.3f}",
            bounds,
            str(row.layer),
            str(row.n),
            "" if row.chance is None else f"{row.chance:.3f}",
            " ".join(f"{name} {value:.3f}" for name, value in row.floors.items()),
        )
    return grid


def _mean(rows: Sequence[Row], method: str, layer: int | None) -> float | None:
    values = [row.value for row in rows if row.method == method and row.layer == layer]
    return sum(values) / len(values) if values else None


def _percent(value: float | None) -> str:
    return "–" if value is None else f"{100 * value:.1f}"

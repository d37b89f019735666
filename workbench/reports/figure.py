"""Figures as PDF, SVG and PNG: the same bytes for the same input, in colours that colour-blind readers can tell."""

from __future__ import annotations

import io
import math
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean

import matplotlib as mpl
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from workbench import naming
from workbench.errors import BadInput
from workbench.files import read_jsonl, write_bytes
from workbench.reports import grid
from workbench.reports.collect import Results, is_floor
from workbench.reports.projection import EmbeddingMap, Projection
from workbench.reports.spec import Bars, Layers, Row, Spec

# Okabe & Ito 2008, "Color Universal Design", black replaced by grey and yellow darkened for white paper.
PALETTE = ("#8c8c8c", "#e69f00", "#56b4e9", "#0072b2", "#009e73", "#cc79a7", "#d55e00", "#b8a800")
MARKERS = "osD^vPX*"
DASHES: tuple[tuple[float, ...], ...] = ((4, 2), (1.5, 1.5), (6, 2, 1.5, 2))
INK = "#24292f"
WIDTH = 7.0  # inches
STYLE = {
    "font.family": "DejaVu Sans",
    "font.size": 8.0,
    "text.color": INK,
    "axes.edgecolor": INK,
    "axes.labelcolor": INK,
    "xtick.color": INK,
    "ytick.color": INK,
    "axes.titlesize": 8.5,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.linewidth": 0.7,
    "figure.facecolor": "none",
    "axes.facecolor": "none",
    "savefig.facecolor": "none",
    "legend.frameon": False,
    "pdf.fonttype": 42,
    "svg.fonttype": "none",
    "svg.hashsalt": "workbench",
}


@dataclass(frozen=True, slots=True)
class Drawn:
    """One figure's files; `alt` says in words what it shows."""

    name: str
    title: str
    alt: str
    files: tuple[Path, ...]

    @property
    def svg(self) -> Path:
        return next(path for path in self.files if path.suffix == ".svg")


@dataclass(frozen=True, slots=True)
class Curve:
    """A logged quantity of one run over its steps."""

    label: str
    steps: tuple[int, ...]
    values: tuple[float, ...]


def read_curve(path: Path, label: str, key: str) -> Curve:
    """The lines of a metrics.jsonl that hold `key`.

    Raises: BadInput where no line does.
    """
    rows = [row for row in read_jsonl(path) if key in row]
    if not rows:
        raise BadInput(f"{path}: no line has {key!r}")
    return Curve(label, tuple(int(row["step"]) for row in rows), tuple(float(row[key]) for row in rows))


def bars(figure: Bars, spec: Spec, results: Results, folder: Path) -> Drawn:
    """A panel per language: a bar per row with ± sd and every seed as a dot, each floor as a dashed line."""
    table = spec.named(figure.table)
    numbers = grid.fill(table, results)
    arms, floors = _split(table.rows)
    looks = [_look(spec, arms, row) for row in arms]
    better = "higher" if numbers.higher_is_better else "lower"
    with _panels(table.columns) as (made, panels):
        for tag, axes in panels:
            for index, (row, (colour, hatch)) in enumerate(zip(arms, looks, strict=True)):
                by_seed = numbers.values[row.name].get(tag)
                if by_seed is None:
                    axes.text(index, 0, "–", ha="center", va="bottom")
                    continue
                values = list(by_seed.values())
                axes.bar(index, fmean(values), 0.82, color=colour, hatch=hatch, edgecolor="white", linewidth=0)
                axes.errorbar(index, fmean(values), grid.spread(values), ecolor=INK, elinewidth=0.8, capsize=1.5)
                offsets = [index + 0.22 * (k - (len(values) - 1) / 2) for k in range(len(values))]
                axes.plot(offsets, values, ".", ms=2.2, color=INK, alpha=0.7)
            for index, row in enumerate(floors):
                if tag in numbers.values[row.name]:
                    level = fmean(numbers.values[row.name][tag].values())
                    axes.axhline(level, color=INK, lw=0.9, dashes=DASHES[index % len(DASHES)])
            axes.set_xticks([])
        made.supylabel(f"{table.unit} ({better} is better)", fontsize=8)
        patches = [
            Patch(facecolor=colour, label=row.name, hatch=hatch, edgecolor="white")
            for row, (colour, hatch) in zip(arms, looks, strict=True)
        ]
        legend(made, [*patches, *_floor_lines(floors)])
        means = "; ".join(f"{row.name} {fmean(numbers.over_columns(row.name)):.{table.digits}f}" for row in table.rows)
        alt = f"{figure.title} in {table.unit}, {better} is better: bars by language. Means over languages: {means}."
        return save(made, f"bars-{figure.name}", figure.title, alt, folder)


def layers(figure: Layers, spec: Spec, results: Results, folder: Path) -> Drawn:
    """A panel per language: accuracy by layer, ± sd over seeds as a band, floors and chance as lines."""
    arms, floors = _split(figure.rows)
    ends: dict[str, list[tuple[float, float]]] = {}
    with _panels(figure.columns) as (made, panels):
        for tag, axes in panels:
            for row in arms:
                values = [_values(figure, row, tag, results, layer) for layer in figure.layers]
                means, sds = [fmean(v) for v in values], [grid.spread(v) or 0.0 for v in values]
                low = [mean - sd for mean, sd in zip(means, sds, strict=True)]
                high = [mean + sd for mean, sd in zip(means, sds, strict=True)]
                colour, marker = _curve_look(spec, row)
                axes.fill_between(figure.layers, low, high, color=colour, alpha=0.18, lw=0)
                axes.plot(figure.layers, means, color=colour, marker=marker, ms=3.2, lw=1.2)
                ends.setdefault(row.name, []).append((means[0], means[-1]))
            for index, row in enumerate(floors):
                level = fmean(_values(figure, row, tag, results, None))
                axes.axhline(level, color=INK, lw=0.9, dashes=DASHES[index % len(DASHES)])
                ends.setdefault(row.name, []).append((level, level))
            if figure.chance is not None:
                axes.axhline(figure.chance, color=INK, lw=0.6, ls=":")
            axes.set_xticks(figure.layers)
            axes.set_xlabel("layer")
            axes.set_ylim(bottom=0)
        made.supylabel(f"{figure.metric} ({figure.unit})", fontsize=8)
        curves = []
        for row in arms:
            colour, marker = _curve_look(spec, row)
            curves.append(Line2D([], [], color=colour, marker=marker, ms=3.5, label=row.name))
        if figure.chance is not None:
            curves.append(Line2D([], [], color=INK, lw=0.6, ls=":", label="chance"))
        legend(made, [*curves, *_floor_lines(floors)])
        told = []
        for name, pairs in ends.items():
            first, last = (fmean(column) for column in zip(*pairs, strict=True))
            told.append(f"{name} {first:.1f}" + (f" to {last:.1f}" if last != first else ""))
        alt = f"{figure.title} in {figure.unit}, first to last layer, mean over languages: {'; '.join(told)}."
        return save(made, f"layers-{figure.name}", figure.title, alt, folder)


def learning_curves(name: str, title: str, curves: Sequence[Curve], unit: str, folder: Path) -> Drawn:
    """Every run's logged loss over its steps; runs of one label share a colour."""
    labels = list(dict.fromkeys(curve.label for curve in curves))
    with frame(WIDTH * 0.75, 2.9) as made:
        axes = made.subplots()
        for curve in curves:
            axes.plot(
                curve.steps, curve.values, color=PALETTE[labels.index(curve.label) % len(PALETTE)], lw=1.0, alpha=0.8
            )
        axes.set(xlabel="step", ylabel=unit)
        legend(made, [Line2D([], [], color=PALETTE[i % len(PALETTE)], label=label) for i, label in enumerate(labels)])
        last = "; ".join(f"{label} {fmean(c.values[-1] for c in curves if c.label == label):.2f}" for label in labels)
        return save(made, name, title, f"{title}: {unit} by step. At the end: {last}.", folder)


def mixture(rows: Sequence[Mapping[str, object]], folder: Path) -> Drawn:
    """What the base model read: tokens per language on a log scale, and how often it read the same text.

    Raises: BadInput unless each row has `lang`, `tokens` and `epochs`.
    """
    read = []
    for row in rows:
        tokens, epochs = row.get("tokens"), row.get("epochs")
        if "lang" not in row or not isinstance(tokens, int | float) or not isinstance(epochs, int | float):
            raise BadInput(f"mixture rows: wanted lang, tokens and epochs, got {dict(row)}")
        read.append((str(row["lang"]), float(tokens), float(epochs)))
    read.sort(key=lambda item: (item[1], item[0]))
    with frame(WIDTH, 0.9 + 0.19 * len(read)) as made:
        left, right = made.subplots(1, 2, sharey=True)
        names = naming.names(tag for tag, _, _ in read)
        for axes, column, label, shown in (
            (left, 1, "tokens read (log scale)", "{:,.0f}"),
            (right, 2, "epochs", "{:.2g}"),
        ):
            drawn = axes.barh(
                [names[tag] for tag, _, _ in read],
                [float(item[column]) for item in read],
                0.7,
                color=PALETTE[3 if column == 1 else 1],
            )
            axes.bar_label(drawn, fmt=shown, fontsize=6.5, padding=2)
            axes.set_xlabel(label)
            axes.tick_params(axis="y", length=0)
            axes.margins(x=0.2)
        left.set_xscale("log")
        left.set_xlim(left=max(1.0, read[0][1] / 3), right=read[-1][1] * 6)
        right.axvline(1.0, color=INK, lw=0.7, ls=":")
        least, most = (
            f"{names[tag]} ({tokens:,.0f} tokens, {epochs:.2g} epochs)" for tag, tokens, epochs in (read[0], read[-1])
        )
        alt = f"Tokens and epochs per language in pretraining: from {least} to {most}."
        return save(made, "mixture", "What the base model read", alt, folder)


def embedding_map(shown: EmbeddingMap, projected: Projection, folder: Path) -> Drawn:
    """The points as they are, by language; with language means removed, some sentences joined to their translations."""
    tags = list(dict.fromkeys(shown.lang))
    names = naming.names(tags)
    with frame(WIDTH, 4.0) as made:
        left, right = made.subplots(1, 2)
        for index, tag in enumerate(tags):
            mine = [i for i, lang in enumerate(shown.lang) if lang == tag]
            left.scatter(
                *projected.plain.xy[mine].T, s=9, color=PALETTE[index % len(PALETTE)], linewidths=0, alpha=0.85,
                marker=MARKERS[index % len(MARKERS)], label=names[tag],
            )  # fmt: skip
        left.set_title("as they are, by language")
        xy, meanings = projected.centred.xy, shown.meanings()
        right.scatter(*xy.T, s=5, color="#b0b0b0", linewidths=0)
        chosen = meanings[:: math.ceil(len(meanings) / len(PALETTE))]
        for index, meaning in enumerate(chosen):
            mine = [i for i, m in enumerate(shown.meaning) if m == meaning]
            centre = xy[mine].mean(axis=0)
            for i in mine:
                right.plot([centre[0], xy[i, 0]], [centre[1], xy[i, 1]], color=PALETTE[index], lw=0.7)
            right.scatter(*xy[mine].T, s=14, color=PALETTE[index], linewidths=0, zorder=3)
        right.set_title(f"language means removed, {len(chosen)} sentences joined")
        for axes, plane in ((left, projected.plain), (right, projected.centred)):
            axes.set(xticks=[], yticks=[])
            axes.set_xlabel(f"PC 1 ({plane.explained[0]:.0%} of the variance)")
            axes.set_ylabel(f"PC 2 ({plane.explained[1]:.0%})")
        legend(made, left.get_legend_handles_labels()[0])
        made.suptitle("\n".join(projected.sentences()), fontsize=7.5)
        title = f"Embedding map: {shown.title}"
        return save(made, f"map-{shown.name}", title, f"{title}. {' '.join(projected.sentences())}", folder)


@contextmanager
def frame(width: float, height: float) -> Iterator[Figure]:
    with mpl.rc_context(STYLE):  # type: ignore[arg-type]
        yield Figure(figsize=(width, height), layout="constrained")


@contextmanager
def _panels(tags: Sequence[str]) -> Iterator[tuple[Figure, list[tuple[str, Axes]]]]:
    """One panel a language, three to five in a row, on one vertical scale."""
    columns = min(len(tags), 5 if len(tags) > 8 else 4 if len(tags) in (4, 7, 8) else 3)
    rows = math.ceil(len(tags) / columns)
    with frame(WIDTH, 1.0 + 1.55 * rows) as made:
        every = list(made.subplots(rows, columns, sharey=True, squeeze=False).flat)
        for axes in every[len(tags) :]:
            axes.set_axis_off()
        for name, axes in zip(naming.names(tags).values(), every, strict=False):
            axes.set_title(name)
        yield made, list(zip(tags, every, strict=False))


def _split(rows: Sequence[Row]) -> tuple[list[Row], list[Row]]:
    return [row for row in rows if not row.floor], [row for row in rows if row.floor]


def _values(figure: Layers, row: Row, tag: str, results: Results, layer: int | None) -> list[float]:
    setting = figure.setting if row.setting is None else row.setting
    cell = grid.cell_of(figure.task, row.metric or figure.metric, figure.split, setting, row, tag, layer)
    return [r.value * figure.scale for r in results.by_seed(cell).values()]


def _place(spec: Spec, row: Row) -> int:
    """A variant keeps its colour in every figure of a study: its place among all that the spec shows."""
    shown = [r.variant for table in spec.table for r in table.rows] + [
        r.variant for figure in spec.figure if isinstance(figure, Layers) for r in figure.rows
    ]
    return [v for v in dict.fromkeys(shown) if not is_floor(v)].index(row.variant)


def _look(spec: Spec, arms: Sequence[Row], row: Row) -> tuple[str, str]:
    """Colour by variant; hatched where it is a ceiling, or where a variant stands there a second time."""
    first = next(r for r in arms if r.variant == row.variant)
    return PALETTE[_place(spec, row) % len(PALETTE)], "////" if row.ceiling else "" if row is first else "\\\\\\\\"


def _curve_look(spec: Spec, row: Row) -> tuple[str, str]:
    place = _place(spec, row)
    return PALETTE[place % len(PALETTE)], MARKERS[place % len(MARKERS)]


def _floor_lines(floors: Sequence[Row]) -> list[Line2D]:
    return [
        Line2D([], [], color=INK, lw=0.9, dashes=DASHES[i % len(DASHES)], label=r.name) for i, r in enumerate(floors)
    ]


def legend(figure: Figure, handles: Sequence[Artist]) -> None:
    figure.legend(handles=list(handles), loc="outside lower center", ncols=min(4, len(handles)), fontsize=7.5)


def save(figure: Figure, name: str, title: str, alt: str, folder: Path) -> Drawn:
    """Write the three files without dates or versions in them."""
    silent: dict[str, dict[str, str | None]] = {
        "pdf": {"CreationDate": None, "Creator": None, "Producer": None, "Title": title},
        "svg": {"Date": None, "Creator": None, "Format": None, "Type": None, "Title": title},
        "png": {"Software": None, "Title": title},
    }
    figure.draw_without_rendering()
    figure.set_layout_engine("none")  # laid out once, for all three
    paths = []
    for kind, metadata in silent.items():
        out = io.BytesIO()
        paper = "white" if kind == "png" else "none"
        figure.savefig(out, format=kind, metadata=metadata, dpi=200, facecolor=paper)
        write_bytes(folder / f"{name}.{kind}", out.getvalue())
        paths.append(folder / f"{name}.{kind}")
    return Drawn(name, title, alt, tuple(paths))

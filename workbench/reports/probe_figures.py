"""Pictures of one model's probes: layer by language, layers with floors, languages as a tree."""

from __future__ import annotations

import math
import tomllib
from collections.abc import Mapping, Sequence
from functools import cache
from importlib import resources
from pathlib import Path
from statistics import fmean
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine

from workbench import languages, naming
from workbench.errors import BadInput
from workbench.reports.figure import DASHES, INK, MARKERS, PALETTE, WIDTH, Drawn, frame, save

UNCLASSIFIED = "unclassified"
FEW = 8  # languages that have a curve and a colour of their own

Rows = Sequence[Mapping[str, Any]]


@cache
def _families() -> dict[str, str]:
    text = resources.files("workbench.reports").joinpath("families.toml").read_text("utf-8")
    return {code: name for name, codes in tomllib.loads(text)["families"].items() for code in codes}


def family(tag: str) -> str:
    """The family, or branch of a large one, of a language. Source: Glottolog, as `families.toml` has it."""
    return _families().get(tag.split("-")[0], UNCLASSIFIED)


def retrieval_method(rows: Rows) -> str:
    """The method that is drawn: the first of these that was measured; BadInput where retrieval was not."""
    measured = {row["method"] for row in rows if row["probe"] == "retrieval" and row["layer"] is not None}
    for method in ("held-out", "csls", "centred-cosine", "cosine", "margin", "paper", "euclidean"):
        if method in measured:
            return method
    raise BadInput("probe figures: there is no row of retrieval; put retrieval among --probes")


class _Retrieval:
    """Accuracy in percent from the pivot to each language: by layer, of each floor, and by chance."""

    def __init__(self, rows: Rows) -> None:
        self.method = retrieval_method(rows)
        mine = [row for row in rows if row["probe"] == "retrieval" and row["direction"] == "pivot>target"]
        mine = [row for row in mine if row["pivot"] == mine[0]["pivot"]]  # of every pair: the first language's
        self.pivot = str(mine[0]["pivot"])
        of_model = [row for row in mine if row["method"] == self.method and row["layer"] is not None]
        self.by_layer = {(row["lang"], row["layer"]): 100.0 * row["value"] for row in of_model}
        self.layers = sorted({layer for _, layer in self.by_layer})
        self.chance = {row["lang"]: 100.0 * row["chance"] for row in of_model}
        self.floors: dict[str, dict[str, float]] = {}
        for row in mine:
            if row["layer"] is None:
                self.floors.setdefault(row["method"], {})[row["lang"]] = 100.0 * row["value"]
        tags = list(dict.fromkeys(row["lang"] for row in of_model))
        best = {tag: max(self.by_layer[tag, layer] for layer in self.layers) for tag in tags}
        self.tags = sorted(tags, key=lambda tag: (-best[tag], tag))

    def unit(self) -> str:
        return f"translations found from {languages.name(self.pivot)}, % ({self.method})"

    def floor_names(self) -> dict[str, str]:
        known = {"char-trigram": "floor: character trigrams", "lexicon-gloss": "floor: lexicon glosses"}
        return {name: known.get(name, f"floor: {name}") for name in self.floors}


def _room(figure: Figure) -> None:
    """Text is wider on paper than where the layout measures it: keep the long names at the edges whole."""
    engine = figure.get_layout_engine()
    assert isinstance(engine, ConstrainedLayoutEngine)
    engine.set(w_pad=0.15)


def heat_map(rows: Rows, title: str, folder: Path) -> Drawn:
    """A row per language, the best first; a column per layer, then the floors, each cell with its number."""
    found = _Retrieval(rows)
    floors = found.floor_names()
    columns = [f"layer {layer}" for layer in found.layers] + [name.replace("floor: ", "") for name in floors.values()]
    values = np.array(
        [
            [found.by_layer[tag, layer] for layer in found.layers]
            + [found.floors[name].get(tag, math.nan) for name in floors]
            for tag in found.tags
        ]
    )
    with frame(min(WIDTH, 2.2 + 0.62 * len(columns)), 1.1 + 0.155 * len(found.tags)) as made:
        axes = made.subplots()
        top = max(1.0, float(np.nanmax(values)))
        image = axes.imshow(values, cmap="cividis", vmin=0.0, vmax=top, aspect="auto")
        for (row, column), value in np.ndenumerate(values):
            shown, dark = ("–", False) if math.isnan(value) else (f"{value:.0f}", value < 0.55 * top)
            axes.text(
                column, row, shown, ha="center", va="center", fontsize=5.5,
                color=INK if math.isnan(value) else "white" if dark else "black",
            )  # fmt: skip
        axes.axvline(len(found.layers) - 0.5, color="white", lw=3)
        names = [f"{languages.name(tag)} ({tag})" for tag in found.tags]
        axes.set_yticks(range(len(names)), names, fontsize=6)
        axes.set_xticks(range(len(columns)), columns, rotation=35, ha="right", fontsize=6.5)
        axes.tick_params(length=0)
        axes.spines[:].set_visible(False)
        chance = fmean(found.chance.values())
        bar = made.colorbar(image, ax=axes, fraction=0.05, pad=0.02)
        bar.outline.set_visible(False)
        bar.ax.tick_params(labelsize=6)
        made.suptitle(f"{title}\n{found.unit()}; chance {chance:.2g}", fontsize=8)
        _room(made)
        best = found.tags[0]
        alt = (
            f"{title}: {found.unit()}, by language and layer, floors in the last columns. Best {languages.name(best)}, "
            f"{max(found.by_layer[best, layer] for layer in found.layers):.0f}; chance {chance:.2g}."
        )
        return save(made, "heat-map", title, alt, folder)


def layer_curves(rows: Rows, title: str, folder: Path) -> Drawn:
    """Accuracy by layer: a curve per language, or of many the mean with all of them faint; floors dashed."""
    found = _Retrieval(rows)
    few, names = len(found.tags) <= FEW, naming.names(found.tags)
    with frame(WIDTH * 0.8, 3.2) as made:
        axes = made.subplots()
        for index, tag in enumerate(found.tags):
            values = [found.by_layer[tag, layer] for layer in found.layers]
            look = {"color": PALETTE[(index + 1) % len(PALETTE)], "marker": MARKERS[index % len(MARKERS)], "ms": 4}
            axes.plot(
                found.layers, values, lw=1.3 if few else 0.5, alpha=1.0 if few else 0.35,
                **(look | {"label": names[tag]} if few else {"color": PALETTE[0]}),
            )  # fmt: skip
        mean = [fmean(found.by_layer[tag, layer] for tag in found.tags) for layer in found.layers]
        if not few:
            axes.plot(found.layers, mean, color=PALETTE[3], lw=2, marker="o", ms=4, label=f"mean of {len(found.tags)}")
        told = [f"mean from {mean[0]:.1f} to {mean[-1]:.1f}"]
        for index, (name, label) in enumerate(found.floor_names().items()):
            level, num = fmean(found.floors[name].values()), len(found.floors[name])
            shown = label if num == len(found.tags) else f"{label} ({num} languages)"
            axes.axhline(level, color=INK, lw=0.9, dashes=DASHES[index % len(DASHES)], label=shown)
            told.append(f"{shown} {level:.1f}")
        axes.axhline(fmean(found.chance.values()), color=INK, lw=0.6, ls=":", label="chance")
        axes.set(xlabel="layer (0: embedding)", ylabel=found.unit(), xticks=found.layers, title=title)
        axes.set_ylim(bottom=0)
        axes.yaxis.label.set_fontsize(7)
        made.legend(loc="outside right upper", fontsize=7)
        return save(made, "layers", title, f"{title}: {found.unit()}, {'; '.join(told)}.", folder)


def language_tree(tags: Sequence[str], distances: np.ndarray, title: str, folder: Path) -> Drawn:
    """Average-linkage tree of languages by the distance of their spaces, each leaf with its family beside it.

    Shapes: distances [L, L], symmetric, of `tags`
    Raises: BadInput for fewer than three languages, or distances of another shape.
    """
    from scipy.cluster.hierarchy import dendrogram, linkage
    from scipy.spatial.distance import squareform

    if len(tags) < 3 or distances.shape != (len(tags), len(tags)):
        raise BadInput(f"language tree: wanted distances of at least 3 languages, got {len(tags)}, {distances.shape}")
    even = (distances + distances.T) / 2
    np.fill_diagonal(even, 0.0)
    tree = linkage(squareform(even, checks=False), "average", optimal_ordering=True)
    families = [family(tag) for tag in tags]
    upper = np.triu_indices(len(tags), 1)
    same = np.array([families[a] == families[b] != UNCLASSIFIED for a, b in zip(*upper, strict=True)])
    within, between = even[upper][same], even[upper][~same]
    summary = f"mean distance {between.mean():.3f} between families"
    if len(within):
        nearer = float((within[:, None] < between[None, :]).mean())
        summary += f", {within.mean():.3f} within; a pair within is the nearer one in {nearer:.0%} of comparisons"
    named = [name for name in dict.fromkeys(families) if families.count(name) > 1 and name != UNCLASSIFIED]
    with frame(WIDTH * 0.85, 1.2 + 0.145 * len(tags)) as made:
        axes = made.subplots()
        drawn = dendrogram(
            tree, orientation="left", ax=axes, color_threshold=0, above_threshold_color=INK,
            labels=[f"{one} · {name}" for one, name in zip(naming.names(tags).values(), families, strict=True)],
        )  # fmt: skip
        for line in axes.collections:
            line.set_linewidth(0.8)
        axes.tick_params(axis="y", labelsize=6, length=0, pad=9)
        for place, leaf in enumerate(drawn["leaves"]):
            if families[leaf] in named:
                index = named.index(families[leaf])
                axes.plot(
                    0, 10 * place + 5, MARKERS[index % len(MARKERS)], color=PALETTE[(index + 1) % len(PALETTE)],
                    ms=4, clip_on=False, zorder=5,
                )  # fmt: skip
        axes.spines[["left", "top", "right"]].set_visible(False)
        _room(made)
        axes.set_xlabel("\n".join(["distance of spaces (1 - CKA)", *summary.split("; ")]), fontsize=7)
        axes.set_title(title)
        return save(made, "languages", title, f"{title}: tree of {len(tags)} languages; {summary}.", folder)

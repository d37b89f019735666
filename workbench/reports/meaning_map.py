"""Sentences of many languages as a map: coloured by language and by meaning, and the distances that no plane keeps."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from importlib import resources
from pathlib import Path

import numpy as np

from workbench import naming
from workbench.files import write_text
from workbench.reports.figure import INK, MARKERS, PALETTE, WIDTH, Drawn, frame, save
from workbench.reports.projection import EmbeddingMap, project

NEIGHBOURS = 4  # named in the page beside a sentence


@dataclass(frozen=True, slots=True)
class Distances:
    """Mean cosine distance of a language's sentences, in the original space with language means removed: to their own
    translation in the pivot, and to the pivot's other sentences."""

    own: float
    others: float


def centred(shown: EmbeddingMap) -> np.ndarray:
    """The points with each language's mean taken off, at length 1. Shapes: -> [N, D]"""
    points = shown.points.copy()
    for tag in dict.fromkeys(shown.lang):
        mine = [i for i, lang in enumerate(shown.lang) if lang == tag]
        points[mine] -= points[mine].mean(axis=0)
    scaled: np.ndarray = points / np.maximum(np.linalg.norm(points, axis=1, keepdims=True), 1e-12)
    return scaled


def distances(shown: EmbeddingMap, pivot: str) -> dict[str, Distances]:
    """Of every language but the pivot; the nearest to its translations first."""
    points, found = centred(shown), {}
    of_pivot = {m: i for i, (lang, m) in enumerate(zip(shown.lang, shown.meaning, strict=True)) if lang == pivot}
    places = np.array(list(of_pivot.values()))
    for tag in dict.fromkeys(lang for lang in shown.lang if lang != pivot):
        own, others = [], []
        for i, (lang, meaning) in enumerate(zip(shown.lang, shown.meaning, strict=True)):
            if lang == tag and meaning in of_pivot:
                far = 1.0 - points[places] @ points[i]
                is_own = places == of_pivot[meaning]
                own.append(float(far[is_own][0]))
                others.append(float(far[~is_own].mean()))
        found[tag] = Distances(float(np.mean(own)), float(np.mean(others)))
    return dict(sorted(found.items(), key=lambda item: (item[1].own - item[1].others, item[0])))


def draw(shown: EmbeddingMap, pivot: str, folder: Path) -> Drawn:
    """By language as they are; by meaning with means removed; beside both what the planes leave out."""
    projected, far = project(shown, pivot), distances(shown, pivot)
    tags = list(dict.fromkeys(shown.lang))
    names = naming.names(tags)
    height = max(3.3, 0.9 + 0.13 * len(far)) + 0.13 * math.ceil(len(tags) / 5)
    with frame(WIDTH * 1.25, height) as made:
        left, middle, right = made.subplots(1, 3, width_ratios=(1.0, 1.0, 0.8))
        for index, tag in enumerate(tags):
            mine = [i for i, lang in enumerate(shown.lang) if lang == tag]
            left.scatter(
                *projected.plain.xy[mine].T, s=9, color=PALETTE[index % len(PALETTE)], linewidths=0, alpha=0.85,
                marker=MARKERS[(index + index // len(PALETTE)) % len(MARKERS)], label=names[tag],
            )  # fmt: skip
        left.set_title("as they are: colour is language")
        xy, meanings = projected.centred.xy, shown.meanings()
        middle.scatter(*xy.T, s=4, color="#b8b8b8", linewidths=0)
        chosen = meanings[:: math.ceil(len(meanings) / len(PALETTE))]
        for index, meaning in enumerate(chosen):
            mine = [i for i, m in enumerate(shown.meaning) if m == meaning]
            middle.scatter(
                *xy[mine].T, s=16, color=PALETTE[index], marker=MARKERS[index], linewidths=0.3, edgecolors=INK, zorder=3
            )
        middle.set_title(f"means removed: colour is meaning ({len(chosen)} of {len(meanings)})")
        for axes, plane in ((left, projected.plain), (middle, projected.centred)):
            axes.set(xticks=[], yticks=[])
            axes.set_xlabel(f"PC 1 ({plane.explained[0]:.0%} of the variance)")
            axes.set_ylabel(f"PC 2 ({plane.explained[1]:.0%})")
        places = np.arange(len(far))[::-1]
        own, others = [one.own for one in far.values()], [one.others for one in far.values()]
        right.hlines(places, own, others, color="#b8b8b8", lw=0.8)
        right.plot(own, places, "o", ms=3.5, color=PALETTE[3], label="own translation")
        right.plot(others, places, "s", ms=3.5, mfc="white", mec=INK, mew=0.8, label="other sentences")
        right.set_yticks(places, [names[tag] for tag in far], fontsize=6)
        right.set_xlabel("cosine distance, original space,\nmeans removed")
        right.set_title("what the planes leave out")
        right.legend(loc="lower center", bbox_to_anchor=(0.5, 1.08), ncols=2, fontsize=6.5, handletextpad=0.2)
        handles = left.get_legend_handles_labels()[0]
        made.legend(handles=handles, loc="outside lower center", ncols=min(6, len(handles)), fontsize=6.5)
        made.suptitle("\n".join(projected.sentences()), fontsize=7.5)
        nearer = float(np.mean(np.array(own) < np.array(others)))
        title = f"Meaning map: {shown.title}"
        alt = f"{title}. {' '.join(projected.sentences())} Nearer to their translation: {nearer:.0%} of the languages."
        return save(made, f"map-{shown.name}", title, alt, folder)


def page(shown: EmbeddingMap, pivot: str, path: Path) -> None:
    """One HTML file that needs nothing else: every point tells its sentence, translation and true neighbours."""
    projected = project(shown, pivot)
    points = centred(shown)
    cosines = points @ points.T
    np.fill_diagonal(cosines, -np.inf)
    near = np.argsort(-cosines, axis=1, kind="stable")[:, :NEIGHBOURS]
    at = {(lang, meaning): i for i, (lang, meaning) in enumerate(zip(shown.lang, shown.meaning, strict=True))}
    tags = list(dict.fromkeys(shown.lang))
    number = {meaning: place for place, meaning in enumerate(shown.meanings())}
    data = {
        "title": shown.title,
        "told": " ".join(projected.sentences()),
        "palette": PALETTE,
        "langs": list(map(list, naming.names(tags).items())),
        "meanings": shown.meanings(),
        "pivot": tags.index(pivot),
        "explained": {"plain": projected.plain.explained, "centred": projected.centred.explained},
        "points": [
            {
                "l": tags.index(shown.lang[i]),
                "m": number[shown.meaning[i]],
                "t": shown.text[i],
                "p": [round(float(v), 4) for v in (*projected.plain.xy[i], *projected.centred.xy[i])],
                "own": at.get((pivot, shown.meaning[i]), -1),
                "n": [[int(j), round(float(cosines[i, j]), 3)] for j in near[i] if math.isfinite(cosines[i, j])],
            }
            for i in range(len(shown.lang))
        ],
    }
    template = resources.files("workbench.reports").joinpath("meaning_map.html").read_text("utf-8")
    inside = json.dumps(data, ensure_ascii=False, allow_nan=False).replace("<", "\\u003c")
    write_text(path, template.replace("__DATA__", inside))

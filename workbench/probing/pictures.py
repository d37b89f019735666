"""What a probe found as pictures, and one page to look around in."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from workbench.evaluation.geometry import linear_cka
from workbench.evaluation.representations import Reader
from workbench.evaluation.store import Store
from workbench.probing.probe import Settings, chosen_layers
from workbench.probing.sentences import Parallel
from workbench.reports import meaning_map, probe_figures
from workbench.reports.figure import Drawn
from workbench.reports.projection import EmbeddingMap

MAP_SENTENCES = 24  # of each language on the map
MAP_POINTS = 2000  # in all: fewer sentences of many languages
PAGE = "map.html"


def draw(
    reader: Reader,
    several: Sequence[Parallel],
    rows: Sequence[Mapping[str, Any]],
    settings: Settings,
    store: Store,
    folder: Path,
) -> list[Path]:
    """Heat map, layer curves, map, tree and page, as far as what was probed has them; the files, in this order.

    `rows` as `probe` gave them. The map and the tree are of the last layer probed. A tree wants at least three
    languages that share their sentences, and vectors that are not all one.
    """
    layer = chosen_layers(reader, settings.layers)[-1]
    drawn: list[Drawn] = []
    title = f"{Path(reader.name).name}, {several[0].name}"
    if any(row["probe"] == "retrieval" and row["layer"] is not None for row in rows):
        drawn.append(probe_figures.heat_map(rows, title, folder))
        if settings.layers == "all":
            drawn.append(probe_figures.layer_curves(rows, title, folder))
    shown = _map(reader, several, settings, store, layer, f"{title}, layer {layer}")
    pivot = several[0].pivot.tag
    drawn.append(meaning_map.draw(shown, pivot, folder))
    if len(several) == 1 and len(several[0].texts) >= 3:
        distances = _distances(reader, several[0], settings, store, layer)
        if np.isfinite(distances).all():
            tags = [lang.tag for lang in several[0].texts]
            drawn.append(probe_figures.language_tree(tags, distances, f"{title}, layer {layer}", folder))
        else:
            print(f"no tree of languages: at layer {layer} all vectors of one are the same", file=sys.stderr)
    meaning_map.page(shown, pivot, folder / PAGE)
    return [path for one in drawn for path in one.files] + [folder / PAGE]


def _map(
    reader: Reader, several: Sequence[Parallel], settings: Settings, store: Store, layer: int, title: str
) -> EmbeddingMap:
    """The first sentences of every language; of sentences aligned with the pivot alone, each language's own."""
    num_texts = sum(len(one.texts) for one in several)
    count = max(2, min(MAP_SENTENCES, MAP_POINTS // num_texts))
    points, langs, meanings, texts = [], [], [], []
    for number, one in enumerate(several):
        for lang, sentences in one.texts.items():
            found = store.sentences(reader, sentences, settings.pooling).layer(layer)[:count]
            points.append(found)
            langs += [lang.tag] * len(found)
            meanings += [f"{number}-{place:04}" for place in range(len(found))]
            texts += list(sentences[: len(found)])
    every = np.concatenate(points).astype(np.float64)
    return EmbeddingMap("probe", title, every, tuple(langs), tuple(meanings), tuple(texts))


def _distances(reader: Reader, sentences: Parallel, settings: Settings, store: Store, layer: int) -> np.ndarray:
    """1 - linear CKA of every two languages; NaN where all vectors of one are the same.

    Shapes: -> [L, L]
    """
    few = settings.similarity_sentences
    spaces = [store.sentences(reader, t, settings.pooling).layer(layer)[:few] for t in sentences.texts.values()]
    distances = np.zeros((len(spaces), len(spaces)))
    for row, column in zip(*np.triu_indices(len(spaces), 1), strict=True):
        distances[row, column] = distances[column, row] = 1.0 - linear_cka(spaces[row], spaces[column])
    return distances

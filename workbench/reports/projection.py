"""The embedding map: sentences in several languages, their principal plane, and how translations find each other."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from workbench import languages
from workbench.errors import BadInput
from workbench.files import read_json


@dataclass(frozen=True, slots=True)
class EmbeddingMap:
    """`points` [N, D] with, per point, its language tag, the id of the sentence it translates, and its text."""

    name: str
    title: str
    points: np.ndarray  # [N, D] float64
    lang: tuple[str, ...]
    meaning: tuple[str, ...]
    text: tuple[str, ...]

    def meanings(self) -> list[str]:
        return sorted(set(self.meaning))


@dataclass(frozen=True, slots=True)
class Plane:
    """Coordinates on the two principal axes, and the share of the variance each explains."""

    xy: np.ndarray  # [N, 2]
    explained: tuple[float, float]


@dataclass(frozen=True, slots=True)
class Projection:
    """The points as they are and with language means removed; retrieval is in the original space, never a plane."""

    plain: Plane
    centred: Plane
    retrieval: dict[str, tuple[float, float, int]]  # tag -> (cosine, centred cosine, candidates)
    pivot: str

    def sentences(self) -> tuple[str, str]:
        """Retrieval in words: from the points as they are, and centred."""
        plain, centred, _ = (float(np.mean(column)) for column in zip(*self.retrieval.values(), strict=True))
        chance = float(np.mean([1 / count for _, _, count in self.retrieval.values()]))
        return (
            f"In the original space {plain:.0%} of the {languages.name(self.pivot)} sentences have their translation "
            "as nearest neighbour by cosine, averaged over languages;",
            f"{centred:.0%} once each language's mean is removed (chance {chance:.1%}).",
        )


def read(path: Path) -> EmbeddingMap:
    """The array `points` of an .npz, and from the .json beside it `title` and, per point, `lang`, `meaning`, `text`.

    Raises: BadInput for what is missing, of another length, not finite, or a sentence twice in one language.
    """
    side_path = path.with_suffix(".json")
    for file in (path, side_path):
        if not file.is_file():
            raise BadInput(f"{file}: no such file; the evaluation writes the points and their texts side by side")
    try:
        with np.load(path, allow_pickle=False) as arrays:
            points = np.asarray(arrays["points"], np.float64)
    except (KeyError, ValueError, OSError) as error:
        raise BadInput(f"{path}: wanted an .npz with an array 'points' ({error})") from error
    side = read_json(side_path)
    columns = {}
    for key in ("lang", "meaning", "text"):
        value = side.get(key)
        if not isinstance(value, list) or not all(isinstance(v, str) for v in value) or len(value) != len(points):
            raise BadInput(f"{side_path}: {key}: wanted {len(points)} strings, one a point of {path.name}")
        columns[key] = tuple(value)
    if points.ndim != 2 or min(points.shape) < 2 or not np.isfinite(points).all():
        raise BadInput(f"{path}: points: wanted finite [N >= 2, D >= 2], got shape {points.shape}")
    if len(set(zip(columns["lang"], columns["meaning"], strict=True))) != len(points):
        raise BadInput(f"{side_path}: a (lang, meaning) occurs twice")
    title = side.get("title")
    if not isinstance(title, str) or not title:
        raise BadInput(f"{side_path}: title: wanted a string that says which model and layer this is")
    return EmbeddingMap(path.stem, title, points, columns["lang"], columns["meaning"], columns["text"])


def project(shown: EmbeddingMap, pivot: str) -> Projection:
    """Both planes, and retrieval from the pivot into every other language.

    Raises: BadInput without the pivot, or without another language.
    """
    tags = [tag for tag in dict.fromkeys(shown.lang) if tag != pivot]
    if pivot not in shown.lang or not tags:
        raise BadInput(f"embedding map {shown.name!r}: wanted points of {pivot} and of another language")
    centred = shown.points.copy()
    for tag in (pivot, *tags):
        mine = [i for i, lang in enumerate(shown.lang) if lang == tag]
        centred[mine] -= centred[mine].mean(axis=0)
    retrieval = {tag: _retrieval(shown, pivot, tag) for tag in tags}
    return Projection(_plane(shown.points), _plane(centred), retrieval, pivot)


def _plane(points: np.ndarray) -> Plane:
    """Principal components, each axis turned so that its largest loading is positive (the eigenvector leaves it open).

    Source: Jolliffe 2002, Principal Component Analysis, section 3.5.
    """
    centred = points - points.mean(axis=0)
    variances, axes = np.linalg.eigh(centred.T @ centred)  # ascending
    axes = axes[:, [-1, -2]].T
    axes *= np.sign(axes[[0, 1], np.abs(axes).argmax(axis=1)])[:, None]
    share = variances[[-1, -2]] / max(float(variances.sum()), np.finfo(float).tiny)
    return Plane(centred @ axes.T, (float(share[0]), max(0.0, float(share[1]))))


def _retrieval(shown: EmbeddingMap, pivot: str, tag: str) -> tuple[float, float, int]:
    """Share of the pivot's sentences whose nearest neighbour in `tag` is their translation: cosine, centred cosine."""
    at = {(lang, meaning): i for i, (lang, meaning) in enumerate(zip(shown.lang, shown.meaning, strict=True))}
    both = [m for m in shown.meanings() if (pivot, m) in at and (tag, m) in at]
    if not both:
        raise BadInput(f"embedding map {shown.name!r}: no sentence in both {pivot} and {tag}")
    left = shown.points[[at[pivot, m] for m in both]]
    right = shown.points[[at[tag, m] for m in both]]

    def accuracy(a: np.ndarray, b: np.ndarray) -> float:
        a, b = (x / np.maximum(np.linalg.norm(x, axis=1, keepdims=True), 1e-12) for x in (a, b))
        return float(np.mean(np.argmax(a @ b.T, axis=1) == np.arange(len(both))))

    return accuracy(left, right), accuracy(left - left.mean(axis=0), right - right.mean(axis=0)), len(both)

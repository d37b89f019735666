from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from workbench.errors import BadInput
from workbench.reports import projection
from workbench.reports.projection import EmbeddingMap


def small(points: list[list[float]], lang: str, meaning: str) -> EmbeddingMap:
    tags = {"e": "eng-Latn", "c": "cym-Latn"}
    return EmbeddingMap(
        "m", "m", np.array(points, np.float64), tuple(tags[c] for c in lang), tuple(meaning), tuple(meaning)
    )


def test_points_on_a_line_have_one_component_with_its_largest_loading_positive() -> None:
    shown = small([[0, 0], [3, -4], [6, -8], [9, -12]], "eecc", "abab")
    found = projection.project(shown, "eng-Latn")
    assert found.plain.explained == pytest.approx((1.0, 0.0))
    assert found.plain.xy[:, 0] == pytest.approx([7.5, 2.5, -2.5, -7.5])
    assert np.abs(found.plain.xy[:, 1]).max() < 1e-9


def test_the_plane_does_not_depend_on_the_order_of_the_points(save_map: Callable[..., Path]) -> None:
    shown = projection.read(save_map())
    back = replace(
        shown, points=shown.points[::-1], lang=shown.lang[::-1], meaning=shown.meaning[::-1], text=shown.text[::-1]
    )
    one, two = (projection.project(m, "eng-Latn") for m in (shown, back))
    assert two.plain.xy[::-1] == pytest.approx(one.plain.xy, abs=1e-9)
    assert one.retrieval.keys() == two.retrieval.keys()
    assert all(two.retrieval[tag] == pytest.approx(one.retrieval[tag]) for tag in one.retrieval)


def test_retrieval_is_counted_in_the_original_space_before_and_after_centring() -> None:
    # Welsh is English turned by an offset so large that every cosine is alike: only centring finds the pairs.
    english = [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [-1.0, -1.0, 0.0]]
    welsh = [[x + 0.0, y + 0.0, 50.0] for x, y, _ in english]
    shown = small([*english, *welsh], "eeeccc", "abcabc")
    plain, centred, count = projection.project(shown, "eng-Latn").retrieval["cym-Latn"]
    assert (plain, centred, count) == (1.0, 1.0, 3)
    swapped = small([*english, welsh[1], welsh[0], welsh[2]], "eeeccc", "abcabc")
    assert projection.project(swapped, "eng-Latn").retrieval["cym-Latn"] == (1 / 3, 1 / 3, 3)
    shifted = small([*english, *([x + 40, y + 90, 0.0] for x, y, _ in english)], "eeeccc", "abcabc")
    plain, centred, _ = projection.project(shifted, "eng-Latn").retrieval["cym-Latn"]
    assert plain < 1.0 == centred


def test_the_sentence_gives_accuracy_and_chance() -> None:
    english = [[1.0, 0.0], [0.0, 1.0]]
    said = " ".join(projection.project(small([*english, *english], "eecc", "abab"), "eng-Latn").sentences())
    assert "100% of the English sentences" in said
    assert "chance 50.0%" in said


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"lang": ["eng-Latn"]}, "lang: wanted 168 strings"),
        ({"title": ""}, "title: wanted a string"),
        ({"meaning": ["m"] * 168}, "occurs twice"),
    ],
)
def test_a_map_whose_sidecar_does_not_fit_is_refused(
    save_map: Callable[..., Path], change: dict[str, object], said: str
) -> None:
    path = save_map()
    side = path.with_suffix(".json")
    side.write_text(json.dumps({**json.loads(side.read_text("utf-8")), **change}), "utf-8")
    with pytest.raises(BadInput, match=said):
        projection.read(path)


def test_a_map_without_points_or_with_nan_is_refused(save_map: Callable[..., Path]) -> None:
    path = save_map()
    points = projection.read(path).points
    np.savez(path, points=np.where(points == points[0, 0], np.nan, points))
    with pytest.raises(BadInput, match="wanted finite"):
        projection.read(path)
    np.savez(path, dots=points)
    with pytest.raises(BadInput, match="an array 'points'"):
        projection.read(path)
    path.with_suffix(".json").unlink()
    with pytest.raises(BadInput, match="no such file"):
        projection.read(path)


def test_a_map_needs_the_pivot_and_another_language() -> None:
    with pytest.raises(BadInput, match="wanted points of eng-Latn and of another"):
        projection.project(small([[0, 1], [1, 0]], "ee", "ab"), "eng-Latn")

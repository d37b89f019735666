"""Pictures of probes: what they say in words, what they refuse, and distances worked by hand."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from workbench import languages
from workbench.errors import BadInput
from workbench.reports import meaning_map, probe_figures
from workbench.reports.projection import EmbeddingMap

TAGS = ["cym-Latn", "gle-Latn", "hye-Armn"]


def row(lang: str, layer: int | None, value: float, method: str = "csls", direction: str = "pivot>target") -> Any:
    return {
        "probe": "retrieval", "method": method, "pivot": "eng-Latn", "lang": lang, "direction": direction,
        "layer": layer, "value": value, "chance": 0.1,
    }  # fmt: skip


ROWS = [
    *(row(tag, layer, 0.1 * n + 0.2 * layer) for n, tag in enumerate(TAGS) for layer in (0, 1)),
    *(row(tag, 0, 0.9, direction="target>pivot") for tag in TAGS),
    *(row(tag, 0, 0.0, method="cosine") for tag in TAGS),
    *(row(tag, None, 0.3, method="char-trigram") for tag in TAGS),
    row("cym-Latn", None, 0.7, method="lexicon-gloss"),
]


def test_the_heat_map_and_the_curves_tell_what_they_show_and_what_floors_there_are(tmp_path: Path) -> None:
    heat = probe_figures.heat_map(ROWS, "a model", tmp_path)
    assert sorted(path.suffix for path in heat.files) == [".pdf", ".png", ".svg"]
    assert "Best Armenian, 40; chance 10" in heat.alt
    svg = heat.svg.read_text("utf-8")
    assert svg.index("Armenian (hye-Armn)") < svg.index("Irish (gle-Latn)") < svg.index("Welsh (cym-Latn)")
    assert "lexicon glosses" in svg
    assert "–" in svg  # two languages have no lexicon

    curves = probe_figures.layer_curves(ROWS, "a model", tmp_path)
    assert "mean from 10.0 to 30.0" in curves.alt
    assert "character trigrams 30.0; floor: lexicon glosses (1 languages) 70.0" in curves.alt


def test_the_strictest_method_that_was_measured_is_drawn_and_none_is_refused() -> None:
    assert probe_figures.retrieval_method(ROWS) == "csls"
    assert probe_figures.retrieval_method([*ROWS, row("cym-Latn", 0, 0.1, method="held-out")]) == "held-out"
    with pytest.raises(BadInput, match="no row of retrieval"):
        probe_figures.retrieval_method([])


def test_the_tree_joins_the_near_and_compares_with_families(tmp_path: Path) -> None:
    # Welsh and Irish, both Celtic, are the nearest; the other two pairs are of two families
    far = np.array([[0.0, 0.1, 0.5], [0.1, 0.0, 0.7], [0.5, 0.7, 0.0]])
    drawn = probe_figures.language_tree(TAGS, far, "a model", tmp_path)
    assert "mean distance 0.600 between families, 0.100 within" in drawn.alt
    assert "nearer one in 100% of comparisons" in drawn.alt
    with pytest.raises(BadInput, match="at least 3 languages"):
        probe_figures.language_tree(TAGS[:2], far[:2, :2], "a model", tmp_path)


def test_families_are_of_known_languages_and_no_language_has_two() -> None:
    text = (Path(probe_figures.__file__).parent / "families.toml").read_text("utf-8")
    codes = re.findall(r'"([a-z]{3})"', text)
    assert len(codes) == len(set(codes))
    assert set(codes) <= set(languages.all_codes())
    assert probe_figures.family("cym-Latn") == "Celtic"
    assert probe_figures.family("epo-Latn") == probe_figures.UNCLASSIFIED


def small() -> EmbeddingMap:
    """Two sentences, opposite; Welsh has them where English has, far away; Irish has them exchanged."""
    english, away = np.array([[1.0, 0.0], [-1.0, 0.0]]), np.array([0.0, 9.0])
    points = np.concatenate([english, english + away, english[::-1] - away])
    langs = ("eng-Latn",) * 2 + ("cym-Latn",) * 2 + ("gle-Latn",) * 2
    texts = ("one", "two", "</script><b>un", "dau", "aon", "dó")
    return EmbeddingMap("probe", "a model", points, langs, ("a", "b") * 3, texts)


def test_distances_are_of_the_original_space_with_means_removed() -> None:
    found = meaning_map.distances(small(), "eng-Latn")
    assert list(found) == ["cym-Latn", "gle-Latn"]
    assert (found["cym-Latn"].own, found["cym-Latn"].others) == pytest.approx((0.0, 2.0))
    assert (found["gle-Latn"].own, found["gle-Latn"].others) == pytest.approx((2.0, 0.0))


def test_the_map_says_how_many_lie_nearer_to_their_translation(tmp_path: Path) -> None:
    drawn = meaning_map.draw(small(), "eng-Latn", tmp_path)
    assert "Nearer to their translation: 50% of the languages" in drawn.alt


def test_the_page_needs_nothing_else_and_cannot_be_broken_by_a_text(tmp_path: Path) -> None:
    meaning_map.page(small(), "eng-Latn", tmp_path / "map.html")
    page = (tmp_path / "map.html").read_text("utf-8")
    assert not re.search(r'(src|href)="|@import|url\(|fetch\(', page)
    assert "<b>un" not in page
    inside = re.search(r'<script type="application/json" id="data">(.*?)</script>', page, re.DOTALL)
    assert inside is not None
    data = json.loads(inside[1])
    assert [point["t"] for point in data["points"]] == list(small().text)
    welsh = data["points"][2]
    assert welsh["own"] == 0
    assert {(j, cosine) for j, cosine in welsh["n"][:2]} == {(0, 1.0), (5, 1.0)}

"""Licences: what they are recognised by, and the yes that some need."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from workbench import config, licences
from workbench.errors import BadInput
from workbench.runs import manifest
from workbench.sources import catalogue, embedded
from workbench.stages import source


@pytest.mark.parametrize(
    ("licence", "terms"),
    [
        ("CC0-1.0", "open"),
        ("CC BY 4.0", "open"),
        ("CC-BY, per story", "open"),
        ("MIT", "open"),
        ("public domain", "open"),
        ("CC-BY-SA-4.0", "share-alike"),
        ("GPL-2.0-or-later", "copyleft"),
        ("LGPL-3.0", "copyleft"),
        ("CC-BY-NC-4.0", "non-commercial"),
        ("CC-BY-NC-SA-4.0", "non-commercial"),
        ("CC-BY-ND-4.0", "non-commercial"),
        ("", "unstated"),
        ("none stated", "unstated"),
        ("all rights reserved", "unstated"),
        ("permitted", "unstated"),
        ("CC-BY-4.0 AND GPL-3.0", "copyleft"),
        ("CC-BY-4.0 AND CC-BY-NC-4.0", "non-commercial"),
        ("CC-BY-4.0 AND ", "unstated"),
        ("MIT and Foo", "unstated"),
        ("GPL-3.0 OR MIT", "open"),
        ("annotations: Unicode-3.0; django: BSD-3-Clause", "open"),
    ],
)
def test_the_terms_of_a_licence_are_those_of_its_strictest_part(licence: str, terms: str) -> None:
    assert licences.terms_of(licence) == terms


def test_what_needs_a_yes_is_refused_by_name_with_the_way_to_say_it() -> None:
    for licence in ("CC-BY-NC-4.0", ""):
        licences.want_yes("lexicon x", licence, True, "--accept-licence")
        with pytest.raises(BadInput, match=f"lexicon x: its licence is {licence or 'unstated'}, .*--accept-licence"):
            licences.want_yes("lexicon x", licence, False, "--accept-licence")
    licences.want_yes("lexicon x", "CC-BY-SA-4.0", False, "--accept-licence")


@given(st.lists(st.sampled_from(["CC0-1.0", "GPL-3.0", "CC-BY-NC-4.0", "", "odd"])))
def test_a_joined_licence_is_no_freer_than_its_parts(parts: list[str]) -> None:
    whole = licences.joined(parts)
    assert whole.count(" AND ") == max(len({part or "unstated" for part in parts}) - 1, 0)
    assert not parts or licences.needs_yes(whole) == any(licences.needs_yes(part) for part in parts)


def test_the_catalogue_s_own_terms_are_those_its_licences_name() -> None:
    for dataset in catalogue.load().datasets.values():
        if dataset.licence != "per source":
            assert licences.terms_of(dataset.licence) == dataset.terms, dataset.name


def test_of_the_embedded_sources_one_names_no_edition_and_the_others_are_free() -> None:
    asked = [one.source for one in embedded.licences() if licences.needs_yes(one.licence)]
    assert asked == ["chichewa"]


def test_a_study_of_ones_own_text_names_its_licence_or_says_yes() -> None:
    assert config.Files(folder="text", licence="CC-BY-4.0").licence == "CC-BY-4.0"
    for licence in ("", "CC-BY-NC-4.0"):
        said = f"the text in 'text': its licence is {licence or 'unstated'}, .*accept_licence = true"
        with pytest.raises(ValidationError, match=said):
            config.Files(folder="text", licence=licence)
        allowed = config.Files(folder="text", licence=licence, accept_licence=True)
        assert allowed.identity() == config.Files(folder="elsewhere", licence="CC0-1.0").identity()
        assert [(one.source, one.licence) for one in source.licences(allowed)] == [("own text", licence or "unstated")]
    assert source.licences(config.Embedded()) == embedded.licences()


def test_the_manifest_of_a_run_names_the_licences_and_those_that_are_not_free() -> None:
    read = [["news", "CC-BY-4.0", "them"], ["crawl", "none stated", ""]]
    written = manifest.manifest(["cpu:0"], 0, {"revision": "r", "licences": read}, {})
    assert written["data"] == {"revision": "r", "licences": read, "asked": ["crawl"]}
    with pytest.raises(KeyError, match="licences"):
        manifest.manifest(["cpu:0"], 0, {"revision": "r"}, {})

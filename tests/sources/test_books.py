"""Bible verses, storybook pages and LinguaMeta's facts."""

import json
from pathlib import Path

import pytest

from workbench import languages
from workbench.errors import BadInput
from workbench.sources import bible, linguameta, storybook
from workbench.sources.lines import Report

GLV, ADA = languages.parse("glv"), languages.parse("ada-Latn")
XML = """<?xml version="1.0" ?>
<cesDoc version="4"><cesHeader><seg type="note">no verse</seg></cesHeader><text><body id="Bible" lang="gv">
<div id="b.EST" type="book"><div id="b.EST.1" type="chapter">
<seg id="b.EST.1.1" type="verse">
   Nish haink  eh &amp; <i>ren</i> reill
</seg>
<seg id="b.EST.1.2" type="verse">Ayns ny laghyn</seg></div></div></body></text></cesDoc>
"""


def write(folder: Path, name: str, text: str) -> Path:
    path = folder / name
    path.write_bytes(text.encode())
    return path


def test_verses_are_the_same_from_lines_and_from_the_corpus_own_xml(tmp_path: Path) -> None:
    lines = "b.EST.1.1\tNish haink eh & ren reill\nb.EST.1.2\tAyns ny laghyn\n"
    one = list(bible.read(write(tmp_path, "Manx-PART.tsv", lines), GLV))
    two = list(bible.read(write(tmp_path, "Manx-PART.xml", XML), GLV))
    assert [(verse.id, verse.text) for verse in one] == [(verse.id, verse.text) for verse in two]
    assert one[0].text == "Nish haink eh & ren reill"
    assert bible.language("Manx-PART") == GLV


def test_a_verse_with_an_opening_quote_swallows_nothing(tmp_path: Path) -> None:
    path = write(tmp_path, "a.tsv", 'b.MAT.1.22\t"Bikira atachukua\nb.MAT.1.23\tmimba"\n')
    assert [verse.text for verse in bible.read(path, GLV)] == ['"Bikira atachukua', 'mimba"']


def test_broken_and_repeated_verses_are_errors_or_counted(tmp_path: Path) -> None:
    path = write(tmp_path, "a.tsv", "b.MAT.1.1\ta\nb.MAT.1.1\tb\nMAT 1:2\tc\nb.MAT.1.3\t \nb.MAT.1.4\td\te\n")
    report = Report()
    assert [verse.text for verse in bible.read(path, GLV, report)] == ["a"]
    assert sum(report.dropped.counts.values()) == 4
    with pytest.raises(BadInput, match=r"a\.tsv:2: a verse that was there before"):
        list(bible.read(path, GLV))


@pytest.mark.parametrize(
    "text",
    [
        XML[:-30],
        XML.replace("</i>", ""),
        "",
        "no xml",
        '<!DOCTYPE x [<!ENTITY a "ha"><!ENTITY b "&a;&a;">]><x>&missing;</x>',
        "<!DOCTYPE x ["
        + '<!ENTITY a0 "hahahahahahahahahaha">'
        + "".join(f'<!ENTITY a{n} "{f"&a{n - 1};" * 10}">' for n in range(1, 9))
        + ']><x><seg type="verse" id="b.MAT.1.1">&a8;</seg></x>',
    ],
    ids=["cut", "unclosed", "empty", "text", "unknown entity", "billion laughs"],
)
def test_damaged_or_hostile_xml_is_an_error(tmp_path: Path, text: str) -> None:
    with pytest.raises(BadInput, match=r"XML|empty"):
        list(bible.read(write(tmp_path, "Manx.xml", text), GLV, Report()))


def test_verses_are_paired_by_id_and_not_by_place(tmp_path: Path) -> None:
    one = bible.read(write(tmp_path, "e.tsv", "b.MAT.1.1\tone\nb.MAT.1.2\ttwo\n"), languages.parse("eng"))
    two = bible.read(write(tmp_path, "m.tsv", "b.MAT.1.2\tjees\nb.MAT.1.3\ttree\n"), GLV)
    (pair,) = bible.pairs(one, two)
    assert (pair.source, pair.target, pair.id, pair.lang) == ("two", "jees", "bible-b.MAT.1.2", GLV)


CREDITS = ["* License: [CC-BY]", "* Text: Letta Machoga", "* Language: ada"]


def test_stories_are_pages_and_pictures_are_passed_over(tmp_path: Path) -> None:
    story = {"id": "0087_x", "title": "T", "pages": ["I suɔ  ma\nkane ni.", " ", "Mɛ nɔ?"], "credits": CREDITS}
    report = Report()
    pages = list(storybook.read(write(tmp_path, "ada.jsonl", json.dumps(story)), ADA, report))
    assert [(page.id, page.text) for page in pages] == [("0087_x#1", "I suɔ ma kane ni."), ("0087_x#3", "Mɛ nɔ?")]
    assert report.noted.counts == {"a page without words (passed over)": 1}
    markdown = "# T\n\n##\nI suɔ  ma\nkane ni.\n\n##\n\n##\nMɛ nɔ?\n\n##\n" + "\n".join(CREDITS) + "\n"
    again = list(storybook.read(write(tmp_path, "0087_x.md", markdown), ADA))
    assert [(page.id, page.text) for page in again] == [(page.id, page.text) for page in pages]


@pytest.mark.parametrize("licence", ["* License: CC BY-NC", "* License: [CC-BY-NC]", "* Licence unknown"])
def test_a_story_that_is_not_plainly_cc_by_is_left_out(tmp_path: Path, licence: str) -> None:
    story = {"id": "1", "pages": ["x"], "credits": [licence]}
    path = write(tmp_path, "ada.jsonl", json.dumps(story))
    report = Report()
    assert list(storybook.read(path, ADA, report)) == []
    assert report.dropped.counts == {"a story whose licence is not CC BY": 1}
    with pytest.raises(BadInput, match=r"ada\.jsonl:1: a story whose licence is not CC BY"):
        list(storybook.read(path, ADA))


FACTS = "cy\tcym\tWelsh\tCymraeg\t892000\tLatn\tAR, GB\t\tVulnerable\tFalse\t\t\twel\t\twels1247\tQ9309\tCeltic\n"


def test_speakers_that_are_not_given_are_not_zero(tmp_path: Path) -> None:
    header = "\t".join(linguameta._HEADER) + "\n"
    path = write(tmp_path, "l.tsv", header + FACTS + FACTS.replace("892000", "") + FACTS.replace("892000", "many"))
    report = Report()
    one, two = linguameta.read(path, report)
    assert (one.speakers, two.speakers) == (892000, None)
    assert (one.code, one.scripts, one.regions, one.is_macrolanguage) == ("cym", ("Latn",), ("AR", "GB"), False)
    assert sum(report.dropped.counts.values()) == 1


@pytest.mark.data
def test_bibles_storybooks_and_linguameta_load_whole(data_root: Path) -> None:
    verses = {}
    for path in sorted((data_root / "bible").iterdir()):
        report = Report()
        verses[path.stem] = len(list(bible.read(path, bible.language(path.stem), report)))
        assert not report.dropped.counts
    assert verses == {
        "Armenian-PART": 6524, "Dinka-NT": 7942, "Ewe-NT": 7943, "Manx-PART": 3994, "Quichua-NT": 7937,
        "Swahili-NT": 7853, "Wolof-NT": 7920, "Zulu-NT": 7975,
    }  # fmt: skip
    report = Report()
    files = sorted((data_root / "storybook").glob("*.jsonl"))
    pages = sum(len(list(storybook.read(path, storybook.language(path.stem), report))) for path in files)
    assert (len(files), report.rows, pages, report.dropped.counts) == (82, 1747, 19892, {})
    report = Report()
    facts = list(linguameta.read(data_root / "linguameta" / "linguameta.tsv", report))
    assert (len(facts), len({row.code for row in facts}), report.dropped.counts) == (7511, 7511, {})

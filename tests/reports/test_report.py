"""The folder a study ends in: the same bytes every time, nothing fetched, nothing unescaped."""

from __future__ import annotations

import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import pytest

from workbench.errors import BadInput
from workbench.records import Result
from workbench.reports import collect, figure, html
from workbench.reports.html import Inputs
from workbench.reports.report import report

VOID = {"meta", "input", "br"}


class Page(HTMLParser):
    """Tags in order, checked to nest; attributes; text outside scripts and styles."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.attributes: list[tuple[str, str, str]] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.attributes += [(tag, name, value or "") for name, value in attrs]
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.attributes += [(tag, name, value or "") for name, value in attrs]


@pytest.fixture(scope="module")
def folder(inputs: Inputs, tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("report")
    report(inputs, made)
    return made


def test_a_report_is_whole_and_the_same_bytes_twice(
    folder: Path, inputs: Inputs, rows: list[Result], tmp_path: Path
) -> None:
    again = report(replace(inputs, results=collect.gather(rows[::-1])), tmp_path)
    names = sorted(str(path.relative_to(tmp_path)) for path in again)
    assert names == sorted(str(path.relative_to(folder)) for path in folder.rglob("*.*"))
    assert {Path(name).name for name in names} >= {
        "report.html", "bits.tex", "intents.csv", "bars-bits.pdf", "layers-layers.svg", "mixture.png", "learning.svg",
        "map-map.pdf",
    }  # fmt: skip
    assert all((tmp_path / name).read_bytes() == (folder / name).read_bytes() for name in names)


def test_the_page_nests_fetches_nothing_and_says_what_pictures_show(folder: Path) -> None:
    text = (folder / "report.html").read_text("utf-8")
    page = Page(text)
    assert page.open == []
    fetching = [(t, n, v) for t, n, v in page.attributes if n in {"src", "srcset", "action", "xlink:href", "data"}]
    assert not fetching
    assert all(v.startswith("#") for t, n, v in page.attributes if n == "href" and t != "a")
    assert [v for t, n, v in page.attributes if n == "href" and "//" in v] == ["https://example.org/licence"]
    assert set(re.findall(r"https?://[^\"'<\s]+", text)) == {"https://example.org/licence"}
    assert not re.search(r"@import|<link|url\((?!#)|fetch\(|XMLHttp|innerHTML *=.*text", text)
    ids = [v for _, n, v in page.attributes if n == "id"]
    assert len(ids) == len(set(ids))
    drawn = [v for t, n, v in page.attributes if t == "svg" and n == "aria-label"]
    assert len(drawn) == 5 + 9 + 1
    assert all(drawn)
    targets = {v for t, n, v in page.attributes if t == "use" and n == "href"} | {
        f"#{name}" for name in re.findall(r"url\(#([^)]+)\)", text)
    }
    assert targets <= {f"#{name}" for name in ids}


def test_markup_in_texts_comes_out_as_text(folder: Path) -> None:
    text = (folder / "report.html").read_text("utf-8")
    assert "A &lt;made-up&gt; study &amp; its report" in text
    assert "A remark with &lt;b&gt;markup&lt;/b&gt;." in text
    assert "Turn on the lights in room 0 &amp; wait &lt;now&gt;" in text
    assert "മുറി 0 ലെ ലൈറ്റുകൾ ഓണാക്കുക" in text


def test_the_page_tells_negatives_absences_and_how_to_do_it_again(folder: Path) -> None:
    text = (folder / "report.html").read_text("utf-8")
    assert "6 of 9 came out in favour of the method; 3 did not, and stay here." in text
    for said in (
        "floor wins",
        "forgetting",
        "no clear difference",
        "workbench run made-up",
        "0123abc",
        "In the original space",
    ):
        assert said in text
    assert '<td class="number">–</td>' in text


def test_figures_carry_no_date_no_version_and_no_outside_font_warning(folder: Path) -> None:
    for path in sorted((folder / "figures").iterdir()):
        data = path.read_bytes()
        assert not re.search(rb"CreationDate|dc:date|Matplotlib v|Software", data), path.name


def test_a_missing_cell_stops_the_report_before_any_page(inputs: Inputs, rows: list[Result], tmp_path: Path) -> None:
    lacking = [r for r in rows if not (r.task == "retrieval" and r.variant == "lexicon" and "layer=1" in r.setting)]
    with pytest.raises(BadInput, match=r"no row for 'lexicon': retrieval/accuracy \[layer=1 centred eng>cym\]"):
        report(replace(inputs, results=collect.gather(lacking)), tmp_path / "none")
    assert not (tmp_path / "none" / "report.html").exists()


def test_a_side_table_with_a_row_of_other_columns_is_refused(inputs: Inputs, tmp_path: Path) -> None:
    uneven = replace(inputs, maps=(), data=[{"lang": "cym-Latn", "tokens": 1}, {"lang": "gle-Latn"}])
    with pytest.raises(BadInput, match="wanted the columns"):
        html.write(uneven, [], [], tmp_path / "report.html")


def test_a_mixture_without_epochs_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="wanted lang, tokens and epochs"):
        figure.mixture([{"lang": "cym-Latn", "tokens": 1}], tmp_path)


def test_two_scripts_of_one_language_have_two_bars(tmp_path: Path) -> None:
    rows = [{"lang": tag, "tokens": 10 + n, "epochs": 1.0} for n, tag in enumerate(("srp-Latn", "srp-Cyrl"))]
    told = figure.mixture(rows, tmp_path).alt
    assert "from Serbian (Latn) (10 tokens" in told
    assert "to Serbian (Cyrl) (11 tokens" in told


def test_a_curve_is_read_from_the_lines_that_have_it(tmp_path: Path) -> None:
    path = tmp_path / "metrics.jsonl"
    path.write_text('{"step": 1, "loss": 3.0}\n{"step": 2}\n{"step": 3, "loss": 2.5}\n')
    assert figure.read_curve(path, "base", "loss") == figure.Curve("base", (1, 3), (3.0, 2.5))
    with pytest.raises(BadInput, match="no line has 'los'"):
        figure.read_curve(path, "base", "los")


def test_a_variant_keeps_its_colour_in_every_figure(folder: Path) -> None:
    blue = figure.PALETTE[3]
    for name in ("bars-bits", "bars-intents", "layers-layers"):
        assert blue in (folder / "figures" / f"{name}.svg").read_text("utf-8")

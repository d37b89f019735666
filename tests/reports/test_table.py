from __future__ import annotations

import csv
import io
import re
from pathlib import Path
from statistics import fmean, stdev

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from workbench.errors import BadInput
from workbench.records import Result
from workbench.reports import collect, render, table
from workbench.reports.collect import Results
from workbench.reports.render import number, spread
from workbench.reports.spec import Row, Spec, TableSpec


def line(made: table.Table, label: str) -> table.Line:
    return next(line for line in made.lines if line.label == label)


def test_a_cell_is_mean_and_sd_over_seeds(spec: Spec, results: Results, rows: list[Result]) -> None:
    values = [r.value for r in rows if (r.variant, r.task, r.lang) == ("lexicon", "lm", "gle-Latn")]
    cell = line(table.build(spec.named("bits"), results), "lexicon").cells[1]
    assert cell is not None
    assert (cell.mean, cell.sd, cell.seeds, cell.items) == (fmean(values), stdev(values), 3, 200)


def test_two_scripts_of_one_language_have_two_heads() -> None:
    tags = ("srp-Cyrl", "srp-Latn", "cym-Latn")
    rows = [Result("r", "s", "base", 0, 1, "t", tag, "test", "accuracy", 0.5, 10, "share", True) for tag in tags]
    spec = TableSpec(
        name="t", title="T", caption="C.", task="t", metric="accuracy", unit="%", columns=tags[:2], aside=tags[2:],
        rows=(Row(variant="base"),),
    )  # fmt: skip
    made = table.build(spec, collect.gather(rows))
    assert render.header(made, codes=False)[1:4] == ["Serbian (Cyrl)", "Serbian (Latn)", "Welsh"]
    assert render.header(made, codes=True)[1:4] == ["srp-Cyrl", "srp-Latn", "cym"]
    assert "Items scored: Serbian (Cyrl) 10, Serbian (Latn) 10, Welsh 10." in render.caption(made)
    assert "Languages: srp-Cyrl Serbian (Cyrl), srp-Latn Serbian (Latn), cym Welsh." in render.latex(made)


def test_a_row_with_a_gap_has_no_mean_but_a_difference_over_what_is_shared(spec: Spec, results: Results) -> None:
    made = table.build(spec.named("bits"), results)
    gappy = line(made, "lexicon+inflection")
    assert gappy.cells[4] is None
    assert gappy.mean is None
    assert gappy.differences[0] is not None
    assert gappy.differences[0].languages == 4
    assert any("lexicon+inflection 4 of 6 languages" in note for note in made.notes)


def test_the_reference_and_the_floors_are_not_compared(spec: Spec, results: Results) -> None:
    made = table.build(spec.named("bits"), results)
    assert line(made, "none").differences == (None, None)
    assert line(made, "floor:char-6gram (lexicon)").differences == (None, None)
    assert line(made, "few-text").differences[1] is None


def test_p_over_six_languages_is_exact_and_adjusted_for_seven_rows(spec: Spec, results: Results) -> None:
    first = line(table.build(spec.named("bits"), results), "all-text").differences[0]
    assert first is not None
    assert first.p == pytest.approx(7 * 2 / 2**6)


def test_bold_is_the_best_that_is_no_ceiling_and_a_floor_may_win(spec: Spec, results: Results) -> None:
    bits, intents = (table.build(spec.named(name), results) for name in ("bits", "intents"))
    assert [made.label for made in bits.lines if made.mean and made.mean.best] == ["few-text+lexicon"]
    assert [made.label for made in intents.lines if made.mean and made.mean.best] == ["floor: char n-grams, translated"]


def test_every_format_is_the_same_bytes_whatever_the_order_of_the_rows(spec: Spec, rows: list[Result]) -> None:
    assert table.files(spec, collect.gather(rows)) == table.files(spec, collect.gather(rows[::-1]))


def test_the_words_say_seeds_unit_direction_test_and_gaps(spec: Spec, results: Results) -> None:
    text = table.files(spec, results)["bits.md"]
    for said in (
        "Mean ± standard deviation over 3 seeds; in bits/byte, lower is better.",
        "exact paired sign-flip test over 6 languages, Holm-adjusted",
        "no p below 0.031 is possible",
        "no p below 0.25 is possible",
        "–: no Malayalam, Hausa for lexicon+inflection: no paradigms.",
        "† measured as bits\\_per\\_byte, the other rows as masked\\_bits\\_per\\_byte.",
        "Items scored: Welsh 52,",
    ):
        assert said in text


def test_the_csv_has_a_line_a_cell_and_none_for_a_gap(spec: Spec, results: Results) -> None:
    rows = list(csv.DictReader(io.StringIO(table.files(spec, results)["bits.csv"])))
    gappy = [row["column"] for row in rows if row["row"] == "lexicon+inflection"]
    assert gappy == [
        "cym-Latn", "gle-Latn", "eus-Latn", "isl-Latn", "eng-Latn", "minus none", "minus lexicon-control",
    ]  # fmt: skip
    assert all(row["mean"] for row in rows)


def test_latex_is_balanced_escaped_and_rectangular(spec: Spec, results: Results) -> None:
    text = table.files(spec, results)["bits.tex"]
    bare = re.sub(r"\\[\\{}%&_#$]", "", text)
    assert bare.count("{") == bare.count("}")
    assert sorted(re.findall(r"\\begin\{(\w+\*?)\}", text)) == sorted(re.findall(r"\\end\{(\w+\*?)\}", text))
    lines = [row for row in text.splitlines() if row.endswith(r"\\")]
    assert {len(re.findall(r"(?<!\\)&", row)) for row in lines} == {13}
    assert r"bits\_per\_byte" in text
    assert "%" not in bare.partition("\n")[2].replace(r"\%", "")
    assert not set("±Δ–−↓†").intersection(text)
    assert {r"\toprule", r"\midrule", r"\bottomrule"} <= set(text.split())


@given(st.text(alphabet=st.characters(codec="utf-8", categories=("L", "N", "P", "S", "Z"))))
def test_no_text_is_latex_markup_once_escaped(text: str) -> None:
    escaped = render.escape_latex(text)
    known = re.sub(r"\\(text\w+|[SP]|ldots)\{\}|\$(\\?\w+|-)\$|\\[&%$#_{}]", "", escaped)
    assert not set("&%$#_{}\\~^").intersection(known)


@given(st.sampled_from(["a|b", "*x*", "<i>", "`c`", "[l](u)", "a_b", "\\"]))
def test_markdown_labels_add_no_columns_and_no_markup(label: str) -> None:
    escaped = render.escape_markdown(label)
    assert not re.search(r"(?<!\\)[|*<>`\[\]_]", escaped.replace("\\\\", ""))


@pytest.mark.parametrize(
    ("value", "signed", "text"),
    [
        (-0.001, True, "0.00"),
        (-1.234, False, "−1.23"),
        (0.5, True, "+0.50"),
        (0.0, True, "0.00"),
        (12.0, False, "12.00"),
    ],
)
def test_numbers_have_a_true_minus_and_no_negative_zero(value: float, signed: bool, text: str) -> None:
    assert number(value, 2, signed) == text


def test_a_spread_below_one_drops_its_zero() -> None:
    assert (spread(0.031, 2), spread(1.25, 1), spread(3.2, 0), spread(None, 2)) == (".03", "1.2", "3", "")


def test_floors_among_themselves_have_a_ceiling_and_are_compared(spec: Spec, results: Results) -> None:
    bits = spec.named("bits")
    floors = [row.model_copy(update={"ceiling": row.variant.endswith("(lexicon)")}) for row in bits.rows if row.floor]
    compare = bits.compare[0].model_copy(update={"reference": floors[0].name})
    alone = bits.model_copy(update={"rows": tuple(floors), "compare": (compare,), "aside": (), "absent": ()})
    made = table.build(alone, results)
    assert not any(cell and cell.best for line in made.lines for cell in line.cells)
    assert made.lines[0].differences == (None,)
    assert made.lines[1].differences[0] is not None
    assert '<tr class="floor ceiling">' in render.html(made)


def test_a_marker_in_running_text_is_no_block(study_dir: Path) -> None:
    readme = study_dir / "README.md"
    readme.write_text("Tables stand between `<!-- table:STUDY/NAME -->` and its end.\n", "utf-8")
    assert readme in table.check(study_dir, [readme])


@pytest.mark.parametrize("width", [60, 80, 100, 132, 200])
def test_the_terminal_table_gives_way_instead_of_cutting_numbers(spec: Spec, results: Results, width: int) -> None:
    console = Console(width=width, record=True, file=io.StringIO())
    console.print(render.terminal(table.build(spec.named("intents"), results)))
    text = console.export_text()
    assert max(map(len, text.splitlines())) <= width
    if width >= 80:
        assert "…" not in text
        assert "39.4" in text
    assert ("Δ none" in text) == (width >= 100)


def test_committed_tables_pass_and_a_changed_byte_fails(study_dir: Path) -> None:
    assert len(table.check(study_dir)) == 6
    path = study_dir / "tables" / "bits.md"
    path.write_text(path.read_text("utf-8").replace("2.98", "2.97"), "utf-8")
    with pytest.raises(BadInput, match=r"(?s)tables differ from a rebuild.*-.*2\.97.*\+.*2\.98"):
        table.check(study_dir)


def test_a_missing_and_a_stale_table_fail(study_dir: Path) -> None:
    (study_dir / "tables" / "bits.csv").rename(study_dir / "tables" / "old.csv")
    with pytest.raises(BadInput, match=r"(?s)bits\.csv: not there.*old\.csv: no table of the spec has this name"):
        table.check(study_dir)


def test_a_table_of_another_study_is_refused(spec: Spec, results: Results) -> None:
    with pytest.raises(BadInput, match="of study 'other', the results are of 'made-up'"):
        table.files(spec.model_copy(update={"study": "other"}), results)


def test_a_readme_block_is_filled_checked_and_leaves_other_studies_alone(study_dir: Path) -> None:
    readme = study_dir / "README.md"
    other = "<!-- table:other/bits -->\nkept\n<!-- /table -->"
    readme.write_text(f"# Title\n\n<!-- table:made-up/bits -->\n<!-- /table -->\n\n{other}\n", "utf-8")
    with pytest.raises(BadInput, match=r"README\.md"):
        table.check(study_dir, [readme])
    assert readme in table.write(study_dir, [readme])
    assert "| lexicon | 2.8" in readme.read_text("utf-8")
    assert other in readme.read_text("utf-8")
    assert readme in table.check(study_dir, [readme])
    assert readme not in table.write(study_dir, [readme])


@pytest.mark.parametrize(
    ("block", "said"),
    [
        ("<!-- table:made-up/bit -->\n<!-- /table -->", "no table 'bit'"),
        ("<!-- table:bits -->\n<!-- /table -->", "wanted <!-- table:STUDY/NAME -->"),
        ("<!-- table:made-up/bits -->\n", "has no <!-- /table -->"),
    ],
)
def test_a_readme_block_that_names_no_table_is_an_error(study_dir: Path, block: str, said: str) -> None:
    readme = study_dir / "README.md"
    readme.write_text(block, "utf-8")
    with pytest.raises(BadInput, match=said):
        table.check(study_dir, [readme])

"""Lexicon reports as text for a terminal."""

from __future__ import annotations

from collections.abc import Sequence
from io import StringIO
from typing import TYPE_CHECKING

from workbench import languages
from workbench.sources.lexicon_merge import Comparison, Merged
from workbench.sources.lexicon_quality import Quality, Suspect

if TYPE_CHECKING:
    from rich.table import Table

WIDTH = 100


def render(what: Quality | Comparison | Merged | Sequence[Suspect], width: int = WIDTH) -> str:
    """Plain text with aligned columns, `width` characters wide."""
    if isinstance(what, Quality):
        tables = _quality(what)
    elif isinstance(what, Comparison):
        tables = [_comparison(what)]
    elif isinstance(what, Merged):
        tables = [_merged(what)]
    else:
        tables = [_suspects(what)]
    from rich.console import Console

    out = StringIO()
    console = Console(file=out, width=width, color_system=None, highlight=False, markup=False, emoji=False)
    for table in tables:
        console.print(table)
    return "\n".join(line.rstrip() for line in out.getvalue().splitlines()) + "\n"


def _quality(found: Quality) -> list[Table]:
    shape = _table(f"{found.origin}: {_named(found.source)} -> {_named(found.target)}", "", "number", "share")
    rows: list[tuple[str, int, int | None]] = [
        ("source words and phrases", found.num_sources, None),
        ("  with more than one translation", found.num_ambiguous, found.num_sources),
        ("  of several words", found.num_multiword_sources, found.num_sources),
        ("distinct pairs", found.num_pairs, None),
        ("  with a translation of several words", found.num_multiword_targets, found.num_pairs),
        ("rows that repeat a pair", found.num_duplicates, found.num_rows),
    ]
    for label, number, whole in rows:
        shape.add_row(label, f"{number:,}", "" if whole is None else _percent(number, whole))
    shape.add_row("translations per source", f"{found.translations_per_source:.2f}", "")
    shape.add_row("most translations of one source", f"{found.most_translations:,}", "")
    shape.add_row("licence", found.licence or "unstated", "")
    faults = _table("What to look at", "", "pairs", "share", "for example")
    for fault, number in found.faults.items():
        shown = "; ".join(found.examples[fault][:2])
        faults.add_row(fault, f"{number:,}", _percent(number, found.num_pairs), shown)
    if not found.faults:
        faults.add_row("nothing found", "0", "", "")
    tables = [shape, faults]
    for covered in found.coverage:
        text = _table(f"Coverage of {_named(covered.lang)} text", "", "number", "covered", "share")
        for label, number, hit in (
            ("running words", covered.num_tokens, covered.num_covered_tokens),
            ("distinct words", covered.num_types, covered.num_covered_types),
        ):
            text.add_row(label, f"{number:,}", f"{hit:,}", _percent(hit, number))
        text.caption = "most frequent words not in it: " + (
            ", ".join(w for w, _ in covered.most_frequent_missing) or "-"
        )
        tables.append(text)
    return tables


def _comparison(found: Comparison) -> Table:
    table = _table(f"{found.first} and {found.second}", "", "first", "second", "both", "share of shared")
    table.add_row("source words", *(f"{n:,}" for n in found.num_sources), f"{found.num_shared_sources:,}", "")
    table.add_row("distinct pairs", *(f"{n:,}" for n in found.num_pairs), f"{found.num_shared_pairs:,}", "")
    for label, number in (
        ("shared sources with a common translation", found.num_agreeing),
        ("  with one but for marks (tone, vowels)", found.num_agreeing_but_for_marks),
    ):
        table.add_row(label, "", "", f"{number:,}", _percent(number, found.num_shared_sources))
    if found.disagreements:
        table.caption = "apart: " + "; ".join(found.disagreements)
    return table


def _merged(found: Merged) -> Table:
    whole = found.lexicon
    table = _table(f"{whole.origin}: {_named(whole.source)} -> {_named(whole.target)}", "", "pairs", "only there")
    names = dict.fromkeys(name for had in found.origins.values() for name in had)
    for name in names:
        held = [had for had in found.origins.values() if name in had]
        table.add_row(name, f"{len(held):,}", f"{sum(len(had) == 1 for had in held):,}")
    table.add_row("together", f"{len(found.origins):,}", "")
    table.caption = f"licence: {whole.licence}"
    return table


def _suspects(found: Sequence[Suspect]) -> Table:
    table = _table("Lexicons of different languages with the same rows", "", "", "rows shared", "of the smaller", "")
    for one in found:
        table.add_row(one.first, one.second, f"{one.num_shared:,}", f"{one.shared_rate:.1%}", one.kind)
    if not found:
        table.add_row("none found", "", "", "", "")
    return table


def _table(title: str, *columns: str) -> Table:
    from rich.box import SIMPLE_HEAD
    from rich.table import Table
    from rich.text import Text

    table = Table(title=Text(title), box=SIMPLE_HEAD, title_justify="left", caption_justify="left", expand=False)
    for number, column in enumerate(columns):
        is_text = number == 0 or column in {"", "for example"}
        table.add_column(column, justify="left" if is_text else "right", overflow="fold")
    return table


def _named(lang: languages.Lang) -> str:
    return f"{languages.name(lang)} ({lang})"


def _percent(number: int, whole: int) -> str:
    return f"{number / whole:.1%}" if whole else "-"

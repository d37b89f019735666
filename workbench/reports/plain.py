"""A table of words and numbers whose columns are not languages, in the formats of all tables."""

from __future__ import annotations

import csv as csv_module
import io
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING

from workbench.reports.render import escape_latex, escape_markdown

if TYPE_CHECKING:
    import rich.table


@dataclass(frozen=True, slots=True)
class Plain:
    """The first column is words, the others are printed numbers; `data` holds the same at full precision, for CSV."""

    study: str
    name: str
    title: str
    caption: str
    heads: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    data: tuple[tuple[str | float, ...], ...]
    data_heads: tuple[str, ...]


def formats(table: Plain) -> dict[str, str]:
    """File name -> text."""
    return {f"{table.name}.md": markdown(table), f"{table.name}.tex": latex(table), f"{table.name}.csv": csv(table)}


def markdown(table: Plain) -> str:
    rows = [[escape_markdown(cell) for cell in row] for row in (table.heads, *table.rows)]
    rule = ["---"] + ["---:"] * (len(table.heads) - 1)
    lines = [f"| {' | '.join(row)} |" for row in (rows[0], rule, *rows[1:])]
    return "\n".join([f"**{escape_markdown(table.title)}**", "", *lines, "", escape_markdown(table.caption)]) + "\n"


def latex(table: Plain) -> str:
    r"""A `table*` float that needs booktabs alone."""
    body = [" & ".join(escape_latex(cell) for cell in row) + r" \\" for row in table.rows]
    lines = [
        r"% made by `workbench table`; needs \usepackage{booktabs}",
        r"\begin{table*}[t]", r"\centering", r"\scriptsize",
        rf"\begin{{tabular}}{{@{{}}l{'r' * (len(table.heads) - 1)}@{{}}}}", r"\toprule",
        " & ".join(map(escape_latex, table.heads)) + r" \\", r"\midrule", *body, r"\bottomrule", r"\end{tabular}",
        rf"\caption{{{escape_latex(f'{table.title}. {table.caption}')}}}",
        rf"\label{{tab:{table.study}-{table.name}}}", r"\end{table*}",
    ]  # fmt: skip
    return "\n".join(lines) + "\n"


def csv(table: Plain) -> str:
    out = io.StringIO()
    writer = csv_module.writer(out, lineterminator="\n")
    writer.writerow(table.data_heads)
    for row in table.data:
        writer.writerow([f"{cell:.6g}" if isinstance(cell, float) else cell for cell in row])
    return out.getvalue()


def html(table: Plain) -> str:
    def line(cells: Sequence[str], tag: str) -> str:
        first = f'<th scope="{"row" if tag == "td" else "col"}">{escape(cells[0])}</th>'
        opened = '<td class="number">' if tag == "td" else '<th scope="col">'
        return f"<tr>{first}{''.join(f'{opened}{escape(cell)}</{tag}>' for cell in cells[1:])}</tr>"

    body = "\n".join(line(row, "td") for row in table.rows)
    return (
        f'<table class="results" id="table-{escape(table.name)}">'
        f"<caption><p><strong>{escape(table.title)}.</strong> {escape(table.caption)}</p></caption>"
        f"<thead>{line(table.heads, 'th')}</thead>\n<tbody>\n{body}\n</tbody></table>\n"
    )


def terminal(table: Plain) -> rich.table.Table:
    from rich import box
    from rich.table import Table
    from rich.text import Text

    made = Table(title=table.title, box=box.SIMPLE_HEAD, title_justify="left", caption=table.caption)
    for index, head in enumerate(table.heads):
        made.add_column(Text(head), justify="right" if index else "left")
    for row in table.rows:
        made.add_row(*map(Text, row))
    return made

"""A table's formats: terminal (rich), Markdown, LaTeX (booktabs and nothing else), CSV, HTML fragment."""

from __future__ import annotations

import csv as csv_module
import io
import re
from collections.abc import Iterator
from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING, Literal

from workbench import naming
from workbench.reports.table import Table, Value

if TYPE_CHECKING:
    import rich.console
    import rich.table

ABSENT = "–"
_MARKDOWN = re.compile(r"([\\`*_{}\[\]|#~])")
_LATEX = {
    "&": r"\&", "%": r"\%", "$": r"\$", "#": r"\#", "_": r"\_", "{": r"\{", "}": r"\}",
    "~": r"\textasciitilde{}", "^": r"\textasciicircum{}", "\\": r"\textbackslash{}", "<": r"\textless{}",
    ">": r"\textgreater{}", "|": r"\textbar{}", '"': "''", "±": r"$\pm$", "Δ": r"$\Delta$", "–": "--", "—": "---",
    "−": "$-$", "→": r"$\rightarrow$", "↔": r"$\leftrightarrow$", "↑": r"$\uparrow$", "↓": r"$\downarrow$",
    "×": r"$\times$", "≤": r"$\leq$", "≥": r"$\geq$", "†": r"\textdagger{}", "‡": r"\textdaggerdbl{}",
    "§": r"\S{}", "¶": r"\P{}", "’": "'", "“": "``", "”": "''", "…": r"\ldots{}",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Printed:
    """One cell as text: the number, its spread, and what a reader's script may sort by."""

    main: str
    sd: str = ""
    best: bool = False
    sort: float | None = None
    role: Literal["label", "value", "mean", "difference", "p", "seeds"] = "value"


def number(value: float, digits: int, signed: bool = False) -> str:
    """Fixed digits, a true minus, and never a negative zero."""
    text = f"{value:.{digits}f}"
    if float(text) == 0:
        return f"{0:.{digits}f}"
    return ("−" if value < 0 else "+" if signed else "") + text.removeprefix("-")


def spread(sd: float | None, digits: int) -> str:
    """A standard deviation without its leading zero; nothing for one seed."""
    return "" if sd is None else f"{sd:.{digits}f}".removeprefix("0") if digits else f"{sd:.0f}"


def p_value(p: float) -> str:
    return "<0.001" if p < 0.001 else f"{p:.3f}"


def header(table: Table, codes: bool) -> list[str]:
    """The column heads: language names, or ISO 639-3 codes where room is short."""
    heads = [f"{table.spec.unit} {'↑' if table.higher_is_better else '↓'}"]
    heads += (naming.codes if codes else naming.names)(table.tags).values()
    heads += ["mean"] * table.spec.mean
    for compare in table.spec.compare:
        heads += [f"Δ {compare.head or compare.reference}", "p"]
    return [*heads, "seeds"]


def body(table: Table) -> list[list[Printed]]:
    """Every line of the table, cell by cell, in the order of `header`."""
    digits = table.spec.digits

    def value(cell: Value | None, role: Literal["value", "mean"]) -> Printed:
        if cell is None:
            return Printed(ABSENT, role=role)
        return Printed(number(cell.mean, digits), spread(cell.sd, digits), cell.best, cell.mean, role)

    lines = []
    for line in table.lines:
        cells = [Printed(f"{line.label}{line.mark}", role="label"), *(value(cell, "value") for cell in line.cells)]
        cells += [value(line.mean, "mean")] * table.spec.mean
        for difference in line.differences:
            if difference is None:
                cells += [Printed("", role="difference"), Printed("", role="p")]
                continue
            mean, sd = number(difference.mean, digits, signed=True), spread(difference.sd, digits)
            cells.append(Printed(mean, sd, sort=difference.mean, role="difference"))
            cells.append(Printed(p_value(difference.p), sort=difference.p, role="p"))
        lines.append([*cells, Printed(str(line.seeds), sort=line.seeds, role="seeds")])
    return lines


def caption(table: Table) -> str:
    return " ".join([table.spec.caption, *table.notes])


def markdown(table: Table) -> str:
    """A pipe table under its title, the caption below; what Markdown would read as markup is escaped."""

    def cell(p: Printed) -> str:
        main = f"**{escape_markdown(p.main)}**" if p.best else escape_markdown(p.main)
        return f"{main} ± {p.sd}" if p.sd else main

    heads = [escape_markdown(head) for head in header(table, codes=False)]
    rows = [[cell(p) for p in line] for line in body(table)]
    lines = [f"| {' | '.join(row)} |" for row in (heads, ["---"] + ["---:"] * (len(heads) - 1), *rows)]
    return (
        "\n".join([f"**{escape_markdown(table.spec.title)}**", "", *lines, "", escape_markdown(caption(table))]) + "\n"
    )


def latex(table: Table) -> str:
    r"""A `table*` float that needs booktabs alone: ISO 639-3 codes for heads and small spreads, to fit a page."""
    room = spread(0.0, table.spec.digits)

    def cell(p: Printed) -> str:
        main = rf"\textbf{{{escape_latex(p.main)}}}" if p.best else escape_latex(p.main)
        if not p.sd and p.role in ("value", "mean", "difference") and main:
            return rf"{main}{{\tiny\,\phantom{{{room}}}}}"  # so that figures stand under figures
        return rf"{main}{{\tiny\,{p.sd}}}" if p.sd else main

    heads = [escape_latex(head) for head in header(table, codes=True)]
    names = naming.names(table.tags)
    codes = ", ".join(f"{code} {names[tag]}" for tag, code in naming.codes(table.tags).items())
    notes = escape_latex(" ".join([*table.notes, f"Small figures: the ±. Languages: {codes}."]))
    lines = [
        r"% made by `workbench table`; needs \usepackage{booktabs}",
        r"\begin{table*}[t]", r"\centering", r"\scriptsize", r"\setlength{\tabcolsep}{2.5pt}",
        rf"\begin{{tabular}}{{@{{}}l{'r' * (len(heads) - 1)}@{{}}}}", r"\toprule",
        " & ".join(heads) + r" \\", r"\midrule",
    ]  # fmt: skip
    before = ""
    for line, cells in zip(table.lines, body(table), strict=True):
        if before and (before == "floor") != (line.kind == "floor"):
            lines.append(r"\midrule")
        before = line.kind
        lines.append(" & ".join(cell(p) for p in cells) + r" \\")
    lines += [
        r"\bottomrule", r"\end{tabular}", rf"\par\smallskip\parbox{{\linewidth}}{{{notes}}}",
        rf"\caption{{{escape_latex(f'{table.spec.title}. {table.spec.caption}')}}}",
        rf"\label{{tab:{table.study}-{table.spec.name}}}", r"\end{table*}",
    ]  # fmt: skip
    return "\n".join(lines) + "\n"


def csv(table: Table) -> str:
    """Long form, one line a cell, at six significant digits: what a script reads."""
    out = io.StringIO()
    writer = csv_module.writer(out, lineterminator="\n")
    writer.writerow(["row", "kind", "column", "mean", "sd", "seeds", "items", "p", "unit"])
    for line in table.lines:
        cells = [*zip(table.tags, line.cells, strict=True), *([("mean", line.mean)] if table.spec.mean else [])]
        for column, cell in cells:
            if cell is not None:
                items = "" if cell.items is None else cell.items
                sd = "" if cell.sd is None else f"{cell.sd:.6g}"
                writer.writerow(
                    [line.label, line.kind, column, f"{cell.mean:.6g}", sd, cell.seeds, items, "", table.spec.unit]
                )
        for compare, d in zip(table.spec.compare, line.differences, strict=True):
            if d is not None:
                sd = "" if d.sd is None else f"{d.sd:.6g}"
                column = f"minus {compare.reference}"
                writer.writerow(
                    [line.label, line.kind, column, f"{d.mean:.6g}", sd, line.seeds, "", f"{d.p:.6g}", table.spec.unit]
                )
    return out.getvalue()


def html(table: Table) -> str:
    """A `<table>` of its own: scoped heads, caption, values to sort by, and a shade from worst to best per column."""
    heads = header(table, codes=False)
    rows = list(zip(table.lines, body(table), strict=True))
    shades = [_shades([cells[i] for _, cells in rows], table.higher_is_better) for i in range(len(heads))]
    out = [f'<table class="results" id="table-{escape(table.spec.name)}">']
    out.append(f"<caption><p><strong>{escape(table.spec.title)}.</strong> {escape(caption(table))}</p></caption>")
    out.append("<thead><tr>" + "".join(f'<th scope="col">{escape(h)}</th>' for h in heads) + "</tr></thead>")
    out.append("<tbody>")
    for index, (line, cells) in enumerate(rows):
        parts = [f'<th scope="row">{escape(cells[0].main)}</th>']
        for column, p in enumerate(cells[1:], 1):
            sort = "" if p.sort is None else f' data-sort="{p.sort:.6g}"'
            shade = shades[column][index]
            style = "" if shade is None else f' style="--shade:{shade:.2f}"'
            main = f"<b>{escape(p.main)}</b>" if p.best else escape(p.main)
            sd = f' <span class="sd">±&#8239;{escape(p.sd)}</span>' if p.sd else ""
            parts.append(f'<td class="{p.role}"{sort}{style}>{main}{sd}</td>')
        out.append(f'<tr class="{line.kind}{" ceiling" if line.ceiling else ""}">' + "".join(parts) + "</tr>")
    return "\n".join([*out, "</tbody>", "</table>"]) + "\n"


@dataclass(frozen=True, slots=True)
class Terminal:
    """A rich renderable that fits the width there is: first p, then differences, then spreads give way."""

    table: Table

    def __rich_console__(self, console: rich.console.Console, options: rich.console.ConsoleOptions) -> Iterator[object]:
        from rich.measure import Measurement

        giving_way = ("p", "difference", "sd", "seeds")
        made = [self._fit(set(giving_way[:count])) for count in range(len(giving_way) + 1)]
        widths = [Measurement.get(console, options.update(width=10_000), m).maximum for m in made]
        fitting = [m for m, width in zip(made, widths, strict=True) if width <= options.max_width]
        yield fitting[0] if fitting else made[-1]
        yield f"{self.table.spec.caption} {self.table.notes[0]}"
        if not fitting or fitting[0] is not made[0]:
            yield f"A wider terminal shows more; the files {self.table.spec.name}.md, .tex and .csv show all."

    def _fit(self, dropped: set[str]) -> rich.table.Table:
        from rich import box
        from rich.table import Table as RichTable
        from rich.text import Text

        lines = body(self.table)
        keep = [i for i, p in enumerate(lines[0]) if p.role not in dropped]
        made = RichTable(title=self.table.spec.title, box=box.SIMPLE_HEAD, title_justify="left", padding=(0, 1, 0, 0))
        heads = header(self.table, codes=True)
        for index in keep:
            made.add_column(Text(heads[index]), justify="right" if index else "left", overflow="ellipsis")
        before = ""
        for line, cells in zip(self.table.lines, lines, strict=True):
            if before and (before == "floor") != (line.kind == "floor"):
                made.add_section()
            before = line.kind
            shown = []
            for p in (cells[index] for index in keep):
                sd = f" ±{p.sd}" if p.sd and p.role != "value" and "sd" not in dropped else ""
                shown.append(Text(p.main + sd, style="bold green" if p.best else ""))
            made.add_row(*shown, style="dim" if line.kind == "floor" else "")
        return made


def terminal(table: Table) -> Terminal:
    """The table for a rich console; spreads over seeds stand beside means and differences only."""
    return Terminal(table)


def escape_latex(text: str) -> str:
    return "".join(_LATEX.get(character, character) for character in text)


def escape_markdown(text: str) -> str:
    return _MARKDOWN.sub(r"\\\1", text).replace("<", "&lt;").replace(">", "&gt;")


def _shades(column: list[Printed], higher_is_better: bool) -> list[float | None]:
    """0 for the column's worst value, 1 for its best; None where there is no value to compare."""
    values = [p.sort for p in column if p.sort is not None and p.role in ("value", "mean")]
    if len(values) < 2 or max(values) == min(values):
        return [None] * len(column)
    low, high = min(values), max(values)
    scaled = [
        None if p.sort is None or p.role not in ("value", "mean") else (p.sort - low) / (high - low) for p in column
    ]
    return scaled if higher_is_better else [None if s is None else 1.0 - s for s in scaled]

"""One self-contained report.html: what the numbers say, in words, tables, figures and a map; nothing is fetched."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape
from importlib.resources import files
from pathlib import Path

from workbench import languages
from workbench.errors import BadInput
from workbench.files import write_text
from workbench.reports import group_table, headline, inline, plain, render, scaling_table, table
from workbench.reports.collect import Results
from workbench.reports.figure import Curve, Drawn
from workbench.reports.headline import Finding
from workbench.reports.projection import EmbeddingMap, Projection
from workbench.reports.spec import Spec

SideRow = Mapping[str, object]


@dataclass(frozen=True, slots=True)
class Inputs:
    """What a report is made of. Side tables are rows of equal keys; a `lang` is printed by its name."""

    title: str
    question: str
    spec: Spec
    results: Results
    pivot: str
    data: Sequence[SideRow]
    fertility: Sequence[SideRow]
    mixture: Sequence[SideRow]  # needs lang, tokens, epochs
    licences: Sequence[SideRow]
    reproduce: Mapping[str, object]  # name -> value or mapping; `command` is shown first, to be copied
    curves: Sequence[Curve] = ()
    curve_unit: str = "loss (nats per predicted token)"
    maps: Sequence[Path] = ()
    remarks: Sequence[str] = ()


def write(
    inputs: Inputs, figures: Sequence[Drawn], maps: Sequence[tuple[EmbeddingMap, Projection]], path: Path
) -> Path:
    """Write the page; a pure function of its inputs."""
    found = headline.findings(inputs.spec, inputs.results)
    tables = [table.build(spec, inputs.results) for spec in inputs.spec.table]
    groups = [group_table.made(one, inputs.results) for one in inputs.spec.groups]
    laws = [made for law in inputs.spec.scaling for made in scaling_table.tables(law, inputs.results)]
    sections = [
        ("findings", "What the numbers say", _findings(found, inputs)),
        ("tables", "Tables", "\n".join([*map(_table, tables), *map(_plain, [*groups, *laws])])),
        ("figures", "Figures", "\n".join(map(_figure, figures))),
        ("map", "Embedding map", _maps(maps)),
        ("data", "Data", _side("What there is per language.", inputs.data)),
        ("tokenizer", "Tokenizer", _side("How finely each language is cut, on its own text.", inputs.fertility)),
        ("mixture", "Mixture", _side("What the base model really read, per language.", inputs.mixture)),
        ("reproduce", "Reproduce", _reproduce(inputs.reproduce)),
        ("licences", "Licences", _side("Sources of the data and their terms.", inputs.licences)),
    ]
    present = [section for section in sections if section[2]]
    nav = "".join(f'<a href="#{name}">{escape(title)}</a>' for name, title, _ in present)
    body = "\n".join(
        f'<section id="{name}"><h2>{escape(title)}</h2>\n{html}\n</section>' for name, title, html in present
    )
    here = files("workbench.reports")
    page = f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>{escape(inputs.title)}</title>
<style>
{here.joinpath("page.css").read_text("utf-8")}</style>
</head>
<body>
<a class="skip" href="#findings">to the findings</a>
<nav aria-label="Sections"><strong>{escape(inputs.title)}</strong>{nav}
<button id="theme" type="button">theme</button></nav>
<main>
{_head(inputs, found)}
{body}
</main>
<script>
{here.joinpath("page.js").read_text("utf-8")}</script>
</body>
</html>
"""
    write_text(path, page)
    return path


def _head(inputs: Inputs, found: Sequence[Finding]) -> str:
    results, spec = inputs.results, inputs.spec
    variants = {row.variant for t in spec.table for row in t.rows if not row.floor}
    tags = {tag for t in spec.table for tag in t.columns}
    facts = [
        f"{len(variants)} arms",
        f"{len({row.variant for t in spec.table for row in t.rows if row.floor})} floors",
        f"{len(tags)} languages",
        f"{len(results.seeds)} seeds",
        f"{sum(map(len, results.cells.values())):,} numbers",
        f"data {results.data_revision}",
    ]
    chips = "".join(f"<li>{escape(fact)}</li>" for fact in facts)
    short = "".join(
        f'<li class="{f.verdict}"><span class="chip">{escape(f.chip)}</span> {escape(f.short)}</li>' for f in found
    )
    lead = f'<ul class="lead">{short}</ul>' if found else ""
    return (
        f'<header><h1>{escape(inputs.title)}</h1><p class="question">{escape(inputs.question)}</p>'
        f'{lead}<ul class="facts">{chips}</ul></header>'
    )


def _findings(found: Sequence[Finding], inputs: Inputs) -> str:
    cards = "".join(
        f'<article class="card {f.verdict}"><p class="chip">{escape(f.chip)}</p><h3>{escape(f.title)}</h3>'
        f"<p>{escape(f.sentence)}</p>{inline.forest(f)}</article>"
        for f in found
    )
    notes = "".join(f"<p>{escape(remark)}</p>" for remark in inputs.remarks)
    if not found:
        return notes
    better = sum(f.verdict == "better" for f in found)
    rule = (
        f"{better} of {len(found)} came out in favour of the method; {len(found) - better} did not, and stay here. "
        f"{headline.rule(len(inputs.results.seeds))} In the plots each tick is one seed, the dot their mean; "
        "a hollow dot is not clear."
    )
    return f'<p class="rule">{escape(rule)}</p>{notes}<div class="cards">{cards}</div>'


def _table(made: table.Table) -> str:
    formats = (("LaTeX", render.latex(made)), ("Markdown", render.markdown(made)), ("CSV", render.csv(made)))
    return _block(made.spec.title, render.html(made), formats)


def _plain(made: plain.Plain) -> str:
    formats = (("LaTeX", plain.latex(made)), ("Markdown", plain.markdown(made)), ("CSV", plain.csv(made)))
    return _block(made.title, plain.html(made), formats)


def _block(title: str, shown: str, formats: Sequence[tuple[str, str]]) -> str:
    copies = "".join(
        f'<details><summary>{name}</summary><button type="button" class="copy">copy</button>'
        f"<pre>{escape(text)}</pre></details>"
        for name, text in formats
    )
    return (
        f'<div class="block"><h3>{escape(title)}</h3>'
        f'<div class="scroll" tabindex="0">{shown}</div>'
        f'<div class="formats">{copies}</div></div>'
    )


def _figure(drawn: Drawn) -> str:
    names = ", ".join(path.name for path in drawn.files)
    return (
        f'<figure class="block" id="figure-{escape(drawn.name)}"><h3>{escape(drawn.title)}</h3>{inline.figure(drawn)}'
        f"<figcaption>{escape(drawn.alt)} <small>{escape(names)}</small></figcaption></figure>"
    )


def _maps(maps: Sequence[tuple[EmbeddingMap, Projection]]) -> str:
    parts = []
    for index, (shown, projected) in enumerate(maps):
        parts.append(
            f'<div class="block"><h3>{escape(shown.title)}</h3><p>{escape(" ".join(projected.sentences()))}</p>'
            f"{inline.living_map(shown, projected, index)}"
            f"<details><summary>retrieval in the original space, by language</summary>"
            f"{_side('', inline.retrieval_rows(projected))}</details></div>"
        )
    if not parts:
        return ""
    warning = "A plane shows little of a space of many dimensions: trust the retrieval numbers, enjoy the picture."
    return f"<p>{warning}</p>" + "\n".join(parts)


def _side(note: str, rows: Sequence[SideRow]) -> str:
    """A table of rows with equal keys; numbers are aligned and sort as numbers.

    Raises: BadInput if one row's keys differ: a column must not silently be empty.
    """
    if not rows:
        return ""
    keys = list(rows[0])
    for row in rows:
        if list(row) != keys:
            raise BadInput(f"side table: wanted the columns {keys} in every row, got {list(row)}")
    head = "".join(f'<th scope="col">{escape(key.replace("_", " "))}</th>' for key in keys)
    body = "\n".join("<tr>" + "".join(_side_cell(key, row[key]) for key in keys) + "</tr>" for row in rows)
    caption = f"<caption>{escape(note)}</caption>" if note else ""
    return (
        f'<div class="scroll" tabindex="0"><table class="side">{caption}<thead><tr>{head}</tr></thead>'
        f"<tbody>\n{body}\n</tbody></table></div>"
    )


def _side_cell(key: str, value: object) -> str:
    match value:
        case None:
            return '<td class="number">–</td>'
        case bool():
            return f"<td>{'yes' if value else 'no'}</td>"
        case int():
            return f'<td class="number" data-sort="{value}">{value:,}</td>'
        case float():
            shown = f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.3g}"
            return f'<td class="number" data-sort="{value:.6g}">{shown}</td>'
        case str() if key == "lang":
            return f'<th scope="row">{escape(languages.name(value))} <small>{escape(value)}</small></th>'
        case str() if value.startswith("https://"):
            return f'<td><a href="{escape(value)}" rel="noreferrer">{escape(value.removeprefix("https://"))}</a></td>'
        case _:
            return f"<td>{escape(str(value))}</td>"


def _reproduce(facts: Mapping[str, object]) -> str:
    command = facts.get("command")
    first = (
        f'<div class="command"><button type="button" class="copy">copy</button><pre>{escape(str(command))}</pre></div>'
        if command
        else ""
    )
    plain, nested = [], []
    for name, value in facts.items():
        if isinstance(value, Mapping):
            inner = "".join(
                f'<tr><th scope="row">{escape(str(key))}</th><td>{escape(str(item))}</td></tr>'
                for key, item in value.items()
            )
            nested.append(f'<details><summary>{escape(name)}</summary><table class="side">{inner}</table></details>')
        elif name != "command":
            plain.append(f"<div><dt>{escape(name)}</dt><dd>{escape(str(value))}</dd></div>")
    return f'{first}<dl class="facts-list">{"".join(plain)}</dl>{"".join(nested)}' if facts else ""

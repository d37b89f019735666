"""Everything a finished study shows, in one folder: tables, figures, report.html."""

from __future__ import annotations

from pathlib import Path
from typing import assert_never

from workbench.files import write_text
from workbench.reports import figure, html, projection, scaling_figure, table
from workbench.reports.figure import Drawn
from workbench.reports.html import Inputs
from workbench.reports.spec import Bars, Isoflop, Layers


def report(inputs: Inputs, folder: Path) -> list[Path]:
    """Write `tables/`, `figures/` and `report.html` under `folder`; return every path, the page first.

    Raises: BadInput for any cell of the spec that the results lack; then no page is written.
    """
    paths = []
    for name, text in table.files(inputs.spec, inputs.results).items():
        write_text(folder / "tables" / name, text)
        paths.append(folder / "tables" / name)
    figures = [_draw(shown, inputs, folder / "figures") for shown in inputs.spec.figure]
    if inputs.mixture:
        figures.append(figure.mixture(inputs.mixture, folder / "figures"))
    if inputs.curves:
        made = figure.learning_curves(
            "learning", "Learning curves", inputs.curves, inputs.curve_unit, folder / "figures"
        )
        figures.append(made)
    read = [projection.read(path) for path in inputs.maps]
    maps = [(shown, projection.project(shown, inputs.pivot)) for shown in read]
    flat = [figure.embedding_map(shown, projected, folder / "figures") for shown, projected in maps]
    paths += [path for drawn in [*figures, *flat] for path in drawn.files]
    return [html.write(inputs, figures, maps, folder / "report.html"), *paths]  # the page draws its own, living maps


def _draw(shown: Bars | Layers | Isoflop, inputs: Inputs, folder: Path) -> Drawn:
    match shown:
        case Bars():
            return figure.bars(shown, inputs.spec, inputs.results, folder)
        case Layers():
            return figure.layers(shown, inputs.spec, inputs.results, folder)
        case Isoflop():
            return scaling_figure.isoflop(shown, inputs.spec.law(shown.scaling), inputs.results, folder)
        case _:
            assert_never(shown)

"""A scaling analysis drawn: loss by training compute, and by size at equal compute."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from matplotlib.lines import Line2D

from workbench.reports.collect import Results
from workbench.reports.figure import INK, MARKERS, PALETTE, WIDTH, Drawn, frame, legend, save
from workbench.reports.scaling import of
from workbench.reports.scaling_table import count, flops
from workbench.reports.spec import Isoflop, Scaling


def isoflop(figure: Isoflop, spec: Scaling, results: Results, folder: Path) -> Drawn:
    """Dots: runs, every seed. Lines: the fitted law. Stars: the bottom of the parabola at each compute."""
    found = of(spec, results)
    runs, law, sizes = found.runs, found.law, found.runs.sizes
    with frame(WIDTH, 3.4) as made:
        left, right = made.subplots(1, 2, sharey=True)
        for index, size in enumerate(sizes):
            colour, marker = PALETTE[1 + index % (len(PALETTE) - 1)], MARKERS[index % len(MARKERS)]
            mine = runs.num_parameters == size
            tokens = np.geomspace(runs.num_tokens[mine].min(), runs.num_tokens[mine].max(), 50)
            per_token = (runs.training_flops[mine] / runs.num_tokens[mine]).mean()
            left.plot(tokens * per_token, law.loss(size, tokens), color=colour, lw=1.0)
            left.plot(runs.training_flops[mine], runs.loss[mine], marker, color=colour, ms=3.0, lw=0)
        for index, level in enumerate(found.levels):
            shade = PALETTE[1 + index % (len(PALETTE) - 1)]
            known = [(size, loss) for size, loss in zip(sizes, level.losses, strict=True) if loss is not None]
            x, y = np.array(known).T
            right.plot(x, y, "o", color=shade, ms=3.5, lw=0.8, ls="-")
            if level.parabola is not None:
                curve = np.polyfit(np.log(x), y, 2)
                right.plot(level.parabola, np.polyval(curve, np.log(level.parabola)), "*", color=INK, ms=6)
        left.set(xscale="log", xlabel="training FLOPs", ylabel=f"{spec.unit} (lower is better)")
        right.set(xscale="log", xlabel="parameters")
        left.set_title("a size per colour; lines: the law")
        right.set_title("a training compute per colour; stars: bottoms")
        handles = [
            Line2D([], [], color=PALETTE[1 + i % (len(PALETTE) - 1)], marker=MARKERS[i % len(MARKERS)], ms=3.5,
                   label=f"{count(size)} parameters")
            for i, size in enumerate(sizes)
        ] + [
            Line2D([], [], color=PALETTE[1 + i % (len(PALETTE) - 1)], marker="o", ms=3.5, lw=0.8,
                   label=f"{flops(level.compute)} FLOPs")
            for i, level in enumerate(found.levels)
        ]  # fmt: skip
        legend(made, handles)
        told = "; ".join(
            f"at {flops(level.compute)} FLOPs best {count(level.best)} parameters by the law" for level in found.levels
        )
        return save(made, f"isoflop-{figure.name}", figure.title, f"{figure.title}: {told}.", folder)

"""SVG that lives inside the HTML page: matplotlib's, made to follow the page's theme; forest plots; the living map."""

from __future__ import annotations

import re
from collections.abc import Sequence
from html import escape

import numpy as np

from workbench import naming
from workbench.reports.figure import INK, PALETTE, Drawn
from workbench.reports.headline import Finding
from workbench.reports.projection import EmbeddingMap, Projection
from workbench.reports.render import number

# One outline per language besides one colour, each about 8 units across: circle, square, triangles, diamond, cross…
SHAPES = (
    "M-3.6,0a3.6,3.6 0 1,0 7.2,0a3.6,3.6 0 1,0 -7.2,0",
    "M-3.3,-3.3h6.6v6.6h-6.6z",
    "M0,-4.4L4.2,3.4H-4.2z",
    "M0,-4.8L4.8,0L0,4.8L-4.8,0z",
    "M0,4.4L4.2,-3.4H-4.2z",
    "M-1.5,-4.2h3v2.7h2.7v3h-2.7v2.7h-3v-2.7h-2.7v-3h2.7z",
    "M-4.4,0L3.4,-4.2V4.2z",
    "M4.4,0L-3.4,-4.2V4.2z",
)
MAP_WIDTH, MAP_HEIGHT, MAP_MARGIN = 720.0, 520.0, 24.0


def figure(drawn: Drawn) -> str:
    """A figure file's SVG without prolog, metadata or outside names; ink follows the text's colour."""
    text = drawn.svg.read_text("utf-8")
    text = text[text.index("<svg") :]
    text = re.sub(r"<metadata>.*?</metadata>", "", text, flags=re.DOTALL)
    text = re.sub(r"<title>.*?</title>", "", text, flags=re.DOTALL)
    text = re.sub(r'\s(?:xmlns(?::\w+)?|version)="[^"]*"', "", text.partition(">")[0]) + ">" + text.partition(">")[2]
    text = re.sub(r'\s(?:width|height)="[\d.]+pt"', "", text, count=2)
    prefix = f"{drawn.name}-"
    text = re.sub(r'\bid="', f'id="{prefix}', text)
    text = text.replace('xlink:href="#', f'href="#{prefix}').replace("url(#", f"url(#{prefix}")
    text = text.replace(INK, "currentColor").replace("#ffffff", "var(--paper)")
    return text.replace("<svg", f'<svg role="img" aria-label="{escape(drawn.alt)}"', 1).strip()


def forest(finding: Finding) -> str:
    """One line per effect: every seed a tick, the mean a dot, zero dashed; right is better."""
    effects = [*finding.effects, *([finding.overall] if finding.overall else [])]
    every = [0.0, *(value for effect in effects for value in effect.improvements)]
    reach = max(*map(abs, every), 10.0**-finding.digits)
    low, high = min(*every, -reach / 8) - reach / 20, max(*every, reach / 8) + reach / 20
    left, right, step, top = 124.0, 352.0, 17.0, 6.0
    bottom = top + step * len(effects)

    def x(value: float) -> float:
        return left + (right - left) * (value - low) / (high - low)

    def line(kind: str, x1: float, x2: float, y1: float, y2: float) -> str:
        return f'<line class="{kind}" x1="{x1:.1f}" x2="{x2:.1f}" y1="{y1:.1f}" y2="{y2:.1f}"/>'

    def text(kind: str, at: float, y: float, anchor: str, words: str) -> str:
        return f'<text class="{kind}" x="{at:.0f}" y="{y:.1f}" text-anchor="{anchor}">{escape(words)}</text>'

    out = [
        f'<svg class="forest" viewBox="0 0 410 {bottom + 22:.0f}" role="img" aria-label="{escape(finding.sentence)}">'
    ]
    out.append(line("zero", x(0), x(0), top, bottom))
    for row, effect in enumerate(effects):
        y, kind = top + step * (row + 0.5), "all" if effect is finding.overall else "one"
        if effect is finding.overall:
            out.append(line("rule", 0, 410, y - step / 2, y - step / 2))
        seeds = "".join(line("seed", x(v), x(v), y - 3, y + 3) for v in effect.improvements)
        span = line("range", x(min(effect.improvements)), x(max(effect.improvements)), y, y)
        dot = f'<circle cx="{x(effect.mean):.1f}" cy="{y:.1f}" r="3.6"/>'
        out.append(text(kind, left - 8, y + 4, "end", _short(effect.label)))
        out.append(f'<g class="{effect.verdict}">{span}{seeds}{dot}</g>')
        out.append(text(kind, 406, y + 4, "end", number(effect.mean, finding.digits, signed=True)))
    out.append(text("axis", left, bottom + 16, "start", "← worse"))
    out.append(text("axis", (left + right) / 2, bottom + 16, "middle", finding.unit))
    out.append(text("axis", right, bottom + 16, "end", "better →"))
    return "\n".join([*out, "</svg>"])


def living_map(shown: EmbeddingMap, projected: Projection, number_of_map: int) -> str:
    """One map with its legend, its switches and the place where the sentences under the pointer are shown.

    Every point carries its sentence as a <title>, so it can be read without the script too; the script moves points
    between the two planes, joins translations, and lists them.
    """
    tags, meanings = list(dict.fromkeys(shown.lang)), shown.meanings()
    chosen = meanings[:: -(-len(meanings) // len(PALETTE))]
    plain, centred = _fit(projected.plain.xy), _fit(projected.centred.xy)
    name = f"map{number_of_map}"
    points = []
    for i, (tag, meaning, text) in enumerate(zip(shown.lang, shown.meaning, shown.text, strict=True)):
        index = tags.index(tag)
        group = f" m{chosen.index(meaning)}" if meaning in chosen else ""
        (x, y), (cx, cy) = plain[i], centred[i]
        points.append(
            f'<path class="p l{index % len(PALETTE)}{group}" d="{SHAPES[index % len(SHAPES)]}" data-l="{index}" '
            f'data-m="{meanings.index(meaning)}" data-a="{x:.1f},{y:.1f}" data-b="{cx:.1f},{cy:.1f}" '
            f'style="transform:translate({x:.1f}px,{y:.1f}px)"><title>{escape(text)}</title></path>'
        )
    names, codes = naming.names(tags), naming.codes(tags)
    legend = "".join(
        f'<label><input type="checkbox" checked data-lang="{index}"><svg class="key l{index % len(PALETTE)}" '
        f'viewBox="-6 -6 12 12" aria-hidden="true"><path d="{SHAPES[index % len(SHAPES)]}"/></svg>'
        f'<span data-code="{escape(codes[tag])}">{escape(names[tag])}</span></label>'
        for index, tag in enumerate(tags)
    )
    alt = f"{shown.title}: {len(shown.points)} sentences on two principal axes. {' '.join(projected.sentences())}"
    (a1, a2), (b1, b2) = projected.plain.explained, projected.centred.explained
    box = f'viewBox="0 0 {MAP_WIDTH:.0f} {MAP_HEIGHT:.0f}"'
    return f"""<div class="map" id="{name}">
<div class="controls">
<fieldset><legend>points</legend>
<label><input type="radio" name="{name}-plane" value="a" checked>as they are ({a1:.0%} + {a2:.0%} of variance)</label>
<label><input type="radio" name="{name}-plane" value="b">language means removed ({b1:.0%} + {b2:.0%})</label>
</fieldset>
<fieldset><legend>colour</legend>
<label><input type="radio" name="{name}-colour" value="lang" checked>language</label>
<label><input type="radio" name="{name}-colour" value="meaning">meaning ({len(chosen)} sentences)</label>
</fieldset>
</div>
<div class="stage"><svg class="by-lang" {box} role="img" tabindex="0" aria-label="{escape(alt)}">
<g class="links"></g><g class="points">
{chr(10).join(points)}
</g></svg>
<aside class="reading" aria-live="polite"><p class="hint">Point at a sentence, or press the arrow keys on the map,
to read it and its translations.</p></aside></div>
<div class="legend">{legend}</div>
</div>"""


def retrieval_rows(projected: Projection) -> Sequence[dict[str, object]]:
    """Retrieval in the original space, per language, for the table beside the map."""
    return [
        {
            "lang": tag,
            "cosine %": 100 * plain,
            "means removed %": 100 * centred,
            "chance %": 100 / count,
            "sentences": count,
        }
        for tag, (plain, centred, count) in projected.retrieval.items()
    ]


def _fit(xy: np.ndarray) -> np.ndarray:
    """Scale both axes alike into the map's box, y upwards."""
    low, high = xy.min(axis=0), xy.max(axis=0)
    room = np.array([MAP_WIDTH, MAP_HEIGHT]) - 2 * MAP_MARGIN
    scale = float(np.min(room / np.maximum(high - low, 1e-12)))
    placed = (xy - (low + high) / 2) * scale * np.array([1.0, -1.0])
    return placed + np.array([MAP_WIDTH, MAP_HEIGHT]) / 2


def _short(label: str) -> str:
    return label if len(label) <= 20 else label[:19] + "…"

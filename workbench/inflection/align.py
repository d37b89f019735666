"""Which characters of a lemma and its form belong together: the alignment of least edit cost."""

from __future__ import annotations

from typing import NamedTuple


class Link(NamedTuple):
    """Places in lemma and form that belong together; None on the side where nothing stands."""

    lemma: int | None
    form: int | None


def align(lemma: str, form: str, substitution: float = 2.0) -> list[Link]:
    """Every character of both, in order. Equal characters cost 0, unpaired ones 1, other pairs `substitution`.

    Of alignments that cost the same, the one with the fewest breaks between pairs of equal characters, for a stem is
    in one piece: `aba` and `xaba` share `aba`, not `a` and `ba`.
    """
    # best[i][j] of the first i and j characters by what came last (a pair, or not): (cost, breaks), and from where
    start, never = (0.0, 0), (float("inf"), 0)
    best = [[[never, never] for _ in range(len(form) + 1)] for _ in range(len(lemma) + 1)]
    came: dict[tuple[int, int, int], tuple[int, int, int]] = {}
    best[0][0] = [never, start]
    for i in range(len(lemma) + 1):
        for j in range(len(form) + 1):
            for paired in (0, 1):
                here = best[i][j][1 - paired]
                if here == never:
                    continue
                before = (i, j, 1 - paired)
                for di, dj in ((1, 1), (1, 0), (0, 1)):
                    if i + di > len(lemma) or j + dj > len(form):
                        continue
                    equal = di == dj == 1 and lemma[i] == form[j]
                    cost = here[0] + (0.0 if equal else substitution if di == dj else 1.0)
                    breaks = here[1] + (equal and not _is_pair(before))
                    kind = 0 if equal else 1
                    if (cost, breaks) < best[i + di][j + dj][kind]:
                        best[i + di][j + dj][kind] = (cost, breaks)
                        came[i + di, j + dj, kind] = before
    at = (len(lemma), len(form))
    state = (*at, min((0, 1), key=lambda kind: best[at[0]][at[1]][kind]))
    links: list[Link] = []
    while state[:2] != (0, 0):
        before = came[state]
        links.append(Link(before[0] if state[0] > before[0] else None, before[1] if state[1] > before[1] else None))
        state = before
    return links[::-1]


def _is_pair(state: tuple[int, int, int]) -> bool:
    return state[2] == 0


def common_stretches(lemma: str, form: str, least: int) -> list[tuple[int, int, int]]:
    """Where lemma and form run alike for `least` characters or more: start in each, and length."""
    found: list[tuple[int, int, int]] = []
    for link in align(lemma, form):
        if link.lemma is None or link.form is None or lemma[link.lemma] != form[link.form]:
            continue
        if found and (link.lemma, link.form) == (found[-1][0] + found[-1][2], found[-1][1] + found[-1][2]):
            found[-1] = (*found[-1][:2], found[-1][2] + 1)
        else:
            found.append((link.lemma, link.form, 1))
    return [stretch for stretch in found if stretch[2] >= least]

"""Licences: what kind of terms one names, and the explicit yes that some need. They go with what is made of a work."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Literal, get_args

from workbench.errors import BadInput

Terms = Literal["open", "share-alike", "copyleft", "non-commercial", "unstated"]  # from the freest to the least known
NEED_YES: frozenset[Terms] = frozenset({"non-commercial", "unstated"})
UNSTATED = "unstated"

# What a licence is recognised by, as SPDX writes it or as people do; what none of these matches is not known here.
_MARKS: tuple[tuple[Terms, str], ...] = (
    ("non-commercial", r"\bNC\b|NON-?COMMERCIAL|\bND\b"),  # no derivatives: synthesized text is one
    ("copyleft", r"\b[AL]?GPL\b|\bEUPL\b|\bMPL\b"),
    ("share-alike", r"\bSA\b|SHARE-?ALIKE|\bODBL\b|\bGFDL\b"),
    (
        "open",
        r"\bCC0\b|\bCC[ -]BY\b|PUBLIC DOMAIN|\bMIT\b|APACHE|\bBSD\b|UNICODE|\bPDDL\b|\bODC-BY\b|\bISC\b|\bOFL\b",
    ),
)


def terms_of(licence: str) -> Terms:
    """The strictest terms among the licences that an expression joins; `unstated` where one is not known here.

    Written as in SPDX (https://spdx.org/licenses); `AND`, `and` and `;` join, and of an `OR` the freest counts.
    """
    order = get_args(Terms)
    parts = re.split(r"\s+AND\b\s*|\s*;\s*", licence, flags=re.IGNORECASE)
    return max((_freest(part.split(" OR ")) for part in parts), key=order.index)


def needs_yes(licence: str) -> bool:
    return terms_of(licence) in NEED_YES


def joined(licences: Iterable[str]) -> str:
    """All of them bind whoever uses the whole: each once, by AND, in their order."""
    return " AND ".join(dict.fromkeys(licence or UNSTATED for licence in licences))


def want_yes(what: str, licence: str, accepted: bool, how: str, terms: Terms | None = None) -> None:
    """`terms`: where more is known of them than the licence's name tells.

    Raises: BadInput naming the resource, its licence and how to say yes, where it needs one that was not given.
    """
    if not accepted and (terms or terms_of(licence)) in NEED_YES:
        raise BadInput(
            f"{what}: its licence is {licence or UNSTATED}, which is not known to allow every use. If yours is "
            f"allowed, say so with {how}. What is made from it stands under the same terms"
        )


def _freest(names: list[str]) -> Terms:
    return min((_one(name.upper()) for name in names), key=get_args(Terms).index)


def _one(name: str) -> Terms:
    return next((terms for terms, mark in _MARKS if re.search(mark, name)), "unstated")

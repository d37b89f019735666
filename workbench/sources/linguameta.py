"""LinguaMeta: facts about 7,500 languages: names, scripts, speakers, endangerment.

Source: Ritchie et al. 2024, https://aclanthology.org/2024.lrec-main.921; github.com/google-research/url-nlp/linguameta.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from workbench import languages
from workbench.sources.lines import Report, reject, rows, want_header

_HEADER = (
    "bcp_47_code", "iso_639_3_code", "english_name", "endonym", "estimated_number_of_speakers", "writing_systems",
    "locales", "cldr_official_status", "endangerment_status", "is_macrolanguage", "macrolanguage_bcp_47_code",
    "individual_language_bcp_47_code", "iso_639_2b_code", "deprecated_bcp_47_code", "glottocode", "wikidata_id",
    "wikidata_description",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class LanguageFacts:
    """One row. `speakers` is None where no number is given, which is not zero; `members` are of a macrolanguage."""

    code: str
    bcp47: str
    name: str
    endonym: str
    speakers: int | None
    scripts: tuple[str, ...]
    regions: tuple[str, ...]
    endangerment: str
    is_macrolanguage: bool
    members: tuple[str, ...]
    glottocode: str


def read(path: Path, report: Report | None = None) -> Iterator[LanguageFacts]:
    """The rows of `linguameta.tsv`.

    Raises: BadInput at file:line.
    """
    want_header(path, (_HEADER,))
    for number, fields in rows(path, len(_HEADER), report, skip=1):
        row = dict(zip(_HEADER, fields, strict=True))
        speakers, macro = row["estimated_number_of_speakers"], row["is_macrolanguage"]
        whole = not speakers or re.fullmatch(r"[0-9]{1,12}", speakers)
        if not re.fullmatch(r"[a-z]{3}", row["iso_639_3_code"]) or not whole or macro not in {"True", "False"}:
            reason = "wanted an ISO 639-3 code, speakers as a whole number or nothing, True or False"
            reject(report, f"{path}:{number}", reason, "\t".join(fields))
            continue
        if report is not None:
            report.rows += 1
        yield LanguageFacts(
            row["iso_639_3_code"],
            row["bcp_47_code"],
            languages.nfc(row["english_name"]),
            languages.nfc(row["endonym"]),
            int(speakers) if speakers else None,
            _list(row["writing_systems"]),
            _list(row["locales"]),
            row["endangerment_status"],
            macro == "True",
            _list(row["individual_language_bcp_47_code"]),
            row["glottocode"],
        )


def _list(text: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in text.split(",") if part.strip())

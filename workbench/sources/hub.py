"""Data sets of the Hugging Face hub, through `datasets`: streamed, and with errors that say what to do.

`datasets` 4 and later run no loading scripts. Many data sets of this field still are scripts (FLORES-200, MasakhaNER,
MasakhaPOS, UniMorph): their raw files are read by the readers beside this one.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from importlib import import_module
from typing import Any

from workbench import languages
from workbench.errors import BadInput, Unavailable
from workbench.records import Document, Lang
from workbench.sources.lines import Report, reject

_NAME = re.compile(r"[A-Za-z0-9][\w.-]{0,95}(?:/[A-Za-z0-9][\w.-]{0,95})?")
_ELSEWHERE = {
    "facebook/flores": "openlanguagedata/flores_plus (gated), or the released files with sources.parallel.flores",
    "masakhane/masakhaner": "github.com/masakhane-io/masakhane-ner, read with sources.conllu.read_columns",
    "masakhane/masakhaner2": "github.com/masakhane-io/masakhane-ner, read with sources.conllu.read_columns",
    "masakhane/masakhapos": "github.com/masakhane-io/masakhane-pos, read with sources.conllu.read_columns",
    "unimorph/universal_morphologies": "sources.unimorph, which fetches github.com/unimorph",
    "AmazonScience/massive": "the published archive, read with sources.massive.read_jsonl",
    "universal_dependencies": "github.com/UniversalDependencies, read with sources.conllu.read",
}


def rows(
    name: str, split: str, *, config: str | None = None, revision: str | None = None
) -> Iterator[tuple[str, dict[str, Any]]]:
    """(place, row) of one split, streamed. Nothing of the data set is run: no scripts, no remote code.

    Raises: BadInput where it is a script, gated, or has no such config or split; Unavailable without the hub.
    """
    if not _NAME.fullmatch(name) or ".." in name:
        raise BadInput(f"hub data set {name[:80]!r}: wanted 'owner/name'; local files are read by sources.text")
    where = name + (f" ({config})" if config else "")
    try:
        datasets = import_module("datasets")  # 1 s: only here
        stream = datasets.load_dataset(name, config, split=split, revision=revision, streaming=True)
        for number, row in enumerate(stream, 1):
            yield f"{where} {split}:{number}", row
    except Exception as error:
        # the library raises some thirty kinds; all are told apart here, and none is passed over
        raise _explained(error, where, name, split) from error


def documents(
    name: str,
    split: str,
    lang: Lang,
    report: Report | None = None,
    *,
    column: str = "text",
    config: str | None = None,
    revision: str | None = None,
) -> Iterator[Document]:
    """The texts of one column of a split, as documents.

    Raises: as `rows`; BadInput where a row has no text in that column.
    """
    for place, (where, row) in enumerate(rows(name, split, config=config, revision=revision), 1):
        text = row.get(column)
        if not isinstance(text, str) or not text.strip():
            got = f"the columns {list(row)}" if column not in row else repr(text)
            reject(report, where, f"wanted a text in {column!r}", got)
            continue
        if report is not None:
            report.rows += 1
        yield Document(f"{name}-{split}-{place:07d}", languages.nfc(text.strip()), lang, f"hub:{name}")


def _explained(error: Exception, where: str, name: str, split: str) -> BadInput | Unavailable:
    """The error as a sentence that says what to do.

    Source: the messages of datasets 5.2, load.py; kinds by name, for importing `datasets.exceptions` costs the library.
    """
    text = " ".join(str(error).split())
    short = text if len(text) <= 300 else text[:300] + "…"
    kind = type(error).__name__
    if "scripts are no longer supported" in text:
        other = _ELSEWHERE.get(name)
        hint = f"Read it from {other}." if other else "Its raw files can be read by the readers of workbench.sources."
        return BadInput(
            f"hub data set {where} is a loading script, which `datasets` does not run any more. {hint} Or give "
            "revision='refs/convert/parquet', the hub's own conversion, where there is one."
        )
    if "gated" in text or kind == "GatedRepoError":
        return BadInput(
            f"hub data set {where} is gated: accept its terms on its page, then log in with `hf auth login` ({short})"
        )
    if kind in {"DatasetNotFoundError", "RepositoryNotFoundError"} or "doesn't exist on the Hub" in text:
        return BadInput(f"hub data set {where}: not on the hub, or private ({short}); check the name")
    if isinstance(error, ConnectionError | TimeoutError) or kind in {"OfflineModeIsEnabled", "LocalEntryNotFoundError"}:
        return Unavailable(
            f"hub data set {where}: the hub is not reached ({short}); is the network up, is HF_HUB_OFFLINE set?"
        )
    if kind.startswith(("Connect", "Read", "Remote", "Proxy", "Network", "HfHubHTTP")):
        return Unavailable(f"hub data set {where}: {kind}: {short}; try again")
    if isinstance(error, ValueError):
        return BadInput(f"hub data set {where}, split {split!r}: {short}; give a config and split that it has")
    return BadInput(f"hub data set {where}: cannot be read ({kind}: {short}); fetch its files and use a reader here")

"""The stage that measures: whose numbers are whose."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from workbench.evaluation.bits import Measured
from workbench.evaluation.document_bits import DocumentBits
from workbench.files import read_jsonl
from workbench.languages import parse
from workbench.records import Document, Lang
from workbench.stages import evaluate

WELSH, ENGLISH = parse("cym-Latn"), parse("eng-Latn")


def test_documents_that_share_an_id_are_each_measured_in_their_own_language(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One's own text may have news.2020.txt beside news.2021.txt, or shards whose ids begin again."""
    ids = {WELSH: ["news-1", "news-1", "news-2"], ENGLISH: ["news-1", "news-1"]}
    values = {WELSH: [(1.0, 10), (2.0, 10), (0.0, 0)], ENGLISH: [(3.0, 10), (4.0, 10)]}
    documents = {lang: [Document(one, "text", lang) for one in several] for lang, several in ids.items()}
    found = [DocumentBits(one, *value) for lang in ids for one, value in zip(ids[lang], values[lang], strict=True)]
    told: dict[Lang, list[float]] = {}

    class Rows:
        def bits(self, variant: str, lang: Lang, part: list[DocumentBits], *_: str) -> None:
            told[lang] = [one.bits for one in part]

    monkeypatch.setattr(evaluate, "measured", lambda config: list(ids))
    monkeypatch.setattr(evaluate, "held_out", lambda config, data, lang: documents[lang])
    monkeypatch.setattr(evaluate.bits, "measure", lambda *_: [Measured("bits_per_byte", "", found)])
    nothing: Any = None
    stage: Any = SimpleNamespace(config=nothing, folder=tmp_path, variant="base")
    rows: Any = Rows()
    evaluate._bits(stage, nothing, nothing, nothing, rows)
    assert told == {WELSH: [1.0, 2.0], ENGLISH: [3.0, 4.0]}  # not the one of which nothing was to be written
    kept = list(read_jsonl(tmp_path / "predictions" / "bits.jsonl"))
    assert [row["bits"] for row in kept] == [1.0, 2.0, 3.0, 4.0]

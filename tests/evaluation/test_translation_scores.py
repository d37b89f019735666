"""Translation scores: sacreBLEU's, to the last digit, by its library and by its command; and the floors."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import sacrebleu
import sacrebleu.tokenizers.tokenizer_spm as spm
from sacrebleu.metrics import BLEU, CHRF

from workbench.errors import Unavailable
from workbench.evaluation.translation_scores import FLORES200, gloss, score
from workbench.records import Lang, Lexicon, Translation
from workbench.tokenizer.processor import Tokenizer

ENGLISH, WELSH = Lang("eng", "Latn"), Lang("cym", "Latn")
SAID = ["Mae'r gath ar y mat.", "Rwy'n hoffi coffi, ond te hefyd.", "", "Pont newydd dros yr afon", "12.5 kg o datws"]
RIGHT = ["Mae'r gath ar y mat.", "Dw i'n hoffi coffi a the.", "Ble mae'r orsaf?", "Pont dros yr afon", "12,5 kg tatws"]


def test_figures_and_signatures_are_those_of_the_library() -> None:
    bleu, chrf, chrfpp = score(SAID, RIGHT, ["bleu", "chrf", "chrf++"])
    assert bleu.value == sacrebleu.corpus_bleu(SAID, [RIGHT]).score
    assert chrf.value == sacrebleu.corpus_chrf(SAID, [RIGHT]).score
    assert chrfpp.value == sacrebleu.corpus_chrf(SAID, [RIGHT], word_order=2).score
    assert chrf.value != chrfpp.value
    for found, metric in ((bleu, BLEU()), (chrf, CHRF()), (chrfpp, CHRF(word_order=2))):
        again = metric.corpus_score(SAID, [RIGHT], n_bootstrap=1000)
        assert (found.value, found.signature) == (again.score, str(metric.get_signature()))
        assert found.low <= again.score <= found.high
        assert found.high + found.low == pytest.approx(2 * again._mean)
        assert found.n == 5
    assert "nw:2" in chrfpp.signature
    assert "nw:0" in chrf.signature
    assert "tok:13a" in bleu.signature


def test_figures_are_those_of_the_command(tmp_path: Path) -> None:
    for name, lines in (("said", SAID), ("right", RIGHT)):
        (tmp_path / name).write_text("\n".join(lines) + "\n", "utf-8")
    command = [sys.executable, "-m", "sacrebleu", str(tmp_path / "right"), "-i", str(tmp_path / "said")]
    command += ["-m", "bleu", "chrf", "--chrf-word-order", "2", "--confidence", "-w", "12", "-f", "json"]
    told = json.loads(subprocess.run(command, check=True, capture_output=True, text=True, timeout=120).stdout)
    for found, one in zip(score(SAID, RIGHT, ["bleu", "chrf++"]), told, strict=True):
        assert round(found.value, 12) == one["score"]
        assert round((found.high + found.low) / 2, 4) == round(one["confidence_mean"], 4)
        assert round((found.high - found.low) / 2, 4) == round(one["confidence_var"], 4)
        assert found.signature == one["signature"]


def test_spbleu_is_over_the_pieces_of_the_tokenizer_that_sacrebleu_keeps(
    tokenizer: Tokenizer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(spm, "SACREBLEU_DIR", str(tmp_path))
    (tmp_path / "models").mkdir()
    (tmp_path / "models" / FLORES200).write_bytes(tokenizer.model)  # any SentencePiece model will do
    (found,) = score(SAID, RIGHT, ["spbleu"])
    wanted = sacrebleu.corpus_bleu(SAID, [RIGHT], tokenize="flores200").score
    assert found.value == wanted != sacrebleu.corpus_bleu(SAID, [RIGHT]).score
    assert found.metric == "spBLEU"
    assert "tok:flores200" in found.signature


@pytest.mark.parametrize("damaged", [False, True])
def test_spbleu_without_its_tokenizer_says_how_to_get_it(
    damaged: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(spm, "SACREBLEU_DIR", str(tmp_path))

    def offline(url: str, path: str) -> None:
        raise OSError(f"no network for {url}")

    monkeypatch.setattr(spm, "download_file", offline)
    if damaged:
        (tmp_path / "models").mkdir()
        (tmp_path / "models" / FLORES200).write_bytes(b"half of it")
    with pytest.raises(Unavailable, match=r"flores200_sacrebleu_tokenizer_spm\.model, save it as"):
        score(SAID, RIGHT, ["spbleu"])
    shutil.rmtree(tmp_path)


def test_a_corpus_is_scored_against_as_many_references() -> None:
    with pytest.raises(ValueError, match="as many hypotheses as references"):
        score(SAID, RIGHT[:-1], ["bleu"])


def test_a_gloss_takes_the_weightiest_translation_in_place_and_cased() -> None:
    entries = {
        "cat": (Translation("pws", "", 1.0), Translation("cath", "", 3.0)),
        "good morning": (Translation("bore da"),),
        "good": (Translation("da"),),
    }
    lexicon = Lexicon(ENGLISH, WELSH, entries, "test")
    assert gloss(["Good morning, cat!", "The CAT is good.", ""], lexicon) == ["Bore da, cath!", "The CATH is da.", ""]

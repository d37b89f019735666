"""In-context label scoring and translation: the same numbers as a plain reading of the whole text gives."""

from __future__ import annotations

from pathlib import Path

import jax
import numpy as np
import pytest

from workbench import config, models
from workbench.errors import BadInput
from workbench.evaluation.in_context import score_labels, verbalised
from workbench.evaluation.prompted import Asker, asker, bucket, num_symbols
from workbench.evaluation.prompts import Template
from workbench.evaluation.translation import translate
from workbench.objectives.batch import Tokens
from workbench.records import Lang, Pair
from workbench.tokenizer.processor import Tokenizer
from workbench.tokenizer.train import train

ENGLISH, WELSH = Lang("eng", "Latn"), Lang("cym", "Latn")
FORM = Template("find:", "in:")
LABELS = ("kitchen", "garden", "front door")
TEXTS = [
    "open the window",
    "close",
    "paint the curtain in the office",
    "find the garage door tomorrow",
    "now",
]
SHOWN = (Pair("1", "open the door", "kitchen", ENGLISH, "t"), Pair("2", "close it", "garden", ENGLISH, "t"))
CAUSAL, ALEXATM = config.Causal(), config.AlexaTM()
SEQ2SEQ = [ALEXATM, config.AlexaTM(causal_rate=0.0), config.Denoise(), config.SpanCorruption()]


@pytest.fixture(scope="module")
def tokenizer(tmp_path_factory: pytest.TempPathFactory) -> Tokenizer:
    """With `[CLM]` and sentinels."""
    texts = [
        f"{verb} the {thing} in the {room} {when}"
        for verb in ("open", "close", "find", "paint")
        for thing in ("door", "window", "garage", "curtain")
        for room in LABELS
        for when in ("now", "tomorrow", "at seven")
    ] + [
        "agor cau darganfod peintio",
        "quick brown foxes jump over lazy dogs",
        "pack my box with five dozen liquor jugs",
    ]
    path: Path = tmp_path_factory.mktemp("prompted") / "model"
    settings = config.Tokenizer(vocab_size=306, sample_bytes=10_000, sentinels=2, clm=True)
    return train({ENGLISH: texts}, settings, path, seed=0)


def make(tokenizer: Tokenizer, objective: config.Objective, kind: str = "encoder-decoder") -> Asker:
    small = config.Model.model_validate(
        {"kind": kind, "width": 16, "num_layers": 1, "num_heads": 2, "feed_forward": 16}
    )
    return asker(models.build(small, tokenizer.vocab.size, seed=3), tokenizer, objective)


@jax.jit
def read_at_once(model: models.Model, encoder: Tokens | None, decoder: Tokens) -> jax.Array:
    """Log-probabilities of what follows each token of a whole text, without a cache. Shapes: -> [B, T, V]"""
    found = model(*decoder) if encoder is None else model(*encoder, decoder)
    return jax.nn.log_softmax(model.logits(found.final))


def rows(several: list[list[int]], length: int) -> Tokens:
    ids, segments = (np.zeros((len(several), length), np.int32) for _ in range(2))
    for number, row in enumerate(several):
        ids[number, : len(row)], segments[number, : len(row)] = row, 1
    return Tokens(ids, segments, np.arange(length, dtype=np.int32) * segments)


def asked(tokenizer: Tokenizer, objective: config.Objective, prompt: list[int]) -> tuple[list[int] | None, list[int]]:
    """What encoder and decoder have read when the answer begins: the training's own form, spelt out."""
    vocab = tokenizer.vocab
    match objective:
        case config.Causal():
            return None, [vocab.bos, *prompt]
        case config.AlexaTM(causal_rate=0.0):
            return [*prompt, vocab.eos], [vocab.bos, *prompt]
        case config.AlexaTM():
            return [vocab.clm, *prompt], [vocab.bos]
        case config.Denoise():
            return [*prompt, vocab.mask, vocab.eos], [vocab.bos, *prompt]
        case _:
            return [*prompt, vocab.sentinel(0), vocab.eos], [vocab.bos, vocab.sentinel(0)]


@pytest.mark.parametrize("objective", [CAUSAL, *SEQ2SEQ], ids=lambda one: one.kind)
def test_a_model_is_asked_in_the_form_of_its_training(tokenizer: Tokenizer, objective: config.Objective) -> None:
    ask = make(tokenizer, objective, "decoder" if objective == CAUSAL else "encoder-decoder")
    encoder, decoder = asked(tokenizer, objective, [300, 301])
    found = ask.question(np.array([300, 301], np.int32))
    assert (None if found.encoder is None else found.encoder.tolist(), found.decoder.tolist()) == (encoder, decoder)
    assert len(found.decoder) <= 2 + num_symbols(objective)
    assert found.encoder is None or len(found.encoder) <= 2 + num_symbols(objective)


@pytest.mark.parametrize("objective", [CAUSAL, ALEXATM, config.SpanCorruption()], ids=lambda one: one.kind)
def test_labels_score_as_the_whole_text_read_at_once_per_token(
    tokenizer: Tokenizer, objective: config.Objective
) -> None:
    ask = make(tokenizer, objective, "decoder" if objective == CAUSAL else "encoder-decoder")
    found = score_labels(ask, FORM, SHOWN, TEXTS[:2], LABELS, 66)
    assert [prompt.num_demonstrations for prompt in found.prompts] == [2, 2]
    endings = [tokenizer.encode(label).tolist() for label in LABELS]
    assert len(set(map(len, endings))) > 1  # or the lengths would not matter
    shown = "find: open the door in: kitchen find: close it in: garden"
    prompts = [tokenizer.encode(f"{shown} find: {text} in:").tolist() for text in (*TEXTS[:2], "N/A")]
    questions = [(asked(tokenizer, objective, prompt), ending) for prompt in prompts for ending in endings]
    encoder = None if objective == CAUSAL else rows([(q[0] or []) for q, _ in questions], 64)
    log_p = np.asarray(read_at_once(ask.model, encoder, rows([q[1] + ending[:-1] for q, ending in questions], 64)))
    wanted = [
        np.mean([log_p[row, len(q[1]) - 1 + place, token] for place, token in enumerate(ending)])
        for row, (q, ending) in enumerate(questions)
    ]
    assert np.allclose(np.ravel(found.given), wanted[:6], atol=1e-5)
    assert np.allclose(found.nothing[0], wanted[6:], atol=1e-5)
    assert np.allclose(found.calibrated, found.given - found.nothing[0])


def test_scores_do_not_depend_on_the_batch(tokenizer: Tokenizer) -> None:
    ask = make(tokenizer, CAUSAL, "decoder")
    prompts = [tokenizer.encode(f"find: open the window in: kitchen find: {text} in:") for text in TEXTS]
    assert {bucket(len(ids) + 1) for ids in prompts} == {64}
    endings = tokenizer.encode_all(LABELS)
    together = ask.log_probabilities(prompts, endings)
    turned = ask.log_probabilities([prompts[2], *prompts[::-1]], endings)[:0:-1]
    assert np.allclose(together, turned, atol=1e-5)
    assert not np.allclose(together[0], together[1], atol=1e-3)


def test_what_did_not_fit_is_counted_and_calibrated_alike(tokenizer: Tokenizer) -> None:
    ask = make(tokenizer, CAUSAL, "decoder")
    shown = [Pair("1", "open the door in the kitchen at seven", "kitchen", ENGLISH, "t"), SHOWN[1]]
    length = len(tokenizer.encode("find: close it in: garden find: find the door tomorrow in:")) + num_symbols(CAUSAL)
    length += max(len(ids) for ids in tokenizer.encode_all(LABELS))
    texts = ["find the door tomorrow", "open the door in the kitchen and the garden door tomorrow"]
    found = score_labels(ask, FORM, shown, texts, LABELS, length)
    assert [prompt.num_demonstrations for prompt in found.prompts] == [1, 0]
    assert not np.allclose(found.nothing[0], found.nothing[1], atol=1e-4)


def test_labels_are_put_into_words_without_what_all_begin_with() -> None:
    assert verbalised(["HassTurnOn", "HassHVACMode2"]) == {"HassTurnOn": "turn on", "HassHVACMode2": "hvac mode2"}
    assert verbalised(["science/technology", "alarm_set"]) == {
        "science/technology": "science technology",
        "alarm_set": "alarm set",
    }
    assert verbalised(["turn", "turn_on"]) == {"turn": "turn", "turn_on": "turn on"}
    assert verbalised(["+", "-"]) == {"+": "+", "-": "-"}


def test_models_that_cannot_go_on_behind_a_prompt_are_refused(tokenizer: Tokenizer) -> None:
    with pytest.raises(BadInput, match="'deshuffle' teaches no model"):
        make(tokenizer, config.Deshuffle())
    with pytest.raises(BadInput, match="need a model that writes"):
        make(tokenizer, config.MaskedLM(), "encoder")
    with pytest.raises(BadInput, match="at least one token each"):
        make(tokenizer, CAUSAL, "decoder").log_probabilities([np.ones(3, np.int32)], [np.zeros(0, np.int32)])


def test_a_translation_ends_where_another_demonstration_begins(
    tokenizer: Tokenizer, monkeypatch: pytest.MonkeyPatch
) -> None:
    ask = make(tokenizer, CAUSAL, "decoder")
    said = tokenizer.encode("cau English: open Welsh: agor")
    monkeypatch.setattr(Asker, "write", lambda self, prompts, *rest: [said] * len(prompts))
    shown = [Pair("1", "open", "agor", WELSH, "t")]
    (found,) = translate(ask, ENGLISH, WELSH, shown, ["close"], length=120, max_new=6)
    assert np.array_equal(found.prompt.ids, tokenizer.encode("English: open Welsh: agor English: close Welsh:"))
    assert found.text == "cau"


def test_buckets_hold_their_lengths_and_are_few() -> None:
    found = [bucket(length) for length in range(1, 400)]
    assert sorted(set(found)) == [32, 64, 128, 256, 384, 512]
    assert all(length <= size < max(33, 2 * length) for length, size in enumerate(found, 1))

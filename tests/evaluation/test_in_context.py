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
    "paint the curtain in the office, then the window in the kitchen, then the garage",
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


def by_hand(ask: Asker, encoder: list[int] | None, decoder: list[int], ending: list[int]) -> float:
    """Sum of log p of `ending` behind `decoder`, from one reading of both without padding or cache."""
    ids = np.array([decoder + ending[:-1]], np.int32)
    ones, places = np.ones_like(ids), np.arange(ids.shape[1], dtype=np.int32)[None, :]
    if encoder is None:
        found = ask.model(ids, ones, places)
    else:
        read = np.array([encoder], np.int32)
        found = ask.model(
            read, np.ones_like(read), np.arange(read.shape[1], dtype=np.int32)[None, :], Tokens(ids, ones, places)
        )
    scores = np.asarray(jax.nn.log_softmax(ask.model.logits(found.final))[0], np.float64)
    return float(sum(scores[len(decoder) - 1 + place, token] for place, token in enumerate(ending)))


@pytest.mark.parametrize("objective", [CAUSAL, *SEQ2SEQ], ids=lambda one: f"{one.kind}")
def test_labels_score_as_the_whole_text_read_at_once_per_token(
    tokenizer: Tokenizer, objective: config.Objective
) -> None:
    ask = make(tokenizer, objective, "decoder" if objective == CAUSAL else "encoder-decoder")
    found = score_labels(ask, FORM, SHOWN, TEXTS[:2], LABELS, 120)
    vocab = tokenizer.vocab
    bos, eos, clm, mask, filled = vocab.bos, vocab.eos, vocab.clm, vocab.mask, vocab.sentinel(0)
    for row, text in enumerate([*TEXTS[:2], "N/A"]):
        shown = "find: open the door in: kitchen find: close it in: garden"
        prompt = tokenizer.encode(f"{shown} find: {text} in:").tolist()
        encoder, decoder = {
            "causal": (None, [bos, *prompt]),
            "alexatm": ([clm, *prompt], [bos]),
            "alexatm without [CLM]": ([*prompt, eos], [bos, *prompt]),
            "denoise": ([*prompt, mask, eos], [bos, *prompt]),
            "span-corruption": ([*prompt, filled, eos], [bos, filled]),
        }[objective.kind if objective != SEQ2SEQ[1] else "alexatm without [CLM]"]
        for column, label in enumerate(LABELS):
            ending = tokenizer.encode(label).tolist()
            wanted = by_hand(ask, encoder, decoder, ending) / len(ending)
            got = found.nothing[0, column] if row == 2 else found.given[row, column]
            assert got == pytest.approx(wanted, abs=1e-5)
    assert np.allclose(found.calibrated, found.given - found.nothing[0])
    assert len(set(map(len, tokenizer.encode_all(LABELS)))) > 1  # or the lengths would not matter


def test_scores_depend_neither_on_the_batch_nor_on_the_bucket(tokenizer: Tokenizer) -> None:
    ask = make(tokenizer, CAUSAL, "decoder")
    prompts = [tokenizer.encode(f"find: {text} in:") for text in TEXTS]
    endings = tokenizer.encode_all(LABELS)
    together = ask.log_probabilities(prompts, endings, batch_size=4)
    assert len({bucket(len(ids) + 1) for ids in prompts}) > 1
    turned = ask.log_probabilities(prompts[::-1], endings, batch_size=4)[::-1]
    assert np.allclose(together, turned, atol=1e-5)
    assert not np.allclose(together[0], together[1], atol=1e-3)


def test_what_did_not_fit_is_counted_and_calibrated_alike(tokenizer: Tokenizer) -> None:
    ask = make(tokenizer, CAUSAL, "decoder")
    length = len(tokenizer.encode("find: close it in: garden find: close in:")) + num_symbols(CAUSAL)
    length += max(len(ids) for ids in tokenizer.encode_all(LABELS))
    found = score_labels(ask, FORM, SHOWN, ["close", "open the door in the kitchen"], LABELS, length)
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


@pytest.mark.parametrize("beams", [1, 3])
def test_translations_are_what_is_written_up_to_the_end_or_another_demonstration(
    tokenizer: Tokenizer, beams: int
) -> None:
    ask = make(tokenizer, CAUSAL, "decoder")
    shown = [Pair("1", "open", "agor", WELSH, "t")]
    (found,) = translate(ask, ENGLISH, WELSH, shown, ["close"], length=120, max_new=6, num_beams=beams)
    prompt = tokenizer.encode("English: open Welsh: agor English: close Welsh:")
    assert np.array_equal(found.prompt.ids, prompt)
    (ids,) = ask.write([prompt], 6, beams)
    assert found.text == tokenizer.decode(ids).partition("English:")[0].strip()
    if beams == 1:  # each token is the likeliest behind those before it
        written, context = [], [tokenizer.vocab.bos, *prompt.tolist()]
        for _ in range(6):
            one = np.array([context + written], np.int32)
            final = ask.model(one, np.ones_like(one), np.arange(one.shape[1], dtype=np.int32)[None, :]).final
            token = int(np.argmax(np.asarray(ask.model.logits(final[:, -1]))))
            if token == tokenizer.vocab.eos:
                break
            written.append(token)
        assert ids.tolist() == written


def test_an_answer_ends_where_another_demonstration_begins(
    tokenizer: Tokenizer, monkeypatch: pytest.MonkeyPatch
) -> None:
    ask = make(tokenizer, CAUSAL, "decoder")
    said = tokenizer.encode("cau English: open Welsh: agor")
    monkeypatch.setattr(Asker, "write", lambda self, prompts, *rest: [said] * len(prompts))
    (found,) = translate(ask, ENGLISH, WELSH, [], ["close"], length=120, max_new=6)
    assert found.text == "cau"


def test_buckets_hold_their_lengths_and_are_few() -> None:
    found = [bucket(length) for length in range(1, 400)]
    assert sorted(set(found)) == [32, 64, 128, 256, 384, 512]
    assert all(length <= size < max(33, 2 * length) for length, size in enumerate(found, 1))

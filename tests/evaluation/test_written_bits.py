"""Bits per byte of models that write."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from workbench import config, models
from workbench.evaluation import bits, cost
from workbench.evaluation.written_bits import causal_bits, conditional_bits, piece_bytes
from workbench.objectives.build import build
from workbench.records import Document, Lang
from workbench.tokenizer.processor import Tokenizer, normalize
from workbench.tokenizer.train import train
from workbench.training.losses import token_losses

ENGLISH = Lang("eng", "Latn")
TEXTS = ["open the door in the kitchen now", "find the curtain", "paint  the garage in the office at seven", "ŷ क"]
DOCUMENTS = [Document(f"d{number}", text, ENGLISH) for number, text in enumerate(TEXTS)]
LENGTH = 32


@pytest.fixture(scope="module")
def writer(tmp_path_factory: pytest.TempPathFactory) -> Tokenizer:
    """A tokenizer with [CLM] and sentinels."""
    texts = [
        f"{verb} the {thing} in the {room} {when}"
        for verb in ("open", "close", "find", "paint", "remember")
        for thing in ("door", "window", "garage", "curtain", "umbrella")
        for room in ("kitchen", "garden", "office", "bathroom")
        for when in ("now", "tomorrow", "at seven")
    ] + ["quick brown foxes jump over lazy dogs", "pack my box with five dozen liquor jugs", "agor cau peintio"]
    settings = config.Tokenizer(vocab_size=320, sample_bytes=10_000, sentinels=12, clm=True)
    return train({ENGLISH: texts}, settings, tmp_path_factory.mktemp("writer") / "model", seed=0)


def small(kind: str) -> config.Model:
    return config.Model(kind=kind, width=16, num_layers=1, num_heads=2, feed_forward=16, local_heads=1)


def settings(kind: str, objective: config.Objective) -> config.Config:
    return config.Config(
        data=config.Data(pretrain=("eng-Latn",)),
        tokenizer=config.Tokenizer(sentinels=12, clm=True),
        model=small(kind),
        objective=objective,
        pretrain=config.Train(length=LENGTH),
    )


def uniform(model: models.Model) -> models.Model:
    return jax.tree.map(jnp.zeros_like, model)


def test_a_decoder_that_knows_nothing_pays_log2_of_the_vocabulary_for_each_token_once(writer: Tokenizer) -> None:
    study = settings("decoder", config.Causal())
    model = uniform(models.build(study.model, writer.vocab.size, 0))
    (found,) = bits.measure(study, model, writer, DOCUMENTS)
    assert (found.metric, found.setting) == ("bits_per_byte", "context=32")
    wanted = [len(writer.encode(text)) * np.log2(writer.vocab.size) for text in TEXTS]
    assert [one.bits for one in found.documents] == pytest.approx(wanted, rel=1e-5)
    assert [one.num_bytes for one in found.documents] == [len(normalize(text).encode()) for text in TEXTS]


def test_a_decoders_bits_are_its_own_losses_summed_over_a_document_alone(writer: Tokenizer) -> None:
    study = settings("decoder", config.Causal())
    model = models.build(study.model, writer.vocab.size, 0)
    found = causal_bits(model, writer, DOCUMENTS, bits.built(study, writer), length=LENGTH)
    ids = writer.encode(TEXTS[0])
    shape = (1, len(ids))
    before = np.concatenate([[writer.vocab.bos], ids[:-1]]).astype(np.int32).reshape(shape)
    places = np.arange(len(ids), dtype=np.int32).reshape(shape)
    logits = model.logits(model(before, np.ones(shape, np.int32), places).final)
    alone = -jax.nn.log_softmax(logits)[0, np.arange(len(ids)), ids].sum() / np.log(2.0)
    assert found[0].bits == pytest.approx(float(alone), rel=1e-4)


def test_a_token_that_an_objective_leaves_out_is_charged_as_one_of_all_pieces(writer: Tokenizer) -> None:
    study = settings("decoder", config.Causal())
    model = uniform(models.build(study.model, writer.vocab.size, 0))
    causal = bits.built(study, writer)

    def without_first(rows, rng):  # type: ignore[no-untyped-def]
        batch = causal(rows, rng)
        return batch._replace(weights=batch.weights * (rows.positions > 0))

    whole = causal_bits(model, writer, DOCUMENTS, causal, length=LENGTH)
    without = causal_bits(model, writer, DOCUMENTS, without_first, length=LENGTH)
    assert [one.bits for one in without] == pytest.approx([one.bits for one in whole], rel=1e-6)


def test_the_bytes_of_a_texts_pieces_are_its_bytes_and_the_blank_before_its_first_word(writer: Tokenizer) -> None:
    sizes = piece_bytes(writer)
    for text in TEXTS:
        assert sizes[writer.encode(text)].sum() == len(normalize(text).encode()) + 1
    assert not sizes[: writer.vocab.first_byte].any()


@pytest.mark.parametrize(
    ("objective", "names"),
    [
        (config.SpanCorruption(), ["span-corruption"]),
        (config.Deshuffle(), ["deshuffle"]),
        (config.Denoise(), ["denoise"]),
        (config.AlexaTM(), ["alexatm denoising", "alexatm [CLM]"]),
    ],
)
def test_what_an_encoder_decoder_writes_is_measured_under_its_objective_by_name(
    writer: Tokenizer, objective: config.Objective, names: list[str]
) -> None:
    study = settings("encoder-decoder", objective)
    model = uniform(models.build(study.model, writer.vocab.size, 0))
    found = bits.measure(study, model, writer, DOCUMENTS)
    assert {one.metric for one in found} == {"conditional_bits_per_byte"}
    assert [one.setting for one in found] == names
    every = {document.id: len(normalize(document.text).encode()) for document in DOCUMENTS}
    for measured in found:
        assert [one.id for one in measured.documents] == [document.id for document in DOCUMENTS]
        for one in measured.documents:  # sentinels and ends cost nothing: whole pieces at a uniform price
            assert 0 < one.num_bytes <= every[one.id] + 1
            pieces = one.bits / np.log2(writer.vocab.size)
            assert pieces == pytest.approx(round(pieces), abs=1e-3)
    if objective.kind in ("denoise", "deshuffle"):  # the whole text is written
        assert {one.id: one.num_bytes - 1 for one in found[0].documents} == every


def test_the_beginning_that_is_given_is_not_paid_for(writer: Tokenizer) -> None:
    study = settings("encoder-decoder", config.AlexaTM())
    model = uniform(models.build(study.model, writer.vocab.size, 0))
    denoising, continued = bits.measure(study, model, writer, DOCUMENTS)
    whole = {one.id: one.num_bytes for one in denoising.documents}
    assert all(one.num_bytes < whole[one.id] for one in continued.documents)


def test_conditional_bits_are_the_losses_of_the_models_own_batch(writer: Tokenizer) -> None:
    study = settings("encoder-decoder", config.Denoise())
    model = models.build(study.model, writer.vocab.size, 0)
    seen = []
    built = build(study.objective, writer.vocab, writer.starts_word, writer.ends_sentence, model=study.model,
                  length=LENGTH)  # fmt: skip

    def kept(rows, rng):  # type: ignore[no-untyped-def]
        seen.append(built(rows, rng))
        return seen[-1]

    found = conditional_bits(model, writer, DOCUMENTS, kept, length=LENGTH, batch_size=4)
    total = 0.0
    for batch in seen:
        text = (batch.weights > 0) & (piece_bytes(writer)[batch.targets] > 0)
        total += float(np.asarray(token_losses(model, batch))[text].sum()) / np.log(2.0)
    assert sum(one.bits for one in found) == pytest.approx(total, rel=1e-5)


def test_a_step_costs_what_its_shapes_say_and_a_larger_model_more(writer: Tokenizer) -> None:
    study = settings("decoder", config.Causal())
    small_step = cost.step(study, writer, 4)
    assert small_step.formula == 2 * cost.step(study, writer, 2).formula
    assert 0.5 < small_step.compiled / small_step.formula < 2.0
    wide = study.model.model_copy(update={"width": 32})
    assert cost.reading(wide, writer.vocab.size, LENGTH) > cost.reading(study.model, writer.vocab.size, LENGTH)
    total, embedding = cost.parameters(models.build(study.model, writer.vocab.size, 0))
    assert embedding == writer.vocab.size * 16 < total

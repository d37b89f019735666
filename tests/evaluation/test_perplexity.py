"""Masked pseudo-likelihood in bits per byte."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from workbench.evaluation.document_bits import DocumentBits, bits_per_byte
from workbench.evaluation.packed import batches, pack_texts
from workbench.evaluation.perplexity import masked_bits
from workbench.models.encoder import Encoder
from workbench.records import Document, Lang
from workbench.tokenizer.processor import Tokenizer

ENGLISH = Lang("eng", "Latn")
TEXTS = ["open the door in the kitchen now", "find the curtain", "paint  the garage in the office at seven"]
DOCUMENTS = [Document(f"d{number}", text, ENGLISH) for number, text in enumerate(TEXTS)]


def uniform(model: Encoder) -> Encoder:
    """The model with every weight 0: it finds all pieces equally likely, whatever it sees."""
    return jax.tree.map(jnp.zeros_like, model)


def test_a_model_that_knows_nothing_pays_log2_of_the_vocabulary_for_each_token_once(
    model: Encoder, tokenizer: Tokenizer
) -> None:
    each = np.log2(tokenizer.vocab.size)
    for mask_groups in (1, 5):
        found = masked_bits(uniform(model), tokenizer, DOCUMENTS, mask_groups, seed=0)
        wanted = [len(tokenizer.encode(text)) * each for text in TEXTS]
        assert [one.bits for one in found] == pytest.approx(wanted, rel=1e-5)


def test_bytes_are_those_of_the_normalized_text(model: Encoder, tokenizer: Tokenizer) -> None:
    given = [Document("a", "y  tŷ", ENGLISH), Document("b", "क", ENGLISH)]
    found = masked_bits(uniform(model), tokenizer, given, 5, seed=0)
    assert [one.num_bytes for one in found] == [5, 3]
    assert [one.id for one in found] == ["a", "b"]


def test_a_document_that_shares_its_row_is_scored_as_if_alone(model: Encoder, tokenizer: Tokenizer) -> None:
    # one group: all tokens are masked at once, so no choice of groups differs between the two
    together = masked_bits(model, tokenizer, DOCUMENTS, 1, seed=0)
    for document, one in zip(DOCUMENTS, together, strict=True):
        (alone,) = masked_bits(model, tokenizer, [document], 1, seed=0)
        assert one.bits == pytest.approx(alone.bits, rel=1e-4)


def test_the_same_seed_gives_the_same_bits(model: Encoder, tokenizer: Tokenizer) -> None:
    assert masked_bits(model, tokenizer, DOCUMENTS, 5, 1) == masked_bits(model, tokenizer, DOCUMENTS, 5, 1)


def test_a_document_longer_than_a_row_loses_no_token(model: Encoder, tokenizer: Tokenizer) -> None:
    text = " ".join(TEXTS * 12)
    (found,) = masked_bits(uniform(model), tokenizer, [Document("long", text, ENGLISH)], 5, seed=0)
    assert found.bits == pytest.approx(len(tokenizer.encode(text)) * np.log2(tokenizer.vocab.size), rel=1e-5)


def test_bits_per_byte_is_all_bits_over_all_bytes() -> None:
    found = bits_per_byte([DocumentBits("a", 30.0, 10), DocumentBits("b", 10.0, 10)], seed=0)
    assert (found.value, found.n) == (2.0, 2)
    assert 1.0 <= found.low <= found.high <= 3.0


def test_packing_says_whose_each_token_is(tokenizer: Tokenizer) -> None:
    packed = pack_texts(tokenizer, TEXTS, length=16)
    for number, text in enumerate(TEXTS):
        assert sorted(packed.rows.ids[packed.owners == number]) == sorted(tokenizer.encode(text))
    assert ((packed.owners >= 0) == (packed.rows.segments > 0)).all()


def test_batches_all_have_one_shape_and_hold_every_row_once(tokenizer: Tokenizer) -> None:
    rows = pack_texts(tokenizer, TEXTS * 9, length=16).rows
    found = list(batches(rows, 4))
    assert {batch.ids.shape for _, batch in found} == {(4, 16)}
    kept = np.concatenate([batch.ids[: real.stop - real.start] for real, batch in found])
    assert (kept == rows.ids).all()

"""Alphabets and batches: nothing is lost on the way to ids, and every row gets its turn."""

from __future__ import annotations

import json
from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from workbench import config, models
from workbench.errors import BadInput
from workbench.inflection.alphabet import BOS, EOS, Alphabet, Encoded
from workbench.inflection.arrays import STEP, Shape, arrays, packed, packed_shape, shape_of, shapes, sizes
from workbench.inflection.batches import InflectionStream
from workbench.inflection.rows import Row, atoms

WORD = st.text("abcdeęłń\u0301", min_size=1, max_size=12)
ROWS = st.lists(
    st.builds(Row, st.sampled_from(["tur", "pol"]), WORD, st.sampled_from(["V;PST", "N;ACC(SG)"]), WORD), min_size=1
)


@given(ROWS, st.booleans())
def test_a_form_comes_back_from_its_ids_in_both_directions(rows: list[Row], backward: bool) -> None:
    alphabet = Alphabet.of(rows, num_slots=16, min_lemmas=2, backward=True)
    assert Alphabet.from_json(json.loads(json.dumps(alphabet.to_json()))) == alphabet
    for row in rows:
        one = alphabet.encode(row, backward=backward)
        assert row.form is not None
        wanted = row.form[::-1] if backward else row.form
        assert alphabet.decode([*one.form, EOS, *one.form], one.slots) == wanted
        assert max(one.features + one.lemma + one.form) < alphabet.size


def test_a_row_read_backward_says_so_and_is_reversed() -> None:
    row = Row("tur", "kitap", "N;ACC(SG)", "kitabı")
    alphabet = Alphabet.of([row], num_slots=4, min_lemmas=1, backward=True)
    one, other = (alphabet.encode(row, backward=backward) for backward in (False, True))
    assert other.lemma == one.lemma[::-1]
    assert other.form == one.form[::-1]
    assert len(set(other.features) - set(one.features)) == 1
    assert set(one.features) < set(other.features)


def test_characters_of_new_words_are_slots_in_order_and_can_be_copied() -> None:
    training = [Row("jpn", "AB", "V;PST", "Ax"), Row("jpn", "AC", "V;PST", "Ax")]
    alphabet = Alphabet.of(training, num_slots=2, min_lemmas=2)
    assert alphabet.characters == ("x", "A")  # B and C are in one lemma each, and never written anew
    one = alphabet.encode(Row("jpn", "QRSA", "V;PST;NEW", "QAz"))
    assert one.slots == "QRS"
    assert one.lemma[1] == one.lemma[2] != one.lemma[0]  # a third stranger shares the last slot
    assert alphabet.decode(one.form, one.slots) == "QA"  # z is neither known nor in the lemma
    assert len(one.features) == len(atoms(Row("jpn", "", "V;PST;NEW", None)))


def test_an_alphabet_of_another_version_is_refused() -> None:
    with pytest.raises(BadInput, match=r"wanted characters, atoms, languages and num_slots, got \['atoms'\]"):
        Alphabet.from_json({"atoms": []})


def encoded(rng: np.random.Generator, number: int, longest: int) -> list[Encoded]:
    sizes = rng.integers(1, longest, (number, 2))
    return [Encoded((9,), (5,) * lemma, (6,) * form, "") for lemma, form in sizes.tolist()]


@given(st.integers(0, 99), st.integers(1, 4))
def test_shapes_hold_all_rows_and_more_of_them_pad_no_more(seed: int, number: int) -> None:
    rows = encoded(np.random.default_rng(seed), 50, 40)

    def places(number: int) -> int:
        found = shapes(rows, number)
        fitting = [
            [one.places for one in found if one.source > len(row.lemma) and one.target > len(row.form)] for row in rows
        ]
        assert all(one.source % STEP == one.target % STEP == 0 for one in found)
        return sum(min(held) for held in fitting)

    assert places(number + 1) <= places(number)


@given(st.integers(0, 99), st.integers(1, 40))
def test_packed_rows_hold_each_row_once_and_no_more_than_fits(seed: int, number: int) -> None:
    rows = encoded(np.random.default_rng(seed), number, 20)
    own = sizes(rows)
    shape, num_packed = packed_shape([own, own[::-1]], shape_of(rows))
    shared = packed(own, shape)
    assert sorted(row for numbers in shared for row in numbers) == list(range(number))
    assert all((own[numbers].sum(axis=0) <= (shape.source, shape.target)).all() for numbers in shared)
    assert num_packed == max(len(shared), len(packed(own[::-1], shape)))
    assert num_packed * shape.places <= number * shape_of(rows).places  # no worse than a row each


def test_packing_leaves_little_empty_and_batches_are_of_few_shapes() -> None:
    rng = np.random.default_rng(0)
    rows = [Encoded((9,) * 3, (5,) * lemma, (6,) * (lemma + 2), "") for lemma in rng.poisson(9, 500).tolist()]
    stream = InflectionStream({"tur": rows}, {"tur": 1.0}, steps=200, batch_size=32, seed=0)
    batches = [stream.batch(step) for step in range(200)]
    assert all(int((batch.targets == EOS).sum()) == 32 for batch in batches)
    places = sum(batch.segments.size + batch.targets.size for batch in batches)
    real = sum(int((batch.segments > 0).sum() + batch.weights.sum()) for batch in batches)
    assert 1.0 - real / places == pytest.approx(stream.padded_rate, abs=0.01)
    assert stream.padded_rate < 0.13
    assert len({batch.inputs.shape for batch in batches}) <= 2


def test_a_packed_row_is_read_as_each_of_its_rows_alone() -> None:
    model = models.build_transducer(config.Transducer(width=32, feed_forward=32, local_heads=2), 64, seed=0)
    rng = np.random.default_rng(0)
    rows = [
        Encoded(tuple(rng.integers(40, 50, 2)), tuple(lemma), tuple(lemma[: number + 1]), "")
        for number in range(4)
        for lemma in [rng.integers(4, 30, 5 - number).tolist()]
    ]
    shape = shape_of(rows)
    alone = arrays([[row] for row in rows], shape)
    together = arrays([rows[:3], [], rows[3:]], Shape(3 * shape.source, 3 * shape.target))
    assert alone.decoder is not None
    assert together.decoder is not None
    assert together.decoder.segments[0].max() == 3
    wanted, found = (np.asarray(model.token_losses(batch))[batch.weights > 0] for batch in (alone, together))
    np.testing.assert_allclose(found, wanted, rtol=1e-4)


def test_each_epoch_of_a_pool_has_each_row_once_and_pools_get_their_shares() -> None:
    rng = np.random.default_rng(0)
    pools = {"tur": encoded(rng, 60, 20), "tur hallucinated": encoded(rng, 200, 20)}
    shares = {"tur": 0.75, "tur hallucinated": 0.25}
    stream = InflectionStream(pools, shares, steps=100, batch_size=8, seed=3)
    found = {one.lang: one for one in stream.report()}
    assert {name: one.num_rows_drawn for name, one in found.items()} == {"tur": 600, "tur hallucinated": 200}
    drawn = [row for step in range(100) for name, row in stream._examples(step) if name == "tur"]
    assert np.bincount(drawn, minlength=60).tolist() == [10] * 60
    assert stream.describe(57) == "tur 6, tur hallucinated 2"
    assert Counter(name for name, _ in stream._examples(57)) == {"tur": 6, "tur hallucinated": 2}
    again = InflectionStream(pools, shares, steps=100, batch_size=8, seed=3).batch(57)
    assert all(np.array_equal(one, other) for one, other in zip(stream.batch(57)[:3], again[:3], strict=True))
    other = InflectionStream(pools, shares, steps=100, batch_size=8, seed=4)
    assert stream._examples(57) != other._examples(57)


def test_a_batch_has_short_and_long_rows_alike() -> None:
    rows = encoded(np.random.default_rng(0), 400, 40)
    stream = InflectionStream({"tur": rows}, {"tur": 1.0}, steps=64, batch_size=16, seed=0)
    totals = [int(stream._size(step).sum()) for step in range(64)]
    chance = [int(sizes([rows[n] for n in own]).sum()) for own in np.random.default_rng(1).integers(0, 400, (64, 16))]
    assert np.std(totals) < np.std(chance) / 2


def test_a_batch_writes_what_follows_and_counts_the_end_alone_of_what_is_padded() -> None:
    rows = [Encoded((20, 21), (5, 6, 7), (6, 7), ""), Encoded((20,), (5,), (5, 5, 5, 5), "")]
    batch = arrays([rows, rows[:1]], Shape(8, 9))
    assert batch.decoder is not None
    assert batch.inputs.tolist() == [[20, 21, 5, 6, 7, 20, 5, 0], [20, 21, 5, 6, 7, 0, 0, 0]]
    assert batch.segments.tolist() == [[1, 1, 1, 1, 1, 2, 2, 0], [1, 1, 1, 1, 1, 0, 0, 0]]
    assert batch.positions.tolist() == [[0, 0, 1, 2, 3, 0, 1, 0], [0, 0, 1, 2, 3, 0, 0, 0]]
    assert batch.decoder.ids.tolist() == [[BOS, 6, 7, BOS, 5, 5, 5, 5, 0], [BOS, 6, 7, 0, 0, 0, 0, 0, 0]]
    assert batch.decoder.segments.tolist() == [[1, 1, 1, 2, 2, 2, 2, 2, 0], [1, 1, 1, 0, 0, 0, 0, 0, 0]]
    assert batch.decoder.positions.tolist() == [[1, 2, 3, 1, 2, 3, 4, 5, 0], [1, 2, 3, 0, 0, 0, 0, 0, 0]]
    assert batch.targets.tolist() == [[6, 7, EOS, 5, 5, 5, 5, EOS, 0], [6, 7, EOS, 0, 0, 0, 0, 0, 0]]
    assert batch.weights.tolist() == [[1, 1, 1, 1, 1, 1, 1, 1, 0], [1, 1, 1, 0, 0, 0, 0, 0, 0]]
    with pytest.raises(BadInput, match="nav has no training rows"):
        InflectionStream({"nav": []}, {"nav": 1.0}, steps=1, batch_size=2, seed=0)

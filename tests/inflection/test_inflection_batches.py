"""Alphabets and batches: nothing is lost on the way to ids, and every row gets its turn."""

from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from workbench.errors import BadInput
from workbench.inflection.alphabet import BOS, EOS, Alphabet, Encoded
from workbench.inflection.batches import STEP, InflectionStream, shapes
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
    with pytest.raises(BadInput, match=r"wanted characters, atoms, languages, num_slots and backward, got \['atoms'\]"):
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


def test_each_epoch_of_a_pool_has_each_row_once_and_pools_get_their_shares() -> None:
    rng = np.random.default_rng(0)
    pools = {"tur": encoded(rng, 60, 20), "tur hallucinated": encoded(rng, 200, 20)}
    shares = {"tur": 0.75, "tur hallucinated": 0.25}
    stream = InflectionStream(pools, shares, steps=100, batch_size=8, num_shapes=2, seed=3)
    found = {one.lang: one for one in stream.report()}
    assert sum(one.num_rows_drawn for one in found.values()) == 800
    for name, share in shares.items():
        assert found[name].share == pytest.approx(share, abs=0.03)
    drawn = np.concatenate([chosen[owner == 0] for owner, chosen in map(stream._examples, range(100))])
    counts = np.bincount(drawn, minlength=60)
    assert counts.max() - counts.min() <= 2  # an epoch is of one shape's rows: 10 of each, up to where they end
    again = InflectionStream(pools, shares, steps=100, batch_size=8, num_shapes=2, seed=3).batch(57)
    assert all(np.array_equal(one, other) for one, other in zip(stream.batch(57)[:3], again[:3], strict=True))


def test_fewer_steps_than_shapes_are_refused_by_the_names_of_their_settings() -> None:
    rows = encoded(np.random.default_rng(0), 60, 40)
    with pytest.raises(BadInput, match=r"train\.steps: 2, but .* 3 shapes.*train\.buckets"):
        InflectionStream({"tur": rows}, {"tur": 1.0}, steps=2, batch_size=2, num_shapes=3, seed=0)


def test_a_batch_writes_what_follows_and_counts_the_end_alone_of_what_is_padded() -> None:
    rows = [Encoded((20, 21), (5, 6, 7), (6, 7), ""), Encoded((20,), (5,), (5, 5, 5, 5), "")]
    batch = InflectionStream({"tur": rows}, {"tur": 1.0}, steps=1, batch_size=2, num_shapes=1, seed=0).batch(0)
    assert batch.decoder is not None
    first = int(np.flatnonzero(batch.inputs[:, 1] == 21)[0])
    assert batch.inputs[first].tolist() == [20, 21, 5, 6, 7, 0, 0, 0]
    assert batch.positions[first].tolist() == [0, 0, 1, 2, 3, 0, 0, 0]
    assert batch.decoder.ids[first].tolist() == [BOS, 6, 7, 0, 0, 0, 0, 0]
    assert batch.targets[first].tolist() == [6, 7, EOS, 0, 0, 0, 0, 0]
    assert batch.weights[first].tolist() == [1, 1, 1, 0, 0, 0, 0, 0]
    with pytest.raises(BadInput, match="nav has no training rows"):
        InflectionStream({"nav": []}, {"nav": 1.0}, steps=1, batch_size=2, num_shapes=1, seed=0)

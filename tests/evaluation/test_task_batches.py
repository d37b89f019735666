from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from workbench.errors import BadInput
from workbench.evaluation.task_batches import (
    IGNORED,
    UNREAD,
    Names,
    encode,
    reading_batches,
    reading_length,
    training_lengths,
    training_order,
)
from workbench.records import Lang
from workbench.tasks.task import Example
from workbench.tokenizer.processor import Tokenizer

ENGLISH = Lang("eng", "Latn")
NAMES = Names(("Ask", "Tell"), ("O", "B-x"))


def example(words: str, tags: str, label: str = "Ask") -> Example:
    return Example("e", ENGLISH, words, label, tuple(words.split()), tuple(tags.split()))


def test_a_tag_stands_at_the_first_piece_of_its_word_and_nowhere_else(tokenizer: Tokenizer) -> None:
    found = encode([example("open extraordinarily doors", "O B-x O")], tokenizer, NAMES)
    pieces = [len(tokenizer.encode(word)) for word in ("open", "extraordinarily", "doors")]
    assert pieces[1] > 1
    assert found.firsts[0].tolist() == [0, pieces[0], pieces[0] + pieces[1]]
    batch = found.batch(np.array([0]), 2, 64)
    assert batch.tags[0][found.firsts[0]].tolist() == [0, 1, 0]
    assert np.count_nonzero(batch.tags[0] != IGNORED) == 3
    assert batch.labels.tolist() == [0, IGNORED]
    assert (batch.tags[1] == IGNORED).all()


def test_a_word_that_makes_no_piece_still_has_a_first_piece(tokenizer: Tokenizer) -> None:
    found = encode([Example("e", ENGLISH, "a b", "", ("a", " ", "b"), ("O", "B-x", "O"))], tokenizer, NAMES)
    assert found.ids[0][found.firsts[0][1]] == tokenizer.vocab.unk


def test_what_a_model_cannot_take_is_left_out_and_counted(tokenizer: Tokenizer) -> None:
    long = example("open extraordinarily doors", "O B-x O")
    whole = encode([long], tokenizer, NAMES)
    most = int(whole.firsts[0][2])  # all but the last word
    found = encode([long, example("open it", "O O")], tokenizer, NAMES, most)
    assert found.cut == 1
    assert found.ids[0].tolist() == whole.ids[0][:most].tolist()
    assert found.firsts[0].tolist() == [*whole.firsts[0][:2], UNREAD]
    assert found.batch(np.array([0]), 1, most).tags[0][whole.firsts[0][:2]].tolist() == [0, 1]
    assert {batch.ids.shape[1] for _, batch in reading_batches(found)} <= {most, 8, 16}


def test_labels_and_tags_that_were_not_in_training_are_ignored(tokenizer: Tokenizer) -> None:
    found = encode([example("open it", "O B-new", "Sing")], tokenizer, NAMES)
    assert found.labels.tolist() == [IGNORED]
    assert found.tags[0].tolist() == [0, IGNORED]


@settings(max_examples=30)
@given(st.lists(st.integers(1, 300), min_size=1, max_size=200))
def test_every_example_is_read_once_in_a_row_long_enough(lengths: list[int]) -> None:
    from workbench.evaluation.task_batches import Encoded

    ids = [np.full(length, number, np.int32) for number, length in enumerate(lengths)]
    none = [np.zeros(0, np.int64)] * len(ids)
    encoded = Encoded(ids, none, np.zeros(len(ids), np.int32), [np.zeros(0, np.int32)] * len(ids))
    seen: Counter[int] = Counter()
    for chosen, batch in reading_batches(encoded):
        seen.update(chosen.tolist())
        assert batch.ids.shape[0] == max(1, 2048 // batch.ids.shape[1])
        assert batch.lengths[: len(chosen)].tolist() == [lengths[number] for number in chosen]
    assert seen == Counter(range(len(lengths)))


def test_reading_lengths_are_few() -> None:
    assert all(n <= reading_length(n) <= max(8, 2 * n) for n in range(1, 513))
    assert reading_length(300, 320) == 320
    assert sorted({reading_length(n) for n in range(1, 513)}) == [8, 16, 24, 32, 48, 64, 96, 128, 192, 256, 384, 512]


def test_training_lengths_are_close_to_the_examples_and_hold_all() -> None:
    assert training_lengths(np.arange(1, 101), 128) == (28, 52, 76, 92, 100)
    assert training_lengths(np.arange(1, 101), 64) == (28, 52, 64)


@settings(max_examples=30)
@given(st.integers(1, 60), st.integers(1, 40), st.integers(1, 120), st.integers(1, 9), st.floats(0.1, 0.9))
def test_sets_get_their_shares_and_each_example_its_epochs(
    first: int, second: int, steps: int, size: int, share: float
) -> None:
    rng = np.random.default_rng(0)
    lengths = [rng.integers(1, 30, first), rng.integers(1, 30, second)]
    order = training_order(lengths, [1 - share, share], steps, size, rng)
    assert order.shape == (steps, size)
    counts = np.bincount(order.ravel(), minlength=first + second)
    assert abs(counts[first:].sum() - share * steps * size) <= 1
    for part in (counts[:first], counts[first:]):
        assert part.max() - part.min() <= 1  # epoch by epoch


def test_batches_are_of_like_length() -> None:
    rng = np.random.default_rng(0)
    lengths = rng.integers(1, 100, 1000)
    order = training_order([lengths], [1.0], 50, 20, rng)
    assert np.mean([np.ptp(lengths[row]) for row in order]) < 5


def test_an_empty_set_is_refused() -> None:
    with pytest.raises(BadInput, match="empty"):
        training_order([np.zeros(0, np.int64)], [1.0], 1, 1, np.random.default_rng(0))

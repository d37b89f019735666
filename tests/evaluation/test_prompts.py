"""Prompts: what gives way in them, and which demonstrations they have."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from workbench.errors import BadInput
from workbench.evaluation.prompts import Prompts, Template, draw, with_random_labels
from workbench.records import Lang, Pair
from workbench.tokenizer.processor import Tokenizer

ENGLISH = Lang("eng", "Latn")
FORM = Template("find:", "in:")
POOL = [Pair(str(n), f"open the door {n}", label, ENGLISH, "t") for n, label in enumerate("aabbbbccaaab")]
DEMONSTRATIONS = (Pair("1", "open the door", "kitchen", ENGLISH, "t"), Pair("2", "close", "garden", ENGLISH, "t"))


def test_a_prompt_is_the_text_that_its_template_says_token_for_token(tokenizer: Tokenizer) -> None:
    (prompt,) = Prompts(FORM, tokenizer, DEMONSTRATIONS, 200).all(["paint the window"])
    text = "find: open the door in: kitchen find: close in: garden find: paint the window in:"
    assert np.array_equal(prompt.ids, tokenizer.encode(text))
    assert (prompt.num_demonstrations, prompt.num_cut) == (2, 0)


@settings(max_examples=60)
@given(room=st.integers(20, 120), words=st.integers(0, 30))
def test_demonstrations_go_first_and_the_earliest_first_then_the_end_of_the_input(
    tokenizer: Tokenizer, room: int, words: int
) -> None:
    text = " ".join(["window", "door", "garden"][n % 3] for n in range(words))
    try:
        (prompt,) = Prompts(FORM, tokenizer, DEMONSTRATIONS, room).all([text])
    except BadInput:
        assert room <= len(tokenizer.encode("find: in:"))
        return
    kept = DEMONSTRATIONS[2 - prompt.num_demonstrations :]
    shown = "".join(f"find: {one.source} in: {one.target} " for one in kept)
    ids = tokenizer.encode(text)
    whole = [tokenizer.encode(part) for part in (f"{shown}find:", "in:")]
    expected = np.concatenate([whole[0], ids[: len(ids) - prompt.num_cut], whole[1]])
    assert np.array_equal(prompt.ids, expected)
    assert len(prompt.ids) <= room
    if prompt.num_cut:
        assert prompt.num_demonstrations == 0
        assert len(prompt.ids) == room
    if prompt.num_demonstrations < 2:  # one more would not have fitted
        one_more = DEMONSTRATIONS[1 - prompt.num_demonstrations]
        more = len(tokenizer.encode(FORM.demonstration(one_more.source, one_more.target)))
        assert len(prompt.ids) + prompt.num_cut + more > room


def test_a_template_without_room_for_an_input_is_refused(tokenizer: Tokenizer) -> None:
    needed = len(tokenizer.encode("find: in:")) + 1
    Prompts(FORM, tokenizer, (), needed)
    with pytest.raises(BadInput, match=f"need {needed} tokens, but beside the output there are {needed - 1}"):
        Prompts(FORM, tokenizer, (), needed - 1)


@given(seed=st.integers(0, 50), number=st.integers(0, 12), balanced=st.booleans())
def test_draws_are_of_different_examples_repeatable_and_nested(seed: int, number: int, balanced: bool) -> None:
    drawn = draw(POOL, number, seed, "x", balanced=balanced)
    assert len({pair.id for pair in drawn}) == number
    assert drawn == draw(POOL, 12, seed, "x", balanced=balanced)[:number]
    if balanced:
        counts = [sum(pair.target == label for pair in drawn) for label in "abc"]
        assert max(counts[:2]) - min(counts[:2]) <= 1
        assert counts[2] == min(2, max(counts)) or max(counts) - counts[2] <= 1


def test_seeds_draw_differently_and_a_pool_too_small_is_refused() -> None:
    several = {tuple(pair.id for pair in draw(POOL, 3, seed, "x", balanced=True)) for seed in range(10)}
    assert len(several) > 5
    with pytest.raises(BadInput, match="13 are wanted, there are 12"):
        draw(POOL, 13, 0, "x", balanced=True)


def test_random_labels_keep_the_sentences_and_are_uniform_over_all_labels() -> None:
    shown = draw(POOL, 12, 0, "x", balanced=False)
    counts = dict.fromkeys("abcd", 0)
    for seed in range(200):
        changed = with_random_labels(shown, "abcd", seed, "x")
        assert [pair.source for pair in changed] == [pair.source for pair in shown]
        for pair in changed:
            counts[pair.target] += 1
    assert all(abs(count - 600) < 80 for count in counts.values())

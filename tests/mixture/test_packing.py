"""Packing keeps every token, in order, and marks whose it is."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from workbench.errors import BadInput
from workbench.mixture.packing import fits, pack, pack_pairs


@given(st.lists(st.integers(0, 40), max_size=30), st.integers(1, 16))
def test_packing_loses_no_token_and_keeps_each_document_in_order(sizes: list[int], length: int) -> None:
    starts = np.cumsum([1, *sizes])
    documents = [np.arange(start, start + size) for start, size in zip(starts, sizes, strict=False)]
    rows = pack(documents, length)
    expected = sorted(tuple(d[i : i + length].tolist()) for d in documents for i in range(0, len(d), length))
    found = []
    for ids, segments, positions in zip(rows.ids, rows.segments, rows.positions, strict=True):
        assert np.all(np.diff(segments[segments > 0]) >= 0)
        for segment in range(1, segments.max() + 1):
            here = segments == segment
            found.append(tuple(ids[here].tolist()))
            assert np.array_equal(positions[here], np.arange(here.sum()))
        assert not ids[segments == 0].any()
    assert sorted(found) == expected
    assert rows.num_tokens == sum(sizes)


def test_rows_fill_up_by_hand() -> None:
    rows = pack([np.array([1, 1, 1]), np.array([2, 2, 2, 2, 2, 2, 2]), np.array([3]), np.array([4, 4])], 5)
    assert rows.ids.tolist() == [[2, 2, 2, 2, 2], [1, 1, 1, 2, 2], [4, 4, 3, 0, 0]]
    assert rows.segments.tolist() == [[1, 1, 1, 1, 1], [1, 1, 1, 2, 2], [1, 1, 2, 0, 0]]
    assert rows.positions.tolist() == [[0, 1, 2, 3, 4], [0, 1, 2, 0, 1], [0, 1, 0, 0, 0]]


def test_no_documents_make_no_rows() -> None:
    assert pack([], 8).ids.shape == (0, 8)


def test_eos_stands_behind_each_document_once_and_not_where_it_is_cut() -> None:
    rows = pack([np.array([5, 6, 7, 8, 9]), np.array([], int), np.array([4])], 4, eos=3)
    assert rows.ids.tolist() == [[5, 6, 7, 8], [9, 3, 4, 3]]
    assert rows.segments.tolist() == [[1, 1, 1, 1], [1, 1, 2, 2]]
    assert rows.part is None


@given(st.lists(st.tuples(st.integers(1, 12), st.integers(1, 12)), max_size=20), st.booleans(), st.integers(26, 40))
def test_pairs_stay_whole_in_one_segment_each(sizes: list[tuple[int, int]], eos: bool, length: int) -> None:
    end = [3] if eos else []
    pairs = [(np.full(a, 100 + i), np.full(b, 200 + i)) for i, (a, b) in enumerate(sizes)]
    rows = pack_pairs(pairs, length, eos=3 if eos else None)
    found = []
    assert rows.part is not None
    for row, segments in enumerate(rows.segments):
        for segment in range(1, segments.max() + 1):
            here = segments == segment
            place = np.flatnonzero(here)
            assert np.array_equal(place, np.arange(place[0], place[-1] + 1))
            part = rows.part[row][here]
            assert np.all(np.diff(part) >= 0)
            sides = [rows.ids[row][here][part == number].tolist() for number in (0, 1)]
            assert rows.positions[row][here].tolist() == [*range(len(sides[0])), *range(len(sides[1]))]
            found.append(sides)
    assert sorted(found) == sorted([[*a.tolist(), *end], [*b.tolist(), *end]] for a, b in pairs)
    assert not rows.part[rows.segments == 0].any()


def test_pairs_by_hand() -> None:
    rows = pack_pairs([(np.array([7]), np.array([8])), (np.array([5, 5]), np.array([6]))], 9, eos=3)
    assert rows.part is not None
    assert rows.ids.tolist() == [[5, 5, 3, 6, 3, 7, 3, 8, 3]]
    assert rows.segments.tolist() == [[1, 1, 1, 1, 1, 2, 2, 2, 2]]
    assert rows.positions.tolist() == [[0, 1, 2, 0, 1, 0, 1, 0, 1]]
    assert rows.part.tolist() == [[0, 0, 0, 1, 1, 0, 0, 1, 1]]


def test_a_pair_longer_than_a_row_is_an_error_that_counts_and_can_be_asked_beforehand() -> None:
    pairs = [(np.ones(3, int), np.ones(3, int)), (np.ones(4, int), np.ones(9, int))]
    assert fits(pairs, 8).tolist() == [True, False]
    assert fits(pairs, 7, eos=3).tolist() == [False, False]
    with pytest.raises(BadInput, match=r"1 of 2 do not fit into rows of 8 tokens; the longest is number 1 with 4 \+ 9"):
        pack_pairs(pairs, 8)
    with pytest.raises(BadInput, match="number 0 has an empty side"):
        pack_pairs([(np.ones(3, int), np.ones(0, int))], 8)
    assert pack_pairs([], 8).ids.shape == (0, 8)

"""Packing keeps every token, in order, and marks whose it is."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from workbench.mixture.packing import pack


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

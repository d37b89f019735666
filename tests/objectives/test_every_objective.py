"""What holds for every objective: documents come back whole, none sees another, special pieces stay, draws decide."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from workbench import config
from workbench.mixture.packing import pack, pack_pairs
from workbench.objectives.batch import Batch, Rows, Tokens
from workbench.objectives.build import Objective, build, document_end, fitted
from workbench.tokenizer.published import PublishedVocab
from workbench.vocab import Vocab

VOCAB = Vocab(size=300, has_clm=True, num_sentinels=64)
STARTS_WORD = np.arange(VOCAB.size) % 3 == 0
ENDS_SENTENCE = ((np.arange(VOCAB.size) % 7 == 0) + (np.arange(VOCAB.size) % 14 == 0)).astype(np.int8)
SETTINGS: dict[str, tuple[config.Objective, str]] = {
    "causal": (config.Causal(), "decoder"),
    "span-corruption": (config.SpanCorruption(), "encoder-decoder"),
    "span-corruption, dense": (config.SpanCorruption(noise_rate=0.9, mean_span=1.0), "encoder-decoder"),
    "deshuffle": (config.Deshuffle(), "encoder-decoder"),
    "denoise": (config.Denoise(), "encoder-decoder"),
    "denoise, dense": (config.Denoise(noise_rate=0.9, poisson_mean=0.2, permute_sentences=False), "encoder-decoder"),
    "alexatm": (config.AlexaTM(causal_rate=0.4), "encoder-decoder"),
    "prefix-lm, decoder": (config.PrefixLM(), "decoder"),
    "prefix-lm, encoder-decoder": (config.PrefixLM(), "encoder-decoder"),
}
Found = dict[tuple[int, int], list[int]]


def objective(name: str, length: int) -> Objective:
    settings, kind = SETTINGS[name]
    return build(settings, VOCAB, STARTS_WORD, ENDS_SENTENCE, model=config.Model(kind=kind), length=length)


@st.composite
def packed(draw: st.DrawFn, name: str) -> Rows:
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    length = draw(st.integers(8, 40))
    eos = draw(st.sampled_from([VOCAB.eos, None]))

    def document(size: int) -> np.ndarray:
        ids = rng.integers(VOCAB.first_byte, VOCAB.size, size)
        return np.where(rng.random(size) < 0.05, VOCAB.unk, ids)  # a special piece inside a text

    if name.startswith("prefix-lm"):
        sizes = draw(st.lists(st.tuples(st.integers(1, length // 2 - 1), st.integers(1, length // 2 - 1)), max_size=8))
        return pack_pairs([(document(source), document(target)) for source, target in sizes], length, eos=eos)
    return pack([document(size) for size in draw(st.lists(st.integers(0, 60), max_size=8))], length, eos=eos)


def split(ids: np.ndarray, segments: np.ndarray) -> Found:
    """Each document's ids, in order."""
    found: Found = {}
    for row, column in zip(*np.nonzero(segments), strict=True):
        found.setdefault((int(row), int(segments[row, column])), []).append(int(ids[row, column]))
    return found


def originals(rows: Rows) -> Found:
    return split(rows.ids, rows.segments)


def written(batch: Batch) -> Found:
    assert batch.decoder is not None
    return split(batch.targets, batch.decoder.segments)


def is_subsequence(part: list[int], whole: list[int]) -> bool:
    rest = iter(whole)
    return all(token in rest for token in part)


def check_span_corruption(rows: Rows, batch: Batch) -> None:
    texts, targets = split(batch.inputs, batch.segments), written(batch)
    first, end = VOCAB.sentinel(0), VOCAB.first_byte
    for place, original in originals(rows).items():
        target, restored = targets[place], []
        assert target[-1] == VOCAB.eos
        sentinels = [token for token in texts[place] if first <= token < end]
        assert sentinels == list(range(first, first + len(sentinels)))  # unique, in order
        assert [token for token in target if first <= token < end] == sentinels
        spans: dict[int, list[int]] = {}
        for token in target[:-1]:
            if first <= token < end:
                spans[token] = current = []
            else:
                current.append(token)
        for token in texts[place]:
            restored += spans.get(token, [token])
        assert restored == original
        assert all(spans.values())


def check_deshuffle(rows: Rows, batch: Batch) -> None:
    assert written(batch) == originals(rows)
    for place, text in split(batch.inputs, batch.segments).items():
        original = originals(rows)[place]
        assert sorted(text) == sorted(original)
        assert [t if t < VOCAB.first_byte else -1 for t in text] == [
            t if t < VOCAB.first_byte else -1 for t in original
        ]


def check_denoise(settings: config.Denoise, rows: Rows, batch: Batch) -> None:
    assert written(batch) == originals(rows)
    for place, text in split(batch.inputs, batch.segments).items():
        original = originals(rows)[place]
        kept = [token for token in text if token != VOCAB.mask]
        num_text = sum(token >= VOCAB.first_byte for token in original)
        assert len(original) - len(kept) == round(settings.noise_rate * num_text)
        assert len(text) <= len(original)
        rest = sorted(original)
        for token in kept:
            rest.remove(token)  # every kept token is one of the document's
        if not settings.permute_sentences:
            assert is_subsequence(kept, original)
        if original[-1] == VOCAB.eos and VOCAB.mask not in text:
            assert text[-1] == VOCAB.eos


def check_alexatm(rows: Rows, batch: Batch) -> None:
    targets = written(batch)
    for place, text in split(batch.inputs, batch.segments).items():
        original = originals(rows)[place]
        if text[0] == VOCAB.clm:
            assert text[1:] + targets[place] == original
            assert targets[place]
        else:
            assert targets[place] == original
            assert is_subsequence(text, original)
        assert VOCAB.mask not in text


def check_prefix_lm(rows: Rows, batch: Batch) -> None:
    assert rows.part is not None
    sources = split(rows.ids, rows.segments * (rows.part == 0))
    targets = split(rows.ids, rows.segments * (rows.part == 1))
    if batch.decoder is not None:
        assert split(batch.inputs, batch.segments) == sources
        assert written(batch) == targets
        return
    check_next_tokens(rows, batch)
    assert batch.predict is not None
    assert batch.prefix is not None
    row, slot = np.nonzero(batch.weights)
    place = batch.predict[row, slot]
    assert np.array_equal(batch.targets[row, slot], rows.ids[row, place])
    chosen = np.zeros(rows.ids.shape, bool)
    chosen[row, place] = True
    assert np.array_equal(chosen, rows.part == 1)
    seen = split(batch.inputs, batch.segments * batch.prefix)
    assert seen == {place: [VOCAB.bos, *source] for place, source in sources.items()}


def check_next_tokens(rows: Rows, batch: Batch) -> None:
    for place, text in split(batch.inputs, batch.segments).items():
        assert text == [VOCAB.bos, *originals(rows)[place][:-1]]


def check_layout(tokens: Tokens) -> None:
    """Each document in one piece, positions counted from 0, nothing in the padding."""
    for segments, positions in zip(tokens.segments, tokens.positions, strict=True):
        real = segments > 0
        assert np.array_equal(real, np.sort(real)[::-1])
        assert np.all(np.diff(segments[real]) >= 0)
        for segment in np.unique(segments[real]):
            assert np.array_equal(positions[segments == segment], np.arange((segments == segment).sum()))
    assert not np.any(tokens.ids[tokens.segments == 0])
    assert {array.dtype for array in tokens} == {np.dtype(np.int32)}


@pytest.mark.parametrize("name", SETTINGS)
@given(data=st.data(), seed=st.integers(0, 99), narrow=st.booleans())
def test_what_is_read_and_what_is_written_are_the_document(
    name: str, data: st.DataObject, seed: int, narrow: bool
) -> None:
    rows = data.draw(packed(name))
    before = rows.ids.copy()
    chosen = objective(name, rows.ids.shape[1])
    batch = (fitted(chosen, rows) if narrow else chosen)(rows, np.random.default_rng(seed))
    assert np.array_equal(rows.ids, before)
    settings, kind = SETTINGS[name]
    match settings:
        case config.SpanCorruption():
            check_span_corruption(rows, batch)
        case config.Deshuffle():
            check_deshuffle(rows, batch)
        case config.Denoise():
            check_denoise(settings, rows, batch)
        case config.AlexaTM():
            check_alexatm(rows, batch)
        case config.PrefixLM():
            check_prefix_lm(rows, batch)
        case _:
            check_next_tokens(rows, batch)
            assert split(batch.targets, batch.weights * batch.segments) == originals(rows)

    check_layout(Tokens(batch.inputs, batch.segments, batch.positions))
    assert set(np.unique(batch.weights)) <= {0.0, 1.0}
    if kind == "encoder-decoder":
        assert batch.decoder is not None
        check_layout(batch.decoder)
        read = split(batch.inputs, batch.segments)
        shifted = split(batch.decoder.ids, batch.decoder.segments)
        assert read.keys() == shifted.keys() == originals(rows).keys()  # both stacks under the same numbers
        assert all(shifted[place] == [VOCAB.bos, *target[:-1]] for place, target in written(batch).items())
        assert np.array_equal(batch.weights > 0, batch.decoder.segments > 0)
        assert not np.any(batch.targets[batch.weights == 0])
        for place, text in read.items():
            special = [token for token in text if token in (VOCAB.unk, VOCAB.eos)]
            sent = [token for token in originals(rows)[place] if token in (VOCAB.unk, VOCAB.eos)]
            if name != "alexatm" and not name.startswith("prefix-lm"):
                assert special == sent  # special pieces are never corrupted


@pytest.mark.parametrize("name", SETTINGS)
def test_shapes_depend_on_the_rows_shape_alone_and_draws_on_the_generator_alone(name: str) -> None:
    rng = np.random.default_rng(0)
    chosen = objective(name, 32)
    shapes = set()
    for sizes in ([30], [1] * 20, [2, 9, 17]):
        texts = [rng.integers(VOCAB.first_byte, VOCAB.size, size) for size in sizes]
        rows = pack(texts, 32)
        if name.startswith("prefix-lm"):
            rows = pack_pairs([(text[: len(text) // 2 + 1], text[-1:]) for text in texts], 32)
        rows = rows.take(np.zeros(1, int))
        batch = chosen(rows, np.random.default_rng(5))
        again = chosen(rows, np.random.default_rng(5))
        assert flat(batch) == flat(again)
        shapes.add(tuple(None if a is None else a.shape for a in [*batch[:7], *(batch.decoder or ())]))
    assert len(shapes) == 1


def flat(batch: Batch) -> bytes:
    arrays = [*batch[:7], *(batch.decoder or ())]
    return b"".join(array.tobytes() for array in arrays if array is not None)


@pytest.mark.parametrize(
    ("settings", "changes"),
    [
        (config.SpanCorruption(), ({"noise_rate": 0.3}, {"mean_span": 1.5})),
        (config.Denoise(), ({"noise_rate": 0.15}, {"poisson_mean": 1.0}, {"permute_sentences": False})),
        (config.AlexaTM(), ({"noise_rate": 0.3}, {"mean_span": 1.5}, {"causal_rate": 0.8})),
    ],
)
def test_every_setting_changes_the_batch(settings: config.Objective, changes: tuple[dict[str, object], ...]) -> None:
    rows = pack([np.random.default_rng(1).integers(VOCAB.first_byte, VOCAB.size, 64) for _ in range(4)], 64)

    def batch(some: config.Objective) -> bytes:
        model = config.Model(kind="encoder-decoder")
        made = build(some, VOCAB, STARTS_WORD, ENDS_SENTENCE, model=model, length=64)
        return flat(made(rows, np.random.default_rng(3)))

    assert {name for change in changes for name in change} == set(type(settings).model_fields) - {"kind"}
    base = batch(settings)
    for change in changes:
        assert batch(settings.model_copy(update=change)) != base, change
    assert flat(objective("deshuffle", 64)(rows, np.random.default_rng(3))) != flat(
        objective("deshuffle", 64)(rows, np.random.default_rng(4))
    )


def test_documents_end_with_eos_for_every_objective_but_the_masked_lm_over_documents() -> None:
    assert document_end(config.MaskedLM(), VOCAB) is None
    assert document_end(config.MaskedLM(kind="translation-lm"), VOCAB) == VOCAB.eos
    for settings, _ in SETTINGS.values():
        assert document_end(settings, VOCAB) == VOCAB.eos


def test_a_masked_lm_neither_chooses_nor_draws_special_pieces_that_stand_among_the_others() -> None:
    vocab = PublishedVocab(size=120, pad=0, unk=100, bos=101, eos=102, mask=103, first_text=1)  # mBERT's order
    roles = [vocab.pad, vocab.unk, vocab.bos, vocab.eos, vocab.mask]
    starts_word, ends_sentence = np.ones(vocab.size, bool), np.zeros(vocab.size, np.int8)
    text = np.array([vocab.bos, *range(104, 116), vocab.unk, vocab.eos])
    rows = pack([text] * 200, len(text))
    for whole_words in (False, True):
        settings = config.MaskedLM(mask_rate=0.5, replace_rate=0.0, random_rate=1.0, whole_words=whole_words)
        masked = build(settings, vocab, starts_word, ends_sentence, model=config.Model(), length=len(text))
        batch = masked(rows, np.random.default_rng(0))
        assert batch.predict is not None
        real = batch.weights > 0
        drawn = np.take_along_axis(batch.inputs, batch.predict, axis=1)[real]
        assert real.sum() == 200 * 6
        assert not np.isin(batch.targets[real], roles).any()
        assert set(drawn.tolist()) == set(range(vocab.size)) - set(roles)

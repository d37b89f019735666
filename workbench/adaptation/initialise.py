"""What a new piece's vector is made of: a mixture of the old pieces' vectors, a row of weights per new piece.

A new piece that the old vocabulary has keeps its vector and needs no row; see `same_pieces`. A row of zeros says that
nothing is known: `surgery` falls back to the mean then, and counts it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Protocol

import numpy as np
import scipy.sparse as sparse

from workbench.adaptation.static_vectors import static_vectors, unit
from workbench.languages import words
from workbench.records import Lexicon
from workbench.tokenizer.processor import WORD_START
from workbench.vocab import Vocab

NEIGHBOURS, TEMPERATURE = 10, 0.1  # Minixhofer et al. 2022, section 3.2
MIN_COUNT = 2  # of a pivot word, to have a static vector
ROLES = ("pad", "unk", "bos", "eos", "mask")


class Cutter(Protocol):
    """What is needed of a tokenizer, ours or a published one. `spelt`: pieces as SentencePiece writes them."""

    @property
    def vocab(self) -> Vocab: ...

    @property
    def spelt(self) -> tuple[str, ...]: ...

    def encode_all(self, texts: Sequence[str]) -> list[np.ndarray]: ...


def is_text(cutter: Cutter) -> np.ndarray:
    """Which pieces are neither special nor bytes. Shapes: -> [V] bool"""
    found = np.arange(cutter.vocab.size) >= cutter.vocab.first_piece
    found[[getattr(cutter.vocab, role) for role in ROLES]] = False
    return found & np.array([piece != "" for piece in cutter.spelt])


def same_pieces(old: Cutter, new: Cutter) -> np.ndarray:
    """The old id of each new piece, -1 where there is none. Special pieces are the same by what they are for.

    Shapes: -> [V'] int64
    """
    found = np.full(new.vocab.size, -1, np.int64)
    texts = [is_text(cutter) for cutter in (old, new)]
    by_kind: tuple[dict[str, int], dict[str, int]] = ({}, {})  # special pieces and bytes; text
    for id, piece in enumerate(old.spelt):
        if piece:
            by_kind[int(texts[0][id])][piece] = id
    for id, piece in enumerate(new.spelt):
        found[id] = by_kind[int(texts[1][id])].get(piece, -1)
    for role in ROLES:
        found[getattr(new.vocab, role)] = getattr(old.vocab, role)
    return found


def subword_average(old: Cutter, new: Cutter, missing: np.ndarray) -> sparse.csr_matrix:
    """The mean of what the old tokenizer cuts the piece into; bytes, where it does not know the script.

    A piece that does not start a word is cut behind a word's start, which is then left out.

    Shapes: missing [N] ids -> [N, V]
    """
    weights = sparse.lil_matrix((len(missing), old.vocab.size))
    start = [id for id, piece in enumerate(old.spelt) if piece == WORD_START]
    texts = is_text(new)
    encoded = old.encode_all([new.spelt[id].replace(WORD_START, " ") if texts[id] else "" for id in missing])
    for row, (id, ids) in enumerate(zip(missing, encoded, strict=True)):
        if not new.spelt[id].startswith(WORD_START) and len(ids) > 1 and ids[0] in start:
            ids = ids[1:]
        for other in ids:
            weights[row, other] += 1.0 / len(ids)
    return weights.tocsr()


def lexicon_aligned(
    old: Cutter,
    new: Cutter,
    missing: np.ndarray,
    lexicons: Sequence[Lexicon],
    pivot_texts: Sequence[str],
    *,
    neighbours: int = NEIGHBOURS,
    temperature: float = TEMPERATURE,
) -> sparse.csr_matrix:
    """The softmax-weighted mean of the `neighbours` most similar old pieces, in a static space of the pivot's words.

    A word of the pivot has the vector of its contexts in `pivot_texts`, a word of the target that of its translations;
    a piece has the mean over the words that it is a part of, by their frequency in the pivot.

    Shapes: missing [N] ids -> [N, V]
    Source: Minixhofer, Paischer & Rekabsaz 2022, WECHSEL, section 3 (2022.naacl-main.293). Theirs turns a static space
        of the target onto the source's by the lexicon; a language without text has none, so the lexicon itself takes
        its words there.
    """
    sentences = [[word.lower() for word in words(text)] for text in pivot_texts]
    counts = Counter(word for sentence in sentences for word in sentence)
    number = {word: place for place, word in enumerate(sorted(word for word in counts if counts[word] >= MIN_COUNT))}
    if len(number) < 2:
        return sparse.csr_matrix((len(missing), old.vocab.size))
    texts = [np.array([number[word] for word in sentence if word in number], np.int64) for sentence in sentences]
    vectors = static_vectors(texts, len(number))  # [W, D]
    known = list(number)
    here = _piece_vectors(old, known, vectors, np.array([counts[word] for word in known], np.float64))
    there_words, there_vectors, there_counts = _translated(lexicons, counts, number, vectors)
    there = _piece_vectors(new, there_words, there_vectors, there_counts)[missing]
    return _nearest(there, here, neighbours, temperature)


def _translated(
    lexicons: Sequence[Lexicon], counts: Counter[str], number: dict[str, int], vectors: np.ndarray
) -> tuple[list[str], np.ndarray, np.ndarray]:
    """Every translation of words that have vectors: its spelling, vector, and share of its source's frequency."""
    found: list[str] = []
    rows: list[np.ndarray] = []
    frequencies: list[float] = []
    for lexicon in lexicons:
        for key, translations in lexicon.entries.items():
            parts = [word for word in map(str.lower, words(key)) if word in number]
            if not parts:
                continue
            vector = vectors[[number[word] for word in parts]].mean(axis=0)
            frequency = min(counts[word] for word in parts)
            total = sum(one.weight for one in translations)
            for one in translations:
                found.append(one.word)
                rows.append(vector)
                frequencies.append(frequency * one.weight / total)
    return found, np.array(rows).reshape(len(found), vectors.shape[1]), np.array(frequencies)


def _piece_vectors(cutter: Cutter, spelt: Sequence[str], vectors: np.ndarray, counts: np.ndarray) -> np.ndarray:
    """Of each text piece the mean direction of the words that it is a part of. Shapes: vectors [W, D] -> [V, D]"""
    encoded = cutter.encode_all(spelt)
    lengths = [len(ids) for ids in encoded]
    whose = np.repeat(np.arange(len(spelt)), lengths)
    pieces = np.concatenate([np.zeros(0, np.int64), *encoded]).astype(np.int64)
    shape = (cutter.vocab.size, len(spelt))
    parts = sparse.csr_matrix((counts[whose], (pieces, whose)), shape=shape)
    return unit((parts @ vectors) * is_text(cutter)[:, None])


def _nearest(there: np.ndarray, here: np.ndarray, neighbours: int, temperature: float) -> sparse.csr_matrix:
    """Softmax over the nearest by cosine. Shapes: there [N, D], here [V, D] -> [N, V]"""
    candidates = np.flatnonzero(np.any(here != 0.0, axis=1))
    weights = sparse.lil_matrix((len(there), len(here)))
    for row in np.flatnonzero(np.any(there != 0.0, axis=1)):
        similar = here[candidates] @ there[row]
        best = np.argsort(-similar, kind="stable")[:neighbours]
        shares = np.exp((similar[best] - similar[best[0]]) / temperature)
        weights[row, candidates[best]] = shares / shares.sum()
    return weights.tocsr()


def overlap(
    old: Cutter, new: Cutter, missing: np.ndarray, same: np.ndarray, target_texts: Sequence[str]
) -> sparse.csr_matrix:
    """The sparsemax-weighted mean of pieces that both vocabularies have, in a static space of the target's pieces.

    Shapes: missing [N] ids, same [V'] as `same_pieces` -> [N, V]
    Source: Dobler & de Melo 2023, FOCUS, section 3 (2023.emnlp-main.829). Theirs trains fastText on the target's text;
        here the space is `static_vectors`, which a small text suffices for.
    """
    vectors = static_vectors(new.encode_all(target_texts), new.vocab.size)
    anchors = np.flatnonzero((same >= 0) & is_text(new) & np.any(vectors != 0.0, axis=1))
    known = np.flatnonzero(np.any(vectors[missing] != 0.0, axis=1))
    if not len(anchors) or not len(known):
        return sparse.csr_matrix((len(missing), old.vocab.size))
    shares = sparsemax(vectors[missing[known]] @ vectors[anchors].T)
    rows, columns = np.nonzero(shares)
    places = (known[rows], same[anchors[columns]])
    return sparse.csr_matrix((shares[rows, columns], places), shape=(len(missing), old.vocab.size))


def sparsemax(scores: np.ndarray) -> np.ndarray:
    """The nearest point of the simplex to each row: weights that sum to 1, most of them 0.

    Shapes: [N, V] -> [N, V]
    Source: Martins & Astudillo 2016, algorithm 1 (arXiv 1602.02068).
    """
    falling = -np.sort(-scores, axis=1)
    sums = np.cumsum(falling, axis=1) - 1.0
    sizes = np.arange(1, scores.shape[1] + 1)
    support = np.count_nonzero(falling * sizes > sums, axis=1)
    threshold = sums[np.arange(len(scores)), support - 1] / support
    projected: np.ndarray = np.maximum(scores - threshold[:, None], 0.0)
    return projected

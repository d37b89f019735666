"""Duplicates, exact and near, over any number of shards: three stages of shard -> shard work, memory bounded.

1. `sign`: a shard of documents -> one array with, for each document, a hash of its text and the MinHash of its
   character 5-grams, and hashes of the bands of that MinHash.
2. `match`: one band, and of it the keys that fall to one bucket -> the documents that have an earlier twin. Exact: the
   same text. Near: the same band, and an estimated Jaccard similarity of at least the threshold with one of the first
   few earlier ones. Earlier means an earlier shard, or an earlier line of the same.
3. `write`: a shard, without the documents that any match names.

Documents of different languages are never duplicates of each other: a name is a name in both.

Source: Broder 1997, "On the resemblance and containment of documents"; bands as in Leskovec, Rajaraman and Ullman,
"Mining of Massive Datasets", section 3.4, with datasketch's MinHash and its choice of bands for a threshold.
"""

from __future__ import annotations

import hashlib
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from workbench.errors import BadInput
from workbench.files import atomic_open, read_json
from workbench.records import Document
from workbench.sources import shards

NUM_PERMUTATIONS = 128
NGRAM = 5
EARLIER = 8  # of a band's earlier documents, how many a near-duplicate is compared with
BUCKET_ROWS = 200_000  # of a band, how many keys one match has in memory: some 3 MB, and as much to sort them
BATCH_ROWS = 20_000  # of how many documents MinHashes are in memory at once: 10 MB

_MATCH = np.dtype([("shard", "<u4"), ("row", "<u4")])


@dataclass(frozen=True, slots=True)
class Near:
    """How near is a duplicate: Jaccard similarity of character 5-grams."""

    threshold: float = 0.8

    def __post_init__(self) -> None:
        if not 0.3 <= self.threshold <= 1.0:
            raise BadInput(f"near-duplicates: wanted a threshold between 0.3 and 1, got {self.threshold}")


def bands(near: Near) -> tuple[int, int]:
    """(bands, rows of each) that datasketch takes for the threshold, where a miss weighs far more than a false hit.

    Each hit is checked by the whole signature afterwards. At 0.8: 17 bands of 7, which meet in 98 % of the pairs as
    near as that, and in 99.9 % of those at 0.85: 1 - (1 - s^7)^17.
    """
    lsh = import_module("datasketch").MinHashLSH(
        threshold=near.threshold, num_perm=NUM_PERMUTATIONS, weights=(0.02, 0.98)
    )
    return int(lsh.b), int(lsh.r)


# Shapes: a signature file is one row of uint32: keys [2 * (1 + bands), N], the low and high halves of each, so that a
# match reads its own band in one go; then MinHashes [N, NUM_PERMUTATIONS], each in one place, for few are ever read.


def sign(path: Path, output: Path, near: Near | None) -> shards.Counts:
    """The signatures of one shard."""
    num_bands, width = bands(near) if near else (0, 0)
    keys, minhashes = [np.zeros((0, 2 * (1 + num_bands)), "<u4")], [np.zeros(0, "<u4")]
    for document, minhash in _hashed(path, near):
        keys.append(_keys_of(document, minhash, num_bands, width)[None])
        if minhash is not None:
            minhashes.append(minhash.astype("<u4"))
    with atomic_open(output) as file:
        np.save(file, np.concatenate([np.concatenate(keys).T.ravel(), *minhashes]), allow_pickle=False)
    return {"signed": len(keys) - 1}


def _hashed(path: Path, near: Near | None) -> Iterator[tuple[Document, NDArray[np.uint32] | None]]:
    if near is None:
        for document in shards.read(path):
            yield document, None
        return
    minhash = import_module("datasketch").MinHash
    empty = minhash(num_perm=NUM_PERMUTATIONS, seed=1, hashfunc=zlib.crc32, scheme="affine32")
    for document in shards.read(path):
        made = empty.copy()
        made.update_batch(ngrams(document.text))
        yield document, made.hashvalues


def ngrams(text: str) -> set[bytes]:
    """The character 5-grams of a text without case, as bytes; a shorter text is one n-gram."""
    folded = text.casefold()
    return {folded[at : at + NGRAM].encode() for at in range(max(1, len(folded) - NGRAM + 1))}


def _keys_of(document: Document, minhash: NDArray[np.uint32] | None, num_bands: int, width: int) -> NDArray[np.uint32]:
    """Shapes: -> [2 * (1 + bands)]"""
    lang = document.lang.tag.encode()
    keys = [_key(b"exact", lang, document.text.encode())]
    if minhash is not None:
        raw = np.ascontiguousarray(minhash, "<u4").tobytes()
        keys += [_key(b"%d" % band, lang, raw[4 * width * band : 4 * width * (band + 1)]) for band in range(num_bands)]
    return np.frombuffer(b"".join(keys), "<u4")


def _key(kind: bytes, lang: bytes, data: bytes) -> bytes:
    return hashlib.blake2b(data, digest_size=8, person=kind, salt=lang[:16]).digest()


def tasks(signatures: list[Path], near: Near | None) -> dict[str, Any]:
    """name -> content of the match tasks: every band, cut into buckets of bounded size."""
    num_bands = bands(near)[0] if near else 0
    total = sum(_opened(path, num_bands).keys.shape[1] for path in signatures)
    num_buckets = max(1, -(-total // BUCKET_ROWS))
    names = [path.name for path in signatures]
    return {
        f"band-{band:02d}-{bucket:05d}": {"band": band, "bucket": bucket, "buckets": num_buckets, "shards": names}
        for band in range(1 + num_bands)
        for bucket in range(num_buckets)
    }


def match(path: Path, output: Path, signatures: Path, near: Near | None) -> shards.Counts:
    """One task: which documents have an earlier twin in this band and bucket. Band 0 is the text itself."""
    task = read_json(path)
    band = task["band"]
    files = [signatures / name for name in task["shards"]]
    num_bands = bands(near)[0] if near else 0
    keys, places = _keys(files, num_bands, band, task["bucket"], task["buckets"])
    order = np.argsort(keys, kind="stable")
    keys, places = keys[order], places[order]
    starts = np.flatnonzero(np.r_[keys[:1] == keys[:1], keys[1:] != keys[:-1]])
    lengths = np.diff(np.r_[starts, len(keys)])
    groups = [
        places[start : start + length] for start, length in zip(starts[lengths > 1], lengths[lengths > 1], strict=True)
    ]
    if near is None or band == 0:
        found = [group[1:] for group in groups]
    else:
        found = []
        for batch in _batches(groups):
            minhashes = _minhashes(files, num_bands, np.concatenate([np.concatenate(piece) for piece in batch]))
            ends = np.cumsum([len(earlier) + len(places) for earlier, places in batch])
            for (earlier, places), end in zip(batch, ends, strict=True):
                of_piece = minhashes[end - len(earlier) - len(places) : end]
                found.append(places[_near(of_piece, len(earlier), near.threshold)])
    twins = np.concatenate(found) if found else np.zeros(0, _MATCH)
    with atomic_open(output) as file:
        np.save(file, twins, allow_pickle=False)
    return {"exact twins" if band == 0 else "near twins": len(twins)}


Piece = tuple[NDArray[Any], NDArray[Any]]  # places of a group, and the first few before them


def _batches(groups: list[NDArray[Any]]) -> Iterator[list[Piece]]:
    """All places of the groups, in pieces that together have a bounded number of documents."""
    batch: list[Piece] = []
    size = 0
    for group in groups:
        start = 0
        while start < len(group):
            earlier = group[: min(start, EARLIER)]
            room = max(1, BATCH_ROWS - size - len(earlier))
            places = group[start : start + room]
            batch.append((earlier, places))
            start += len(places)
            size += len(earlier) + len(places)
            if size >= BATCH_ROWS:
                yield batch
                batch, size = [], 0
    if batch:
        yield batch


def _minhashes(files: list[Path], num_bands: int, places: NDArray[Any]) -> NDArray[np.uint32]:
    """The MinHash of each place; one file is mapped at a time, for mapped pages are memory too.

    Shapes: [N, NUM_PERMUTATIONS]
    """
    out = np.empty((len(places), NUM_PERMUTATIONS), "<u4")
    for shard in np.unique(places["shard"]):
        mine = np.flatnonzero(places["shard"] == shard)
        out[mine] = _opened(files[shard], num_bands).minhashes[places["row"][mine]]
    return out


def _keys(
    files: list[Path], num_bands: int, band: int, bucket: int, num_buckets: int
) -> tuple[NDArray[np.uint64], NDArray[Any]]:
    """The band's keys that fall to the bucket, and whose they are; one file is mapped at a time."""
    all_keys, all_places = [], []
    for shard, file in enumerate(files):
        table = _opened(file, num_bands).keys
        keys = (table[2 * band + 1].astype("<u8") << np.uint64(32)) | table[2 * band].astype("<u8")
        rows = np.flatnonzero(keys % np.uint64(num_buckets) == bucket)
        places = np.empty(len(rows), _MATCH)
        places["shard"], places["row"] = shard, rows
        all_keys.append(keys[rows])
        all_places.append(places)
    return np.concatenate(all_keys), np.concatenate(all_places)


def _near(piece: NDArray[np.uint32], num_earlier: int, threshold: float) -> list[int]:
    """Which documents of a piece, counted behind the earlier ones of its group, are near one of the group's first few.

    Shapes: [N, NUM_PERMUTATIONS]
    """
    if len(piece) == 2 and num_earlier == 0:  # as most are
        return [1] if np.count_nonzero(piece[0] == piece[1]) >= threshold * NUM_PERMUTATIONS else []
    return [
        place - num_earlier
        for place in range(max(1, num_earlier), len(piece))
        if (piece[: min(place, EARLIER)] == piece[place]).mean(axis=1).max() >= threshold
    ]


def write(path: Path, output: Path, shard: int, matches: tuple[Path, ...]) -> shards.Counts:
    """A shard without its twins."""
    exact, near = set[int](), set[int]()
    for file in matches:
        twins = _load(file)
        rows = twins["row"][twins["shard"] == shard].tolist()
        (exact if file.name.startswith("band-00-") else near).update(rows)
    num_kept = 0
    with atomic_open(output) as kept:
        for row, document in enumerate(shards.read(path)):
            if row not in exact and row not in near:
                kept.write(f"{shards.to_json(document)}\n".encode())
                num_kept += 1
    return {"kept": num_kept, "exact duplicates": len(exact), "near duplicates": len(near - exact)}


class Signatures(NamedTuple):
    """Of one shard, mapped.

    Shapes: keys [2 * (1 + bands), N], minhashes [N, NUM_PERMUTATIONS], or [0, 1] where none were made
    """

    keys: NDArray[np.uint32]
    minhashes: NDArray[np.uint32]


def _opened(path: Path, num_bands: int) -> Signatures:
    flat = _load(path)
    num_keys = 2 * (1 + num_bands)
    width = NUM_PERMUTATIONS if num_bands else 0
    num = len(flat) // (num_keys + width)
    return Signatures(flat[: num_keys * num].reshape(num_keys, num), flat[num_keys * num :].reshape(-1, width or 1))


def _load(path: Path) -> NDArray[Any]:
    """An array of ours, mapped into memory (an empty one cannot be, and is read)."""
    try:
        try:
            table: NDArray[Any] = np.load(path, mmap_mode="r", allow_pickle=False)
        except ValueError:
            table = np.load(path, allow_pickle=False)
    except (OSError, ValueError, EOFError) as error:
        raise BadInput(f"{path}: not an array of ours ({error}); remove it, the same command makes it anew") from error
    return table

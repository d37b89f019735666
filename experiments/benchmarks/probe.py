"""Exact retrieval against faiss-cpu (`IndexFlatIP`) and scikit-learn, in turns within one run; equal results checked.

    uv run --group bench python experiments/benchmarks/probe.py [--rounds 7] [--out FILE]

512 dimensions, the 10 nearest by cosine: 5,000 among 5,000 and 1,024 among 50,000; and all of CSLS (crowding both
ways, then the 10 nearest by it) at 5,000 among 5,000, against faiss searching both ways and re-ranking its 10, which
is less work and not always the same answer. Every library may use all the cores that this process may.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import faiss
import numpy as np
import sklearn
import timing
from sklearn.neighbors import NearestNeighbors
from threadpoolctl import threadpool_info

from workbench.evaluation.neighbours import neighbours, unit
from workbench.files import write_json

RESULT = Path(__file__).parent / "results" / "probe-cpu.json"
WIDTH, K = 512, 10
SIZES = {"5k": (5_000, 5_000), "50k": (1_024, 50_000)}  # queries, candidates
GOALS = {"cosine 5k faiss": 1.0, "cosine 50k faiss": 1.0, "csls 5k faiss": 0.9}


def vectors(num_queries: int, num_candidates: int) -> tuple[np.ndarray, np.ndarray]:
    """Queries that are each near to one candidate, as translations are."""
    rng = np.random.default_rng(0)
    candidates = unit(rng.standard_normal((num_candidates, WIDTH)).astype(np.float32))
    noise = unit(rng.standard_normal((num_queries, WIDTH)).astype(np.float32))
    return unit(candidates[:num_queries] + noise), candidates


def by_faiss(queries: np.ndarray, candidates: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Index and score of the nearest; building the index is part of the search, as it is of ours."""
    index = faiss.IndexFlatIP(WIDTH)
    index.add(candidates)
    score, found = index.search(queries, K)
    return found, score


def by_sklearn(queries: np.ndarray, candidates: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    found = NearestNeighbors(n_neighbors=K, metric="cosine", algorithm="brute").fit(candidates)
    distance, index = found.kneighbors(queries)
    return index, 1.0 - distance


def csls_by_faiss(queries: np.ndarray, candidates: np.ndarray) -> np.ndarray:
    """The 10 nearest by cosine, put in the order of CSLS."""
    found, score = by_faiss(queries, candidates)
    crowd_there = by_faiss(candidates, queries)[1].mean(axis=1)
    better = 2 * score - score.mean(axis=1, keepdims=True) - crowd_there[found]
    return np.take_along_axis(found, np.argsort(-better, axis=1), axis=1)


def check(queries: np.ndarray, candidates: np.ndarray) -> dict[str, float]:
    """Share of nearest neighbours that are the same; where not, the scores differ by rounding."""
    ours, (index, score) = neighbours(queries, candidates, K), by_faiss(queries, candidates)
    np.testing.assert_allclose(ours.score, score, atol=1e-5)
    agree = float((ours.index == index).mean())
    different = ours.index != index
    assert np.abs(ours.score - score)[different].max(initial=0.0) < 1e-5
    sklearn_score = by_sklearn(queries, candidates)[1]
    np.testing.assert_allclose(ours.score, sklearn_score, atol=1e-5)
    return {"same neighbours as faiss": round(agree, 6)}


def check_csls(queries: np.ndarray, candidates: np.ndarray) -> dict[str, float]:
    """All of CSLS against itself in float64, pair by pair; and how often re-ranking ten finds the same nearest."""
    cosines = queries.astype(np.float64) @ candidates.T.astype(np.float64)
    crowd = np.sort(cosines, axis=1)[:, -K:].mean(axis=1)[:, None] + np.sort(cosines, axis=0)[-K:].mean(axis=0)
    wanted = 2 * cosines - crowd
    ours = neighbours(queries, candidates, K, "csls")
    np.testing.assert_allclose(ours.score, -np.sort(-wanted, axis=1)[:, :K], atol=1e-5)
    reranked = csls_by_faiss(queries, candidates)[:, 0]
    return {
        "right nearest": float((ours.index[:, 0] == wanted.argmax(axis=1)).mean()),
        "right nearest of ten re-ranked by faiss": float((reranked == wanted.argmax(axis=1)).mean()),
    }


Work = Callable[[np.ndarray, np.ndarray], object]


def compare(
    name: str, variants: dict[str, Work], queries: np.ndarray, candidates: np.ndarray, rounds: int
) -> tuple[dict[str, Any], dict[str, float]]:
    """The record, and how many times faster ours is than each peer, in wall time."""

    def run(work: Work) -> None:
        work(queries, candidates)

    found = timing.interleave({key: partial(run, work) for key, work in variants.items()}, rounds)
    peers = [key for key in variants if key != "workbench"]
    return found.record("workbench"), {f"{name} {key}": found.ratio("workbench", key, "wall").median for key in peers}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--out", type=Path, default=RESULT, help="the result file")
    options = parser.parse_args()
    threads = {Path(one["filepath"]).name: one["num_threads"] for one in threadpool_info()}
    versions = {"faiss": faiss.__version__, "numpy": np.__version__, "scikit-learn": sklearn.__version__}
    records: dict[str, Any] = {"versions": versions, "threads": threads, "checks": {}}
    by_cosine: dict[str, Work] = {"workbench": partial(neighbours, k=K), "faiss": by_faiss, "sklearn": by_sklearn}
    by_csls: dict[str, Work] = {"workbench": partial(neighbours, k=K, measure="csls"), "faiss": csls_by_faiss}
    ratios: dict[str, float] = {}
    for name, variants in (("cosine 5k", by_cosine), ("cosine 50k", by_cosine), ("csls 5k", by_csls)):
        queries, candidates = vectors(*SIZES[name.split()[1]])
        records["checks"][name] = (check if variants is by_cosine else check_csls)(queries, candidates)
        records[name], found = compare(name, variants, queries, candidates, options.rounds)
        ratios |= found
        for peer, clocks in records[name]["ratios"].items():
            shown = ", ".join(f"{by} {r['median']:.2f} ({r['low']:.2f}-{r['high']:.2f})" for by, r in clocks.items())
            print(f"{name:11} {peer:8} {shown}", flush=True)
    print(json.dumps(records["checks"]))
    write_json(options.out, records)
    print(timing.last_line(ratios, GOALS))


if __name__ == "__main__":
    main()

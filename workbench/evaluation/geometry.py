"""The shape of a representation: how alike two spaces are, how round one is, what it groups by.

Every function takes vectors of sentences or words and gives one number that a reader can compute again with another
library: the tests do.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from workbench.errors import BadInput
from workbench.evaluation.neighbours import neighbours, unit
from workbench.seeds import stream


def linear_cka(first: np.ndarray, second: np.ndarray) -> float:
    """Linear centred kernel alignment of two representations of the same N items: 1 up to rotation and scale.

    With fewer items than dimensions it is high for random vectors too: compare with a permuted order of the items. NaN
    where all items of one have the same vector, as in `rsa` and `iso_score`: there is nothing to compare.

    Shapes: first [N, D], second [N, E]
    Source: Kornblith et al. 2019, section 3 (arXiv 1905.00414).
    """
    x, y = (_centred(_same_items(first, second, index)) for index in (0, 1))
    if not (_varies(first) and _varies(second)):
        return float("nan")
    cross = np.linalg.norm(x.T @ y) ** 2
    return float(cross / (np.linalg.norm(x.T @ x) * np.linalg.norm(y.T @ y)))


def rsa(first: np.ndarray, second: np.ndarray) -> float:
    """Representational similarity: Spearman's correlation of the two sets of pairwise cosines of the same N items.

    Shapes: first [N, D], second [N, E]
    Source: Kriegeskorte et al. 2008 (doi 10.3389/neuro.06.004.2008).
    """
    from scipy.stats import spearmanr

    upper = np.triu_indices(len(first), 1)
    x, y = (unit(_same_items(first, second, index)) for index in (0, 1))
    if not (_varies(first) and _varies(second)):
        return float("nan")
    return float(spearmanr((x @ x.T)[upper], (y @ y.T)[upper]).statistic)


def mean_cosine(vectors: np.ndarray) -> float:
    """Mean cosine of two different vectors: 0 in an isotropic space, 1 where all point one way.

    Shapes: vectors [N >= 2, D]
    Source: Ethayarajh 2019, section 4.1 (D19-1006), there "anisotropy".
    """
    scaled = unit(vectors.astype(np.float64))
    n = len(scaled)
    total = float(np.square(scaled.sum(axis=0)).sum() - np.square(scaled).sum())
    return total / (n * (n - 1))


def iso_score(vectors: np.ndarray) -> float:
    """How evenly the variance is spread over the dimensions: 0 for one direction, 1 for all alike.

    Shapes: vectors [N, D >= 2]
    Source: Rudman et al. 2022, algorithm 1 (2022.findings-acl.262).
    """
    dims = vectors.shape[1]
    if dims < 2 or len(vectors) < 2:
        raise BadInput(f"isotropy: wanted at least two vectors of two dimensions, got {vectors.shape}")
    if not _varies(vectors):
        return float("nan")
    variances = np.linalg.eigvalsh(np.cov(vectors.astype(np.float64), rowvar=False))
    normalized = np.sqrt(dims) * variances / np.linalg.norm(variances)
    defect = np.linalg.norm(normalized - 1.0) / np.sqrt(2.0 * (dims - np.sqrt(dims)))
    share = (dims - defect**2 * (dims - np.sqrt(dims))) ** 2 / dims**2
    return float((dims * share - 1.0) / (dims - 1.0))


def hubness(queries: np.ndarray, candidates: np.ndarray | None = None, k: int = 10) -> float:
    """Skewness of how often each candidate is among the `k` nearest (cosine) of a query: 0 is fair, large means hubs.

    Without candidates, of the queries among themselves: none is its own neighbour.

    Shapes: queries [N, D], candidates [M, D]
    Source: Radovanović, Nanopoulos & Ivanović 2010, section 2.1 (JMLR 11).
    """
    from scipy.stats import skew

    if candidates is None:
        index = neighbours(queries, queries, min(k + 1, len(queries))).index
        itself = index == np.arange(len(queries))[:, None]
        itself[:, -1] |= ~itself.any(axis=1)  # among so many of its like that it is not found, the last one goes
        index, candidates = index[~itself], queries
    else:
        index = neighbours(queries, candidates, min(k, len(candidates))).index
    occurrences = np.bincount(index.ravel(), minlength=len(candidates))
    return float(skew(occurrences)) if np.ptp(occurrences) else 0.0


def centred_by_language(vectors: np.ndarray, langs: Sequence[str]) -> np.ndarray:
    """Each vector without its language's mean: what is left is neutral to language in the first moment.

    Shapes: vectors [N, D] -> [N, D]
    Source: Libovický, Rosa & Fraser 2020, section 3 (2020.findings-emnlp.150).
    """
    _, number = np.unique(np.asarray(langs), return_inverse=True)
    sums = np.zeros((number.max() + 1, vectors.shape[1]))
    np.add.at(sums, number, vectors)
    centred: np.ndarray = vectors - (sums / np.bincount(number)[:, None])[number]
    return centred


def language_probe(vectors: np.ndarray, langs: Sequence[str], groups: Sequence[str], seed: int) -> np.ndarray:
    """Can a linear classifier tell a sentence's language? Trained on half of the meanings, tested on the other half.

    `groups` names each vector's meaning, so that no sentence is tested whose translation was trained on.

    Shapes: -> [number tested] float64, 1 where right; chance is one over the number of languages (but of
        vectors that were centred by language, less: `probe_space.language`)
    Random: which meanings are trained on, from (seed, number of meanings).
    """
    from sklearn.linear_model import LogisticRegression
    from sklearn.preprocessing import StandardScaler

    names, labels = np.asarray(groups), np.asarray(langs)
    meanings = np.unique(names)
    if len(meanings) < 2 or len(np.unique(labels)) < 2:
        raise BadInput("language probe: wanted at least two languages and two meanings")
    trained = stream(seed, "language-probe", len(meanings)).permutation(meanings)[: len(meanings) // 2]
    is_train = np.isin(names, trained)
    scaler = StandardScaler().fit(vectors[is_train])
    classifier = LogisticRegression(max_iter=1000).fit(scaler.transform(vectors[is_train]), labels[is_train])
    right: np.ndarray = classifier.predict(scaler.transform(vectors[~is_train])) == labels[~is_train]
    return right.astype(np.float64)


@dataclass(frozen=True, slots=True)
class Grouping:
    """How far vectors group by a label. Silhouette (cosine) -1 to 1; V-measure of k-means clusters 0 to 1."""

    silhouette: float
    v_measure: float


def grouping(vectors: np.ndarray, labels: Sequence[str], seed: int) -> Grouping:
    """Do these vectors lie in clusters of one label: of one language, or of one meaning?

    Sources: Rousseeuw 1987 (doi 10.1016/0377-0427(87)90125-7); Rosenberg & Hirschberg 2007 (D07-1043).
    Random: the starts of k-means, from (seed, number of vectors).
    """
    from sklearn.cluster import KMeans
    from sklearn.metrics import silhouette_score, v_measure_score

    distinct = len(set(labels))
    if not 2 <= distinct < len(vectors):
        raise BadInput(f"grouping: wanted between 2 and {len(vectors) - 1} labels, got {distinct}")
    scaled = unit(vectors)
    state = int(stream(seed, "k-means", len(vectors)).integers(2**31))
    clusters = KMeans(distinct, n_init=4, random_state=state).fit_predict(scaled)
    return Grouping(
        silhouette=float(silhouette_score(scaled, list(labels), metric="cosine")),
        v_measure=float(v_measure_score(list(labels), clusters)),
    )


def _same_items(first: np.ndarray, second: np.ndarray, index: int) -> np.ndarray:
    if len(first) != len(second) or len(first) < 2:
        raise BadInput(f"wanted two representations of the same items, got {len(first)} and {len(second)} vectors")
    return (first, second)[index].astype(np.float64)


def _varies(vectors: np.ndarray) -> bool:
    """Beyond what rounding makes of one vector, which is not the same in batches of all shapes."""
    return bool(np.ptp(vectors, axis=0).max() > 1e-6 * np.abs(vectors).max())


def _centred(vectors: np.ndarray) -> np.ndarray:
    centred: np.ndarray = vectors - vectors.mean(axis=0)
    return centred

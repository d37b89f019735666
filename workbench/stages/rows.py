"""Result rows: a stage's measurements with the names that a table finds them by."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from workbench import languages
from workbench.config import Config
from workbench.evaluation import stats
from workbench.evaluation.alignment import Retrieval
from workbench.evaluation.document_bits import DocumentBits
from workbench.evaluation.predictions import Predicted
from workbench.evaluation.probe_rows import Row
from workbench.evaluation.translation_scores import Score
from workbench.records import Lang, Pair, Result
from workbench.stages.plan import Stage
from workbench.stages.source import Resources

INTERVAL_SEED = 0  # one for all arms: the same items are resampled alike


class Rows:
    """Collects the rows of one stage; `variant` is the row name of a table."""

    def __init__(self, stage: Stage, code: str) -> None:
        self.stage, self.code = stage, code
        self.found: list[Result] = []

    def bits(self, variant: str, lang: Lang, documents: Sequence[DocumentBits], metric: str, setting: str) -> None:
        """Bits per byte over documents, with a bootstrap interval over them."""
        interval = stats.bootstrap_ratio([d.bits for d in documents], [d.num_bytes for d in documents], INTERVAL_SEED)
        self._add(variant, "lm", lang, metric, interval, "bits per byte", False, setting)

    def retrieval(self, variant: str, pivot: Lang, lang: Lang, found: Retrieval) -> None:
        """Accuracy over sentences; the setting says method, layer and direction."""
        ways = {"pivot>target": f"{pivot.code}>{lang.code}", "target>pivot": f"{lang.code}>{pivot.code}"}
        layer = [f"layer={found.layer}"] if found.layer is not None else []
        setting = " ".join([found.method, *layer, ways[found.direction]])
        self._add(variant, "retrieval", lang, "accuracy", _mean(found.correct), "share", True, setting)

    def alignment(self, variant: str, data: str, found: Row) -> None:
        """Accuracy over the parallel sentences of `data`; the setting says which, method, layer and direction."""
        pivot, other = (tag.split("-")[0] for tag in (found.pivot, found.lang))
        way = f"{pivot}>{other}" if found.direction == "pivot>target" else f"{other}>{pivot}"
        layer = [f"layer={found.layer}"] if found.layer is not None else []
        assert found.low is not None
        assert found.high is not None
        over = stats.Interval(found.value, found.low, found.high, found.n)
        setting = " ".join([data, found.method, *layer, way])
        self._add(variant, "alignment", languages.parse(found.lang), found.metric, over, "share", True, setting)

    def accuracy(self, variant: str, lang: Lang, correct: np.ndarray, setting: str) -> None:
        """Share of intents that are right."""
        self._add(variant, "intents", lang, "accuracy", _mean(correct), "share", True, setting)

    def predicted(self, found: Predicted, lang: Lang) -> None:
        """Every metric of the task; where a language has several varieties, of each of them too."""
        for part in (found, *found.varieties().values()):
            top = part.head
            for one in part.scores():
                self._add(top.variant, top.task, lang, one.metric, one.interval, "share", True, top.setting)

    def translation(self, variant: str, lang: Lang, found: Score, setting: str) -> None:
        """A figure of sacreBLEU's; the setting says what was translated, and ends in the figure's signature."""
        over = stats.Interval(found.value, found.low, found.high, found.n)
        self._add(variant, "translation", lang, found.metric, over, "points", True, f"{setting} {found.signature}")

    def inflection(self, variant: str, lang: Lang, correct: np.ndarray) -> None:
        """Share of forms written exactly behind their prompts."""
        self._add(variant, "prompted-inflection", lang, "accuracy", _mean(correct), "share", True, "greedy")

    def mean(self, task: str, lang: Lang, metric: str, values: np.ndarray, unit: str, setting: str) -> None:
        """What a model's prompts were, on average over the items: how they fared, not how good they are."""
        self._add(self.stage.variant, task, lang, metric, _mean(values), unit, metric != "inputs_cut", setting)

    def fertility(self, lang: Lang, pieces: Sequence[int], of_bytes: Sequence[int], words: Sequence[int]) -> None:
        """How finely the run's tokenizer cuts a text, document by document: of no model, and of no seed's luck."""
        per_word = stats.bootstrap_ratio(pieces, words, INTERVAL_SEED)
        in_bytes = stats.bootstrap_ratio(of_bytes, pieces, INTERVAL_SEED)
        variant = self.stage.variant
        self._add(variant, "tokenizer", lang, "pieces_per_word", per_word, "pieces per word", False, "")
        self._add(variant, "tokenizer", lang, "byte_fallback_rate", in_bytes, "share", False, "")

    def cost(self, metric: str, value: float, unit: str, setting: str = "") -> None:
        """What the run took, or serving it takes: of no language, exact."""
        exact = stats.Interval(value, value, value, 1)
        self._add(self.stage.variant, "cost", None, metric, exact, unit, False, setting)

    def _add(
        self,
        variant: str,
        task: str,
        lang: Lang | None,
        metric: str,
        interval: stats.Interval,
        unit: str,
        higher_is_better: bool,
        setting: str,
    ) -> None:
        stage = self.stage
        self.found.append(
            Result(
                run=stage.folder.name,
                study=stage.study,
                variant=variant,
                seed=stage.seed,
                step=_steps(stage.config),
                task=task,
                lang=lang.tag if lang else "",
                split=stage.config.evaluate.split,
                metric=metric,
                value=round(interval.value, 6),
                n=interval.n,
                unit=unit,
                higher_is_better=higher_is_better,
                setting=setting,
                low=round(interval.low, 6),
                high=round(interval.high, 6),
                data_revision=stage.identity["data_revision"],
                code=self.code,
            )
        )


def _steps(config: Config) -> int:
    """Of the training that a study is about: of adapting, or where there are no targets of pretraining."""
    if not config.data.targets:
        return config.pretrain.steps
    return config.adapt.steps if config.adapt.resources else 0


def sentence_pairs(data: Resources, lang: Lang, split: str, max_pairs: int) -> list[Pair]:
    """The pairs that retrieval is measured on: the first `max_pairs` with distinct sentences on both sides."""
    kept: list[Pair] = []
    seen: set[str] = set()
    for pair in data.pairs(lang, "dev" if split == "dev" else "test"):
        sides = {"< " + pair.source.lower(), "> " + pair.target.lower()}
        if not sides & seen and len(kept) < max_pairs:
            kept.append(pair)
            seen |= sides
    return kept


def _mean(correct: np.ndarray) -> stats.Interval:
    return stats.bootstrap_mean(correct, INTERVAL_SEED)

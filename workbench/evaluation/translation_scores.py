"""Translations scored by sacreBLEU, and the translations that need no model: what a figure must be seen beside."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, assert_never

from workbench.config import TranslationMetric
from workbench.errors import Unavailable
from workbench.evaluation.floors import MAX_PHRASE
from workbench.languages import word_spans
from workbench.records import Lexicon
from workbench.synth.match import PhraseIndex, carry_case

if TYPE_CHECKING:
    from sacrebleu.metrics.base import Metric

NUM_RESAMPLES = 1000
FLORES200 = "flores200sacrebleuspm"  # what sacreBLEU calls the file
NAMES: dict[TranslationMetric, str] = {"bleu": "BLEU", "spbleu": "spBLEU", "chrf": "chrF", "chrf++": "chrF++"}


@dataclass(frozen=True, slots=True)
class Score:
    """sacreBLEU's number, its 95 % bootstrap interval, and the signature that it prints beside the number.

    Units: 0 to 100
    """

    metric: str
    value: float
    low: float
    high: float
    n: int
    signature: str


def score(hypotheses: Sequence[str], references: Sequence[str], metrics: Sequence[TranslationMetric]) -> list[Score]:
    """Each metric of the whole corpus, one reference a sentence.

    `spbleu` is BLEU over the pieces of FLORES-200's tokenizer, `chrf++` is chrF with words and their bigrams (word
    order 2; without it, it is chrF). It is what sacreBLEU computes with `--confidence`, to the last digit.

    Source: Post 2018 (W18-6319); Goyal et al. 2022 (2022.tacl-1.30); Popović 2017 (W17-4770).
    Raises: Unavailable where the tokenizer of `spbleu` is neither here nor to be fetched.
    Random: sacreBLEU's own resampling; its signature says the seed ($SACREBLEU_SEED, or 12345).
    """
    if len(hypotheses) != len(references) or len(references) < 2:
        raise ValueError(f"wanted as many hypotheses as references, two at least: {len(hypotheses)}, {len(references)}")
    found = []
    for name in metrics:
        metric = _of_floats(scorer(name))
        got = metric.corpus_score(list(hypotheses), [list(references)], n_bootstrap=NUM_RESAMPLES)
        signature = str(metric.get_signature()).replace(" ", "")
        low, high = (float(got._mean + way * got._ci) for way in (-1, 1))
        found.append(Score(NAMES[name], float(got.score), low, high, len(references), signature))
    return found


def _of_floats(metric: Metric) -> Metric:
    """Resamples score numpy's float32, or Python's float where nothing matches: a mixture that their mean refuses."""
    compute = metric._compute_score_from_stats

    def computed(stats: list[float]) -> Any:
        found = compute(stats)
        found.score = float(found.score)
        return found

    metric._compute_score_from_stats = computed  # type: ignore[method-assign]
    return metric


def scorer(name: TranslationMetric) -> Metric:
    """sacreBLEU's metric; see `score`."""
    from sacrebleu.metrics import BLEU, CHRF

    match name:
        case "bleu":
            return BLEU()
        case "chrf":
            return CHRF()
        case "chrf++":
            return CHRF(word_order=2)
        case "spbleu":
            try:
                return BLEU(tokenize="flores200")
            except (OSError, RuntimeError, SystemExit) as error:  # it exits where the TLS handshake fails
                from sacrebleu.utils import SACREBLEU_DIR

                raise Unavailable(
                    f"spBLEU needs FLORES-200's tokenizer, which sacreBLEU could not fetch or read ({error}); fetch "
                    "https://dl.fbaipublicfiles.com/large_objects/nllb/models/spm_200/"
                    f"flores200_sacrebleu_tokenizer_spm.model, save it as {SACREBLEU_DIR}/models/{FLORES200}, or leave "
                    "'spbleu' out of evaluate.translation.metrics"
                ) from error
        case _:
            assert_never(name)


def gloss(texts: Sequence[str], lexicon: Lexicon) -> list[str]:
    """Each text with every word or phrase that the lexicon knows put into the translation that weighs most, of equal
    ones the first, cased alike. The rest, word order and punctuation too, stays."""
    index = PhraseIndex(lexicon, MAX_PHRASE)
    return [_glossed(text, index) for text in texts]


def _glossed(text: str, index: PhraseIndex) -> str:
    spans = word_spans(text)
    parts, end = [], 0
    for match in index.matches(text, spans):
        first, last = spans[match.first][0], spans[match.first + match.num_words - 1][1]
        key, translation = max(match.options, key=lambda option: option[1].weight)
        parts += [text[end:first], carry_case(text[first:last], key, translation.word, index.code)]
        end = last
    return "".join([*parts, text[end:]])

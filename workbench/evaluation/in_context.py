"""In-context classification: which label does the model think likeliest behind the prompt? Nothing is trained."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import regex

from workbench.evaluation.prompted import Asker, num_symbols
from workbench.evaluation.prompts import NOTHING, Prompt, Prompts, Template
from workbench.records import Pair


@dataclass(frozen=True, slots=True)
class Scores:
    """How likely each label is behind each sentence's prompt, and behind the prompt of a sentence that says nothing.

    Shapes: given, nothing [N, C]
    Units: nats per token of the label
    Source: Brown et al. 2020, section 2.4 (arXiv 2005.14165), for dividing by the length; Zhao et al. 2021, section 5
        (arXiv 2102.09690), for "N/A"; differs: log-probabilities are subtracted, as in Holtzman et al. 2021
        (2021.emnlp-main.564), not divided within a normalized distribution.
    """

    labels: tuple[str, ...]
    given: np.ndarray
    nothing: np.ndarray
    prompts: tuple[Prompt, ...]

    @property
    def calibrated(self) -> np.ndarray:
        return self.given - self.nothing


def score_labels(
    asker: Asker,
    template: Template,
    demonstrations: Sequence[Pair],
    texts: Sequence[str],
    labels: Sequence[str],
    length: int,
) -> Scores:
    """Every label behind every text. A demonstration's `target` is a label, and is put into words like one.

    `nothing` has as many demonstrations as the text's own prompt kept.

    Raises: BadInput where `length` has no room for the template, the longest label and a token of text.
    """
    words = verbalised(labels)
    endings = asker.tokenizer.encode_all([words[label] for label in labels])
    shown = tuple(Pair(d.id, d.source, words[d.target], d.lang, d.task) for d in demonstrations)
    room = length - max(len(ids) for ids in endings) - num_symbols(asker.objective)
    prompts = Prompts(template, asker.tokenizer, shown, room).all(texts)
    kept = sorted({prompt.num_demonstrations for prompt in prompts})
    empty = [
        Prompts(template, asker.tokenizer, shown[len(shown) - number :], room).all([NOTHING])[0].ids for number in kept
    ]
    found = asker.log_probabilities([*empty, *(prompt.ids for prompt in prompts)], endings)
    found = found / np.array([len(ids) for ids in endings])[None, :]
    nothing = {number: found[place] for place, number in enumerate(kept)}
    return Scores(
        tuple(labels),
        found[len(kept) :],
        np.stack([nothing[prompt.num_demonstrations] for prompt in prompts]),
        tuple(prompts),
    )


def verbalised(labels: Sequence[str]) -> dict[str, str]:
    """Label -> its words in lower case: `HassTurnOn` turn on, `science/technology` science technology.

    Words that every label begins with say nothing and are left out, but one word always stays.
    """
    words = r"\p{Lu}+(?!\p{Ll})|\p{Lu}?[\p{Ll}\p{Lo}\p{M}\p{N}]+"
    split = {label: [word.lower() for word in regex.findall(words, label)] or [label] for label in labels}
    shared = 0
    while min(map(len, split.values())) > shared + 1 and len({found[shared] for found in split.values()}) == 1:
        shared += 1
    return {label: " ".join(found[shared:]) for label, found in split.items()}

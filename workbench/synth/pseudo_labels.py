"""Pseudo-labelled task data: labelled pivot sentences put word by word through a lexicon, labels kept.

Source: Wang, Ruder & Neubig 2022, section 3.2, "pseudo trans-train" (https://arxiv.org/abs/2203.09435).
"""

from __future__ import annotations

from collections.abc import Iterable

from workbench.config import Synth
from workbench.records import Lexicon, Pair
from workbench.seeds import stream
from workbench.synth.lexicon import permuted
from workbench.synth.match import PhraseIndex, substitute


def translate(pairs: Iterable[Pair], lexicon: Lexicon, synth: Synth, seed: int) -> list[Pair]:
    """The pairs whose `source` the lexicon changes, changed: `target` (the label) and weight stay.

    As published, there is no minimum of replaced words here (`synth.min_replaced` is for running text); only pairs in
    which no word was replaced are left out, for they are pivot examples still. `synth.permute_lexicon`: the control.

    Random: (seed, pair id, target language) only.
    """
    index = PhraseIndex(permuted(lexicon, seed) if synth.permute_lexicon else lexicon, synth.max_phrase)
    tag = lexicon.target.tag
    result: list[Pair] = []
    for pair in pairs:
        done = substitute(pair.source, index, synth.rate, stream(seed, "translate", pair.id, tag))
        if done.num_replaced:
            name = f"{pair.id}>{tag}"
            result.append(Pair(name, done.text, pair.target, lexicon.target, pair.task, pair.weight))
    return result

"""Other uses of a lexicon: code-switched text, its entries as parallel data, glosses before a sentence.

Source: Jones, Caswell, Saxena & Firat 2023, "Bilex Rx" (https://arxiv.org/abs/2303.15265), whose families of
augmentation these are; what share of the words is switched, and how a gloss is written, are our choices.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace

from workbench.config import Synth
from workbench.errors import BadInput
from workbench.languages import word_spans
from workbench.records import Document, Lexicon, Pair
from workbench.seeds import stream
from workbench.synth.lexicon import Synthesis, permuted, synthesise
from workbench.synth.match import Choose, PhraseIndex, uniform


def code_switched(
    sentences: Iterable[Document], lexicon: Lexicon, synth: Synth, seed: int, context: Choose | None = None
) -> Synthesis:
    """Pivot sentences with a share `synth.switch_rate` of the words found in them replaced, at least one in each.

    The same words are found, and the same translations drawn, as for the pseudo text of this seed, so code-switched
    text is pseudo text stopped halfway.

    Random: as `synthesise`.
    Raises: BadInput for the published rule, which has no rate.
    """
    if synth.rule == "wang2022":
        raise BadInput(
            "synth.rule: 'wang2022' replaces every word it can, so there is no code-switched text by it; wanted "
            "'longest', or 'pseudo' in the place of 'code-switched'"
        )
    settings = synth.model_copy(update={"rate": synth.switch_rate, "min_replaced": 1, "min_rate": 0.0})
    made = synthesise(sentences, lexicon, settings, seed, context)
    documents = [replace(one, id=f"{one.id}#switched", source="code-switched") for one in made.documents]
    return Synthesis(documents, made.coverage)


def pairs_of(lexicon: Lexicon) -> Iterator[Pair]:
    """Every entry as a translation pair; one listed twice is one pair of twice the weight."""
    tag = lexicon.target.tag
    for key, options in lexicon.entries.items():
        weights: dict[str, float] = {}
        for option in options:
            weights[option.word] = weights.get(option.word, 0.0) + option.weight
        for number, (word, weight) in enumerate(weights.items()):
            yield Pair(f"entry.{tag}.{key}.{number}", key, word, lexicon.target, "translation", weight)


def pair_documents(lexicon: Lexicon, synth: Synth, seed: int, num_words: int, per_line: int = 6) -> list[Document]:
    """Entries as running text, `dog = ci, cat = cath`, in random order, gone through until `num_words` target words
    are written: what a model of running text can be given of a lexicon's pairs. `synth.permute_lexicon`: the control.

    Random: (seed, target language).
    """
    used = permuted(lexicon, seed) if synth.permute_lexicon else lexicon
    entries = list(pairs_of(used))
    rng = stream(seed, "lexical-pairs", lexicon.target.tag)
    documents: list[Document] = []
    written = 0
    while written < num_words:
        order = rng.permutation(len(entries))
        for start in range(0, len(order), per_line):
            chosen = [entries[i] for i in order[start : start + per_line]]
            name = f"lexical-pairs-{lexicon.target.tag}-{len(documents)}"
            documents.append(Document(name, glosses(chosen), lexicon.target, "lexical-pairs", (used.origin,)))
            written += max(1, sum(len(word_spans(pair.target)) for pair in chosen))
            if written >= num_words:
                break
    return documents


def glosses(pairs: Iterable[Pair]) -> str:
    """`dog = ci, cat = cath`."""
    return ", ".join(f"{pair.source} = {pair.target}" for pair in pairs)


def prompted(pairs: Iterable[Pair], lexicon: Lexicon, seed: int, *, max_phrase: int = 4, most: int = 8) -> list[Pair]:
    """Lexical prompting: before each source sentence the translations of its words, `dog = ci, sees = gweld: …`.

    Each entry found is glossed once, the `most` first of them; a sentence without any is left as it is.

    Random: (seed, pair id, target language): which translation of several is given.
    """
    index = PhraseIndex(lexicon, max_phrase)
    result: list[Pair] = []
    for pair in pairs:
        spans = word_spans(pair.source)
        draws = stream(seed, "prompt", pair.id, lexicon.target.tag).random(max(1, len(spans)))
        found: dict[str, str] = {}
        for match in index.matches(pair.source, spans):
            key, option = match.options[uniform(match, float(draws[match.first]), ())]
            found.setdefault(key, option.word)
        gloss = ", ".join(f"{key} = {word}" for key, word in list(found.items())[:most])
        result.append(replace(pair, source=f"{gloss}: {pair.source}") if gloss else pair)
    return result

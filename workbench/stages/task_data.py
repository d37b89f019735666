"""What a labelled task of a study reads: its languages, its examples, and their translations through lexicons."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from workbench import config, languages
from workbench.errors import BadInput
from workbench.records import Lang, Lexicon, Pair
from workbench.seeds import stream
from workbench.sources.tagged import Tagged, merged_bio
from workbench.stages.source import OwnText, Text
from workbench.synth import pseudo_labels
from workbench.tasks import examples
from workbench.tasks.leakage import Leakage, leakage
from workbench.tasks.task import Example, Split, Task

ENGLISH = Lang("eng", "Latn")


@dataclass(frozen=True)
class TaskData:
    """A task as a study asks for it. `split` is what is measured on, dev or test."""

    settings: config.Task
    split: Split
    seed: int

    @cached_property
    def task(self) -> Task:
        return examples.task(self.settings.name, self.settings.folder)

    @property
    def source(self) -> Lang:
        return languages.parse(self.settings.source)

    @cached_property
    def langs(self) -> tuple[Lang, ...]:
        """The languages measured, the one trained on last."""
        return examples.asked(self.task, self.settings)

    @cached_property
    def train(self) -> list[Example]:
        """The source's training examples, or so many as are asked for.

        Random: which ones, from (seed, task).
        """
        found = self._wanted(self.source, "train")
        most = self.settings.train_examples
        if most is None or most >= len(found):
            return found
        order = stream(self.seed, "task-examples", self.settings.told).permutation(len(found))
        return [found[number] for number in sorted(order[:most])]

    @cached_property
    def dev(self) -> list[Example]:
        return self._wanted(self.source, "dev")

    def held_out(self, lang: Lang) -> list[Example]:
        """What is measured: all, or `test_examples` at equal distances, of several varieties each.

        The first ones would not do: MASSIVE's are in the order of what they ask for, and its first 500 hold half of the
        intents.
        """
        found = examples.examples(self.task, lang, self.split)
        most = self.settings.test_examples
        if most is None:
            return found
        of_variety: dict[str, list[int]] = {}
        for place, one in enumerate(found):
            of_variety.setdefault(one.variety, []).append(place)
        kept = {
            places[number * len(places) // most] if most < len(places) else places[number]
            for places in of_variety.values()
            for number in range(min(most, len(places)))
        }
        return [one for place, one in enumerate(found) if place in kept]

    def own_dev(self, lang: Lang) -> list[Example]:
        """A language's own dev examples: for `selection = "target-dev"` alone."""
        return examples.examples(self.task, lang, "dev")

    def few(self, lang: Lang, number: int | str) -> list[Example]:
        """So many of a language's training examples; a smaller number's are among a larger one's.

        Raises: BadInput where it has fewer, but some: of a language that has none, none.
        Random: which ones, from (seed, task, language).
        """
        found = examples.examples(self.task, lang, "train")
        if not isinstance(number, str) and 0 < len(found) < number:
            raise BadInput(
                f"evaluate.tasks: few_shot = {number} wants more training examples of {self.settings.told} than the "
                f'{len(found)} there are in {lang.tag}; lower it, or say "all"'
            )
        order = stream(self.seed, "few-shot", self.settings.told, lang.tag).permutation(len(found))
        return [found[place] for place in (order if isinstance(number, str) else order[:number])]

    def translated(self, lexicon: Lexicon, synth: config.Synth) -> list[Example]:
        """Training examples put word by word through a lexicon: labels stay, tags follow their words.

        Random: which ones, from (seed, task, language); the words as in `pseudo_labels`.
        """
        name, lang = self.settings.told, lexicon.target
        order = stream(self.seed, "task-pseudo", name, lang.tag).permutation(len(self.train))
        chosen = [self.train[number] for number in order[: self.settings.pseudo_examples]]
        if self.task.kind == "classify":
            pairs = [Pair(one.id, one.text, one.label, self.source, name) for one in chosen]
            made = pseudo_labels.translate(pairs, lexicon, synth, self.seed)
            return [Example(pair.id, lang, pair.source, pair.target) for pair in made]
        merged = self.task.scheme == "merged"
        tagged = [
            Tagged(
                one.id, one.text, one.words, merged_bio(one.tags) if merged else one.tags, one.lang, "slots", one.label
            )
            for one in chosen
        ]
        return [
            Example(one.id, lang, one.text, one.label, one.tokens, _unmerged(one.tags) if merged else one.tags)
            for one in pseudo_labels.translate_tagged(tagged, lexicon, synth, self.seed)
        ]

    def leakage(self) -> Leakage:
        """Of the source's splits among themselves."""
        splits: dict[Split, Sequence[Example]] = {"train": self.train, "dev": self.dev}
        if self.split == "test":
            splits["test"] = self.held_out(self.source)
        return leakage(splits)

    def _wanted(self, lang: Lang, split: Split) -> list[Example]:
        if not (found := examples.examples(self.task, lang, split)):
            raise BadInput(
                f"evaluate.tasks: {self.settings.told} has no {split} examples in {lang.tag}, which it is trained on; "
                "set `source` to a language that has"
            )
        return found


def of(settings: config.Config, seed: int) -> list[TaskData]:
    """The tasks of a run."""
    return [TaskData(task, settings.evaluate.split, seed) for task in settings.evaluate.tasks]


def lexicons(text: Text, langs: Sequence[Lang], source: Lang) -> dict[Lang, Lexicon]:
    """The lexicons from `source` that there are: they are English's, and one's own text has none."""
    if source != ENGLISH or isinstance(text, OwnText):
        return {}
    return {lang: text.lexicon(lang) for lang in langs if lang != source and text.has_lexicon(lang)}


def _unmerged(tags: Sequence[str]) -> tuple[str, ...]:
    return tuple("Other" if tag == "O" else tag[2:] for tag in tags)

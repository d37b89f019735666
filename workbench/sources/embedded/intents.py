"""Requests to a voice assistant, sampled from Home Assistant's sentence templates with hassil's grammar."""

from __future__ import annotations

import json
import re
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from hassil.expression import Alternative, Expression, ListReference, Permutation, RuleReference, TextChunk
from hassil.expression import Sequence as Concatenation
from hassil.parse_expression import parse_sentence

from workbench.languages import nfc, words
from workbench.records import Lang
from workbench.seeds import derive, stream
from workbench.sources.embedded.annotations import Annotation, territory_names
from workbench.sources.embedded.locales import files_of
from workbench.sources.embedded.messages import in_script
from workbench.sources.embedded.splits import Split
from workbench.sources.embedded.tally import Tally

PER_TEMPLATE = 5  # in English
OTHERS_WANTED = 2000  # sentences in any other language; MAX_PER_TEMPLATE where it has few templates
MAX_PER_TEMPLATE = 6
TRIES = 8  # draws per sentence wanted, as short templates repeat themselves
MAX_DEPTH = 24
MAX_WORDS = 30

_FILE = re.compile(r"home_assistant_intents/data/(?P<code>[A-Za-z-]+)\.json")

# What may stand in a slot that Home Assistant fills from the user's own house: nouns by symbol, so that all languages
# draw from the same things.
THINGS = "💡📺📻🚪🖥🖨📷⏰🌡🕯🔔🔌🚿🛁🪟🎮🔦📱☎💻🔒🔑📽🔋🕰🧯🪞🚗🚲🛎🧹🧺"
ROOMS = "🛏🛁🚿🚽🏠🏢🏫🏥🏨🏭🏰⛺🛖🏦⛪🏟"
FOODS = "🍎🍐🍊🍋🍌🍉🍇🍓🍒🍑🍍🥝🍅🍆🥕🌽🥒🥔🍞🧀🍖🥚🍕🍔🥪🥗🍿🧂🍜🍝🍦🍩🎂🍫🍬🍯🥛☕🍷🍺🥄🧼🪥🧻🕯"
MUSIC = "🎸🎹🎺🎻🥁🎷🎤🎧🎵🎶🎬🐺🌊🔥⭐🌙☀🌈❄🐉🦁🌹❤"
PEOPLE = "👩👨👧👦👶👵👴👮👷🤴👸👩‍🍳👨‍🏫👩‍⚕👨‍🌾🧙🧑‍🚀🥷"
PLACES = (
    "FR",
    "DE",
    "IT",
    "ES",
    "GB",
    "IE",
    "GR",
    "RU",
    "NG",
    "KE",
    "VN",
    "IR",
    "IN",
    "CN",
    "JP",
    "BR",
    "US",
    "EG",
    "ZA",
)


@dataclass(frozen=True, slots=True)
class Template:
    """One sentence template of an intent; `domain` is the kind of device that its `{name}` must be."""

    intent: str
    text: str
    domain: str


@dataclass(frozen=True, slots=True)
class Request:
    """A sampled sentence."""

    intent: str
    template: str
    text: str


class _UnfillableError(Exception):
    """A slot or rule of a template has nothing to be filled with."""


class Grammar:
    """The templates of one language, its lists and rules, and nouns for the open slots."""

    def __init__(self, lang: Lang, data: Mapping[str, Any], annotations: Mapping[str, Annotation]) -> None:
        self.lang = lang
        self.templates = [
            Template(intent, sentence, _domain(block))
            for intent, entry in data["intents"].items()
            for block in entry["data"]
            for sentence in block["sentences"]
        ]
        self._rules = {name: parse_sentence(text).expression for name, text in data["expansion_rules"].items()}
        self._lists: dict[str, Mapping[str, Any]] = data["lists"]
        self._parsed: dict[str, Expression] = {}
        things, rooms, foods, music, people = (
            [annotations[symbol].name for symbol in _symbols(group) if symbol in annotations]
            for group in (THINGS, ROOMS, FOODS, MUSIC, PEOPLE)
        )
        self._people, self._places = people, territory_names(lang, PLACES)
        self.names = frozenset(name.lower() for name in (*things, *rooms, *people, *self._places))
        self._nouns = {
            "name": things, "area": rooms, "floor": rooms, "zone": rooms, "message": foods, "search_query": music,
            "timer_name": foods, "shopping_list_item": foods, "todo_list_item": foods, "media_artist": people,
        }  # fmt: skip

    def draw(self, template: Template, rng: np.random.Generator) -> str:
        """One sentence of a template.

        Raises: _UnfillableError. Random: as many draws as the template has choices.
        """
        text = self._expand(self._parse(template.text), template, rng, 0)
        return nfc(" ".join(text.split()))

    def _parse(self, text: str) -> Expression:
        if text not in self._parsed:
            self._parsed[text] = parse_sentence(text).expression
        return self._parsed[text]

    def _expand(self, node: Expression, template: Template, rng: np.random.Generator, depth: int) -> str:
        if depth > MAX_DEPTH:
            raise _UnfillableError(f"rules nested deeper than {MAX_DEPTH}")
        if isinstance(node, TextChunk):
            return str(node.original_text)
        if isinstance(node, RuleReference):
            if node.rule_name not in self._rules:
                raise _UnfillableError(f"no rule <{node.rule_name}>")
            return self._expand(self._rules[node.rule_name], template, rng, depth + 1)
        if isinstance(node, ListReference):
            return self._fill(node, template, rng, depth)
        items = list(node.items)
        if isinstance(node, Alternative):
            return self._expand(items[int(rng.integers(len(items)))], template, rng, depth + 1)
        if isinstance(node, Permutation):
            items = [items[index] for index in rng.permutation(len(items))]
        else:
            assert isinstance(node, Concatenation), node
        return "".join(self._expand(item, template, rng, depth + 1) for item in items)

    def _fill(self, node: ListReference, template: Template, rng: np.random.Generator, depth: int) -> str:
        if node.is_inline_range:
            first, last, step = node.get_inline_range()
            return _number(first, last, step, rng)
        slot = self._lists.get(node.list_name, {"wildcard": True})
        if "range" in slot:
            given = slot["range"]
            return _number(given["from"], given["to"], given.get("step", 1), rng)
        if "values" in slot:
            value = slot["values"][int(rng.integers(len(slot["values"])))]
            text = value["in"] if isinstance(value, Mapping) else str(value)
            return self._expand(self._parse(text), template, rng, depth + 1)
        if node.list_name == "timer_command":
            others = [other for other in self.templates if other.intent == "HassTurnOn"]
            if depth > MAX_DEPTH // 2 or not others:
                raise _UnfillableError("no command to put into {timer_command}")
            other = others[int(rng.integers(len(others)))]
            return self._expand(self._parse(other.text), other, rng, depth + 1)
        nouns = self._nouns.get(node.list_name, [])
        if node.list_name == "name" and template.domain in ("person", "weather"):
            nouns = self._people if template.domain == "person" else self._places
        if not nouns:
            raise _UnfillableError(f"nothing to put into {{{node.list_name}}}")
        return nouns[int(rng.integers(len(nouns)))]


def _number(first: int, last: int, step: int, rng: np.random.Generator) -> str:
    return str(first + step * int(rng.integers((last - first) // step + 1)))


def _domain(block: Mapping[str, Any]) -> str:
    domain = block.get("requires_context", {}).get("domain") or block.get("slots", {}).get("domain") or ""
    return domain[0] if isinstance(domain, list) else str(domain)


def _symbols(group: str) -> list[str]:
    """The emoji of a string; those joined by a zero-width joiner are one."""
    return re.findall("[^\u200d](?:\u200d[^\u200d])*", group)


def read_grammars(
    archive: zipfile.ZipFile, annotations: Mapping[Lang, Mapping[str, Annotation]]
) -> dict[Lang, Grammar]:
    """The grammar of every language that has annotations (plain codes win over regional ones)."""
    found: dict[Lang, Grammar] = {}
    for lang, match in files_of(archive.namelist(), _FILE, annotations):
        if lang not in found:
            found[lang] = Grammar(lang, json.loads(archive.read(match[0])), annotations[lang])
    return found


def sample(grammar: Grammar, tally: Tally) -> Iterator[Request]:
    """A few different sentences of every template, no sentence twice in a language.

    Random: a stream of its own per language, intent and template, so other templates never change what one gives.
    """
    seen: set[str] = set()
    templates = list(dict.fromkeys(grammar.templates))
    per_template = PER_TEMPLATE
    if grammar.lang.code != "eng":
        per_template = min(max(OTHERS_WANTED // max(len(templates), 1), 1), MAX_PER_TEMPLATE)
    for template in templates:
        rng = stream(0, "intents", grammar.lang.tag, template.intent, template.text)
        found = 0
        for _ in range(per_template * TRIES):
            try:
                text = grammar.draw(template, rng)
            except _UnfillableError as error:
                tally.drop(f"intents: {error}", grammar.lang, template.text)
                break
            if text.lower() in seen or text.lower() in grammar.names:  # a bare name asks for nothing
                continue
            seen.add(text.lower())
            if not 1 <= len(words(text)) <= MAX_WORDS or not in_script(text, grammar.lang):
                tally.drop("intents: no words of the language, or too many", grammar.lang, text)
                continue
            yield Request(template.intent, template.text, text)
            found += 1
            if found == per_template:
                break


def split_templates(templates: Sequence[tuple[str, str]], is_english: bool) -> dict[tuple[str, str], Split]:
    """The split of each (intent, template): no template has sentences on two sides.

    English: 70 % train, 10 % dev, 20 % test of each intent's templates (train first, then test where there are few);
    other languages: 30 % dev, 70 % test. Random: `seeds.derive(0, "intent-split", intent, template)`.
    """
    by_intent: dict[str, list[tuple[str, str]]] = {}
    for key in templates:
        by_intent.setdefault(key[0], []).append(key)
    found: dict[tuple[str, str], Split] = {}
    for keys in by_intent.values():
        ordered = sorted(keys, key=lambda key: derive(0, "intent-split", *key))
        total = len(ordered)
        num_test = round(0.2 * total) if is_english else total - round(0.3 * total)
        num_dev = round(0.1 * total) if is_english else total - num_test
        if is_english and total >= 3:
            num_test, num_dev = max(num_test, 1), max(num_dev, 1)
        for number, key in enumerate(ordered):
            found[key] = "test" if number < num_test else "dev" if number < num_test + num_dev else "train"
    return found

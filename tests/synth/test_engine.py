"""Substitution by the million: the same texts as one by one, whatever the rule; the same ids as encoding them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from workbench import config
from workbench.errors import BadInput
from workbench.records import Document, Lang, Lexicon, Translation
from workbench.synth import encoded, keyed, rendered
from workbench.synth.engine import Engine, cut_of
from workbench.synth.keyed import Keyed
from workbench.synth.match import Substituted
from workbench.synth.rules import WANG2022, Rule
from workbench.tokenizer.train import train

ENGLISH, TURKISH = Lang("eng", "Latn"), Lang("tur", "Latn")

WORDS = [
    "the",
    "The",
    "ice",
    "Ice",
    "ICE",
    "cream",
    "Cream",
    "rock",
    "roll",
    "dog's",
    "I",
    "i",
    "ΟΔΟΣ",
    "οδος",
    "日本",
    "x",
]
GAPS = [" ", "  ", ", ", ". ", "-", " - ", "/", " & ", "\n", " (", ") ", "...", "\u00a0", "'", " “"]
TEXTS = st.lists(st.tuples(st.sampled_from(WORDS), st.sampled_from(GAPS)), max_size=12).map(
    lambda cells: "".join(word + gap for word, gap in cells)
)
EDGED = st.tuples(st.sampled_from(["", " ", "(", "“", "\t- "]), TEXTS, st.sampled_from(["", "."])).map("".join)
KEYS = st.lists(st.tuples(st.sampled_from(WORDS), st.sampled_from(GAPS)), min_size=1, max_size=3).map(
    lambda cells: "".join(word + gap for word, gap in cells).strip() or "x"
)
TRANSLATIONS = st.lists(
    st.tuples(st.sampled_from(["ışık", "iki", "Ada", "buz gibi", "IV", "“q”", "ñu"]), st.sampled_from([0.5, 1.0, 3.0])),
    min_size=1,
    max_size=3,
)
LEXICONS = st.dictionaries(KEYS, TRANSLATIONS, min_size=1, max_size=8)
RULES = st.sampled_from(
    [
        WANG2022,
        Rule(min_replaced=0),
        Rule(min_replaced=1, rate=0.5),
        Rule(min_replaced=1, senses="frequency", max_phrase=2),
        Rule(min_replaced=0, min_rate=0.5, max_phrase=1),
    ]
)


def lexicon(entries: dict[str, list[tuple[str, float]]]) -> Lexicon:
    made = {key: tuple(Translation(word, "", weight) for word, weight in listed) for key, listed in entries.items()}
    return Lexicon(ENGLISH, TURKISH, made, "made here")


def documents(texts: Sequence[str]) -> list[Document]:
    return [Document(f"s{number}", text, ENGLISH) for number, text in enumerate(texts)]


def one_by_one(texts: Sequence[str], given: Lexicon, rule: Rule, seed: int) -> list[Substituted]:
    apply = rule.ready(given)
    return [apply(text, Keyed(f"s{n}", seed, "substitute", "tur-Latn")) for n, text in enumerate(texts)]


@given(st.lists(EDGED, max_size=6), LEXICONS, RULES, st.integers(0, 3))
@example(["ice  cream, Ice Cream-x"], {"ice cream": [("buz", 1.0)], "Ice": [("Ada", 1.0)]}, Rule(min_replaced=0), 0)
@settings(max_examples=60, deadline=None)
def test_the_engine_writes_what_the_rule_writes_one_by_one(
    texts: list[str], entries: dict[str, list[tuple[str, float]]], rule: Rule, seed: int
) -> None:
    wanted = one_by_one(texts, lexicon(entries), rule, seed)
    corpus = encoded.encode(documents(texts), cut_of(rule))
    engine = Engine(corpus, lexicon(entries), rule, seed)
    blocks = list(engine.blocks(size=2))
    assert [text for block in blocks for text in rendered.texts(engine, block)] == [
        done.text for done in wanted if rule.keeps(done)
    ]
    assert [int(n) for block in blocks for n in block.num_replaced] == [done.num_replaced for done in wanted]
    assert [int(n) for block in blocks for n in block.num_words] == [done.num_words for done in wanted]
    matches = [(m.num_words, len(m.options)) for done in wanted for m in done.matches]
    assert [
        pair for block in blocks for pair in zip(block.head_words.tolist(), block.head_options.tolist(), strict=True)
    ] == matches


@given(st.lists(EDGED, max_size=5))
@settings(max_examples=30)
def test_units_side_by_side_are_the_text_and_survive_a_file(texts: list[str]) -> None:
    corpus = encoded.encode(documents(texts))
    bounds = corpus.starts.tolist()
    for number, text in enumerate(texts):
        assert "".join(corpus.types[u] for u in corpus.units[bounds[number] : bounds[number + 1]]) == text


@given(st.lists(EDGED, max_size=5))
@example(["the dog", "the dog — ran", "— the dog", "the  dog", "dog the", "the dog (—) ran"])
@settings(max_examples=30)
def test_what_has_been_cut_before_is_cut_alike_in_every_text(texts: list[str]) -> None:
    tokens = [token for text in texts for token in text.split()]
    again = [*texts, *tokens, " ".join(tokens), *reversed(texts), " ".join(reversed(tokens))]
    corpus = encoded.encode(documents(again))
    bounds = corpus.starts.tolist()
    for number, text in enumerate(again):
        units = corpus.units[bounds[number] : bounds[number + 1]].tolist()
        assert [(corpus.types[u], *corpus.word[u].tolist()) for u in units] == encoded.encode_text(text)
    assert set(corpus.units.tolist()) == set(range(len(corpus.types)))


def test_an_encoded_corpus_is_read_back_as_it_was(tmp_path: Path) -> None:
    corpus = encoded.encode(documents(["a \\n b\nc", "", "c\\\\\n d", "x"]))
    corpus.save(tmp_path / "c.npz")
    again = encoded.load(tmp_path / "c.npz")
    assert (again.types, again.ids, again.cut) == (corpus.types, corpus.ids, corpus.cut)
    assert np.array_equal(again.units, corpus.units)
    assert np.array_equal(again.hashes, corpus.hashes)
    empty = encoded.encode([])
    empty.save(tmp_path / "e.npz")
    assert encoded.load(tmp_path / "e.npz").ids == []


def test_the_published_rule_by_the_million_on_a_sentence_worked_by_hand() -> None:
    given = lexicon({"dog": [("ci", 1.0)], "sees": [("gweld", 1.0)], "the": [("y", 1.0)], "cat": [("cath", 1.0)]})
    corpus = encoded.encode(documents(["The dog  sees the cat. ice cream", "the dog ran"]), "whitespace")
    engine = Engine(corpus, given, WANG2022, seed=0)
    (block,) = engine.blocks()
    assert rendered.texts(engine, block) == ["The ci gweld y cat. ice cream"]  # the second has two replaced, not three


@given(st.lists(EDGED, max_size=5), LEXICONS, RULES, st.integers(0, 3))
@settings(max_examples=30, deadline=None)
def test_lines_are_the_texts_one_to_a_line(
    texts: list[str], entries: dict[str, list[tuple[str, float]]], rule: Rule, most: int
) -> None:
    engine = Engine(encoded.encode(documents(texts), cut_of(rule)), lexicon(entries), rule, seed=0)
    lines, as_json = rendered.Lines(engine), rendered.JSONLines(engine, "tur-Latn", "s", "o")
    for block in engine.blocks(size=2):
        wanted = rendered.texts(engine, block)
        assert bytes(lines.of(block)).decode() == "".join(f"{text}\n" for text in wanted)
        found = [json.loads(line)["text"] for line in bytes(as_json.of(block, most)).decode().split("\n")[:-1]]
        assert found == wanted[:most]


def test_lines_are_documents_in_json() -> None:
    given = lexicon({"ice": [('bu"z', 1.0)]})
    corpus = encoded.encode([Document('a"1', "ice\tand \\ice", ENGLISH)])
    engine = Engine(corpus, given, Rule(min_replaced=1), seed=0)
    lines = rendered.JSONLines(engine, "tur-Latn", "pseudo:longest", "made here")
    (line,) = b"".join(lines.of(block) for block in engine.blocks()).splitlines()
    assert json.loads(line) == {
        "id": 'a"1>tur-Latn',
        "text": 'bu"z\tand \\bu"z',
        "lang": "tur-Latn",
        "source": "pseudo:longest",
        "parents": ['a"1', "made here"],
    }


@given(st.lists(EDGED, max_size=5), LEXICONS, RULES)
@settings(max_examples=30, deadline=None)
def test_subword_ids_are_those_of_the_whole_text(
    texts: list[str], entries: dict[str, list[tuple[str, float]]], rule: Rule
) -> None:
    def encode_all(found: Sequence[str]) -> list[np.ndarray]:
        """Like SentencePiece: white space normalised, and no piece reaches across it. Here a piece is two letters."""
        return [
            np.array(
                [hash(("▁" + word)[at : at + 2]) % 9973 for word in text.split() for at in range(0, len(word) + 1, 2)],
                np.int32,
            )
            for text in found
        ]

    corpus = encoded.encode(documents(texts), cut_of(rule))
    engine = Engine(corpus, lexicon(entries), rule, seed=1)
    subwords = rendered.Subwords(engine, encode_all, rendered.unit_ids(corpus, encode_all))
    for block in engine.blocks(size=2):
        wanted = encode_all(rendered.texts(engine, block))
        assert [ids.tolist() for ids in subwords.of(block)] == [ids.tolist() for ids in wanted]


def test_subword_ids_are_those_that_sentencepiece_gives_the_whole_text(tmp_path: Path) -> None:
    words = [f"{a}{b}{c}" for a in "bdgk" for b in "aeiou" for c in ("lo", "mer", "t")]
    texts = [" ".join(words[(7 * n + 3 * k * k) % len(words)] + ("," * (k == 3)) for k in range(9)) for n in range(60)]
    settings = config.Tokenizer(vocab_size=330, sample_bytes=20_000)
    tokenizer = train({ENGLISH: texts}, settings, tmp_path / "t.model", seed=0)
    given = lexicon({word: [(word[::-1], 1.0), (f"{word} {word}", 1.0)] for word in words[::2]})
    corpus = encoded.encode(documents([f"{text}/{text}-x (bat)." for text in texts]))
    engine = Engine(corpus, given, Rule(rate=0.7), seed=0)
    units = rendered.unit_ids(corpus, tokenizer.encode_all)
    subwords = rendered.Subwords(engine, tokenizer.encode_all, units)
    for block in engine.blocks(size=25):
        wanted = tokenizer.encode_all(rendered.texts(engine, block))
        assert [ids.tolist() for ids in subwords.of(block)] == [ids.tolist() for ids in wanted]


def test_draws_by_counter_are_uniform_and_do_not_depend_on_company() -> None:
    alone = Keyed("s7", 3, "x").random((2, 4))
    many = keyed.keys(keyed.hash_ids([f"s{n}" for n in range(20)]), 3, "x")
    assert np.array_equal(alone.ravel(), keyed.uniform(np.repeat(many[7], 8), np.arange(8)))
    drawn = keyed.uniform(np.repeat(many, 5000), np.tile(np.arange(5000), 20))
    assert abs(drawn.mean() - 0.5) < 0.005
    assert abs(np.corrcoef(drawn[:-1], drawn[1:])[0, 1]) < 0.01
    assert np.histogram(drawn, 10, (0, 1))[0].min() > 9_600


def test_the_engine_says_what_it_cannot_do() -> None:
    corpus = encoded.encode(documents(["ice"]))
    with pytest.raises(BadInput, match="encode it again"):
        Engine(corpus, lexicon({"ice": [("buz", 1.0)]}), WANG2022, 0)
    with pytest.raises(BadInput, match="context"):
        Engine(corpus, lexicon({"ice": [("buz", 1.0)]}), Rule(senses="context"), 0)

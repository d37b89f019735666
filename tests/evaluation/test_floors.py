"""Model-free floors."""

from __future__ import annotations

import itertools
import subprocess
import sys

import numpy as np
import pytest
from sklearn.feature_extraction.text import TfidfVectorizer

from workbench.errors import BadInput
from workbench.evaluation import floors
from workbench.records import Document, Lang, Lexicon, Pair, Translation

ENGLISH, WELSH = Lang("eng", "Latn"), Lang("cym", "Latn")
ENTRIES = {
    "dog": (Translation("ci"), Translation("cŵn")),
    "cat": (Translation("cath"),),
    "house": (Translation("tŷ"),),
    "ice cream": (Translation("hufen iâ"),),
}
LEXICON = Lexicon(ENGLISH, WELSH, ENTRIES, "made here")
SIDES = ["The dog!", "my cat", "a house", "ice cream"], ["Ci", "cath", "tŷ", "hufen iâ"]


def test_glosses_find_what_letters_do_not() -> None:
    found = {(one.method, one.direction): one.accuracy for one in floors.retrieval(*SIDES, LEXICON)}
    assert found["lexicon-gloss", "pivot>target"] == found["lexicon-gloss", "target>pivot"] == 1.0
    assert found["char-trigram", "pivot>target"] < 1.0


def test_names_are_found_by_their_letters() -> None:
    found = floors.retrieval(["near Oslo", "near Lima"], ["ger Oslo", "ger Lima"], None)
    assert [(one.method, one.accuracy) for one in found] == [("char-trigram", 1.0)] * 2


def test_trigram_cosines_are_those_of_sklearn_on_both_languages_together() -> None:
    languages = [  # a text of spaces alone has no trigram
        ["The dog!", "my CAT sat on my cat", "a house", " ", "ice cream in İzmir"],
        ["Ci", "cath y gath", "tŷ bach", "hufen iâ", "  "],
        ["սառույց", "cat", "İ", "a house of ice", "շուն"],
    ]
    for here, there in itertools.permutations(languages, 2):
        vectors = TfidfVectorizer(analyzer="char_wb", ngram_range=(3, 3), sublinear_tf=True).fit_transform(here + there)
        wanted = (vectors[: len(here)] @ vectors[len(here) :].T).toarray()
        np.testing.assert_allclose(floors._trigram_cosines(here, there), wanted, rtol=0, atol=1e-12)


def test_the_character_floor_counts_bytes_and_prefers_the_arm_s_language() -> None:
    documents = [Document("a", "mae'r  tŷ yma", WELSH)]
    (welsh,) = floors.char_lm_bits(["mae'r gath yma", "mae tŷ yma"], documents)
    (english,) = floors.char_lm_bits(["the cat is here", "a house is here"], documents)
    assert welsh.num_bytes == len("mae'r tŷ yma".encode())
    assert welsh.bits < english.bits


def intents(room: str) -> list[Pair]:
    verbs = {"open": "Open", "close": "Close", "find": "Find"}
    things = ("door", "window", "garage", "curtain")
    return [
        Pair(f"{verb}-{thing}", f"{verb} the {thing} in the {room}", label, ENGLISH, "intent")
        for verb, label in verbs.items()
        for thing in things
    ]


def test_the_linear_floor_learns_and_is_deterministic() -> None:
    one, other = floors.IntentFloor(intents("kitchen")), floors.IntentFloor(intents("kitchen"))
    assert one.correct(intents("garden")).mean() == 1.0
    assert (one.classifier.coef_ == other.classifier.coef_).all()


def test_the_linear_floor_refuses_one_intent() -> None:
    with pytest.raises(BadInput, match="at least two intents"):
        floors.IntentFloor(intents("kitchen")[:1])


def test_guessing_by_hand() -> None:
    train = intents("kitchen") + intents("garden")[:1]  # Open 5, Close 4, Find 4
    found = floors.guessing(train, intents("office")[:6])  # Open 4, Close 2
    assert found.majority == pytest.approx(4 / 6)
    assert found.chance == pytest.approx(1 / 3)


def test_floors_need_no_jax() -> None:
    program = "import sys, workbench.evaluation.floors; sys.exit('jax' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0

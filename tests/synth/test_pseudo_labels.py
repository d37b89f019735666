"""Labelled data through a lexicon."""

from __future__ import annotations

from workbench.config import Synth
from workbench.records import Lang, Lexicon, Pair, Translation
from workbench.synth.pseudo_labels import translate

ENGLISH, WELSH = Lang("eng", "Latn"), Lang("cym", "Latn")
ENTRIES = {"light": (Translation("golau"),), "open": (Translation("agor"),), "door": (Translation("drws"),)}
LEXICON = Lexicon(ENGLISH, WELSH, ENTRIES, "made here")
PAIRS = [
    Pair("1", "Open the door", "HassOpen", ENGLISH, "intent", 0.5),
    Pair("2", "what time is it", "HassTime", ENGLISH, "intent"),
    Pair("3", "light on", "HassTurnOn", ENGLISH, "intent"),
]


def test_labels_and_weights_stay_and_untouched_pairs_are_left_out() -> None:
    done = translate(PAIRS, LEXICON, Synth(), seed=0)
    assert done == [
        Pair("1>cym-Latn", "Agor the drws", "HassOpen", WELSH, "intent", 0.5),
        Pair("3>cym-Latn", "golau on", "HassTurnOn", WELSH, "intent"),
    ]


def test_the_control_has_the_same_pairs_with_other_words() -> None:
    done = translate(PAIRS, LEXICON, Synth(permute_lexicon=True), seed=0)
    assert [(pair.id, pair.target) for pair in done] == [("1>cym-Latn", "HassOpen"), ("3>cym-Latn", "HassTurnOn")]
    assert done[1].source in {"agor on", "drws on"}

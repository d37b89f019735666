"""Synthetic text names what it was made of, and stands under all of its licences."""

from __future__ import annotations

from workbench import languages
from workbench.config import Synth
from workbench.records import Document, Lexicon, Translation
from workbench.synth.lexicon import synthesise
from workbench.synth.made_from import made_from

ENG, CYM = languages.parse("eng"), languages.parse("cym")


def test_only_the_sentences_used_are_named_and_every_licence_binds() -> None:
    sentences = [
        Document("1", "the cat sees the dog", ENG, "news"),
        Document("2", "a cat and a dog", ENG, "stories"),
        Document("3", "nothing to replace here", ENG, "bible"),
        Document("4", "cat or dog", ENG, "unknown"),
    ]
    entries = {"cat": (Translation("cath"),), "dog": (Translation("ci"),)}
    lexicon = Lexicon(ENG, CYM, entries, "words", "CC-BY-SA-4.0")
    made = synthesise(sentences, lexicon, Synth(min_replaced=2, sentences=9), 0).documents
    found = made_from(made, sentences, lexicon, {"news": "CC-BY-4.0", "stories": "CC-BY-NC-4.0", "bible": "CC0-1.0"})
    assert found.texts == {"news": (1, "CC-BY-4.0"), "stories": (1, "CC-BY-NC-4.0"), "unknown": (1, "unstated")}
    assert found.lexicon == "words"
    assert found.licence == "CC-BY-SA-4.0 AND CC-BY-4.0 AND CC-BY-NC-4.0 AND unstated"

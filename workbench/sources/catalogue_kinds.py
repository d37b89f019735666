"""The closed choices of the catalogue; apart from it, so that a command line can list them without loading it."""

from __future__ import annotations

from typing import Literal

from workbench.licences import Terms as Terms

Resource = Literal[
    "text", "parallel", "lexicon", "paradigms", "topics", "intents", "slots", "sentiment", "parts of speech",
    "named entities", "inflection task", "facts",
]  # fmt: skip
Format = Literal[
    "embedded", "gatitos", "wechsel", "muse", "triples", "tsv", "ntrex", "sib200", "flores", "massive", "xsid",
    "afrisenti", "conllu", "pos", "ner", "unimorph", "sigmorphon2023", "bible", "storybook", "linguameta", "table",
    "text",
]  # fmt: skip
LexiconFormat = Literal["tsv", "gatitos", "wechsel", "muse", "triples", "freedict", "apertium", "wiktextract"]

"""Synthetic text: what is made from a lexicon and from paradigms."""

from __future__ import annotations

from pydantic import Field

from workbench.config.part import Part, Positive, Rate


class Synth(Part):
    """Pseudo text: pivot sentences with words replaced through the lexicon.

    Source: Wang, Ruder & Neubig 2022, section 3 (arXiv 2203.09435); longest match for phrases is ours.
    """

    sentences: Positive = Field(default=2000, description="pseudo sentences per target")
    min_replaced: int = Field(default=3, ge=0, description="keep a sentence only with this many replaced words")
    min_rate: Rate = Field(default=0.0, description="keep a sentence only with this share of its words replaced")
    rate: Rate = Field(default=1.0, description="share of the matched words that are replaced")
    max_phrase: Positive = Field(default=4, description="longest lexicon phrase matched, in words")
    permute_lexicon: bool = Field(default=False, description="control: the lexicon's meanings shuffled")
    labelled: Positive = Field(default=1500, description="labelled pivot sentences translated per target")

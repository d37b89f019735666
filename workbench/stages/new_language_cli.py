"""The arguments of `workbench adapt`. Importing this loads no jax."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import get_args

from workbench.config.adapt import Initialise
from workbench.sources.catalogue_kinds import LexiconFormat


def add_arguments(verb: argparse.ArgumentParser) -> None:
    verb.add_argument("run", type=Path, help="folder of a finished run, or of an exported model")
    verb.add_argument("--language", required=True, metavar="TAG", help="bak-Cyrl, or bak where one script is usual")
    verb.add_argument("--lexicon", type=Path, required=True, help="English words and their translations")
    verb.add_argument("--lexicon-format", choices=get_args(LexiconFormat), default="tsv", help="default: tsv")
    verb.add_argument("--text", type=Path, help="real text: .txt, .jsonl, .tsv or .parquet; a share is held out")
    verb.add_argument("--dev", type=Path, help="held-out text to choose settings on, instead of a share of --text")
    verb.add_argument("--test", type=Path, help="held-out text to report on, instead of a share of --text")
    verb.add_argument("--paradigms", type=Path, help="UniMorph table: lemma, form, features")
    verb.add_argument("--segmentations", type=Path, help="UniMorph's: lemma, form, features, segments parted by |")
    verb.add_argument("--derivations", type=Path, help="UniMorph's: base, derived word, parts of speech, affix")
    verb.add_argument("--english", type=Path, help="text to put through the lexicon (default: the embedded one)")
    verb.add_argument(
        "--vocabulary",
        choices=["auto", "keep", "extend", "replace"],
        default="auto",
        help="auto: extend where the tokenizer spells a fifth of the lexicon's pieces in bytes, else keep",
    )
    verb.add_argument("--pieces", type=int, default=1000, help="new ones when extending (all when replacing)")
    verb.add_argument("--initialise", choices=get_args(Initialise), default="lexicon-aligned", help="of new pieces")
    verb.add_argument("--method", choices=["full", "lora", "madx"], default="full", help="which weights are trained")
    verb.add_argument("--control", action="store_true", help="also adapt with the lexicon's meanings permuted")
    verb.add_argument("--seeds", type=int, default=3, help="how many times, to tell gains from luck (default: 3)")
    verb.add_argument(
        "--set",
        action="append",
        default=[],
        dest="overrides",
        metavar="KEY=VALUE",
        help="override the study that is made, e.g. adapt.steps=1000",
    )
    verb.add_argument(
        "--out", type=Path, help="folder to make (default: runs/adapt-TAG); the same command continues in it"
    )


def run(options: argparse.Namespace) -> int:
    from workbench.stages import new_language

    asked = new_language.Asked(
        language=options.language,
        lexicon=options.lexicon,
        format=options.lexicon_format,
        text=options.text,
        dev=options.dev,
        test=options.test,
        paradigms=options.paradigms,
        segmentations=options.segmentations,
        derivations=options.derivations,
        english=options.english,
        vocabulary=options.vocabulary,
        pieces=options.pieces,
        initialise=options.initialise,
        method=options.method,
        control=options.control,
        seeds=options.seeds,
    )
    return new_language.adapt(
        options.run, asked, options.out or Path("runs", f"adapt-{options.language}"), options.overrides
    )

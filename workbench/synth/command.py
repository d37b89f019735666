"""`workbench synth TEXT --lexicon FILE --target LANG --out DIR`: a synthetic corpus from text and a lexicon."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_args

from workbench.arguments import at_least
from workbench.sources.catalogue_kinds import LexiconFormat

if TYPE_CHECKING:
    from collections.abc import Iterator

    from workbench.records import Document, Lang
    from workbench.synth.rules import Rule

ABOUT = "text in a language that has none: sentences of another, their words replaced through a lexicon"


def add_parser(verbs: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Put the verb `synth` among a program's verbs."""
    parser = verbs.add_parser("synth", help=ABOUT, description=ABOUT + ". The same command continues what was stopped.")
    parser.add_argument("text", nargs="+", type=Path, help=".txt, .jsonl, .tsv, .parquet; packed or not")
    parser.add_argument("--lexicon", type=Path, required=True)
    parser.add_argument("--format", choices=get_args(LexiconFormat), default="tsv", help="of the lexicon (%(default)s)")
    parser.add_argument("--source", default="eng-Latn", help="language of the text (default: %(default)s)")
    parser.add_argument("--target", required=True, help="language of the lexicon's translations: 'cym', 'cym-Latn'")
    parser.add_argument("--out", type=Path, required=True, help="folder; `datasets.load_dataset(DIR)` reads it")
    parser.add_argument("--rule", choices=["longest", "wang2022"], default="longest", help="wang2022: as published")
    parser.add_argument("--senses", choices=["uniform", "frequency"], default="uniform", help="frequency: by weight")
    parser.add_argument("--target-text", type=Path, help="with --senses frequency: weights count in this text too")
    parser.add_argument("--rate", type=float, help="share of the matched words replaced (1; code-switched text: 0.5)")
    parser.add_argument("--min-replaced", type=at_least(0), help="keep sentences with so many words replaced (3)")
    parser.add_argument("--min-rate", type=float, help="and with this share of their words replaced (0)")
    parser.add_argument("--sentences", type=at_least(1), help="stop at so many (all; by the published rule 200000)")
    parser.add_argument("--permute", action="store_true", help="a control: the lexicon's meanings shuffled")
    parser.add_argument("--seed", type=at_least(0), default=0)
    parser.add_argument("--tokenizer", type=Path, help="a model of ours: write subword ids too, ready to train on")
    parser.add_argument("--write", choices=["jsonl", "parquet"], default="jsonl", help="the shards (%(default)s)")
    parser.add_argument("--rows", type=at_least(1), default=100_000, help="sentences of text in a shard (%(default)s)")
    parser.add_argument("--workers", type=at_least(1), default=1)
    parser.add_argument(
        "--engine", choices=["workbench", "datatrove"], default="workbench", help="what runs the shards"
    )
    parser.add_argument("--licence", default="", help="SPDX, of the lexicon if nothing else says it")
    parser.add_argument("--text-licence", default="", help="SPDX, of the text")
    parser.add_argument("--accept-licence", action="store_true", help="yes, my use is allowed by the lexicon's licence")
    parser.set_defaults(func=run)


def run(options: argparse.Namespace) -> int:
    from workbench import languages, licences
    from workbench.files import sha256_file
    from workbench.sources import catalogue, lexicon, lexicon_provenance, text
    from workbench.sources.embedded import data_home
    from workbench.sources.lines import Report
    from workbench.synth import corpus, senses
    from workbench.synth.rules import PUBLISHED_MAX_SENTENCES

    text.want_distinct(options.text)
    _want_files(options)
    source, target = languages.parse(options.source), languages.parse(options.target)
    known = lexicon_provenance.known_files(catalogue.load(data_home()))
    origin = lexicon_provenance.of(options.lexicon, known, options.licence)
    licences.want_yes(f"lexicon {options.lexicon}", origin.licence, options.accept_licence, "--accept-licence")
    dropped = Report()
    held = lexicon.read(
        options.lexicon, options.format, source, target, report=dropped, origin=origin.origin, licence=origin.licence
    )
    about: dict[str, Any] = {
        "lexicon_file_sha256": origin.sha256,
        "lexicon_rows_left_out": dict(dropped.dropped.counts),
        "text": [[path.name, sha256_file(path)] for path in options.text],
        "text_licence": options.text_licence,
    }
    if options.target_text is not None:
        held = senses.counted_in(held, (one.text for one in _documents([options.target_text], target)))
        about["target_text_sha256"] = sha256_file(options.target_text)
    rule = _rule(options)
    limit = options.sentences or (PUBLISHED_MAX_SENTENCES if rule.name == "wang2022" else None)
    settings = corpus.Settings(
        held,
        rule,
        options.seed,
        limit,
        options.permute,
        options.write,
        options.tokenizer and options.tokenizer.resolve(),
    )
    inputs = corpus.cut(_documents(options.text, source), options.out, about["text"], options.rows)
    if options.engine == "datatrove":
        from workbench.synth import corpus_datatrove

        corpus_datatrove.run(inputs, options.out, settings, workers=options.workers)
    made = corpus.synthesise(inputs, options.out, settings, print, about=about, workers=options.workers)
    for name in ("num_read", "num_kept", "num_words", "num_replaced"):
        print(f"{made[name]:>14,}  {name}")
    for name in ("token_coverage", "type_coverage", "replaced_rate", "mean_translations"):
        print(f"{made[name]:>14.3f}  {name}")
    for reason, number in dropped.dropped.counts.items():
        print(f"{options.lexicon}: left out {number:,} x {reason}; first: {dropped.dropped.examples[reason]}")
    print(f"{options.out}: {made['shards']} shards under {made['licence']}; report.json says what they are made of")
    return 0


def _want_files(options: argparse.Namespace) -> None:
    """Raises: BadInput for what would only be missed when all the text has been read."""
    from workbench.errors import BadInput
    from workbench.tokenizer.processor import Tokenizer

    for path in (*options.text, *([options.target_text] if options.target_text else [])):
        if not path.is_file():
            raise BadInput(f"{path}: no such file; wanted a text: .txt, .jsonl, .tsv or .parquet; check the path")
    if options.tokenizer:
        Tokenizer.load(options.tokenizer)


def _documents(paths: list[Path], lang: Lang) -> Iterator[Document]:
    from workbench.sources import text

    for path in paths:
        yield from text.documents(path, lang)


def _rule(options: argparse.Namespace) -> Rule:
    from workbench.errors import BadInput
    from workbench.synth.rules import WANG2022, Rule

    names = ("rate", "min_replaced", "min_rate")
    given = {name: getattr(options, name) for name in names if getattr(options, name) is not None}
    if options.target_text is not None and options.senses != "frequency":
        raise BadInput("--target-text: only --senses frequency reads it")
    if options.rule == "wang2022":
        if given or options.senses != "uniform":
            raise BadInput("--rule wang2022 is the published rule, of which nothing but --sentences can be set")
        return WANG2022
    for name in ("rate", "min_rate"):
        if not 0 <= given.get(name, 0) <= 1:
            raise BadInput(f"--{name.replace('_', '-')} {given[name]}: wanted a share from 0 to 1")
    return Rule(senses=options.senses, **given)

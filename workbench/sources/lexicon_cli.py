"""`workbench lexicon report | compare | merge`: can a lexicon be trusted, what does another add, both in one file."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from workbench.records import Lexicon
    from workbench.sources.lines import Report

FORMATS = ("tsv", "gatitos", "wechsel", "muse", "triples", "freedict", "apertium", "wiktextract")


def add_parser(verbs: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Put the verb `lexicon` among a program's verbs."""
    lexicon = verbs.add_parser("lexicon", help="lexicons: report on their quality, compare two, merge several")
    actions = lexicon.add_subparsers(required=True, metavar="ACTION")

    report = _action(actions, "report", _report, "coverage, ambiguity, scripts, duplicates, what was dropped and why")
    report.add_argument("--corpus", type=Path, help="a text file, a sentence a line: how much of it is covered")

    compare = _action(actions, "compare", _compare, "what two lexicons share and where they differ")
    compare.add_argument("--other", type=Path, required=True, help="the second lexicon, in the same format")

    merge = _action(actions, "merge", _merge, "several lexicons in one, with the origin of every entry")
    merge.add_argument("--other", type=Path, required=True, action="append", help="another lexicon; may be repeated")
    merge.add_argument("--out", type=Path, required=True, help="the .tsv to write")


def _action(
    actions: argparse._SubParsersAction[argparse.ArgumentParser], name: str, func: object, help: str
) -> argparse.ArgumentParser:
    parser = actions.add_parser(name, help=help, description=help)
    parser.add_argument("file", type=Path, help="a lexicon file")
    parser.add_argument("--lang", required=True, help="its target language, 'cym' or 'cym-Latn'")
    parser.add_argument("--source", default="eng-Latn", help="its source language (default: %(default)s)")
    parser.add_argument("--format", choices=FORMATS, default="tsv", help="how it is written (default: %(default)s)")
    parser.set_defaults(func=func)
    return parser


def _report(options: argparse.Namespace) -> int:
    from workbench.records import Document
    from workbench.sources import lexicon_quality, lexicon_text

    lexicon, dropped = _read(options, options.file)
    documents = None
    if options.corpus is not None:
        lines = enumerate(options.corpus.read_text("utf-8").splitlines(), 1)
        documents = [Document(f"{options.corpus}:{n}", line, lexicon.source) for n, line in lines if line.strip()]
    print(lexicon_text.render(lexicon_quality.report(lexicon, documents)))
    print(dropped)
    return 0


def _compare(options: argparse.Namespace) -> int:
    from workbench.sources import lexicon_merge, lexicon_text

    first, second = _read(options, options.file)[0], _read(options, options.other)[0]
    print(lexicon_text.render(lexicon_merge.compare(first, second)))
    return 0


def _merge(options: argparse.Namespace) -> int:
    from workbench.sources import lexicon as reader
    from workbench.sources import lexicon_merge, lexicon_text

    merged = lexicon_merge.merge(*(_read(options, file)[0] for file in [options.file, *options.other]))
    reader.write(options.out, merged.lexicon, merged.origins)
    print(lexicon_text.render(merged))
    print(options.out)
    return 0


def _read(options: argparse.Namespace, file: Path) -> tuple[Lexicon, str]:
    """The lexicon in `file`, and what of it was dropped, in words."""
    from workbench import languages
    from workbench.sources import lexicon as reader
    from workbench.sources.lines import Report

    report = Report()
    source, target = languages.parse(options.source), languages.parse(options.lang)
    found = reader.read(file, options.format, source, target, report=report, origin=str(file))
    return found, _account(report)


def _account(report: Report) -> str:
    lines = [f"{report.rows:,} rows read, {sum(report.dropped.counts.values()):,} dropped"]
    for reason, count in [*report.dropped.counts.items(), *report.noted.counts.items()]:
        example = report.dropped.examples.get(reason) or report.noted.examples[reason]
        lines.append(f"  {count:,} x {reason}, first at {example}")
    return "\n".join(lines)

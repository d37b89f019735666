"""`workbench lexicon report | compare | merge | suspects`: can a lexicon be trusted, what does another add."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, get_args

from workbench.sources.catalogue_kinds import LexiconFormat

if TYPE_CHECKING:
    from workbench.records import Lang, Lexicon
    from workbench.sources.lexicon_provenance import Provenance
    from workbench.sources.lines import Report


def add_parser(verbs: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Put the verb `lexicon` among a program's verbs."""
    lexicon = verbs.add_parser("lexicon", help="lexicons: report on their quality, compare, merge, find wrong ones")
    actions = lexicon.add_subparsers(required=True, metavar="ACTION")

    report = _action(actions, "report", _report, "coverage, ambiguity, scripts, duplicates, what was dropped and why")
    report.add_argument("--corpus", type=Path, help="a text file, a sentence a line: how much of it is covered")

    compare = _action(actions, "compare", _compare, "what two lexicons share and where they differ")
    compare.add_argument("--other", type=Path, required=True, help="the second lexicon, in the same format")

    merge = _action(actions, "merge", _merge, "several lexicons in one, with the origin of every entry")
    merge.add_argument("--other", type=Path, required=True, action="append", help="another lexicon; may be repeated")
    merge.add_argument("--out", type=Path, required=True, help="the .tsv to write; a manifest is written beside it")
    merge.add_argument("--accept-licence", action="store_true", help="yes, my use is allowed by their licences")

    suspects = _verb(actions, "suspects", _suspects, "files that hold another language's words, or another script")
    suspects.add_argument(
        "files", nargs="+", metavar="FILE[=LANG]",
        help="lexicon files; the language is that of the name as the format has it (en_cy.tsv, welsh.txt, eng-cym.tsv)",
    )  # fmt: skip
    suspects.add_argument("--profiles", type=Path, help="of `workbench data profiles`: also judge the language by them")


def _verb(
    actions: argparse._SubParsersAction[argparse.ArgumentParser], name: str, func: object, help: str
) -> argparse.ArgumentParser:
    parser = actions.add_parser(name, help=help, description=help)
    parser.add_argument("--source", default="eng-Latn", help="the source language (default: %(default)s)")
    parser.add_argument(
        "--format", choices=get_args(LexiconFormat), default="tsv", help="how it is written (default: %(default)s)"
    )
    parser.set_defaults(func=func)
    return parser


def _action(
    actions: argparse._SubParsersAction[argparse.ArgumentParser], name: str, func: object, help: str
) -> argparse.ArgumentParser:
    parser = _verb(actions, name, func, help)
    parser.add_argument("file", type=Path, help="a lexicon file")
    parser.add_argument("--lang", required=True, help="its target language, 'cym' or 'cym-Latn'")
    parser.add_argument("--licence", default="", help="SPDX; of files that the catalogue does not know by their bytes")
    return parser


def _report(options: argparse.Namespace) -> int:
    from workbench.records import Document
    from workbench.sources import lexicon_quality, lexicon_text

    (origin,) = _provenance(options, [options.file])
    lexicon, dropped = _read(options, options.file, origin)
    documents = None
    if options.corpus is not None:
        from workbench.sources.lines import lines

        documents = [
            Document(f"{options.corpus}:{n}", line, lexicon.source) for n, line in lines(options.corpus) if line
        ]
    print(lexicon_text.render(lexicon_quality.report(lexicon, documents)))
    print(dropped)
    return 0


def _compare(options: argparse.Namespace) -> int:
    from workbench.sources import lexicon_merge, lexicon_text

    files = [options.file, options.other]
    first, second = (_read(options, *one)[0] for one in zip(files, _provenance(options, files), strict=True))
    print(lexicon_text.render(lexicon_merge.compare(first, second)))
    return 0


def _merge(options: argparse.Namespace) -> int:
    from workbench import licences
    from workbench.sources import lexicon_merge, lexicon_provenance, lexicon_text

    files = [options.file, *options.other]
    origins = _provenance(options, files)
    for file, origin in zip(files, origins, strict=True):
        licences.want_yes(f"lexicon {file}", origin.licence, options.accept_licence, "--accept-licence")
    merged = lexicon_merge.merge(*(_read(options, *one)[0] for one in zip(files, origins, strict=True)))
    lexicon_provenance.write_merged(options.out, merged, origins)
    print(lexicon_text.render(merged))
    print(f"{options.out}\n{options.out}{lexicon_provenance.BESIDE}")
    return 0


def _suspects(options: argparse.Namespace) -> int:
    """Exit code 1 where a file is likely another language's; two that are merely close are shown, and no fault."""
    from workbench import languages
    from workbench.errors import BadInput
    from workbench.sources import language_id, lexicon_quality, lexicon_text
    from workbench.sources import lexicon as reader
    from workbench.sources.lines import Report

    source = languages.parse(options.source)
    lexicons = {}
    for given in options.files:
        path, _, tag = given.partition("=")
        lang = languages.parse(tag) if tag else _language_of(Path(path), options.format, source)
        if path in lexicons:
            raise BadInput(f"lexicon {path}: given twice")
        lexicons[path] = reader.read(Path(path), options.format, source, lang, report=Report(), origin=path)
    if len(short := {Path(path).name: lexicon for path, lexicon in lexicons.items()}) == len(lexicons):
        lexicons = short
    profiles = language_id.load(options.profiles) if options.profiles else None
    pairs = lexicon_quality.suspects(lexicons)
    alone = list(lexicon_quality.misfits(lexicons, profiles))
    print(lexicon_text.render(pairs))
    for one in alone:
        how = f"{one.amount:.0%} of the letters" if one.kind == "wrong script" else f"{one.amount:.2f} nats per n-gram"
        print(f"{one.name}: said to be {languages.name(one.target)} ({one.target}), looks like {one.found} ({how})")
    if profiles and (others := {lexicon.target for lexicon in lexicons.values()} - set(profiles.langs)):
        print(f"without a language profile, so judged by rows and script: {', '.join(sorted(map(str, others)))}")
    wrong = len(alone) + sum(one.kind != "close" for one in pairs)
    print(f"{len(lexicons)} files, {wrong} that likely hold another language than their name says")
    return 1 if wrong else 0


def _language_of(path: Path, format: str, source: Lang) -> Lang:
    from workbench import languages
    from workbench.errors import BadInput

    stem = path.name.split(".")[0]
    try:
        match format:
            case "gatitos":
                return languages.from_source(stem.removeprefix("en_"), "gatitos")
            case "wechsel":
                return languages.from_source(stem, "wechsel")
            case _:
                parts = [part for part in stem.replace("_", "-").split("-") if part != source.code]
                return languages.from_source(parts[0] if len(parts) == 1 else stem, "bcp47")
    except BadInput as error:
        raise BadInput(f"{path}: its name says no language ({error}); give it as {path}=LANG") from error


def _provenance(options: argparse.Namespace, files: list[Path]) -> list[Provenance]:
    from workbench.sources import catalogue, embedded, lexicon_provenance

    known = lexicon_provenance.known_files(catalogue.load(embedded.data_home()))
    return [lexicon_provenance.of(file, known, options.licence) for file in files]


def _read(options: argparse.Namespace, file: Path, origin: Provenance) -> tuple[Lexicon, str]:
    """The lexicon in `file`, and what of it was dropped, in words."""
    from workbench import languages
    from workbench.sources import lexicon as reader
    from workbench.sources.lines import Report

    report = Report()
    source, target = languages.parse(options.source), languages.parse(options.lang)
    found = reader.read(
        file, options.format, source, target, report=report, origin=origin.origin, licence=origin.licence
    )
    return found, _account(report)


def _account(report: Report) -> str:
    lines = [f"{report.rows:,} rows read, {sum(report.dropped.counts.values()):,} dropped"]
    for reason, count in [*report.dropped.counts.items(), *report.noted.counts.items()]:
        example = report.dropped.examples.get(reason) or report.noted.examples[reason]
        lines.append(f"  {count:,} x {reason}, first at {example}")
    return "\n".join(lines)

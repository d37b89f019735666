"""`workbench data list | show | fetch | verify | add | shard | profiles | clean`: thin calls into the library."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, cast, get_args

from workbench.arguments import at_least
from workbench.sources.catalogue_kinds import Format, Resource, Terms

if TYPE_CHECKING:
    from workbench.records import Lang
    from workbench.sources.catalogue import Catalogue


def add_parser(verbs: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Put the verb `data` among a program's verbs."""
    data = verbs.add_parser("data", help="data sets: what there is for a language, fetch, check, add your own")
    actions = data.add_subparsers(required=True, metavar="ACTION")

    listed = _action(actions, "list", _list, "every data set in the catalogue")
    listed.add_argument("--resource", choices=get_args(Resource), help="only those that have this")
    listed.add_argument("--lang", help="only those that have this language")
    listed.add_argument("--terms", choices=get_args(Terms), help="only those under such terms")

    show = _action(actions, "show", _show, "what can be done with a language today")
    show.add_argument("languages", nargs="+", metavar="LANG", help="'cym', 'cym-Latn', 'cy' or 'Welsh'")

    fetch = _action(actions, "fetch", _fetch, "fetch a data set into $WORKBENCH_DATA")
    fetch.add_argument("name", metavar="NAME")
    fetch.add_argument("--lang", help="only this language")
    fetch.add_argument("--accept-licence", action="store_true", help="yes, my use is allowed by its licence")

    verify = _action(
        actions, "verify", _verify, "read every file of the data sets that are there, and check the counts"
    )
    verify.add_argument("names", nargs="*", metavar="NAME", help="default: all that are under $WORKBENCH_DATA")
    verify.add_argument("--files", action="store_true", help="a line for every file, not for every data set")

    add = _action(actions, "add", _add, "take files of your own into the catalogue")
    add.add_argument("name", metavar="NAME")
    add.add_argument("files", nargs="+", type=Path, metavar="FILE")
    add.add_argument("--format", required=True, choices=[kind for kind in get_args(Format) if kind != "embedded"])
    add.add_argument("--lang", required=True)
    add.add_argument("--resource", required=True, choices=get_args(Resource))
    add.add_argument("--licence", required=True, help="SPDX identifier, or 'none stated'")
    add.add_argument("--terms", choices=get_args(Terms), help="default: what the licence is known to mean")
    add.add_argument("--accept-licence", action="store_true", help="yes, my use is allowed by its licence")
    add.add_argument("--citation", required=True, help="whom to credit, and how")
    add.add_argument("--title", default="")

    shard = _action(actions, "shard", _shard, "cut texts into shards, which `clean` works on")
    shard.add_argument(
        "files", nargs="+", type=Path, metavar="FILE", help=".txt, .jsonl, .tsv, .parquet; packed or not"
    )
    shard.add_argument("--lang", required=True)
    shard.add_argument("--out", required=True, type=Path, help="folder for the shards")
    shard.add_argument("--rows", type=at_least(1), default=50_000, help="documents in a shard (default: %(default)s)")
    shard.add_argument("--unit", choices=["line", "paragraph"], default="line", help="what a document of a .txt is")
    shard.add_argument("--column", default="text", help="of a table: which column is the text")

    profiles = _action(actions, "profiles", _profiles, "learn to tell languages apart, for `clean` and `lexicon`")
    profiles.add_argument(
        "samples", nargs="+", metavar="LANG=FILE", help="some hundred sentences of each, about as many of each"
    )
    profiles.add_argument("--out", required=True, type=Path, help="the .npz to write")

    clean = _action(actions, "clean", _clean, "clean shards and take out duplicates; resumes, and runs on many hosts")
    clean.add_argument("shards", type=Path, metavar="SHARDS", help="folder that `data shard` wrote")
    clean.add_argument("--out", required=True, type=Path)
    clean.add_argument("--workers", type=at_least(1), default=1)
    clean.add_argument("--shard", default="0/1", metavar="I/N", help="this host's part of the shards, e.g. 0/4")
    clean.add_argument(
        "--engine",
        choices=("workbench", "datatrove"),
        default="workbench",
        help="what runs the same work: this program, or datatrove on this machine (extra `scale`)",
    )
    clean.add_argument(
        "--near", type=float, default=0.8, help="near-duplicates from this similarity; 0: exact ones only"
    )
    clean.add_argument("--min-words", type=at_least(0), default=1)
    clean.add_argument("--profiles", type=Path, help="language profiles, to leave out what is in another of them")


def _action(
    actions: argparse._SubParsersAction[argparse.ArgumentParser],
    name: str,
    func: Callable[[argparse.Namespace], int],
    about: str,
) -> argparse.ArgumentParser:
    parser = actions.add_parser(name, help=about, description=about)
    parser.set_defaults(func=func)
    return parser


def _root() -> Path:
    from workbench.sources.embedded import data_home

    return data_home()


def _list(options: argparse.Namespace) -> int:
    from workbench.sources import catalogue_show
    from workbench.sources.catalogue import load

    lang = catalogue_show.find(options.lang) if options.lang else None
    table = catalogue_show.listing(load(_root()), options.resource, len(_embedded()), lang=lang, terms=options.terms)
    print(catalogue_show.printed(table), end="")
    return 0


def _show(options: argparse.Namespace) -> int:
    from workbench.sources import catalogue_show
    from workbench.sources.catalogue import load

    root = _root()
    catalogue, embedded = load(root), _embedded()
    for number, text in enumerate(options.languages):
        lang = catalogue_show.find(text)
        found = catalogue_show.holdings(catalogue, lang, embedded)
        shown = catalogue_show.describe(catalogue, found, catalogue_show.facts_of(root, lang))
        print(("\n" if number else "") + catalogue_show.printed(shown), end="")
    return 0


def _embedded() -> dict[Lang, dict[str, int]]:
    """Counts of the embedded default where it is built; its languages with no counts where it is not."""
    from workbench.sources import embedded

    root = embedded.data_home() / f"embedded-{embedded.revision()}"
    if (root / "DONE").exists():
        return embedded.EmbeddedData(root, embedded.revision()).languages()
    return {lang: {} for lang in embedded.wanted_languages()}


def _fetch(options: argparse.Namespace) -> int:
    from workbench.sources import catalogue_fetch, catalogue_show
    from workbench.sources.catalogue import load

    root = _root()
    lang = catalogue_show.find(options.lang) if options.lang else None
    catalogue = load(root)
    place = catalogue_fetch.get(catalogue, options.name, root, print, lang=lang, accept_licence=options.accept_licence)
    dataset = catalogue.dataset(options.name)
    print(f"{options.name} is in {place}\nlicence: {dataset.licence}\ncite: {dataset.citation}")
    return 0


def _verify(options: argparse.Namespace) -> int:
    from workbench.sources.catalogue import load

    root = _root()
    return verify(load(root), root, tuple(options.names), each_file=options.files)


def verify(catalogue: Catalogue, root: Path, names: tuple[str, ...], *, each_file: bool = False) -> int:
    """Print what `catalogue_read.verify` finds, data set by data set; 0 if all is as stated, else 1."""
    from itertools import groupby

    from workbench.sources import catalogue_read
    from workbench.sources.lines import Report

    num_faults = num_files = 0
    for name, group in groupby(catalogue_read.verify(catalogue, root, names), key=lambda one: one.dataset):
        whole, faults, stated, unstated, num_rows = Report(), [], 0, 0, 0
        for one in group:
            whole.merge(one.report)
            num_rows += one.rows
            stated, unstated = stated + one.stated, unstated + (not one.stated)
            if one.fault:
                faults.append(f"{one.path or name}: {one.fault}")
            if each_file:
                print(f"{name}/{one.path}: {one.fault or f'{one.rows:,} rows'}")
        beside = f" ({unstated} more files read, which nobody stated)" if unstated else ""
        verdict = f"{len(faults)} faults" if faults else "as stated"
        print(f"{name}: {stated} files, {num_rows:,} rows{beside}: {verdict}")
        for fault in faults:
            print(f"  FAULT {fault}")
        for kind, view in (("left out", whole.dropped), ("noted", whole.noted)):
            for reason, number in view.counts.items():
                print(f"  {kind} {number:,} x {reason}; first: {view.examples[reason]}")
        num_faults += len(faults)
        num_files += stated + unstated
    print(f"{num_files} files checked under {root}, {num_faults} faults" if num_files else f"no data set under {root}")
    return 1 if num_faults else 0


def _add(options: argparse.Namespace) -> int:
    from workbench import licences
    from workbench.errors import BadInput
    from workbench.sources import catalogue_fetch, catalogue_show
    from workbench.sources.catalogue import Dataset, load

    root = _root()
    if options.name in load(root).datasets:
        raise BadInput(f"data set {options.name!r} is in the catalogue already; give yours another name")
    known = licences.terms_of(options.licence)
    terms: Terms = options.terms or known
    if known in ("non-commercial", "copyleft", "share-alike") and terms != known:
        raise BadInput(f"data set {options.name!r}: its licence {options.licence} is {known}, not --terms {terms}")
    licences.want_yes(f"data set {options.name}", options.licence, options.accept_licence, "--accept-licence", terms)
    try:
        dataset = Dataset(
            name=options.name,
            title=options.title or f"{options.name}, added by hand",
            resources=(cast(Resource, options.resource),),
            licence=options.licence,
            terms=terms,
            citation=options.citation,
            page="",
            convention="iso639_3",
            format=cast(Format, options.format),
        )
    except ValueError as error:
        raise BadInput(f"data set {options.name!r}: {error}") from error
    catalogue_fetch.add(root, dataset, options.files, catalogue_show.find(options.lang), print)
    return 0


def _shard(options: argparse.Namespace) -> int:
    from workbench.sources import catalogue_show, shards, text
    from workbench.sources.lines import Report

    text.want_distinct(options.files)
    lang, report = catalogue_show.find(options.lang), Report()
    documents = (
        document
        for path in options.files
        for document in text.documents(path, lang, report, unit=options.unit, column=options.column)
    )
    written = shards.write(documents, options.out, options.rows)
    print(f"{report.rows:,} documents of {lang} in {len(written)} shards under {options.out}")
    for reason, number in report.dropped.counts.items():
        print(f"  left out {number:,} x {reason}; first: {report.dropped.examples[reason]}")
    return 0


def _profiles(options: argparse.Namespace) -> int:
    from workbench.errors import BadInput
    from workbench.sources import catalogue_show, language_id, text
    from workbench.sources.lines import Report

    samples: dict[Lang, list[str]] = {}
    for given in options.samples:
        tag, equals, path = given.partition("=")
        if not equals or not path:
            raise BadInput(f"data profiles {given!r}: wanted LANG=FILE, such as cym=welsh.txt")
        lang = catalogue_show.find(tag)
        samples.setdefault(lang, []).extend(one.text for one in text.documents(Path(path), lang, Report()))
    language_id.train(samples).save(options.out)
    told = ", ".join(f"{lang} ({len(found):,})" for lang, found in samples.items())
    print(f"{options.out}: profiles of {len(samples)} languages, from so many texts: {told}")
    return 0


def _clean(options: argparse.Namespace) -> int:
    import re

    from workbench.errors import BadInput
    from workbench.sources import corpus, language_id
    from workbench.sources.clean import Cleaning
    from workbench.sources.dedup import Near

    part = re.fullmatch(r"([0-9]{1,6})/([0-9]{1,6})", options.shard)
    if part is None:
        raise BadInput(f"--shard {options.shard!r}: wanted I/N, such as 0/4 for the first of four")
    inputs = sorted(options.shards.glob("*.jsonl"))
    if not inputs:
        fault = "no shards to read in it" if options.shards.is_dir() else "no such folder"
        raise BadInput(f"{options.shards}: {fault}; wanted the shards that `workbench data shard` makes")
    if options.profiles:
        language_id.load(options.profiles)
    near = Near(options.near) if options.near else None
    settings = corpus.Settings(Cleaning(min_words=options.min_words), near, options.profiles)
    if options.engine == "datatrove":
        from workbench.sources import corpus_datatrove

        if options.shard != "0/1":
            raise BadInput(f"--shard {options.shard} with --engine datatrove: it cuts the work into parts itself")
        counts = corpus_datatrove.prepare(inputs, options.out, settings, print, workers=options.workers)
    else:
        counts = corpus.prepare(
            inputs, options.out, settings, print, workers=options.workers, part=(int(part[1]), int(part[2]))
        )
    for name, number in sorted(counts.items()):
        print(f"{number:>12,}  {name}")
    print(f"the corpus is in {options.out / 'final'}")
    return 0

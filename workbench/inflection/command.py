"""`workbench inflect`: train on tables of inflections, write the forms of others, score what was written.

Importing this loads no jax.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from functools import cache
from pathlib import Path

from workbench import bars, config, load
from workbench.arguments import at_least
from workbench.errors import BadInput
from workbench.inflection import rows
from workbench.inflection.baseline import Rules
from workbench.inflection.presets import preset
from workbench.inflection.rows import Row, Table, language_of
from workbench.inflection.score import Score, by_group, forms_of, macro_average, score
from workbench.runs import memory

SAID_BY_FILES = ("data.folder", "data.languages", "data.multilingual", "split")


def add_parser(verbs: argparse._SubParsersAction) -> None:
    """The verb `inflect` and its three verbs."""
    about = "inflect words by a character model: any file in the layout of the SIGMORPHON shared tasks"
    parser: argparse.ArgumentParser = verbs.add_parser("inflect", help=about, description=about)
    inner = parser.add_subparsers(required=True, metavar="VERB")

    train = inner.add_parser("train", help="train one model on the files given, of one language or of several")
    train.add_argument("files", nargs="+", type=Path, help="training files; a name starts with its language: tur.trn")
    train.add_argument("--dev", nargs="+", type=Path, required=True, help="files that choose the weights to keep")
    train.add_argument("--out", type=Path, required=True, help="folder to make; a run that was stopped goes on there")
    train.add_argument(
        "--preset",
        choices=["cpu", "gpu"],
        default="cpu",
        help="cpu: some seven minutes of one core; gpu: 20,000 large batches",
    )
    train.add_argument("--seed", type=at_least(0), default=0)
    train.add_argument(
        "--set", action="append", default=[], dest="overrides", metavar="KEY=VALUE", help="e.g. train.steps=4000"
    )
    train.set_defaults(func=_train)

    predict = inner.add_parser("predict", help="write the forms of covered or gold files, as a submission has them")
    predict.add_argument("files", nargs="+", type=Path, help="lemma and features; forms, where there are, are not read")
    predict.add_argument(
        "--model", nargs="+", type=Path, required=True, help="folders of trained models; several vote on each character"
    )
    predict.add_argument("--out", type=Path, required=True, help="folder for a file of the same name each")
    predict.add_argument(
        "--beams", type=at_least(1), help="1: greedy search (default: as the model was trained to search)"
    )
    predict.set_defaults(func=_predict)

    evaluate = inner.add_parser("evaluate", help="score written files against gold ones, beside the floors")
    evaluate.add_argument("files", nargs="+", type=Path, help="gold files")
    evaluate.add_argument("--given", type=Path, required=True, help="the written file, or the folder of files")
    evaluate.add_argument("--train", nargs="+", type=Path, default=[], help="training files, to print what rules reach")
    evaluate.add_argument("--groups", action="store_true", help="also by part of speech and feature")
    evaluate.set_defaults(func=_evaluate)


def _train(options: argparse.Namespace) -> int:
    training, dev = _read(options.files), _read(options.dev)
    if ignored := [one for one in options.overrides if one.split("=")[0].strip() in SAID_BY_FILES]:
        raise BadInput(f"--set {ignored[0]}: the training files say that; name others, or leave it out")
    langs = tuple(dict.fromkeys(row.lang for table in training for row in table.rows))
    data = config.InflectionData(folder=str(options.files[0].parent), languages=langs, multilingual=len(langs) > 1)
    settings = load.override(preset(options.preset, data), options.overrides)
    others = sorted({row.lang for table in dev for row in table.rows} - set(langs))
    if others:
        raise BadInput(f"--dev: {others} have no training file; the languages are {list(langs)}")
    memory.keep_freed()
    from workbench.inflection.train import fit, looks
    from workbench.training.loop import StepLog

    @cache
    def last_look(number: int) -> str:
        return "".join(f" · dev {100 * (1 - error):.1f} %" for error in list(looks(options.out).values())[-1:])

    def note(log: StepLog) -> str:
        said = f"loss {log.loss_nats_per_token:.3f} · {log.tokens_per_second:,.0f} characters and features/s"
        return said + last_look((log.step - 1) // settings.train.look_every)  # a look comes after its step's log

    with bars.shown() as display:
        task = display.task("training", settings.train.steps)
        fit(
            settings,
            [row for table in training for row in table.rows],
            [row for table in dev for row in table.rows],
            folder=options.out,
            seed=options.seed,
            on_step=lambda log: display.reach(task, log.step, note(log)),
        )
    found = looks(options.out)
    step, error = min(found.items(), key=lambda look: look[1])
    print(f"dev      {100 * (1 - error):.1f} % exact after {step:,} steps, the best of {len(found)} looks; kept")
    print(f"model    {options.out}")
    return 0


def _predict(options: argparse.Namespace) -> int:
    tables = _read(options.files)
    places = [options.out / table.path.name for table in tables]
    for table, place in zip(tables, places, strict=True):
        if place.resolve() == table.path.resolve():
            raise BadInput(f"--out: {place} is the file that is read; give another folder")
        if places.count(place) > 1:
            raise BadInput(f"{table.path}: another file is also written to {place}; give each an --out of its own")
    memory.keep_freed()
    from workbench.inflection.train import load as load_inflector
    from workbench.inflection.write import forms

    voters = [load_inflector(folder) for folder in options.model]
    first = voters[0]
    for folder, other in zip(options.model, voters, strict=True):
        if other.alphabet != first.alphabet or other.languages != first.languages:
            raise BadInput(
                f"{folder}: its languages, characters, features or directions differ from those of {options.model[0]}; "
                "only models of the same training rows can vote"
            )
    for table in tables:
        _suits(table, first.languages, first.alphabet.atoms)
    search = first.search if options.beams is None else load.override(first.search, [f"beams={options.beams}"])
    with bars.shown() as display:
        task = display.task("writing", sum(len(table.rows) for table in tables))
        for table, place in zip(tables, places, strict=True):
            rows.write(place, table, forms([one.model for one in voters], first.alphabet, table.rows, search))
            display.advance(task, len(table.rows), str(place))
            print(place)
    return 0


def _suits(table: Table, languages: Sequence[str], known: Sequence[str]) -> None:
    """Say on standard error where a model is asked for what it was not trained on.

    Raises: BadInput where a model of several languages has not read this one.
    """
    lang = table.rows[0].lang
    if lang not in languages:
        if len(languages) > 1:
            raise BadInput(
                f"{table.path}: language {lang!r}, by the file's name; the model knows {', '.join(languages)}; "
                "name the file by one of them"
            )
        print(f"{table.path}: language {lang!r}, by the file's name; the model is of {languages[0]!r}", file=sys.stderr)
    unknown = {atom for row in table.rows for atom in rows.atoms(row)} - set(known)
    if unknown:
        count = sum(not unknown.isdisjoint(rows.atoms(row)) for row in table.rows)
        print(
            f"{table.path}: {count} of {len(table.rows)} rows have features that no training row had, and that are "
            f"read as one unknown feature: {', '.join(sorted(unknown)[:10])}{' …' if len(unknown) > 10 else ''}",
            file=sys.stderr,
        )


def _evaluate(options: argparse.Namespace) -> int:
    gold = _read(options.files)
    training: dict[str, list[Row]] = {}
    for table in _read(options.train):
        training.setdefault(table.rows[0].lang, []).extend(table.rows)
    scores: dict[str, list[Score]] = {}
    for table in gold:
        given = rows.read(_written(options.given, table), table.rows[0].lang, submission=True)
        written = forms_of(given, table)
        answers = [row.form or "" for row in table.rows]
        print(table.path)
        found = {"given": written, "the lemma itself": [row.lemma for row in table.rows]}
        if table.rows[0].lang in training:
            found["rules"] = _by_rules(training[table.rows[0].lang], table.rows)
        for name, forms in found.items():
            one = score(answers, forms)
            scores.setdefault(name, []).append(one)
            print(_line(name, one))
        for name, members in by_group(table.rows).items() if options.groups else ():
            of_group = score([answers[number] for number in members], [written[number] for number in members])
            print(_line(f"  {name}", of_group))
    if len(gold) > 1:
        print(f"macro-average of {len(gold)} files")
        for name, several in scores.items():
            if len(several) == len(gold):
                print(_line(name, macro_average(several)))
    return 0


def _written(given: Path, gold: Table) -> Path:
    """The file to score: the one given, or in a folder that of the gold file's name, or else the one of its language.

    Raises: BadInput where a folder has none or several.
    """
    if not given.is_dir():
        return given
    if (given / gold.path.name).is_file():
        return given / gold.path.name
    lang = language_of(gold.path)
    own = sorted(path for path in given.iterdir() if path.is_file() and language_of(path) == lang)
    if len(own) != 1:
        found = ", ".join(path.name for path in own) or "none"
        raise BadInput(
            f"--given: {given} has no {gold.path.name}, and of its files one alone must be of {lang}; found {found}; "
            "name the file itself"
        )
    return own[0]


def _by_rules(training: Sequence[Row], asked: Sequence[Row]) -> list[str]:
    rules = Rules(training)
    return [rules.inflect(row.lemma, row.features) for row in asked]


def _line(name: str, found: Score) -> str:
    right = f"exact match {100 * found.exact_match:6.2f} %"
    return f"  {name:24} {right}   edit distance {found.edit_distance:.3f}   n {found.n}"


def _read(paths: Sequence[Path]) -> list[Table]:
    tables = [rows.read(path) for path in paths]
    for table in tables:
        print(f"{table.path}: {table.rows[0].lang}, {len(table.rows)} rows, {_columns(table)}", file=sys.stderr)
    return tables


def _columns(table: Table) -> str:
    return "covered" if table.covered else rows.ORDERS[table.order]

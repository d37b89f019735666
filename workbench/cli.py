"""The verbs of `workbench`, each a thin call into the library. Importing this, or asking for --help, loads no jax."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from workbench.errors import BadInput, WorkbenchError
from workbench.evaluation import score_command
from workbench.inflection import command as inflection
from workbench.probing import command
from workbench.sources import catalogue_cli, lexicon_cli
from workbench.stages import new_language_cli
from workbench.synth import command as synth_command
from workbench.tasks import command as tasks_command


def main(arguments: Sequence[str] | None = None) -> int:
    """Exit codes: 0 done, 1 failed, 2 wrong usage or input, 75 stopped and resumable by the same command."""
    options = _parser().parse_args(arguments)
    try:
        code: int = options.func(options)
        return code
    except WorkbenchError as error:
        print(f"workbench: {error}", file=sys.stderr)
        return error.exit_code
    except KeyboardInterrupt:
        print("workbench: interrupted; the same command continues", file=sys.stderr)
        return 75
    except BrokenPipeError:  # `| head` has read enough of what is printed; a study that is run was cut short
        sys.stderr.close()
        return 75 if options.func in (_run, _adapt) and not getattr(options, "dry_run", False) else 0
    except OSError as error:
        print(f"workbench: {error}", file=sys.stderr)
        return 2


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="workbench",
        description="From a word list, a paradigm table and a few hundred sentences to a working model, and to an "
        "honest table of what each resource bought.",
    )
    verbs = parser.add_subparsers(required=True, metavar="VERB")

    run = _study_verb(verbs, "run", _run, "run a study: train, evaluate, report; continues where it stopped")
    run.add_argument("--retry-failed", action="store_true", help="try again what failed earlier")
    run.add_argument("--dry-run", action="store_true", help="print the stages that would run, and stop")
    _add_overrides(run, "pretrain.steps=100")

    status = _study_verb(verbs, "status", _status, "what of a study is done, running, failed or still to do")
    _add_overrides(status, "pretrain.steps=100")
    freeze = _study_verb(
        verbs, "freeze", _freeze, "copy the finished results into the study's folder, sorted, none missing"
    )
    _add_overrides(freeze, "where.runs=DIR; of where.* alone")

    table = _study_verb(verbs, "table", _table, "print and write the study's tables from its frozen results")
    table.add_argument("--check", action="store_true", help="fail if the committed tables differ from a rebuild")

    report = _study_verb(verbs, "report", _report, "tables, figures and report.html from the finished runs")
    report.add_argument("--out", type=Path, help="folder to write to (default: runs/STUDY/report)")
    _add_overrides(report, "pretrain.steps=100")

    catalogue_cli.add_parser(verbs)
    lexicon_cli.add_parser(verbs)
    synth_command.add_parser(verbs)
    inflection.add_parser(verbs)

    export = _verb(verbs, "export", _export, "write a finished run in a layout that others load, checked, with a card")
    export.add_argument("run", type=Path, help="folder of a finished run: runs/STUDY/VARIANT-s0-HASH, or a stage of it")
    export.add_argument("--out", type=Path, help="folder to make (default: RUN/export)")
    export.add_argument(
        "--layout",
        choices=["auto", "workbench"],
        default="auto",
        help="auto: ModernBERT, Llama or T5, whichever computes the same; workbench: our own, which always fits",
    )

    take = _verb(
        verbs, "import", _import, "read a published encoder (as ModernBERT, XLM-R or BERT), checked, to start from"
    )
    take.add_argument("model", help="a folder with config.json and safetensors, or OWNER/NAME on the Hugging Face hub")
    take.add_argument("--out", type=Path, required=True, help="folder to make")
    take.add_argument("--revision", help="of the hub's repository: a branch, tag or commit")

    command.add_arguments(_verb(verbs, "probe", _probe, "what a model's layers know across languages, beside floors"))

    tasks_command.add_parser(verbs)
    score_command.add_arguments(_verb(verbs, "score", score_command.run, "stored predictions scored again, exactly"))

    grow = _verb(verbs, "adapt", _adapt, "add a language to a trained model from a lexicon, with a before/after table")
    new_language_cli.add_arguments(grow)

    doctor = verbs.add_parser("doctor", help="is this machine fit to run: versions, devices, disk, data, network")
    doctor.add_argument("--device", choices=["auto", "cpu", "gpu", "tpu"], default="auto", help="what must be there")
    doctor.set_defaults(func=_doctor)
    return parser


def _verb(verbs: argparse._SubParsersAction, name: str, func: object, help: str) -> argparse.ArgumentParser:
    parser: argparse.ArgumentParser = verbs.add_parser(name, help=help, description=help)
    parser.set_defaults(func=func)
    return parser


def _study_verb(verbs: argparse._SubParsersAction, name: str, func: object, help: str) -> argparse.ArgumentParser:
    parser = _verb(verbs, name, func, help)
    parser.add_argument("study", type=Path, help="folder with a study.toml, for example experiments/quickstart")
    return parser


def _add_overrides(parser: argparse.ArgumentParser, example: str) -> None:
    parser.add_argument(
        "--set", action="append", default=[], dest="overrides", metavar="KEY=VALUE", help=f"override, e.g. {example}"
    )


def _run(options: argparse.Namespace) -> int:
    from workbench.stages import study

    return study.run(options.study, options.overrides, retry_failed=options.retry_failed, dry_run=options.dry_run)


def _status(options: argparse.Namespace) -> int:
    from workbench.stages import study

    return study.status(options.study, options.overrides)


def _freeze(options: argparse.Namespace) -> int:
    from workbench.stages import study

    if other := [one for one in options.overrides if one.partition("=")[0].split(".")[0].strip() != "where"]:
        raise BadInput(
            f"freeze --set {other[0]}: wanted where.* alone, for what is frozen stands beside {options.study}'s own "
            "study.toml; change that file, or copy the folder and freeze the copy"
        )
    return study.freeze(options.study, options.overrides)


def _table(options: argparse.Namespace) -> int:
    from workbench.stages import study

    return study.table(options.study, check=options.check)


def _report(options: argparse.Namespace) -> int:
    from workbench.stages import study

    return study.report(options.study, options.overrides, options.out)


def _export(options: argparse.Namespace) -> int:
    from workbench import exchange

    print(exchange.export(options.run, options.out, options.layout))
    return 0


def _import(options: argparse.Namespace) -> int:
    from workbench import exchange

    unused = exchange.import_encoder(options.model, options.out, options.revision)
    print(options.out)
    if unused:
        print(f"left out, having no place in an encoder with a vocabulary head: {', '.join(unused)}")
    return 0


def _probe(options: argparse.Namespace) -> int:
    return command.run(options)


def _adapt(options: argparse.Namespace) -> int:
    return new_language_cli.run(options)


def _doctor(options: argparse.Namespace) -> int:
    from workbench.runs import doctor

    return doctor.check(options.device)

"""A base that is there already: a finished run, or a model exported or imported, in the place of a pretraining."""

from __future__ import annotations

from dataclasses import asdict
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from workbench import languages
from workbench.config.part import Part
from workbench.errors import BadInput
from workbench.files import content_hash, read_json, sha256_file, write_json, write_text
from workbench.runs.folder import IDENTITY
from workbench.stages.source import open_text, read
from workbench.tokenizer import fertility
from workbench.tokenizer.processor import TextTokenizer

if TYPE_CHECKING:
    from workbench.config import Config
    from workbench.models import Model
    from workbench.models.published import Published
    from workbench.stages.plan import Stage

FERTILITY_DOCUMENTS = 2000
OURS = "workbench"  # model_type of our own layout (`exchange.native`)
ONLY_OURS = (
    "the base is a published encoder, and this is for the workbench's own models alone; take method 'full' without "
    "align, or 'lora', and optim 'adamw', 'lion' or 'adafactor'"
)


def revision(start: str) -> str:
    """What the folder holds, as a hash: of a run what it was made from, else every file.

    Raises: BadInput where there is no such folder, or nothing of a model in it.
    """
    folder = Path(start)
    file = folder / IDENTITY
    if not file.is_file():
        there = sorted(path.name for path in folder.iterdir())[:8] if folder.is_dir() else "no such folder"
        raise BadInput(
            f"pretrain.start: {folder.absolute()}: no {IDENTITY} ({there}); wanted the folder of a finished run "
            "(runs/STUDY/VARIANT-s0-HASH), or a model that `workbench export` or `workbench import` wrote"
        )
    if is_run(folder):
        return content_hash(read_json(file))
    files = [path for path in sorted(folder.iterdir()) if path.is_file()]
    return content_hash({path.name: _sha256(path, path.stat().st_size, path.stat().st_mtime_ns) for path in files})


@cache
def _sha256(path: Path, size: int, modified: int) -> str:
    """Once per file as it is: a plan asks for each of its stages, and weights are gigabytes."""
    return sha256_file(path)


def is_run(folder: Path) -> bool:
    found = read_json(folder / IDENTITY)
    return isinstance(found, dict) and "inputs" in found


def is_published(start: str) -> bool:
    """True where a base starts from a published encoder, or from a run that did; where that is gone, nobody knows."""
    file = Path(start) / IDENTITY
    if not start or not file.is_file():
        return False
    found = read_json(file)
    if is_run(Path(start)):
        return is_published(found.get("config", {}).get("pretrain", {}).get("start", ""))
    return isinstance(found, dict) and found.get("model_type") != OURS


def refuse_unfit(variant: str, config: Config) -> None:
    """Raises: BadInput where the arm asks of a published encoder what only our own models can, or describes it anew."""
    if not is_published(config.pretrain.start):
        return
    if given := _given("model", config.model):
        raise BadInput(
            f"variants.{variant}: {', '.join(given)}: the base is a published encoder, built as its own config.json "
            "says and computed in float32; leave these out"
        )
    adapt = config.adapt
    asked = {
        "adapt.method.kind 'madx'": adapt.method.kind == "madx",
        "adapt.method.align": adapt.align.any,
        "adapt.optim.kind 'muon'": adapt.optim.kind == "muon",
        "fine_tune.optim.kind 'muon'": any(task.fine_tune.optim.kind == "muon" for task in config.evaluate.tasks),
    }
    unfit = [name for name, is_asked in asked.items() if is_asked]
    if unfit:
        raise BadInput(f"variants.{variant}: {', '.join(unfit)}: {ONLY_OURS}")


def _given(name: str, part: Part) -> list[str]:
    """The dotted names of the fields that are not their defaults."""
    found = []
    for field, info in type(part).model_fields.items():
        value = getattr(part, field)
        if isinstance(value, Part):
            found += _given(f"{name}.{field}", value)
        elif value != info.default:
            found.append(f"{name}.{field}")
    return found


def opened(folder: Path) -> tuple[Model | Published, TextTokenizer]:
    """The model and its tokenizer, ours or the published one."""
    from workbench import exchange
    from workbench.exchange import trained

    if is_run(folder):
        run = trained.read(folder)
        return trained.load_model(run), run.tokenizer
    return exchange.load(folder)


def run_tokenizer(stage: Stage, path: Path) -> None:
    """The model's own tokenizer, and how it cuts the study's languages that have dev text."""
    config = stage.config
    _, tokenizer = opened(Path(config.pretrain.start))
    data = open_text(config.data.source, stage.identity["data_revision"])
    tokenizer.save(path)
    langs = map(languages.parse, (*config.data.pretrain, *config.data.targets))
    held_out = {lang: [d.text for d in read(data, lang, "dev", FERTILITY_DOCUMENTS)] for lang in langs}
    rows = fertility.report(tokenizer, {lang: texts for lang, texts in held_out.items() if texts})
    write_json(stage.folder / "fertility.json", [asdict(row) for row in rows])


def run_base(stage: Stage) -> None:
    """The model as it is, as a pretraining would have left it.

    Raises: BadInput where the study's settings are another model's, or lay its layers out otherwise.
    """
    from workbench.models.published import Published
    from workbench.training.checkpoint import save_model

    model, _ = opened(Path(stage.config.pretrain.start))
    if not isinstance(model, Published):
        own, wanted = model.settings.identity(), stage.config.model.identity()
        differ = sorted(name for name in {**own, **wanted} if name != "compute" and own.get(name) != wanted.get(name))
        if differ:
            raise BadInput(
                f"pretrain.start: the model there differs from the study's [base.model] in {', '.join(differ)}; "
                + ", ".join(f"its {name} is {own.get(name, 'the default')}" for name in differ)
            )
        layers, asked = model.settings.compute.layers, stage.config.model.compute.layers
        if layers != asked:
            raise BadInput(
                f"model.compute.layers: wanted {layers!r}, as the weights of the model at pretrain.start are laid out, "
                f"got {asked!r}; set model.compute.layers = {layers!r}"
            )
    save_model(stage.folder, model, step=0)
    write_json(stage.folder / "mixture.json", [])
    write_text(stage.folder / "metrics.jsonl", "")

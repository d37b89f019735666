"""Predictions on disk: one file per task, language, split and setting, and every score computed from it again.

The first line says what the file is; each other line is one example: its id, what is right, what was said.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError

from workbench.errors import BadInput
from workbench.evaluation.scores import Prediction, Score, score
from workbench.files import read_jsonl, write_jsonl
from workbench.tasks.task import Metric, Scheme, Task

FOLDER = "predictions"


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Head(_Strict):
    """What a file of predictions is about; `variant` is the row that made them (`floor:majority`)."""

    variant: str
    task: str
    lang: str
    split: str
    setting: str
    scheme: Scheme
    metrics: tuple[Metric, ...]


class _Line(_Strict):
    id: str
    label: str = ""
    predicted_label: str = ""
    tags: str = ""  # joined by blanks: tags have none
    predicted_tags: str = ""
    variety: str = ""


@dataclass(frozen=True, slots=True)
class Predicted:
    head: Head
    predictions: Sequence[Prediction]

    def scores(self) -> list[Score]:
        """By every metric of the task, the main one first."""
        return [score(metric, self.predictions, self.head.scheme) for metric in self.head.metrics]

    def varieties(self) -> dict[str, Predicted]:
        """The parts by variety, where there are several."""
        names = sorted({one.variety for one in self.predictions} - {""})
        return {
            name: Predicted(
                self.head.model_copy(update={"setting": f"{self.head.setting} variety={name}"}),
                [one for one in self.predictions if one.variety == name],
            )
            for name in names
        }


def head(task: Task, told: str, variant: str, lang: str, split: str, setting: str) -> Head:
    return Head(
        variant=variant, task=told, lang=lang, split=split, setting=setting, scheme=task.scheme, metrics=task.metrics
    )


def write(folder: Path, found: Predicted) -> Path:
    """Write into `folder/predictions`, under a name made of what the head says."""
    top = found.head
    name = "_".join(part for part in (top.variant.replace(":", "-"), top.setting) if part)
    safe = "".join(char if char.isalnum() or char in "=+-." else "_" for char in name)
    path = folder / FOLDER / top.task / safe / f"{top.lang}.{top.split}.jsonl"
    write_jsonl(path, _lines(found))
    return path


def _lines(found: Predicted) -> Iterator[dict[str, Any]]:
    yield found.head.model_dump(mode="json")
    for one in found.predictions:
        row = asdict(one)
        row["tags"], row["predicted_tags"] = " ".join(one.tags), " ".join(one.predicted_tags)
        yield {name: value for name, value in row.items() if value}


def read(path: Path) -> Predicted:
    """Raises: BadInput naming file:line for what is no such file."""
    rows = enumerate(read_jsonl(path), 1)
    try:
        _, first = next(rows, (1, None))
        top = Head.model_validate(first)
    except ValidationError as error:
        raise BadInput(f"{path}:1: wanted the head of a file of predictions; {_said(error)}") from error
    found = []
    for number, row in rows:
        try:
            line = _Line.model_validate(row)
        except ValidationError as error:
            raise BadInput(f"{path}:{number}: wanted a prediction; {_said(error)}") from error
        tags, said = tuple(line.tags.split()), tuple(line.predicted_tags.split())
        if len(tags) != len(said):
            raise BadInput(f"{path}:{number}: {len(said)} tags predicted for {len(tags)} words")
        found.append(Prediction(line.id, line.label, line.predicted_label, tags, said, line.variety))
    return Predicted(top, found)


def files(paths: Iterable[Path]) -> list[Path]:
    """The files of predictions among `paths` and below those that are folders.

    Raises: BadInput where there is none.
    """
    found: list[Path] = []
    for path in paths:
        if path.is_dir():
            below = sorted(path.rglob("*.jsonl"))
            found += [one for one in below if FOLDER in one.parts and _is_head(one)]
        elif path.is_file():
            found.append(path)
        else:
            raise BadInput(f"{path}: no such file or folder; wanted predictions, or a run that has some")
    if not found:
        raise BadInput(
            f"{', '.join(map(str, paths))}: no file of predictions in it; a run with the measure 'tasks' has"
        )
    return found


def _is_head(path: Path) -> bool:
    with path.open("rb") as file:
        return b'"scheme"' in file.readline()


def _said(error: ValidationError) -> str:
    return "; ".join(f"{'.'.join(map(str, one['loc'])) or 'row'}: {one['msg']}" for one in error.errors()[:3])

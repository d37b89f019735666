"""A corpus made fit to train on: clean, sign, match, write, each stage a map over shards with done-markers.

    out/clean/   each shard cleaned and filtered          out/match/   twins, a file per band and bucket
    out/sign/    hashes and MinHashes of each shard       out/final/   what is left: the corpus

Every stage needs the one before it whole. On one machine `prepare` does all of it; on several, each with its own
`part`, a host does its share of a stage and says what it waits for, and the same command goes on from there.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from functools import cache, partial
from pathlib import Path
from typing import Any, Literal, assert_never, get_args

from workbench.errors import BadInput, Preempted
from workbench.files import atomic_open, content_hash, read_json, sha256_file, write_json
from workbench.sources import dedup, language_id, shards
from workbench.sources.clean import Cleaning, clean
from workbench.sources.dedup import Near
from workbench.sources.shards import Say


@dataclass(frozen=True, slots=True)
class Settings:
    """All that the outcome depends on. `profiles`: language profiles; a document that another of its languages beats
    by more than `max_lead` nats per n-gram is left out."""

    cleaning: Cleaning = field(default_factory=Cleaning)
    near: Near | None = field(default_factory=Near)
    profiles: Path | None = None
    max_lead: float = 0.1

    def identity(self) -> dict[str, Any]:
        """As JSON, the profiles by their bytes."""
        found = sha256_file(self.profiles) if self.profiles else ""
        return {**asdict(self), "profiles": found, "version": 1}


Stage = Literal["clean", "sign", "match", "write"]
STAGES: tuple[Stage, ...] = get_args(Stage)


def prepare(
    inputs: Sequence[Path], out: Path, settings: Settings, say: Say, *, workers: int = 1, part: tuple[int, int] = (0, 1)
) -> shards.Counts:
    """Run what is not done yet of the four stages; return the counts of this part.

    Raises: BadInput where a shard is wrong; Preempted where other parts have not finished a stage yet.
    """
    counts: shards.Counts = {}
    for stage in STAGES:
        counts |= run_stage(stage, inputs, out, settings, say, workers=workers, part=part)
    return counts


def run_stage(
    stage: Stage,
    inputs: Sequence[Path],
    out: Path,
    settings: Settings,
    say: Say,
    *,
    workers: int = 1,
    part: tuple[int, int] = (0, 1),
) -> shards.Counts:
    """Run what is not done yet of one stage, which needs the one before it whole.

    Raises: BadInput where a shard is wrong; Preempted where other parts have not finished the stage before.
    """
    if not inputs:
        raise BadInput(f"{out}: no shards to read; `workbench data shard` makes them")
    names = sorted(inputs)
    cleaned = [out / "clean" / f"{path.stem}.jsonl" for path in names]
    near = asdict(settings.near) if settings.near else None
    run = partial(shards.run, say=say, workers=workers, part=part)
    work: shards.Work
    match stage:
        case "clean":
            work = partial(_clean, settings=settings)
            return run(work, names, out / "clean", settings.identity()).counts
        case "sign":
            _want_all(names, out / "clean", settings.identity())
            work = partial(dedup.sign, near=settings.near)
            return run(work, cleaned, out / "sign", near, suffix=".npy").counts
        case "match":
            _want_all(cleaned, out / "sign", near, ".npy")
            work = partial(dedup.match, signatures=out / "sign", near=settings.near)
            return run(work, _tasks(out, names, settings), out / "match", near, suffix=".npy").counts
        case "write":
            tasks = _tasks(out, names, settings)
            _want_all(tasks, out / "match", near, ".npy")
            matches = tuple(out / "match" / f"{path.stem}.npy" for path in tasks)
            place = {path.stem: number for number, path in enumerate(cleaned)}
            work = partial(_write, matches=matches, place=place)
            shards.prune(out / "final", {path.stem for path in cleaned})
            return run(work, cleaned, out / "final", [sha256_file(path) for path in matches]).counts
        case _:
            assert_never(stage)


def _want_all(inputs: Sequence[Path], folder: Path, settings: Any, suffix: str = ".jsonl") -> None:
    if waiting := shards.missing(inputs, folder, settings, suffix):
        raise Preempted(
            f"{folder}: this part is done; {len(waiting)} shards of other parts are not ({', '.join(waiting[:5])}"
            f"{'…' if len(waiting) > 5 else ''}). The same command continues when they are"
        )


def _clean(path: Path, output: Path, settings: Settings) -> shards.Counts:
    counts: shards.Counts = {"read": 0}
    profiles = _profiles(settings.profiles) if settings.profiles else None
    with atomic_open(output) as file:
        for document in shards.read(path):
            counts["read"] += 1
            found = clean(document, settings.cleaning)
            if not isinstance(found, str) and profiles is not None:
                lead = profiles.lead_of_another(found.text, found.lang)
                if lead is not None and lead[0] > settings.max_lead:
                    found = f"in {lead[1].tag}, not {found.lang.tag}, by the language profiles"
            if isinstance(found, str):
                counts[f"left out: {found}"] = counts.get(f"left out: {found}", 0) + 1
            else:
                file.write(f"{shards.to_json(found)}\n".encode())
    return counts


@cache
def _profiles(path: Path) -> language_id.Profiles:
    return language_id.load(path)


def _write(path: Path, output: Path, matches: tuple[Path, ...], place: dict[str, int]) -> shards.Counts:
    return dedup.write(path, output, place[path.stem], matches)


def _tasks(out: Path, inputs: Sequence[Path], settings: Settings) -> list[Path]:
    """A file per match task, written where it is not there yet.

    Each names its shards by their bytes, so that new signatures make new tasks.
    """
    signed = [out / "sign" / f"{path.stem}.npy" for path in inputs]
    digest = content_hash([read_json(out / "sign" / f"{path.stem}.done.json")["output"] for path in signed])
    paths = []
    for name, task in dedup.tasks(signed, settings.near).items():
        path = out / "tasks" / f"{name}.json"
        wanted = task | {"signatures": digest}
        if not path.exists() or read_json(path) != wanted:
            write_json(path, wanted)
        paths.append(path)
    return paths

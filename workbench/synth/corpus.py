"""A synthetic corpus of any size: shards in, shards out, the same bytes for any number of workers and after any kill.

    out/work/text/      the given text as shards        out/data/     the corpus: JSON lines or parquet
    out/work/units/     each shard encoded as units     out/ids/      with a tokenizer: subword ids, npz
    out/work/account/   what the rule found and did     out/report.json, out/README.md (which `datasets` reads)

Each stage is a map over shards with done-markers (`sources.shards`). Memory is one shard's, whatever the corpus.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any, Literal, assert_never, get_args

import numpy as np

from workbench import licences
from workbench.errors import BadInput
from workbench.files import atomic_open, canonical_json, read_json, sha256_bytes, sha256_file, write_json, write_text
from workbench.records import Document, Lexicon
from workbench.sources import shards
from workbench.sources.shards import Say
from workbench.synth import account, encoded, rendered
from workbench.synth.account import Totals
from workbench.synth.engine import Engine, cut_of
from workbench.synth.lexicon import permuted
from workbench.synth.rules import Rule

Format = Literal["jsonl", "parquet"]
Stage = Literal["units", "account", "data", "ids"]
STAGES: tuple[Stage, ...] = get_args(Stage)
ROW_GROUP = 8192


@dataclass(frozen=True, slots=True)
class Settings:
    """All that the corpus depends on beside its text. `sentences`: how many are kept at most, in order; None: all."""

    lexicon: Lexicon
    rule: Rule
    seed: int = 0
    sentences: int | None = None
    permute: bool = False
    format: Format = "jsonl"
    tokenizer: Path | None = None

    @property
    def used(self) -> Lexicon:
        return permuted(self.lexicon, self.seed) if self.permute else self.lexicon

    @property
    def source(self) -> str:
        return f"pseudo:{'permuted' if self.permute else self.rule.name}"

    @property
    def stages(self) -> tuple[Stage, ...]:
        return STAGES if self.tokenizer else STAGES[:-1]

    def identity(self) -> dict[str, Any]:
        """As JSON, the lexicon by its bytes."""
        return {
            "version": 1,
            "lexicon_sha256": digest(self.lexicon),
            "origin": self.lexicon.origin,
            "rule": asdict(self.rule),
            "seed": self.seed,
            "permuted": self.permute,
            "target": self.lexicon.target.tag,
        }


def digest(lexicon: Lexicon) -> str:
    """sha256 of a lexicon's entries, in their order."""
    listed = [[key, [[o.word, o.pos, o.weight] for o in options]] for key, options in lexicon.entries.items()]
    return sha256_bytes(canonical_json(listed).encode())


def cut(documents: Iterable[Document], out: Path, made_of: Any, rows: int) -> list[Path]:
    """Write the given text as shards, unless they are there; `made_of` says what text it is, as JSON."""
    folder, marker = out / "work" / "text", out / "work" / "text.json"
    wanted = {"text": made_of, "rows": rows}
    if marker.is_file() and (made := read_json(marker))["made_of"] == wanted:
        return [folder / name for name in made["shards"]]
    marker.unlink(missing_ok=True)  # from here on the old shards are not vouched for
    written = shards.write(documents, folder, rows)
    write_json(marker, {"made_of": wanted, "shards": [path.name for path in written]})
    return written


def synthesise(
    inputs: Sequence[Path], out: Path, settings: Settings, say: Say, *, about: dict[str, Any], workers: int = 1
) -> dict[str, Any]:
    """Do what is not done yet of every stage, and write the report and the card; return the report.

    `about`: of the text and the licences, for the report.

    Raises: BadInput where a shard is wrong, or not one sentence is kept.
    """
    for stage in settings.stages:
        run_stage(stage, inputs, out, settings, say, workers=workers)
    return finish(inputs, out, settings, about)


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
    """Do what is not done yet of one stage, which needs those before it whole.

    Raises: BadInput where a shard is wrong, or not one sentence is kept.
    """
    units = [out / "work" / "units" / f"{path.stem}.npz" for path in inputs]
    run = partial(shards.run, say=say, workers=workers, part=part)
    identity = settings.identity()
    match stage:
        case "units":
            wanted: Any = {"cut": cut_of(settings.rule), "format": encoded.FORMAT}
            work: shards.Work = partial(_encode, cut=cut_of(settings.rule))
            return run(work, inputs, out / "work" / "units", wanted, suffix=".npz").counts
        case "account":
            work = partial(_account, settings=settings)
            return run(work, units, out / "work" / "account", identity, suffix=".npz").counts
        case "data":
            limits = quotas(inputs, out, settings)
            work = partial(_data, settings=settings, limits=limits)
            chosen = [path for path in units if limits[path.stem]]
            shards.prune(out / "data", {path.stem for path in chosen})
            if settings.tokenizer is None:
                shards.prune(out / "ids", ())
            return run(work, chosen, out / "data", [identity, limits], suffix=f".{settings.format}").counts
        case "ids":
            limits = quotas(inputs, out, settings)
            assert settings.tokenizer is not None
            model = sha256_file(settings.tokenizer)
            work = partial(_ids, settings=settings, limits=limits, model=model)
            chosen = [path for path in units if limits[path.stem]]
            shards.prune(out / "ids", {path.stem for path in chosen})
            return run(work, chosen, out / "ids", [identity, limits, model], suffix=".npz").counts
        case _:
            assert_never(stage)


def quotas(inputs: Sequence[Path], out: Path, settings: Settings) -> dict[str, int]:
    """How many of each shard's sentences are written: all that are kept, until `settings.sentences` are.

    Raises: BadInput where none is kept.
    """
    left = settings.sentences
    found: dict[str, int] = {}
    for path in sorted(inputs):
        kept = int(Totals.load(out / "work" / "account" / f"{path.stem}.npz").counts["num_kept"])
        found[path.stem] = kept if left is None else min(kept, left)
        left = None if left is None else left - found[path.stem]
    if not sum(found.values()):
        rule, lexicon = settings.rule, settings.lexicon
        raise BadInput(
            f"{out}: not one sentence has {rule.min_replaced} words, and a share {rule.min_rate:g} of its words, that "
            f"the {len(lexicon.entries)} entries of {lexicon.origin} cover; give a larger lexicon, or lower these"
        )
    return found


def finish(inputs: Sequence[Path], out: Path, settings: Settings, about: dict[str, Any]) -> dict[str, Any]:
    """The report over all shards (with a limit: over the sentences read until it was reached), and the card."""
    limits = quotas(inputs, out, settings)
    totals = Totals()
    for path in sorted(inputs):
        whole = Totals.load(out / "work" / "account" / f"{path.stem}.npz")
        if (
            settings.sentences is not None
            and totals.counts["num_kept"] + whole.counts["num_kept"] >= settings.sentences
        ):
            engine = _engine(out / "work" / "units" / f"{path.stem}.npz", settings)
            totals.add(account.count(engine, engine.blocks(), limits[path.stem]))
            break
        totals.add(whole)
    licence = licences.joined([settings.lexicon.licence, about.get("text_licence", "")])
    report = {
        **settings.identity(),
        **about,
        "lexicon_licence": settings.lexicon.licence or licences.UNSTATED,
        "licence": licence,
        "num_entries": len(settings.lexicon.entries),
        "num_unusable_entries": settings.rule.unusable(settings.lexicon),
        "shards": sum(limit > 0 for limit in limits.values()),
        **totals.report(),
    }
    write_json(out / "report.json", report)
    write_text(out / "README.md", card(report, settings))
    return report


def card(report: dict[str, Any], settings: Settings) -> str:
    """A data set's card, so that `datasets.load_dataset(folder)` finds the shards."""
    lexicon = settings.lexicon
    return f"""---
configs:
- config_name: default
  data_files: data/*.{settings.format}
---
Synthetic text in {lexicon.target.tag}, made from text in {lexicon.source.tag} by replacing words through the lexicon
{lexicon.origin} (sha256 of its entries {report["lexicon_sha256"]}), by the rule `{settings.rule.name}` with seed
{settings.seed}{", its meanings permuted: a control" if settings.permute else ""}. It is no text that a speaker wrote.

- {report["num_kept"]:,} of {report["num_read"]:,} sentences kept.
- {100 * report["token_coverage"]:.1f} % of the running words have an entry, {100 * report["type_coverage"]:.1f} % of
  the word types; with {report["mean_translations"]:.2f} translations to choose from.
- {100 * report["replaced_rate"]:.1f} % of the kept sentences' words are replaced.
- Licence: {report["licence"]} (lexicon: {report["lexicon_licence"]}).
- Everything else is in `report.json`.
"""


# The work on one shard


def _encode(path: Path, output: Path, cut: encoded.Cut) -> shards.Counts:
    corpus = encoded.encode(shards.read(path), cut)
    corpus.save(output)
    return {"sentences": len(corpus)}


def _account(path: Path, output: Path, settings: Settings) -> shards.Counts:
    engine = _engine(path, settings)
    totals = account.count(engine, engine.blocks())
    totals.save(output)
    return totals.counts


def _data(path: Path, output: Path, settings: Settings, limits: dict[str, int]) -> shards.Counts:
    limit = limits[path.stem]
    match settings.format:
        case "jsonl":
            with atomic_open(output) as file:
                for lines in _lines(path, settings, limit):
                    file.write(lines)
        case "parquet":
            _write_parquet(output, _lines(path, settings, limit))
        case _:
            assert_never(settings.format)
    return {"sentences": limit}


def _lines(path: Path, settings: Settings, limit: int) -> Iterator[memoryview]:
    """The kept sentences as lines of JSON, a block's at a time."""
    engine = _engine(path, settings)
    lines = rendered.JSONLines(engine, settings.lexicon.target.tag, settings.source, settings.used.origin)
    for block in engine.blocks():
        yield lines.of(block, limit)
        limit -= int(block.kept.sum())
        if limit <= 0:
            return


def _write_parquet(output: Path, blocks: Iterator[memoryview]) -> None:
    import json

    import pyarrow
    import pyarrow.parquet

    kind = pyarrow.list_(pyarrow.string())
    schema = pyarrow.schema(
        [(name, pyarrow.string()) for name in ("id", "text", "lang", "source")] + [("parents", kind)]
    )
    rows = (json.loads(line) for lines in blocks for line in bytes(lines).split(b"\n") if line)
    with atomic_open(output) as file, pyarrow.parquet.ParquetWriter(file, schema) as writer:
        while group := list(islice(rows, ROW_GROUP)):
            writer.write_table(pyarrow.Table.from_pylist(group, schema))


def _ids(path: Path, output: Path, settings: Settings, limits: dict[str, int], model: str) -> shards.Counts:
    from workbench.tokenizer.processor import Tokenizer

    assert settings.tokenizer is not None
    tokenizer = Tokenizer.load(settings.tokenizer)
    engine = _engine(path, settings)
    subwords = rendered.Subwords(engine, tokenizer.encode_all, rendered.unit_ids(engine.encoded, tokenizer.encode_all))
    left = limits[path.stem]
    flat = bytearray()  # grows in place: parts held until all are there would be twice the memory
    lengths: list[np.ndarray] = []
    for block in engine.blocks():
        ids, starts = subwords.flat(block)
        starts = starts[: left + 1]
        flat += ids[: starts[-1]].data
        lengths.append(np.diff(starts))
        left -= len(starts) - 1
        if not left:
            break
    starts = rendered.bounds_of(np.concatenate(lengths))
    with atomic_open(output) as file:
        np.savez(file, ids=np.frombuffer(flat, np.int32), starts=starts, tokenizer=model)
    return {"sentences": limits[path.stem], "subwords": int(starts[-1])}


def _engine(path: Path, settings: Settings) -> Engine:
    return Engine(encoded.load(path), settings.used, settings.rule, settings.seed)

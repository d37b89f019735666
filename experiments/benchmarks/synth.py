"""Substitution through a lexicon: the engine beside the published loop and `datasets.map`, in turns within one run.

    WORKBENCH_DATA=... uv run --group bench python experiments/benchmarks/synth.py [--sentences N] [--rounds N]

Real English sentences of the embedded default (repeated under new ids where more are asked for), one real lexicon, the
published rule: white-space tokens, exact lookup, uniform choice, three replaced. Every side goes from English
sentences to (text) a file of the kept sentences, or (ids) their subword ids in one array, by the same tokenizer.

`reference` is the published loop, a word at a time with `random.choice`, its sentences encoded by SentencePiece in one
call; `datasets.map` is the same function under `datasets`, batched, in one process, with a fresh cache. Ours reads the
corpus as word ids, and the subword ids of its distinct words are known: both are made once per corpus, and serve every
language and seed. What making them costs is measured too (`encode`), and added in the ratios that end in `with encode`.
The sides draw other random numbers, so their texts differ; both keep the same sentences, which is checked, and ours is
checked against its own rule one by one, and its ids against encoding its texts.

Writes results/synth-cpu.json; the last line is one JSON object with `min_ratio`, by CPU time.
"""

from __future__ import annotations

import argparse
import gc
import os
import random
import tempfile
from itertools import islice
from pathlib import Path
from typing import Any

os.environ["HF_HUB_OFFLINE"] = "1"

import numpy as np
from timing import interleave, last_line, timed

from workbench import config, languages
from workbench.files import write_json
from workbench.records import Document, Lexicon
from workbench.sources import embedded
from workbench.synth import encoded, rendered
from workbench.synth.engine import Engine
from workbench.synth.keyed import Keyed
from workbench.synth.rules import WANG2022, published
from workbench.tokenizer.processor import Tokenizer, normalize
from workbench.tokenizer.train import train

HERE = Path(__file__).parent
GOALS = {"text: reference": 8.0, "ids: reference": 10.0}


class Bench:
    """The corpus, the lexicon, the tokenizer, and each side as a function without arguments."""

    def __init__(self, documents: list[Document], lexicon: Lexicon, tokenizer: Tokenizer, folder: Path) -> None:
        self.documents, self.lexicon, self.tokenizer, self.folder = documents, lexicon, tokenizer, folder
        self.sentences = [one.text for one in documents]
        self.table = {key: [one.word for one in options] for key, options in lexicon.entries.items()}
        self.encode_seconds = timed(self._encode)
        self.kept: dict[str, int] = {}

    def _encode(self) -> None:
        self.corpus = encoded.encode(self.documents, "whitespace")
        self.units = rendered.unit_ids(self.corpus, self.tokenizer.encode_all)

    # The published loop

    def translate(self, sentence: str, rng: random.Random) -> str | None:
        result, num_replaced = [], 0
        for token in sentence.split():
            if token in self.table:
                result.append(rng.choice(self.table[token]))
                num_replaced += 1
            else:
                result.append(token)
        return " ".join(result) if num_replaced >= 3 else None

    def _loop(self) -> list[str]:
        rng = random.Random(0)
        return [made for sentence in self.sentences if (made := self.translate(sentence, rng)) is not None]

    def reference_text(self) -> None:
        made = self._loop()
        with (self.folder / "reference.txt").open("w", encoding="utf-8") as file:
            for text in made:
                file.write(text + "\n")
        self.kept["reference"] = len(made)

    def reference_ids(self) -> None:
        found = self.tokenizer._processor.encode(self._loop(), num_threads=1)  # its own texts need no normalizing
        self.kept["reference ids"] = int(sum(map(len, found)) > 0)
        np.concatenate([np.asarray(ids, np.int32) for ids in found])

    # `datasets`

    def _mapped(self, with_ids: bool) -> Any:
        import datasets

        rng = random.Random(0)

        def work(batch: dict[str, list[str]]) -> dict[str, list[Any]]:
            made = [text for sentence in batch["text"] if (text := self.translate(sentence, rng)) is not None]
            if not with_ids:
                return {"text": made}
            return {"ids": self.tokenizer._processor.encode(made, num_threads=1)}

        held = datasets.Dataset.from_dict({"text": self.sentences})
        with tempfile.TemporaryDirectory() as cache:
            return held.map(
                work,
                batched=True,
                remove_columns=["text"],
                cache_file_name=f"{cache}/cache.arrow",
                new_fingerprint=f"bench-{random.random()}",
            )

    def map_text(self) -> None:
        made = self._mapped(with_ids=False)
        made.to_json(str(self.folder / "map.jsonl"))
        self.kept["datasets.map"] = len(made)

    def map_ids(self) -> None:
        self.kept["datasets.map ids"] = len(self._mapped(with_ids=True))

    # Ours

    def ours_text(self) -> None:
        engine = Engine(self.corpus, self.lexicon, WANG2022, seed=0)
        lines, num_kept = rendered.Lines(engine), 0
        with (self.folder / "ours.txt").open("wb") as file:
            for block in engine.blocks():
                file.write(lines.of(block))
                num_kept += int(block.kept.sum())
        self.kept["ours"] = num_kept

    def ours_ids(self) -> None:
        engine = Engine(self.corpus, self.lexicon, WANG2022, seed=0)
        subwords = rendered.Subwords(engine, self.tokenizer.encode_all, self.units)
        made = bytearray()  # grows in place: parts held until all are there would be twice the memory
        for block in engine.blocks():
            made += subwords.flat(block)[0].data
        np.frombuffer(made, np.int32)

    def ours_lines(self) -> None:
        """The shards that `workbench synth` writes: JSON lines with ids, languages and parents."""
        engine = Engine(self.corpus, self.lexicon, WANG2022, seed=0)
        lines = rendered.JSONLines(engine, self.lexicon.target.tag, "pseudo:wang2022", self.lexicon.origin)
        with (self.folder / "ours.jsonl").open("wb") as file:
            for block in engine.blocks():
                file.write(lines.of(block))

    def check(self, num: int = 2000) -> None:
        """Ours is the published rule, and its ids are those of its texts."""
        engine = Engine(self.corpus, self.lexicon, WANG2022, seed=0)
        subwords = rendered.Subwords(engine, self.tokenizer.encode_all, self.units)
        block = next(iter(engine.blocks(size=num)))
        made = rendered.texts(engine, block)
        tag = self.lexicon.target.tag
        one_by_one = (
            published(one.text, self.lexicon, Keyed(one.id, 0, "substitute", tag)) for one in self.documents[:num]
        )
        assert made == [done.text for done in one_by_one if WANG2022.keeps(done)]
        wanted = self.tokenizer.encode_all(made)
        assert all(np.array_equal(a, b) for a, b in zip(subwords.of(block), wanted, strict=True))


def corpus(num: int) -> list[Document]:
    """The embedded default's English training sentences, as often as it takes, each time under other ids."""
    pivot = languages.parse("eng")
    held = embedded.prepare().documents(pivot, "train")
    texts = [normalize(one.text) for one in held]
    endless = (Document(f"{turn}/{one}", text, pivot) for turn in range(num) for one, text in enumerate(texts))
    return list(islice(endless, num))


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--sentences", type=int, default=500_000)
    parser.add_argument("--lang", default="isl", help="whose lexicon of the embedded default (default: %(default)s)")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--alone", action="store_true", help="without `datasets`")
    parser.add_argument("--out", type=Path, default=HERE / "results")
    options = parser.parse_args(arguments)
    documents = corpus(options.sentences)
    lexicon = embedded.prepare().lexicon(languages.parse(options.lang))
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        pseudo = [one.word for options_of in lexicon.entries.values() for one in options_of]
        sample = {lexicon.source: [one.text for one in documents[:20_000]], lexicon.target: pseudo}
        tokenizer = train(sample, config.Tokenizer(vocab_size=8000, sample_bytes=2_000_000), folder / "t", seed=0)
        bench = Bench(documents, lexicon, tokenizer, folder)
        bench.check()
        gc.collect()
        gc.freeze()  # half a million records that no side makes would be walked through in whichever is running
        variants: dict[str, Any] = {
            "ours text": bench.ours_text,
            "ours JSON lines": bench.ours_lines,
            "reference text": bench.reference_text,
            "ours ids": bench.ours_ids,
            "reference ids": bench.reference_ids,
        }
        if not options.alone:
            import datasets

            datasets.disable_progress_bars()
            variants |= {"datasets.map text": bench.map_text, "datasets.map ids": bench.map_ids}
        compared = interleave(variants, options.rounds)
        kept = {bench.kept[side] for side in ("ours", "reference", "datasets.map") if side in bench.kept}
        assert len(kept) == 1, bench.kept
        ratios: dict[str, float] = {}
        for what in ("text", "ids"):
            for peer in ("reference", "datasets.map")[: 1 if options.alone else 2]:
                ratios[f"{what}: {peer}"] = compared.ratio(f"ours {what}", f"{peer} {what}").median
        cost = bench.encode_seconds
        beside = {
            f"{what}: reference, with encode": compared.median(f"reference {what}", "cpu")
            / (compared.median(f"ours {what}", "cpu") + cost.cpu)
            for what in ("text", "ids")
        } | {"JSON lines: reference text": compared.ratio("ours JSON lines", "reference text").median}
        record = {
            "sentences": options.sentences,
            "kept": kept.pop(),
            "types": len(bench.corpus.types),
            "tokens": len(bench.corpus.units),
            "lexicon": {"lang": lexicon.target.tag, "entries": len(lexicon.entries), "origin": lexicon.origin},
            "encode_seconds": {"wall": cost.wall, "cpu": cost.cpu},
            "sentences_per_cpu_second": {side: options.sentences / compared.median(side, "cpu") for side in variants},
            "cpu_ratios": ratios | beside,
            **compared.record("ours text"),
        }
    write_json(options.out / "synth-cpu.json", record)
    for side, rate in record["sentences_per_cpu_second"].items():
        print(f"{rate:>12,.0f}  sentences per CPU-second  {side}")
    for side, ratio in beside.items():
        print(f"{ratio:>12.2f}  {side}")
    print(last_line(ratios, GOALS))


if __name__ == "__main__":
    main()

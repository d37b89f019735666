"""MTEB's bitext mining over sentences that are on this machine: its own task class, evaluator and result files.

    uv run --with mteb python experiments/mteb_bitext.py runs/STUDY/VARIANT-s0-HASH --languages cym,gle --out mteb
    uv run --with mteb python experiments/mteb_bitext.py RUN/export --through sentence-transformers --out mteb

The first reads the model with the workbench (any run, exported model or published encoder). The second gives the
exported folder to sentence-transformers, as a user without the workbench would; both must say the same. Sentences are
those of `workbench probe --pairs`: ntrex, sib200, or a folder with one file per language. Nothing is downloaded.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

import mteb
import numpy as np
from datasets import Dataset
from mteb.abstasks import AbsTaskBitextMining
from mteb.abstasks.task_metadata import TaskMetadata
from mteb.models.abs_encoder import AbsEncoder

from workbench.errors import WorkbenchError
from workbench.files import write_json
from workbench.probing import sentences
from workbench.probing.sentence_encoder import SentenceEncoder, open_encoder
from workbench.probing.sentences import Parallel


def task(found: Parallel) -> AbsTaskBitextMining:
    """One subset per language, pivot sentences first: its figures are of finding the translation of each of them."""
    pairs = {f"{found.pivot.code}-{lang.code}": lang for lang in found.others}

    class LocalBitextMining(AbsTaskBitextMining):
        metadata = TaskMetadata(
            name=f"{Path(found.name).name.upper()}LocalBitextMining",
            dataset={"path": f"local/{Path(found.name).name}", "revision": found.sha256[:12]},
            description=f"Parallel sentences of {found.name} on this machine.",
            type="BitextMining",
            category="t2t",
            eval_splits=["test"],
            eval_langs={name: [found.pivot.tag, lang.tag] for name, lang in pairs.items()},
            main_score="f1",
        )

        def load_data(self, **settings: Any) -> None:
            self.dataset = {
                name: {
                    "test": Dataset.from_dict(
                        {"sentence1": list(found.texts[found.pivot]), "sentence2": list(found.texts[lang])}
                    )
                }
                for name, lang in pairs.items()
            }
            self.data_loaded = True

    return LocalBitextMining()


class OfTheWorkbench(AbsEncoder):
    """What MTEB asks of an encoder."""

    def __init__(self, encoder: SentenceEncoder, name: str) -> None:
        self.encoder = encoder
        self.mteb_model_meta = mteb.models.ModelMeta.create_empty(
            {"name": name, "revision": encoder.reader.sha256[:12], "embed_dim": encoder.reader.width}
        )

    def encode(self, inputs: Any, **settings: Any) -> np.ndarray:
        return self.encoder.encode([text for batch in inputs for text in batch["text"]])


def by_sentence_transformers(folder: Path) -> Any:
    """Mean pooling over an exported folder, which has to be in a layout of transformers."""
    from sentence_transformers import SentenceTransformer, models

    transformer = models.Transformer(str(folder))
    pooling = models.Pooling(transformer.get_word_embedding_dimension(), pooling_mode="mean")
    return SentenceTransformer(modules=[transformer, pooling], device="cpu")


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("model", help="folder of a run, of an exported or of a published model")
    parser.add_argument("--pairs", default="ntrex", help="ntrex, sib200, or a folder with one file per language")
    parser.add_argument("--languages", default="", help="such as cym,gle; none given: all that are there")
    parser.add_argument("--pivot", default="eng-Latn")
    parser.add_argument("--sentences", type=int, help="the first so many; none given: all")
    parser.add_argument("--layer", type=int, default=-1, help="of the model, 0 being the embedding")
    parser.add_argument("--through", choices=["workbench", "sentence-transformers"], default="workbench")
    parser.add_argument("--out", type=Path, required=True, help="folder for MTEB's result files")
    options = parser.parse_args()
    tags = [tag for tag in options.languages.split(",") if tag]
    try:
        (found,) = sentences.read(options.pairs, tags, options.pivot, options.sentences)
        name = f"local/{Path(options.model).resolve().name}"
        if options.through == "workbench":
            model: Any = OfTheWorkbench(open_encoder(options.model, options.layer), name)
        else:
            model = by_sentence_transformers(Path(options.model))
    except WorkbenchError as error:
        print(error, file=sys.stderr)
        return error.exit_code
    result = mteb.evaluate(model, task(found), cache=None, show_progress_bar=False)
    for one in result.task_results:
        write_json(options.out / f"{one.task_name}.json", one.to_dict())
        for scores in one.scores["test"]:
            print(f"{scores['hf_subset']}\tf1 {scores['f1']:.4f}\taccuracy {scores['accuracy']:.4f}")
    return 0


if __name__ == "__main__":
    sys.exit(main())

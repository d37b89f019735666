"""The held-out text that a pretraining looks at while it runs: the first dev documents of every base language."""

from __future__ import annotations

from workbench import languages
from workbench.errors import BadInput
from workbench.mixture.packing import pack
from workbench.stages.plan import Stage
from workbench.stages.source import open_text, read
from workbench.stages.tokenize import encode
from workbench.tokenizer.processor import Tokenizer, normalize
from workbench.training.held_out import Text


def held_out_texts(stage: Stage, tokenizer: Tokenizer) -> dict[str, Text]:
    """Language tag -> its held-out text; empty where the config asks for no validation.

    Raises: BadInput for a language without dev text.
    """
    settings = stage.config.pretrain
    if settings.validation is None:
        return {}
    data = open_text(stage.config.data.source, stage.identity["data_revision"])
    found = {}
    for tag in stage.config.data.pretrain:
        texts = [document.text for document in read(data, languages.parse(tag), "dev", settings.validation.documents)]
        if not texts:
            raise BadInput(f"pretrain.validation: {tag} has no dev text; give it some, or leave the validation out")
        rows = pack(encode(tokenizer, texts, stage.config), settings.length)
        found[tag] = Text(rows, sum(len(normalize(text).encode()) for text in texts))
    return found

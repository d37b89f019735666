"""The held-out text that a training looks at while it runs: the first dev documents of each of its languages."""

from __future__ import annotations

from collections.abc import Sequence

from workbench import languages
from workbench.config import Validation
from workbench.errors import BadInput
from workbench.mixture.packing import pack
from workbench.stages.plan import Stage
from workbench.stages.source import open_text, read
from workbench.stages.tokenize import encode
from workbench.tokenizer.processor import TextTokenizer, normalize
from workbench.training.held_out import Text


def held_out_texts(
    stage: Stage, tokenizer: TextTokenizer, settings: Validation, tags: Sequence[str]
) -> dict[str, Text]:
    """Language tag -> its held-out text.

    Raises: BadInput for a language without dev text.
    """
    data = open_text(stage.config.data.source, stage.identity["data_revision"])
    found = {}
    for tag in tags:
        texts = [document.text for document in read(data, languages.parse(tag), "dev", settings.documents)]
        if not texts:
            raise BadInput(f"validation: {tag} has no dev text; give it some, or leave the validation out")
        rows = pack(encode(tokenizer, texts, stage.config), stage.config.pretrain.length)
        found[tag] = Text(rows, sum(len(normalize(text).encode()) for text in texts))
    return found

"""Translation without training for it: asked for in a prompt, behind translated sentences."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from workbench import naming
from workbench.evaluation.prompted import Asker, num_symbols
from workbench.evaluation.prompts import Prompt, Prompts, Template
from workbench.records import Lang, Pair


def template(source: Lang, target: Lang) -> Template:
    """`English: ... Welsh:`; of one language in two scripts, `Serbian (Cyrl): ... Serbian (Latn):`."""
    names = naming.names((source.tag, target.tag))
    return Template(f"{names[source.tag]}:", f"{names[target.tag]}:")


@dataclass(frozen=True, slots=True)
class Translated:
    """`text`, and the prompt that it was written behind."""

    text: str
    prompt: Prompt


def translate(
    asker: Asker,
    source: Lang,
    target: Lang,
    demonstrations: Sequence[Pair],
    texts: Sequence[str],
    *,
    length: int,
    max_new: int,
    num_beams: int = 1,
    length_penalty: float = 1.0,
) -> list[Translated]:
    """What the model writes behind each prompt, up to its end, or to where it goes on with another demonstration."""
    form = template(source, target)
    room = length - max_new - num_symbols(asker.objective)
    prompts = Prompts(form, asker.tokenizer, tuple(demonstrations), room).all(texts)
    written = asker.write([prompt.ids for prompt in prompts], max_new, num_beams, length_penalty)
    return [
        Translated(asker.tokenizer.decode(ids).partition(form.before)[0].strip(), prompt)
        for ids, prompt in zip(written, prompts, strict=True)
    ]

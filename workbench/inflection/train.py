"""Training a transducer on tables of inflections, and keeping it where its run can be gone on with."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from pydantic import ValidationError

from workbench import config, models
from workbench.errors import BadInput
from workbench.files import content_hash, read_json, read_jsonl, write_json
from workbench.inflection.alphabet import UNK, Alphabet, Encoded
from workbench.inflection.batches import STEP, InflectionStream
from workbench.inflection.hallucinate import hallucinate
from workbench.inflection.rows import Row
from workbench.inflection.write import forms
from workbench.models.transducer import transducer_loss
from workbench.seeds import stream
from workbench.training.checkpoint import load_weights
from workbench.training.loop import StepLog, train

MODEL = "transducer.json"


@dataclass(frozen=True, slots=True)
class Inflector:
    """A trained model, what its ids mean, how it searches, and what it needs to know of its training rows.

    `bundles` are their feature bundles as written, `growth` is by how many characters a form was longer than its lemma.
    """

    model: models.Transducer
    alphabet: Alphabet
    search: config.Search
    languages: tuple[str, ...]
    bundles: tuple[str, ...]
    growth: int

    def write(self, rows: Sequence[Row]) -> list[str]:
        return write([self], rows, self.search_for(rows, self.search))

    def search_for(self, rows: Sequence[Row], search: config.Search) -> config.Search:
        """The search with room for the forms of these rows: a lemma longer than those of training has a longer form."""
        longest = max((len(row.lemma) for row in rows), default=0) + self.growth
        return search.model_copy(update={"max_length": max(search.max_length, _room(longest))})


def write(voters: Sequence[Inflector], rows: Sequence[Row], search: config.Search) -> list[str]:
    """The form of every row, in order, by models of the same training rows.

    A bundle that training had with its features in another order is read in that order, since models notice the order.
    """
    first = voters[0]
    trained = {in_any_order(bundle): bundle for bundle in first.bundles}
    asked = [replace(row, features=trained.get(in_any_order(row.features), row.features)) for row in rows]
    return forms([one.model for one in voters], first.alphabet, asked, search)


def in_any_order(features: str) -> tuple[str, ...]:
    """The features of a bundle, sorted: `V;PST;NOM(2,SG)` -> `NOM(2,SG)`, `PST`, `V`."""
    found, depth = [""], 0
    for c in features:
        depth += {"(": 1, ")": -1}.get(c, 0)
        if c == ";" and not depth:
            found.append("")
        else:
            found[-1] += c
    return tuple(sorted(found))


def _room(longest: int) -> int:
    """Places for so many characters and the end."""
    return -(-(longest + 1) // STEP) * STEP


@dataclass(frozen=True, slots=True)
class _DevErrors:
    """The share of each language's dev rows that the model writes wrong."""

    rows: Sequence[Row]
    alphabet: Alphabet
    search: config.Search
    measure: str = "error_rate"

    @property
    def langs(self) -> Sequence[str]:
        return sorted({row.lang for row in self.rows})

    def evaluate(self, model: models.Transducer) -> dict[str, float]:
        wrong: dict[str, list[bool]] = {lang: [] for lang in self.langs}
        for row, form in zip(self.rows, forms([model], self.alphabet, self.rows, self.search), strict=True):
            wrong[row.lang].append(form != row.form)
        return {lang: sum(found) / len(found) for lang, found in wrong.items()}


def sample(rows: Sequence[Row], size: int | None, seed: int) -> list[Row]:
    """The first `size` rows of each language in a random order: a smaller sample is a part of a larger one.

    Random: (seed, "train-size", language).
    Raises: BadInput where a language has fewer.
    """
    if size is None:
        return list(rows)
    kept = []
    for lang in dict.fromkeys(row.lang for row in rows):
        own = [row for row in rows if row.lang == lang]
        if len(own) < size:
            raise BadInput(f"data.train_size: {size}, but {lang} has {len(own)} training rows; lower it")
        kept += [own[number] for number in stream(seed, "train-size", lang).permutation(len(own))[:size]]
    return kept


def fit(
    settings: config.InflectionConfig,
    training: Sequence[Row],
    dev: Sequence[Row],
    *,
    folder: Path,
    seed: int,
    on_step: Callable[[StepLog], None],
) -> Inflector:
    """Train on rows with forms, keep the weights with the fewest errors on dev, and leave both in `folder`.

    Goes on where `folder` has a run of the same settings and rows, and ends bit for bit where that would have ended.

    Random: rows from (seed, "train-size"), made-up ones from (seed, "hallucinate"), else as `training.loop.train`.
    Raises: as `training.loop.train`; BadInput for rows without forms.
    """
    if any(row.form is None for row in (*training, *dev)):
        raise BadInput("inflection: training and dev rows must have forms; a covered file can only be predicted")
    training = sample(training, settings.data.train_size, seed)
    alphabet = Alphabet.of(
        training,
        num_slots=settings.data.max_slots,
        min_lemmas=settings.data.min_lemmas,
        backward=settings.directions == "both",
    )
    pools, shares = _pools(settings, training, seed)
    encoded = {name: _encoded(alphabet, rows, backward=False) for name, rows in pools.items()}
    if alphabet.backward:
        shares = {name: share / 2 for name, share in shares.items()}
        encoded |= {f"{name} backward": _encoded(alphabet, rows, backward=True) for name, rows in pools.items()}
        shares |= {f"{name} backward": shares[name] for name in pools}
    batches = InflectionStream(
        encoded,
        shares,
        steps=settings.train.steps,
        batch_size=settings.train.batch_size,
        num_shapes=settings.train.buckets,
        seed=seed,
    )
    languages = tuple(sorted({row.lang for row in training}))
    longest = max(len(row.form or "") for row in (*training, *dev))
    search = settings.search.model_copy(update={"max_length": max(settings.search.max_length, _room(longest))})
    identity = {
        "settings": settings.model_copy(update={"data": settings.data.model_copy(update={"folder": ""})}).identity(),
        "rows": content_hash([_plain(training), _plain(dev)]),  # wherever they lie
        "seed": seed,
    }
    quick = search.model_copy(update={"beams": 1})  # looks while training are many
    model = train(
        model=models.build_transducer(settings.model, alphabet.size, seed),
        stream=batches,
        optim=settings.train.optim,
        checkpoint_every=settings.train.look_every,
        folder=folder,
        seed=seed,
        identity=content_hash(identity),
        tokenizer_sha256=alphabet.sha256,
        on_step=on_step,
        validation=config.Validation(
            every=settings.train.look_every, patience=settings.train.patience or settings.train.steps
        ),
        held_out=_DevErrors(dev, alphabet, quick),
        loss=transducer_loss,
    )
    bundles = tuple(sorted({row.features for row in training}))
    growth = max(0, *(len(row.form or "") - len(row.lemma) for row in (*training, *dev)))
    write_json(
        folder / MODEL,
        {
            "alphabet": alphabet.to_json(),
            "languages": languages,
            "model": settings.model.model_dump(mode="json"),
            "search": search.model_dump(mode="json"),
            "padded_rate": batches.padded_rate,
            "bundles": bundles,
            "growth": growth,
        },
    )
    return Inflector(model, alphabet, search, languages, bundles, growth)


def looks(folder: Path) -> dict[int, float]:
    """Step -> share of dev forms written wrong by greedy search, the mean of the languages, of a run of `fit`."""
    lines = [line for line in read_jsonl(folder / "metrics.jsonl") if "held_out_error_rate" in line]
    return {line["step"]: line["held_out_error_rate"] for line in lines}


def _pools(
    settings: config.InflectionConfig, training: Sequence[Row], seed: int
) -> tuple[dict[str, list[Row]], dict[str, float]]:
    """Rows and shares of a batch: each language's, and with hallucination beside each its made-up ones."""
    by_lang = {lang: [row for row in training if row.lang == lang] for lang in sorted({row.lang for row in training})}
    mass = {lang: len(rows) ** settings.data.alpha for lang, rows in by_lang.items()}
    pools: dict[str, list[Row]] = {}
    shares: dict[str, float] = {}
    for lang, rows in by_lang.items():
        share = mass[lang] / sum(mass.values())
        made = settings.hallucinate.share if settings.hallucinate.kind == "stems" else 0.0
        pools[lang], shares[lang] = rows, share * (1.0 - made)
        if made:
            pools[f"{lang} hallucinated"] = hallucinate(rows, settings.hallucinate, seed)
            shares[f"{lang} hallucinated"] = share * made
    return pools, shares


def _encoded(alphabet: Alphabet, rows: Sequence[Row], *, backward: bool) -> list[Encoded]:
    """Without the made-up rows that have a rare character in the form alone: nobody is to learn to write `UNK`."""
    encoded = (alphabet.encode(row, backward=backward) for row in rows)
    return [one for one in encoded if UNK not in one.form]


def _plain(rows: Sequence[Row]) -> list[list[str | None]]:
    return [[row.lang, row.lemma, row.features, row.form] for row in rows]


def load(folder: Path) -> Inflector:
    """The inflector that `fit` left in `folder`.

    Raises: BadInput where there is none, or one of another version.
    """
    if not (folder / MODEL).is_file():
        raise BadInput(f"{folder}: no {MODEL}; wanted a folder that `workbench inflect train` or a study has finished")
    match found := read_json(folder / MODEL):
        case {
            "alphabet": dict(made),
            "languages": list(languages),
            "model": dict(model),
            "search": dict(search),
            "bundles": list(bundles),
            "growth": int(growth),
        }:
            alphabet = Alphabet.from_json(made)
            try:
                settings, how = config.Transducer.model_validate(model), config.Search.model_validate(search)
            except ValidationError as error:
                raise BadInput(f"{folder / MODEL}: settings of another version; train it again\n{error}") from error
            weights = load_weights(folder, models.abstract_transducer(settings, alphabet.size))
            return Inflector(weights, alphabet, how, tuple(languages), tuple(bundles), growth)
    raise BadInput(
        f"{folder / MODEL}: wanted alphabet, languages, model, search, bundles and growth, got {sorted(found)}; train "
        "it again"
    )

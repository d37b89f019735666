"""Training, writing and scoring inflections, through the library and the command line, on a made-up language."""

from __future__ import annotations

import re
from pathlib import Path

import jax
import numpy as np
import pytest
from pydantic import ValidationError

from workbench import cli, config, load
from workbench.errors import BadInput
from workbench.files import read_json, write_json
from workbench.inflection import rows as files
from workbench.inflection import write
from workbench.inflection.alphabet import UNK, Alphabet, Encoded
from workbench.inflection.batches import InflectionStream, source_arrays
from workbench.inflection.hallucinate import hallucinate
from workbench.inflection.rows import Row
from workbench.inflection.train import MODEL, Inflector, _encoded, fit
from workbench.inflection.train import load as load_inflector
from workbench.inflection.write import forms
from workbench.models.build import num_parameters
from workbench.models.transducer import Transducer, build_transducer, log_probabilities
from workbench.objectives.batch import Tokens

ROOT = Path(__file__).parents[2]
SMALL = config.Transducer(width=32, num_layers=1, num_decoder_layers=1, num_heads=2, feed_forward=48, local_heads=2)
TINY = config.Transducer(width=16, num_layers=1, num_decoder_layers=1, num_heads=2, feed_forward=16, local_heads=1)
SEARCH = config.Search(max_length=16, batch_size=16)


def language(number: int, seed: int, lang: str = "toy") -> list[Row]:
    """Words in a plural whose vowel follows the word's last one, and a past with a prefix."""
    rng, made = np.random.default_rng(seed), []
    for _ in range(number):
        lemma = "".join(rng.choice(list("ktpms")) + rng.choice(list("ae")) for _ in range(rng.integers(1, 4)))
        suffix = "lar" if lemma.endswith("a") else "ler"
        made += [Row(lang, lemma, "N;PL", lemma + suffix), Row(lang, lemma, "V;PST", "ge" + lemma)]
    return made


def settings(**changes: object) -> config.InflectionConfig:
    given = {
        "data": config.InflectionData(languages=("toy",)),
        "model": TINY,
        "train": config.InflectionTrain(
            steps=6, batch_size=8, look_every=2, buckets=1, optim=config.Optim(learning_rate=6e-3, warmup_steps=1)
        ),
        "hallucinate": config.Hallucinate(rows=50),
        "search": SEARCH,
    }
    return config.InflectionConfig(**{**given, **changes})


def trained(folder: Path, made: config.InflectionConfig, *, seed: int = 0, rows: int = 60) -> Inflector:
    return fit(made, language(rows, 0), language(10, 1), folder=folder, seed=seed, on_step=lambda log: None)


def test_a_finished_run_is_not_taken_for_one_of_another_seed(tmp_path: Path) -> None:
    first = trained(tmp_path, settings())
    moved = settings(data=config.InflectionData(languages=("toy",), folder="elsewhere"))
    assert digest(trained(tmp_path, moved).model) == digest(first.model)  # the same rows, wherever they lie
    with pytest.raises(BadInput, match=re.escape(str(tmp_path))):
        trained(tmp_path, settings(), seed=1)


def test_what_another_version_left_is_refused(tmp_path: Path) -> None:
    trained(tmp_path, settings())
    found = read_json(tmp_path / MODEL)
    write_json(tmp_path / MODEL, {name: value for name, value in found.items() if name != "languages"})
    with pytest.raises(BadInput, match=r"transducer\.json: wanted alphabet, languages, .* train it again"):
        load_inflector(tmp_path)
    # `monotonic` once said that attention between decoder and encoder knows places: it is no setting of the pointer
    made = {name: value for name, value in found["model"].items() if name not in ("cross_rope", "monotonic_pointer")}
    write_json(tmp_path / MODEL, {**found, "model": {**made, "monotonic": True}})
    with pytest.raises(BadInput, match=r"transducer\.json: .*train it again\n(.*\n)*monotonic"):
        load_inflector(tmp_path)


def test_nobody_learns_to_write_a_character_that_is_in_no_lemma_and_no_form(tmp_path: Path) -> None:
    """Made-up stems replace one copy of a doubled rare letter: the other then stands in the form alone."""
    rare = [Row("toy", f"k{c}ta", "N;PL", f"k{c}tak{c}ta") for c in "bdfghj"] * 10
    alphabet = Alphabet.of(rare, num_slots=4, min_lemmas=3)
    made = hallucinate(rare, config.Hallucinate(rows=200), seed=0)
    encoded = [alphabet.encode(row) for row in made]
    kept = _encoded(alphabet, made, backward=False)
    assert 0 < len(kept) < len(encoded)
    assert kept == [one for one in encoded if UNK not in one.form]


def digest(model: Transducer) -> bytes:
    return b"".join(np.asarray(leaf).tobytes() for leaf in jax.tree.leaves(model))


@pytest.mark.parametrize("directions", ["forward", "both"])
def test_inflection_is_learnt_for_words_never_seen(directions: str, tmp_path: Path) -> None:
    optim = config.Optim(learning_rate=6e-3, warmup_steps=20)
    train = config.InflectionTrain(steps=240, batch_size=32, look_every=120, buckets=1, optim=optim)
    found = trained(tmp_path, settings(directions=directions, train=train, model=SMALL), rows=200)
    test = language(40, 2)
    right = np.mean([form == row.form for form, row in zip(found.write(test), test, strict=True)])
    assert right >= 0.9


class KilledError(Exception):
    """Stands for a process that dies between two steps."""


def test_a_run_that_dies_ends_bit_for_bit_where_an_undisturbed_one_ends(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = settings(model=TINY.model_copy(update={"dropout": 0.2}), directions="both")
    whole = trained(tmp_path / "whole", made)
    batch = InflectionStream.batch

    def dies(self: InflectionStream, number: int) -> object:
        if number == 5:
            raise KilledError
        return batch(self, number)

    with monkeypatch.context() as patched:
        patched.setattr(InflectionStream, "batch", dies)
        with pytest.raises(KilledError):
            trained(tmp_path / "killed", made)
    assert not (tmp_path / "killed" / "transducer.json").exists()
    assert digest(trained(tmp_path / "killed", made).model) == digest(whole.model)
    written = read_json(tmp_path / "killed" / "transducer.json")
    assert written == read_json(tmp_path / "whole" / "transducer.json")
    assert written["alphabet"]["backward"] is True


def test_a_larger_sample_holds_a_smaller_and_seed_and_settings_change_the_run(tmp_path: Path) -> None:
    base = digest(trained(tmp_path / "base", settings()).model)
    other = {
        "size": settings(data=config.InflectionData(languages=("toy",), train_size=40)),
        "plain": settings(hallucinate=config.Hallucinate(kind="none")),
        "directions": settings(directions="both"),
    }
    assert digest(trained(tmp_path / "seed", settings(), seed=1).model) != base
    for name, changed in other.items():
        assert digest(trained(tmp_path / name, changed).model) != base


@jax.jit
def whole(model: Transducer, source: Tokens, decoder: Tokens) -> jax.Array:
    return log_probabilities(model(source, decoder), source.ids)


def written(voters: list[Transducer], one: Encoded) -> float:
    """The log-probability of a form, by the whole forward of this row alone and the mean over voters."""
    ids = np.zeros((1, 12), np.int32)
    ids[0, : 1 + len(one.form)] = [1, *one.form]
    decoder = Tokens(ids, np.ones_like(ids), np.arange(1, 13)[None])
    found = np.log(np.mean([np.exp(whole(model, source_arrays([one], 12), decoder)) for model in voters], axis=0))
    return float(sum(found[0, place, target] for place, target in enumerate((*one.form, 2))))


@pytest.mark.parametrize(
    ("beams", "steps", "number", "monotonic"),
    [(1, 60, 1, False), (3, 160, 1, False), (3, 160, 2, False), (3, 100, 2, True)],
)
def test_what_is_written_from_both_ends_has_the_highest_product_of_probabilities(
    beams: int, steps: int, number: int, monotonic: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    optim = config.Optim(learning_rate=1e-2, warmup_steps=5)
    train = config.InflectionTrain(steps=steps, batch_size=16, look_every=steps, buckets=1, optim=optim)
    model = TINY.model_copy(update={"monotonic_pointer": monotonic})
    both = settings(directions="both", train=train, model=model)
    half_trained = [trained(tmp_path / str(seed), both, seed=seed) for seed in range(number)]
    voters, alphabet, rows = [one.model for one in half_trained], half_trained[0].alphabet, language(8, 3)
    search = SEARCH.model_copy(update={"beams": beams, "max_length": 10})
    searched = []  # rows, with so many beams
    candidates = write._candidates
    monkeypatch.setattr(
        write,
        "_candidates",
        lambda voters, alphabet, rows, settings, **rest: (
            searched.append((len(rows), settings.beams)) or candidates(voters, alphabet, rows, settings, **rest)
        ),
    )
    found = forms(voters, alphabet, rows, search)
    if beams > 1:  # greedy search from both ends settles some rows, and not all
        (first, _), *_, (left, by) = searched
        assert by == beams
        assert 0 < left < first == len(rows)
    differ = 0
    for row, form in zip(rows, found, strict=True):

        def score(text: str, row: Row = row) -> float:
            named = Row(row.lang, row.lemma, row.features, text)
            return sum(written(voters, alphabet.encode(named, backward=backward)) for backward in (False, True))

        rivals = _searched(voters, alphabet, row, search)
        assert form in rivals
        assert score(form) == pytest.approx(max(map(score, rivals)), abs=1e-3)
        differ += form != rivals[0]
    assert differ  # from what the forward direction alone would have written


def _searched(voters: list[Transducer], alphabet: Alphabet, row: Row, search: config.Search) -> list[str]:
    """What searching each direction alone finds best, read from the start."""
    from workbench.models.transduce import beam, greedy

    rivals = []
    for backward in (False, True):
        one = alphabet.encode(Row(row.lang, row.lemma, row.features, None), backward=backward)
        source = source_arrays([one], 12)
        options = {"max_new": search.max_length, "bos": 1, "eos": 2}
        if search.beams == 1:
            ids = np.asarray(greedy(voters, source, **options).ids)
        else:
            ids = np.asarray(beam(voters, source, num_beams=search.beams, **options).ids)[0]
        texts = [alphabet.decode(line.tolist(), one.slots) for line in ids]
        rivals += [text[::-1] if backward else text for text in texts]
    return rivals


def test_the_presets_are_one_recipe_for_every_language_and_differ_by_machine() -> None:
    from workbench.inflection.presets import preset

    data = config.InflectionData(languages=("swa",))
    small, large = preset("cpu", data), preset("gpu", data)
    study = load.study(ROOT / "experiments/sigmorphon2023/study.toml")
    frozen = study.variants["preset"]
    assert small == frozen.model_copy(update={"data": data})
    assert num_parameters(build_transducer(large.model, 64, 0)) > 3 * num_parameters(
        build_transducer(small.model, 64, 0)
    )


@pytest.fixture
def tables(tmp_path: Path) -> Path:
    folder = tmp_path / "tables"
    folder.mkdir()
    for name, (number, seed) in {"toy.trn": (60, 0), "toy.dev": (10, 1), "toy.tst": (12, 2)}.items():
        lines = [f"{row.lemma}\t{row.features}\t{row.form}\n" for row in language(number, seed)]
        (folder / name).write_text("".join(lines), "utf-8")
    covered = [f"{row.lemma}\t{row.features}\n" for row in language(12, 2)]
    (folder / "toy.covered.tst").write_text("".join(covered), "utf-8")
    return folder


QUICK = ["model.width=16", "model.feed_forward=16", "model.num_heads=2", "model.local_heads=1", "train.steps=4"]
QUICK += [
    "train.look_every=2",
    "train.batch_size=8",
    "train.optim.warmup_steps=1",
    "search.batch_size=16",
    "search.max_length=16",
]


def train_line(tables: Path, out: Path, *more: str) -> list[str]:
    overrides = [part for one in QUICK for part in ("--set", one)]
    return [
        "inflect",
        "train",
        str(tables / "toy.trn"),
        "--dev",
        str(tables / "toy.dev"),
        "--out",
        str(out),
        *overrides,
        *more,
    ]


def test_the_command_line_trains_writes_a_covered_test_and_scores_it(
    tables: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for seed in ("0", "1"):
        assert cli.main(train_line(tables, tmp_path / f"m{seed}", "--seed", seed)) == 0
    said = capsys.readouterr().out.splitlines()
    floors = r"the lemma itself 0\.0 %, prefix and suffix rules \d+\.\d %, non-neural baseline \d+\.\d %"
    assert re.fullmatch(rf"floors   {floors} exact on dev", said[-3])
    assert re.fullmatch(r"dev      \d+\.\d % exact after [24] steps, the best of 2 looks; kept", said[-2])
    assert said[-1] == f"model    {tmp_path / 'm1'}"
    models = [str(tmp_path / "m0"), str(tmp_path / "m1")]
    covered, out = tables / "toy.covered.tst", tmp_path / "out"
    assert cli.main(["inflect", "predict", str(covered), "--model", *models, "--out", str(out), "--beams", "2"]) == 0
    given = files.read(out / covered.name, submission=True)
    assert [(row.lemma, row.features) for row in given.rows] == [(row.lemma, row.features) for row in language(12, 2)]
    capsys.readouterr()
    gold, training = str(tables / "toy.tst"), str(tables / "toy.trn")
    assert cli.main(["inflect", "evaluate", gold, "--given", str(out / covered.name), "--train", training]) == 0
    printed = capsys.readouterr().out
    assert cli.main(["inflect", "evaluate", gold, "--given", str(out), "--train", training]) == 0  # found by language
    assert capsys.readouterr().out == printed
    assert "the lemma itself         exact match   0.00 %" in printed
    assert "rules" in printed
    assert "n 24" in printed


def test_the_command_line_refuses_what_does_not_belong_together(
    tables: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tables / "other.dev").write_text((tables / "toy.dev").read_text("utf-8"), "utf-8")
    wrong = train_line(tables, tmp_path / "m")
    wrong[4] = str(tables / "other.dev")
    assert cli.main(wrong) == 2
    assert "['other'] have no training file; the languages are ['toy']" in capsys.readouterr().err
    covered = train_line(tables, tmp_path / "m")
    covered[2] = str(tables / "toy.covered.tst")
    assert cli.main(covered) == 2
    assert "training and dev rows must have forms" in capsys.readouterr().err
    assert (
        cli.main(["inflect", "predict", str(tables / "toy.tst"), "--model", str(tables), "--out", str(tmp_path)]) == 2
    )
    assert "no transducer.json" in capsys.readouterr().err
    assert cli.main(train_line(tables, tmp_path / "m")) == 0
    assert (
        cli.main(["inflect", "predict", str(tables / "toy.tst"), "--model", str(tmp_path / "m"), "--out", str(tables)])
        == 2
    )
    assert "is the file that is read; give another folder" in capsys.readouterr().err
    assert (tables / "toy.tst").read_text("utf-8").startswith(language(1, 2)[0].lemma)


def test_a_negative_seed_is_refused(tables: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="2"):
        cli.main(train_line(tables, tmp_path / "m", "--seed", "-1"))
    assert "--seed: wanted a whole number of at least 0, got '-1'" in capsys.readouterr().err
    assert not (tmp_path / "m").exists()


def test_what_a_model_was_not_trained_on_is_said_and_what_cannot_be_is_refused(
    tables: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def says(*line: str) -> str:
        assert cli.main(["inflect", *line]) == 2
        return capsys.readouterr().err

    assert "--set data.languages=" in says(*train_line(tables, tmp_path / "m", "--set", 'data.languages=["a"]')[1:])
    (tables / "other.trn").write_text((tables / "toy.trn").read_text("utf-8"), "utf-8")
    one, several, out = tmp_path / "one", tmp_path / "several", tmp_path / "out"
    assert cli.main(train_line(tables, one)) == 0
    line = train_line(tables, several)
    line.insert(3, str(tables / "other.trn"))
    assert cli.main(line) == 0
    strange = tables / "strange.tst"
    strange.write_text("kate\tN;PL\nmate\tN;ALL\n", "utf-8")
    capsys.readouterr()
    assert cli.main(["inflect", "predict", str(strange), "--model", str(one), "--out", str(out)]) == 0
    said = capsys.readouterr().err
    assert "language 'strange', by the file's name; the model is of 'toy'" in said
    assert "1 of 2 rows have features that no training row had, and that are read as one unknown feature: ALL" in said
    to = ("--model", str(several), "--out", str(out))
    assert "language 'strange', by the file's name; the model knows other, toy" in says("predict", str(strange), *to)
    (tmp_path / "toy.tst").write_text("kate\tN;PL\n", "utf-8")
    twice = (str(tables / "toy.tst"), str(tmp_path / "toy.tst"))
    assert f"{twice[0]}: another file is also written to {out / 'toy.tst'}" in says("predict", *twice, *to)
    gold = str(tables / "toy.tst")
    assert "of its files one alone must be of toy; found none" in says("evaluate", gold, "--given", str(out))


def test_a_training_that_ends_before_its_warm_up_is_refused_at_once() -> None:
    with pytest.raises(ValidationError, match=r"optim\.warmup_steps: 50 must be fewer than steps \(50\)"):
        config.InflectionTrain(steps=50)

"""What a trained model is asked, where that is not as its training was: other orders of features, longer lemmas."""

from __future__ import annotations

import json
from dataclasses import replace
from itertools import permutations
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workbench import cli, config, models
from workbench.inflection import train
from workbench.inflection.alphabet import Alphabet
from workbench.inflection.rows import Row
from workbench.inflection.train import Inflector, in_any_order

BUNDLE = "N;ABL(SG;PSS(3,PL));DEF"
ROWS = [Row("toy", "kata", BUNDLE, "katanor"), Row("toy", "molo", "V;PST", "molopi")]


def untrained() -> Inflector:
    alphabet = Alphabet.of(ROWS, num_slots=4, min_lemmas=1)
    settings = config.Transducer(width=16, num_layers=1, num_decoder_layers=1, feed_forward=32, num_heads=4)
    model = models.build_transducer(settings, alphabet.size, seed=3)
    bundles = tuple(row.features for row in ROWS)
    return Inflector(model, alphabet, config.Search(max_length=16, batch_size=4), ("toy",), bundles, growth=3)


def test_a_bundle_is_read_in_the_order_that_training_had() -> None:
    inflector = untrained()
    orders = [";".join(order) for order in permutations(["N", "ABL(SG;PSS(3,PL))", "DEF"])]
    asked = [Row("toy", "kamo", features, None) for features in orders]
    assert len(set(inflector.write(asked))) == 1
    unaware = replace(inflector, bundles=())
    assert len(set(unaware.write(asked))) > 1, "the model itself notices the order"
    other = Row("toy", "kamo", "N;ABL(PL;PSS(3,SG));DEF", None)
    assert inflector.write([other]) == unaware.write([other]), "another bundle stays what it is"


@given(st.permutations(["V", "PST", "NOM(2,SG)", "ACC(1;PL)", "ABL(SG;PSS(3,PL))"]))
def test_the_order_outside_brackets_alone_is_forgotten(order: list[str]) -> None:
    assert in_any_order(";".join(order)) == ("ABL(SG;PSS(3,PL))", "ACC(1;PL)", "NOM(2,SG)", "PST", "V")


def test_a_long_lemma_has_room_for_its_form() -> None:
    inflector = untrained()
    assert inflector.search_for(ROWS, inflector.search).max_length == 16
    long = Row("toy", "kata" * 10, BUNDLE, None)
    assert inflector.search_for([long], inflector.search).max_length == 48  # 40, 3 and the end
    assert max(map(len, inflector.write([long]))) > 16


def test_what_training_rows_were_is_kept_and_forms_without_an_end_are_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    toy = tmp_path / "toy.trn"
    toy.write_text("".join(f"{row.lemma}\t{row.features}\t{row.form}\n" for row in ROWS * 4), "utf-8")
    out = tmp_path / "model"
    tiny = [
        "train.steps=8",
        "train.optim.warmup_steps=2",
        "train.look_every=8",
        "train.batch_size=4",
        "model.width=16",
        "model.num_layers=1",
    ]
    tiny += ["model.num_decoder_layers=1", "model.feed_forward=32", "model.num_heads=4", "data.min_lemmas=1"]
    line = ["inflect", "train", str(toy), "--dev", str(toy), "--out", str(out)]
    assert cli.main([*line, *(part for one in tiny for part in ("--set", one))]) == 0
    found = json.loads((out / train.MODEL).read_text("utf-8"))
    assert (set(found["bundles"]), found["growth"]) == ({row.features for row in ROWS}, 3)
    long = tmp_path / "toy.tst"
    long.write_text("kata" * 30 + f"\t{BUNDLE}\n", "utf-8")
    assert cli.main(["inflect", "predict", str(long), "--model", str(out), "--out", str(tmp_path / "forms")]) == 0
    assert "1 of 1 forms have no end: they were cut off at 128 characters" in capsys.readouterr().err

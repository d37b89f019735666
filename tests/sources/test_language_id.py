from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from workbench import languages
from workbench.errors import BadInput
from workbench.records import Document
from workbench.sources import corpus, labeled, language_id, shards

CYM, ENG, HIN = languages.parse("cym"), languages.parse("eng"), languages.parse("hin")
SAMPLES = {
    CYM: ["Mae'r plant yn yr ysgol heddiw", "Bydd y cyfarfod nesaf yn y neuadd", "Rwy'n hoffi bwyd da a the poeth"],
    ENG: ["The children are at school today", "The next meeting will be in the hall", "I like good food and hot tea"],
    HIN: ["बच्चे आज स्कूल में हैं", "अगली बैठक हॉल में होगी", "मुझे अच्छा खाना और गरम चाय पसंद है"],
}


@pytest.fixture(scope="module")
def profiles() -> language_id.Profiles:
    return language_id.train(SAMPLES)


def test_scores_are_probabilities_of_ngrams(profiles: language_id.Profiles) -> None:
    assert profiles.langs == (CYM, ENG, HIN)
    assert np.exp(profiles.scores.astype(np.float64)).sum(axis=0) == pytest.approx(1.0, abs=1e-4)


def test_a_text_is_named_by_its_ngrams_and_signs_alone_are_not(profiles: language_id.Profiles) -> None:
    assert profiles.name("the children like tea") == ENG
    assert profiles.name("mae'r bwyd yn dda") == CYM
    assert profiles.name("खाना अच्छा है") == HIN
    assert profiles.name("123 !!! 45") is None


def test_the_lead_of_another_language_is_signed(profiles: language_id.Profiles) -> None:
    lead, other = profiles.lead_of_another("the next meeting today", CYM) or (0.0, CYM)
    assert lead > 0.1
    assert other == ENG
    lead, _ = profiles.lead_of_another("bydd y plant yn y neuadd", CYM) or (0.0, CYM)
    assert lead < 0
    with pytest.raises(BadInput, match="is none of them"):
        profiles.lead_of_another("x", languages.parse("deu"))


def test_profiles_are_kept_in_a_file_and_no_other_file_is_taken_for_them(profiles, tmp_path: Path) -> None:
    path = tmp_path / "p.npz"
    profiles.save(path)
    again = language_id.load(path)
    assert (again.langs, again.grams) == (profiles.langs, profiles.grams)
    assert np.array_equal(again.scores, profiles.scores)
    for data in (b"", b"no", path.read_bytes()[:500]):
        (tmp_path / "bad.npz").write_bytes(data)
        with pytest.raises(BadInput, match="wanted language profiles"):
            language_id.load(tmp_path / "bad.npz")
    np.savez(tmp_path / "bad.npz", langs=np.array(["cym-Latn"]), grams=np.array(["a"]), scores=np.zeros((2, 2)))
    with pytest.raises(BadInput, match="scores of shape"):
        language_id.load(tmp_path / "bad.npz")


def test_a_sample_without_letters_is_refused() -> None:
    with pytest.raises(BadInput, match="holds no letters"):
        language_id.train({CYM: ["12 34"], ENG: ["a"]})


def test_pages_in_another_language_leave_the_corpus(profiles: language_id.Profiles, tmp_path: Path) -> None:
    profiles.save(tmp_path / "p.npz")
    texts = ["Mae'r plant yn hoffi bwyd da", "The children like good food", "Bydd cyfarfod yn yr ysgol"]
    inputs = shards.write([Document(f"{n}", text, CYM) for n, text in enumerate(texts)], tmp_path / "in")
    settings = corpus.Settings(near=None, profiles=tmp_path / "p.npz")
    counts = corpus.prepare(inputs, tmp_path / "out", settings, lambda line: None)
    assert counts["left out: in eng-Latn, not cym-Latn, by the language profiles"] == 1
    assert counts["kept"] == 2


@pytest.mark.data
@pytest.mark.slow
def test_on_sib200_it_names_99_in_100_of_72_varieties_and_errs_between_neighbours(data_root: Path) -> None:
    root = data_root / "sib200"
    codes = sorted(path.name for path in root.iterdir())
    samples = {}
    for code in codes:
        pairs = list(labeled.sib200(root, code, "train"))
        samples[pairs[0].lang] = [pair.source for pair in pairs]
    profiles = language_id.train(samples)
    right, mistakes = 0, Counter()
    for code in codes:
        for pair in labeled.sib200(root, code, "test"):
            named = profiles.name(pair.source)
            right += named == pair.lang
            if named is not None and named != pair.lang:
                mistakes[frozenset((named.code, pair.lang.code))] += 1
    assert right / (204 * len(codes)) == pytest.approx(0.991, abs=0.002)
    assert mistakes.most_common(1)[0][0] == {"aka", "twi"}

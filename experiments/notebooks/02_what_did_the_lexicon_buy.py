# ---
# jupyter:
#   jupytext:
#     formats: ipynb,py:percent
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # What did the lexicon buy?
#
# Meeting a language's words and script is worth something even when the lexicon's meanings are drawn by lot. So the
# gain over nothing is cut in two: nothing → permuted lexicon (words and script), permuted → right lexicon (meaning).
# From the frozen results of `experiments/quickstart`; nothing is trained here.

# %%
import subprocess
import sys
from pathlib import Path

# Anywhere in a clone of the repository; on Colab, upload it or clone it into /content first.
roots = [Path.cwd(), *Path.cwd().parents, *Path.cwd().glob("*")]
ROOT = next(root for root in roots if (root / "experiments" / "quickstart" / "results.jsonl").is_file())
if "google.colab" in sys.modules:
    subprocess.run([sys.executable, "-m", "pip", "install", "-q", str(ROOT)], check=True)

# %%
from collections import defaultdict
from statistics import fmean, stdev

from workbench import languages
from workbench.reports import collect

results = collect.read(ROOT / "experiments/quickstart/results.jsonl")


def by_lang_and_seed(task, metric, variant, setting):
    found = defaultdict(dict)
    for row in results:
        if (row.task, row.metric, row.variant, row.setting) == (task, metric, variant, setting):
            found[row.lang][row.seed] = row.value
    assert found, (task, metric, variant, setting)
    return found


bits = {
    variant: by_lang_and_seed("lm", "masked_bits_per_byte", variant, "K=7")
    for variant in ("none", "word-list", "lexicon-control", "lexicon")
}
targets = [tag for tag in bits["lexicon"] if tag != "eng-Latn"]


# %%
def gain(before, after, tag):
    """Bits per byte saved, mean and standard deviation over seeds."""
    by_seed = [bits[before][tag][seed] - bits[after][tag][seed] for seed in bits[after][tag]]
    return fmean(by_seed), stdev(by_seed)


print(f"{'':14}{'words and script':>20}{'meaning':>20}   bits per byte saved, mean and sd over seeds")
for tag in targets:
    words, meaning = gain("none", "lexicon-control", tag), gain("lexicon-control", "lexicon", tag)
    print(f"{languages.name(tag):14}{words[0]:12.3f} ± {words[1]:.3f}{meaning[0]:12.3f} ± {meaning[1]:.3f}")
words = fmean(gain("none", "lexicon-control", tag)[0] for tag in targets)
meaning = fmean(gain("lexicon-control", "lexicon", tag)[0] for tag in targets)
print(f"\nOf {words + meaning:.2f} bits saved, meaning is {meaning:.2f}: {meaning / (words + meaning):.0%}.")

# %% [markdown]
# **Is it more than chance?** If meaning bought nothing, every language's difference could as well have the other sign:
# an exact test over all signs.

# %%
from workbench.reports.grid import sign_flip

differences = [gain("lexicon-control", "lexicon", tag)[0] for tag in targets]
p, least = sign_flip(differences), 2 / 2 ** len(differences)
print(f"p = {p:.3f} over {len(differences)} languages (no smaller one than {least:.3f} is possible)")

# %% [markdown]
# **And the task.** Intents learnt from labels put word by word through the lexicon, beside a linear classifier on the
# same labels: the floor that a small encoder has to beat, and here does not.

# %%
rows = {
    "permuted lexicon": ("lexicon-control", "train=en+pseudo"),
    "lexicon": ("lexicon", "train=en+pseudo"),
    "linear floor, lexicon": ("floor:char-ngram-svm (lexicon)", "train=en+pseudo"),
}
for name, (variant, setting) in rows.items():
    values = by_lang_and_seed("intents", "accuracy", variant, setting)
    print(f"{name:24}{100 * fmean(fmean(values[tag].values()) for tag in targets):6.1f} %")

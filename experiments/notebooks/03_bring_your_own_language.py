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
# # Bring your own language
#
# Three files that a language may have (a word list with translations, a few sentences, a paradigm table) and a model
# that has read other languages: out comes a model of yours, with a table of before and after. Welsh stands in for
# your language here; put your own files in its place below.
#
# It starts from a finished run. `workbench run experiments/quickstart` makes one in some ten minutes on a laptop.

# %%
import subprocess
import sys
from pathlib import Path

# Anywhere in a clone of the repository; on Colab, upload it or clone it into /content first.
roots = [Path.cwd(), *Path.cwd().parents, *Path.cwd().glob("*")]
ROOT = next(root for root in roots if (root / "experiments" / "quickstart" / "results.jsonl").is_file())
if "google.colab" in sys.modules:
    subprocess.run([sys.executable, "-m", "pip", "install", "-q", str(ROOT)], check=True)

# %% tags=["parameters"]
LANGUAGE = "cym-Latn"
RUN = None  # folder of a finished run or of an exported model; None: the quickstart's, without any adaptation
OUT = ROOT / "runs" / "own-language"
SEEDS = 3
SETTINGS = []  # overrides of the study that is made, such as "adapt.steps=1000"

# %%
if RUN is None:
    finished = sorted((ROOT / "runs" / "quickstart").glob("none-s0-*"))
    if not finished:
        raise SystemExit("there is no run yet to start from: workbench run experiments/quickstart")
    RUN = finished[0]

# %% [markdown]
# ## The files
#
# A lexicon is two columns, English and the translation, a tab between them. Text is one sentence a line. Here both are
# taken from the quickstart's data; with your own, point `LEXICON` and `TEXT` at your files and leave the next cell out.

# %%
from workbench import languages
from workbench.sources import embedded

lang = languages.parse(LANGUAGE)
data = embedded.prepare()
LEXICON, TEXT = OUT / "lexicon.tsv", OUT / "text.txt"
OUT.mkdir(parents=True, exist_ok=True)
entries = data.lexicon(lang).entries.items()
LEXICON.write_text("".join(f"{english}\t{one.word}\n" for english, found in entries for one in found), "utf-8")
sentences = dict.fromkeys(document.text for document in data.documents(lang, "train"))
TEXT.write_text("".join(f"{sentence}\n" for sentence in list(sentences)[:200]), "utf-8")

# %% [markdown]
# ## Can the lexicon be trusted?
#
# How much of your text it knows, how many words have several translations, which entries look wrong.

# %%
from workbench import cli

assert cli.main(["lexicon", "report", str(LEXICON), "--lang", LANGUAGE, "--corpus", str(TEXT)]) == 0

# %% [markdown]
# ## Add the language
#
# The same as `workbench adapt RUN --language … --lexicon … --text … --control`. A quarter of the text is held out to
# test on. The control meets the same words and the same script with meanings drawn by lot: only what is better than
# the control is what the lexicon *means*. What was done is continued when the cell is run again.

# %%
from workbench.stages import new_language

asked = new_language.Asked(LANGUAGE, LEXICON, text=TEXT, control=True, seeds=SEEDS)
assert new_language.adapt(RUN, asked, OUT / "adapted", SETTINGS) == 0

# %% [markdown]
# ## Read it as numbers
#
# Each line of `results.jsonl` is one number of one seed; a paper's table should have the spread beside the mean.

# %%
from collections import defaultdict
from statistics import fmean, stdev

from workbench.reports import collect

found = defaultdict(list)
for row in collect.read(OUT / "adapted" / "results.jsonl"):
    if row.metric == "masked_bits_per_byte" and row.lang in (lang.tag, "eng-Latn"):
        found[row.lang, row.variant].append(row.value)
for (tag, variant), values in sorted(found.items()):
    spread = f"± {stdev(values):.3f}" if len(values) > 1 else "(one seed: no spread)"
    print(f"{languages.name(tag):10}{variant:12}{fmean(values):7.3f} {spread} bits per byte")

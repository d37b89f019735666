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
# # What a representation knows across languages, layer by layer
#
# Do sentences that mean the same lie together? This reads the frozen results of `experiments/quickstart` (nothing is
# trained here) and sets every layer beside chance and beside what needs no model at all. The last cell does the same
# for a model of your own.

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
import tempfile

import matplotlib.pyplot as plt

from workbench.reports import collect, probe_figures

VARIANT, METHOD = "few-text+lexicon", "centred-cosine"
results = [row for row in collect.read(ROOT / "experiments/quickstart/results.jsonl") if row.task == "retrieval"]
len(results), sorted({row.variant for row in results})

# %% [markdown]
# A row says in `setting` which method, layer and direction it is of: `centred-cosine layer=2 eng>cym`. Seeds are
# averaged; `n` is the number of candidates among which a translation had to be found.


# %%
def as_probe_rows(variant):
    """Frozen rows of one variant and of the floors, in the shape that `workbench probe` writes."""
    found = {}
    for row in results:
        *method, way = row.setting.split()
        if way.startswith("eng>") and row.variant in (variant, "floor:char-trigram", "floor:lexicon-gloss"):
            layer = int(method[1].removeprefix("layer=")) if len(method) > 1 else None
            found.setdefault((method[0], layer, row.lang), []).append(row)
    return [
        {
            "probe": "retrieval",
            "method": method,
            "layer": layer,
            "lang": lang,
            "pivot": "eng-Latn",
            "direction": "pivot>target",
            "value": sum(row.value for row in rows) / len(rows),
            "chance": 1 / rows[0].n,
        }
        for (method, layer, lang), rows in found.items()
        if layer is None or method == METHOD
    ]


rows = as_probe_rows(VARIANT)
folder = Path(tempfile.mkdtemp())


def show(drawn):
    png = next(path for path in drawn.files if path.suffix == ".png")
    _, axes = plt.subplots(figsize=(8, 4), layout="constrained")
    axes.imshow(plt.imread(png))
    axes.set_axis_off()
    plt.show()
    print(drawn.alt)


heat = probe_figures.heat_map(rows, f"quickstart, {VARIANT}", folder)
show(heat)

# %%
curves = probe_figures.layer_curves(rows, f"quickstart, {VARIANT}", folder)
show(curves)

# %% [markdown]
# **Read it with the floors.** In how many languages does the best layer find more translations than character trigrams,
# and than the lexicon's glosses?

# %%
best, floors = {}, {}
for row in rows:
    if row["layer"] is None:
        floors.setdefault(row["method"], {})[row["lang"]] = row["value"]
    else:
        best[row["lang"]] = max(best.get(row["lang"], 0.0), row["value"])
for name, values in floors.items():
    beaten = [lang for lang, value in values.items() if best[lang] > value]
    print(f"{name}: beaten in {len(beaten)} of {len(values)} languages {beaten}")

# %% [markdown]
# **A model of your own.** One command gives rows, figures and a map in which every point tells its sentence:
#
# ```sh
# workbench probe runs/quickstart/lexicon-s0-HASH --pairs embedded --out look
# workbench probe FACEBOOK/XLM-R-OR-A-FOLDER --pairs ntrex --languages cym-Latn,hye-Armn --out look
# ```

# %%
runs = sorted((ROOT / "runs" / "quickstart").glob("lexicon-s0-*/results.jsonl"))
print(f"workbench probe {runs[0].parent} --out look" if runs else "no run yet: workbench run experiments/quickstart")

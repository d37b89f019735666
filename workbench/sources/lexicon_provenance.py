"""Whose a lexicon file is and under what licence: known by its bytes, by a manifest beside it, or as one says."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from workbench import licences
from workbench.errors import BadInput
from workbench.files import read_json, sha256_file, write_json
from workbench.sources import lexicon
from workbench.sources.catalogue import Catalogue
from workbench.sources.lexicon_merge import Merged

BESIDE = ".manifest.json"


@dataclass(frozen=True, slots=True)
class Provenance:
    """What a lexicon is called in what is made of it (`origin`), and what goes with it there."""

    origin: str
    licence: str
    citation: str
    sha256: str

    @property
    def needs_yes(self) -> bool:
        return licences.needs_yes(self.licence)


def known_files(catalogue: Catalogue) -> dict[str, Provenance]:
    """By sha256: what the catalogue says of its files, one's own among them."""
    found = {}
    for file in catalogue.files:
        dataset = catalogue.dataset(file.dataset)
        found[file.sha256] = Provenance(f"{file.dataset}/{file.path}", dataset.licence, dataset.citation, file.sha256)
    return found


def of(path: Path, known: Mapping[str, Provenance], licence: str = "") -> Provenance:
    """`licence` is what the user says of a file that neither the catalogue nor a manifest beside it knows.

    Raises: BadInput where there is no such file, or the manifest beside it is of another.
    """
    try:
        digest = sha256_file(path)
    except OSError as error:
        raise BadInput(f"{path}: {error.strerror}; wanted a lexicon file") from error
    if digest in known:
        return known[digest]
    beside = path.with_name(path.name + BESIDE)
    if beside.is_file():
        stated = read_json(beside)
        if not isinstance(stated, dict) or stated.get("sha256") != digest or not isinstance(stated.get("licence"), str):
            raise BadInput(
                f"{beside}: not the manifest of {path.name} as it is now; make the file again with `workbench lexicon "
                "merge`, or remove the manifest and say --licence"
            )
        return Provenance(path.name, stated["licence"], str(stated.get("citation", "")), digest)
    return Provenance("_".join(path.name.split()), licence, "", digest)


def write_merged(path: Path, merged: Merged, made_from: Sequence[Provenance]) -> None:
    """Write a merged lexicon, the origin of every entry in its last column, and the manifest beside it."""
    rows = lexicon.write(path, merged.lexicon, merged.origins)
    write_json(
        path.with_name(path.name + BESIDE),
        {
            "file": path.name,
            "sha256": sha256_file(path),
            "rows": rows,
            "source": merged.lexicon.source.tag,
            "target": merged.lexicon.target.tag,
            "licence": merged.lexicon.licence,
            "terms": licences.terms_of(merged.lexicon.licence),
            "citation": "; ".join(dict.fromkeys(one.citation for one in made_from if one.citation)),
            "made_from": [asdict(one) | {"pairs": _held(merged, one.origin)} for one in made_from],
        },
    )


def _held(merged: Merged, origin: str) -> int:
    return sum(origin in had for had in merged.origins.values())

"""Characters and feature atoms to ids and back. Characters that a model cannot know become slots, to be copied."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property

from workbench.errors import BadInput
from workbench.files import content_hash
from workbench.inflection.rows import Row, atoms

PAD, BOS, EOS, UNK = range(4)
NUM_SPECIAL = 4
BACKWARD = "<backward>"
SIZE_STEP = 64  # vocabularies are rounded up to this, so that languages share compiled programs


@dataclass(frozen=True, slots=True)
class Encoded:
    """One row as ids. `slots` are the unknown characters, in order of appearance; `form` is empty where covered."""

    features: tuple[int, ...]
    lemma: tuple[int, ...]
    form: tuple[int, ...]
    slots: str


@dataclass(frozen=True)
class Alphabet:
    """What ids mean: four special ones, `num_slots` slots, then characters, then atoms of features, for a model of
    several languages a tag of each, and for one that also writes backward a tag of that."""

    characters: tuple[str, ...]
    atoms: tuple[str, ...]
    languages: tuple[str, ...]
    num_slots: int
    backward: bool = False

    @cached_property
    def _id_of_character(self) -> dict[str, int]:
        return {c: NUM_SPECIAL + self.num_slots + number for number, c in enumerate(self.characters)}

    @cached_property
    def _id_of_atom(self) -> dict[str, int]:
        first = NUM_SPECIAL + self.num_slots + len(self.characters)
        tags = (*map(_tag, self.languages), *([BACKWARD] if self.backward else []))
        return {atom: first + number for number, atom in enumerate((*self.atoms, *tags))}

    @property
    def size(self) -> int:
        used = NUM_SPECIAL + self.num_slots + len(self.characters) + len(self._id_of_atom)
        return -(-used // SIZE_STEP) * SIZE_STEP

    @property
    def sha256(self) -> str:
        return content_hash(self.to_json())

    @classmethod
    def of(cls, rows: Iterable[Row], *, num_slots: int, min_lemmas: int, backward: bool = False) -> Alphabet:
        """Of training rows: every atom; and the characters that are in `min_lemmas` lemmas, or are written into some
        form whose lemma lacks them. The others can only be copied, as can those of new words.
        """
        rows = list(rows)
        in_lemmas = Counter(c for _, lemma in {(row.lang, row.lemma) for row in rows} for c in set(lemma))
        written = {c for row in rows for c in set(row.form or "") - set(row.lemma)}
        kept = sorted(c for c, count in in_lemmas.items() if count >= min_lemmas and c not in written)
        known = sorted({atom for row in rows for atom in atoms(row)})
        languages = sorted({row.lang for row in rows})
        named = tuple(languages) if len(languages) > 1 else ()
        return cls((*sorted(written), *kept), tuple(known), named, num_slots, backward)

    def encode(self, row: Row, *, backward: bool = False) -> Encoded:
        """The row's ids; a form's character that is neither known nor in the lemma is `UNK`.

        Of a row read `backward`, lemma and form begin with their last characters, and a tag among the features says so.
        """
        known = self._id_of_character
        slots = "".join(dict.fromkeys(c for c in row.lemma if c not in known))
        slot_of = {c: NUM_SPECIAL + min(number, self.num_slots - 1) for number, c in enumerate(slots)}

        def ids(text: str) -> tuple[int, ...]:
            return tuple(known.get(c) or slot_of.get(c, UNK) for c in (reversed(text) if backward else text))

        named = [_tag(row.lang)] * bool(self.languages) + [BACKWARD] * backward
        features = tuple(self._id_of_atom.get(atom, UNK) for atom in (*named, *atoms(row)))
        return Encoded(features, ids(row.lemma), ids(row.form or ""), slots)

    def decode(self, ids: Sequence[int], slots: str) -> str:
        """The text of written ids, up to the end of the form."""
        text = []
        for one in ids:
            if one == EOS:
                break
            if NUM_SPECIAL <= one < NUM_SPECIAL + self.num_slots:
                text.append(slots[one - NUM_SPECIAL] if one - NUM_SPECIAL < len(slots) else "")
            elif 0 <= (place := one - NUM_SPECIAL - self.num_slots) < len(self.characters):
                text.append(self.characters[place])
        return "".join(text)

    def to_json(self) -> dict[str, object]:
        return {
            "characters": list(self.characters),
            "atoms": list(self.atoms),
            "languages": list(self.languages),
            "num_slots": self.num_slots,
            "backward": self.backward,
        }

    @classmethod
    def from_json(cls, found: dict[str, object]) -> Alphabet:
        """Raises: BadInput where it is not what `to_json` writes."""
        match found:
            case {
                "characters": list(chars),
                "atoms": list(known),
                "languages": list(langs),
                "num_slots": int(slots),
                "backward": bool(backward),
            }:
                return cls(tuple(map(str, chars)), tuple(map(str, known)), tuple(map(str, langs)), slots, backward)
        raise BadInput(f"alphabet: wanted characters, atoms, languages, num_slots and backward, got {sorted(found)}")


def _tag(lang: str) -> str:
    return f"<{lang}>"

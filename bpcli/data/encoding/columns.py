"""A table's columns, each encoded by itself: a number is imputed and scaled, text becomes indicators, ….

``COLUMN_KINDS`` has the kinds by the names that ``data.types`` takes. A kind is a
rule that learns; what it learns, an encoder, is plain data for the model file.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar, Protocol

from bpcli.data.encoding.category_columns import Category, CategoryColumn
from bpcli.data.encoding.date_columns import Date
from bpcli.data.encoding.inputs import Input
from bpcli.data.encoding.number_columns import Number, NumberColumn
from bpcli.data.encoding.training_columns import PlaceOf, TrainingColumn
from bpcli.data.files.dataset import Dataset
from bpcli.data.warnings import DataWarnings, Strays
from bpcli.nn import Array
from bpcli.storage.strict_json import Saved

__all__ = ["COLUMN_KINDS", "CategoryColumn", "ColumnEncoder", "ColumnKind", "Drop", "NumberColumn"]


class ColumnEncoder(Protocol):
    """A column's learned encoding."""

    kind: ClassVar[str]
    in_words: ClassVar[str]
    """What its inputs are called: markup for :func:`~bpcli.data.encoding.inputs.summary`."""
    reads_text: ClassVar[bool]
    """Whether the file's cells are taken as text, even where they look like numbers."""

    @property
    def name(self) -> str:
        """The column."""
        ...

    @property
    def inputs(self) -> list[Input]:
        """The inputs that it makes."""
        ...

    def cells(self, dataset: Dataset, warnings: DataWarnings) -> Array:
        """What to encode, one entry per row of the file."""
        ...

    def encode(self, cells: Array, out: Array, where: PlaceOf) -> int:
        """Fill ``out``, (m, number of inputs), from m cells, ``where`` the place of each; how many were not known."""
        ...

    def count(self, unknown: int, warnings: DataWarnings) -> None:
        """Tell of what :meth:`encode` counted."""
        ...

    def to_json(self) -> dict[str, Any]:
        """Plain data for the model file, ``kind`` among it."""
        ...

    @classmethod
    def from_json(cls, saved: Saved) -> ColumnEncoder:
        """The encoder that :meth:`to_json` described."""
        ...


class ColumnKind(Protocol):
    """A kind of column: how it is recognised, and what is learned of it."""

    encoder: ClassVar[Any]
    """The type of what it learns, a :class:`ColumnEncoder`; None where the column is not used."""

    def recognises(self, column: TrainingColumn) -> bool:
        """Whether the training rows of a column that the config says nothing of are of this kind."""
        ...

    def slips(self, column: TrainingColumn) -> Strays | None:
        """The cells of a column of text but for which it would be of this kind, if they are slips."""
        ...

    def learn(self, column: TrainingColumn, scale: str, warnings: DataWarnings) -> ColumnEncoder:
        """The encoding, from the training rows; numbers are scaled by the rule ``scale``."""
        ...


@dataclass(frozen=True)
class Drop:
    """Left out, as by ``data.drop``."""

    encoder: ClassVar[None] = None

    def recognises(self, column: TrainingColumn) -> bool:
        """No: what is left out is said in the config."""
        return False

    def slips(self, column: TrainingColumn) -> Strays | None:
        """None."""
        return None

    def learn(self, column: TrainingColumn, scale: str, warnings: DataWarnings) -> ColumnEncoder:
        """Nothing is learned of a column that is not used."""
        raise AssertionError("a column that is left out has no encoding")


COLUMN_KINDS: dict[str, type[ColumnKind]] = {"number": Number, "date": Date, "category": Category, "drop": Drop}
"""By name, in the order in which they are tried on a column."""


def learn_column(column: TrainingColumn, kind: ColumnKind | None, scale: str, warnings: DataWarnings) -> ColumnEncoder:
    """Learn the encoding of a column, of the kind that the config says, or of the one that its training rows show."""
    return (kind or _recognised(column, warnings)).learn(column, scale, warnings)


def _recognised(column: TrainingColumn, warnings: DataWarnings) -> ColumnKind:
    """The first kind that recognises the column; a warning where another would but for a few cells."""
    nearly = None
    for kind in (each() for each in COLUMN_KINDS.values()):
        if kind.recognises(column):
            break
        nearly = nearly or kind.slips(column)
    if nearly is not None:
        warnings.slips.append(nearly)
    return kind


def column_from_json(saved: Saved) -> ColumnEncoder:
    """The encoder that :meth:`ColumnEncoder.to_json` described.

    Raises:
        MalformedError: it describes none.
    """
    known = {name: kind.encoder for name, kind in COLUMN_KINDS.items() if kind.encoder is not None}
    described = saved.mapping()
    kind = described["kind"].one_of(known) if "kind" in described else saved.refuse("has no 'kind'")
    encoder: ColumnEncoder = known[kind].from_json(saved)
    return encoder

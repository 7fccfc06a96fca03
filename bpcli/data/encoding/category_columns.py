"""A column of text: an indicator for each category."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from bpcli.data.encoding.inputs import Input
from bpcli.data.encoding.training_columns import PlaceOf, TrainingColumn
from bpcli.data.files.cells import texts_of
from bpcli.data.files.dataset import Dataset
from bpcli.data.warnings import DataWarnings, Strays
from bpcli.errors import ConfigError
from bpcli.memory import size
from bpcli.nn import Array
from bpcli.storage.strict_json import Saved

MANY = 20
"""Up to so many categories, a text column in which most values differ is no surprise."""

MOST_INDICATORS = 1 << 26
"""Indicators, one for each row and category, up to which a column in which most texts differ is encoded unasked."""


@dataclass(frozen=True)
class CategoryColumn:
    """A column of text: an indicator for each category, in order of code points."""

    name: str
    categories: tuple[str, ...]
    boolean: bool = False

    kind: ClassVar[str] = "category"
    in_words: ClassVar[str] = "{inputs} indicator{s} of {columns} category column{c}"
    reads_text: ClassVar[bool] = True

    @property
    def inputs(self) -> list[Input]:
        """An indicator for each category."""
        return [Input(self.name, self.kind, category) for category in self.categories]

    def cells(self, dataset: Dataset, warnings: DataWarnings) -> Array:
        """What to encode, (N,) str, None where missing."""
        return texts_of(dataset, self.name)

    def encode(self, texts: Array, out: Array, where: PlaceOf) -> int:
        """Fill ``out``, (m, number of categories), from m cells; how many were unseen in training."""
        places = {category: k for k, category in enumerate(self.categories)}
        out.fill(0)
        unseen = 0
        for i, text in enumerate(texts):
            if text is None:
                continue
            place = places.get(text.lower() if self.boolean else text)
            if place is None:
                unseen += 1
            else:
                out[i, place] = 1
        return unseen

    def count(self, unseen: int, warnings: DataWarnings) -> None:
        """Tell of unseen categories."""
        warnings.unseen[self.name] += unseen

    def to_json(self) -> dict[str, Any]:
        """Plain data for the model file."""
        return {"kind": self.kind, **vars(self)}

    @classmethod
    def from_json(cls, saved: Saved) -> CategoryColumn:
        """The column that :meth:`to_json` described."""
        keys = saved.keys(("kind", "name", "categories", "boolean"))
        categories = keys["categories"].texts()
        if len(set(categories)) < len(categories):
            keys["categories"].refuse("names one twice")
        return cls(keys["name"].text(), categories, keys["boolean"].truth())


@dataclass(frozen=True)
class Category:
    """Text: an indicator for each category met in training; all are 0 where it is missing or was not met.

    Recognised where nothing else is. Numbers, such as those of a zip code, are categories as they are written.
    """

    encoder: ClassVar[type[CategoryColumn]] = CategoryColumn

    def recognises(self, column: TrainingColumn) -> bool:
        """Yes: any column can be text."""
        return True

    def slips(self, column: TrainingColumn) -> Strays | None:
        """None: anything is text."""
        return None

    def learn(self, column: TrainingColumn, scale: str, warnings: DataWarnings) -> CategoryColumn:
        """The categories, in order of code points."""
        texts = texts_of(column.dataset, column.name)[column.rows]
        present = [text for text in texts if text is not None]
        categories = tuple(sorted(set(present)))
        if len(categories) > max(MANY, len(present) / 2):
            warnings.many.append(column.name)
        if len(categories) <= 1:
            warnings.constant.append(column.name)
        return CategoryColumn(column.name, categories, column.holds_truths)


def refuse_identifiers(learned: CategoryColumn, column: TrainingColumn) -> None:
    """Refuse many indicators for texts most of which stand once: they tell rows apart, and nothing of new ones.

    Raises:
        ConfigError: the column is such.
    """
    categories, present = len(learned.categories), len(column.present)
    if 2 * categories > present and categories * len(column.rows) > MOST_INDICATORS:
        raise ConfigError(
            f"column {column.name!r} holds {categories:,} different texts in {present:,} training rows, as names do: "
            f"an indicator for each takes {size(4.0 * categories * len(column.rows))} in float32",
            key=f"data.types.{column.name}",
            hint=f"data.drop: [{column.name}]; where the texts are categories all the same, data.types: "
            f"{{{column.name}: category}}",
        )

"""The data as they were read and dealt, before they are encoded: for those who look at the file's own columns."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from bpcli.data.files.dataset import Dataset
from bpcli.nn import IndexArray


@dataclass(frozen=True)
class RawData:
    """The datasets by part, ``train`` always among them, and the rows of each part in its dataset.

    ``features`` and ``targets`` are columns; ``classification`` says that the target is a class or labels.
    """

    datasets: Mapping[str, Dataset]
    rows: Mapping[str, IndexArray]
    features: list[str]
    targets: list[str]
    classification: bool

    def dataset(self, part: str) -> Dataset:
        """The file of a part: its own, or the one that was split."""
        return self.datasets.get(part, self.datasets["train"])


Look = Callable[[RawData], list[str]]
"""What looks at raw data while they are in memory; what it returns becomes warnings."""

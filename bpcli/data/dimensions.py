"""How many examples, inputs and outputs a training has: the files are read and dealt, but nothing is encoded."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from bpcli.data.encoding.features import learn_features
from bpcli.data.encoding.targets import Targets
from bpcli.data.files.dataset import Matrix
from bpcli.data.reading_parts import Dealt, Files, read_and_deal
from bpcli.data.request import DataRequest
from bpcli.data.warnings import DataWarnings


@dataclass(frozen=True)
class Dimensions:
    """The number of examples of each part, of inputs n_0, and what the targets are; ``request`` is decided."""

    parts: dict[str, int]
    inputs: int
    targets: Targets
    request: DataRequest


def dimensions_of(files: Files, request: DataRequest, rng: np.random.Generator) -> Dimensions:
    """Read the files and deal their rows; an array's columns are its inputs, a table's kinds have to be learned.

    Raises:
        DataError: a file is absent or malformed.
        ConfigError: the config asks for what the data do not have.
    """
    dealt = read_and_deal(files, request, rng, DataWarnings())
    parts = {part: len(rows) for part, rows in dealt.rows.items()}
    return Dimensions(parts, _inputs(dealt), dealt.targets, dealt.request)


def _inputs(dealt: Dealt) -> int:
    if isinstance(dealt.train, Matrix):
        return len(dealt.features)
    scale, kinds = dealt.request.scale or "none", dealt.request.types
    return learn_features(dealt.train, dealt.features, dealt.rows["train"], scale, DataWarnings(), kinds).size

"""Every kind of choice that a config makes, with the registry it chooses from.

Whatever stands in one of these registries is parsed, listed, documented, put
into the schema and gradient-checked from there. The registries are read when
they are needed, so an entry that is added later counts as well.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from bpcli.choices import Registry
from bpcli.data.encoding.columns import COLUMN_KINDS, ColumnKind
from bpcli.nn.activations import ACTIVATIONS, Activation
from bpcli.nn.clipping import CLIPPINGS
from bpcli.nn.initializers import INITIALIZERS, Initializer
from bpcli.nn.layers import LAYERS, Layer
from bpcli.nn.losses import LOSSES, Loss
from bpcli.nn.metrics import METRICS, Metric
from bpcli.nn.noise import INPUT_NOISES, InputNoise
from bpcli.nn.optimizers import OPTIMIZERS, Optimizer
from bpcli.nn.penalties import PENALTIES
from bpcli.nn.schedules import SCHEDULES, Schedule
from bpcli.training.keeping import KEEPS, Keep


@dataclass(frozen=True, eq=False)
class Kind:
    """A kind of choice.

    ``word`` names one of the kind in messages. ``default`` is the choice of a
    mapping without ``name``. A setting whose type is ``protocol`` is a choice of
    this kind; None where several kinds share a protocol.
    """

    word: str
    registry: Registry
    protocol: Any = None
    default: str | None = None

    @property
    def exists(self) -> bool:
        """Whether there is anything to choose; a key of an empty kind does not exist."""
        return bool(self.registry)

    @property
    def offers_choice(self) -> bool:
        """Whether a config says which; a single entry that is the default needs no name."""
        return self.exists and list(self.registry) != [self.default]


KINDS: Mapping[str, Kind] = {
    "activations": Kind("activation", ACTIVATIONS, Activation),
    "initializers": Kind("initializer", INITIALIZERS, Initializer),
    "layers": Kind("layer", LAYERS, Layer, default="dense"),
    "losses": Kind("loss", LOSSES, Loss),
    "penalties": Kind("penalty", PENALTIES),
    "metrics": Kind("metric", METRICS, Metric),
    "optimizers": Kind("optimizer", OPTIMIZERS, Optimizer, default="gradient_descent"),
    "schedules": Kind("schedule", SCHEDULES, Schedule),
    "clippings": Kind("clipping", CLIPPINGS),
    "keeps": Kind("keep", KEEPS, Keep, default="best"),
    "columns": Kind("kind of column", COLUMN_KINDS, ColumnKind),
    "input_noises": Kind("input noise", INPUT_NOISES, InputNoise, default="gaussian"),
}
"""The kinds by the word under which ``bp list`` shows them."""


def offered() -> dict[str, Registry]:
    """The registries that offer a choice."""
    return {plural: kind.registry for plural, kind in KINDS.items() if kind.offers_choice}

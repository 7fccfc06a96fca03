"""Every registry of choices, by the name under which ``bp list`` shows it.

Whatever stands in one of these dictionaries is parsed, listed, documented, put
into the schema and gradient-checked from there.
"""

from __future__ import annotations

from bpcli.choices import Registry
from bpcli.nn.activations import ACTIVATIONS
from bpcli.nn.initializers import INITIALIZERS
from bpcli.nn.losses import LOSSES
from bpcli.nn.metrics import METRICS
from bpcli.nn.optimizers import OPTIMIZERS

REGISTRIES: dict[str, Registry] = {
    "activations": ACTIVATIONS,
    "initializers": INITIALIZERS,
    "losses": LOSSES,
    "metrics": METRICS,
    "optimizers": OPTIMIZERS,
}

"""What must be the same in all processes that train one network together."""

from __future__ import annotations

import os
import platform
from hashlib import sha256
from typing import Any

from bpcli import __version__
from bpcli.config import document
from bpcli.config.reading import LocatedConfig
from bpcli.config.writing import plain
from bpcli.experiment import Experiment
from bpcli.runs.environment import environment_of
from bpcli.training.state import TrainingState

KERNELS = (
    "OPENBLAS_CORETYPE",
    "NPY_DISABLE_CPU_FEATURES",
    "NUMBA_CPU_NAME",
    "NUMBA_CPU_FEATURES",
    "NUMBA_OPT",
    "NUMBA_LOOP_VECTORIZE",
    "NUMBA_SLP_VECTORIZE",
)
"""The variables of the environment by which a user takes other kernels, or compiles others: other bits."""


def same_config(located: LocatedConfig) -> dict[str, Any]:
    """What must be the same in all processes that read the data of a config together."""
    return {"version": __version__, "config": sha256(document.dump(plain(located.config)).encode()).hexdigest()}


def sameness(experiment: Experiment, state: TrainingState | None) -> dict[str, Any]:
    """The config, the environment with the digests of the data, and θ and the counters that training starts from."""
    theta = experiment.parameters.theta if state is None else state.theta
    return {
        **environment_of(experiment),
        "machine": platform.machine(),
        **{name: os.environ.get(name, "not set") for name in KERNELS},
        "config": sha256(document.dump(experiment.resolved).encode()).hexdigest(),
        "parameters": sha256(theta.tobytes()).hexdigest(),
        "training": {} if state is None else {"epoch": state.epoch, "step": state.optimizer.step},
    }

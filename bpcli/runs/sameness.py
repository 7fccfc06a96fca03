"""What must be the same in all processes that train one network together."""

from __future__ import annotations

import platform
from hashlib import sha256
from typing import Any

from bpcli.config import document
from bpcli.experiment import Experiment
from bpcli.runs.environment import environment_of
from bpcli.training.state import TrainingState


def sameness(experiment: Experiment, state: TrainingState | None) -> dict[str, Any]:
    """The config, the environment with the digests of the data, and θ and the counters that training starts from."""
    theta = experiment.parameters.theta if state is None else state.theta
    return {
        **environment_of(experiment),
        "machine": platform.machine(),
        "config": sha256(document.dump(experiment.resolved).encode()).hexdigest(),
        "parameters": sha256(theta.tobytes()).hexdigest(),
        "training": {} if state is None else {"epoch": state.epoch, "step": state.optimizer.step},
    }

"""Schedules: the learning rate of each update, computed from the rule's own η.

Read ``course`` first, what a schedule says of itself and knows of the training; then the schedules by kind:
``decays`` go by what has been, ``horizons`` by the whole training, ``plateau`` by results; ``warmup`` stands
in front of any.
"""

from __future__ import annotations

from bpcli.nn.schedules.course import Course, Objection, Plateau, Schedule
from bpcli.nn.schedules.decays import Constant, Exponential, InverseTime, Step
from bpcli.nn.schedules.horizons import Cosine, CosLog, OneCycle, Polynomial
from bpcli.nn.schedules.plateau import ReduceOnPlateau
from bpcli.nn.schedules.warmup import Warmup

__all__ = [
    "SCHEDULES",
    "Constant",
    "CosLog",
    "Cosine",
    "Course",
    "Exponential",
    "InverseTime",
    "Objection",
    "OneCycle",
    "Plateau",
    "Polynomial",
    "ReduceOnPlateau",
    "Schedule",
    "Step",
    "Warmup",
]

SCHEDULES: dict[str, type[Schedule]] = {
    "constant": Constant,
    "step": Step,
    "exponential": Exponential,
    "inverse_time": InverseTime,
    "polynomial": Polynomial,
    "cosine": Cosine,
    "one_cycle": OneCycle,
    "coslog": CosLog,
    "warmup": Warmup,
    "reduce_on_plateau": ReduceOnPlateau,
}
"""The schedules that a config may choose from."""

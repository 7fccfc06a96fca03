"""What the documents' vocabularies take from the choices of a config."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import ClassVar

from bpcli.explaining.vocabularies.common import constants
from bpcli.nn.optimizers import Adam
from tests.explaining.support import explained


@dataclass(frozen=True)
class Leaking(Adam):
    """A rule with a letter that no other rule has, and one that others use otherwise."""

    leak: float = 0.25

    symbols: ClassVar[Mapping[str, str]] = {r"\rho": "leak", r"\mu": "beta1"}


def test_the_letters_of_a_rules_settings_are_those_that_the_rule_states(tmp_path: Path) -> None:
    trace = explained(tmp_path, "binary").updates[0].trace
    assert constants(replace(trace, optimizer=Leaking())) == {r"\eta": trace.learning_rate, r"\rho": 0.25, r"\mu": 0.9}
    assert constants(trace) == {r"\eta": trace.learning_rate}

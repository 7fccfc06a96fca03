"""Choices as plain data, and back."""

from __future__ import annotations

from dataclasses import MISSING, dataclass, fields

import pytest

from bpcli import choices
from bpcli.config.registries import KINDS
from bpcli.nn.activations import ACTIVATIONS, LeakyRelu, Relu
from bpcli.nn.initializers import INITIALIZERS, Normal

ALL = [(kind, name) for kind in KINDS for name in KINDS[kind].registry if kind != "layers"]


@pytest.mark.parametrize(("kind", "name"), ALL)
def test_every_choice_is_built_from_its_name_and_what_it_requires(kind: str, name: str) -> None:
    registry = KINDS[kind].registry
    required = [one.name for one in fields(registry[name]) if MISSING is one.default is one.default_factory]
    assert required in ([], [name]), "a choice works by its name, or by a setting of this name"
    built = choices.build(registry, {"name": name, **dict.fromkeys(required, 1.5)})
    assert choices.name_of(registry, built) == name
    assert choices.build(registry, choices.describe(registry, built)) == built


def test_a_description_has_the_name_and_every_setting() -> None:
    assert choices.describe(ACTIVATIONS, LeakyRelu(0.25)) == {"name": "leaky_relu", "slope": 0.25}
    assert choices.describe(ACTIVATIONS, Relu()) == {"name": "relu"}


def test_settings_that_are_not_described_have_their_defaults() -> None:
    assert choices.build(INITIALIZERS, {"name": "normal"}) == Normal()
    assert choices.build(INITIALIZERS, {"name": "normal", "std": 2.0}) == Normal(2.0)


def test_the_name_is_that_of_the_class_itself() -> None:
    @dataclass(frozen=True)
    class Steep(Relu):
        pass

    registry = {"relu": Relu, "steep": Steep}
    assert (choices.name_of(registry, Steep()), choices.name_of(registry, Relu())) == ("steep", "relu")

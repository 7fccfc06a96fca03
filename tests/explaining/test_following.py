"""Each number follows from the numbers before it, by the very equation shown, in all five documents."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from bpcli.explaining.derivations import DERIVATIONS
from bpcli.explaining.evaluation.sheet import Sheet
from bpcli.explaining.following import Follower
from bpcli.nn import Array
from tests.explaining.following import CALL, reason_against, wrong_steps
from tests.explaining.support import EXPRESSED, displaced, explained
from tests.nn.support import STEP_RULES

SETTINGS = {
    "one example": ((), (4,)),
    "several examples": ((), (5, 0, 3)),
    "no hidden layer": (("network.hidden=[]",), (1, 2)),
    "deep": (("network.hidden=[4, 3, 2, 3]",), (2, 0)),
    "equal widths": (("network.hidden=[2, 2, 2]",), (2, 0)),
    "sums": (("loss.outputs=sum", "loss.examples=sum"), (0, 1, 2)),
    "means": (("loss.outputs=mean", "loss.examples=mean"), (0, 1, 2)),
    "momentum": (("optimizer.mode=sgd", "optimizer.name=momentum"), (3, 1)),
    "adam": (("optimizer.mode=sgd", "optimizer.name=adam", "loss.outputs=mean"), (3, 1)),
}

FEW = ("several examples", "means", "momentum")
"""The settings of a document's other kinds of experiment."""

UNITS = {"tanh": 3, "relu": 4, "leaky_relu": 2, "identity": 2}
MIXED = f"network.hidden=[{', '.join(f'{{units: {n}, activation: {name}}}' for name, n in UNITS.items())}]"

every_document = pytest.mark.parametrize("document", DERIVATIONS)


def kinds(document: str) -> list[str]:
    return [kind for kind, known in EXPRESSED if known == document]


@every_document
def test_every_step_follows_from_those_before(tmp_path: Path, document: str) -> None:
    first, *others = kinds(document)
    cases = [(first, name) for name in SETTINGS] + [(kind, name) for kind in others for name in FEW]
    for kind, name in cases:
        changes, rows = SETTINGS[name]
        explanation = explained(tmp_path, kind, *changes, document=document, rows=rows)
        single = "optimizer.mode=sgd" not in changes
        assert wrong_steps(displaced(explanation) if single else explanation) == []


FORMS = {
    "momentum": ["optimizer.rate_in=step"],
    "nesterov": ["optimizer.rate_in=step"],
    "rmsprop": ["optimizer.centered=true", "optimizer.momentum=0.5"],
    "adam": ["optimizer.epsilon_at=uncorrected"],
    "lion": ["optimizer.weight_decay=0.5"],
    "rprop": ["optimizer.mode=batch", "optimizer.batch_size=null"],
}
"""A form of a rule whose equations are not those of its defaults; what a rule needs."""


def test_every_rules_steps_follow(tmp_path: Path) -> None:
    for document in ("half-squared-error", "general", "brawer"):
        for rule in STEP_RULES:
            changes = [f"optimizer.name={rule}", *FORMS.get(rule, [])]
            explanation = explained(tmp_path, kinds(document)[0], *changes, document=document, rows=(1, 4))
            assert wrong_steps(displaced(explanation)) == [], (document, rule)
            written = [step for step in explanation.updates[0].steps if step.formula.startswith(CALL)]
            assert bool(written) == (document == "brawer" and rule in ("adamw", "lion")), (document, rule)


def test_only_the_weights_equation_has_the_decay(tmp_path: Path) -> None:
    explanation = explained(tmp_path, kinds("general")[0], "optimizer.name=adamw", document="general", rows=(1, 4))
    last = {step.key: step.formula for step in explanation.updates[0].steps if step.key.startswith("new_")}
    assert r"\lambda" in last["new_weights"]
    assert r"\lambda" not in last["new_biases"]


@pytest.mark.parametrize("document", [name for name in DERIVATIONS if name != "binary"])
def test_every_step_follows_with_other_activations(tmp_path: Path, document: str) -> None:
    for place, kind in enumerate(kinds(document)):
        for rows in ((2,), (0, 4))[place % 2 :]:
            assert wrong_steps(displaced(explained(tmp_path, kind, MIXED, document=document, rows=rows))) == []


WAYS = ("scaled", "zeros", "noise", "shuffled")


def spoiled(value: Array, way: str) -> Array:
    rng = np.random.default_rng(7)
    if way == "scaled":
        return value * 1.001
    if way == "zeros":
        return np.zeros_like(value)
    if way == "noise":
        return rng.normal(0, 1, value.shape)
    return rng.permutation(value.ravel()).reshape(value.shape)


@every_document
def test_a_wrong_number_anywhere_is_found(tmp_path: Path, document: str) -> None:
    right = explained(tmp_path, kinds(document)[-1], "optimizer.name=momentum", document=document, rows=(0, 1))
    update, found = displaced(right).updates[0], dict.fromkeys(WAYS, 0)
    follower = Follower(Sheet(DERIVATIONS[document].vocabulary(update.trace)))
    for step in update.steps:
        for way in WAYS:
            wrong = replace(step, value=spoiled(step.value, way))
            if step.stage != "given" and not np.array_equal(wrong.value, step.value):
                assert reason_against(follower, wrong), (way, step.key, step.layer)
                found[way] += 1
        assert not reason_against(follower, step)
        follower.take(step)
    assert min(found.values()) > 8

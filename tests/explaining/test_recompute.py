"""Each number in the JSON follows from the numbers before it, in all five documents."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.explaining.recompute import DOCUMENTS, wrong_steps
from tests.explaining.support import SUITED, explained, json_of

SETTINGS = {
    "one example": ((), (4,)),
    "several examples": ((), (5, 0, 3)),
    "no hidden layer": (("network.hidden=[]",), (1, 2)),
    "deep": (("network.hidden=[4, 3, 2, 3]",), (2, 0)),
    "sums": (("loss.outputs=sum", "loss.examples=sum"), (0, 1, 2)),
    "means": (("loss.outputs=mean", "loss.examples=mean"), (0, 1, 2)),
    "momentum": (("optimizer.mode=sgd", "optimizer.name=momentum"), (3, 1, 0)),
    "adam": (("optimizer.mode=sgd", "optimizer.name=adam", "loss.outputs=mean"), (3, 1, 0)),
    "descent, example by example": (("optimizer.mode=sgd",), (0, 5)),
}

UNITS = {"tanh": 3, "relu": 4, "leaky_relu": 2, "identity": 2}
MIXED = f"network.hidden=[{', '.join(f'{{units: {n}, activation: {name}}}' for name, n in UNITS.items())}]"


def tree(folder: Path, kind: str, document: str, changes: tuple[str, ...], rows: tuple[int, ...]) -> dict[str, Any]:
    return json_of(explained(folder, kind, *changes, document=document, rows=rows))


@pytest.mark.parametrize("setting", SETTINGS)
@pytest.mark.parametrize(("kind", "document"), SUITED)
def test_every_step_follows_from_those_before(tmp_path: Path, kind: str, document: str, setting: str) -> None:
    changes, rows = SETTINGS[setting]
    assert wrong_steps(tree(tmp_path, kind, document, changes, rows)) == []


@pytest.mark.parametrize(("kind", "document"), [pair for pair in SUITED if pair[1] != "binary"])
def test_every_step_follows_with_other_activations(tmp_path: Path, kind: str, document: str) -> None:
    assert wrong_steps(tree(tmp_path, kind, document, (MIXED,), (0, 4))) == []


@pytest.mark.parametrize("document", DOCUMENTS)
def test_a_wrong_number_anywhere_is_found(tmp_path: Path, document: str) -> None:
    kind = next(kind for kind, known in reversed(SUITED) if known == document)
    right = tree(tmp_path, kind, document, ("optimizer.name=momentum",), (0, 1))
    checked = 0
    for place, step in enumerate(right["updates"][0]["steps"]):
        wrong = copy.deepcopy(right)
        changed = wrong["updates"][0]["steps"][place]
        changed["value"] = (np.array(step["value"]) * 1.001).tolist()
        if step["stage"] == "given" or changed["value"] == step["value"]:
            continue
        found = wrong_steps(wrong)
        assert found[0] == (1, (step["key"], step["layer"], step["example"]))
        checked += 1
    assert checked > 12

"""The checker fails on every mistake on the list, and names the layer in which it is made.

The right layer is the first wrong one counted from the output: every layer above
the mistake agrees, W and b of the layer itself disagree as the mistake has it, and
below it either all layers disagree, where the mistake travels on through dZ or is
made in each of them, or none.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from bpcli.checking.subject import gradients_of, parameter_groups
from bpcli.nn.heads import Composed
from bpcli.nn.losses import LOSSES

from .faults import FAULTS, KINDS
from .faults.mechanism import Fault, Pass, Pieces
from .support import Subject, Wrong, loss, subject

LEAST = 30
"""How many distinct mistakes the checker has to prove itself on."""

every_fault = pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS)


def expected(fault: Fault) -> Wrong:
    layers = range(fault.layer, 0, -1) if fault.below else [fault.layer]
    return {
        (batch, layer, kind)
        for batch in fault.batches
        for layer in layers
        for kind in ("W", "b")
        if kind in fault.kinds and (layer, kind) != fault.untouched
    }


def test_the_list_is_long_enough() -> None:
    assert len(FAULTS) >= LEAST


def test_every_fault_has_a_name_of_its_own() -> None:
    assert len(FAULTS) == sum(len(kind.FAULTS) for kind in KINDS)


@every_fault
def test_a_fault_is_caught_in_its_layer(fault: Fault, monkeypatch: pytest.MonkeyPatch) -> None:
    given = fault.subject()
    fault.patch(monkeypatch)
    assert given.wrong() == expected(fault)


@pytest.mark.parametrize("given", dict.fromkeys(fault.subject for fault in FAULTS.values()), ids=lambda _: "")
def test_without_a_fault_everything_agrees(given: Callable[[], Subject]) -> None:
    assert given().wrong() == set()


@pytest.mark.parametrize("hidden", ["tanh", "relu", "leaky_relu", "softmax"])
def test_the_pieces_that_faults_are_made_of_are_the_engines(hidden: str, monkeypatch: pytest.MonkeyPatch) -> None:
    given = subject(hidden=(hidden, hidden))
    engines = gradients_of(given.recipe, given.theta, given.examples, given.batches)
    Pieces().put_into(monkeypatch)
    np.testing.assert_array_equal(gradients_of(given.recipe, given.theta, given.examples, given.batches), engines)


@pytest.mark.parametrize("value", [np.inf, -np.inf, np.nan, 1e30], ids=str)
@pytest.mark.parametrize("per_group", [None, 1, 3])
def test_an_entry_that_blows_up_is_wrong_whether_it_was_drawn_or_not(
    per_group: int | None, value: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    given = subject()
    chosen = parameter_groups(given.network, per_group, seed=0)
    group = next(group for group in chosen if (group.layer, group.kind) == (2, "W"))
    place = next((i for i in range(group.start, group.start + 25) if i not in group.places), group.start)

    def spoil(at: Pass) -> None:
        at.gradient.theta[place] = value

    Pieces(ending=spoil).put_into(monkeypatch)
    for comparison in given.comparisons():
        found = [comparison.check(group) for group in chosen]
        (wrong,) = [one for one in found if not one.passed]
        assert (wrong.layer, wrong.kind, wrong.row, wrong.column) == (2, "W", *divmod(place - group.start, 5))
        assert wrong.checked == wrong.parameters


@pytest.mark.parametrize("name", LOSSES)
def test_a_loss_whose_slope_is_a_thousandth_off_is_found(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    of = loss(name)
    given = subject(output=of.usual_output, of=of)
    assert given.wrong() == set()
    head = given.network.head
    owner: Any = type(head.loss) if isinstance(head, Composed) else type(head)
    right = owner.backward

    def wrong(self: Any, *arguments: Any) -> None:
        right(self, *arguments)
        out = arguments[-2]
        np.multiply(out, 1.001, out)

    monkeypatch.setattr(owner, "backward", wrong)
    assert {layer for _, layer, _ in given.wrong()} == {1, 2, 3}

"""The orders of epochs."""

from __future__ import annotations

import pytest

from bpcli.streams import TOGETHER
from bpcli.training.orders import Orders
from bpcli.training.recipe import Plan


@pytest.mark.parametrize("shuffle", [False, True])
@pytest.mark.parametrize("examples", [1, 150, 70_000])
def test_the_orders_of_a_plan_are_the_same_however_they_are_asked_for(examples: int, shuffle: bool) -> None:  # noqa: FBT001
    plan = Plan(10**9, 7, shuffle, seed=3)
    orders = Orders(plan, examples)
    for epoch in (1, 2, 2, 1, TOGETHER, TOGETHER + 1, 10**6):
        assert orders.of(epoch).tolist() == plan.order(epoch, examples).tolist()

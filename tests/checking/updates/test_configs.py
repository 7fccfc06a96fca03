"""The shipped configs' updates agree, with every rule, and the least mistake in them is found."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from bpcli.checking.updates.comparison import UpdateCheck
from bpcli.checking.updates.subjects import open_updates
from bpcli.checking.updates.verdicts import EngineCheck
from bpcli.config.reading import read_config
from bpcli.nn.optimizers import OPTIMIZERS
from bpcli.nn.optimizers.rule import rule_statements
from bpcli.nn.optimizers.second_order.rule import is_second_order
from tests.nn.support import STEP_RULES

CONFIGS = sorted(
    path for path in (Path(__file__).parents[3] / "configs").glob("*.yaml") if not path.stem.startswith("mnist")
)

LEAST = {"float64": 1e-12, "float32": 1e-5}
"""The relative error of η that is found in every config."""


NEEDED = {
    "radam": ["optimizer.learning_rate=0.1"],  # its first steps are as short as the gradient
    "rprop": ["optimizer.mode=batch", "optimizer.batch_size=null"],
}


def checks(path: Path, *changes: str) -> Iterator[EngineCheck]:
    """The reference engine's updates in both precisions."""
    opened = open_updates(path, list(changes))
    for experiment in opened.experiments:
        yield UpdateCheck(opened.subject(experiment, opened.engine(experiment, "numpy")), None, lambda _: None).check(5)


def test_every_shipped_configs_updates_agree() -> None:
    stepping = [path for path in CONFIGS if not is_second_order(type(read_config(path, []).config.optimizer.rule))]
    assert len(stepping) > 10
    for path in stepping:
        for found in checks(path):
            assert found.passed, (path.stem, found.dtype, found.wrong[:1], found.unjudged)


@pytest.mark.slow
@pytest.mark.parametrize("rule", STEP_RULES)
def test_every_config_agrees_with_every_rule_and_the_least_mistake_in_its_rate_is_found(
    rule: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    right, changes = OPTIMIZERS[rule].step, [f"optimizer.name={rule}", *NEEDED.get(rule, [])]
    for path in CONFIGS:
        for found in checks(path, *changes):
            assert found.passed, (path.stem, found.dtype, found.wrong[:1], found.unjudged)
        precisions = {"float64", str(read_config(path, []).config.dtype)}
        for kind in sorted(precisions) if rule_statements(OPTIMIZERS[rule]).takes_schedule else ():
            error = LEAST[kind]

            def wrong(self: Any, theta: Any, state: Any, gradient: Any, rate: Any, more: float = 1 + error) -> Any:
                return right(self, theta, state, gradient, rate * more)

            with monkeypatch.context() as patched:
                patched.setattr(OPTIMIZERS[rule], "step", wrong)
                (found,) = (one for one in checks(path, *changes) if one.dtype == kind)
                assert found.wrong, (path.stem, kind)

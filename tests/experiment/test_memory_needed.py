"""The memory of a network in training, known from its sizes: refused by the layer that takes most."""

from __future__ import annotations

import tracemalloc
from pathlib import Path

import numpy as np
import pytest

from bpcli import memory
from bpcli.choices import name_of
from bpcli.errors import BpError, ConfigError
from bpcli.experiment.memory_needed import remembered, require_memory
from bpcli.memory import Left
from bpcli.nn.optimizers import OPTIMIZERS, Adam, GradientDescent, Optimizer
from bpcli.scaling.footprint import footprint
from bpcli.training.loop import Epoch
from tests.runs.support import execution, experiment

F4, F8 = np.dtype("f4"), np.dtype("f8")


def test_layers_and_batches_beyond_memory_are_refused_by_the_one_at_fault(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory, "left", lambda: Left(1_000_000_000))
    rule = GradientDescent()
    require_memory((1000, 1000, 10), 32, 10_000, rule, F4)
    for sizes, m, at_fault, key, hint in (
        (
            (10, 100_000, 50_000, 2),
            32,
            "hidden layer 2 of 50,000 units",
            "network.hidden.1",
            "fewer units in the layer below",
        ),
        ((10, 10_000_000, 2), 32, "hidden layer 1 of 10,000,000 units", "network.hidden.0", "fewer units"),
        ((1_000_000, 100, 2), 32, "hidden layer 1 of 100 units", "network.hidden.0", "leave columns out: data.drop"),
        ((10, 1000, 200_000), 32, "the output layer of 200,000 units", "data.target", "fewer classes, or a regression"),
        (
            (10, 1000, 2),
            1_000_000,
            "hidden layer 1 of 1,000 units",
            "optimizer",
            "mode: mini_batch with a smaller batch_size",
        ),
    ):
        with pytest.raises(ConfigError) as caught:
            require_memory(sizes, m, 10_000, rule, F4)
        assert caught.value.message.startswith(at_fault)
        assert caught.value.message.endswith(" GB of memory, 1.0 GB are left")
        assert (caught.value.key, caught.value.hint) == (key, hint)


def test_what_a_rule_remembers_and_the_precision_count(monkeypatch: pytest.MonkeyPatch) -> None:
    sizes = (5000, 5000, 2)
    monkeypatch.setattr(memory, "left", lambda: Left(450_000_000))
    require_memory(sizes, 1, 1, GradientDescent(), F4)
    for rule, dtype in ((Adam(), F4), (GradientDescent(), F8)):
        with pytest.raises(ConfigError):
            require_memory(sizes, 1, 1, rule, dtype)


@pytest.mark.parametrize("rule", [GradientDescent(), Adam()])
def test_parameters_are_counted_as_often_as_training_holds_them(rule: Optimizer, tmp_path: Path) -> None:
    words = f"optimizer.name={name_of(OPTIMIZERS, rule)}", "network.hidden=[1000,1000]", "shards=2", "engine=numpy"
    tracemalloc.start()
    try:
        events = execution(tmp_path, *words).events()
        while not isinstance(next(events), Epoch):
            pass
        snapshot = tracemalloc.take_snapshot()
    finally:
        tracemalloc.stop()
    held = sum(trace.size for trace in snapshot.traces if trace.domain == np.lib.tracemalloc_domain)
    weights = footprint((2, 1000, 1000, 3), 32, 2, remembered(rule), 42).weights
    assert 1 < held / (F4.itemsize * sum(weights)) < 1.3


def test_each_shard_has_a_gradient_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    sizes = (5000, 5000, 2)
    monkeypatch.setattr(memory, "left", lambda: Left(750_000_000))
    require_memory(sizes, 8, 8, GradientDescent(), F4, shards=4)
    with pytest.raises(ConfigError) as caught:
        require_memory(sizes, 8, 8, GradientDescent(), F4, shards=5)
    assert "in batches of 8 in 5 shards, take" in caught.value.message
    assert (caught.value.key, caught.value.hint) == ("shards", "fewer shards, each of which has a gradient of its own")


def test_a_config_that_cannot_be_trained_is_refused_before_its_data_are_read(tmp_path: Path) -> None:
    with pytest.raises(BpError) as caught:
        experiment(tmp_path, "data={path: absent.csv}", "network.hidden=[10000000, 10000000]")
    assert "hidden layer 2 of 10,000,000 units on 10,000,000 inputs" in caught.value.message

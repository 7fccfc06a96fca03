"""Every shipped config loads, trains for an epoch, and has the right gradient."""

from __future__ import annotations

import gzip
from pathlib import Path

import numpy as np
import pytest

from bpcli.config.reading import read_config
from bpcli.experiment import Experiment, build
from bpcli.nn.gradient_check import Probe, central, complex_step
from bpcli.nn.parameters import Parameters
from bpcli.training import loop
from bpcli.training.engines import Engine
from bpcli.training.measure import Measure
from bpcli.training.state import start

CONFIGS = Path(__file__).parents[2] / "configs"
NAMES = sorted(path.stem for path in CONFIGS.glob("*.yaml"))
EXAMPLES = 6
PARAMETERS = 40


def write_idx(path: Path, values: np.ndarray) -> None:
    header = bytes([0, 0, 8, values.ndim]) + b"".join(n.to_bytes(4, "big") for n in values.shape)
    path.write_bytes(gzip.compress(header + values.tobytes()))


@pytest.fixture(scope="session")
def images(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """Overrides that point a config for MNIST at a small file like it."""
    folder = tmp_path_factory.mktemp("images")
    rng = np.random.default_rng(0)
    changes = []
    for part, size in (("train", 128), ("test", 20)):
        write_idx(folder / f"{part}-images.gz", rng.integers(0, 256, (size, 28, 28), dtype=np.uint8))
        write_idx(folder / f"{part}-labels.gz", (np.arange(size) % 10).astype(np.uint8))
        changes.append(f"data.{part}.features={folder}/{part}-images.gz")
        changes.append(f"data.{part}.targets={folder}/{part}-labels.gz")
    return changes


def built(name: str, images: list[str], *changes: str) -> Experiment:
    own = images if name.startswith("mnist") else []
    return build(read_config(CONFIGS / f"{name}.yaml", ["epochs=1", *own, *changes]))


@pytest.mark.parametrize("name", NAMES)
def test_a_shipped_config_trains_for_an_epoch(name: str, images: list[str]) -> None:
    experiment = built(name, images)
    examples = experiment.examples("train")
    assert examples is not None
    theta = experiment.parameters.theta
    before = theta.copy()
    state = start(experiment.recipe, theta, experiment.tallies())
    measure = Measure(experiment.network, experiment.metrics, experiment.examples("validation"))
    steps = Engine().steps(experiment.recipe, state, examples)
    events = list(loop.train(steps, experiment.plan, state, measure))
    assert isinstance(events[-1], loop.Epoch)
    assert np.isfinite(list(events[-1].values.values())).all()
    assert (theta != before).any()


@pytest.mark.parametrize("name", NAMES)
def test_a_shipped_config_has_the_right_gradient(name: str, images: list[str]) -> None:
    experiment = built(name, images, "dtype=float64")
    network, part = experiment.network, experiment.loaded.parts["train"]
    ws = network.workspace(min(EXAMPLES, part.size), np.float64)
    indices = np.arange(ws.m)
    part.features.gather(indices, ws.X)
    part.targets.gather(indices, ws.Y)
    theta = experiment.parameters.theta + np.random.default_rng(1).normal(0, 0.01, experiment.parameters.theta.shape)
    loss = Probe(network, ws.X, ws.Y)
    gradient = Parameters(network.layout, Probe(network, ws.X, ws.Y).gradient(theta))
    places = Parameters(network.layout, np.arange(theta.size, dtype=np.float64))
    rng = np.random.default_rng(2)
    for layer in range(1, len(network.sizes)):
        own = np.concatenate([places.W[layer].ravel(), places.b[layer].ravel()]).astype(np.intp)
        sample = rng.permutation(own)[:PARAMETERS]
        expected = gradient.theta[sample]
        largest = np.abs(gradient.theta[own]).max()
        assert np.abs(complex_step(loss, theta, sample) - expected).max() <= 1e-13 * largest
        tolerance = 1e-7 * largest + 1e-9 * max(1.0, abs(loss(theta)))
        assert np.abs(central(loss, theta, sample) - expected).max() <= tolerance


def test_each_document_has_its_config() -> None:
    assert len([name for name in NAMES if name.startswith("document_")]) == 5


def test_one_problem_is_shipped_in_the_three_modes() -> None:
    modes = {
        name.removeprefix("modes_"): read_config(CONFIGS / f"{name}.yaml", []).config
        for name in NAMES
        if "modes_" in name
    }
    assert {name: config.optimizer.mode for name, config in modes.items()} == {name: name for name in modes}
    problems = [(config.data, config.network, config.loss) for config in modes.values()]
    assert all(problem == problems[0] for problem in problems)
    assert set(modes) == {"sgd", "mini_batch", "batch"}

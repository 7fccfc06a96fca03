"""bp: its own trainer, in process, with the metrics that ``bp train`` counts along."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

import numpy as np
from threadpoolctl import threadpool_limits

import bpcli
from benchmarks.workers.protocol import Task, Trainer, serve
from benchmarks.workloads import SEED, Workload
from bpcli.data.sources import ClassIndices, Columns, Examples, Rows, Source, one_hot
from bpcli.nn.activations import ACTIVATIONS
from bpcli.nn.heads import join
from bpcli.nn.losses import LOSSES, Loss
from bpcli.nn.metrics import METRICS, Metric, tallies_for
from bpcli.nn.network import Network, dense
from bpcli.nn.optimizers import OPTIMIZERS
from bpcli.nn.parameters import Layout, Parameters
from bpcli.nn.tallies import Judging
from bpcli.training.engines import Engine, EngineName, shards_for
from bpcli.training.loop import Epoch, TrainingEvent, train
from bpcli.training.measure import Measure
from bpcli.training.recipe import Plan, Recipe
from bpcli.training.state import start

WITHOUT_END = 10**9
"""More epochs than any measurement asks for."""


def training(task: Task, name: EngineName) -> Callable[[int], Iterator[TrainingEvent]]:
    """The training that ``bp train`` would run on the workload with this engine, from its initial parameters.

    What is returned takes so many more epochs, and no more: none is taken ahead at another measurement's cost.
    """
    workload = task.workload
    network = _network(workload)
    optimizer = OPTIMIZERS[workload.rule](learning_rate=workload.learning_rate)
    names = ("r2", "rmse", "mae") if workload.regression else ("accuracy",)
    metrics: dict[str, Metric] = {name: METRICS[name]() for name in names}
    plan = Plan(WITHOUT_END, workload.batch_size, workload.shuffled, SEED)
    recipe = Recipe(network, optimizer, plan)
    tallies = tallies_for(metrics, Judging(workload.sizes[-1], "residuals" if workload.regression else "largest"))
    state = start(recipe, _theta(task), tallies)
    shards = shards_for("auto", recipe)
    engine = Engine(name, shards, task.threads)
    steps = engine.steps(recipe, state, Examples(Rows(task.X), _targets(task, network.head.loss)))
    for _ in steps.prepare(workload.batch_size):
        pass
    measure = Measure(network, metrics)
    return lambda more: train(steps, replace(plan, epochs=state.epoch + more), state, measure)


class Bp:
    """Epochs off the generator. Timed around it, so what it does between epochs counts too."""

    def __init__(self, task: Task) -> None:
        self.task = task
        self.reset()

    def reset(self) -> None:
        """Train anew."""
        self.train = training(self.task, self.task.options["engine"])

    def run(self, measurement: int) -> list[float]:
        """The running losses of the next epochs."""
        events = self.train(self.task.workload.epochs)
        return [event.values["loss"] for event in events if isinstance(event, Epoch)]


def _network(workload: Workload) -> Network:
    hidden = tuple(ACTIVATIONS[workload.activation]() for _ in workload.sizes[1:-1])
    reductions = {"outputs": "sum", "examples": "mean"}
    return dense(workload.sizes, hidden, join(ACTIVATIONS[workload.output](), LOSSES[workload.loss](**reductions)))


def _theta(task: Task) -> np.ndarray:
    parameters = Parameters(Layout(task.workload.sizes), np.zeros(Layout(task.workload.sizes).count, np.float32))
    for l, (W, b) in enumerate(zip(task.W, task.b, strict=True), start=1):
        parameters.W[l][...], parameters.b[l][:, 0] = W, b
    return parameters.theta


def _targets(task: Task, loss: Loss) -> Source:
    """The targets as the loss wants them."""
    if task.workload.regression:
        return Columns(np.ascontiguousarray(task.Y.T))
    classes = task.classes.astype(np.intp)
    if loss.targets.class_indices:
        return ClassIndices(classes)
    return one_hot(classes, task.workload.sizes[-1], np.dtype(np.float32))


def build(task: Task) -> dict[str, Callable[[], Trainer]]:
    """One way: bp has no layouts to choose from. Its threads are its own, as in ``bp train``, and BLAS has one."""
    threadpool_limits(1, "blas")
    return {"": lambda: Bp(task)}


if __name__ == "__main__":
    serve(build, {"bp": bpcli.__version__, "numpy": np.__version__})

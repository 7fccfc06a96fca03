"""One training step, or a shard's gradient by itself, recorded: the NumPy code runs on symbolic arrays."""

from __future__ import annotations

import copy
from typing import Any

import numpy as np

from bpcli.nn.loss_sums import LossSums, weight_of
from bpcli.nn.network import Network
from bpcli.nn.optimizers import Optimizer, OptimizerState, update
from bpcli.nn.tallies import Tallies
from bpcli.nn.transformations import Transformation, early, finish
from bpcli.training.compiled.operations import ReleaseEntry
from bpcli.training.compiled.program import LAST_Z, LOSSES, OUTPUTS, RATE, REPORTS, SCALE, STEP, TALLY, Program
from bpcli.training.compiled.recorder import Recorder
from bpcli.training.compiled.settings import parts_of_recipe, settings_of, settings_of_network, with_settings
from bpcli.training.compiled.symbolic_network import SymbolicNetwork
from bpcli.training.compiled.symbols import SymbolicNumber, number_source
from bpcli.training.recipe import Recipe


def record(
    recipe: Recipe,
    tallies: Tallies,
    dtype: np.dtype[Any],
    *,
    single: bool,
    weighted: bool = False,
    metrics_weighted: bool = False,
) -> Program:
    """Record one training step: forward, backward, update, and the sums for loss and metrics.

    Tallies that are not to be recorded are left out; for them the step hands its outputs out.

    Raises:
        UntraceableError: the step calls something of NumPy that has no operation.
    """
    symbolic = SymbolicNetwork(
        recipe.network, dtype, single=single, weighted=weighted, metrics_weighted=metrics_weighted
    )
    network, ws, recorder = symbolic.network, symbolic.ws, symbolic.recorder
    parts: Any = with_settings(parts_of_recipe(recipe), lambda name, _: SymbolicNumber(recorder, name))
    state = _state(recipe.optimizer, symbolic)
    losses, counted = _sums(network, tallies, recorder)
    chain: tuple[Transformation, ...] = parts["chain"]
    weight = weight_of(ws)
    scratch = symbolic.parameters(recorder.buffer(symbolic.theta.shape, dtype))

    def gradient(theta: Any, out: Any, factor: Any) -> Any:
        parameters, gradients = symbolic.parameters(theta), symbolic.parameters(out)
        network.forward(parameters, ws)
        network.backward(parameters, gradients, ws, early(chain, factor) * network.scale(weight))
        return finish(chain, parameters, gradients, scratch, weight, factor)

    theta: Any = symbolic.theta
    added = update(parts["optimizer"], theta, state, gradient, SymbolicNumber(recorder, RATE))
    dtheta: Any = state.dtheta
    network.constrain(symbolic.parameters(symbolic.theta), symbolic.parameters(dtheta))
    total = np.add.reduce(network.terms(ws))
    losses.add(total, weight)
    if chain:
        losses.add_penalty(added, weight)
    counted.update(ws.A[-1], ws.Y, ws.output, ws.metric_weights)
    if len(counted.by_kind) < len(tallies.by_kind):
        symbolic.hand_out(OUTPUTS, symbolic.ws.A[-1])
    lasting: list[Any] = [symbolic.theta, *state.memory.values(), losses.sums, *counted.tensors().values()]
    results = [number_source(total), number_source(state.step)]
    return symbolic.program([array.name for array in lasting], results, settings_of(recipe))


def record_gradient(network: Network, dtype: np.dtype[Any], *, weighted: bool = False) -> Program:
    """Record forward and backward of a shard: from θ and a batch to dθ, reports of its layers, Z_L and A_L.

    Raises:
        UntraceableError: the passes call something of NumPy that has no operation.
    """
    symbolic = SymbolicNetwork(network, dtype, single=False, weighted=weighted)
    theta, ws, recorder = symbolic.theta, symbolic.ws, symbolic.recorder
    dtheta = recorder.array("dtheta", theta.shape, dtype)
    parameters = symbolic.parameters(theta)
    symbolic.network.forward(parameters, ws)
    reports = recorder.array(REPORTS, (len(network.sizes),), np.int64)
    gradient, scale = symbolic.parameters(dtheta), SymbolicNumber(recorder, SCALE)

    def report(l: int) -> None:
        recorder.operations.append(ReleaseEntry(reports.name, l))

    symbolic.network.backward(parameters, gradient, ws, scale, report)
    symbolic.hand_out(LAST_Z, ws.Z[-1])
    symbolic.hand_out(OUTPUTS, ws.A[-1])
    return symbolic.program([theta.name, dtheta.name, reports.name], [], settings_of_network(network))


def _state(optimizer: Optimizer, symbolic: SymbolicNetwork) -> OptimizerState:
    """The symbolic memory and buffers that an update rule declares, and the weights."""
    recorder, theta = symbolic.recorder, symbolic.theta
    size, dtype = theta.size, theta.dtype
    memory = {
        name: recorder.array(f"memory_{name}", shape, dtype) for name, (shape, _) in optimizer.memory(size).items()
    }
    buffers = {name: recorder.buffer(shape, dtype) for name, shape in optimizer.buffers(size).items()}
    dtheta = recorder.array("dtheta", theta.shape, dtype)
    weights = tuple(symbolic.parameters(theta).W[1:])
    return OptimizerState(memory, buffers, dtheta, weights, SymbolicNumber(recorder, STEP))  # type: ignore[arg-type]


def _sums(network: Network, tallies: Tallies, recorder: Recorder) -> tuple[LossSums, Tallies]:
    """Symbolic sums for loss and metrics, of unknown lengths, for the tallies that are recorded."""
    n: Any = network.sizes[-1]
    losses, counted = LossSums(network.head.loss, n), tallies.recorded().fresh()
    losses.sums = recorder.array(LOSSES, (3,), np.float64)  # type: ignore[assignment]
    for tally in counted.by_kind.values():
        symbolic: Any = copy.copy(tally)
        symbolic.n = n
        symbolic.sums = recorder.array(
            f"{TALLY}{tally.kind}", (SymbolicNumber(recorder, f"S_{tally.kind}"),), np.float64
        )
        counted.by_kind[type(tally)] = symbolic
    return losses, counted

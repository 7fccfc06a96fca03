"""One training step, or a shard's gradient by itself, recorded: the NumPy code runs on symbolic arrays."""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import dataclass, fields, is_dataclass, replace
from itertools import pairwise
from types import SimpleNamespace
from typing import Any

import numpy as np

from bpcli.nn.loss_sums import LossSums, weight_of
from bpcli.nn.network import Network
from bpcli.nn.optimizers import Optimizer, OptimizerState, update
from bpcli.nn.tallies import Tallies
from bpcli.nn.transformations import Transformation, early, finish
from bpcli.nn.workspace import Workspace
from bpcli.training.compiled.operations import Operation, ReleaseEntry
from bpcli.training.compiled.recorder import Recorder
from bpcli.training.compiled.symbols import SymbolicArray, SymbolicNumber, number_source
from bpcli.training.recipe import Recipe

FIRST_WIDTH, EXAMPLES = 101, 53
"""Lengths of a sample workspace, all different, so that each axis shows which symbolic length it has."""

X, Y, WEIGHTS, METRIC_WEIGHTS, RATE, STEP = "X", "Y", "weights", "metric_weights", "rate", "step"
"""The names of a step's inputs: a batch, the learning rate, and how many updates there were."""

SCALE = "scale"
"""The name of the factor of the terms, where the gradient alone is recorded."""

OUTPUTS, LAST_Z = "outputs", "last_Z"
"""The names of the arrays to which A_L and Z_L are handed out, where something is counted outside of compiled code."""

REPORTS = "reports"
"""The name of the array that says which layers' gradients are there, where the gradient alone is recorded."""

LOSSES, TALLY = "losses", "tally_"
"""The name of the losses' sums, and what those of the tallies' begin with."""

ROOM = "room"
"""The name of the working memory of matrix products."""

NOISE = "noise"
"""What the names of further inputs begin with: the noise of a layer, with its number."""

UNUSED_SETTINGS = frozenset({"initializer", "learning_rate", "dropout"})
"""Settings that a step does not read: it gets the learning rate and the layers' noise as inputs."""


@dataclass(frozen=True)
class Program:
    """The operations of one update, or of a gradient, on the arrays ``symbols`` by name.

    ``kept`` names the arrays whose changes outlive a call, ``results`` the numbers
    that the program returns: for an update the sum of the loss's terms and the
    number of updates. ``sizes``, the widths, and ``settings`` name its numeric
    arguments, ``inputs`` the arrays of the batch, its noise and its outputs too where they are handed
    out; ``constants`` maps arrays that no operation changes to the expressions that make them. ``single`` programs take
    batches of one example. ``class_indices`` says that Y is (m,).
    """

    operations: tuple[Operation, ...]
    symbols: dict[str, SymbolicArray]
    kept: tuple[str, ...]
    results: tuple[str, ...]
    sizes: tuple[str, ...]
    settings: tuple[str, ...]
    constants: dict[str, str]
    inputs: tuple[str, ...]
    single: bool
    class_indices: bool


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
    symbolic = _SymbolicNetwork(
        recipe.network, dtype, single=single, weighted=weighted, metrics_weighted=metrics_weighted
    )
    network, ws, recorder = symbolic.network, symbolic.ws, symbolic.recorder
    parts: Any = _with_settings(_parts_of_recipe(recipe), lambda name, _: SymbolicNumber(recorder, name))
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
    symbolic = _SymbolicNetwork(network, dtype, single=False, weighted=weighted)
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


def settings_of(recipe: Recipe) -> dict[str, float]:
    """The recipe's settings that are floats and that a step reads, by unique names."""
    found: dict[str, float] = {}
    _with_settings(_parts_of_recipe(recipe), found.setdefault)
    return found


def settings_of_network(network: Network) -> dict[str, float]:
    """The settings that are floats and that forward and backward read, by unique names."""
    found: dict[str, float] = {}
    _with_settings(_parts_of_network(network), found.setdefault)
    return found


def _parts_of_network(network: Network) -> dict[str, Any]:
    """The parts of a network whose settings the forward and backward pass read."""
    return {"layers": network.layers, "head": network.head}


def _parts_of_recipe(recipe: Recipe) -> dict[str, Any]:
    """The parts of a recipe whose settings a step reads."""
    return {**_parts_of_network(recipe.network), "optimizer": recipe.optimizer, "chain": recipe.chain}


def _with_settings(thing: Any, replacement: Callable[[str, float], Any], name: str = "") -> Any:
    """A copy of the thing in which ``replacement(name, value)`` replaces every setting that is a float."""
    if isinstance(thing, float):
        return replacement(name, thing)
    if isinstance(thing, tuple):
        return tuple(_with_settings(one, replacement, f"{name}_{k}") for k, one in enumerate(thing))
    if isinstance(thing, dict):
        return {key: _with_settings(one, replacement, key) for key, one in thing.items()}
    if is_dataclass(thing) and not isinstance(thing, type):
        used = [one.name for one in fields(thing) if one.name not in UNUSED_SETTINGS]
        return replace(
            thing, **{key: _with_settings(getattr(thing, key), replacement, f"{name}_{key}") for key in used}
        )
    return thing


class _SymbolicNetwork:
    """A network with symbolic widths and settings, its symbolic θ and workspace."""

    def __init__(
        self,
        network: Network,
        dtype: np.dtype[Any],
        *,
        single: bool,
        weighted: bool = False,
        metrics_weighted: bool = False,
    ) -> None:
        self.recorder = recorder = Recorder()
        self.single, self.weighted, self.metrics_weighted = single, weighted, metrics_weighted
        self.noisy = network.noisy
        self.inputs, self.handed_out = [X], list[str]()
        self.sizes = tuple(SymbolicNumber(recorder, f"n{l}") for l in range(len(network.sizes)))
        parts = _with_settings(_parts_of_network(network), lambda name, _: SymbolicNumber(recorder, name))
        layers, head = parts["layers"], replace(parts["head"], activation=parts["layers"][-1].activation)
        self.network = _resized(replace(network, layers=layers, head=head), self.sizes)
        self.theta = recorder.array("theta", (SymbolicNumber(recorder, "P"),), dtype)
        self.ws, self.constants = self._workspace(network, dtype)

    def parameters(self, vector: SymbolicArray) -> Any:
        """Views of a vector of θ's length: W_l (n_l, n_{l-1}), b_l (n_l, 1), and what the layer owns besides."""
        W, b, own, start = [vector], [vector], [vector], "0"
        for (fan_in, n), layer in zip(pairwise(self.sizes), self.network.layers, strict=True):
            k = len(layer.activation.owned)
            middle = f"{start} + {n} * {fan_in}"
            end = f"{middle} + {n}"
            W.append(vector.range(start, middle, SymbolicNumber(self.recorder, f"{n} * {fan_in}")).reshape(n, fan_in))
            b.append(vector.range(middle, end, n).reshape(n, 1))
            start = f"{end} + {k}" if k else end
            own.append(vector.range(end, start, k))
        return SimpleNamespace(W=W, b=b, own=own, theta=vector, sizes=self.sizes)

    def _workspace(self, network: Network, dtype: np.dtype[Any]) -> tuple[Workspace, dict[str, str]]:
        """A symbolic workspace, made from a real one; the expressions that make its constant arrays, by name."""
        recorder, sizes = self.recorder, self.sizes
        widths = tuple(FIRST_WIDTH + 2 * l for l in range(len(sizes)))
        lengths: dict[int, Any] = dict(zip(widths, sizes, strict=True))
        if not self.single:
            lengths[EXAMPLES] = SymbolicNumber(recorder, "m")
        m = 1 if self.single else EXAMPLES
        real = _resized(network, widths).workspace(
            m, dtype, weighted=self.weighted, metrics_weighted=self.metrics_weighted, noisy=bool(self.noisy)
        )

        def symbol(array: Any) -> SymbolicArray:
            return recorder.buffer([lengths.get(n, n) for n in array.shape], array.dtype)

        ws = _with_symbols(real, symbol)
        ws.m = lengths.get(m, m)
        ws.X = ws.A[0] = recorder.array(X, (sizes[0], ws.m), dtype, contiguous=False)
        for name, own in ((Y, ws.Y), (WEIGHTS, ws.weights), (METRIC_WEIGHTS, ws.metric_weights)):
            if own is not None:
                np.copyto(own, recorder.array(name, own.shape, own.dtype, contiguous=False))
                self.inputs.append(name)
        for l in self.noisy:
            ws.noise[l] = recorder.array(f"{NOISE}{l}", (sizes[l], ws.m), dtype)
            self.inputs.append(f"{NOISE}{l}")
        length = number_source(ws.m)
        recorder.array(ROOM, (SymbolicNumber(recorder, "ROOM"),), np.uint8)
        return ws, {
            ws.ones.name: f"np.ones(({length}, 1), np.{dtype.name})",
            ws.output.columns.name: f"np.arange({length})",
        }

    def hand_out(self, name: str, array: Any) -> None:
        """Copy an array into one that the caller gives for it."""
        np.copyto(self.recorder.array(name, array.shape, array.dtype, contiguous=False), array)  # type: ignore[arg-type]
        self.inputs.append(name)
        self.handed_out.append(name)

    def program(self, kept: list[str], results: list[str], settings: dict[str, float]) -> Program:
        """The operations recorded so far as a program."""
        return Program(
            operations=tuple(self.recorder.operations),
            symbols=self.recorder.symbols,
            kept=(*kept, *self.handed_out),
            results=tuple(results),
            sizes=tuple(size.expression for size in self.sizes),
            settings=tuple(settings),
            constants=self.constants,
            inputs=tuple(self.inputs),
            single=self.single,
            class_indices=self.network.head.loss.targets.class_indices,
        )


def _resized(network: Network, sizes: tuple[Any, ...]) -> Network:
    """The network with other widths, n_0 … n_L."""
    layers = tuple(replace(layer, units=n) for layer, n in zip(network.layers, sizes[1:], strict=True))  # type: ignore[type-var]
    return replace(network, inputs=sizes[0], layers=layers)


def _state(optimizer: Optimizer, symbolic: _SymbolicNetwork) -> OptimizerState:
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


def _with_symbols(thing: Any, symbol: Callable[[Any], SymbolicArray]) -> Any:
    """A copy in which ``symbol(array)`` replaces every array."""
    if isinstance(thing, np.ndarray):
        return symbol(thing)
    if isinstance(thing, list):
        return [_with_symbols(one, symbol) for one in thing]
    if is_dataclass(thing) and not isinstance(thing, type):
        return replace(thing, **{one.name: _with_symbols(getattr(thing, one.name), symbol) for one in fields(thing)})
    if isinstance(thing, Workspace):
        copied = copy.copy(thing)
        vars(copied).update({name: _with_symbols(value, symbol) for name, value in vars(thing).items()})
        return copied
    return thing

"""Mistakes people make in backpropagation, each put into the engine where it computes the gradient that trains.

``layer`` is where the mistake is made: the first layer, counted from the output,
whose dW or db it changes. ``kinds`` says which of the two; ``below`` whether the
mistake travels on through dZ, so that every layer below is wrong as well.
``untouched`` is a layer's array that the mistake happens to leave right, and
``batches`` says on which of the two batches it shows.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
import pytest

from bpcli.checking import Method
from bpcli.nn import Array, IndexArray, activations
from bpcli.nn.activations import Sigmoid, Tanh
from bpcli.nn.heads import Composed, SigmoidBinaryCrossEntropy, SoftmaxCrossEntropy
from bpcli.nn.losses import BinaryCrossEntropy, CrossEntropy, HalfSquaredError
from bpcli.nn.network import Network
from bpcli.nn.parameters import Parameters
from bpcli.nn.workspace import Workspace
from bpcli.training import Gradients

from .support import METHODS, Subject, loss, subject


@dataclass(frozen=True)
class Pass:
    """What one step of backward has at hand."""

    network: Network
    parameters: Parameters
    gradient: Parameters
    ws: Workspace

    @property
    def last(self) -> int:
        return len(self.network.sizes) - 1


def scale(at: Pass) -> float:
    return at.network.scale(at.ws.m)


def output(at: Pass, scale: float) -> None:
    ws, l = at.ws, at.last
    at.network.head.backward(ws.Z[l], ws.A[l], ws.Y, scale, ws.dA[l], ws.dZ[l], ws.output)


def weights(at: Pass, l: int) -> None:
    np.dot(at.ws.dZ[l], at.ws.A[l - 1].T, out=at.gradient.W[l])


def biases(at: Pass, l: int) -> None:
    np.dot(at.ws.dZ[l], at.ws.ones, out=at.gradient.b[l])


def below(at: Pass, l: int) -> None:
    """dA of layer l − 1."""
    np.dot(at.parameters.W[l].T, at.ws.dZ[l], out=at.ws.dA[l - 1])


def through(at: Pass, l: int) -> None:
    """dZ of hidden layer l."""
    ws = at.ws
    at.network.hidden[l - 1].backward(ws.dA[l], ws.Z[l], ws.A[l], ws.dZ[l], ws.scratch[l])


def ending(at: Pass) -> None:
    """After the last layer the gradient is complete."""


@dataclass(frozen=True)
class Pieces:
    """``Network.backward`` in pieces, so that one of them can be wrong."""

    scale: Callable[[Pass], float] = scale
    output: Callable[[Pass, float], None] = output
    weights: Callable[[Pass, int], None] = weights
    biases: Callable[[Pass, int], None] = biases
    below: Callable[[Pass, int], None] = below
    through: Callable[[Pass, int], None] = through
    ending: Callable[[Pass], None] = ending

    def backward(self, network: Network, parameters: Parameters, gradient: Parameters, ws: Workspace) -> None:
        at = Pass(network, parameters, gradient, ws)
        self.output(at, self.scale(at))
        for l in range(at.last, 0, -1):
            self.weights(at, l)
            self.biases(at, l)
            if l > 1:
                self.below(at, l)
                self.through(at, l - 1)
        self.ending(at)

    def put_into(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Let the engine compute its gradient so."""

        def backward(network: Network, parameters: Parameters, gradient: Parameters, ws: Workspace) -> None:
            self.backward(network, parameters, gradient, ws)

        monkeypatch.setattr(Network, "backward", backward)


Patch = Callable[[pytest.MonkeyPatch], None]


@dataclass(frozen=True)
class Fault:
    """A mistake, where it is made and where it shows."""

    words: str
    patch: Patch
    layer: int = 3
    kinds: str = "Wb"
    below: bool = True
    untouched: tuple[int, str] = (0, "")
    batches: tuple[str, ...] = ("full", "shorter")
    subject: Callable[[], Subject] = subject
    methods: tuple[Method, ...] = METHODS


FAULTS: dict[str, Fault] = {}


def fault(words: str, **details: Any) -> Callable[[Patch], Patch]:
    """Put a mistake on the list."""

    def listed(patch: Patch) -> Patch:
        FAULTS[words] = Fault(words, patch, **details)
        return patch

    return listed


def pieces(words: str, made: Callable[[], Pieces], **details: Any) -> None:
    """Put a mistake in one of backward's pieces on the list; it is made afresh for each use."""
    fault(words, **details)(lambda monkeypatch: made().put_into(monkeypatch))


def replaced(words: str, owner: Any, name: str, by: Callable[..., None], **details: Any) -> None:
    """Put a mistake in one of the engine's functions on the list."""
    fault(words, **details)(lambda monkeypatch: monkeypatch.setattr(owner, name, by))


@cache
def of(hidden: str = "tanh", output: str = "softmax", name: str = "cross_entropy", **reductions: Any) -> Any:
    """Subjects with another activation, output or loss."""
    return lambda: subject(hidden=(hidden, hidden), output=output, of=loss(name, **reductions))


# The divisions.


def averaged_with_the_full_size() -> Pieces:
    largest = [0]

    def wrong(at: Pass) -> float:
        largest[0] = max(largest[0], at.ws.m)
        return at.network.scale(largest[0])

    return Pieces(scale=wrong)


def divided_at_every_layer(at: Pass, l: int) -> None:
    weights(at, l)
    if l < at.last:
        at.gradient.W[l][...] /= at.ws.m


def undivided_biases(at: Pass, l: int) -> None:
    biases(at, l)
    at.gradient.b[l][...] *= at.ws.m


EXCHANGED = (3, "b")
"""Σ_j (a_j − y_j) is the same whichever y belongs to which a."""

summed, averaged = of(examples="sum"), of(output="sigmoid", name="binary_cross_entropy", outputs="mean")
squares = of(output="identity", name="half_squared_error")

pieces("1/m is dropped", lambda: Pieces(scale=lambda at: scale(at) * at.ws.m))
pieces("1/m is applied twice", lambda: Pieces(scale=lambda at: scale(at) / at.ws.m))
pieces(
    "1/m is applied once more at each hidden layer's dW",
    lambda: Pieces(weights=divided_at_every_layer),
    layer=2,
    kinds="W",
    below=True,
)
pieces("1/m is dropped from db alone", lambda: Pieces(biases=undivided_biases), kinds="b")
pieces("1/(m − 1) stands for 1/m", lambda: Pieces(scale=lambda at: scale(at) * at.ws.m / (at.ws.m - 1)))
pieces(
    "the sum over examples is treated as a mean", lambda: Pieces(scale=lambda at: scale(at) / at.ws.m), subject=summed
)
pieces("the short batch is averaged with the full size", averaged_with_the_full_size, batches=("shorter",))
pieces("1/n_L is dropped", lambda: Pieces(scale=lambda at: scale(at) * 3), subject=squares)
pieces("1/n_L is applied twice", lambda: Pieces(scale=lambda at: scale(at) / 3), subject=averaged)
pieces("the sum over outputs is treated as a mean", lambda: Pieces(scale=lambda at: scale(at) / 3))
pieces(
    "1/n_0 stands for 1/m",
    lambda: Pieces(scale=lambda at: scale(at) * at.ws.m / at.network.sizes[0]),
    batches=("full",),
)

# The output's dZ.


def short_cut(head: Any, Z: Array, A: Array, Y: Array, scale: float, dA: Array, out: Array, scratch: Any) -> None:
    """(A − Y) · scale under any loss."""
    np.subtract(A, Y, out)
    out *= scale


def turned(at: Pass, scale: float) -> None:
    output(at, -scale)


def one_hot(A: Array, Y: Array) -> Array:
    """Y as columns."""
    columns: Array = np.eye(A.shape[0])[:, Y % A.shape[0]]
    return columns


def squared_error_for_it(
    head: Any, Z: Array, A: Array, Y: Array, scale: float, dA: Array, out: Array, scratch: Any
) -> None:
    out[...] = (A - Y) * A * (1 - A) * scale


def shifted_labels(head: Any, Z: Array, A: Array, Y: Array, scale: float, dA: Array, out: Array, scratch: Any) -> None:
    out[...] = (A - one_hot(A, Y + 1)) * scale


def labels_of_the_next(
    head: Any, Z: Array, A: Array, Y: Array, scale: float, dA: Array, out: Array, scratch: Any
) -> None:
    out[...] = (A - one_hot(A, np.roll(Y, 1))) * scale


def no_targets(head: Any, Z: Array, A: Array, Y: Array, scale: float, dA: Array, out: Array, scratch: Any) -> None:
    out[...] = A * scale


def from_logits(head: Any, Z: Array, A: Array, Y: Array, scale: float, dA: Array, out: Array, scratch: Any) -> None:
    out[...] = (Z - one_hot(A, Y)) * scale


def without_derivative(
    head: Any, Z: Array, A: Array, Y: Array, scale: float, dA: Array, out: Array, scratch: Any
) -> None:
    head.loss.backward(A, Y, scale, out, scratch)


def derivative_twice(
    head: Any, Z: Array, A: Array, Y: Array, scale: float, dA: Array, out: Array, scratch: Any
) -> None:
    """The loss already gives dZ, and f′ is multiplied once more."""
    out[...] = (A - Y) * scale
    sigmoid = out.copy()
    head.activation.backward(sigmoid, Z, A, out, scratch.layer)


def whole_square(self: Any, A: Array, Y: Array, scale: float, out: Array, scratch: Any) -> None:
    out[...] = 2 * (A - Y) * scale


def target_minus_output(self: Any, A: Array, Y: Array, scale: float, out: Array, scratch: Any) -> None:
    out[...] = (Y - A) * scale


def absolute_error(self: Any, A: Array, Y: Array, scale: float, out: Array, scratch: Any) -> None:
    out[...] = np.sign(A - Y) * scale


def one_sided(self: Any, A: Array, Y: Array, scale: float, out: Array, scratch: Any) -> None:
    out[...] = -Y / A * scale


def every_class(self: Any, A: Array, Y: Array, scale: float, out: Array, scratch: Any) -> None:
    out[...] = -scale / A


pieces("the sign of dZ_L is turned", lambda: Pieces(output=turned))
replaced(
    "Y − A stands for A − Y in the squared error", HalfSquaredError, "backward", target_minus_output, subject=squares
)
replaced(
    "the softmax shortcut is used with squared error",
    Composed,
    "backward",
    short_cut,
    subject=of(name="half_squared_error"),
)
replaced(
    "A − Y is used for sigmoid under squared error",
    Composed,
    "backward",
    short_cut,
    subject=of(output="sigmoid", name="half_squared_error"),
)
replaced(
    "A − Y is used for tanh under squared error",
    Composed,
    "backward",
    without_derivative,
    subject=of(output="tanh", name="half_squared_error"),
)
replaced(
    "the squared error's gradient is used under binary cross-entropy",
    SigmoidBinaryCrossEntropy,
    "backward",
    squared_error_for_it,
    subject=averaged,
)
replaced(
    "σ′ is multiplied once more under binary cross-entropy",
    SigmoidBinaryCrossEntropy,
    "backward",
    derivative_twice,
    subject=averaged,
)
replaced("the ½ of the squared error is forgotten", HalfSquaredError, "backward", whole_square, subject=squares)
replaced(
    "the absolute error's gradient is used for the squared one's",
    HalfSquaredError,
    "backward",
    absolute_error,
    subject=squares,
)
replaced(
    "binary cross-entropy lacks its second term",
    BinaryCrossEntropy,
    "backward",
    one_sided,
    subject=of(name="binary_cross_entropy"),
)
replaced("−1/a is taken for every class", CrossEntropy, "backward", every_class, subject=of(output="sigmoid"))
replaced("the one-hot row is off by one", SoftmaxCrossEntropy, "backward", shifted_labels)
replaced(
    "the targets are those of the example before",
    SoftmaxCrossEntropy,
    "backward",
    labels_of_the_next,
    untouched=EXCHANGED,
)
replaced("the targets are left out of dZ_L", SoftmaxCrossEntropy, "backward", no_targets)
replaced("Z − Y stands for A − Y", SoftmaxCrossEntropy, "backward", from_logits)

# The activation's derivative.


def missing(dA: Array, *others: Any) -> None:
    *_, out = (array for array in others if isinstance(array, np.ndarray))
    np.copyto(out, dA)


def tanh_one_minus_a(dA: Array, A: Array, out: Array) -> None:
    out[...] = dA * (1 - A)


def tanh_at_A(dA: Array, A: Array, out: Array) -> None:
    out[...] = dA * (1 - np.tanh(A) ** 2)


def tanh_of_Z(self: Tanh, dA: Array, Z: Array, A: Array, out: Array, scratch: Any) -> None:
    out[...] = dA * (1 - Z * Z)


def tanh_as_sigmoid(dA: Array, A: Array, out: Array) -> None:
    out[...] = dA * A * (1 - A)


def sigmoid_is_a(dA: Array, A: Array, out: Array) -> None:
    out[...] = dA * A


def sigmoid_at_A(dA: Array, A: Array, out: Array) -> None:
    again = 1 / (1 + np.exp(-A))
    out[...] = dA * again * (1 - again)


def sigmoid_of_Z(self: Sigmoid, dA: Array, Z: Array, A: Array, out: Array, scratch: Any) -> None:
    out[...] = dA * Z * (1 - Z)


def sigmoid_as_tanh(dA: Array, A: Array, out: Array) -> None:
    out[...] = dA * (1 - A * A)


def relu_wrong_side(dA: Array, A: Array, out: Array) -> None:
    out[...] = dA * (A <= 0)


def relu_as_slope(dA: Array, A: Array, out: Array) -> None:
    out[...] = dA * A


def relu_guided(dA: Array, A: Array, out: Array) -> None:
    out[...] = dA * (dA > 0)


def leaky_forgotten(dA: Array, Z: Array, slope: float, out: Array) -> None:
    out[...] = dA * (Z > 0)


def leaky_wrong_side(dA: Array, Z: Array, slope: float, out: Array) -> None:
    out[...] = dA * np.where(Z > 0, slope, 1)


def softmax_diagonal(dA: Array, A: Array, out: Array, scratch: Any) -> None:
    out[...] = dA * A * (1 - A)


def softmax_one_mean(dA: Array, A: Array, out: Array, scratch: Any) -> None:
    out[...] = A * (dA - (dA * A).sum() / A.shape[1])


def softmax_halved(dA: Array, A: Array, out: Array, scratch: Any) -> None:
    out[...] = A * dA


HIDDEN = {"layer": 2}
replaced("tanh′ = 1 − a", activations, "tanh_backward", tanh_one_minus_a, **HIDDEN)
replaced("tanh′ is missing", activations, "tanh_backward", missing, **HIDDEN)
replaced("tanh′ is taken at A, where it needs Z", activations, "tanh_backward", tanh_at_A, **HIDDEN)
replaced("1 − z² stands for tanh′ = 1 − a²", Tanh, "backward", tanh_of_Z, **HIDDEN)
replaced("sigmoid's derivative is used for tanh", activations, "tanh_backward", tanh_as_sigmoid, **HIDDEN)
replaced("σ′ = a", activations, "sigmoid_backward", sigmoid_is_a, subject=of("sigmoid"), **HIDDEN)
replaced(
    "σ′ is taken at A, where it needs Z", activations, "sigmoid_backward", sigmoid_at_A, subject=of("sigmoid"), **HIDDEN
)
replaced("z(1 − z) stands for σ′ = a(1 − a)", Sigmoid, "backward", sigmoid_of_Z, subject=of("sigmoid"), **HIDDEN)
replaced(
    "tanh's derivative is used for sigmoid",
    activations,
    "sigmoid_backward",
    sigmoid_as_tanh,
    subject=of("sigmoid"),
    **HIDDEN,
)
replaced("relu′ is 1 on the wrong side", activations, "relu_backward", relu_wrong_side, subject=of("relu"), **HIDDEN)
replaced("relu′ = a", activations, "relu_backward", relu_as_slope, subject=of("relu"), **HIDDEN)
replaced("relu′ looks at the sign of dA", activations, "relu_backward", relu_guided, subject=of("relu"), **HIDDEN)
replaced("relu′ is missing", activations, "relu_backward", missing, subject=of("relu"), **HIDDEN)
replaced(
    "the slope of the leaky relu is forgotten",
    activations,
    "leaky_relu_backward",
    leaky_forgotten,
    subject=of("leaky_relu"),
    **HIDDEN,
)
replaced(
    "the slope of the leaky relu is on the wrong side",
    activations,
    "leaky_relu_backward",
    leaky_wrong_side,
    subject=of("leaky_relu"),
    **HIDDEN,
)
replaced(
    "softmax's backward is diagonal at the output",
    activations,
    "softmax_backward",
    softmax_diagonal,
    subject=of(name="half_squared_error"),
)
replaced(
    "softmax's backward is diagonal in a hidden layer",
    activations,
    "softmax_backward",
    softmax_diagonal,
    subject=of("softmax"),
    **HIDDEN,
)
replaced(
    "softmax's backward takes ⟨da, a⟩ over the whole batch",
    activations,
    "softmax_backward",
    softmax_one_mean,
    subject=of(name="half_squared_error"),
)
replaced(
    "softmax's backward leaves out − a aᵀ",
    activations,
    "softmax_backward",
    softmax_halved,
    subject=of(name="half_squared_error"),
)


def of_the_layer_above(at: Pass, l: int) -> None:
    """f′ of layer l is that of layer l + 1, of the same size."""
    ws = at.ws
    k = l + 1 if l == 1 else l
    at.network.hidden[l - 1].backward(ws.dA[l], ws.Z[k], ws.A[k], ws.dZ[l], ws.scratch[l])


def activation_off_by_one(at: Pass, l: int) -> None:
    """Layer 1 has the activation of layer 2."""
    ws = at.ws
    at.network.hidden[1].backward(ws.dA[l], ws.Z[l], ws.A[l], ws.dZ[l], ws.scratch[l])


pieces("layer 1 takes its derivative at layer 2's A", lambda: Pieces(through=of_the_layer_above), layer=1)
pieces(
    "layer 1 takes the derivative of layer 2's activation",
    lambda: Pieces(through=activation_off_by_one),
    layer=1,
    subject=lambda: subject(hidden=("sigmoid", "tanh")),
)

# dW.


def at_layer(layer: int, wrong: Callable[[Pass, int], None], right: Callable[[Pass, int], None]) -> Any:
    return lambda at, l: wrong(at, l) if l == layer else right(at, l)


def dW(product: Callable[[Pass, int], Array]) -> Callable[[Pass, int], None]:
    def wrong(at: Pass, l: int) -> None:
        at.gradient.W[l][...] = product(at, l)

    return wrong


def from_Z(at: Pass, l: int) -> Array:
    below = at.ws.Z[l - 1] if l > 1 else at.ws.X
    found: Array = at.ws.dZ[l] @ below.T
    return found


def accumulated(at: Pass, l: int) -> None:
    before = at.gradient.W[l].copy()
    weights(at, l)
    at.gradient.W[l][...] += before


def without_last_column(at: Pass, l: int) -> None:
    weights(at, l)
    at.gradient.W[l][:, -1] = 0


def one_entry(at: Pass) -> None:
    dW = at.gradient.W[2]
    dW.flat[np.argmax(np.abs(dW))] *= 1.001


def rounded(kind: Any) -> Callable[[Pass], None]:
    def wrong(at: Pass) -> None:
        at.gradient.theta[...] = at.gradient.theta.astype(kind)

    return wrong


def stale(name: str, layer: int) -> Callable[[], Pieces]:
    """dW of a layer from an array of the batch before, cut to size."""

    def made() -> Pieces:
        kept: list[Array] = []

        def wrong(at: Pass, l: int) -> None:
            weights(at, l)
            if l == layer:
                place = l - 1 if name == "A" else l
                now: Array = getattr(at.ws, name)[place]
                old = kept[0][:, : at.ws.m] if kept else now
                A, dZ = (old, at.ws.dZ[l]) if name == "A" else (at.ws.A[l - 1], old)
                at.gradient.W[l][...] = dZ @ A.T
                kept[:] = [now.copy()]

        return Pieces(weights=wrong)

    return made


def kept_from_the_first_batch() -> Pieces:
    first: list[Array] = []

    def wrong(at: Pass) -> None:
        if not first:
            first.append(at.gradient.theta.copy())
        at.gradient.theta[...] = first[0]

    return Pieces(ending=wrong)


def decayed(at: Pass) -> None:
    for W, dW in zip(at.parameters.W[1:], at.gradient.W[1:], strict=True):
        dW += 0.01 * W


def clipped(at: Pass) -> None:
    largest = np.abs(at.gradient.W[3]).max()
    np.clip(at.gradient.W[3], -0.5 * largest, 0.5 * largest, out=at.gradient.W[3])


def only_dW(layer: int = 3, *, below: bool = True) -> dict[str, Any]:
    return {"layer": layer, "kinds": "W", "below": below}


pieces(
    "the two factors of dW are exchanged in a square layer",
    lambda: Pieces(weights=at_layer(2, dW(lambda at, l: at.ws.A[l - 1] @ at.ws.dZ[l].T), weights)),
    **only_dW(2, below=False),
)
pieces(
    "dW_l is taken from A_l, not A_l-1",
    lambda: Pieces(weights=at_layer(2, dW(lambda at, l: at.ws.dZ[l] @ at.ws.A[l].T), weights)),
    **only_dW(2, below=False),
)
pieces("dW_l is taken from Z_l-1, not A_l-1", lambda: Pieces(weights=dW(from_Z)), untouched=(1, "W"), **only_dW())
pieces(
    "dW_l is taken from dZ_l+1, not dZ_l",
    lambda: Pieces(weights=at_layer(1, dW(lambda at, l: at.ws.dZ[l + 1] @ at.ws.A[l - 1].T), weights)),
    **only_dW(1),
)
pieces(
    "dW_l is taken from dA_l, not dZ_l",
    lambda: Pieces(weights=at_layer(1, dW(lambda at, l: at.ws.dA[l] @ at.ws.A[l - 1].T), weights)),
    **only_dW(1),
)
pieces(
    "dZ_l-1 lies over A_l-1 before dW_l is computed",
    lambda: Pieces(weights=at_layer(2, dW(lambda at, l: at.ws.dZ[l] @ (1 - at.ws.A[l - 1] ** 2).T), weights)),
    **only_dW(2, below=False),
)
pieces(
    "the last example is dropped from dW",
    lambda: Pieces(weights=dW(lambda at, l: at.ws.dZ[l][:, :-1] @ at.ws.A[l - 1][:, :-1].T)),
    **only_dW(),
)
pieces(
    "dW is of the first example alone",
    lambda: Pieces(weights=dW(lambda at, l: at.ws.dZ[l][:, :1] @ at.ws.A[l - 1][:, :1].T)),
    **only_dW(),
)
pieces(
    "the last column of X is ignored", lambda: Pieces(weights=at_layer(1, without_last_column, weights)), **only_dW(1)
)
pieces("dW is accumulated, not overwritten", lambda: Pieces(weights=accumulated), batches=("shorter",), **only_dW())
pieces("dW_2 is taken from A_1 of the batch before", stale("A", 2), batches=("shorter",), **only_dW(2, below=False))
pieces("dW_2 is taken from dZ_2 of the batch before", stale("dZ", 2), batches=("shorter",), **only_dW(2, below=False))
pieces("the gradient is kept from the first batch", kept_from_the_first_batch, batches=("shorter",))
pieces("one entry is wrong by a thousandth", lambda: Pieces(ending=one_entry), **only_dW(2, below=False))
pieces("a weight decay is in the gradient and not in the loss", lambda: Pieces(ending=decayed), **only_dW())
pieces("a clip is left in", lambda: Pieces(ending=clipped), **only_dW(3, below=False))
pieces("the gradient is rounded to half precision", lambda: Pieces(ending=rounded(np.float16)))
pieces(
    "the gradient is rounded to single precision", lambda: Pieces(ending=rounded(np.float32)), methods=("complex-step",)
)  # 3e-8 is within what rounding allows central differences

# db.


def db(sums: Callable[[Pass, int], Array]) -> Callable[[Pass, int], None]:
    def wrong(at: Pass, l: int) -> None:
        at.gradient.b[l][...] = sums(at, l).reshape(-1, 1)

    return wrong


def over_units(at: Pass, l: int) -> Array:
    """The sum over the wrong axis, where as many examples as units hide it."""
    dZ = at.ws.dZ[l]
    found: Array = dZ.sum(axis=0 if dZ.shape[0] == dZ.shape[1] else 1)
    return found


def doubled(at: Pass, l: int) -> None:
    biases(at, l)
    at.gradient.b[l][...] += at.gradient.b[l]


def left_alone(at: Pass, l: int) -> None:
    """db is never written."""


only_db: dict[str, Any] = {"kinds": "b"}
pieces("db is of one example", lambda: Pieces(biases=db(lambda at, l: at.ws.dZ[l][:, 0])), **only_db)
pieces("db is of the last example", lambda: Pieces(biases=db(lambda at, l: at.ws.dZ[l][:, -1])), **only_db)
pieces(
    "db is summed over the units, not the examples",
    lambda: Pieces(biases=db(over_units)),
    layer=2,
    batches=("full",),
    subject=lambda: subject(sizes=(4, 5, 5, 2), m=5),
    **only_db,
)
pieces(
    "db is one number for the whole layer",
    lambda: Pieces(biases=db(lambda at, l: np.full(at.ws.dZ[l].shape[0], at.ws.dZ[l].sum()))),
    **only_db,
)
pieces(
    "db is the mean over the examples, not the sum",
    lambda: Pieces(biases=db(lambda at, l: at.ws.dZ[l].mean(axis=1))),
    **only_db,
)
pieces("db is left zero", lambda: Pieces(biases=db(lambda at, l: np.zeros(at.ws.dZ[l].shape[0]))), **only_db)
pieces("db is never written", lambda: Pieces(biases=left_alone), **only_db)
pieces("db is counted twice", lambda: Pieces(biases=doubled), **only_db)
pieces(
    "db_1 is taken from dZ_2",
    lambda: Pieces(biases=at_layer(1, db(lambda at, l: at.ws.dZ[2].sum(axis=1)), biases)),
    layer=1,
    **only_db,
)
pieces(
    "db_1 is taken from dA_1",
    lambda: Pieces(biases=at_layer(1, db(lambda at, l: at.ws.dA[1].sum(axis=1)), biases)),
    layer=1,
    **only_db,
)

# dA of the layer below.


def dA(product: Callable[[Pass, int], Array], layer: int | None = None) -> Callable[[Pass, int], None]:
    def wrong(at: Pass, l: int) -> None:
        if layer in (None, l):
            at.ws.dA[l - 1][...] = product(at, l)
        else:
            below(at, l)

    return wrong


def by_updated_weights(at: Pass, l: int) -> Array:
    found: Array = (at.parameters.W[l] - 0.1 * at.gradient.W[l]).T @ at.ws.dZ[l]
    return found


def with_leftovers() -> Pieces:
    """dA is added to what the batch before left in its place."""
    left: dict[int, Array] = {}

    def wrong(at: Pass, l: int) -> None:
        below(at, l)
        now = at.ws.dA[l - 1]
        if l in left:
            now += left[l][:, : at.ws.m]
        left[l] = now.copy()

    return Pieces(below=wrong)


pieces(
    "W stands for Wᵀ in a square layer",
    lambda: Pieces(below=dA(lambda at, l: at.parameters.W[l] @ at.ws.dZ[l], layer=2)),
    layer=1,
)
pieces(
    "dA_l-1 is taken from the weights of layer l − 1",
    lambda: Pieces(below=dA(lambda at, l: at.parameters.W[l - 1].T @ at.ws.dZ[l], layer=2)),
    layer=1,
    subject=lambda: subject(sizes=(5, 5, 5, 3)),
)
pieces("dA is taken from the weights already updated", lambda: Pieces(below=dA(by_updated_weights)), layer=2)
pieces(
    "dA_l-1 is taken from dA_l, not dZ_l",
    lambda: Pieces(below=dA(lambda at, l: at.parameters.W[l].T @ at.ws.dA[l], layer=2)),
    layer=1,
)
pieces("dA is added to what the batch before left", with_leftovers, layer=2, batches=("shorter",))
pieces(
    "the error is sent down without the weights", lambda: Pieces(below=dA(lambda at, l: at.ws.dZ[l], layer=2)), layer=1
)


# The trainer's batches.


def gathering(gather: Callable[[Gradients, list[IndexArray], Workspace], None]) -> Callable[[pytest.MonkeyPatch], None]:
    """Fill X and Y of each batch in another way; the last batch asked for is the present one."""

    def patch(monkeypatch: pytest.MonkeyPatch) -> None:
        at, seen = Gradients.at, list[IndexArray]()

        def wrong(self: Gradients, batch: IndexArray) -> Any:
            seen.append(batch)
            gradient, ws = at(self, batch)
            gather(self, seen, ws)
            return gradient, ws

        monkeypatch.setattr(Gradients, "at", wrong)

    return patch


@fault("Y is that of another batch", batches=("shorter",))
@gathering
def targets_of_the_batch_before(self: Gradients, seen: list[IndexArray], ws: Workspace) -> None:
    self.examples.targets.gather(seen[-2 if len(seen) > 1 else -1][: ws.m], ws.Y)


@fault("X is that of the batch before", batches=("shorter",))
@gathering
def features_of_the_batch_before(self: Gradients, seen: list[IndexArray], ws: Workspace) -> None:
    self.examples.features.gather(seen[-2 if len(seen) > 1 else -1][: ws.m], ws.X)


@fault("X is shuffled and Y is not", untouched=EXCHANGED)
@gathering
def features_shuffled_alone(self: Gradients, seen: list[IndexArray], ws: Workspace) -> None:
    self.examples.features.gather(np.roll(seen[-1], 1), ws.X)


@fault("the batch begins one example late", batches=("shorter",))  # the full one still holds them all
@gathering
def one_late(self: Gradients, seen: list[IndexArray], ws: Workspace) -> None:
    late = (seen[-1] + 1) % self.examples.size
    self.examples.features.gather(late, ws.X)
    self.examples.targets.gather(late, ws.Y)


@fault("the last example of the batch is repeated in place of the one before")
@gathering
def repeated(self: Gradients, seen: list[IndexArray], ws: Workspace) -> None:
    twice = np.concatenate([seen[-1][:-2], seen[-1][-1:], seen[-1][-1:]])
    self.examples.features.gather(twice, ws.X)
    self.examples.targets.gather(twice, ws.Y)


@fault("the short batch leaves the longer one's last examples in the buffers", batches=("shorter",))
def leftover_examples(monkeypatch: pytest.MonkeyPatch) -> None:
    at = Gradients.at

    def wrong(self: Gradients, batch: IndexArray) -> Any:
        longest = max([*self.workspaces, len(batch)])
        if longest == len(batch):
            return at(self, batch)
        ws = self.workspaces[longest]
        now = np.concatenate([batch, np.arange(len(batch), longest)])
        gradient, ws = at(self, now)
        return gradient, ws

    monkeypatch.setattr(Gradients, "at", wrong)


@fault("forward is not run again for a new batch in the same buffers", batches=("shorter",))
def stale_forward(monkeypatch: pytest.MonkeyPatch) -> None:
    backward, kept = Network.backward, list[list[Array]]()

    def wrong(network: Network, parameters: Parameters, gradient: Parameters, ws: Workspace) -> None:
        if not kept:
            kept.append([Z.copy() for Z in ws.Z])
        for l, activation in enumerate(network.activations, start=1):
            ws.Z[l][...] = kept[0][l][:, : ws.m]
            activation.forward(ws.Z[l], ws.A[l], ws.scratch[l])
        backward(network, parameters, gradient, ws)

    monkeypatch.setattr(Network, "backward", wrong)

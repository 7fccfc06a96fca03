"""Wrong dZ of the output layer: of another loss, by a shortcut that does not hold, for other targets or outputs."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations, permutations

import numpy as np

from bpcli.checking.known_mistakes.correct_pass import CorrectPass
from bpcli.checking.known_mistakes.derivatives import Wrong, wrong_derivatives
from bpcli.nn import Array
from bpcli.nn.activations import ACTIVATIONS, Identity, Softmax, first_values
from bpcli.nn.heads import join
from bpcli.nn.losses import LOSSES, TINY, BinaryCrossEntropy, CrossEntropy

MOST_PERMUTED = 5
"""Up to so many classes or examples every order of them is tried."""

MOST_EXCHANGED = 24
"""Up to so many classes or examples every exchange of two is tried."""


def wrong_output_errors(correct: CorrectPass) -> Iterator[Wrong]:
    """dZ_L with one mistake each; some may equal the right dZ."""
    dA = correct.dA(correct.layers)
    shortcut = shortcut_of(correct)
    derivatives = wrong_derivatives(correct, correct.layers, dA)
    missing = ", as in the shortcut A − Y of another pair" * np.allclose(dA, shortcut, rtol=1e-12, atol=0)
    yield from ((words + missing, dZ) for words, dZ in derivatives[:1])
    yield "the shortcut A − Y is used, which belongs to another pair of output and loss", shortcut
    yield from _other_losses(correct)
    yield from derivatives[1:]
    yield from _other_outputs(correct)
    yield from _of_other_activations(correct)
    if isinstance(correct.network.head.activation, Softmax):
        yield from _of_softmax_elsewhere(correct)
    yield from _parts_of_losses(correct)


def _other_losses(correct: CorrectPass) -> Iterator[Wrong]:
    """dZ_L of every other loss."""
    network, A, dense = correct.network, correct.ws.A[-1], correct.dense_targets
    for name, other in LOSSES.items():
        if other is type(network.head.loss):
            continue
        loss = other()
        Y = np.argmax(dense, axis=0) if loss.targets.class_indices else dense
        dZ = correct.error_of(join(network.head.activation, loss), Y)
        yield f"it is the gradient of another loss, {name}", dZ
    of_sign = np.sign(A - dense) * correct.scale
    yield "it is the gradient of another loss, the absolute error", correct.through(correct.layers, of_sign)


def _other_outputs(correct: CorrectPass) -> Iterator[Wrong]:
    """dZ_L with Z in the place of A, or with the output activation applied twice."""
    ws, last, scale, Y = correct.ws, correct.layers, correct.scale, correct.dense_targets
    A, Z = ws.A[-1], ws.Z[-1]
    logits = "the logits Z are used, where the outputs A are needed"
    yield logits, (Z - Y) * scale
    yield logits, correct.through(last, (Z - Y) * scale)
    yield logits, correct.through(last, _dA_of(correct, Z))
    name = type(correct.network.head.activation).__name__.lower()
    twice = f"{name} is applied twice, to outputs that have been through it"
    again = correct.activated(last, A)
    short, by_loss = (again - Y) * scale, correct.through(last, _dA_of(correct, again), A, again)
    yield twice, short
    yield twice, correct.through(last, short)
    yield twice, by_loss
    yield twice, correct.through(last, by_loss)
    yield twice, correct.through(last, _dA_of(correct, again))
    yield twice, correct.through(last, _dA_of(correct, again), Z, again)


def _of_other_activations(correct: CorrectPass) -> Iterator[Wrong]:
    """dZ_L with the outputs of another activation."""
    Z, scratch, own = correct.ws.Z[-1], correct.ws.scratch[-1], correct.network.head.activation
    for name, other in ACTIVATIONS.items():
        if other not in (type(own), Identity):
            words, A, dZ = f"the outputs are those of another activation, {name}", np.empty_like(Z), np.empty_like(Z)
            its_own = first_values(other(), Z.dtype)
            other().forward(Z, its_own, A, scratch)
            yield from ((words, dZ) for dZ in _with_outputs(correct, A))
            other().backward(_dA_of(correct, A), Z, A, its_own, dZ, np.empty_like(its_own), scratch)
            yield words, dZ


def _of_softmax_elsewhere(correct: CorrectPass) -> Iterator[Wrong]:
    """dZ_L of a softmax that is not taken over the classes of each example."""
    Z = correct.ws.Z[-1]
    over_examples = "softmax is taken over the examples, the wrong axis"
    over_all = "softmax is taken over the whole batch, not over the classes of each example"
    for words, axis in ((over_examples, 1), (over_all, None)):
        powers = np.exp(Z - Z.max(axis=axis, keepdims=True))
        A = powers / powers.sum(axis=axis, keepdims=True)
        yield from ((words, dZ) for dZ in _with_outputs(correct, A))
        dA = _dA_of(correct, A)
        yield words, A * (dA - (dA * A).sum(axis=axis, keepdims=True))


def _with_outputs(correct: CorrectPass, outputs: Array) -> Iterator[Array]:
    """dZ_L with other outputs, by the shortcut and by the activation's own derivative."""
    yield (outputs - correct.dense_targets) * correct.scale
    yield correct.through(correct.layers, _dA_of(correct, outputs), A=outputs)


def _dA_of(correct: CorrectPass, A: Array) -> Array:
    """The loss's dA for other outputs."""
    dA = np.empty_like(A)
    correct.network.head.loss.backward(A, correct.ws.Y, correct.scale, dA, correct.ws.output)
    return dA


def _parts_of_losses(correct: CorrectPass) -> Iterator[Wrong]:
    """dZ_L with a term of the loss left out, or one too many."""
    ws, last, scale, Y = correct.ws, correct.layers, correct.scale, correct.dense_targets
    A = ws.A[-1]
    safe, other = np.maximum(A, TINY[A.dtype]), np.maximum(1 - A, TINY[A.dtype])
    first, second = -Y / safe * scale, (1 - Y) / other * scale
    if isinstance(correct.network.head.loss, BinaryCrossEntropy):
        yield "the loss's second term, of (1 − y) log(1 − a), is left out", correct.through(last, first)
        yield "the loss's first term, of y log a, is left out", correct.through(last, second)
    if isinstance(correct.network.head.loss, CrossEntropy):
        yield "−1/a is taken for every class, not the true one alone", correct.through(last, -1 / safe * scale)
    yield "the targets Y are left out", A * scale
    yield "the targets Y are left out", correct.through(last, A * scale)
    yield "the outputs A are left out, −Y alone", -Y * scale
    yield "the signs of the errors A − Y are used, without their sizes", np.sign(A - Y) * scale


def shortcut_of(correct: CorrectPass) -> Array:
    """(A − Y) · scale, which is dZ_L of the canonical pairs."""
    return np.asarray((correct.ws.A[-1] - correct.dense_targets) * correct.scale)


def wrong_shortcuts(correct: CorrectPass) -> Iterator[Wrong]:
    """dZ_L of the shortcut A − Y, which has the derivative in it, with a derivative once more."""
    shortcut = shortcut_of(correct)
    once_more = correct.through(correct.layers, shortcut)
    yield "the activation's derivative is applied once more to the shortcut A − Y", once_more
    for words, dZ in wrong_derivatives(correct, correct.layers, shortcut):
        yield f"the shortcut A − Y is multiplied by a derivative, and {words}", dZ


def errors_of_wrong_targets(correct: CorrectPass) -> Iterator[tuple[str, Array, bool]]:
    """dZ_L for other targets, and whether they are one of every possible order."""
    for words, Y in _wrong_targets(correct):
        for dZ in _for_targets(correct, Y):
            yield words, dZ, "in the order" in words


def _wrong_targets(correct: CorrectPass) -> Iterator[Wrong]:
    """Targets as (n_L, m) that are those of other classes, of other examples, or coded in another way."""
    Y = correct.dense_targets
    n, m = Y.shape
    for words, order in orders(n, "class"):
        yield f"the targets are those of other classes: {words}", Y[order]
    for words, order in orders(m, "example"):
        yield f"the targets are those of other examples: {words}", Y[:, order]
    yield "the targets are turned, 1 − Y for Y", 1 - Y
    yield "the targets are coded as −1 and 1, 2Y − 1 for Y", 2 * Y - 1
    yield "the targets have their sign turned, −Y for Y", -Y
    yield "the targets are the classes' numbers, not one-hot", np.broadcast_to(np.argmax(Y, axis=0), Y.shape)


def orders(n: int, word: str) -> Iterator[tuple[str, list[int]]]:
    """Other orders of n things of which ``word`` is one: the likely ones first, then all if there are few."""
    plain, seen = list(range(n)), {tuple(range(n))}
    for words, order in _likely_orders(plain, word):
        if tuple(order) not in seen:
            seen.add(tuple(order))
            yield words, order
    for every in permutations(plain) if n <= MOST_PERMUTED else ():
        if every not in seen:
            yield f"in the order {', '.join(map(str, every))}", list(every)


def _likely_orders(plain: list[int], word: str) -> Iterator[tuple[str, list[int]]]:
    n = len(plain)
    yield f"those of the {word} before", plain[-1:] + plain[:-1]
    yield f"those of the {word} after", plain[1:] + plain[:1]
    for one, other in combinations(plain, 2) if n <= MOST_EXCHANGED else ():
        order = plain.copy()
        order[one], order[other] = other, one
        yield f"{one} and {other} are exchanged", order
    yield "in reverse order", plain[::-1]


def _for_targets(correct: CorrectPass, dense: Array) -> Iterator[Array]:
    """dZ_L for other targets, as far as the loss takes them, and by the shortcut A − Y where that holds."""
    A, right = correct.ws.A[-1], correct.dense_targets
    one_hot = bool((dense.sum(axis=0) == 1).all() and np.isin(dense, (0, 1)).all())
    if correct.ws.Y.ndim == 2 or one_hot:
        yield correct.output_error(np.argmax(dense, axis=0) if correct.ws.Y.ndim == 1 else dense)
    elif np.allclose((A - right) * correct.scale, correct.ws.dZ[-1], rtol=1e-12, atol=0):
        yield (A - dense) * correct.scale

"""One network, five derivations: where they meet, they give the same numbers up to a stated factor."""

from __future__ import annotations

import numpy as np
import pytest

from bpcli.nn.losses import BinaryCrossEntropy, CrossEntropy, HalfSquaredError

from . import binary, biswas, brawer, general, half_squared_error
from .scalars import FUNCTIONS, Function, Table, Vector, to
from .support import Draw, agree, biases, columns, draw, each_network, pick, run, same, weights

HALF_SQUARE = general.Cost(lambda y, h: (h - y) ** 2 / 2, lambda y, h: h - y)

every = each_network(seeds=3)


def as_brawer(given: Draw, w: Table, b: Table, hidden: list[Function]) -> tuple[brawer.Net, Table, dict[int, Vector]]:
    """The net, its θ and the samples, layers counted from 1."""
    s = dict(enumerate(given.sizes, start=1))
    between = dict(enumerate(hidden, start=2))
    net = brawer.Net(s, {1: brawer.LINEAR, **between, len(s): brawer.SIGMOID})
    theta = brawer.bias_rows(net) | w | {(l, i, 0): value for (l, i), value in b.items()}
    return net, theta, {i: {0: 1.0, **x} for i, x in columns(given.X).items()}


def as_general(w: Table, b: Table) -> Table:
    """Weights turned around, layers counted from the one they leave."""
    turned: Table = {(l - 1, j, i): v for (l, i, j), v in w.items()}
    return turned | {(l - 1, 0, i): v for (l, i), v in b.items()}


def gradients_of_brawer(dJ: Table) -> tuple[Table, Table]:
    """Those by weights, keyed as w, and those by biases, keyed as b."""
    return (
        {(l, p, q): v for (l, p, q), v in dJ.items() if q > 0},
        {(l, p): v for (l, p, q), v in dJ.items() if q == 0},
    )


@every
def test_the_binary_derivation_is_brawers_with_one_output(depth: int, seed: int) -> None:
    given = draw(depth, seed, outputs=1)
    w, b, x, y = weights(given), biases(given), columns(given.X), columns(given.labels)
    net, theta, samples = as_brawer(given, w, b, [brawer.SIGMOID] * depth)
    each, dw, db = binary.gradient(given.sizes, w, b, x, y)
    agree(binary.F(given.sizes, w, b, x, y), brawer.J(net, theta, samples, y))
    by_weights, by_biases = gradients_of_brawer(brawer.gradient(net, theta, samples, y))
    same(dw, by_weights)
    same(db, by_biases)
    for k in to(given.m):
        delta = brawer.delta(net, theta, brawer.forward(net, theta, samples[k]), y[k])
        same({(l + 1, i): v for (l, i), v in each[k].dz.items()}, {key: v for key, v in delta.items() if key[1] > 0})


@every
def test_the_general_case_minimised_is_m_times_brawers(depth: int, seed: int) -> None:
    given = draw(depth, seed)
    w, b, x, y = weights(given), biases(given), columns(given.X), columns(given.labels)
    net, theta, samples = as_brawer(given, w, b, [brawer.SIGMOID] * depth)
    problem, w_from = general.Problem(given.sizes, general.SIGMOID, general.LOG_LIKELIHOOD), as_general(w, b)
    agree(-general.C(problem, w_from, x, y), given.m * brawer.J(net, theta, samples, y))
    by_weights, by_biases = gradients_of_brawer(brawer.gradient(net, theta, samples, y))
    same(
        {key: -v for key, v in general.gradient(problem, w_from, x, y).items()},
        {key: given.m * v for key, v in as_general(by_weights, by_biases).items()},
    )
    hidden = ["sigmoid"] * depth
    summed = run(given, hidden, "sigmoid", BinaryCrossEntropy(examples="sum"), given.labels)
    averaged = run(given, hidden, "sigmoid", BinaryCrossEntropy(), given.labels)
    agree(summed.loss, given.m * averaged.loss)
    for l in to(given.L):
        agree(summed.dW[l], given.m * averaged.dW[l])


@every
def test_the_general_case_under_half_squares_is_m_n_L_times_half_squared_error(depth: int, seed: int) -> None:
    given = draw(depth, seed)
    n, w, b, x, y = given.sizes, weights(given), biases(given), columns(given.X), columns(given.reals)
    problem, w_from = general.Problem(n, general.SIGMOID, HALF_SQUARE), as_general(w, b)
    costs = [half_squared_error.C(n, w, b, x[p], y[p]) for p in to(given.m)]
    factor = given.m * n[-1]
    agree(general.C(problem, w_from, x, y), factor * sum(costs) / given.m)
    batch = list(to(given.m))
    dw, db = half_squared_error.average_gradient(n, w, b, half_squared_error.Data(x, y), batch)
    same(
        general.gradient(problem, w_from, x, y),
        {key: factor * v for key, v in as_general(dw, db).items()},
    )
    hidden = ["sigmoid"] * depth
    summed = run(given, hidden, "sigmoid", HalfSquaredError(outputs="sum", examples="sum"), given.reals)
    averaged = run(given, hidden, "sigmoid", HalfSquaredError(), given.reals)
    agree(summed.loss, factor * averaged.loss)
    for l in to(given.L):
        agree(summed.dW[l], factor * averaged.dW[l])


@every
def test_biswas_with_two_classes_is_brawer_on_the_difference_of_the_logits(depth: int, seed: int) -> None:
    given = draw(depth, seed, outputs=2)
    names = pick(["tanh", "relu", "sigmoid"], depth, seed)
    g = {k: FUNCTIONS[name] for k, name in enumerate(names, start=1)}
    w, b, L = weights(given), biases(given), given.L
    X: Table = {(j, c): x[j] for c, x in columns(given.X).items() for j in x}
    labels = {c: int(y) + 1 for c, y in enumerate(given.classes, start=1)}
    two = biswas.forward_all(given.sizes, w, b, g, X)
    found = biswas.gradient_all(given.sizes, w, b, g, X, labels)

    below = to(given.sizes[L - 1])
    one_w = {key: v for key, v in w.items() if key[0] < L}
    one_w |= {(L, 1, j): w[L, 2, j] - w[L, 1, j] for j in below}
    one_b = {**{key: v for key, v in b.items() if key[0] < L}, (L, 1): b[L, 2] - b[L, 1]}
    one = Draw((*given.sizes[:-1], 1), given.parameters, given.X, given.labels, given.reals, given.classes)
    net, theta, samples = as_brawer(one, one_w, one_b, list(g.values()))
    y: dict[int, Vector] = {c: {1: float(l == 2)} for c, l in labels.items()}

    agree(biswas.average_loss(two.Y_hat, labels), brawer.J(net, theta, samples, y))
    for c in to(given.m):
        agree(two.Y_hat[2, c], net.h(L + 1, brawer.forward(net, theta, samples[c])[L + 1, 1]))
    by_weights, by_biases = gradients_of_brawer(brawer.gradient(net, theta, samples, y))
    hidden_w, hidden_b = ({key: v for key, v in t.items() if key[0] < L} for t in (found.dW, found.db))
    same(hidden_w, {key: by_weights[key] for key in hidden_w})
    same(hidden_b, {key: by_biases[key] for key in hidden_b})
    for sign, i in ((1, 2), (-1, 1)):
        agree([found.dW[L, i, j] for j in below], [sign * by_weights[L, 1, j] for j in below])
        agree(found.db[L, i], sign * by_biases[L, 1])


@pytest.mark.parametrize("depth", range(4))
def test_the_engine_gives_two_softmax_outputs_the_loss_of_one_sigmoid_on_their_difference(depth: int) -> None:
    given = draw(depth, 1, outputs=2)
    hidden = ["tanh"] * depth
    two = run(given, hidden, "softmax", CrossEntropy(), given.classes)
    single = draw(depth, 1, outputs=1)
    sizes = (*given.sizes[:-1], 1)
    for l in range(1, given.L):
        single.parameters.W[l][...], single.parameters.b[l][...] = given.parameters.W[l], given.parameters.b[l]
    for ours, theirs in ((single.parameters.W, given.parameters.W), (single.parameters.b, given.parameters.b)):
        ours[-1][...] = theirs[-1][1:] - theirs[-1][:1]
    same_examples = Draw(sizes, single.parameters, given.X, given.labels, given.reals, given.classes)
    one = run(same_examples, hidden, "sigmoid", BinaryCrossEntropy(), given.classes[np.newaxis].astype(float))
    agree(two.loss, one.loss)
    agree(two.dW[-1], np.vstack([-one.dW[-1], one.dW[-1]]))
    for l in range(1, given.L):
        agree(two.dW[l], one.dW[l])
        agree(two.db[l], one.db[l])

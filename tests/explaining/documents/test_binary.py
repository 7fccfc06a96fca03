"""The binary derivation, result by result, and the engine against all of it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np

from bpcli.nn.heads import Composed
from bpcli.nn.losses import BinaryCrossEntropy

from . import binary
from .scalars import Table, Vector, to
from .support import (
    STEP,
    Draw,
    Run,
    across,
    agree,
    biases,
    columns,
    differ,
    draw,
    each_network,
    matrix,
    run,
    same,
    slope,
    slopes,
    tilted,
    vector,
    weights,
)


@dataclass(frozen=True)
class Given:
    """A random network in both notations, and what the engine makes of it."""

    drawn: Draw
    run: Run
    w: Table
    b: Table
    x: dict[int, Vector]
    y: dict[int, Vector]

    @property
    def n(self) -> binary.Sizes:
        return self.drawn.sizes

    @property
    def L(self) -> int:
        return self.drawn.L

    @property
    def N(self) -> int:
        return self.drawn.m

    def forward(self, k: int) -> tuple[Table, Table]:
        return binary.forward(self.n, self.w, self.b, self.x[k])

    def gradient(self, k: int = 1) -> binary.Gradient:
        return binary.gradient_of_one(self.n, self.w, self.b, self.x[k], self.y[k])

    def F(self, w: Table, b: Table) -> complex:
        return binary.F(self.n, w, b, self.x, self.y)

    def F_after(self, z: Table, l: int) -> complex:
        """F of the one object as a function of layer l's z."""
        a: Table = {(l, i): binary.sigma(z[l, i]) for i in to(self.n[l])}
        a = binary.onward(self.n, self.w, self.b, a, l + 1)[1]
        return sum(binary.single_loss(self.y[1][i], a[self.L, i]) for i in to(self.n[self.L]))


@cache
def given(
    depth: int, seed: int, examples: int | None = None, outputs: int | None = None, width: int | None = None
) -> Given:
    drawn = draw(depth, seed, examples=examples, outputs=outputs, width=width)
    made = run(drawn, ["sigmoid"] * depth, "sigmoid", BinaryCrossEntropy(), drawn.labels)
    return Given(drawn, made, weights(drawn), biases(drawn), columns(drawn.X), columns(drawn.labels))


def one(depth: int, seed: int) -> Given:
    """One object and one output, as the derivation supposes."""
    return given(depth, seed, examples=1, outputs=1)


# The engine computes the derivation


@each_network(seeds=6)
def test_forward_gives_every_z_and_a(depth: int, seed: int) -> None:
    net = given(depth, seed)
    z = {k: net.forward(k)[0] for k in to(net.N)}
    a = {k: net.forward(k)[1] for k in to(net.N)}
    agree(net.run.A[0], across(a, 0))
    for l in to(net.L):
        agree(net.run.Z[l], across(z, l))
        agree(net.run.A[l], across(a, l))


@each_network(seeds=6)
def test_section_1_the_loss_is_the_mean_of_the_objects_cross_entropies(depth: int, seed: int) -> None:
    net = given(depth, seed)
    agree(net.run.loss, net.F(net.w, net.b))
    agree(in_two_steps(net).loss, net.F(net.w, net.b))


def in_two_steps(net: Given) -> Run:
    """The engine without its shortcut for the sigmoid under binary cross-entropy."""
    hidden = ["sigmoid"] * (net.L - 1)
    return run(net.drawn, hidden, "sigmoid", BinaryCrossEntropy(), net.drawn.labels, head=Composed)


@each_network(seeds=6)
def test_backward_gives_every_derivative_by_a_and_z(depth: int, seed: int) -> None:
    net = given(depth, seed)
    da = {k: net.gradient(k).da for k in to(net.N)}
    dz = {k: net.gradient(k).dz for k in to(net.N)}
    for l in to(net.L):
        agree(net.run.dA[l], across(da, l) / net.N)
        agree(net.run.dZ[l], across(dz, l) / net.N)


@each_network(seeds=6)
def test_backward_gives_every_derivative_by_weights_and_biases(depth: int, seed: int) -> None:
    net = given(depth, seed)
    _, dw, db = binary.gradient(net.n, net.w, net.b, net.x, net.y)
    for l in to(net.L):
        agree(net.run.dW[l], matrix(dw, l))
        agree(net.run.db[l], vector(db, l))


@each_network(seeds=2)
def test_gradient_is_the_slope_of_F(depth: int, seed: int) -> None:
    net = given(depth, seed)
    _, dw, db = binary.gradient(net.n, net.w, net.b, net.x, net.y)
    same(dw, {key: slope(net.F(tilted(net.w, key), net.b)) for key in net.w})
    same(db, {key: slope(net.F(net.w, tilted(net.b, key))) for key in net.b})


# Section 1: notation


def test_section_1_slope_of_the_sigmoid_is_sigma_times_one_minus_sigma() -> None:
    for z in np.linspace(-5, 5, 25).tolist():
        agree(binary.sigma_prime(z), slope(binary.sigma(z + STEP * 1j)))


# Section 2: the gradient


@each_network(seeds=2)
def test_section_2_derivative_by_z_at_the_output_is_that_by_a_times_that_of_a(depth: int, seed: int) -> None:
    net = given(depth, seed, examples=1)
    z, a = net.forward(1)
    for i in to(net.n[net.L]):
        product = binary.dF_da_L(net.y[1][i], a[net.L, i]) * binary.sigma_prime(z[net.L, i])
        agree(product, slope(net.F_after(tilted(z, (net.L, i)), net.L)))
        agree(net.run.dZ[net.L][i - 1, 0], product)
        agree(in_two_steps(net).dZ[net.L][i - 1, 0], product)


@each_network(seeds=2)
def test_section_2_outputs_depend_on_their_own_z_alone(depth: int, seed: int) -> None:
    net = given(depth, seed, examples=1, outputs=3)
    z, _ = net.forward(1)
    for i in to(3):
        for j in to(3):
            through = slope(binary.sigma(tilted(z, (net.L, j))[net.L, i]))
            assert (through == 0) == (i != j)


@each_network(seeds=3)
def test_section_2_loss_of_one_object(depth: int, seed: int) -> None:
    net = one(depth, seed)
    p = net.forward(1)[1][net.L, 1]
    agree(net.run.loss, binary.single_loss(net.y[1][1], p))
    agree(net.F(net.w, net.b), binary.single_loss(net.y[1][1], p))


@each_network(seeds=3)
def test_section_2_derivative_by_the_output_in_its_three_forms(depth: int, seed: int) -> None:
    net = one(depth, seed)
    y, a = net.y[1][1], net.forward(1)[1][net.L, 1]
    agree(-y / a + (1 - y) / (1 - a), slope(binary.single_loss(y, a + STEP * 1j)))
    agree((-y * (1 - a) + (1 - y) * a) / (a * (1 - a)), binary.dF_da_L(y, a))
    agree((a - y) / (a * (1 - a)), binary.dF_da_L(y, a))
    agree(net.run.dA[net.L], [[binary.dF_da_L(y, a)]])


@each_network(seeds=3)
def test_section_2_derivative_of_the_output_by_z(depth: int, seed: int) -> None:
    net = one(depth, seed)
    z, a = net.forward(1)
    z_L, a_L = z[net.L, 1], a[net.L, 1]
    agree(binary.sigma(z_L) * (1 - binary.sigma(z_L)), slope(binary.sigma(z_L + STEP * 1j)))
    agree(a_L * (1 - a_L), slope(binary.sigma(z_L + STEP * 1j)))


@each_network(seeds=3)
def test_section_2_derivative_by_z_at_the_output_is_a_minus_y(depth: int, seed: int) -> None:
    net = one(depth, seed)
    z, a = net.forward(1)
    agree(a[net.L, 1] - net.y[1][1], slope(net.F_after(tilted(z, (net.L, 1)), net.L)))
    agree(net.run.dZ[net.L], [[a[net.L, 1] - net.y[1][1]]])


@each_network(seeds=2, depths=[1, 2, 3, 4])
def test_section_2_chain_through_the_next_layer(depth: int, seed: int) -> None:
    net = one(depth, seed)
    z, a = net.forward(1)
    for l in range(1, net.L):
        dz = {q: slope(net.F_after(tilted(z, (l + 1, q)), l + 1)) for q in to(net.n[l + 1])}
        for i in to(net.n[l]):
            here = tilted(a, (l, i))
            da = sum(
                dz[q] * slope(binary.pre_activation(net.n, net.w, net.b, here, l + 1, q)) for q in to(net.n[l + 1])
            )
            agree(da * binary.sigma_prime(z[l, i]), slope(net.F_after(tilted(z, (l, i)), l)))
            agree(net.run.dA[l][i - 1, 0], da)


@each_network(seeds=2, depths=[1, 2, 3, 4])
def test_section_2_derivative_of_the_next_z_by_a_is_the_weight_matrix(depth: int, seed: int) -> None:
    net = one(depth, seed)
    _, a = net.forward(1)
    for l, q, i in net.w:
        agree(slope(binary.pre_activation(net.n, net.w, net.b, tilted(a, (l - 1, i)), l, q)), net.w[l, q, i])


@each_network(seeds=2, depths=[1, 2, 3, 4])
def test_section_2_derivative_by_z_of_a_hidden_layer(depth: int, seed: int) -> None:
    net = one(depth, seed)
    z, _ = net.forward(1)
    dz = net.gradient().dz
    for l in range(1, net.L):
        for i in to(net.n[l]):
            agree(dz[l, i], slope(net.F_after(tilted(z, (l, i)), l)))
        agree(net.run.dZ[l], vector(dz, l))


@each_network(seeds=2)
def test_section_2_derivatives_of_z_by_its_own_weights_and_bias(depth: int, seed: int) -> None:
    net = one(depth, seed)
    _, a = net.forward(1)
    for l, i, j in net.w:
        agree(slope(binary.pre_activation(net.n, tilted(net.w, (l, i, j)), net.b, a, l, i)), a[l - 1, j])
        agree(slope(binary.pre_activation(net.n, net.w, tilted(net.b, (l, i)), a, l, i)), 1)


@each_network(seeds=3)
def test_section_2_final_formulas(depth: int, seed: int) -> None:
    net = one(depth, seed)
    found, (_, a) = net.gradient(), net.forward(1)
    dw: Table = {(l, i, j): found.dz[l, i] * a[l - 1, j] for l, i, j in net.w}
    for l in to(net.L):
        agree(net.run.dW[l], matrix(dw, l))
        agree(net.run.db[l], vector(found.dz, l))
    same(found.dw, {key: slope(net.F(tilted(net.w, key), net.b)) for key in net.w})
    same(found.db, {key: slope(net.F(net.w, tilted(net.b, key))) for key in net.b})


# Slips


def test_slip_the_weight_gradient_of_layer_l_takes_that_layers_dz_not_the_outputs() -> None:
    net = given(2, 0, examples=1, width=3)
    found, (_, a) = net.gradient(), net.forward(1)
    right = {key: slope(net.F(tilted(net.w, key), net.b)) for key in net.w}
    same({(l, i, j): found.dz[l, i] * a[l - 1, j] for l, i, j in net.w}, right)
    printed: Table = {(l, i, j): found.dz[net.L, i] * a[l - 1, j] for l, i, j in net.w}
    for l in range(1, net.L):
        hidden = [key for key in net.w if key[0] == l]
        differ([printed[key] for key in hidden], [right[key] for key in hidden])


def test_slip_with_unequal_widths_the_printed_weight_gradient_has_another_shape_than_w() -> None:
    net = next(made for seed in range(20) if (made := given(1, seed)).n[1] != made.n[2])
    printed = (len(net.run.dZ[net.L]), net.n[0])
    assert printed != net.run.dW[1].shape == net.drawn.parameters.W[1].shape


def test_slip_on_a_batch_the_derivatives_are_means_over_the_objects() -> None:
    net = given(1, 3, examples=4)
    each, dw, db = binary.gradient(net.n, net.w, net.b, net.x, net.y)
    right = {key: slope(net.F(net.w, tilted(net.b, key))) for key in net.b}
    same(db, right)
    differ([sum(each[k].db[key] for k in each) for key in right], list(right.values()))
    agree([sum(each[k].dw[key] for k in each) / net.N for key in dw], list(dw.values()))


def test_slip_the_bias_gradient_of_a_batch_is_the_sum_of_dz_over_columns() -> None:
    net = given(1, 3, examples=4)
    for l in to(net.L):
        assert net.run.dZ[l].shape != net.run.db[l].shape
        agree(net.run.db[l], [[sum(float(v) for v in row)] for row in net.run.dZ[l]])


def test_slip_the_transposed_weights_meet_dz_before_the_slope_multiplies() -> None:
    net = given(1, 0, examples=1, width=3)
    (z, _), found = net.forward(1), net.gradient()
    right = [slope(net.F_after(tilted(z, (1, i)), 1)) for i in to(3)]
    agree([found.dz[1, i] for i in to(3)], right)
    read_otherwise = [
        sum(net.w[2, q, i] * (found.dz[2, q] * binary.sigma_prime(z[1, q])) for q in to(3)) for i in to(3)
    ]
    differ(read_otherwise, right)


def test_slip_the_derivative_of_z_by_w_is_a_tensor_with_a_in_one_row() -> None:
    net = given(1, 1, examples=1, width=3)
    _, a = net.forward(1)
    for l, p, q in net.w:
        for i in to(3):
            got = slope(binary.pre_activation(net.n, tilted(net.w, (l, p, q)), net.b, a, l, i))
            agree(got, a[l - 1, q] if i == p else 0)


def test_slip_the_derivative_of_z_by_b_is_the_identity_matrix() -> None:
    net = given(1, 1, examples=1, width=3)
    _, a = net.forward(1)
    for l, p in net.b:
        for i in to(3):
            agree(slope(binary.pre_activation(net.n, net.w, tilted(net.b, (l, p)), a, l, i)), 1 if i == p else 0)


def test_slip_with_several_outputs_F_adds_them_up() -> None:
    net = given(1, 2, examples=2, outputs=3)
    agree(net.run.loss, net.F(net.w, net.b))
    first = [binary.single_loss(net.y[k][1], net.forward(k)[1][net.L, 1]) for k in to(2)]
    differ(sum(first) / 2, net.run.loss)


def test_slip_the_chain_needs_its_jacobians_transposed_for_column_vectors() -> None:
    net = given(1, 4, examples=1, width=3)
    (z, _), found = net.forward(1), net.gradient()
    right = slopes({i: net.F_after(tilted(z, (1, i)), 1) for i in to(3)})
    same({i: found.dz[1, i] for i in to(3)}, right)
    as_columns = [sum(net.w[2, i, q] * found.dz[2, q] for q in to(3)) * binary.sigma_prime(z[1, i]) for i in to(3)]
    differ(as_columns, list(right.values()))

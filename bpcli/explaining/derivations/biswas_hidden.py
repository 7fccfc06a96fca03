"""Biswas, 4.3.2 and 4.3.3: from the output down through hidden layers, and to weights and biases."""

from __future__ import annotations

from bpcli.explaining.derivations.biswas_symbols import LOSS, NABLA, by
from bpcli.explaining.derivations.columns import column, matrix
from bpcli.explaining.derivations.derived import Derived
from bpcli.explaining.trace import Trace

SEVERAL_PATHS = "4.3.2, several paths"
TWO_PATHS = "4.3.2, two paths"
LOSS_BY_UNIT = r"4.3.2, $\mathcal{L}$ by $h_{i,j}$"
TWO_VECTORS = "4.3.2, two vectors"
THEIR_PRODUCT = "4.3.2, their product"
LOSS_BY_UNIT_AS_PRODUCT = r"4.3.2, $\mathcal{L}$ by $h_{i,j}$, as that product"
GRADIENT_BY_UNITS = r"4.3.2, $\nabla_{h_i}$"
GRADIENT_AS_COLUMN = r"4.3.2, $\nabla_{a_i}$ as a column"
LOSS_BY_PRE_ACTIVATION = r"4.3.2, $\mathcal{L}$ by $a_{i,j}$"
GRADIENT_BY_PRE_ACTIVATION = r"4.3.2, $\nabla_{a_i}$"
PRE_ACTIVATION_BY_WEIGHT = "4.3.3, $a_{k,i}$ by $W_{k,i,j}$"
LOSS_BY_WEIGHT = r"4.3.3, $\mathcal{L}$ by $W_{k,i,j}$"
GRADIENT_BY_WEIGHTS = r"4.3.3, $\nabla_{W_k}$"
GRADIENT_OF_THREE_BY_THREE = r"4.3.3, $\nabla_{W_k}$ of $3 \times 3$"
THREE_BY_THREE_AS_PRODUCT = r"4.3.3, $\nabla_{W_k}$ of $3 \times 3$ as a product"
PRE_ACTIVATION = "4.3.3, $a_{k,i}$"
LOSS_BY_BIAS = r"4.3.3, $\mathcal{L}$ by $b_{k,i}$"
GRADIENT_BY_BIASES = r"4.3.3, $\nabla_{b_k}$"

DISPLAYED = (
    SEVERAL_PATHS,
    TWO_PATHS,
    LOSS_BY_UNIT,
    TWO_VECTORS,
    THEIR_PRODUCT,
    LOSS_BY_UNIT_AS_PRODUCT,
    GRADIENT_BY_UNITS,
    GRADIENT_AS_COLUMN,
    LOSS_BY_PRE_ACTIVATION,
    GRADIENT_BY_PRE_ACTIVATION,
    PRE_ACTIVATION_BY_WEIGHT,
    LOSS_BY_WEIGHT,
    GRADIENT_BY_WEIGHTS,
    GRADIENT_OF_THREE_BY_THREE,
    THREE_BY_THREE_AS_PRODUCT,
    PRE_ACTIVATION,
    LOSS_BY_BIAS,
    GRADIENT_BY_BIASES,
)

H, A, W, B = "h_{<l>,j}", "a_{<l>,i}", "W_{<l>,i,j}", "b_{<l>,i}"
ABOVE, SUM = "a_{<l+1>,r}", r"\sum_{r=1}^{n_<l+1>}"
NABLA_ABOVE = NABLA % r"\underline{a}_<l+1>"
COLUMN = r"W_{<l+1>,\cdot,j}"

UNIT = "Printed with the index $m$, which is elsewhere the number of examples."
INSTANCE = r"Printed for functions $p(q_m(z))$: here $p$ is $\mathcal{L}$, $q$ a layer's pre-activation, $z$ a weight."
TWO = (
    r"Printed as $\frac{dz}{dx} = \sum_{i=1}^{2} \frac{dz}{dy_i} \cdot \frac{dy_i}{dx}$: "
    r"here $z$ is $\mathcal{L}$, $x$ a unit below two."
)
TWO_UNITS = "holds above a hidden layer where the next has two units, as with network.hidden=[3, 2]"
SUM_TO = "The first sum is printed up to $p$; it runs over the units of the layer above."
SQUARE = r"Printed for a $W_k$ of $n \times n$."
ENTRY = (
    r"The example ends in $\frac{\partial \mathcal{L}}{\partial a_{k,i}} "
    r"\frac{\partial a_{k,i}}{\partial W_{k,i,j}}$, which is its entry."
)
ROW = r"Printed as a column times a row, $[\ldots, g'(a_{i,k}), \ldots]$; both are columns."

SLIPS = frozenset({UNIT, INSTANCE, TWO, SUM_TO, SQUARE, ENTRY, ROW})
"""The notes on mistakes in print."""


def derived(trace: Trace) -> tuple[Derived, ...]:
    """The equations of this network."""
    equations = [*_paths(trace)]
    equations += [one for l in range(1, trace.last) for one in _activations(trace, l)]
    equations += [one for l in range(1, trace.last + 1) for one in _pre_activations(trace, l)]
    equations += [one for l in range(1, trace.last + 1) for one in _weights(trace, l)]
    return tuple(sorted([*equations, *_square(trace)], key=lambda one: DISPLAYED.index(one.label)))


def _paths(trace: Trace) -> tuple[Derived, ...]:
    """The chain rule along several paths, and along two."""
    every = tuple(range(1, trace.last + 1))
    two = tuple(l for l in range(1, trace.last) if trace.network.sizes[l + 1] == 2)
    path = rf"{by(LOSS, 'a_{<l+1>,%d}')} \cdot {by('a_{<l+1>,%d}', H)}"
    return (
        Derived(
            SEVERAL_PATHS,
            "Chain rule along several paths",
            (by(LOSS, W), rf"\sum_{{r=1}}^{{n_<l>}} {by(LOSS, 'a_{<l>,r}')} \cdot {by('a_{<l>,r}', W)}"),
            "i",
            "j",
            every,
            notes=(UNIT, INSTANCE),
        ),
        Derived(
            TWO_PATHS,
            "Chain rule along two paths",
            (by(LOSS, H), f"{path % (1, 1)} + {path % (2, 2)}"),
            "j",
            layers=two,
            notes=(TWO,),
            unless="" if two else TWO_UNITS,
        ),
    )


def _activations(trace: Trace, l: int) -> tuple[Derived, ...]:
    """The loss by a hidden layer's activation."""
    units, above, layers = trace.network.sizes[l], trace.network.sizes[l + 1], (l,)
    product = rf"{COLUMN}^\top \cdot {NABLA_ABOVE}"
    chain = rf"{SUM} {by(LOSS, ABOVE)} \cdot {by(ABOVE, H)}"
    weighted = rf"{SUM} {by(LOSS, ABOVE)} \cdot W_{{<l+1>,r,j}}"
    slope = rf"{by(LOSS, 'h_{<l>,<n>}')} g_<l>'(a_{{<l>,<n>}})"
    vector = NABLA % r"\underline{a}_<l>"
    return (
        Derived(
            LOSS_BY_UNIT,
            "Loss by a unit of layer <l>",
            (by(LOSS, H), chain, weighted),
            "j",
            layers=layers,
            notes=(SUM_TO,),
        ),
        Derived(
            TWO_VECTORS,
            "Gradient by layer <l+1>'s pre-activation",
            (NABLA_ABOVE, column(by(LOSS, "a_{<l+1>,<n>}"), above)),
            "i",
            layers=layers,
        ),
        Derived(
            TWO_VECTORS,
            "Columns of layer <l+1>'s weights",
            (COLUMN, column("W_{<l+1>,<n>,j}", above)),
            "",
            "j",
            layers,
        ),
        Derived(THEIR_PRODUCT, "Their product", (product, weighted.replace(r" \cdot W", " W")), "j", layers=layers),
        Derived(
            LOSS_BY_UNIT_AS_PRODUCT,
            "Loss by a unit of layer <l>, as that product",
            (by(LOSS, H), product),
            "j",
            layers=layers,
        ),
        Derived(
            GRADIENT_BY_UNITS,
            "Gradient by layer <l>'s activation",
            (
                NABLA % r"\underline{h}_<l>",
                column(by(LOSS, "h_{<l>,<n>}"), units),
                column(rf"W_{{<l+1>,\cdot,<n>}}^\top \cdot {NABLA_ABOVE}", units),
                rf"W_<l+1>^\top \cdot {NABLA_ABOVE}",
            ),
            "i",
            layers=layers,
        ),
        Derived(
            LOSS_BY_PRE_ACTIVATION,
            "Loss by a pre-activation of layer <l>",
            (
                by(LOSS, "a_{<l>,j}"),
                rf"{by(LOSS, H)} \cdot {by(H, 'a_{<l>,j}')}",
                f"{by(LOSS, H)} g_<l>'(a_{{<l>,j}})",
            ),
            "j",
            layers=layers,
        ),
        Derived(
            GRADIENT_BY_PRE_ACTIVATION,
            "Gradient by layer <l>'s pre-activation",
            (vector, column(slope, units), r"\nabla_{\underline{h}_<l>} \odot g_<l>'(\underline{a}_<l>)"),
            "i",
            layers=layers,
            notes=(ROW,),
        ),
    )


def _pre_activations(trace: Trace, l: int) -> tuple[Derived, ...]:
    """The gradients by pre-activations and biases as columns."""
    entries, layers = column(by(LOSS, "a_{<l>,<n>}"), trace.network.sizes[l]), (l,)
    vector = NABLA % r"\underline{a}_<l>"
    return (
        Derived(
            GRADIENT_AS_COLUMN,
            "Gradient by layer <l>'s pre-activation, unit by unit",
            (vector, entries),
            "i",
            layers=layers,
        ),
        Derived(
            GRADIENT_BY_BIASES,
            "Gradient by layer <l>'s biases",
            (NABLA % r"\underline{b}_<l>", entries, vector),
            "i",
            layers=layers,
        ),
    )


def _weights(trace: Trace, l: int) -> tuple[Derived, ...]:
    """4.3.3 for one layer."""
    rows, columns, layers = trace.network.sizes[l], trace.network.sizes[l - 1], (l,)
    below = "h_{<l-1>,j}"
    total = rf"{B} + \sum_{{j=1}}^{{n_<l-1>}} {W} {below}"
    return (
        Derived(PRE_ACTIVATION_BY_WEIGHT, "A pre-activation by its weight", (by(A, W), below), "i", "j", layers),
        Derived(
            LOSS_BY_WEIGHT,
            "Loss by a weight of layer <l>",
            (by(LOSS, W), f"{by(LOSS, A)} {by(A, W)}", f"{by(LOSS, A)} {below}"),
            "i",
            "j",
            layers,
        ),
        Derived(
            GRADIENT_BY_WEIGHTS,
            "Gradient by layer <l>'s weights, entry by entry",
            (NABLA % "W_<l>", matrix(by(LOSS, "W_{<l>,<r>,<c>}"), rows, columns)),
            "i",
            "j",
            layers,
            notes=(SQUARE,),
        ),
        Derived(PRE_ACTIVATION, "A pre-activation of layer <l>", (A, total), "i", layers=layers),
        Derived(
            LOSS_BY_BIAS,
            "Loss by a bias of layer <l>",
            (by(LOSS, B), rf"{by(LOSS, A)} \cdot {by(A, B)}", by(LOSS, A)),
            "i",
            layers=layers,
        ),
    )


def _square(trace: Trace) -> tuple[Derived, ...]:
    """The example of 3 × 3 weights."""
    sizes = trace.network.sizes
    layers = tuple(l for l in range(1, trace.last + 1) if sizes[l - 1] == sizes[l] == 3)
    unless = "" if layers else "holds for 3 × 3 weights, as with network.hidden=[3, 3]"
    gradient = NABLA % "W_<l>"
    return (
        Derived(
            GRADIENT_OF_THREE_BY_THREE,
            "Gradient by three by three weights",
            (gradient, matrix(by(LOSS, "W_{<l>,<r>,<c>}"), 3, 3)),
            "i",
            "j",
            layers,
            notes=(ENTRY,),
            unless=unless,
        ),
        Derived(
            THREE_BY_THREE_AS_PRODUCT,
            "Gradient by three by three weights, as a product",
            (
                gradient,
                matrix(rf"{by(LOSS, 'a_{<l>,<r>}')} h_{{<l-1>,<c>}}", 3, 3),
                r"\nabla_{\underline{a}_<l>} \cdot \underline{h}_<l-1>^\top",
            ),
            "i",
            "j",
            layers,
            unless=unless,
        ),
    )

"""Biswas, 4.3.2 and 4.3.3: from the output down through hidden layers, and to weights and biases."""

from __future__ import annotations

from bpcli.explaining.derivations.biswas_symbols import LOSS, NABLA, by
from bpcli.explaining.derivations.columns import column, matrix
from bpcli.explaining.derivations.derived import Derived, of_layers
from bpcli.explaining.trace import Trace

DISPLAYED = (
    "4.3.2, several paths",
    "4.3.2, two paths",
    r"4.3.2, $\mathcal{L}$ by $h_{i,j}$",
    "4.3.2, two vectors",
    "4.3.2, their product",
    r"4.3.2, $\mathcal{L}$ by $h_{i,j}$, as that product",
    r"4.3.2, $\nabla_{h_i}$",
    r"4.3.2, $\nabla_{a_i}$ as a column",
    r"4.3.2, $\mathcal{L}$ by $a_{i,j}$",
    r"4.3.2, $\nabla_{a_i}$",
    "4.3.3, $a_{k,i}$ by $W_{k,i,j}$",
    r"4.3.3, $\mathcal{L}$ by $W_{k,i,j}$",
    r"4.3.3, $\nabla_{W_k}$",
    r"4.3.3, $\nabla_{W_k}$ of $3 \times 3$",
    r"4.3.3, $\nabla_{W_k}$ of $3 \times 3$ as a product",
    "4.3.3, $a_{k,i}$",
    r"4.3.3, $\mathcal{L}$ by $b_{k,i}$",
    r"4.3.3, $\nabla_{b_k}$",
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


def derived(trace: Trace) -> tuple[Derived, ...]:
    """The equations of this network."""
    equations = [*_paths(trace)]
    equations += [one for l in range(1, trace.last) for one in _activations(trace, l)]
    equations += [one for l in range(1, trace.last + 1) for one in _pre_activations(trace, l)]
    equations += [one for l in range(1, trace.last + 1) for one in _weights(trace, l)]
    return tuple(sorted([*equations, *_square(trace)], key=lambda one: DISPLAYED.index(one.label)))


def _paths(trace: Trace) -> tuple[Derived, ...]:
    """The chain rule along several paths, and along two."""
    every = of_layers(range(1, trace.last + 1))
    two = tuple(l for l in range(1, trace.last) if trace.network.sizes[l + 1] == 2)
    path = rf"{by(LOSS, 'a_{<l+1>,%d}')} \cdot {by('a_{<l+1>,%d}', H)}"
    return (
        Derived(
            DISPLAYED[0],
            "Chain rule along several paths",
            (by(LOSS, W), rf"\sum_{{r=1}}^{{n_<l>}} {by(LOSS, 'a_{<l>,r}')} \cdot {by('a_{<l>,r}', W)}"),
            "i",
            "j",
            every,
            notes=(UNIT, INSTANCE),
        ),
        Derived(
            DISPLAYED[1],
            "Chain rule along two paths",
            (by(LOSS, H), f"{path % (1, 1)} + {path % (2, 2)}"),
            "j",
            layers=two,
            notes=(TWO,),
            unless=""
            if two
            else "holds above a hidden layer where the next has two units, as with network.hidden=[3, 2]",
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
            DISPLAYED[2],
            "Loss by a unit of layer <l>",
            (by(LOSS, H), chain, weighted),
            "j",
            layers=layers,
            notes=(SUM_TO,),
        ),
        Derived(
            DISPLAYED[3],
            "Gradient by layer <l+1>'s pre-activation",
            (NABLA_ABOVE, column(by(LOSS, "a_{<l+1>,<n>}"), above)),
            "i",
            layers=layers,
        ),
        Derived(
            DISPLAYED[3],
            "Columns of layer <l+1>'s weights",
            (COLUMN, column("W_{<l+1>,<n>,j}", above)),
            "",
            "j",
            layers,
        ),
        Derived(DISPLAYED[4], "Their product", (product, weighted.replace(r" \cdot W", " W")), "j", layers=layers),
        Derived(
            DISPLAYED[5], "Loss by a unit of layer <l>, as that product", (by(LOSS, H), product), "j", layers=layers
        ),
        Derived(
            DISPLAYED[6],
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
            DISPLAYED[8],
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
            DISPLAYED[9],
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
            DISPLAYED[7], "Gradient by layer <l>'s pre-activation, unit by unit", (vector, entries), "i", layers=layers
        ),
        Derived(
            DISPLAYED[17],
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
        Derived(DISPLAYED[10], "A pre-activation by its weight", (by(A, W), below), "i", "j", layers),
        Derived(
            DISPLAYED[11],
            "Loss by a weight of layer <l>",
            (by(LOSS, W), f"{by(LOSS, A)} {by(A, W)}", f"{by(LOSS, A)} {below}"),
            "i",
            "j",
            layers,
        ),
        Derived(
            DISPLAYED[12],
            "Gradient by layer <l>'s weights, entry by entry",
            (NABLA % "W_<l>", matrix(by(LOSS, "W_{<l>,<r>,<c>}"), rows, columns)),
            "i",
            "j",
            layers,
            notes=(SQUARE,),
        ),
        Derived(DISPLAYED[15], "A pre-activation of layer <l>", (A, total), "i", layers=layers),
        Derived(
            DISPLAYED[16],
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
            DISPLAYED[13],
            "Gradient by three by three weights",
            (gradient, matrix(by(LOSS, "W_{<l>,<r>,<c>}"), 3, 3)),
            "i",
            "j",
            layers,
            notes=(ENTRY,),
            unless=unless,
        ),
        Derived(
            DISPLAYED[14],
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

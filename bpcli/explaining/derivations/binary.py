"""The displayed equations of the binary derivation, in its order, for one object."""

from __future__ import annotations

from bpcli.explaining.derivations.derived import Derived
from bpcli.explaining.trace import Trace

COST = "§1, $F$"
OUTPUT_CHAIN = "§2, chain at the output"
COST_OF_ONE = "§2, $F$ for $N = 1$"
BY_OUTPUT = r"§2, $\partial F / \partial a_L$"
OUTPUT_SLOPE = r"§2, $\partial a_L / \partial z_L$"
BY_OUTPUT_Z = r"§2, $\partial F / \partial z_L$"
CHAIN_TO_Z = "§2, chain to $z_l$"
BY_Z = r"§2, $\partial F / \partial z_l$"
Z_BY_PARAMETERS = r"§2, $z_l$ by $W_l$ and $b_l$"
FINAL_FORMULAS = "§2, final formulas"

DISPLAYED = (
    COST,
    OUTPUT_CHAIN,
    COST_OF_ONE,
    BY_OUTPUT,
    OUTPUT_SLOPE,
    BY_OUTPUT_Z,
    CHAIN_TO_Z,
    BY_Z,
    Z_BY_PARAMETERS,
    FINAL_FORMULAS,
)
"""Every equation that the document displays, once, in its order."""

F = r"\frac{\partial F}{\partial %s_<l>}"
JACOBIAN = r"\frac{\partial z_<l+1>}{\partial a_<l>}"
SLOPE = r"\frac{\partial a_<l>}{\partial z_<l>}"

DIAGONAL = r"$\frac{\partial a_l}{\partial z_l}$ is a diagonal matrix, and stands for its diagonal."
CHAIN = (
    r"Printed with $\partial L$ for $\partial F$, and as $\frac{\partial F}{\partial z_{l+1}} "
    r"\frac{\partial z_{l+1}}{\partial a_l} \frac{\partial a_l}{\partial z_l}$, a row's product; these are columns."
)
PRECEDENCE = r"Printed without the outer parentheses: $\ast$ acts after $\cdot$."
SHORTHAND = (
    r"Printed as $\frac{\partial z_l}{\partial W_l} = a_{l-1}^\top$, shorthand for a tensor: entry by entry it is this."
)
IDENTITY = r"Printed as $\frac{\partial z_l}{\partial b_l} = 1$, which is the identity matrix."
FINAL = r"Printed with $\frac{\partial F}{\partial z_L}$ for every layer $l$."

SLIPS = frozenset({CHAIN, PRECEDENCE, SHORTHAND, IDENTITY, FINAL})
"""The notes on mistakes in print."""


def derived(trace: Trace) -> tuple[Derived, ...]:
    """The equations of this network."""
    L = (trace.last,)
    every, hidden = tuple(range(1, trace.last + 1)), tuple(range(1, trace.last))
    by_z, by_a = F % "z", F % "a"
    above = r"W_<l+1>^\top \cdot \frac{\partial F}{\partial z_<l+1>}"
    carried = rf"\left( \frac{{\partial F}}{{\partial z_<l+1>}} \right)^\top \cdot {JACOBIAN}"
    return (
        Derived(
            COST,
            "Cost of the batch",
            ("F", r"-\frac{1}{N} \sum_{k=1}^{N} \left[ y_k \ln p_k + (1 - y_k) \ln (1 - p_k) \right]"),
            whole=True,
        ),
        Derived(OUTPUT_CHAIN, "Chain rule at the output", (by_z, f"{by_a} {SLOPE}"), layers=L, notes=(DIAGONAL,)),
        Derived(COST_OF_ONE, "Cost of one object", ("F", r"-y \ln a_<l> - (1 - y) \ln (1 - a_<l>)"), layers=L),
        Derived(
            BY_OUTPUT,
            "Cost by the output",
            (
                by_a,
                r"-\frac{y}{a_<l>} + \frac{1 - y}{1 - a_<l>}",
                r"\frac{-y (1 - a_<l>) + (1 - y) a_<l>}{a_<l> (1 - a_<l>)}",
                r"\frac{a_<l> - y}{a_<l> (1 - a_<l>)}",
            ),
            layers=L,
        ),
        Derived(
            OUTPUT_SLOPE,
            "Derivative of the output",
            (SLOPE, r"\sigma(z_<l>) (1 - \sigma(z_<l>))", r"a_<l> (1 - a_<l>)"),
            layers=L,
        ),
        Derived(BY_OUTPUT_Z, "Cost by the output before activation", (by_z, "a_<l> - y"), layers=L),
        Derived(
            CHAIN_TO_Z,
            "Chain rule from layer <l+1> to layer <l>",
            (
                by_z,
                rf"\left( {carried} \right)^\top \ast {SLOPE}",
            ),
            "i",
            layers=hidden,
            notes=(CHAIN,),
        ),
        Derived(CHAIN_TO_Z, "Its second factor", (JACOBIAN, "W_<l+1>"), "q", "i", layers=hidden),
        Derived(
            BY_Z,
            "Cost by layer <l> before activation",
            (by_z, rf"({above}) \ast (\sigma(z_<l>) \ast (1 - \sigma(z_<l>)))"),
            "i",
            layers=hidden,
            notes=(PRECEDENCE,),
        ),
        Derived(
            Z_BY_PARAMETERS,
            "Layer <l> before activation by a weight",
            (r"\frac{\partial z_i^<l>}{\partial w_{pj}^<l>}", r"a_j^<l-1> \text{ where } p = i \text{, else } 0"),
            "p",
            "j",
            layers=every,
            notes=(SHORTHAND,),
        ),
        Derived(
            Z_BY_PARAMETERS,
            "Layer <l> before activation by a bias",
            (r"\frac{\partial z_i^<l>}{\partial b_p^<l>}", r"1 \text{ where } p = i \text{, else } 0"),
            "i",
            "p",
            layers=every,
            notes=(IDENTITY,),
        ),
        Derived(
            FINAL_FORMULAS,
            "Gradient of layer <l>'s weights",
            (r"\frac{\partial F}{\partial W_<l>}", rf"{by_z} \cdot a_<l-1>^\top"),
            "i",
            "j",
            layers=every,
            notes=(FINAL,),
        ),
        Derived(
            FINAL_FORMULAS,
            "Gradient of layer <l>'s biases",
            (r"\frac{\partial F}{\partial b_<l>}", by_z),
            "i",
            layers=every,
        ),
    )

"""The equations of the general case in the words of one of its sections, with the slips as notes."""

from __future__ import annotations

from dataclasses import dataclass

from bpcli.explaining.documents.steps import Equation
from bpcli.nn.losses import Loss, in_symbols

FIRST_SLIP = r"(1) prints $w_{n_0 n_{l+1}}$ for the bias weight $w_{0 n_{l+1}}$, and $f$ is not applied to the inputs."
INPUTS = r"The closing lines print $x_p$ for $x_{n_0}^p$."
UPHILL = "$C$ is called a cost, but as a log-likelihood it is to be raised: its gradient points uphill."
OPEN = "The document leaves $c$ open; this is the config's loss for one output."
INDICES = r"(7) sums over $n_{L+2}$ for $n_{l+2}$, (8) lacks a $\partial$, and (4) has $w^p$ for $w^l$."
LACKS_SUM = r"(12) and (13) leave out the sum over $n_l$ in their first line, right only below a layer of one node."
ADDED = (
    r"$c^p$, as below (9), is $\sum_{n_L=1}^{N_L} c_{n_L}^p$ and obeys the same recursion as each $c_{n_L}^p$. "
    r"Of those, $\frac{\partial c_{n_L}}{\partial z_{n_l}^L}$ is 0 for $n_l \neq n_L$; with $d_{n_l}$ for every $n_L$ "
    r"the result would be $N_L$ times too large."
)
ONE_F = "The document has one $f$; here the layers' functions differ, so each has its layer's number."
LAST_WEIGHTS = "(10) to (17) do not state the last weights' gradient: it is (9) with the output layer as $l + 1$."
ACTIVATIONS = r"$a^{p1}$ and $a^{p_1}$ are printed for $a^{p,1}$, and one sum over $p$ runs to $p$ instead of $P$."

SLIPS = frozenset({FIRST_SLIP, INPUTS, INDICES, LACKS_SUM, ADDED, LAST_WEIGHTS, ACTIVATIONS})
"""The notes on mistakes in print."""

STATED = "§1, (9)"
"""The system that states the last weights' gradient."""

SECTIONS = {1: "(9), (10)", 2: "(11)", 3: "(12)", 4: "(13)", 5: "(14), (15)"}
"""The section's system of equations."""

Z_SYMBOL, A_SYMBOL = "z_{n_<l>}^{p,<l>}", "a_{n_<l>}^{p,<l>}"


@dataclass(frozen=True)
class Wording:
    """Which section, whether there is one output, the config's loss, and how section 2 bears on it.

    ``function`` is the letter of a layer's activation. ``derived`` is whether c is the log-likelihood
    of section 2, ``short`` whether the outputs are sigmoids under it too, so that ∂c/∂z = y − h.
    """

    section: int
    outputs: int
    loss: Loss
    derived: bool
    short: bool
    function: str = "f"

    @property
    def one(self) -> bool:
        """Whether there is a single output."""
        return self.outputs == 1

    @property
    def system(self) -> str:
        """The section and its equations."""
        return f"§{self.section}, {SECTIONS[self.section]}"

    def of(self, letter: str) -> str:
        """y or h of an output for data point p."""
        return f"{letter}^p" if self.one else f"{letter}_{{n_L}}^p"

    def term(self) -> str:
        """c of one output and data point."""
        return in_symbols(self.loss.term, self.loss, self.outputs, y=self.of("y"), a=self.of("h"))

    @property
    def output(self) -> str:
        """The index of an output where it stands with h and y."""
        return "n_<l>" if self.one else "n_L"

    def by(self, quantity: str) -> str:
        """∂c/∂quantity, c of all outputs together."""
        return rf"\frac{{\partial c^p}}{{\partial {quantity}}}"

    def by_output(self) -> str:
        """∂c/∂h in symbols."""
        return in_symbols(self.loss.term_derivative, self.loss, self.outputs, y=self.of("y"), a=self.of("h"))


def equations(wording: Wording) -> dict[str, Equation]:
    """The table of equations."""
    return _forward(wording) | _backward(wording)


def _forward(wording: Wording) -> dict[str, Equation]:
    node, both = "n_<l>", "n_<l+1>"
    sums = r"\sum_{p=1}^{P} " + ("" if wording.one else r"\sum_{n_L=1}^{N_L} ")
    cost: tuple[str, ...] = (UPHILL,) if wording.loss.likelihood else ()
    cost += () if wording.derived else (OPEN,)
    f, which = wording.function, "1" if wording.one else "n_L"
    z, several = Z_SYMBOL.replace("n_<l>", which), () if f == "f" else (ONE_F,)
    return {
        "inputs": Equation("Inputs", "definitions", A_SYMBOL, "x_{n_<l>}^p", node, "p", (INPUTS,)),
        "targets": Equation("True outputs", "definitions", wording.of("y"), rows=wording.output, columns="p"),
        "weights": Equation(
            "Weights from layer <l> to layer <l+1>", "definitions", "w_{n_<l> n_<l+1>}^<l>", "", node, both
        ),
        "biases": Equation("Bias weights from layer <l> to layer <l+1>", "(1)", "w_{0 n_<l+1>}^<l>", columns=both),
        "pre_activation": Equation(
            "Layer <l> before activation",
            "(1)",
            Z_SYMBOL,
            r"w_{0 n_<l>}^<l-1> + \sum_{n_<l-1>=1}^{N_<l-1>} w_{n_<l-1> n_<l>}^<l-1> a_{n_<l-1>}^{p,<l-1>}",
            node,
            "p",
            (FIRST_SLIP,),
        ),
        "activation": Equation(
            "Layer <l> after activation", "definitions", A_SYMBOL, f"{f}({Z_SYMBOL})", node, "p", several
        ),
        "activation/output": Equation(
            "Outputs",
            "definitions",
            wording.of("h"),
            f"{f}({z})",
            wording.output,
            "p",
            several,
        ),
        "loss": Equation("Cost", "(2), §2" if wording.derived else "(2)", "C", sums + wording.term(), notes=cost),
    }


def output_symbol(wording: Wording) -> str:
    """z of an output, in the outputs' index."""
    return Z_SYMBOL.replace("n_<l>", wording.output)


def _backward(wording: Wording) -> dict[str, Equation]:
    node, both, E = "n_<l>", "n_<l+1>", wording.by(Z_SYMBOL)
    above = wording.by("z_{n_<l+1>}^{p,<l+1>}")
    carried = rf"\sum_{{n_<l+1>=1}}^{{N_<l+1>}} w_{{n_<l> n_<l+1>}}^<l> {above}"
    outputs = () if wording.one else (ADDED,)
    recursion = (INDICES, *((LACKS_SUM,) if wording.section in (3, 4, 5) else ()))
    difference = f"{wording.of('y')} - {wording.of('h')}"
    f, output_z = wording.function, output_symbol(wording)
    by_output, by_output_z = wording.by(wording.of("h")), wording.by(output_z)
    hidden = "§5, (15)" if wording.section == 5 else wording.system
    table = {
        "activation_gradient/output": Equation(
            "Cost by the outputs",
            "§1",
            by_output,
            wording.by_output(),
            wording.output,
            "p",
        ),
        "activation_gradient": Equation(
            "Cost by layer <l> after activation", hidden, wording.by(A_SYMBOL), carried, node, "p", recursion
        ),
        "slope": Equation("Derivative of layer <l>'s activation", hidden, f"{f}'({Z_SYMBOL})", "", node, "p"),
        "slope/output": Equation(
            "Derivative of the outputs' activation", hidden, f"{f}'({output_z})", "", wording.output, "p"
        ),
        "error": Equation("Cost by layer <l> before activation", hidden, E, f"{f}'({Z_SYMBOL}) {carried}", node, "p"),
        "error/output": Equation(
            "Cost by the outputs before activation",
            "§1, chain rule",
            by_output_z,
            f"{by_output} {f}'({output_z})",
            wording.output,
            "p",
            outputs,
        ),
        "bias_gradient": Equation(
            "Gradient by the bias weights to layer <l+1>",
            wording.system,
            r"\frac{\partial C}{\partial w_{0 n_<l+1>}^<l>}",
            rf"\sum_{{p=1}}^{{P}} {above}",
            "",
            both,
        ),
        "weight_gradient": Equation(
            "Gradient by the weights to layer <l+1>",
            wording.system,
            r"\frac{\partial C}{\partial w_{n_<l> n_<l+1>}^<l>}",
            rf"\sum_{{p=1}}^{{P}} {A_SYMBOL} {above}",
            node,
            both,
        ),
    }
    if wording.short:
        reference = {2: "§2, (11)", 4: "§4, (13)", 5: "§5, (14)"}.get(wording.section, "§2")
        table["error/output"] = Equation(
            "Cost by the outputs before activation", reference, by_output_z, difference, wording.output, "p", outputs
        )
    return table | (_closed(table) if wording.section == 5 else {})


def _closed(table: dict[str, Equation]) -> dict[str, Equation]:
    """(16) and (17): the first weights' gradients as one formula of inputs, weights and outputs."""
    inner = r"a_{n_1}^{p,1} (1 - a_{n_1}^{p,1}) (y^p - h^p)"
    found = {}
    for key, before in (("bias_gradient", ""), ("weight_gradient", "a_{n_0}^{p,0} ")):
        equation = table[key]
        formula = rf"w_{{n_1}}^{{(1)}} \sum_{{p=1}}^{{P}} {before}{inner}"
        notes = (ACTIVATIONS,) if not before else ()
        found[f"{key}/closed"] = Equation(
            equation.title, "§5, (16), (17)", equation.symbol, formula, equation.rows, equation.columns, notes
        )
    return found

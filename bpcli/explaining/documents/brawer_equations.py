"""The equations of Brawer's derivation, by number, with the slips as notes."""

from __future__ import annotations

from bpcli.choices import name_of
from bpcli.explaining.documents.steps import Equation
from bpcli.nn.activations import ACTIVATIONS, Activation
from bpcli.nn.markup import filled

EXPONENTIAL = r"(2) and (3) print $\ell^{-z}$ for $e^{-z}$."
INDEX = "(18) to (20) and (42) leave out the index of $y$, the output."
BIAS_COLUMN = (
    r"(31) and (6) are said to give $M_{k_0,0} = 0$. They do not: (6) fixes $\theta_{0,k}$, not $\theta_{k,0}$. "
    r"The factor $(1 - I_{p,0})$ is what removes $\delta_0$; column 0 of $M$ is never used and not shown."
)
VECTORS = (
    r"The vector form (48) must leave out column 0 of $\theta$, the sum in (47) runs to $s_{l+1}$, "
    r"and $\Psi$ has $s_l$ components."
)
SUBSTITUTED = "(43) has $M$ written out: below the second last hidden layer it stands alone."
FROM_ONE = "(41), (44) and (46) print the sum over samples from $i = 0$; it starts at 1."
COLUMN_ZERO = r"Column 0, of the bias node, is (27), (46): the mean of $\delta_p$."
SLIPS = frozenset({EXPONENTIAL, INDEX, BIAS_COLUMN, VECTORS, FROM_ONE})
"""The notes on mistakes in print."""

UNLIKE = "With another $h$ than the sigmoid (15) holds, not (15a)."


def hidden_h(l: int, activation: Activation) -> tuple[str, ...]:
    """What function h of a hidden layer is, where it is not the sigmoid."""
    name, formula = name_of(ACTIVATIONS, activation), filled(activation.formula, activation, z="x")
    if name == "sigmoid":
        return ()
    function = f"$h^{{({l})}}$ is {name.replace('_', ' ')}, $h^{{({l})}}(x) = {formula}$"
    return (f"Here {function}; the text allows one per layer.",)


TERM = r"C_{1,q}^{(<l>)} h^{(<l>)}(z_q^<l>)"

EQUATIONS = {
    "inputs": Equation("Inputs, with the bias node", "(1), (1a)", "z_k^<l>", "x_k", "k:0", "i"),
    "targets": Equation("Training outputs", "notation", "y_k", rows="k", columns="i"),
    "theta": Equation("Weights from layer <l> to layer <l+1>", "(5), (6)", r"\theta_{p,q}^{(<l>)}", "", "p", "q:0"),
    "activation/input": Equation(
        "h of layer <l>, its values as they are", "(3)", "h^{(<l>)}(z_k^<l>)", "z_k^<l>", "k:0", "i"
    ),
    "activation": Equation("h of layer <l>", "(2), (3)", "h^{(<l>)}(z_k^<l>)", "", "k:0", "i", (EXPONENTIAL,)),
    "bias_factor": Equation(
        "C of layer <l>",
        "(7)",
        "C_{1,q}^{(<l>)}",
        r"\frac{1}{h^{(<l>)}(1)} \text{ at } q = 0 \text{, else } 1",
        "",
        "q:0",
    ),
    "pre_activation": Equation(
        "Values of layer <l>, with the bias node",
        "(5), (8)",
        "z_j^<l>",
        r"\sum_{k=0}^{s_<l-1>} \theta_{j,k}^{(<l-1>)} h^{(<l-1>)}(z_k^<l-1>) C_{j,k}^{(<l-1>)}",
        "j:0",
        "i",
    ),
    "pre_activation/output": Equation(
        "Values of the output layer",
        "(5)",
        "z_j^<l>",
        r"\sum_{k=0}^{s_<l-1>} \theta_{j,k}^{(<l-1>)} h^{(<l-1>)}(z_k^<l-1>) C_{j,k}^{(<l-1>)}",
        "j",
        "i",
    ),
    "activation/output": Equation("h of the output layer", "(2), (3)", "h^{(<l>)}(z_k^<l>)", "", "k", "i"),
    "loss": Equation(
        "Cost",
        "(18)",
        "J",
        r"-\frac{1}{m} \sum_{i=1}^{m} \sum_{k_0=1}^{s_<l>} \left[ y_{k_0} \ln \left( h^{(<l>)}(z_{k_0}^<l>) \right) "
        r"+ (1 - y_{k_0}) \ln \left( 1 - h^{(<l>)}(z_{k_0}^<l>) \right) \right]",
        notes=(INDEX,),
    ),
    "error/output": Equation(
        "Error of the output layer",
        "(20), (42)",
        r"\delta_p^<l>",
        r"(h^{(<l>)}(z_p^<l>) - y_p) (1 - I_{p,0})",
        "p",
        "i",
    ),
    "slope": Equation(r"$\Psi$ of layer <l>", "(15), (15a)", r"\Psi^{(<l>)}(z_p^<l>)", "", "p", "i"),
    "carrier": Equation(
        "M of layer <l>",
        "(31)",
        "M_{j,k}^{(<l>)}",
        r"\theta_{j,k}^{(<l>)} C_{j,k}^{(<l>)} \Psi^{(<l>)}(z_k^<l>)",
        "j",
        "k",
        (BIAS_COLUMN, VECTORS),
    ),
    "error/last hidden": Equation(
        "Error of layer <l>",
        "(34)",
        r"\delta_p^<l>",
        r"\sum_{k_0=1}^{s_<l+1>} \delta_{k_0}^<l+1> M_{k_0,p}^{(<l>)} (1 - I_{p,0})",
        "p",
        "i",
    ),
    "error/second last hidden": Equation(
        "Error of layer <l>",
        "(40)",
        r"\delta_p^<l>",
        r"\sum_{k_1=1}^{s_<l+1>} \delta_{k_1}^<l+1> M_{k_1,p}^{(<l>)} (1 - I_{p,0})",
        "p",
        "i",
    ),
    "error": Equation(
        "Error of layer <l>",
        "(43)",
        r"\delta_p^<l>",
        r"\sum_{k=1}^{s_<l+1>} \delta_k^<l+1> \theta_{k,p}^{(<l>)} \Psi^{(<l>)}(z_p^<l>) (1 - I_{p,0})",
        "p",
        "i",
        (SUBSTITUTED,),
    ),
    "theta_gradient": Equation(
        r"Gradient by $\theta^{(<l>)}$",
        "(44)",
        r"\frac{\partial J}{\partial \theta_{p,q}^{(<l>)}}",
        rf"\frac{{1}}{{m}} \sum_{{i=1}}^{{m}} \delta_p^<l+1> {TERM}",
        "p",
        "q:0",
        (COLUMN_ZERO, FROM_ONE),
    ),
}

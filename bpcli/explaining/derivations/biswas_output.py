"""Biswas, 4.3.1: from the loss to the output's pre-activation, by the quotient rule of the softmax."""

from __future__ import annotations

from bpcli.explaining.derivations.biswas_symbols import LOSS, NABLA, by
from bpcli.explaining.derivations.columns import column
from bpcli.explaining.derivations.derived import Derived
from bpcli.explaining.trace import Trace

OUTPUT_AND_LOSS = r"4.3.1, $\hat{y}$ and $\mathcal{L}$"
LOSS_BY_OUTPUT = r"4.3.1, $\mathcal{L}$ by $\hat{y}_i$"
GRADIENT_BY_OUTPUT = r"4.3.1, $\nabla_{\hat{y}}$"
CHAIN_THROUGH_TRUE_CLASS = r"4.3.1, chain through $\hat{y}_\ell$"
QUOTIENT_RULE = "4.3.1, quotient rule"
LOSS_BY_PRE_ACTIVATION = r"4.3.1, $\mathcal{L}$ by $a_{L,i}$"
GRADIENT_BY_PRE_ACTIVATION = r"4.3.1, $\nabla_{a_L}$"

DISPLAYED = (
    OUTPUT_AND_LOSS,
    LOSS_BY_OUTPUT,
    GRADIENT_BY_OUTPUT,
    CHAIN_THROUGH_TRUE_CLASS,
    QUOTIENT_RULE,
    LOSS_BY_PRE_ACTIVATION,
    GRADIENT_BY_PRE_ACTIVATION,
)

OUTPUT, TRUE, TRUE_LOSS = r"\underline{\hat{y}}", r"\hat{y}_\ell", r"-\log \hat{y}_\ell"
ONE = r"\mathbf{1}_{\ell=i}"
A, A_TRUE, A_EACH = r"a_{<l>,i}", r"a_{<l>,\ell}", "a_{<l>,i'}"
TOTAL = rf"\sum_{{i'=1}}^{{p}} \exp({A_EACH})"
SQUARE = rf"\left( {TOTAL} \right)^2"
SOFTMAX = r"\mathrm{softmax}(\underline{a}_<l>)"
BEFORE = rf"-\frac{{1}}{{{TRUE}}} \cdot"

CASES = "The case form is printed without its minus sign."
OWN_INDEX = "The sum in the text above has the index $i$ of $a_{L,i}$; as here it needs one of its own."

SLIPS = frozenset({CASES, OWN_INDEX})
"""The notes on mistakes in print."""


def derived(trace: Trace) -> tuple[Derived, ...]:
    """The equations of this network."""
    p, L = trace.outputs, (trace.last,)
    return (
        *_loss(p),
        Derived(
            CHAIN_THROUGH_TRUE_CLASS,
            "Chain rule through the true class's output",
            (by(LOSS, A), by(f"({TRUE_LOSS})", A), rf"{by(f'({TRUE_LOSS})', TRUE)} \cdot {by(TRUE, A)}"),
            "i",
            layers=L,
        ),
        Derived(QUOTIENT_RULE, "Quotient rule of the softmax", _quotient(), "i", layers=L, notes=(OWN_INDEX,)),
        Derived(QUOTIENT_RULE, "Quotient rule, simplified", _simplified(), "i", layers=L),
        Derived(
            LOSS_BY_PRE_ACTIVATION,
            "Loss by an output's pre-activation",
            (by(LOSS, A), rf"-({ONE} - \hat{{y}}_i)"),
            "i",
            layers=L,
        ),
        Derived(
            GRADIENT_BY_PRE_ACTIVATION,
            "Gradient by the output's pre-activation",
            (
                NABLA % r"\underline{a}_<l>",
                column(by(LOSS, "a_{<l>,<n>}"), p),
                column(r"-(\mathbf{1}_{\ell=<n>} - \hat{y}_<n>)", p),
                rf"-(\underline{{e}}_\ell - {OUTPUT})",
            ),
            "i",
            layers=L,
        ),
    )


def _loss(p: int) -> tuple[Derived, ...]:
    """The loss by the outputs."""
    return (
        Derived(OUTPUT_AND_LOSS, "Outputs", (OUTPUT, column(r"\hat{y}_<n>", p)), "i"),
        Derived(OUTPUT_AND_LOSS, "Loss of the true class", (LOSS, TRUE_LOSS)),
        Derived(
            LOSS_BY_OUTPUT,
            "Loss by an output",
            (
                by(LOSS, r"\hat{y}_i"),
                rf"\frac{{\partial}}{{\partial \hat{{y}}_i}} ({TRUE_LOSS})",
                rf"-\frac{{1}}{{{TRUE}}} \text{{ where }} i = \ell \text{{, else }} 0",
                rf"-\frac{{{ONE}}}{{{TRUE}}}",
            ),
            "i",
            notes=(CASES,),
        ),
        Derived(
            GRADIENT_BY_OUTPUT,
            "Gradient by the outputs",
            (
                NABLA % OUTPUT,
                column(by(LOSS, r"\hat{y}_<n>"), p),
                _indicators(p),
                rf"-\frac{{1}}{{{TRUE}}} \underline{{e}}_\ell",
            ),
            "i",
        ),
    )


def _indicators(p: int) -> str:
    return rf"-\frac{{1}}{{{TRUE}}} " + column(r"\mathbf{1}_{\ell=<n>}", p)


def _quotient() -> tuple[str, ...]:
    """The chain's first five lines."""
    slope = rf"\frac{{\partial}}{{\partial {A}}}"
    exp = rf"\exp({A_TRUE})"
    first, second = (
        rf"\frac{{{by(exp, A)}}}{{{TOTAL}}}",
        rf"\frac{{{exp} \cdot {slope} {TOTAL}}}{{\left( {TOTAL} \right)^2}}",
    )
    return (
        f"{slope} ({TRUE_LOSS})",
        f"{BEFORE} {by(TRUE, A)}",
        rf"{BEFORE} {slope} {SOFTMAX}_\ell",
        rf"{BEFORE} {slope} \left( \frac{{{exp}}}{{{TOTAL}}} \right)",
        rf"{BEFORE} \left( {first} - {second} \right)",
    )


def _simplified() -> tuple[str, ...]:
    """The lines of the same chain after the page break."""
    true, this = rf"\exp({A_TRUE})", rf"\exp({A})"
    share, both = rf"\frac{{{ONE} {true}}}{{{TOTAL}}}", rf"\frac{{{true} {this}}}{{{SQUARE}}}"
    return (
        rf"\frac{{\partial}}{{\partial {A}}} ({TRUE_LOSS})",
        rf"{BEFORE} \left( {share} - {both} \right)",
        rf"{BEFORE} \left( {ONE} {SOFTMAX}_\ell - {SOFTMAX}_\ell {SOFTMAX}_i \right)",
        rf"{BEFORE} ({ONE} {TRUE} - {TRUE} \cdot \hat{{y}}_i)",
        rf"-({ONE} - \hat{{y}}_i)",
    )

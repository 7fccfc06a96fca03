"""The symbols that Brawer's equations share: a layer's terms, derivatives, means over samples, the indices shown."""

from __future__ import annotations

from typing import Any

from bpcli.explaining.trace import Trace

Z, NOT_BIAS = "z_{k_0}^<l>", "(1 - I_{p,0})"
ALONG: dict[str, Any] = {"rows": "p", "columns": "q:0"}
OF_NODES: dict[str, Any] = {"rows": "p:0", "columns": "i"}
MEAN = r"\frac{1}{m} \sum_{i=1}^{m}"


def theta(layer: str, p: str = "p", q: str = "q") -> str:
    """θ of a layer, such as ``<l-1>``."""
    return rf"\theta_{{{p},{q}}}^{{({layer})}}"


def h(layer: str, node: str) -> str:
    """What a node of a layer passes on."""
    return f"h^{{({layer})}}(z_{{{node}}}^{layer})"


def psi(layer: str, node: str) -> str:
    """Its derivative."""
    return rf"\Psi^{{({layer})}}(z_{{{node}}}^{layer})"


def C(layer: str, j: str, k: str) -> str:
    """The factor that undoes h of a bias node."""
    return f"C_{{{j},{k}}}^{{({layer})}}"


def M(layer: str, j: str, k: str) -> str:
    """What carries an error down."""
    return f"M_{{{j},{k}}}^{{({layer})}}"


def delta(layer: str, node: str) -> str:
    """The error of a node."""
    return rf"\delta_{{{node}}}^{layer}"


def by(of: str, below: str) -> str:
    """∂of/∂below."""
    return rf"\frac{{\partial {of}}}{{\partial {below}}}"


def operator(below: str) -> str:
    """∂/∂below of what follows."""
    return rf"\frac{{\partial}}{{\partial {below}}}"


def sum_over(node: str, layer: str, first: int = 0) -> str:
    """Σ over the nodes of a layer."""
    return rf"\sum_{{{node}={first}}}^{{s_{layer}}}"


def value_of(node: str, layer: str, index: str = "k", first: int = 0) -> str:
    """(5): the sum that gives a node above ``layer`` its value."""
    return f"{sum_over(index, layer, first)} {theta(layer, node, index)} {h(layer, index)} {C(layer, node, index)}"


def chain(node: str, layer: str, index: str) -> str:
    """The factors with which a node above ``layer`` varies with the values of ``layer``."""
    return f"{sum_over(index, layer)} {theta(layer, node, index)} {C(layer, node, index)} {psi(layer, index)}"


def unless_hidden(trace: Trace, hidden: int) -> str:
    """Why a network has no equation that takes so many hidden layers; empty where it has."""
    needed = "a hidden layer" if hidden == 1 else f"{hidden} hidden layers"
    return "" if trace.last > hidden else f"holds where there {'is' if hidden == 1 else 'are'} {needed}"

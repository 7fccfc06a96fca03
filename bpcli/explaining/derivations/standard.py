r"""The standard notation's equations from the chain rule: every factor of it by itself, then their products.

The derivatives of activations and losses are taken of the formulas that these state, by the rules of calculus
(:mod:`~bpcli.checking.updates.derivatives`), and stand beside the derivatives that they state.
"""

from __future__ import annotations

from bpcli.checking.rewriting import changed, nodes
from bpcli.checking.updates.derivatives import derivative
from bpcli.explaining.derivations.derived import Derived
from bpcli.explaining.documents import standard_equations as table
from bpcli.explaining.documents.standard_writing import BY, Writing, product, varying, written_by_outputs
from bpcli.explaining.symbolic import markup, shortened
from bpcli.explaining.trace import Trace
from bpcli.nn.activations import Activation
from bpcli.nn.expressions import Expression, FormulaError, Symbol, Total
from bpcli.nn.formulas import parse
from bpcli.nn.losses import in_symbols
from bpcli.nn.markup import filled
from bpcli.nn.pairs import pair_statements

LOSS, ACTIVATION, OUTPUT = "derivative of the loss", "derivative of f", "chain rule at the output"
BY_W, BY_B, CARRIED, HIDDEN = (
    "chain rule for W",
    "chain rule for b",
    "chain rule from layer to layer",
    "chain rule through f",
)
OWN = "chain rule for what f owns"
DISPLAYED = (LOSS, ACTIVATION, OUTPUT, BY_W, BY_B, CARRIED, HIDDEN, OWN)
"""The labels of the equations, in their order."""

NO_OWN = "holds where an activation learns a number of its own"
UNWRITTEN = "the loss states no formula for a single output"


def derived(trace: Trace) -> tuple[Derived, ...]:
    """The equations of this network."""
    chain = _Chain(Writing(trace), trace)
    return (
        *chain.loss(),
        *(chain.activation(l) for l in range(trace.last, 0, -1)),
        chain.output(),
        *chain.weights(),
        *chain.biases(),
        *chain.below(),
        *chain.own(),
    )


class _Chain:
    """The equations, in the symbols of one update."""

    def __init__(self, writing: Writing, trace: Trace) -> None:
        self.writing, self.trace = writing, trace
        self.columns, self.examples = writing.columns, r"\sum_{i=1}^{m}" if writing.several else ""
        self.z, self.a, self.delta = (writing.entry(letter) for letter in ("z", "a", r"\delta"))
        self.by_z, self.by_a = writing.by(self.z), writing.by(self.a)

    def loss(self) -> tuple[Derived, ...]:
        """∂L/∂a of the outputs."""
        last = self.trace.last
        if not written_by_outputs(self.trace):
            return (Derived(LOSS, "Loss by the outputs", (self.by_a, self.by_a), unless=UNWRITTEN),)
        forms = _forms(self.by_a, self._slope_of_loss(), table.by_outputs(self.writing))
        return (Derived(LOSS, "Loss by the outputs", forms, "j", self.columns, (last,)),)

    def _slope_of_loss(self) -> str:
        """∂L/∂a by calculus, from the loss's term; empty where an operation has no derivative here."""
        loss, writing = self.trace.network.head.loss, self.writing
        levels = {name: rf"\mathrm{{{name}}}_j" for name in varying(self.trace)}
        names = {"y": "<y>", "a": "<a>", **{name: f"<{name}>" for name in levels}}
        symbols = {"y": writing.entry("y", layer=""), "a": self.a, **levels}
        slope = _slope(in_symbols(loss.term, loss, self.trace.outputs, **names), "a", symbols)
        return slope and product("-" * loss.likelihood + writing.share, writing.outputs_share, slope)

    def activation(self, l: int) -> Derived:
        """∂a/∂z of a layer."""
        activation, title = self.trace.network.activations[l - 1], "Layer <l> after activation by before"
        if not activation.elementwise:
            by = BY.format(self.writing.entry("a", "k"), self.z)
            forms = _forms(by, self._joint_slope(activation), table.jacobian(self.writing, activation))
            return Derived(ACTIVATION, title, forms, "k", "j", (l,))
        symbols = {"z": self.z, **self._owned(activation)}
        slope = _slope(_formula(activation), "z", symbols)
        forms = _forms(BY.format(self.a, self.z), slope, table.slope(self.writing, activation))
        return Derived(ACTIVATION, title, forms, "j", self.columns, (l,))

    @staticmethod
    def _owned(activation: Activation) -> dict[str, str]:
        return {name: rf"\mathrm{{{name}}}^<l>" for name in activation.owned}

    def _joint_slope(self, activation: Activation) -> str:
        """∂a_k/∂z_j by calculus where units act on one another: through z_k itself, and through each sum over units."""
        whole = parse(_formula(activation))
        totals = {one: f"total{place}" for place, one in enumerate(nodes(whole)) if isinstance(one, Total)}
        apart = changed(whole, lambda node: Symbol(totals[node]) if node in totals else node)
        k, j, q = (self.writing.entry("z", unit) for unit in ("k", "j", "q"))
        owned = self._owned(activation)
        symbols = {"z": k, **owned}
        for total, name in totals.items():
            symbols[name] = rf"\sum_{{q=1}}^{{n_<l>}} {markup(total.term, {'z': q, **owned})}"
        terms = [product("I_{k,j}", _slope_of(apart, "z", symbols))]
        for total, name in totals.items():
            by_total, of_unit = _slope_of(apart, name, symbols), _slope_of(total.term, "z", {"z": j, **owned})
            if not by_total or not of_unit:
                return ""
            terms.append(rf"\left( {by_total} \right) {of_unit}")
        return " + ".join(terms) if terms[0] else ""

    def output(self) -> Derived:
        """∂L/∂z of the outputs, δ."""
        stated = pair_statements(self.trace.network.head).error
        writing = self.writing
        short = product(writing.share, writing.outputs_share, writing.of_loss(stated, "j")) if stated else ""
        forms = _forms(self.by_z, self._through(self.trace.last), short, self.delta)
        return Derived(OUTPUT, "Loss by the outputs before activation", forms, "j", self.columns, (self.trace.last,))

    def _through(self, l: int) -> str:
        """∂L/∂z through the layer's activation."""
        if self.trace.network.activations[l - 1].elementwise:
            return f"{self.by_a} {BY.format(self.a, self.z)}"
        by_k, jacobian = self.writing.by(self.writing.entry("a", "k")), BY.format(self.writing.entry("a", "k"), self.z)
        return rf"\sum_{{k=1}}^{{n_<l>}} {by_k} {jacobian}"

    def weights(self) -> tuple[Derived, ...]:
        """∂z/∂W, then ∂L/∂W."""
        weight, below = "w_{j,k}^<l>", self.writing.entry("a", "k", "^<l-1>")
        of_z = BY.format(self.z, weight)
        layers = self._layers
        return (
            Derived(BY_W, "Layer <l> before activation by a weight", (of_z, below), "k", self.columns, layers),
            Derived(
                BY_W,
                "Loss by the weights into layer <l>",
                (
                    self.writing.by(weight),
                    product(self.examples, f"{self.by_z} {of_z}"),
                    product(self.examples, f"{self.delta} {below}"),
                ),
                "j",
                "k",
                layers,
            ),
        )

    def biases(self) -> tuple[Derived, ...]:
        """∂z/∂b, then ∂L/∂b."""
        of_z, layers = BY.format(self.z, "b_j^<l>"), self._layers
        sums = product(self.examples, f"{self.by_z} {of_z}"), product(self.examples, self.delta)
        return (
            Derived(BY_B, "Layer <l> before activation by its bias", (of_z, "1"), "j", self.columns, layers),
            Derived(BY_B, "Loss by the biases of layer <l>", (self.writing.by("b_j^<l>"), *sums), "j", "", layers),
        )

    @property
    def _layers(self) -> tuple[int, ...]:
        return tuple(range(self.trace.last, 0, -1))

    def below(self) -> tuple[Derived, ...]:
        """∂z/∂a of the layer before, ∂L/∂a through it, and δ of a hidden layer."""
        layers, entry = tuple(range(self.trace.last - 1, 0, -1)), self.writing.entry
        above, below, weight = entry("z", "j", "^<l+1>"), entry("a", "k"), "w_{j,k}^<l+1>"
        of_z, delta = BY.format(above, below), entry(r"\delta", "j", "^<l+1>")
        total = r"\sum_{j=1}^{n_<l+1>}"
        chain = f"{total} {self.writing.by(above)} {of_z}", f"{total} {weight} {delta}"
        found = [
            Derived(CARRIED, "Layer <l+1> before activation by layer <l>", (of_z, weight), "j", "k", layers),
            Derived(CARRIED, "Loss by layer <l>", (self.writing.by(below), *chain), "k", self.columns, layers),
        ]
        for l in layers:
            forms = self.by_z, self._through(l), self.delta
            title = "Loss by layer <l> before activation"
            found.append(Derived(HIDDEN, title, forms, "j", self.columns, (l,)))
        return tuple(found)

    def own(self) -> tuple[Derived, ...]:
        """∂a/∂own, then ∂L/∂own, of every number that an activation owns."""
        found = []
        for l, activation in enumerate(self.trace.network.activations, start=1):
            for name, symbol in self._owned(activation).items():
                of_a = BY.format(self.a, symbol)
                slope = _slope(_formula(activation), name, {"z": self.z, **self._owned(activation)}) or of_a
                title, columns = f"Layer <l> after activation by its {name}", self.columns
                found.append(Derived(OWN, title, (of_a, slope), "j", columns, (l,)))
                through = product(self.examples, r"\sum_{j=1}^{n_<l>}", f"{self.by_a} {of_a}")
                stated = table.gradient_of_own(self.writing, activation, name)
                forms = self.writing.by(symbol), through, stated
                found.append(Derived(OWN, f"Loss by the {name} of layer <l>", forms, layers=(l,)))
        return tuple(found) or (Derived(OWN, "Loss by what an activation owns", ("L", "L"), unless=NO_OWN),)


def _formula(activation: Activation) -> str:
    """f with its settings filled in, of the names z and what it owns."""
    return filled(activation.formula, activation, z="<z>", **{name: f"<{name}>" for name in activation.owned})


def _slope(formula: str, name: str, symbols: dict[str, str]) -> str:
    """The derivative of a formula by a name, in markup; empty where an operation has none here."""
    return _slope_of(parse(formula), name, symbols)


def _slope_of(expression: Expression, name: str, symbols: dict[str, str]) -> str:
    try:
        return markup(shortened(derivative(expression, name)), symbols)
    except FormulaError:
        return ""


def _forms(*sides: str) -> tuple[str, ...]:
    """The sides that there are, each once."""
    return tuple(dict.fromkeys(side for side in sides if side))

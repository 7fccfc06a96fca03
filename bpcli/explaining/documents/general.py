"""The general case: any cost c of each output, any activation f; w transposed; sums over examples, no 1/P.

Layers count from 0 to L; w^l multiplies the activations of layer l, so it is
the transpose of bp's W_(l+1). Sections and their equations: §1 any c and f, (9)
and (10); §2 sigmoids, c the log-likelihood, (11); §3 one output, (12); §4 both,
(13); §5 the output layer being the second, (14) to the closed form (17).

A log-likelihood is to be raised, so those gradients point uphill. What the
document keeps apart for each output n_L is shown added up over n_L, which obeys
the same recursion and is what the gradients need.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from bpcli.explaining.documents.general_equations import LAST_WEIGHTS, Wording, equations
from bpcli.explaining.documents.matrices import LEARNING_RATE
from bpcli.explaining.documents.objections import all_layers, of_loss, of_softmax
from bpcli.explaining.documents.reductions import Factor, Own, factor, remark
from bpcli.explaining.documents.steps import Document, Page, Step, activation_names, derivative, function_note
from bpcli.explaining.documents.updates import Block, add_updates
from bpcli.explaining.trace import Trace
from bpcli.nn import Array
from bpcli.nn.losses import BinaryCrossEntropy, CrossEntropy, HalfSquaredError
from bpcli.nn.network import Network
from bpcli.nn.parameters import Parameters

COSTS: dict[type, str] = {
    BinaryCrossEntropy: "likelihood",
    CrossEntropy: "class",
    HalfSquaredError: "squared",
}
"""What c is: the log-likelihood of every output or of the true class, to be raised, or half the squared error."""


def objection(network: Network) -> str:
    """Why the document cannot express ``network``."""
    return of_loss(network, *COSTS) or of_softmax(network, "f", all_layers(network))


def wording(network: Network) -> Wording:
    """The most special section that covers the network."""
    cost, one = COSTS[type(network.head.loss)], network.sizes[-1] == 1
    sigmoids = set(activation_names(network)[1:]) == {"sigmoid"} and cost == "likelihood"
    if not sigmoids:
        return Wording(3 if one else 1, one, cost)
    if not one:
        return Wording(2, one, cost)
    return Wording(5 if len(network.sizes) == 3 else 4, one, cost)


def steps(trace: Trace) -> tuple[Step, ...]:
    """Given, forward, cost, backward, update."""
    say = wording(trace.network)
    own = Own("sum", "sum", "N_L", "P", 1 if say.cost == "squared" else -1, loss="C")
    walk = _Walk(Page(equations(say)), trace, say, factor(trace, own))
    walk.given()
    walk.forward()
    walk.page.add("loss", "loss", trace.last, trace.loss * walk.own.document, notes=remark(trace, own))
    walk.output()
    for l in range(trace.last, 0, -1):
        if l < trace.last:
            walk.down(l)
        walk.gradients(l - 1)
    blocks = []
    for l in range(trace.last):
        blocks.append(Block("biases", "bias_gradient", l, biases(l)))
        blocks.append(Block("weights", "weight_gradient", l, weights(l)))
    add_updates(walk.page, trace, blocks, walk.own)
    return tuple(walk.page.steps)


def weights(l: int) -> Callable[[Parameters], Array]:
    """w^l, (N_l, N_(l+1))."""
    return lambda parameters: parameters.W[l + 1].T


def biases(l: int) -> Callable[[Parameters], Array]:
    """w_0^l, (1, N_(l+1))."""
    return lambda parameters: parameters.b[l + 1].T


@dataclass(frozen=True)
class _Walk:
    """The stages that set the page; ``own`` turns bp's numbers into the document's."""

    page: Page
    trace: Trace
    say: Wording
    own: Factor

    def given(self) -> None:
        """Inputs, outputs wanted, weights."""
        trace, page = self.trace, self.page
        page.add("given", "inputs", 0, trace.A[0])
        page.add("given", "targets", trace.last, trace.targets)
        for l in range(trace.last):
            page.add("given", "biases", l, biases(l)(trace.before))
            page.add("given", "weights", l, weights(l)(trace.before))
        page.set(LEARNING_RATE, "given", "learning_rate", None, trace.optimizer.learning_rate, ())

    def forward(self) -> None:
        """Every z and a."""
        names = activation_names(self.trace.network)
        for l in range(1, self.trace.last + 1):
            key = "activation/output" if l == self.trace.last else "activation"
            self.page.add("forward", "pre_activation", l, self.trace.Z[l])
            notes = function_note("f", l, names[l])
            self.page.add("forward", key, l, self.trace.A[l], notes=notes)

    def output(self) -> None:
        """∂c/∂z of the outputs: at once for the log-likelihood of sigmoids, else by the chain rule."""
        l = self.trace.last
        if self.say.cost != "likelihood":
            self.page.add("backward", "activation_gradient/output", l, self.trace.dA[l] * self.own.document)
            self._slope(l)
        self.page.add("backward", "error/output", l, self.trace.dZ[l] * self.own.document)

    def down(self, l: int) -> None:
        """From layer l + 1 to layer l."""
        self.page.add("backward", "activation_gradient", l, self.trace.dA[l] * self.own.document)
        self._slope(l)
        self.page.add("backward", "error", l, self.trace.dZ[l] * self.own.document)

    def gradients(self, l: int) -> None:
        """By the weights from layer l to layer l + 1."""
        variant = "/closed" if self.say.section == 5 and l == 0 else ""
        notes = (LAST_WEIGHTS,) if l == self.trace.last - 1 else ()
        gradient, ratio = self.trace.gradient, self.own.document
        self.page.add("backward", f"bias_gradient{variant}", l, biases(l)(gradient) * ratio, notes=notes)
        self.page.add("backward", f"weight_gradient{variant}", l, weights(l)(gradient) * ratio)

    def _slope(self, l: int) -> None:
        slope, symbols = self.trace.slopes[l], self.page.equations
        assert slope is not None, "a document expresses no softmax here"
        name = activation_names(self.trace.network)[l]
        a = symbols["activation/output" if l == self.trace.last else "activation"].symbol
        formula = derivative(name, symbols["pre_activation"].symbol, a).replace(r" \odot ", " ")
        self.page.add("backward", "slope", l, slope, formula=formula)


DOCUMENT = Document(
    name="general",
    title="Derivation of backpropagation equations in the general case",
    expresses="any activations and any cost of each output by itself; not softmax",
    conventions=(
        r"Layers count from 0, the inputs, to $L$; $w^l$ leads from layer $l$ to $l + 1$ and is $N_l \times N_{l+1}$.",
        r"In place of the letter a layer's number is in parentheses, $w^{(2)}$: without them it would be a power.",
        "The bias weights $w_0^l$ are a row.",
        r"$C$ and its gradients are sums over the $P$ data points, without $\frac{1}{P}$; data points are columns.",
        "Where $c$ is a log-likelihood, $C$ is to be raised and its gradient points uphill.",
    ),
    notation=(
        ("P", "the number of data points"),
        ("N_l", "the number of nodes of layer $l$"),
        (r"z_{n_l}^{p,l}", "the value of node $n_l$ for data point $p$ before activation"),
        (r"a_{n_l}^{p,l}", "the same after activation by $f$"),
        (r"w_{n_l n_{l+1}}^l", r"the weight in layer $l$ that multiplies $a_{n_l}^{p,l}$"),
        (r"w_{0 n_{l+1}}^l", "the bias weight"),
        (r"h_{n_L}^p, y_{n_L}^p", "the output and the true output"),
        ("c, C", "the cost of one output for one data point, and their sum"),
    ),
    objection=objection,
    steps=steps,
)

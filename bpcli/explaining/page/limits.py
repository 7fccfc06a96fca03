"""Which networks and updates the page takes: small ones, so that every number is drawn and a browser stays quick."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import fields

from bpcli.choices import name_of
from bpcli.errors import ConfigError
from bpcli.explaining.detail import Detail
from bpcli.explaining.trace import Trace
from bpcli.nn.layers import LAYERS, Dense
from bpcli.nn.markup import AT_THETA
from bpcli.nn.optimizers import OPTIMIZERS
from bpcli.nn.optimizers.rule import rule_statements

WHERE = "--format html"

MOST_UNITS = 16
"""The widest layer that is drawn, inputs too: circles of 44 pixels, one below the other, on a screen."""

MOST_LAYERS = 6
"""The layers that stand side by side, the inputs among them."""

MOST_PARAMETERS = 400

MOST_EXAMPLES = 16

MOST_NUMBERS = 2_000
"""Parameters times examples: each takes about ten operations on the page, in every notation."""


OPTIONS = {"derivation": "--derive"}
"""Options that have another name than what they set."""


def require_fit(trace: Trace) -> None:
    """Raise where the page cannot show the update.

    Raises:
        ConfigError: the network is too large, or its update has what the page does not compute.
    """
    for problem, hint in (*_sizes(trace), *_kinds(trace)):
        raise ConfigError(f"the page {problem}", where=WHERE, hint=hint)


def require_plain(detail: Detail) -> None:
    """Raise where more is asked for than the page shows, which has one update and goes on by itself.

    Raises:
        ConfigError: an option of the other formats is set.
    """
    for one in fields(detail):
        if getattr(detail, one.name) != one.default:
            option = OPTIONS.get(one.name, f"--{one.name}")
            hint = f"leave out {option}, or choose another --format"
            raise ConfigError(f"the page takes no {option}", where=WHERE, hint=hint)


def require_shown(document: str, shown: Collection[str]) -> None:
    """Raise where the page cannot compute a document's steps, such as an update that it does not write out.

    Raises:
        ConfigError: it cannot.
    """
    if document not in shown:
        hint = f"choose --document {' or '.join(shown)}" if shown else "choose optimizer.name=gradient_descent"
        raise ConfigError(f"the page cannot compute every step of document {document}", where=WHERE, hint=hint)


def _sizes(trace: Trace) -> list[tuple[str, str]]:
    sizes, parameters = trace.network.sizes, trace.before.theta.size
    widest = max(sizes)
    other = "; --format text shows a part of any network"
    found = []
    if widest > MOST_UNITS:
        what, remedy = _too_wide(sizes)
        found.append((f"draws at most {MOST_UNITS} units in a layer, and there are {widest} {what}", remedy + other))
    if len(sizes) > MOST_LAYERS:
        found.append((f"draws at most {MOST_LAYERS} layers, not {len(sizes)}", "choose network.hidden=[8]" + other))
    if parameters > MOST_PARAMETERS:
        remedy = "choose network.hidden=[8]"
        found.append((f"takes at most {MOST_PARAMETERS} parameters, and the network has {parameters}", remedy + other))
    if trace.m > MOST_EXAMPLES or trace.m * parameters > MOST_NUMBERS:
        most = min(MOST_EXAMPLES, max(1, MOST_NUMBERS // parameters))
        found.append(
            (f"takes at most {most} examples of this network at once, not {trace.m}", "name fewer with --example")
        )
    return found


def _too_wide(sizes: Sequence[int]) -> tuple[str, str]:
    """What the widest layer is of, and how it gets narrower."""
    widest = max(sizes)
    if sizes[0] == widest:
        return "inputs", "choose fewer columns with data.features"
    if sizes[-1] == widest:
        return "outputs", "choose another data.target, of fewer classes or numbers"
    return "units", "choose network.hidden=[8]"


def _kinds(trace: Trace) -> list[tuple[str, str]]:
    network, rule = trace.network, trace.optimizer
    stated = rule_statements(rule)
    found = []
    for l, layer in enumerate(network.layers, start=1):
        if not isinstance(layer, Dense):
            found.append((f"has no {name_of(LAYERS, layer)} layers, and layer {l} is one", "see --format text"))
    if trace.chain or network.constrained:
        names = " and ".join((*trace.chain, *(["max_norm"] if network.constrained else [])))
        found.append((f"computes updates without {names}", "leave it out, such as with penalties=null"))
    if not stated.equations or stated.gradient_at != AT_THETA:
        name = name_of(OPTIMIZERS, rule)
        found.append((f"cannot compute an update by {name}", "choose optimizer.name=gradient_descent"))
    return found

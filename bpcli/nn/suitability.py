"""Which outputs go with which loss, and why another does not."""

from __future__ import annotations

import numpy as np

from bpcli.choices import name_of
from bpcli.nn.activations import ACTIVATIONS, Activation
from bpcli.nn.losses import LOSSES, Loss
from bpcli.nn.losses.forms import loss_statements


def misfit(output: Activation, loss: Loss) -> str:
    """What the loss needs and the output does not give; empty where they go together."""
    name, (low, high) = name_of(LOSSES, loss), output.range
    words = f"{name_of(ACTIVATIONS, output)}'s range is [{low:g}, {high:g}]"
    least, most = loss.domain
    if low < least or high > most:
        return f"{name} needs outputs in [{least:g}, {most:g}], {words}"
    form = loss.targets
    if form.task == "classification" and not form.class_indices and (form.off < low or form.on > high):
        return f"{name} needs outputs that reach {form.off:g} and {form.on:g}, {words}"
    return _of_ends(output, loss) or _of_joint_outputs(output, loss)


def _of_ends(output: Activation, loss: Loss) -> str:
    """Whether an output may be an end of a domain that has none: that of an activation with a kink may."""
    ends = [end for end in loss.domain if np.isfinite(end) and end in output.range]
    if not loss_statements(loss).domain_open or not output.kinks or not ends:
        return ""
    return (
        f"{name_of(LOSSES, loss)} takes the logarithm of its outputs or divides by them, "
        f"{name_of(ACTIVATIONS, output)}'s may be exactly {ends[0]:g}"
    )


def _of_joint_outputs(output: Activation, loss: Loss) -> str:
    """Whether outputs depend on one another where they should not, or the other way round."""
    joint = loss_statements(loss).joint_outputs
    if joint is None or joint != output.elementwise:
        return ""
    name, other = name_of(LOSSES, loss), name_of(ACTIVATIONS, output)
    if joint:
        return f"{name} needs outputs that add up to 1, {other}'s need not"
    return f"{name} needs outputs that do not depend on one another, {other}'s add up to 1"


def fitting_outputs(loss: Loss) -> list[str]:
    """The names of the outputs that go with a loss."""
    return [name for name, kind in ACTIVATIONS.items() if not misfit(kind(), loss)]


def losses_of(output: Activation) -> list[str]:
    """The names of the losses for which an output is the usual one."""
    own = name_of(ACTIVATIONS, output)
    return [name for name, kind in LOSSES.items() if kind().usual_output == own]

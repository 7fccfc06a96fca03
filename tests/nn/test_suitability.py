"""Which outputs go with which loss."""

from __future__ import annotations

import pytest

from bpcli.nn.activations import ACTIVATIONS
from bpcli.nn.losses import LOSSES
from bpcli.nn.suitability import fitting_outputs, losses_of, misfit

from .support import activation, loss

SMOOTH = ("identity", "sigmoid", "tanh", "relu", "leaky_relu", "softmax", "exponential")

FITTING = {
    "cross_entropy": {"sigmoid", "softmax"},
    "binary_cross_entropy": {"sigmoid", "softmax"},
    "half_squared_error": set(SMOOTH),
    "absolute_error": set(SMOOTH),
    "huber": set(SMOOTH),
    "log_cosh": set(SMOOTH),
    "quantile": set(SMOOTH),
    "poisson": {"sigmoid", "softmax", "exponential"},
    "gamma": {"sigmoid", "softmax", "exponential"},
    "hinge": {"identity", "tanh", "leaky_relu"},
    "squared_hinge": {"identity", "tanh", "leaky_relu"},
    "focal": {"sigmoid"},
    "categorical_focal": {"softmax"},
    "kullback_leibler": {"softmax"},
}


@pytest.mark.parametrize("name", LOSSES)
def test_a_loss_goes_with_these_of_the_first_outputs(name: str) -> None:
    assert {output for output in SMOOTH if not misfit(activation(output), loss(name))} == FITTING[name]


@pytest.mark.parametrize("name", LOSSES)
def test_the_usual_output_is_among_those_that_fit(name: str) -> None:
    assert loss(name).usual_output in fitting_outputs(loss(name))
    assert name in losses_of(activation(loss(name).usual_output))


def test_every_misfit_names_the_loss_and_the_output() -> None:
    for name in LOSSES:
        for output in ACTIVATIONS:
            reason = misfit(activation(output), loss(name))
            assert not reason or (reason.startswith(f"{name} ") and output in reason)

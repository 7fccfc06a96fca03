"""The starter script for PyTorch."""

from __future__ import annotations

from bpcli.checking.starters.dialect import Dialect

TEMPLATE = '''\
"""The gradient of an exported network in $framework; then: bp gradcheck CONFIG --against $gradients_name."""

from pathlib import Path

import numpy as np
import torch
${import_load}from torch import nn
from torch.nn import functional

here = Path(__file__).resolve()
given = $load(here.with_name($export))
X = torch.from_numpy(given["X"].T.copy())  # an example is a row
Y = torch.from_numpy(given["Y"]$targets.copy())


class Network(nn.Module):
    def __init__(self):
        super().__init__()
$declared

    def forward(self, A):
${hidden}        return self.fc$last(A)  # Z: the loss below contains the output's activation


network = Network().double()
with torch.no_grad():
    for number, layer in enumerate(network.children(), start=1):
        layer.weight.copy_(torch.from_numpy(given[f"W{number}"]))
        layer.bias.copy_(torch.from_numpy(given[f"b{number}"]))

Z = network(X)
$terms
loss = $total
loss.backward()

gradients = {name: parameter.grad.numpy() for name, parameter in network.named_parameters()}
np.savez(here.with_name($gradients), **gradients)
print(here.with_name($gradients))
'''

PYTORCH = Dialect(
    framework="PyTorch",
    template=TEMPLATE,
    declared="        self.fc{l} = nn.Linear({fan_in}, {n})",
    hidden="        Z = self.fc{l}(A)\n        A = {activation}",
    activations={
        "identity": "Z",
        "sigmoid": "torch.sigmoid(Z)",
        "tanh": "torch.tanh(Z)",
        "relu": "torch.relu(Z)",
        "leaky_relu": "functional.leaky_relu(Z, {slope})",
        "softmax": "torch.softmax(Z, dim=1)",
        "elu": "functional.elu(Z, {alpha})",
        "selu": "functional.selu(Z)",
        "gelu": 'functional.gelu(Z, approximate="{approximate}")',
        "silu": "functional.silu(Z)",
        "mish": "functional.mish(Z)",
        "softplus": "torch.logaddexp(Z, torch.zeros_like(Z))",
        "softsign": "functional.softsign(Z)",
        "relu6": "functional.relu6(Z)",
        "hard_tanh": "functional.hardtanh(Z)",
        "hard_sigmoid": "(Z.clamp(-3, 3) + 3) / 6",
        "hard_swish": "Z * (Z.clamp(-3, 3) + 3) / 6",
        "exponential": "torch.exp(Z)",
    },
    log_outputs={
        "sigmoid": "functional.logsigmoid(Z)",
        "softmax": "functional.log_softmax(Z, dim=1)",
        "exponential": "Z",
    },
    log_rests={
        "sigmoid": "functional.logsigmoid(-Z)",
        "softmax": (
            "torch.stack([torch.cat((Z[:, :k], Z[:, k + 1 :]), 1).logsumexp(1) for k in range(Z.shape[1])], 1)"
            " - Z.logsumexp(1, keepdim=True)"
        ),
    },
    losses={
        "cross_entropy": "-log_A[torch.arange(len(X)), Y]",
        "binary_cross_entropy": "-(Y * log_A + (1 - Y) * log_rest).sum(dim=1)",
        "half_squared_error": "(0.5 * (A - Y) ** 2).sum(dim=1)",
        "absolute_error": "(A - Y).abs().sum(dim=1)",
        "huber": 'functional.huber_loss(A, Y, reduction="none", delta={delta}).sum(dim=1)',
        "log_cosh": "(torch.logaddexp(A - Y, Y - A) - torch.tensor(2.0).log()).sum(dim=1)",
        "quantile": (
            "(functional.relu(A - Y) - torch.tensor({levels}, dtype=Z.dtype)"
            ".repeat_interleave(Z.shape[1] // len({levels})) * (A - Y)).sum(dim=1)"
        ),
        "poisson": "(A - Y + torch.xlogy(Y, Y) - Y * log_A).sum(dim=1)",
        "gamma": "(Y * torch.exp(-log_A) - 1 - torch.log(Y) + log_A).sum(dim=1)",
        "hinge": "functional.relu(1 - Y * A).sum(dim=1)",
        "squared_hinge": "functional.relu(1 - Y * A).square().sum(dim=1)",
        "focal": (
            "-({alpha} * Y * torch.exp({gamma} * log_rest) * log_A"
            " + (1 - {alpha}) * (1 - Y) * torch.exp({gamma} * log_A) * log_rest).sum(dim=1)"
        ),
        "categorical_focal": "-(torch.exp({gamma} * log_rest) * log_A)[torch.arange(len(X)), Y]",
        "kullback_leibler": "(torch.xlogy(Y, Y) - Y * log_A).sum(dim=1)",
    },
    indent="",
)

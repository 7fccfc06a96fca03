"""How is a network with its loss written in a framework? A template, and the framework's words for bp's choices.

A loss is an expression of A, or of ``log_A`` and ``log_rest``, log A and log(1 − A),
which come from Z without a rounded 0 or 1 in between.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from string import Template
from typing import Any, NoReturn, Protocol

from bpcli.choices import Registry, name_of
from bpcli.errors import ConfigError
from bpcli.nn.activations import ACTIVATIONS
from bpcli.nn.layers import LAYERS, Dense
from bpcli.nn.losses import LOSSES, Loss
from bpcli.nn.network import Network
from bpcli.training.array_files import NPZ_SUFFIX


@dataclass(frozen=True)
class Files:
    """The names of the export and of the gradients' file, both beside the script."""

    export: str
    gradients: str

    @property
    def is_npz(self) -> bool:
        """Whether the export is NPZ, not safetensors."""
        return Path(self.export).suffix.lower() == NPZ_SUFFIX

    @property
    def words(self) -> dict[str, str]:
        """What a template says of them."""
        return {
            "export": json.dumps(self.export, ensure_ascii=False),
            "gradients": json.dumps(self.gradients, ensure_ascii=False),
            "gradients_name": self.gradients,
            "import_load": "" if self.is_npz else "from safetensors.numpy import load_file\n",
            "load": "np.load" if self.is_npz else "load_file",
        }


class Starter(Protocol):
    """A framework that can compute the gradient of some networks."""

    def script(self, network: Network, files: Files) -> str:
        """The source of a script that reads the export, computes the gradient and saves it.

        Raises:
            ConfigError: the framework has no word for a choice of the network.
        """
        ...


@dataclass(frozen=True)
class Dialect:
    """A framework by its words for bp's choices.

    ``declared`` and ``hidden`` are a layer's lines, where it is made and where it is used. ``activations`` are
    expressions of Z; ``log_outputs`` and ``log_rests`` of the output's Z; ``losses`` give each example's term.
    """

    framework: str
    template: str
    declared: str
    hidden: str
    activations: Mapping[str, str]
    log_outputs: Mapping[str, str]
    log_rests: Mapping[str, str]
    losses: Mapping[str, str]
    indent: str

    def script(self, network: Network, files: Files) -> str:
        """The template with the network's words in it."""
        require_dense(network, self.framework)
        sizes = list(pairwise(network.sizes))
        declared = [self.declared.format(l=l, fan_in=f, n=n) for l, (f, n) in enumerate(sizes, start=1)]
        used = [
            self.hidden.format(
                l=l, n=n, fan_in=f, activation=self._word(self.activations, ACTIVATIONS, layer.activation)
            )
            for l, ((f, n), layer) in enumerate(zip(sizes[:-1], network.layers[:-1], strict=True), start=1)
        ]
        return Template(self.template).substitute(
            files.words,
            framework=self.framework,
            declared="\n".join(filter(None, declared)),
            hidden="".join(f"{line}\n" for line in used),
            last=len(sizes),
            inputs=network.sizes[0],
            outputs=network.sizes[-1],
            targets="" if network.head.loss.targets.class_indices else ".T",
            terms="\n".join(f"{self.indent}{line}" for line in self._terms(network)),
            total=total(network.head.loss, network.sizes[-1]),
        )

    def _terms(self, network: Network) -> Iterator[str]:
        """The lines that compute each example's term from Z."""
        output, loss = network.head.activation, network.head.loss
        terms = self._word(self.losses, LOSSES, loss)
        possible = {"A": self.activations, "log_A": self.log_outputs, "log_rest": self.log_rests}
        for name, words in possible.items():
            if re.search(rf"\b{name}\b", terms):
                yield f"{name} = {self._word(words, ACTIVATIONS, output)}"
        yield f"terms = {terms}  # one number for each example"

    def _word(self, words: Mapping[str, str], registry: Registry, choice: Any) -> str:
        """The framework's expression for a choice, its settings filled in."""
        name = name_of(registry, choice)
        if name not in words:
            refuse(self.framework, name, list(words))
        refuse_settings(self.framework, name, choice, words[name])
        return words[name].format(**vars(choice))


def total(loss: Loss, outputs: int) -> str:
    """The loss from the terms, as an expression."""
    divisors = ["len(X)"] * (loss.examples == "mean") + [str(outputs)] * (loss.outputs == "mean")
    return "terms.sum()" + "".join(f" / {divisor}" for divisor in divisors)


def refuse_settings(framework: str, name: str, choice: Any, expression: str = "") -> None:
    """Refuse a choice with a setting, but for reductions and what is left out, that its expression has no place for."""
    for setting, value in vars(choice).items():
        has_place = setting in ("outputs", "examples") or f"{{{setting}}}" in expression
        if value is not None and not has_place:
            refuse(framework, f"{name} with {setting}", [f"{name} without it"])


def require_dense(network: Network, framework: str) -> None:
    """Refuse layers of another kind than dense."""
    for layer in network.layers:
        if type(layer) is not Dense:
            refuse(framework, name_of(LAYERS, layer), ["dense"])


def refuse(framework: str, name: str, known: list[str]) -> NoReturn:
    """Refuse a choice that a framework's starter does not know."""
    raise ConfigError(
        f"the starter for {framework} does not know {name} here, only {', '.join(known)}",
        where="command line",
        hint="take another framework, or leave --starter out and write the script yourself",
    )

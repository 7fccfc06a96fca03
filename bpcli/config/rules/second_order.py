"""What contradicts a rule of second order, which looks at one loss on all examples, as often as it likes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from bpcli.config.rules.values import Plain, choice, integer, rule_of
from bpcli.errors import ConfigError
from bpcli.nn.optimizers import OPTIMIZERS
from bpcli.nn.optimizers.second_order.rule import is_second_order
from bpcli.nn.penalties import PENALTIES, is_quadratic


def contradictions(config: Plain) -> Iterator[ConfigError]:
    """Every setting that has no place beside a rule of second order."""
    rule, optimizer = rule_of(config), choice(config.get("optimizer"))
    if rule is None or not is_second_order(rule):
        return
    for what, key, hint in (*_trainer(optimizer), *_computing(config), *_loss(rule, config), *_penalties(rule, config)):
        yield ConfigError(f"optimizer: {optimizer['name']} {what}", key=key, hint=hint)


Contradiction = tuple[str, str, str]
"""What of the rule is contradicted, the key that does it, and the remedy."""


def _trainer(optimizer: Plain) -> Iterator[Contradiction]:
    if optimizer.get("clip") is not None:
        yield "needs the gradient as it is, clipped it is no loss's", "optimizer.clip", "leave clip out"
    if optimizer.get("shuffle") is True:
        yield "takes the examples in the file's order", "optimizer.shuffle", "shuffle: false, or leave it out"


def _computing(config: Plain) -> Iterator[Contradiction]:
    shards = integer(config.get("shards"))
    if shards > 1:
        yield f"computes its sums in parts of its own, not in {shards} shards", "shards", "shards: 1"
    if config.get("engine") == "numba":
        yield "has no compiled form", "engine", "engine: numpy, or leave it out"


def _loss(rule: Any, config: Plain) -> Iterator[Contradiction]:
    loss = choice(config.get("loss")).get("name")
    if rule.only_loss is not None and isinstance(loss, str) and loss != rule.only_loss:
        others = [name for name, kind in OPTIMIZERS.items() if is_second_order(kind) and kind.only_loss is None]
        hint = f"loss: {rule.only_loss}, or optimizer: {' or '.join(others)}"
        yield f"minimises {rule.only_loss}, a sum of squares, and no other loss", "loss", hint


REFUSED = {
    "smooth": "needs a loss without kinks, and {penalty} has one",
    "quadratic": "takes a penalty whose second derivatives are constant, and {penalty} has others",
    "none": "finds the strength of its own penalty, and takes no {penalty}",
}
"""Why a rule refuses a penalty, by the penalties that it takes."""


def _penalties(rule: Any, config: Plain) -> Iterator[Contradiction]:
    given = config.get("penalties") or []
    for penalty in (choice(each).get("name") for each in (given if isinstance(given, list) else [given])):
        kind = PENALTIES.get(penalty) if isinstance(penalty, str) else None
        if kind is not None and not _takes(rule, kind):
            yield REFUSED[rule.penalties].format(penalty=penalty), "penalties", "leave it out, or take another rule"


def _takes(rule: Any, penalty: Any) -> bool:
    if rule.penalties == "smooth":
        return not penalty.kinks
    return rule.penalties == "quadratic" and is_quadratic(penalty)

"""Rules about ``optimizer``: what goes with its mode and with its update rule."""

from __future__ import annotations

from collections.abc import Iterator

from bpcli.config.rules.values import Plain, choice, is_number, rule_of
from bpcli.errors import ConfigError
from bpcli.nn.optimizers.rule import rule_statements


def batch_size(config: Plain) -> Iterator[ConfigError]:
    """A batch has a size of its own in mode mini_batch alone."""
    optimizer = _optimizer(config)
    mode = optimizer.get("mode", "mini_batch")
    if "batch_size" in optimizer and mode in ("sgd", "batch"):
        batch = "one example" if mode == "sgd" else "all examples"
        yield ConfigError(
            f"optimizer: mode {mode} takes {batch} at a time, batch_size has no place in it",
            key="optimizer.batch_size",
            hint="leave batch_size out, or mode: mini_batch",
        )


def all_examples(config: Plain) -> Iterator[ConfigError]:
    """A rule that works on all examples at once gets them."""
    optimizer, rule = _optimizer(config), rule_of(config)
    mode = optimizer.get("mode", "mini_batch")
    if rule is not None and rule.batch_only and mode in ("sgd", "mini_batch"):
        batch = "one" if mode == "sgd" else "some"
        yield ConfigError(
            f"optimizer: {optimizer['name']} takes all examples at once, and mode {mode} gives it {batch}",
            key="optimizer.mode" if "mode" in optimizer else "optimizer",
            hint="mode: batch, or another rule; see bp list optimizers",
        )


def schedule(config: Plain) -> Iterator[ConfigError]:
    """A schedule goes with a rule whose steps a learning rate multiplies."""
    optimizer = _optimizer(config)
    if not rule_statements(rule_of(config)).takes_schedule and optimizer.get("schedule") is not None:
        yield ConfigError(
            f"optimizer: a schedule changes the learning rate, which the steps of {optimizer['name']} do not follow",
            key="optimizer.schedule",
            hint="leave schedule out, or choose another rule",
        )


def ordered_settings(config: Plain) -> Iterator[ConfigError]:
    """Of two settings that a rule states ``ordered``, the first is not above the second."""
    optimizer, rule = _optimizer(config), rule_of(config)
    for pair in rule_statements(rule).ordered:
        low, high = (optimizer.get(name, getattr(rule, name)) for name in pair)
        if is_number(low) and is_number(high) and low > high > 0:
            given = next(name for name in pair[::-1] if name in optimizer)
            yield ConfigError(
                f"optimizer: {pair[0]} {low:g} is above {pair[1]} {high:g}",
                key=f"optimizer.{given}",
                hint=f"a smaller {pair[0]}, or a larger {pair[1]}",
            )


def _optimizer(config: Plain) -> Plain:
    return choice(config.get("optimizer"))

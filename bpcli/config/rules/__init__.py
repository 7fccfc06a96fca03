"""Rules that join several keys of a config, checked on its plain values.

Each looks only at the keys it needs, so broken rules are reported together with
every other mistake, even where the rest of the config is wrong.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from bpcli.config.rules import data, network, optimizer, saving, second_order
from bpcli.config.rules.values import Plain, mapping
from bpcli.errors import ConfigError

RULES: tuple[Callable[[Plain], Iterable[ConfigError]], ...] = (
    data.one_training_file,
    data.parts_named_once,
    data.examples_left,
    data.one_test_part,
    data.fold_of_folds,
    data.columns_that_split,
    data.two_marks,
    data.readable_dates,
    data.effective_weights,
    network.hidden_settings,
    optimizer.batch_size,
    optimizer.all_examples,
    optimizer.schedule,
    optimizer.ordered_settings,
    second_order.contradictions,
    saving.checkpoint,
)
"""What a config may not break; mistakes of one line are reported in this order."""


def broken_rules(config: Any) -> list[ConfigError]:
    """Every rule that ``config``, plain values, breaks."""
    return [error for rule in RULES for error in rule(mapping(config))]

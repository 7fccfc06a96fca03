"""Words of other libraries: each points to bp's own, and to nothing that does not exist."""

from __future__ import annotations

import re
from difflib import get_close_matches
from pathlib import Path

import pytest

from bpcli.config.advice import advice_on_choice, advice_on_key, advice_on_value, holds
from bpcli.config.foreign_words import CHOICES, KEYS, VALUES, Advice
from bpcli.config.places import sections
from bpcli.config.registries import KINDS
from bpcli.config.schema import Config
from bpcli.config.wording import NEARLY

from .support import BASE, config, mistakes

TABLES = {"key": KEYS, **CHOICES, **VALUES}
LINES = list({id(advice): advice for table in TABLES.values() for advice in table.values()}.values())

HINTS = [
    ("loss: mse", ("`mse` is half_squared_error here, with its ½: for the same steps as with mse the learning rate is "
     "twice as large (choose from cross_entropy, binary_cross_entropy, half_squared_error")),
    ("loss: BCEWithLogits", "`BCEWithLogits` is binary_cross_entropy here, over sigmoid outputs and summed over them"),
    ("loss: sparse-categorical-crossentropy", "`sparse-categorical-crossentropy` is cross_entropy here, over softmax"),
    ("loss: crossentropy", "did you mean 'cross_entropy'? (choose from cross_entropy, "),
    ("loss: nll", "`nll` is cross_entropy here"),
    ("network: {activation: logistic}", "`logistic` is sigmoid here (choose from identity, "),
    ("network: {output: linear}", "`linear` is identity here"),
    ("network: {initializer: xavier_uniform}", "`xavier_uniform` is glorot here, which draws from a normal"),
    ("optimizer: sgd", ("`sgd` is a mode here, mode: sgd, which updates after each example; the rule is "
     "gradient_descent")),
    ("optimizer: {mode: online}", "`online` is sgd here: an update after each example (choose from sgd, "),
    ("optimizer: {lr: 0.1}", "`lr` is optimizer.learning_rate here"),
    ("learning_rate: 0.1", "'learning_rate' belongs under 'optimizer': optimizer.learning_rate"),
    ("beta1: 0.1", "'beta1' is a setting of adam, "),
    ("optimizer: {name: adam, momentum: 0.1}", "`momentum` is a rule of its own here: optimizer: {name: momentum, "),
    ("optimizer: {name: adam, epochs: 1}", "'epochs' belongs at the top level"),
    ("optimizer: {limit: 1}", "'limit' is a setting of uniform: network.initializer: {name: uniform, limit: ...}"),
    ("network: {activation: {name: leaky_relu, alpha: 0.1}}", "`alpha` is slope here"),
    ("network: {hidden: [{units: 3, neurons: 4}]}", "`neurons` is units here"),
    ("network: {hidden_layer_sizes: [3]}", "`hidden_layer_sizes` is network.hidden here: the widths"),
    ("max_iter: 3", "`max_iter` is epochs here: passes over the training examples"),
    ("epcohs: 3", "did you mean 'epochs'? (choose from "),
    ("random_state: 3", "`random_state` is seed here"),
    ("validation_split: 0.1", "`validation_split` is data.split.validation here: a fraction of all rows"),
    ("gamma: 0.1", "`gamma` is the factor of optimizer.schedule: {name: exponential, factor: ...} here"),
    ("verbose: 1", "`verbose` is an option of the command here: bp train --quiet"),
]  # fmt: skip


@pytest.mark.parametrize(("wrong", "hint"), HINTS)
def test_word_points_to_bps_own(wrong: str, hint: str, tmp_path: Path) -> None:
    base = "data: {path: table.csv}\n" if wrong.startswith("loss") else BASE
    told = mistakes(tmp_path, f"{base}{wrong}\n")

    assert told[1].startswith(f"hint: {hint}")


def test_words_of_the_data_section_point_to_bps_own(tmp_path: Path) -> None:
    text = "data: {path: t.csv, label: y, scale: zscore, sep: ';', types: {a: float}, ignore: a}\nloss: cross_entropy\n"

    assert {line for line in mistakes(tmp_path, text) if line.startswith("hint")} == {
        "hint: `zscore` is standard here: mean 0 and deviation 1 (choose from standard, minmax, none)",
        "hint: `float` is number here (choose from number, date, category, drop)",
        "hint: `label` is data.target here: a column, or a list of columns",
        "hint: `sep` is data.delimiter here",
        "hint: `ignore` is data.drop here",
    }


def test_everything_that_the_tables_speak_of_exists() -> None:
    assert [advice for advice in LINES if not holds(advice, Config)] == []


def test_a_hint_is_given_where_its_settings_are_valid_and_only_there() -> None:
    for word, advice in KEYS.items():
        within, _, key = word.rpartition(".")
        assert bool(advice_on_key(key, within, Config)) is holds(advice, Config), word
    for kind, table in CHOICES.items():
        for word, advice in table.items():
            assert bool(advice_on_choice(word, kind, Config)) is holds(advice, Config), word
    for key, table in VALUES.items():
        for word, advice in table.items():
            assert bool(advice_on_value(word, key, Config)) is holds(advice, Config), word


def test_advice_on_what_does_not_exist_does_not_hold() -> None:
    assert holds(Advice("is epochs here", ("epochs=3",)), Config)
    assert holds(Advice("needs two", ("shards=2 + threads=2",)), Config)
    for settings in (("epoch=3",), ("loss=mse",), ("epochs=3", "epochs=0"), ("threads=0",)):
        assert not holds(Advice("is no key", settings), Config)


def test_kinds_and_keys_of_the_tables_exist() -> None:
    assert set(CHOICES) <= {kind.word for kind in KINDS.values()}
    known = {".".join((*path, key)) for path, section in sections(Config).items() for key in section.known_keys()}
    assert set(VALUES) <= known


def test_every_setting_is_named_by_its_advice() -> None:
    for advice in LINES:
        for setting in advice.settings:
            words = set(re.findall(r"[a-z_0-9]+", setting.rpartition(" + ")[2]))
            assert words & set(re.findall(r"[a-z_0-9]+", advice.says)), setting


def test_no_word_of_the_tables_is_bps_own_or_a_mere_misspelling_of_it(tmp_path: Path) -> None:
    for kind in KINDS.values():
        for word in CHOICES.get(kind.word, {}):
            assert word not in kind.registry
    top = list(Config.known_keys())
    assert not [word for word in KEYS if word in top or get_close_matches(word, top, cutoff=NEARLY)]
    assert config(tmp_path, BASE)

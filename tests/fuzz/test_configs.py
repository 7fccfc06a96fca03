"""Configs and overrides that nobody meant."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bpcli.config.document import read_yaml
from bpcli.config.reading import read_config
from tests.config.support import SHIPPED
from tests.mutants import TOKENS, VALUES

from .support import answer, damaged, examples, restructured

TEXTS = [path.read_bytes() for path in SHIPPED]
TREES = [read_yaml(path).plain() for path in SHIPPED]

KEYS = (
    *("seed", "data", "data.path", "data.split", "data.target", "network.hidden", "network.hidden.0", "loss"),
    *("loss.name", "optimizer", "optimizer.name", "optimizer.learning_rate", "optimizer.schedule", "epochs"),
    *("keep", "metrics", "engine", "shards", "x", "network.hidden.99999999999999999999", "network.hidden.-1"),
    *("loss.loss", "data..path", ".", ""),
)


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("configs") / "c.yaml"


@examples(300)
@given(data=damaged(TEXTS))
def test_damaged_configs(path: Path, data: bytes) -> None:
    path.write_bytes(data)
    answer(lambda: read_config(path, []))


@examples(150)
@given(tree=restructured(TREES))
def test_configs_of_odd_values(path: Path, tree: Any) -> None:
    path.write_text(json.dumps(tree), encoding="utf-8")
    answer(lambda: read_config(path, []))


values = st.sampled_from(VALUES).map(json.dumps) | st.sampled_from([token.decode("latin-1") for token in TOKENS])
words = st.builds("{}={}".format, st.sampled_from(KEYS), values | st.text(max_size=20)) | st.text(max_size=20)


@examples(150)
@given(changes=st.lists(words, min_size=1, max_size=3))
def test_odd_overrides(path: Path, changes: list[str]) -> None:
    path.write_bytes(TEXTS[0])
    answer(lambda: read_config(path, changes))

"""The text of a config reads as what was suggested, whatever columns are called."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bpcli.config.document import parse
from bpcli.config.schema import Config
from bpcli.data.files.dataset import Format
from bpcli.data.files.reading import FilePair
from bpcli.starting.inspection import Inspection
from bpcli.starting.suggestion import suggest
from bpcli.starting.template import assumptions, text_of

NAMES = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1, max_size=12)


def table(names: list[str], path: str = "t.csv", **what: object) -> Inspection:
    target = names[-1]
    labels = Counter({names[0]: 97, "no": 3})
    found = Inspection(FilePair(path), Format(missing=("NA", *names)), names, 100, target, labels)
    found.drop.update(dict.fromkeys(names[1:2], "constant"))
    found.types.update(dict.fromkeys(names[2:3], "date"))
    found.words.update({name: [names[0]] for name in names[:1]})
    return found


@settings(derandomize=True, deadline=None, max_examples=60)
@given(st.lists(NAMES, min_size=2, max_size=4, unique=True))
def test_names_that_yaml_would_read_otherwise_are_quoted(names: list[str]) -> None:
    of = table(names)
    text = text_of(of, suggest(of), Path.cwd())
    config = Config.model_validate(parse(text, "made", Path.cwd()).plain())

    assert config.data.target == [names[-1]]
    assert config.data.drop == names[1:2]
    assert list(config.data.types) == names[2:3]
    assert config.data.missing == ["NA", *names]
    assert config.epochs == suggest(of).epochs


@pytest.mark.parametrize("name", ["yes", "null", "1.5", "a: b", "# c", "a,b", "{x}", "- d", "é", "'", '"'])
def test_awkward_names_are_read_back(name: str) -> None:
    of = table(["first", "flat", name, "y"], path=f"folder/{name}.csv")
    config = Config.model_validate(parse(text_of(of, suggest(of), Path.cwd()), "made", Path.cwd()).plain())

    assert list(config.data.types) == [name]
    assert config.data.path is not None
    assert config.data.path.features == f"folder/{name}.csv"


def test_everything_assumed_is_said() -> None:
    of = table(["a", "b", "c", "y"])

    assert assumptions(of, suggest(of)) == [
        "target y: 2 classes, a (97), no (3), so loss binary_cross_entropy",
        "'a' in a means missing",
        "c is read as date",
        "left out: b: constant",
        "'no' is rare among the classes: see the comments on weights and metrics",
    ]

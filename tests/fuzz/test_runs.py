"""Models, checkpoints and run folders that nobody meant."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import pytest
import safetensors.numpy
from hypothesis import given
from hypothesis import strategies as st

from bpcli.storage.digests import BLANK, KEY
from bpcli.storage.sealed import DIGEST
from bpcli.storage.tensors import read_tensors
from tests import mutants
from tests.cli.support import good, points, write_config
from tests.runs.test_hostile_files import with_header

from .support import answer_of_command, damaged, examples, restructured

FILES = ("config.yaml", "metrics.csv", "model.safetensors", "run.json", "checkpoint.safetensors")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("runs")
    points(place / "points.csv", 24)
    text = "data: {path: points.csv, split: {test: 0.25}}\nnetwork: {hidden: [3]}\nloss: cross_entropy\nepochs: 2\n"
    write_config(place / "c.yaml", text)
    good("train", "c.yaml", "--run", "run", "--quiet", cwd=place)
    return place


@contextmanager
def exchanged(path: Path, content: bytes) -> Iterator[None]:
    """A file with another content, and then with its own again."""
    own = path.read_bytes()
    path.write_bytes(content)
    yield
    path.write_bytes(own)


def damage(data: st.DataObject, path: Path) -> AbstractContextManager[None]:
    """A file damaged by chance, for a while."""
    return exchanged(path, data.draw(damaged([path.read_bytes()])))


@examples(40)
@given(data=st.data())
def test_damaged_models(folder: Path, data: st.DataObject) -> None:
    with damage(data, folder / "run/model.safetensors"):
        answer_of_command("predict", "run", "--data", "points.csv", cwd=folder)


@examples(60)
@given(data=st.data())
def test_models_with_odd_headers(folder: Path, data: st.DataObject) -> None:
    path = folder / "run/model.safetensors"
    tensors, header = read_tensors(path)
    with exchanged(path, with_header(tensors, mutants.text(data.draw(restructured([header]))))):
        answer_of_command("predict", "run", "--data", "points.csv", cwd=folder)


@examples(40)
@given(data=st.data())
def test_damaged_files_of_weights(folder: Path, data: st.DataObject) -> None:
    tensors, _ = read_tensors(folder / "run/model.safetensors")
    (folder / "weights.safetensors").write_bytes(data.draw(damaged([safetensors.numpy.save(tensors)])))
    words = ("config", "check", "c.yaml", "network.weights=weights.safetensors")
    answer_of_command(*words, cwd=folder)
    shutil.rmtree(folder / "again", ignore_errors=True)
    answer_of_command("train", *words[2:], "epochs=1", "--run", "again", "--json", cwd=folder)


@examples(40)
@given(data=st.data(), name=st.sampled_from(FILES))
def test_runs_with_a_damaged_file(folder: Path, data: st.DataObject, name: str) -> None:
    with damage(data, folder / "run" / name):
        answer_of_command("runs", ".", "--json", cwd=folder)
        answer_of_command("evaluate", "run", "--json", cwd=folder)


@examples(40)
@given(data=st.data())
def test_records_of_odd_values(folder: Path, data: st.DataObject) -> None:
    path = folder / "run/run.json"
    record = {key: value for key, value in json.loads(path.read_bytes()).items() if key != KEY}
    text = json.dumps({KEY: BLANK, **data.draw(restructured([record]))}, sort_keys=True, indent=2).encode()
    with exchanged(path, b"".join(DIGEST.seal(text)) if text.startswith(DIGEST.lead) else text):
        answer_of_command("runs", ".", "--json", cwd=folder)
        answer_of_command("evaluate", "run", "--json", cwd=folder)

"""Models, checkpoints and run folders that nobody meant."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
import safetensors.numpy
from hypothesis import given
from hypothesis import strategies as st

from bpcli.storage.digests import BLANK, KEY
from bpcli.storage.sealed import DIGEST
from bpcli.storage.tensors import read_tensors, write_tensors
from tests.cli.support import good, points, write_config

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


@pytest.fixture
def whole(folder: Path) -> dict[str, bytes]:
    """The bytes of the run's files, which are there again after the test."""
    return {name: (folder / "run" / name).read_bytes() for name in FILES}


def put(folder: Path, whole: dict[str, bytes], name: str, content: bytes) -> None:
    """The run with one file exchanged."""
    for each, own in whole.items():
        (folder / "run" / each).write_bytes(content if each == name else own)


@examples(40)
@given(data=st.data())
def test_damaged_models(folder: Path, whole: dict[str, bytes], data: st.DataObject) -> None:
    put(folder, whole, "model.safetensors", data.draw(damaged([whole["model.safetensors"]])))
    answer_of_command("predict", "run", "--data", "points.csv", cwd=folder)
    put(folder, whole, "", b"")


@examples(60)
@given(data=st.data())
def test_models_with_odd_headers(folder: Path, whole: dict[str, bytes], data: st.DataObject) -> None:
    path = folder / "run/model.safetensors"
    tensors, header = read_tensors(path)
    write_tensors(path, tensors, data.draw(restructured(header)))
    answer_of_command("predict", "run", "--data", "points.csv", cwd=folder)
    put(folder, whole, "", b"")


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
def test_runs_with_a_damaged_file(folder: Path, whole: dict[str, bytes], data: st.DataObject, name: str) -> None:
    put(folder, whole, name, data.draw(damaged([whole[name]])))
    answer_of_command("runs", ".", "--json", cwd=folder)
    answer_of_command("evaluate", "run", "--json", cwd=folder)
    put(folder, whole, "", b"")


@examples(40)
@given(data=st.data())
def test_records_of_odd_values(folder: Path, whole: dict[str, bytes], data: st.DataObject) -> None:
    record = {key: value for key, value in json.loads(whole["run.json"]).items() if key != KEY}
    odd = data.draw(restructured(record))
    text = json.dumps({KEY: BLANK, **odd} if isinstance(odd, dict) else odd, sort_keys=True, indent=2).encode()
    put(folder, whole, "run.json", b"".join(DIGEST.seal(text)) if text.startswith(DIGEST.lead) else text)
    answer_of_command("runs", ".", "--json", cwd=folder)
    answer_of_command("evaluate", "run", "--json", cwd=folder)
    put(folder, whole, "", b"")

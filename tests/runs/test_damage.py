"""A run with one file cut short or one bit of it flipped: every command refuses it by name, or answers as before."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from random import Random

import numpy as np
import pytest

from bpcli.errors import ExitStatus
from bpcli.runs.record import read_record
from bpcli.storage.sealed import write_json
from bpcli.storage.tensors import read_tensors
from tests import mutants
from tests.cli.support import Result, bp, good, points, write_config
from tests.runs.test_hostile_files import with_header

CONFIG = """
    data: {path: points.csv, split: {test: 0.25}}
    network: {hidden: [2]}
    loss: cross_entropy
    epochs: 2
"""

FILES = (
    *("config.yaml", "metrics.csv", "digests.csv", "timings.csv", "run.json", "split.csv"),
    *("model.safetensors", "checkpoint.safetensors"),
)

RESUME = ("train", "--resume", "run", "--json", "--quiet")

COMMANDS = (
    ("evaluate", "run", "--json"),
    ("predict", "run", "--split", "test"),
    ("runs", ".", "--json"),
    RESUME,
    ("verify", "run", "--quiet"),
)

REFUSALS = (ExitStatus.USAGE, ExitStatus.DATA)


@dataclass
class Whole:
    """A run in ``folder`` whose files are whole, and what every command says of it."""

    folder: Path
    files: dict[str, bytes]
    answers: dict[tuple[str, ...], Result]

    def put(self, name: str, data: bytes) -> None:
        (self.folder / "run" / name).write_bytes(data)

    def check(self, name: str, damaged: bytes, commands: tuple[tuple[str, ...], ...]) -> None:
        """Every command refuses the run with this file damaged, which it names, or answers as before."""
        for words in commands:
            self.put(name, damaged)
            found = bp(*words, cwd=self.folder)
            self.restore()
            if found != self.answers[words]:
                self._require_named(name, found, words)

    def _require_named(self, name: str, found: Result, words: tuple[str, ...]) -> None:
        if words[0] == "verify" and found.status == ExitStatus.CHECK_FAILED:
            assert re.search(rf"(^|\W){re.escape(name)}\W", found.out), (name, words, found)
            return
        assert found.status in REFUSALS, (name, words, found)
        assert not found.out, (name, words, found)
        assert len(re.findall("^error: ", found.err, re.MULTILINE)) == 1, (name, words, found)
        assert f"/{name}" in found.err or f"no {name}" in found.err, (name, words, found)

    def restore(self) -> None:
        """Put back what a command has changed."""
        for name, data in self.files.items():
            if (self.folder / "run" / name).read_bytes() != data:
                self.put(name, data)


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Whole:
    folder = tmp_path_factory.mktemp("damage")
    points(folder / "points.csv", 12)
    write_config(folder / "points.yaml", CONFIG)
    good("train", "points.yaml", "--run", "run", "--quiet", cwd=folder)
    files = {name: (folder / "run" / name).read_bytes() for name in FILES}
    return Whole(folder, files, {words: good(*words, cwd=folder) for words in COMMANDS})


def damages(data: bytes) -> Iterator[bytes]:
    """The file cut at every place, then with every bit flipped."""
    yield from (data[:length] for length in range(len(data)))
    for place in range(8 * len(data)):
        yield flipped(data, place)


def flipped(data: bytes, place: int) -> bytes:
    """The bytes with one bit flipped."""
    byte, bit = divmod(place, 8)
    return data[:byte] + bytes([data[byte] ^ 1 << bit]) + data[byte + 1 :]


def some_damages(data: bytes, count: int, rng: np.random.Generator) -> Iterator[bytes]:
    """The empty file, the one without its last byte, and as many others of either kind."""
    yield from (b"", data[:-1])
    yield from (data[:length] for length in rng.integers(1, len(data) - 1, count))
    yield from (flipped(data, int(place)) for place in rng.integers(8 * len(data), size=count))


@pytest.mark.parametrize("name", FILES)
def test_a_damaged_file_is_refused_by_name_or_makes_no_difference(whole: Whole, name: str) -> None:
    for damaged in some_damages(whole.files[name], 2, np.random.default_rng(0)):
        whole.check(name, damaged, COMMANDS)


@pytest.mark.slow
@pytest.mark.parametrize("name", FILES)
def test_every_cut_and_every_flipped_bit_is_refused_by_name_or_makes_no_difference(whole: Whole, name: str) -> None:
    """Each by one command in turn, so that every command meets a fifth of all bits."""
    for number, damaged in enumerate(damages(whole.files[name])):
        whole.check(name, damaged, (COMMANDS[number % len(COMMANDS)],))


def test_the_files_are_all_that_a_run_holds(whole: Whole) -> None:
    assert {path.name for path in (whole.folder / "run").iterdir()} - {".lock"} == set(FILES)


# Damage that nothing notes: the digests are made right again, so what is read is the schema's to refuse.


def after(whole: Whole, words: tuple[str, ...]) -> bool:
    """Whether a command refuses the run as it is now; else it ends as a training or an evaluation may."""
    found = bp(*words, cwd=whole.folder)
    whole.restore()
    assert found.status in (*REFUSALS, ExitStatus.DONE, ExitStatus.CHECK_FAILED, ExitStatus.DIVERGED), (words, found)
    assert found.status in (ExitStatus.DONE, ExitStatus.CHECK_FAILED) or "error: " in found.err, (words, found)
    assert not re.search(r"\b(NaN|Infinity)\b", found.out), (words, found)
    return found.status in REFUSALS


def refused_records(whole: Whole, count: int, seed: int) -> int:
    """How many mutants of run.json are refused."""
    rng, record, refusals = Random(seed), read_record(whole.folder / "run"), 0
    for number in range(count):
        mutant = mutants.mutant(record, rng)
        try:
            write_json(whole.folder / "run/run.json", mutant)
        except (ValueError, UnicodeError):  # no JSON of bp's holds it
            continue
        refusals += after(whole, COMMANDS[number % len(COMMANDS)])
    return refusals


def refused_checkpoints(whole: Whole, count: int, seed: int) -> int:
    """How many mutants of a checkpoint's header are refused by resuming."""
    path = whole.folder / "run/checkpoint.safetensors"
    tensors, header = read_tensors(path)
    rng, refusals = Random(seed), 0
    for _ in range(count):
        mutant = mutants.mutant(header, rng)
        path.write_bytes(with_header(tensors, mutants.text(mutant)))
        refusals += after(whole, RESUME)
    return refusals


def test_mutants_of_a_record_or_a_checkpoint_are_refused_or_do_no_harm(whole: Whole) -> None:
    assert refused_records(whole, 80, 1) > 20
    assert refused_checkpoints(whole, 40, 2) > 25


def test_a_record_of_more_epochs_than_memory_holds_takes_none(whole: Whole) -> None:
    """Found among many mutants."""
    write_json(whole.folder / "run/run.json", {**read_record(whole.folder / "run"), "epochs": 10**15})
    found = bp("verify", "run", "--quiet", cwd=whole.folder)
    whole.restore()
    assert found.status == ExitStatus.CHECK_FAILED
    assert "run: epoch 3 is the first that differs: metrics.csv has no row of it" in found.out


@pytest.mark.slow
def test_many_mutants_of_a_record_or_a_checkpoint_are_refused_or_do_no_harm(whole: Whole) -> None:
    assert refused_records(whole, 20_000, 3) > 5_000
    assert refused_checkpoints(whole, 20_000, 4) > 15_000

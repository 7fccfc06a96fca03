"""The order of calls that makes a write durable, read off a trace of a run."""

from __future__ import annotations

import re
from pathlib import Path

from tests.faults.oracle import Bench
from tests.faults.system_calls import Call, needs_strace


@needs_strace
def test_a_file_is_synced_before_it_takes_its_name_and_the_folder_after_it(traced: tuple[Bench, list[Call]]) -> None:
    assert faults_of_order(traced[1]) == []


def test_the_law_of_order_sees_what_is_missing() -> None:
    whole = [
        Call("write", 1, '5</r/.a.1.part>, "x", 1) = 1'),
        Call("fsync", 1, "5</r/.a.1.part>) = 0"),
        Call("rename", 1, '"/r/.a.1.part", "/r/a") = 0'),
        Call("fsync", 2, "5</r>) = 0"),
    ]
    assert faults_of_order(whole) == []
    assert faults_of_order([whole[0], *whole[2:]]) == ["a took its name before it was synced"]
    assert faults_of_order(whole[:3]) == ["the folder of a was not synced after it took its name"]
    in_place = [Call("write", 1, '5</r/checkpoint.safetensors>, "x", 1) = 1')]
    assert faults_of_order(in_place) == ["checkpoint.safetensors was written in place"]
    rows = Call("write", 1, '5</r/metrics.csv>, "1", 1) = 1')
    saved = [Call("rename", 1, '"/r/.c.1.part", "/r/checkpoint.safetensors") = 0'), Call("fsync", 2, "5</r>) = 0")]
    synced = Call("fsync", 1, "5</r/metrics.csv>) = 0")
    assert faults_of_order([rows, *saved]) == ["metrics.csv was not synced before the checkpoint"]
    assert faults_of_order([rows, synced, *saved]) == []


def faults_of_order(found: list[Call]) -> list[str]:
    """What breaks the law: write, sync, rename, sync the folder; rows synced before the checkpoint takes its name."""
    unsynced: dict[str, bool] = {}
    faults: list[str] = []
    waiting: dict[str, str] = {}
    for call in found:
        paths = _paths(call)
        if not paths:
            continue
        target = paths[-1]
        if call.name == "write":
            unsynced[target] = True
            if _is_whole(target):
                faults.append(f"{Path(target).name} was written in place")
        elif call.name in ("fsync", "fdatasync"):
            unsynced[target] = False
            waiting = {name: folder for name, folder in waiting.items() if folder != target}
        elif call.name.startswith("rename"):
            if unsynced.pop(paths[0], False):
                faults.append(f"{Path(target).name} took its name before it was synced")
            rows = str(Path(target).with_name("metrics.csv"))
            if Path(target).name == "checkpoint.safetensors" and unsynced.get(rows, False):
                faults.append("metrics.csv was not synced before the checkpoint")
            waiting[Path(target).name] = str(Path(target).parent)
    return [*faults, *(f"the folder of {name} was not synced after it took its name" for name in waiting)]


def _is_whole(path: str) -> bool:
    """Whether a file is one that readers must find whole at any time."""
    return Path(path).name in ("checkpoint.safetensors", "model.safetensors", "config.yaml", "run.json")


def _paths(call: Call) -> list[str]:
    """The absolute paths that a call names, without the working folder of a relative one."""
    found = re.findall(r'"(/[^"]*)"|^\d+<(/[^>]*)>', call.arguments)
    return [quoted or descriptor for quoted, descriptor in found]

"""Errors: their report, several at once, and hints from similar names."""

from __future__ import annotations

import pytest

from bpcli.errors import (
    LISTED,
    BpError,
    ConfigError,
    DataError,
    DivergedError,
    ExitStatus,
    SeveralErrors,
    SystemRefusedError,
    did_you_mean,
    printable,
    raise_all,
    refused,
)


def test_a_report_has_place_message_and_remedy() -> None:
    error = ConfigError("no such key", where="a.yaml:3", hint="did you mean 'b'?", key="a.b")
    assert error.lines() == ["error: a.yaml:3: no such key", "hint: did you mean 'b'?"]
    assert (str(error), error.key) == ("no such key", "a.b")


def test_a_report_without_place_and_remedy_is_the_message() -> None:
    assert BpError("out of memory").lines() == ["error: out of memory"]


def test_a_report_has_one_line_each_whatever_the_message_contains() -> None:
    assert BpError("a\nb\x1b", hint="\tc").lines() == ["error: a\\nb\\x1b", "hint: \\tc"]


@pytest.mark.parametrize(
    ("kind", "status"),
    [
        (BpError, ExitStatus.USAGE),
        (ConfigError, ExitStatus.USAGE),
        (DataError, ExitStatus.DATA),
        (DivergedError, ExitStatus.DIVERGED),
        (SystemRefusedError, ExitStatus.SYSTEM),
    ],
)
def test_each_kind_of_error_has_its_exit_status(kind: type[BpError], status: ExitStatus) -> None:
    assert kind("message").status == status


def test_exit_statuses_are_the_documented_numbers() -> None:
    assert {status.name: int(status) for status in ExitStatus} == {
        "DONE": 0,
        "CHECK_FAILED": 1,
        "USAGE": 2,
        "DATA": 3,
        "DIVERGED": 4,
        "DEFECT": 70,
        "SYSTEM": 74,
    }


def test_no_error_is_raised_where_there_is_none() -> None:
    raise_all([])


def test_one_error_is_raised_as_itself() -> None:
    error = DataError("one")
    with pytest.raises(DataError) as caught:
        raise_all([error])
    assert caught.value is error


def test_several_errors_are_reported_together_with_the_first_ones_status() -> None:
    with pytest.raises(SeveralErrors) as caught:
        raise_all([DataError("one", where="a"), ConfigError("two", hint="b")])
    assert caught.value.lines() == ["error: a: one", "error: two", "hint: b"]
    assert caught.value.status == ExitStatus.DATA


def test_a_system_call_that_failed_is_reported_with_the_systems_reason() -> None:
    assert refused("read", "a.csv", PermissionError(13, "Permission denied")).lines() == [
        "error: a.csv: can't read: permission denied",
        "hint: check the path, its permissions and the space left",
    ]
    assert refused("read", "a.csv", OSError("odd")).message == "can't read: odd"


@pytest.mark.parametrize(
    ("word", "names", "hint"),
    [
        ("adm", ["adam", "momentum"], "did you mean 'adam'? (choose from adam, momentum)"),
        ("xyz", ["adam", "momentum"], "choose from adam, momentum"),
        ("adam", [], ""),
    ],
    ids=["similar", "none similar", "no choices"],
)
def test_a_hint_names_the_most_similar_choice(word: str, names: list[str], hint: str) -> None:
    assert did_you_mean(word, names) == hint


def test_a_hint_lists_no_more_than_the_first_of_very_many_choices() -> None:
    names = [f"column {k}" for k in range(LISTED + 1)]
    assert did_you_mean("x", names, "its columns are") == f"its columns are {', '.join(names[:LISTED])}, …"
    assert did_you_mean("x", names[:LISTED]).endswith(names[LISTED - 1])


def test_printable_text_stays_as_it_is_and_the_rest_becomes_escapes() -> None:
    assert printable("größe ∂ 漢") == "größe ∂ 漢"
    assert printable("a\x1b[31m\u2028\ud800") == "a\\x1b[31m\\u2028\\ud800"

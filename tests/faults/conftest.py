"""What make faults counted, printed at its end, from all of its processes."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.faults.counting import Counted
from tests.faults.oracle import Bench, bench
from tests.faults.system_calls import Call


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print the counts that the tests recorded."""
    reports = [report for kind in ("passed", "failed") for report in terminalreporter.getreports(kind)]
    lines = [text for report in reports for name, text in report.user_properties if name == "counted"]
    if lines:
        terminalreporter.section("counted")
    for line in lines:
        terminalreporter.line(str(line))


@pytest.fixture(scope="session")
def traced(tmp_path_factory: pytest.TempPathFactory) -> tuple[Bench, list[Call]]:
    """A bench of mini-batches, and the calls of its training."""
    made = bench(tmp_path_factory.mktemp("traced"), "mini_batch")
    return made, made.calls()


@pytest.fixture
def counted(record_property: Callable[[str, object], None]) -> Counted:
    """Takes a line for the summary."""
    return lambda line: record_property("counted", line)

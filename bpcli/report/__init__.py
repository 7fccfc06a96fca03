"""``bp report``: one HTML file that says what a run, or several, came to.

``contents`` is what a report consists of, plain data that knows nothing of HTML. ``asked``, ``columns``, ``results``,
``worst`` and ``repeating`` each make a section of one run's, and ``one_run`` puts them in order. ``ranked_runs`` makes
those of several, which ``folder`` and ``series`` put in order. ``pictures`` draws what stands in a section; ``page``
writes the file, with the template and the style beside it.
"""

from __future__ import annotations

from pathlib import Path

from bpcli.report.contents import Report
from bpcli.report.folder import folder_report
from bpcli.report.one_run import run_report
from bpcli.report.series import series_report
from bpcli.runs.record import RECORD_FILE
from bpcli.runs.series import SERIES_FILE
from bpcli.training.initial_parameters import MODEL


def report_of(path: Path) -> Report:
    """The report of a run, of a series, or of the runs below a folder.

    Raises:
        BpError: there is none of them, or it cannot be read.
        ConfigError: a library that draws is not installed.
    """
    if (path / SERIES_FILE).exists():
        return series_report(path)
    is_run = any((path / name).exists() for name in (RECORD_FILE, MODEL))
    return run_report(path) if is_run else folder_report(path)

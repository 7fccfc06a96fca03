"""The ways in which dates and times are written, and which text is a date by each.

A way is a form of ``FORMS``, by its name, or a format of ``datetime.strptime``.
A time zone is not looked at: the time is that of the clock where it was written.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from datetime import datetime

MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
"""English months by their first letters."""

_CLOCK = (
    r"(?P<hour>\d{1,2}):(?P<minute>\d{2})(?::(?P<second>\d{2})(?:[.,]\d{1,9})?)?"
    r"(?:\s*(?P<half>[ap])\.?m\.?)?(?:\s*(?:z|utc|gmt|[+-]\d{2}:?(?:\d{2})?))?"
)
_TIME = rf"(?:(?:t|,?\s+){_CLOCK})?"
_MONTH_NAME = rf"(?P<month_name>(?:{'|'.join(MONTHS)})[a-z]*)"


def _form(pattern: str) -> re.Pattern[str]:
    return re.compile(rf"\s*{pattern}\s*", re.IGNORECASE | re.ASCII)


ISO = "YYYY-MM-DD"
"""The form that is recognised by itself (ISO 8601), also with a time."""

DAY_FIRST, MONTH_FIRST = "DD/MM/YYYY", "MM/DD/YYYY"
"""The two forms that a date such as 05/06/2024 has, with a point, a slash or a hyphen."""

FORMS: dict[str, re.Pattern[str]] = {
    ISO: _form(rf"(?P<year>\d{{4}})-(?P<month>\d{{2}})-(?P<day>\d{{2}}){_TIME}"),
    "YYYY/MM/DD": _form(rf"(?P<year>\d{{4}})([-/.])(?P<month>\d{{1,2}})\2(?P<day>\d{{1,2}}){_TIME}"),
    "YYYYMMDD": _form(rf"(?P<year>\d{{4}})(?P<month>\d{{2}})(?P<day>\d{{2}}){_TIME}"),
    DAY_FIRST: _form(rf"(?P<day>\d{{1,2}})([-/.])(?P<month>\d{{1,2}})\2(?P<year>\d{{4}}){_TIME}"),
    MONTH_FIRST: _form(rf"(?P<month>\d{{1,2}})([-/.])(?P<day>\d{{1,2}})\2(?P<year>\d{{4}}){_TIME}"),
    "DD Month YYYY": _form(rf"(?P<day>\d{{1,2}})[-\s.]+{_MONTH_NAME}[-\s.,]+(?P<year>\d{{4}}){_TIME}"),
    "Month DD, YYYY": _form(rf"{_MONTH_NAME}\.?\s+(?P<day>\d{{1,2}}),?\s+(?P<year>\d{{4}}){_TIME}"),
    "HH:MM:SS": _form(_CLOCK),
}
"""The forms that a column of dates may have, tried in this order."""

Reader = Callable[[str], datetime | None]
"""A date and time from text; None where it is none."""


def reader_of(form: str) -> Reader:
    """The reader of a form of ``FORMS``, or of a format of strptime."""
    if form in FORMS:
        pattern = FORMS[form]
        return lambda text: _read(pattern, text)
    return lambda text: _parsed(form, text)


def _read(pattern: re.Pattern[str], text: str) -> datetime | None:
    found = pattern.fullmatch(text)
    if found is None:
        return None
    parts = found.groupdict()
    month = parts.get("month") or 1
    if parts.get("month_name"):
        month = MONTHS.index(parts["month_name"][:3].lower()) + 1
    hour, half = int(parts["hour"] or 0), parts["half"]
    if half is not None:
        if not 1 <= hour <= 12:
            return None
        hour = hour % 12 + 12 * (half.lower() == "p")
    try:
        day = datetime(int(parts.get("year") or 1900), int(month), int(parts.get("day") or 1))
        return day.replace(hour=hour, minute=int(parts["minute"] or 0), second=int(parts["second"] or 0))
    except ValueError:  # such as a 31st of February
        return None


def _parsed(form: str, text: str) -> datetime | None:
    try:
        return datetime.strptime(text.strip(), form)
    except ValueError:
        return None


def misfits(form: str, texts: Iterable[str]) -> set[str]:
    """Those of ``texts`` that are no dates of a form."""
    read = reader_of(form)
    return {text for text in texts if read(text) is None}


def are_other_dates(texts: set[str]) -> bool:
    """Whether texts are dates of a form that is not recognised by itself."""
    return bool(texts) and bool(misfits(ISO, texts)) and any(not misfits(form, texts) for form in FORMS)


def fault_of_format(form: str) -> str:
    """What is wrong with a format of strptime; empty where nothing is."""
    directives = set(re.findall(r"%(.)", form))
    if not directives - {"%"}:
        return "holds no directive, such as %d"
    if directives & set("dmbBjaAUW") and not directives & set("YyGcxD"):
        return "has days and no year"
    moment = datetime(2023, 11, 30, 13, 45, 59)
    try:
        datetime.strptime(moment.strftime(form), form)
    except (ValueError, re.error) as error:
        return f"is no format of dates ({error})"
    return ""

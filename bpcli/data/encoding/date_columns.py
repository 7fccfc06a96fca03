"""A column of dates and times: the year, the day of the year, the weekday and the seconds of the day."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, ClassVar

import numpy as np

from bpcli.data.encoding.dates import DAY_FIRST, FORMS, ISO, MONTH_FIRST, misfits, reader_of
from bpcli.data.encoding.inputs import Input
from bpcli.data.encoding.number_columns import NumberColumn, learn_numbers
from bpcli.data.encoding.training_columns import PlaceOf, TrainingColumn, slips, strays_of
from bpcli.data.files.cells import texts_of
from bpcli.data.files.dataset import Dataset
from bpcli.data.warnings import DataWarnings, Strays
from bpcli.errors import ConfigError
from bpcli.nn import Array
from bpcli.storage.strict_json import Saved

PARTS: dict[str, Callable[[datetime], float]] = {
    "year": lambda moment: moment.year,
    "day of year": lambda moment: moment.timetuple().tm_yday,
    "weekday": lambda moment: moment.weekday(),
    "seconds of day": lambda moment: moment.hour * 3600 + moment.minute * 60 + moment.second + moment.microsecond / 1e6,
}
"""What a date and time becomes: days count from 1, weekdays from 0, a Monday."""


NO_DATE = (1900, 1, 0)
"""Year, day of the year and weekday of a time without a date."""


@dataclass(frozen=True)
class DateColumn:
    """A column of dates of a ``form``; ``parts`` are numbers, imputed and scaled each by itself."""

    name: str
    form: str
    parts: tuple[NumberColumn, ...]

    kind: ClassVar[str] = "date"
    in_words: ClassVar[str] = "{inputs} part{s} of {columns} date column{c}"
    reads_text: ClassVar[bool] = True

    @property
    def inputs(self) -> list[Input]:
        """One for each part."""
        return [Input(self.name, self.kind, part.name, part.median, part.shift, part.width) for part in self.parts]

    def cells(self, dataset: Dataset, warnings: DataWarnings) -> Array:
        """What to encode, (N, number of parts), NaN where missing; what is no date is missing, with a warning."""
        texts = texts_of(dataset, self.name)
        values = values_of(texts, self.form)
        strays = np.flatnonzero([text is not None for text in texts] & np.isnan(values[:, 0]))
        if len(strays):
            warnings.strays.append(strays_of(dataset, self.name, texts, strays, dataset.size, "dates"))
        return values[:, [list(PARTS).index(part.name) for part in self.parts]]

    def encode(self, values: Array, out: Array, where: PlaceOf) -> int:
        """Fill ``out``, (m, number of parts), from as many ``values``; how many dates were imputed."""
        imputed = 0
        for place, part in enumerate(self.parts):
            imputed = part.encode(values[:, place], out[:, place : place + 1], where)
        return imputed

    def count(self, imputed: int, warnings: DataWarnings) -> None:
        """Tell of imputed dates."""
        warnings.imputed_dates[self.name] += imputed

    def to_json(self) -> dict[str, Any]:
        """Plain data for the model file."""
        parts = [part.to_json() for part in self.parts]
        return {"kind": self.kind, "name": self.name, "form": self.form, "parts": parts}

    @classmethod
    def from_json(cls, saved: Saved) -> DateColumn:
        """The column that :meth:`to_json` described."""
        keys = saved.keys(("kind", "name", "form", "parts"))
        parts = tuple(map(NumberColumn.from_json, keys["parts"].items()))
        own = [part.name for part in parts]
        if not own or own != [name for name in PARTS if name in own]:
            keys["parts"].refuse(f"are not parts of a date, in the order {', '.join(PARTS)}")
        return cls(keys["name"].text(), keys["form"].text(), parts)


def values_of(texts: Array, form: str) -> Array:
    """(N, 4) the parts of dates, NaN where a text is missing or no date."""
    read, known = reader_of(form), {None: [np.nan] * len(PARTS)}
    for text in set(texts.tolist()) - {None}:
        moment = read(text)
        known[text] = known[None] if moment is None else [part(moment) for part in PARTS.values()]
    return np.array([known[text] for text in texts], np.float64).reshape(len(texts), len(PARTS))


@dataclass(frozen=True)
class Date:
    """Dates and times: the year, the day of the year, the weekday and the seconds of the day, as far as they vary.

    Recognised where every training cell is YYYY-MM-DD, also with a time. Declared, it may also be
    YYYY/MM/DD, YYYYMMDD, 31/12/2024 or 12/31/2024 (with / . or -) where a training cell tells
    which comes first, 31 Dec 2024, Dec 31, 2024, a time HH:MM:SS, or any ``format`` of Python's
    strptime, such as "%d.%m.%y". The parts are numbers: the training median where the date is missing,
    then scaled by ``data.scale``. Weekdays count from Monday, 0; time zones are not looked at.
    """

    format: str | None = None

    encoder: ClassVar[type[DateColumn]] = DateColumn

    def recognises(self, column: TrainingColumn) -> bool:
        """Whether every cell that is not missing is an ISO date, and there is one."""
        if column.holds_numbers:
            return False
        texts = set(column.present)
        return bool(texts) and not misfits(ISO, texts)

    def slips(self, column: TrainingColumn) -> Strays | None:
        """The cells that are no ISO dates, where they are few or words for a missing value."""
        wrong = misfits(ISO, set(column.present))
        return slips(column, np.flatnonzero([text in wrong for text in column.cells]), "dates")

    def read(self, column: TrainingColumn) -> tuple[Array, str]:
        """The training cells as text, and their form."""
        texts = texts_of(column.dataset, column.name)[column.rows]
        return texts, self.format or _form_of(column, {text for text in texts if text is not None})

    def learn(self, column: TrainingColumn, scale: str, warnings: DataWarnings) -> DateColumn:
        """The form, and the median and scaling of each part that varies.

        Raises:
            ConfigError: more than a few cells are no dates, or day and month could each be the other.
        """
        texts, form = self.read(column)
        values = values_of(texts, form)
        present = np.array([text is not None for text in texts])
        hint = f"it may be {', '.join(FORMS)}, or {{name: date, format: ...}} says how it is written"
        column.refuse(np.flatnonzero(present & np.isnan(values[:, 0])), int(present.sum()), "dates", hint, texts)
        path = column.dataset.path
        learned = [learn_numbers(values[:, place], name, scale, path) for place, name in enumerate(PARTS)]
        varying = tuple(part for part, constant in learned if not constant)
        fixed = [part for part, constant in learned if constant]
        if not varying:
            warnings.constant.append(column.name)
        elif [part.median for part in fixed] != list(NO_DATE):
            for part in fixed:
                if part.name != "seconds of day" or part.median:  # at midnight there is no time to speak of
                    warnings.constant_parts.setdefault(part.name, []).append(column.name)
        return DateColumn(column.name, form, varying or (fixed[0],))


def times_of(column: TrainingColumn, kind: Date) -> Array:
    """(N,) the seconds from the year 1 to each date, NaN where it is missing or none.

    Raises:
        ConfigError: day and month could each be the other.
    """
    texts, form = kind.read(column)
    read = reader_of(form)
    moments = [None if text is None else read(text) for text in texts]
    return np.array([np.nan if each is None else (each - datetime.min).total_seconds() for each in moments])


def _form_of(column: TrainingColumn, texts: set[str]) -> str:
    """The form that most of a column's different ``texts`` have, the first of equals.

    Raises:
        ConfigError: as many are dates whether the day comes first or the month.
    """
    wrong = {form: len(misfits(form, texts)) for form in FORMS}
    form = min(wrong, key=wrong.__getitem__)
    if form == DAY_FIRST and wrong[DAY_FIRST] == wrong[MONTH_FIRST] < len(texts):
        raise _either_first(column.name, min(texts - misfits(form, texts)))
    return form


def _either_first(name: str, text: str) -> ConfigError:
    mark = next(char for char in text if char in "/.-")
    time = ("", "%H:%M", "%H:%M:%S")[min(text.count(":"), 2)]
    day, month = (f"{mark.join(parts)} {time}".strip() for parts in (("%d", "%m", "%Y"), ("%m", "%d", "%Y")))
    return ConfigError(
        f"column {name!r} holds dates such as {text.strip()!r}: each could have the day first or the month",
        key=f"data.types.{name}",
        hint=f'{{name: date, format: "{day}"}} where the day comes first, "{month}" where the month does',
    )

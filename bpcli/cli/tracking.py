"""``--track``: the trackers that follow a training, refused before there is a run where they could not write."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from bpcli.experiment import Experiment
    from bpcli.tracking.following import Following
    from bpcli.tracking.protocol import Tracker


def trackers_of(names: Sequence[str] | None) -> dict[str, Tracker]:
    """The trackers with these names, each able to write.

    Raises:
        ConfigError: there is none of a name, or its library is not installed.
        SystemRefusedError: the place where it writes cannot be reached.
    """
    if not names:
        return {}
    from bpcli.errors import ConfigError, did_you_mean
    from bpcli.tracking import TRACKERS

    for name in names:
        if name not in TRACKERS:
            hint = did_you_mean(name, TRACKERS)
            raise ConfigError(f"there is no tracker {name!r}", where="command line", hint=hint)
    trackers = {name: TRACKERS[name]() for name in dict.fromkeys(names)}
    for tracker in trackers.values():
        tracker.require()
    return trackers


def following(trackers: Mapping[str, Tracker], experiment: Experiment) -> Following | None:
    """What tells the trackers of one run of the experiment; None where there are none."""
    if not trackers:
        return None
    from bpcli.runs.comparison import dotted_settings
    from bpcli.tracking.following import Following

    return Following(trackers, dotted_settings(experiment.resolved))

"""``bp train --resume``: a run taken up where it stopped."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from bpcli.cli.one_run import print_result, run_to_the_end
from bpcli.cli.running import curves_are_shown, introduction, prepared, require_expectations
from bpcli.cli.series import refuse_series_of_ranks, resume_series
from bpcli.errors import ConfigError
from bpcli.ranks.group import SOLO

if TYPE_CHECKING:
    from bpcli.ranks.group import Group
    from bpcli.tracking.protocol import Tracker


def resumed(
    folder: Path,
    words: list[str],
    *,
    allow_drift: bool,
    quiet: bool,
    json: bool,
    plot: bool,
    trackers: Mapping[str, Tracker],
    group: Group = SOLO,
) -> None:
    """Go on with a run, or a series; of one that is complete, say so and end as it did.

    With ``plot`` the curves of a run stand below the bar; ``trackers`` follow what is trained. The processes of the
    ``group`` train a run together.

    Raises:
        ConfigError: a word is no override, or one that would change the past.
        DataError: the run can't go on.
        DivergedError, CheckFailedError: as in training.
    """
    from bpcli.diagnosis.gravest import gravest
    from bpcli.display import say, warning
    from bpcli.runs.resuming import resume
    from bpcli.runs.sameness import same_config
    from bpcli.runs.series import SERIES_FILE

    if (folder / SERIES_FILE).exists():
        refuse_series_of_ranks(group)
        if plot:
            message = "--plot, which shows one run's progress, of a series"
            raise ConfigError(message, where="command line", hint="leave it out; bp plot draws a series")
        if words:
            message = f"{words[0]!r}, but a series goes on as it was asked for"
            raise ConfigError(message, where="command line", hint="leave it out")
        resume_series(folder, allow_drift=allow_drift, quiet=quiet, json=json, trackers=trackers)
        return
    plot = plot and curves_are_shown()
    run = resume(
        folder,
        _overrides(words),
        gravest,
        allow_drift=allow_drift,
        readers=lambda located: group.readers(partial(same_config, located)),
    )
    if run.complete:
        run.tidy()
        if not quiet:
            say(f"nothing left to train: {run.complete}; epochs=N trains for longer")
        print_result(folder, run.record, json=json)
        require_expectations([(folder, run.record)])
        return
    execution = prepared(run.experiment, run.open_run, quiet=quiet, state=run.state, group=group)
    lines = [] if quiet else introduction(run.experiment)
    if not quiet:
        lines += [warning(f"not as the run began: {line}") for line in run.drifted]
        lines.append(f"resumed after epoch {run.state.epoch}, step {run.state.optimizer.step}")
    run_to_the_end(execution, run.experiment, lines, quiet=quiet, json=json, plot=plot, trackers=trackers, group=group)


def _overrides(words: list[str]) -> list[str]:
    from bpcli.config.overrides import is_override

    for word in words:
        if not is_override(word):
            hint = "a run goes on with its own config.yaml; leave the config out"
            raise ConfigError(f"--resume takes KEY=VALUE, and {word!r} is none", where="command line", hint=hint)
    return words

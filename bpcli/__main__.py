"""The start of the command ``bp``, which is ``python -m bpcli``: signals end it as other programs from here on.

Python then looks for modules in the current folder first, where a ``yaml.py`` may lie that came with somebody's data;
so that folder is taken out, unless bp itself lies there.
"""

import os
import sys

if not sys.flags.safe_path and sys.path[0] == os.getcwd() != os.path.dirname(os.path.dirname(__file__)):
    del sys.path[0]

from bpcli.ending.signals import take_default_actions

take_default_actions()

from bpcli.cli import main  # noqa: E402 - an interrupt while this loads ends bp by the signal

if __name__ == "__main__":
    main()

"""The start of the command ``bp``, which is ``python -m bpcli``: an interrupt ends it by the signal from here on.

With ``-m``, Python looks for modules in the current folder first, where a ``yaml.py`` may lie that came with somebody's
data; so that folder is taken out before anything else is imported, unless bp itself lies there.
"""

import os
import sys

if __name__ == "__main__" and not sys.flags.safe_path and sys.path[0] != os.path.dirname(os.path.dirname(__file__)):
    del sys.path[0]

import signal

if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
    signal.signal(signal.SIGINT, signal.SIG_DFL)

from bpcli.cli import main

if __name__ == "__main__":
    main()

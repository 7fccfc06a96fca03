"""The start of the command ``bp``, which is ``python -m bpcli``: an interrupt ends it by the signal from here on."""

import signal

if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
    signal.signal(signal.SIGINT, signal.SIG_DFL)

from bpcli.cli import main

if __name__ == "__main__":
    main()

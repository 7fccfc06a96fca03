"""The start of the command ``bp``, which is ``python -m bpcli``: signals end it as other programs from here on."""

from bpcli.ending.signals import take_default_actions

take_default_actions()

from bpcli.cli import main  # noqa: E402 - an interrupt while this loads ends bp by the signal

if __name__ == "__main__":
    main()

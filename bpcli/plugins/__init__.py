"""Choices of the user's own, from a Python file that the command line names.

``loading`` runs the file, has every choice in it checked and lists it in its registry, where it
is a choice like any other; ``members`` compares a class with the protocol of its kind; ``checks``
has the law that each kind must obey, with what to try it on in ``samples``.
"""

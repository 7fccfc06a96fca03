"""Probes: small choices that bp does not have, defined here and used through the public config.

Each shows that a mechanism carries what it is made for: the choice is one class and
one line of a registry, and is trained, compiled or refused by name, gradient-checked,
resolved, rerun and explained like any other.
"""

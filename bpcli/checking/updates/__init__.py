"""Is the update right? What the engine makes of θ, against the equations that the rule, schedule and chain state.

Reading order: ``equations`` are what the choices state; ``bounds`` evaluates them in
decimals, with a bound of what rounding may do to a computation in floats; ``reference``
is the right update by them. ``subject`` captures the engine's own updates, ``gradients`` are what it
takes them with, and ``comparison`` judges them, in ``verdicts``; ``subjects`` says which engines
and precisions are checked. ``trajectories`` are where a rule leads, right or with one of the
``mistakes``, those in its equations from ``mistaken_rules`` and ``mistaken_decays``; ``diagnosis`` says which
of them leads where updates went. Other programs' updates are read by ``external_updates``.
``bp stepcheck`` reports all of it.
"""

"""Is the gradient right? The engine's and other programs' against the certified one.

``reference`` computes the certified gradient in ``decimals``, from stated formulas.
``subject`` lets the engine's own steps fill the gradient, in float64 and in the
precision that trains, on real examples: a full batch, then a shorter one with the
same network, parameters and buffers. ``comparison`` judges each parameter;
``step_sizes`` shows how far a central difference can be trusted. ``acceptance`` judges
the arrays of other programs.
``external_gradients`` are those of other programs, for which ``starters`` writes
scripts; ``known_mistakes`` names what is wrong with them, and ``grading`` gives
points. ``bp gradcheck`` reports all of it.

``user_gradient`` judges a gradient of any function, which bp did not compute, by
``measured_slopes``; it is for the tests of other people's programs.

``updates`` asks the same of what becomes of the gradient, for ``bp stepcheck``.
"""

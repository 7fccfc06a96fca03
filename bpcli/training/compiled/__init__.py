"""The compiled engine: one training step, recorded from the NumPy code itself and compiled by Numba.

Reading order: ``symbols`` stand for arrays, of which ``views`` are taken;
``recorder`` turns the calls of NumPy on them into ``operations``; ``recording``
runs the NumPy code on them; ``passes`` optimise the recorded program; ``source``
writes it as a module, its operations as ``loops`` and calls of ``products``, which are ``routines`` made of ``blocks``
and ``tiles``; ``outlining`` writes once what it does again and again; ``kernels`` compiles and caches it; ``steps``
trains with it.
"""

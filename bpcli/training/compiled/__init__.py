"""The compiled engine: one training step, recorded from the NumPy code itself and compiled by Numba.

Reading order: ``symbols`` stand for arrays, of which ``views`` are taken; ``recorder`` turns the calls of NumPy on
them into ``operations``; ``recording`` runs the NumPy code on a ``symbolic_network``, which has symbols in place of its
``settings`` too, and makes a ``program`` of them; ``passes`` optimise it, and ``overwriting`` its memory; ``source``
writes it as a module, its operations as ``loops``, those of several as ``fused_loops`` over ``expressions``, its arrays
under ``array_names``; and calls of a ``vocabulary``: of ``products``, which are ``routines`` made of ``blocks`` and
``tiles``, of what finds the ``largest`` entries, and of arrays in ``rooms``.
``outlining`` writes once what it does again and again; ``kernels`` compiles and caches it; ``steps`` trains with it
on ``portions`` of the examples, some epochs ``ahead``, and ``shard_passes`` compute the gradient of a shard. A
``crew`` of threads takes the ``parts`` of products that are ``worth`` it, by words that are ``atomics``.
"""

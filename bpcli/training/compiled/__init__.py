"""The compiled engine: one training step, recorded from the NumPy code itself and compiled by Numba.

Reading order: ``symbols`` stand for arrays, of which ``views`` are taken; ``recorder`` turns the calls of NumPy on
them into ``operations``; ``recording`` runs the NumPy code on a ``symbolic_network``, which has symbols in place of its
``settings`` too, and makes a ``program`` of them. ``source`` writes it as a module: in its ``body`` the operations,
which ``passes`` optimise, and ``overwriting`` their memory, as ``loops`` and ``fused_loops`` of ``expressions``;
``outlining`` writes once what it does again and again, and ``shared_loops`` are done in ``loop_parts``; before it the
``arrays``, under their ``array_names``. It calls a ``vocabulary``: ``sums`` and ``products``, which are ``routines``, a
product made of ``product_parts``, these of ``blocks``, with ``panels``, and ``tiles``, or else by ``blas``; what finds
the ``largest`` entries; and what makes arrays in ``rooms`` and ``rows``. ``kernels`` compiles and caches it; ``steps``
trains with it on ``portions`` of the examples, some epochs ``ahead``, and ``shard_passes`` compute the gradient of a
shard. A ``crew`` of threads takes the ``parts`` of products that are ``worth`` it, by words that are ``atomics``.
"""

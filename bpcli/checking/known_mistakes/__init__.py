"""Which mistake in a backward pass gives these dW and db? Each known mistake is computed and compared with them.

Layers are examined from the output down, to the first whose dW or db is wrong.
All layers above it are right, so its dZ is computed with each mistake in turn
(``candidates``). A mistake is named where it reproduces the arrays, up to a
constant factor (``factors``, ``matches``): first one mistake that explains both
dW and db, otherwise one for each. ``diagnosis`` says it in words.
"""

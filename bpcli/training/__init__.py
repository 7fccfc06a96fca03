"""Training: the loop, its state, the steps of the NumPy engine, and the same steps compiled.

Reading order: ``state`` is what training carries from step to step, with the parameters
to keep by ``keeping``; ``control`` says what results decide; ``loop`` trains from it to
the end of a plan and yields events, and ``divergence`` says where it left the finite
numbers; ``numpy_steps`` takes the steps, with gradients from ``shards`` and losses and
metrics counted by ``batch_results``; ``compiled`` is the other engine and ``engines``
chooses between the two; ``inference`` runs a network over a whole source of examples.
"""

"""Batches in shards: the same bits by one thread, several, or several processes.

A batch's columns are cut into a fixed number of shards, S. Each is computed by itself, and their
gradients are added up in a fixed tree over their order. So numbers depend on S, never on how many
threads or processes there are.

Reading order: ``cutting`` says who has which columns and which shards; ``adding`` is the tree; ``passes``
compute the gradient of one shard, by the functions of an engine; ``results`` are what a shard leaves to be
counted; ``ranks`` are the other processes; ``gradients`` puts these together for any batch; ``updating`` lets
the rule change θ, piece by piece where it may.

What several processes have to do, and where:

- A rank has the shards of ``cutting.block_of``. :class:`gradients.Gradients` makes workspaces for these alone and
  gathers their examples alone; ``Batch.shards`` are a rank's own, ``Batch.results`` are of all shards in order.
- ``Ranks.share`` is called with one list of arrays for each shard of the batch; a rank has filled those of its own
  shards, and on return every rank has all of them. It is called for the examples' weights before backward, where there
  are any, since the loss is divided by their sum; and after backward for A_L, Y, the weights of metrics and
  the sum of the terms, which every rank then counts in the order of shards.
- ``Ranks.total`` gets, by the number of its first shard, every node of the tree that a rank could add up by itself,
  and the additions that are left, in their order: on return ``out`` is the gradient of the batch on every rank. It is
  called once for each gradient, with whole vectors, by the thread that trains.
- A training in one shard is not divided: every rank computes all of it, and no rank asks anything of another.
- Everything else is the same on every rank: θ, the rule's memory, sums, tallies, what is drawn.
"""

from bpcli.training.shards.gradients import WHOLE, Batch, Division, Gradients, Shard
from bpcli.training.shards.passes import NumpyPasses, PassesOf

__all__ = ["WHOLE", "Batch", "Division", "Gradients", "NumpyPasses", "PassesOf", "Shard"]

"""Batches in shards: the same bits by one thread, several, or several processes.

A batch's columns are cut into a fixed number of shards, S. Each is computed by itself, and their
gradients are added up in a fixed tree over their order. So numbers depend on S, never on how many
threads or processes there are.

Reading order: ``cutting`` says who has which columns, shards, bands and pieces; ``adding`` is the tree; ``passes``
compute the gradient of one shard, by the functions of an engine, that of NumPy by ``equations`` in bands; ``results``
are what a shard leaves to be counted; ``ranks`` are the other processes, ``buckets`` what they add up one after the
other; ``division`` says how many of each there are, ``summing`` adds up, ``gradients`` puts these together for any
batch; ``updating`` lets the rule change θ, by ``update_pieces`` where it may, in ``aligned`` buffers.

What several processes have to do, and where:

- A rank has the shards of ``cutting.block_of``. :class:`gradients.Gradients` makes workspaces for these alone and
  gathers their examples alone; ``Batch.shards`` are a rank's own, ``Batch.results`` are of all shards in order.
- ``Ranks.share`` is called with one list of arrays for each shard of the batch; a rank has filled those of its own
  shards, and on return every rank has all of them. It is called for the examples' weights before backward, where there
  are any, since the loss is divided by their sum; and after backward for A_L, Y, the weights of metrics and
  the sum of the terms, which every rank then counts in the order of shards.
- ``Ranks.vectors`` has the gradients of a rank's shards, which ``overlap`` lets be computed. Where there are several
  hosts, passes report each layer whose gradient is there, and another thread meanwhile sends each bucket whose layers
  all shards of the rank have reported. ``collect`` is then called once for each bucket, by the thread that trains: on
  return a rank has its own entries of all shards, as nodes of the tree. What it makes of them, the sum or the updated
  θ, it writes into memory that the ranks of a host have in common; ``show`` begins to send it to every host, and
  ``assemble`` waits for all. Between an ``assemble`` and the next ``collect`` nothing there changes, so it can be read,
  and saved.
- Where each entry of an update follows from the same entry of the gradient, a rank updates its own entries alone:
  ``updating.shared_out``. θ and the rule's memory are then once on a host: ``Ranks.common``.
- A training in one shard is not divided: every rank computes all of it, and no rank asks anything of another.
- Everything is the same on every rank: θ, the rule's memory, sums, tallies, what is drawn.
"""

from bpcli.training.shards.division import WHOLE, Division
from bpcli.training.shards.gradients import Batch, Gradients, Shard
from bpcli.training.shards.passes import NumpyPasses, PassesOf

__all__ = ["WHOLE", "Batch", "Division", "Gradients", "NumpyPasses", "PassesOf", "Shard"]

"""From files to batches.

The walk of a CSV table, in reading order:

1. ``loading.load_parts`` runs the whole way: read, split, learn the encoding, encode.
2. ``files.reading.read_dataset`` has ``files.byte_source`` open the file, tells its
   kind by its first bytes, and calls that kind's reader: ``files.tables`` here,
   ``files.arrays`` for IDX, NPY and NPZ.
3. ``files.table_reader`` chooses the reader of a table: ``files.csv_reader`` for a
   small one, ``files.pandas_reader`` for a large one and for Parquet.
   ``files.sheet`` checks encoding, header and widths first. A reader gives chunks
   of rows, whose cells ``files.cells`` classifies; ``files.tables`` gathers them
   into a ``files.dataset.Table``: named columns, nothing encoded yet.
4. ``splitting.split`` deals the rows into training, validation and test parts.
5. ``encoding.tasks`` learns the encoding of the targets as the loss takes them
   (``encoding.targets``, ``encoding.reals``), ``encoding.features`` that of the features
   from the training rows (``encoding.columns``, ``encoding.scaling``).
6. Both make ``sources``, whose ``gather(indices, out)`` fills a batch with examples in columns.

``warnings`` collects what the user should know. ``conversion`` writes a table of any size as a NPY file.
"""

"""Files as bp writes them, durably, and as it reads its own back, strictly.

Reading order: ``files`` and ``tables`` are written whole or by whole rows, ``folders`` appear filled, ``locks`` leave
a folder one writer; ``bounded`` reads what has an end; ``text``, ``digests`` and ``saved`` are what the files of
``sealed`` JSON and of ``tensors`` are made of and checked by.
"""

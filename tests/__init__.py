"""The tests lie as the rooms of the package do."""

import os

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # before NumPy: the workers share the processor's cores

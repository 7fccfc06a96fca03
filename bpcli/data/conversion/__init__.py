"""From a table of any size to numbers in a NPY file, some rows at a time: what training reads without loading it.

``convert`` runs the whole way. ``contents`` finds what each column holds, which
decides how ``column_writers`` write it; ``npy_file`` puts rows into the file.
"""

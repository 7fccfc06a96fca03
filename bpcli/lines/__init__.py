"""How wide a line is, and how text is put into lines: the one room that decides it.

Read ``widths`` first, which says how wide each kind of output is; then ``cells``, what a text takes of a line, and
``breaking``, where a line ends.
"""

"""How fast is bp beside others that do the same work? ``python -m benchmarks`` measures it.

Reading order: ``workloads``, what is trained; ``competitors``, who trains it;
``workers``, how each of them is set up; ``rounds``, how they are timed side by
side; ``commands``, whole commands from the shell; ``report``, the tables.
"""

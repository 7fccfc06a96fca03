"""What a training costs on one machine or many: a model of its seconds, held against measurements.

    step = arithmetic + update + exchange

Reading order: ``job`` is the training, ``footprint`` its memory, ``threads`` what those of a rank share out,
``cluster`` the machines and their network, ``arithmetic`` what a core makes of a layer, ``exchange`` what ranks send
one another, ``cost`` the seconds of a step and an epoch, ``plan`` the choice of a number of ranks. ``products``
measures a core, with ``compiled_products`` if that engine trains, ``bench`` all cores and the network between them, and
``disturbance`` what else went on meanwhile; ``cluster_file`` keeps what was measured.
"""

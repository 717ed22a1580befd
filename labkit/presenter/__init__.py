"""The walkthrough shown by itself: ``labkit demo``, and as a performance for a class ``labkit demo --step``.

- ``demo``: the whole walkthrough, printed; ``cells``: the solved cells that it runs.
- ``play``: the place of a performance, and the cluster at this place, forward and back.
- ``screen``: the page for each place; ``pictures``: the X-ray and the graph.
- ``room``: the answers of a class on the same machine.
- ``terminal``: the keys; ``stage``: the action of each key.
- ``recording``: the output as an asciinema cast.
- ``notes``: the instructor's notes in another terminal, ``labkit demo --notes``.
- ``slides``: the instructor's notebooks as slides, ``labkit slides``.
"""

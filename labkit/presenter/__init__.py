"""The walkthrough shown by itself: ``labkit demo``, and as a performance for a class ``labkit demo --step``.

- ``demo``: the whole walkthrough, printed; ``cells``: the solved cells that it runs.
- ``play``: where a performance stands, and the cluster with it, forward and back.
- ``screen``: what each place looks like; ``pictures``: the X-ray and the graph.
- ``room``: what a class answers that runs beside it.
- ``terminal``: the keys; ``stage``: what each key does.
- ``recording``: what was shown, as an asciinema cast.
- ``notes``: what ``labkit demo --notes`` shows the instructor in another terminal.
- ``slides``: the instructor's notebooks as slides, ``labkit slides``.
"""

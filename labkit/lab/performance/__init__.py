"""The walkthrough as a performance for a class: ``labkit demo --step``.

- ``play``: where it stands, and the cluster with it, forward and back.
- ``screen``: what each place looks like; ``pictures``: the X-ray and the graph.
- ``terminal``: the keys; ``stage``: what each key does.
- ``notes``: what ``labkit demo --notes`` shows the instructor in another terminal.
"""

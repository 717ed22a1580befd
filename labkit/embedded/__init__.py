"""The embedded cluster: its components in one process, without Docker.

Data goes down: ``process`` → ``cluster`` → ``wiring`` → ``bootstrap`` → ``controllers``, ``node`` →
``apiserver``, ``container`` → ``machinery``.

- ``process``      the cluster as a process of its own (``python -m labkit.embedded``)
- ``cluster``      puts the components together
- ``wiring``       the lists of components: authorizers, authenticators, controllers, handlers
- ``bootstrap``    the objects that every new cluster has
- ``controllers``  what kube-controller-manager does
- ``node``         what a kubelet and the scheduler do
- ``apiserver``    what kube-apiserver does
- ``container``    what runs in a pod: files, network, shell, programs
- ``machinery``    what the components share: requests, errors, kinds, schemas, keys
"""

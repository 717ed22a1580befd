"""Collects submissions: files that learners made, which are not trusted.

- ``intake``       folders, notebooks and archives together
- ``archives``     unpacks them
- ``submissions``  finds, reads and chooses notebooks
- ``declared``     the names and codes that learners wrote into them
- ``exports``      senders, groups and times in the exports of learning systems
- ``roster``       maps senders to learners
- ``tables``       reads the CSV files of teachers and systems
"""

"""What comes in: files by learners, whom nobody trusts.

- ``intake``       folders, notebooks and archives together
- ``archives``     unpacked
- ``submissions``  found, read, chosen
- ``roster``       whose they are
"""

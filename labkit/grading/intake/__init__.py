"""What comes in: files by learners, whom nobody trusts.

- ``intake``       folders, notebooks and archives together
- ``archives``     unpacked
- ``submissions``  found, read, chosen
- ``declared``     what they say of their learners
- ``exports``      what systems say of them: senders, groups, times
- ``roster``       whose they are
- ``tables``       what teachers and systems write as CSV
"""

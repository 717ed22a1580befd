"""Custom resources: the kinds that definitions declare, and the decoding and validation of their objects.

``kinds``       the kinds that a cluster's definitions declare, with their ownership types
``decoding``    JSON to an object of such a kind: pruning, defaults, metadata
``structural``  the algorithms on a structural schema
``schema_rules``, ``structure``, ``version_rules``  the rules for a definition's schemas and versions
``values``      validation of a value against a schema
``formats``     the formats of strings
``strategy``    the rules of such a kind
"""

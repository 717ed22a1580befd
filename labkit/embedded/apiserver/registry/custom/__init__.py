"""Custom resources: what a CustomResourceDefinition declares, and how its objects are decoded and validated.

``kinds``       the kinds that a cluster's definitions declare, with their ownership types
``decoding``    JSON to an object of such a kind: pruning, defaults, metadata
``structural``  the algorithms on a structural schema
``schema_rules``, ``structure``, ``version_rules``  what a definition's schemas and versions must be
``values``      validation of a value against a schema
``formats``     the formats of strings
``strategy``    the rules of such a kind
"""

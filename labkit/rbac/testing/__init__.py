"""Test a policy: questions and their expected answers, wrong policies, differences, and a program's usage.

Pure functions, without a server:

- ``vocabulary``  the names allowed in questions, so that none passes because of a misspelling
- ``questions``   questions with their expected answers, from YAML
- ``policies``    a policy from manifests, with the default roles and with aggregation done
- ``verdicts``    the decisions of a policy, with their reasons
- ``mutants``     wrong policies, and the ones that some questions fail to reject
- ``changes``     the permissions that subjects gained and lost between two policies
- ``usage``       the permissions that an account used and lacked, from an audit log
"""

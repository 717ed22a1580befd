"""Test a policy: questions and their expected answers, wrong policies, differences, and what a program used.

Pure functions, without a server:

- ``vocabulary``  what a question may name, so that none passes for a misspelling
- ``questions``   questions with their expected answers, from YAML
- ``policies``    a policy from manifests, with the default roles and with aggregation done
- ``verdicts``    the answers of a policy, with their reasons
- ``mutants``     wrong policies, and which of them some questions let pass
- ``changes``     who gained and who lost what between two policies
- ``usage``       what an account used of its rights, and what it lacked, from an audit log
"""

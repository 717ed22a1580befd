"""Quota arithmetic that the admission plugin and the quota controller share.

Source: k8s.io/apiserver ``pkg/quota/v1``; k8s.io/kubernetes ``pkg/quota/v1/evaluator/core``;
https://kubernetes.io/docs/concepts/policy/resource-quotas/.
"""

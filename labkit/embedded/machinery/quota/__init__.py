"""What objects use of a ResourceQuota, and what quotas cover: arithmetic that admission and a controller share.

Source: k8s.io/apiserver ``pkg/quota/v1``; k8s.io/kubernetes ``pkg/quota/v1/evaluator/core``;
https://kubernetes.io/docs/concepts/policy/resource-quotas/.
"""

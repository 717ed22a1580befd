"""The strategies of Services, their endpoints, Ingresses, NetworkPolicies and IP ranges."""

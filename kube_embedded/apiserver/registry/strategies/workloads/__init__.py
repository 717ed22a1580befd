"""The strategies of workloads, autoscalers and disruption budgets."""

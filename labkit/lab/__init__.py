"""What a learner holds: the cluster and its callers, the words of the walkthrough, exercises, the demo."""

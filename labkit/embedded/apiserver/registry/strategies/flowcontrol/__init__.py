"""The strategies of API priority and fairness: stored, but no request ever waits."""

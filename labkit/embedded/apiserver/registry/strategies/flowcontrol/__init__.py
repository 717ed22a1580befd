"""The strategies of API priority and fairness: stored and little checked, and no request ever waits."""

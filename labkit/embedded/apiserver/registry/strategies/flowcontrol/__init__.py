"""The strategies of API priority and fairness: validated and stored, but no request ever waits."""

"""What several suites of labkit share: browsers, other users, languages."""

"""What several suites share, labkit's too: clusters in this process, real servers, and ways to talk to them."""

"""What learners do in each part, on a cluster on paper."""

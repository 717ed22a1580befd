"""What makes pods from a template, and what watches over their number."""

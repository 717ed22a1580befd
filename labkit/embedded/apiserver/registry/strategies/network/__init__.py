"""Services, what they reach, and who may reach what."""

"""Make the questions of the drill: random small policies, written in one of three forms."""

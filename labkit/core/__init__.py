"""What every part of labkit uses: errors, texts, the home directory, signals."""

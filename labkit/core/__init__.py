"""The code that every part of labkit uses: errors, texts, the home directory, signals."""

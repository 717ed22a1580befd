"""Commands of the project's own workshop; nothing here is part of the package."""

"""Whose requests would wait for whose: kept and checked as a real server does. None ever waits here."""

"""Oracles and shared checks for tests, shipped with the library; nothing of the library imports them."""

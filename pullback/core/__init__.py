"""Errors, checks, random streams, precision and names of leaves; imports nothing else of ours."""

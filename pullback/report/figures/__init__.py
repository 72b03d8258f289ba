"""Figures of the report, each a function from numbers to inline SVG."""

"""Pullback: the mathematics of deep learning as software."""

__version__ = "0.1.0"

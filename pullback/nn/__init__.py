"""Layers, activations, initializers and losses."""

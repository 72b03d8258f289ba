"""The same work in Pullback and in its peers, measured side by side: `python -m benchmarks`."""

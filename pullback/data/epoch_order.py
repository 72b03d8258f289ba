"""The order in which an epoch visits the rows."""

from __future__ import annotations

import numpy as np

from pullback.core.random import generator


def epoch_order(seed: int, epoch: int, n: int) -> np.ndarray:
    """Permutation of 0 .. n-1 (int32), uniform, a function of (seed, epoch) alone.

    A run that resumes in epoch 7 therefore sees the order that it would have seen without the interruption.

    Examples
    --------
    >>> epoch_order(0, 1, 5).tolist() == epoch_order(0, 1, 5).tolist()
    True
    >>> sorted(epoch_order(0, 2, 5).tolist())
    [0, 1, 2, 3, 4]
    """
    return generator(seed, "epoch order", epoch).permutation(n).astype(np.int32)

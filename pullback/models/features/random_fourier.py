"""Random Fourier features, whose inner products approximate a kernel."""

from __future__ import annotations

import numpy as np
from jaxtyping import Array, Float


def random_fourier(
    X: Float[Array | np.ndarray, "rows features"], frequencies: Float[Array | np.ndarray, "features frequencies"]
) -> Float[Array | np.ndarray, "rows columns"]:
    r"""$z(x) = D^{-1/2} (\cos \omega_1^\top x, \ldots, \cos \omega_D^\top x, \sin \omega_1^\top x, \ldots)$.

    For normal frequencies of standard deviation $1/s$, $z(x)^\top z(y)$ has the mean
    $k(x - y) = \exp(-\lVert x - y \rVert^2 / (2 s^2))$ and, with $\delta = x - y$, the variance
    $\bigl(1 + k(2\delta) - 2 k(\delta)^2\bigr) / (2 D)$; for $x = y$ it is exactly one.

    Examples
    --------
    >>> z = random_fourier(np.array([[0.0], [1.0]]), np.array([[0.0, np.pi / 2]]))
    >>> (z @ z.T).round(6).tolist()
    [[1.0, 0.5], [0.5, 1.0]]

    Source: Rahimi, Recht, NIPS 2007; cosines with sines rather than random phases, Sutherland, Schneider, UAI 2015.
    """
    xp = X.__array_namespace__()
    angles = X @ frequencies
    return xp.concatenate([xp.cos(angles), xp.sin(angles)], axis=1) / frequencies.shape[1] ** 0.5

"""For which learning rates a method converges on a quadratic, and which are best."""

from __future__ import annotations

import math
from typing import NamedTuple

from pullback.core.checks import fraction, positive
from pullback.core.errors import ConfigurationError, unknown_name
from pullback.optim.dynamics.iteration import METHODS


def stability_limit(largest: float, momentum: float = 0.0, *, method: str = "heavy_ball") -> float:
    r"""The learning rate below which a method converges on every quadratic with eigenvalues in $(0, L]$.

    | method | converges if and only if |
    |---|---|
    | "gradient_descent" | $0 < \alpha < 2 / L$ |
    | "heavy_ball" | $0 < \alpha < 2 (1 + \beta) / L$ |
    | "nesterov" | $0 < \alpha < 2 (1 + \beta) / ((1 + 2 \beta) L)$ |

    They follow from the roots of $z^2 - b z + c$ being inside the unit circle if and only if $|c| < 1$ and
    $|b| < 1 + c$.

    Parameters
    ----------
    largest, momentum : $L > 0$ and $\beta \in [0, 1)$; gradient descent has none.

    Raises
    ------
    ConfigurationError
        for a setting out of its range or an unknown method.

    Examples
    --------
    >>> stability_limit(4.0, method="gradient_descent"), stability_limit(4.0, 0.5)
    (0.5, 0.75)

    References
    ----------
    Polyak, "Some methods of speeding up the convergence of iteration methods", USSR Computational Mathematics 4 (1964).
    """
    if method not in METHODS:
        raise unknown_name("method", method, METHODS)
    positive("largest", largest)
    fraction("momentum", momentum)
    limit = 2 * (1 + momentum) / largest
    if method == "gradient_descent" and momentum:
        raise ConfigurationError(
            "gradient descent has no momentum", expected="0", got=repr(momentum), fix='use method="heavy_ball"'
        )
    return limit / (1 + 2 * momentum) if method == "nesterov" else limit


class OptimalParameters(NamedTuple):
    """The learning rate and momentum with the smallest spectral radius, and that radius."""

    learning_rate: float
    momentum: float
    rate: float


def optimal_parameters(smallest: float, largest: float, *, method: str = "heavy_ball") -> OptimalParameters:
    r"""The fastest settings for quadratics with eigenvalues in $[\mu, L]$, with $\kappa = L / \mu$.

    | method | $\alpha$ | $\beta$ | rate |
    |---|---|---|---|
    | "gradient_descent" | $\frac{2}{\mu + L}$ | 0 | $\frac{\kappa - 1}{\kappa + 1}$ |
    | "heavy_ball" | $\big(\frac{2}{\sqrt L + \sqrt\mu}\big)^2$ | $\big(\frac{\sqrt\kappa - 1}{\sqrt\kappa + 1}\big)^2$ | $\frac{\sqrt\kappa - 1}{\sqrt\kappa + 1}$ |
    | "nesterov" | $\frac{4}{3 L + \mu}$ | $\frac{\sqrt{3\kappa + 1} - 2}{\sqrt{3\kappa + 1} + 2}$ | $1 - \frac{2}{\sqrt{3\kappa + 1}}$ |

    Those of the heavy ball are for quadratics only: on other strongly convex functions it can fail to converge.

    Parameters
    ----------
    smallest, largest : $0 < \mu \le L$.

    Raises
    ------
    ConfigurationError
        for numbers that are not positive or in the wrong order, or an unknown method.

    Examples
    --------
    >>> optimal_parameters(1.0, 9.0)
    OptimalParameters(learning_rate=0.25, momentum=0.25, rate=0.5)
    >>> optimal_parameters(1.0, 9.0, method="gradient_descent")
    OptimalParameters(learning_rate=0.2, momentum=0.0, rate=0.8)

    References
    ----------
    Polyak, Introduction to Optimization, 1987, section 3.2. Lessard, Recht and Packard, "Analysis and design of
    optimization algorithms via integral quadratic constraints", SIAM J. Optim. 26 (2016), proposition 1.
    """  # noqa: E501
    if method not in METHODS:
        raise unknown_name("method", method, METHODS)
    positive("smallest", smallest)
    if positive("largest", largest) < smallest:
        raise ConfigurationError(
            "the eigenvalues are in the wrong order",
            expected="smallest <= largest",
            got=f"{smallest} and {largest}",
            fix="exchange them",
        )
    condition = largest / smallest
    if method == "gradient_descent":
        return OptimalParameters(2 / (smallest + largest), 0.0, (condition - 1) / (condition + 1))
    if method == "heavy_ball":
        rate = (math.sqrt(condition) - 1) / (math.sqrt(condition) + 1)
        return OptimalParameters((2 / (math.sqrt(largest) + math.sqrt(smallest))) ** 2, rate**2, rate)
    root = math.sqrt(3 * condition + 1)
    return OptimalParameters(4 / (3 * largest + smallest), (root - 2) / (root + 2), 1 - 2 / root)

"""Data sets drawn from a known law, each a function of its size, noise and seed."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from pullback.core.checks import non_negative, positive, positive_integer
from pullback.core.errors import ConfigurationError
from pullback.core.random import generator
from pullback.data.dataset import Dataset

PLANE = ("x1", "x2")


def spirals(n: int = 1000, noise: float = 0.1, seed: int = 0, *, arms: int = 2, turns: float = 1.5) -> Dataset:
    r"""Interleaved arms of a spiral, one class each.

    $$ x = r \, (\cos\phi_k, \sin\phi_k) + \epsilon, \qquad \phi_k = 2\pi (T r + k / K), \qquad
       r = \sqrt{u}, \quad u \sim U(0, 1), \quad \epsilon \sim N(0, (\sigma / 5)^2 I) $$

    The root makes the points about equally dense along the arm; the arms lie $1 / (K T)$ apart, hence the fifth.

    Parameters
    ----------
    n : number of points, shared out over the arms in turn.
    noise : $\sigma \ge 0$.
    arms : $K \ge 2$.
    turns : $T$, revolutions of an arm from the center to radius 1.

    Examples
    --------
    >>> data = spirals(300, noise=0.0, seed=1, arms=3)
    >>> data.inputs.shape, np.bincount(data.targets).tolist(), bool((data.inputs**2).sum(1).max() <= 1)
    ((300, 2), [100, 100, 100], True)

    References
    ----------
    Lang, Witbrock, "Learning to tell two spirals apart", Connectionist Models Summer School (1988).
    """
    count, classes = positive_integer("n", n), _at_least_two("arms", arms)
    random = generator(seed, "spirals")
    labels = np.arange(count) % classes
    radius = np.sqrt(random.random(count))
    angle = 2 * np.pi * (positive("turns", turns) * radius + labels / classes)
    points = radius[:, None] * np.stack([np.cos(angle), np.sin(angle)], 1)
    points += non_negative("noise", noise) / 5 * random.standard_normal(points.shape)
    return _classification("spirals", points, labels, PLANE, classes)


def moons(n: int = 1000, noise: float = 0.1, seed: int = 0) -> Dataset:
    r"""Two half circles that reach into each other.

    $$ (\cos t, \sin t) \quad \text{and} \quad (1 - \cos t, \tfrac12 - \sin t), \qquad t \sim U(0, \pi), $$

    plus $N(0, \sigma^2 I)$.

    Examples
    --------
    >>> data = moons(100, noise=0.0)
    >>> upper = data.inputs[data.targets == 0]
    >>> bool(np.allclose((upper**2).sum(1), 1, atol=1e-6))
    True
    """
    count = positive_integer("n", n)
    random = generator(seed, "moons")
    labels = np.arange(count) % 2
    angle = np.pi * random.random(count)
    upper = np.stack([np.cos(angle), np.sin(angle)], 1)
    points = np.where(labels[:, None] == 0, upper, np.array([1.0, 0.5]) - upper)
    points += non_negative("noise", noise) * random.standard_normal(points.shape)
    return _classification("moons", points, labels, PLANE, 2)


def blobs(
    n: int = 1000, noise: float = 1.0, seed: int = 0, *, classes: int = 3, features: int = 2, width: float = 10.0
) -> Dataset:
    r"""Round normal clouds $N(c_k, \sigma^2 I)$ about centers $c_k \sim U(-w, w)^p$, one class each.

    Parameters
    ----------
    noise : $\sigma \ge 0$.
    width : $w > 0$; the centers are drawn with the same seed.

    Examples
    --------
    >>> data = blobs(90, noise=0.0, classes=3)
    >>> len(np.unique(data.inputs, axis=0))
    3
    """
    count, classes = positive_integer("n", n), _at_least_two("classes", classes)
    random = generator(seed, "blobs")
    centers = random.uniform(-positive("width", width), width, (classes, positive_integer("features", features)))
    labels = np.arange(count) % classes
    points = centers[labels] + non_negative("noise", noise) * random.standard_normal((count, features))
    return _classification("blobs", points, labels, _names(features), classes)


def noisy_polynomial(
    n: int = 200,
    noise: float = 0.1,
    seed: int = 0,
    *,
    coefficients: Sequence[float] = (0.0, -1.0, 0.0, 2.0),
) -> Dataset:
    r"""A polynomial with noise: $y = \sum_k c_k x^k + \epsilon$, $x \sim U(-1, 1)$, $\epsilon \sim N(0, \sigma^2)$.

    Parameters
    ----------
    noise : $\sigma \ge 0$.
    coefficients : $c_0, c_1, \dots$

    Examples
    --------
    >>> data = noisy_polynomial(50, noise=0.0, coefficients=(1.0, 2.0))
    >>> bool(np.allclose(data.targets, 1 + 2 * data.inputs[:, 0]))
    True
    """
    count = positive_integer("n", n)
    if not len(coefficients) or not np.isfinite(np.asarray(coefficients, float)).all():
        raise ConfigurationError(
            "these are no coefficients of a polynomial",
            expected="one or more finite numbers, the constant first",
            got=repr(coefficients),
            fix="pass coefficients=(0.0, 1.0) for a line",
        )
    random = generator(seed, "noisy polynomial")
    x = random.uniform(-1, 1, count)
    y = np.polynomial.polynomial.polyval(x, np.asarray(coefficients, float))
    y += non_negative("noise", noise) * random.standard_normal(count)
    return Dataset(x[:, None].astype(np.float32), y.astype(np.float32), "regression", "noisy_polynomial", None, ("x",))


def swiss_roll(n: int = 1000, noise: float = 0.05, seed: int = 0) -> Dataset:
    r"""A rolled-up sheet in space, with the place along the roll as the real target.

    $$ x = (t \cos t, \; h, \; t \sin t) + \epsilon, \qquad t \sim U(3\pi/2, 9\pi/2), \quad h \sim U(0, 21), \quad
       \epsilon \sim N(0, \sigma^2 I), \qquad y = t $$

    Examples
    --------
    >>> data = swiss_roll(100, noise=0.0)
    >>> bool(np.allclose(np.hypot(data.inputs[:, 0], data.inputs[:, 2]), data.targets, rtol=1e-5))
    True

    References
    ----------
    Marsland, "Machine Learning: An Algorithmic Perspective", 2nd edition (2014), chapter 6, for these constants;
    Tenenbaum, de Silva, Langford, Science 290 (2000).
    """
    count = positive_integer("n", n)
    random = generator(seed, "swiss roll")
    t = random.uniform(1.5 * np.pi, 4.5 * np.pi, count)
    points = np.stack([t * np.cos(t), random.uniform(0, 21, count), t * np.sin(t)], 1)
    points += non_negative("noise", noise) * random.standard_normal(points.shape)
    names = ("x1", "x2", "x3")
    return Dataset(points.astype(np.float32), t.astype(np.float32), "regression", "swiss_roll", None, names)


def gaussian_mixture(
    n: int = 1000,
    noise: float = 1.0,
    seed: int = 0,
    *,
    classes: int = 2,
    features: int = 2,
    components: int = 2,
    separation: float = 4.0,
) -> Dataset:
    r"""Classes that are mixtures of normal laws with covariances of their own, so that the best boundary is curved.

    Class $k$ has components $j$ of equal weight,

    $$ x \mid k, j \sim N(\mu_{kj}, \sigma^2 A_{kj} A_{kj}^\top), \qquad \mu_{kj} \sim N(0, s^2 I), \quad
       (A_{kj})_{ab} \sim N(0, 1 / p) $$

    Parameters
    ----------
    noise : $\sigma \ge 0$.
    components : $j = 1, \dots$ components a class.
    separation : $s > 0$; means and covariances are drawn with the same seed.

    Examples
    --------
    >>> data = gaussian_mixture(60, classes=3, features=4)
    >>> data.inputs.shape, np.bincount(data.targets).tolist()
    ((60, 4), [20, 20, 20])
    """
    count, classes = positive_integer("n", n), _at_least_two("classes", classes)
    shape = (classes, positive_integer("components", components), positive_integer("features", features))
    random = generator(seed, "gaussian mixture")
    means = positive("separation", separation) * random.standard_normal(shape)
    factors = random.standard_normal((*shape, features)) / np.sqrt(features)
    labels = np.arange(count) % classes
    drawn = random.integers(0, components, count)
    spread = np.einsum("nab,nb->na", factors[labels, drawn], random.standard_normal((count, features)))
    points = means[labels, drawn] + non_negative("noise", noise) * spread
    return _classification("gaussian_mixture", points, labels, _names(features), classes)


def _classification(name: str, points: np.ndarray, labels: np.ndarray, names: tuple[str, ...], classes: int) -> Dataset:
    class_names = tuple(map(str, range(classes)))
    return Dataset(points.astype(np.float32), labels, "classification", name, class_names, names)


def _names(features: int) -> tuple[str, ...]:
    return tuple(f"x{number}" for number in range(1, features + 1))


def _at_least_two(name: str, value: int) -> int:
    if positive_integer(name, value) < 2:
        raise ConfigurationError(f"{name} must be at least 2", expected="an integer >= 2", got=value, fix="choose 2")
    return value

"""Methods on a quadratic as linear systems: matrices, roots, stability, best parameters, and real runs beside them."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
import scipy.optimize
from hypothesis import given
from hypothesis import strategies as st

from pullback.core.errors import ConfigurationError, DataError, ShapeError
from pullback.core.random import generator
from pullback.optim import momentum as momentum_method
from pullback.optim import nesterov, sgd
from pullback.optim.dynamics import (
    METHODS,
    iteration_eigenvalues,
    iteration_matrix,
    observed_rate,
    optimal_parameters,
    predicted_errors,
    spectral_radius,
    stability_limit,
)

RATES, MOMENTA = st.floats(0.01, 3.0), st.floats(0.0, 0.95)


def hessian(n: int = 5, seed: int = 0, smallest: float = 0.2, largest: float = 2.0) -> np.ndarray:
    rotation, _ = np.linalg.qr(generator(seed, "hessian").normal(size=(n, n)))
    matrix = (rotation * np.linspace(smallest, largest, n)) @ rotation.T
    return (matrix + matrix.T) / 2


def beta_of(method: str, beta: float) -> float:
    return 0.0 if method == "gradient_descent" else beta


def run(optimizer: optax.GradientTransformation, matrix: np.ndarray, start: np.ndarray, steps: int) -> np.ndarray:
    """The parameters of every step of a transformation on the quadratic, in float64."""
    with jax.enable_x64(True):
        x, h = jnp.asarray(start), jnp.asarray(matrix)
        state = optimizer.init(x)

        def step(carry: Any, _: None) -> Any:
            x, state = carry
            update, state = optimizer.update(h @ x, state, x)
            return (x + update, state), x

        return np.asarray(jax.lax.scan(step, (x, state), length=steps + 1)[1])


@given(st.sampled_from(METHODS), RATES, MOMENTA)
def test_eigenvalues_are_those_of_the_matrix(method: str, alpha: float, beta: float) -> None:
    matrix, beta = hessian(), beta_of(method, beta)
    system = iteration_matrix(matrix, alpha, beta, method=method)
    ours = iteration_eigenvalues(matrix, alpha, beta, method=method)
    # Compared as polynomials: near a double root the roots themselves are known to half the digits only.
    for point in (1.3, -0.7 + 0.9j):
        theirs = np.linalg.det(point * np.eye(len(system)) - system)
        assert np.prod(point - ours) == pytest.approx(theirs, rel=1e-8, abs=1e-12)
    radius = np.abs(np.linalg.eigvals(system)).max()
    assert spectral_radius(matrix, alpha, beta, method=method) == pytest.approx(radius, rel=1e-6, abs=1e-9)
    by_spectrum = spectral_radius(np.linalg.eigvalsh(matrix), alpha, beta, method=method)
    assert np.abs(ours).max() == pytest.approx(float(by_spectrum), rel=1e-6, abs=1e-9)


@pytest.mark.parametrize("method", METHODS)
def test_matrix_powers_are_the_predicted_errors(method: str) -> None:
    matrix, start, beta = hessian(), generator(0, "start").normal(size=5), beta_of(method, 0.6)
    errors = predicted_errors(matrix, start, 0.4, beta, steps=12, method=method)
    system = iteration_matrix(matrix, 0.4, beta, method=method)
    state = start if method == "gradient_descent" else np.concatenate([start, start])
    for error in errors:
        np.testing.assert_allclose(error, state[:5], rtol=1e-10, atol=1e-12)
        state = system @ state


def test_gradient_descent_runs_as_predicted() -> None:
    matrix, start = hessian(), generator(0, "start").normal(size=5)
    errors = predicted_errors(matrix, start, 0.9, steps=40, method="gradient_descent")
    np.testing.assert_allclose(run(sgd(0.9), matrix, start, 40), errors, rtol=1e-6, atol=1e-7)
    power = np.linalg.matrix_power(np.eye(5) - 0.9 * matrix, 40)
    np.testing.assert_allclose(errors[-1], power @ start, rtol=1e-9, atol=1e-13)


def test_heavy_ball_runs_as_predicted() -> None:
    matrix, start = hessian(), generator(0, "start").normal(size=5)
    errors = predicted_errors(matrix, start, 0.5, 0.75, steps=40, method="heavy_ball")
    np.testing.assert_allclose(run(momentum_method(0.5, 0.75), matrix, start, 40), errors, rtol=1e-6, atol=1e-7)


def test_nesterov_runs_as_predicted() -> None:
    r"""The parameters of our and PyTorch's Nesterov are $y_k = x_k + \beta (x_k - x_{k-1})$."""
    matrix, start = hessian(), generator(0, "start").normal(size=5)
    errors = predicted_errors(matrix, start, 0.5, 0.75, steps=40, method="nesterov")
    ahead = errors + 0.75 * np.diff(errors, axis=0, prepend=errors[:1])
    np.testing.assert_allclose(run(nesterov(0.5, 0.75), matrix, start, 40), ahead, rtol=1e-6, atol=1e-7)


@given(st.sampled_from(METHODS), MOMENTA, st.floats(0.1, 50.0))
def test_stability_ends_at_the_limit(method: str, beta: float, largest: float) -> None:
    beta = beta_of(method, beta)
    limit = stability_limit(largest, beta, method=method)
    curvature = np.array([largest * 1e-3, largest / 2, largest])

    def radius(alpha: float) -> float:
        return np.abs(np.linalg.eigvals(iteration_matrix(np.diag(curvature), alpha, beta, method=method))).max()

    assert radius(0.999 * limit) < 1 < radius(1.001 * limit)
    assert radius(limit) == pytest.approx(1, abs=1e-6)


@pytest.mark.parametrize("alpha", [0.1, 1.0, 1.9, 2.1])
def test_real_runs_converge_below_the_limit_and_diverge_above(alpha: float) -> None:
    matrix = hessian()
    norms = np.linalg.norm(run(sgd(alpha / 2.0), matrix, np.ones(5), 1500), axis=1)
    assert (norms[-1] < 1e-3 * norms[0]) == (alpha / 2.0 < stability_limit(2.0, method="gradient_descent"))
    assert (norms[-1] > 1e3 * norms[0]) == (alpha / 2.0 > stability_limit(2.0, method="gradient_descent"))


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("largest", [1.0, 4.0, 100.0])
def test_optimal_parameters_have_the_smallest_radius(method: str, largest: float) -> None:
    """Against SciPy's Nelder-Mead on the radius over both parameters."""
    best = optimal_parameters(1.0, largest, method=method)
    curvature = np.geomspace(1.0, largest, 9)

    def radius(settings: np.ndarray) -> float:
        alpha, beta = settings[0], beta_of(method, settings[-1])
        if not (alpha > 0 and 0 <= beta < 1):
            return 10.0
        first = {"gradient_descent": 1 - alpha * curvature, "heavy_ball": 1 + beta - alpha * curvature}
        if method == "gradient_descent":
            return np.abs(first[method]).max()
        trace = first["heavy_ball"] if method == "heavy_ball" else (1 + beta) * (1 - alpha * curvature)
        product = np.full(9, beta) if method == "heavy_ball" else beta * (1 - alpha * curvature)
        root = np.sqrt((trace**2 - 4 * product).astype(complex))
        return np.abs(np.concatenate([trace + root, trace - root]) / 2).max()

    # At a double root rounding of 1e-16 becomes 1e-8.
    assert radius(np.array([best.learning_rate, best.momentum])) == pytest.approx(best.rate, abs=1e-6)
    ours = spectral_radius(curvature, best.learning_rate, best.momentum, method=method)
    assert float(ours) == pytest.approx(best.rate, abs=1e-6)
    for factor in (0.7, 1.0, 1.2):
        start = np.array([best.learning_rate * factor, best.momentum * factor])
        search = scipy.optimize.minimize(radius, start, method="Nelder-Mead", options={"xatol": 1e-9, "fatol": 1e-12})
        assert search.fun >= best.rate - 1e-6


@pytest.mark.parametrize("method", METHODS)
def test_observed_rate_of_a_real_run_is_the_radius(method: str) -> None:
    matrix = hessian(smallest=0.1)
    alpha, beta = 0.8, beta_of(method, 0.3)
    optimizer = {
        "gradient_descent": lambda: sgd(alpha),
        "heavy_ball": lambda: momentum_method(alpha, beta),
        "nesterov": lambda: nesterov(alpha, beta),
    }[method]()
    observed = observed_rate(run(optimizer, matrix, np.ones(5), 120))
    assert observed == pytest.approx(float(spectral_radius(matrix, alpha, beta, method=method)), rel=1e-3)


def test_best_momentum_beats_best_gradient_descent_as_the_square_root() -> None:
    matrix = hessian(8, smallest=0.01, largest=1.0)
    rates = {}
    for method in ("gradient_descent", "heavy_ball"):
        best = optimal_parameters(0.01, 1.0, method=method)
        errors = predicted_errors(matrix, np.ones(8), best.learning_rate, best.momentum, steps=400, method=method)
        rates[method] = observed_rate(errors)
    assert rates["gradient_descent"] == pytest.approx(99 / 101, rel=1e-3)
    # A double root: the error is k rho^k, so over k steps the rate seems larger by about 1 / k.
    assert rates["heavy_ball"] == pytest.approx(9 / 11, rel=6e-3)


def test_compiled_and_over_many_settings() -> None:
    matrix = jnp.asarray(hessian(), jnp.float32)
    alphas = jnp.asarray([0.1, 0.5, 1.5])
    together = jax.jit(jax.vmap(lambda alpha: spectral_radius(matrix, alpha, 0.5)))(alphas)
    for alpha, radius in zip(alphas, together, strict=True):
        assert float(radius) == pytest.approx(float(spectral_radius(hessian(), float(alpha), 0.5)), rel=1e-4)


@pytest.mark.parametrize("function", [iteration_matrix, iteration_eigenvalues, spectral_radius])
@pytest.mark.parametrize(
    ("arguments", "settings", "error", "words"),
    [
        ((np.ones((2, 3)), 0.1), {}, ShapeError, "not a square matrix"),
        ((np.array([[1.0, 2.0], [0.0, 1.0]]), 0.1), {}, DataError, "not symmetric"),
        ((np.eye(2), 0.0), {}, ConfigurationError, "learning_rate"),
        ((np.eye(2), 0.1, 1.0), {}, ConfigurationError, "momentum"),
        ((np.eye(2), 0.1, 0.5), {"method": "gradient_descent"}, ConfigurationError, "no momentum"),
        ((np.eye(2), 0.1), {"method": "heavyball"}, ConfigurationError, "did you mean 'heavy_ball'"),
    ],
)
def test_bad_arguments(function: Any, arguments: Any, settings: Any, error: type[Exception], words: str) -> None:
    with pytest.raises(error, match=words):
        function(*arguments, **settings)


def test_bad_parameters() -> None:
    with pytest.raises(ConfigurationError, match="largest"):
        stability_limit(0.0)
    with pytest.raises(ConfigurationError, match="no momentum"):
        stability_limit(1.0, 0.5, method="gradient_descent")
    with pytest.raises(ConfigurationError, match="wrong order"):
        optimal_parameters(2.0, 1.0)
    with pytest.raises(ConfigurationError, match="unknown method"):
        optimal_parameters(1.0, 2.0, method="adam")
    with pytest.raises(ShapeError, match="error"):
        predicted_errors(np.eye(2), np.ones(3), 0.1, steps=2)
    with pytest.raises(DataError, match="show no rate"):
        observed_rate(np.zeros(10))

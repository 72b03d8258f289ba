"""Laplace's approximation: a normal posterior of the parameters of a network around its fit."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jax.flatten_util import ravel_pytree
from jaxtyping import Array, Float

from pullback.core.checks import positive
from pullback.core.errors import ShapeError, unknown_name
from pullback.prob.families import FAMILIES
from pullback.prob.links import LINKS

LIKELIHOODS = ("normal", "binomial", "poisson", "categorical")
ROWS_AT_ONCE = 64


@dataclass(frozen=True, eq=False)
class LaplacePosterior:
    r"""$\theta \mid y \approx N(\hat\theta, (G + \tau I)^{-1})$ with the curvature $G$ of the likelihood.

    Attributes
    ----------
    f : the network as a function of the parameters in one vector and of a row.
    theta : $\hat\theta$ in one vector, shape (P,).
    curvature : $G = \sum_i w_i J_i^\top \Lambda_i J_i$, shape (P, P).
    prior_precision : $\tau$ of the prior $N(0, I / \tau)$.
    log_likelihood : $\log p(y \mid \hat\theta)$.
    """

    f: Callable[[Any, Any], Any]
    theta: Float[np.ndarray, " P"]
    curvature: Float[np.ndarray, "P P"]
    prior_precision: float
    log_likelihood: float

    @property
    def covariance(self) -> Float[np.ndarray, "P P"]:
        r"""$(G + \tau I)^{-1}$."""
        values, vectors = np.linalg.eigh(self.curvature)
        return (vectors / (np.maximum(values, 0) + self.prior_precision)) @ vectors.T

    @property
    def log_marginal_likelihood(self) -> float:
        r"""$\log p(y) \approx \log p(y \mid \hat\theta) + \log p(\hat\theta) + \frac{P}{2} \log 2 \pi -
        \frac{1}{2} \log \det (G + \tau I)$."""
        tau, P = self.prior_precision, len(self.theta)
        values = np.maximum(np.linalg.eigvalsh(self.curvature), 0)
        prior = P / 2 * np.log(tau) - tau / 2 * self.theta @ self.theta
        return float(self.log_likelihood + prior - np.log(values + tau).sum() / 2)

    @property
    def effective_parameters(self) -> float:
        r"""$\sum_j \lambda_j / (\lambda_j + \tau)$: how many directions the data determine, not the prior."""
        values = np.maximum(np.linalg.eigvalsh(self.curvature), 0)
        return float((values / (values + self.prior_precision)).sum())

    def with_prior_precision(self, prior_precision: float) -> LaplacePosterior:
        """The same curvature with another prior."""
        return replace(self, prior_precision=float(positive("prior_precision", prior_precision)))

    def predict(self, X: Any) -> tuple[np.ndarray, np.ndarray]:
        r"""Outputs of the network, shape (n, k), and their variances $\operatorname{diag}(J(x) \Sigma J(x)^\top)$.

        The network is linearized. The noise of an observation is not in the variance: add $\phi$ for a normal law.
        """
        with jax.enable_x64(True):
            covariance = jnp.asarray(self.covariance)
            theta, rows = jnp.asarray(self.theta), jnp.asarray(np.asarray(X, np.float64))

            def one(x: Any) -> tuple[Any, Any]:
                J = jax.jacobian(self.f)(theta, x)
                return self.f(theta, x), jnp.sum((J @ covariance) * J, axis=-1)

            outputs, variance = jax.jit(lambda rows: jax.lax.map(one, rows, batch_size=ROWS_AT_ONCE))(rows)
            return np.asarray(outputs), np.asarray(variance)


def laplace_approximation(
    network: Any,
    X: Any,
    y: Any,
    *,
    likelihood: str,
    prior_precision: float,
    dispersion: float = 1.0,
    apply: Callable[[Any, Any], Any] | None = None,
    select: Callable[[Any], Any] | None = None,
    sample_weight: Any = None,
) -> LaplacePosterior:
    r"""Normal approximation of the posterior of a network's parameters, at the parameters it has.

    $$ G = \sum_i w_i J_i^\top \Lambda_i J_i, \qquad J_i = \frac{\partial f(x_i; \theta)}{\partial \theta}, \qquad
       \Lambda_i = -\frac{\partial^2 \log p(y_i \mid f)}{\partial f^2} $$

    the generalized Gauss-Newton matrix, which is the expected information of the linearized network: exact for a
    linear model with normal noise, and the information of the generalized linear model for a linear predictor. The
    parameters should be the fit under the same prior, whose weight decay is $\tau$ in the sum of the losses.

    Parameters
    ----------
    network : a module, or any tree of arrays with `apply`.
    X : rows, shape (n, ...).
    y : targets: numbers (n,) or (n, k); 0 or 1; counts; or the index of a class for "categorical".
    likelihood : "normal", "binomial" (outputs are log-odds), "poisson" (logarithms of the mean) or "categorical"
        (scores of the classes).
    prior_precision : $\tau > 0$.
    dispersion : variance of the noise of a normal law.
    apply : `apply(network, x)` on one row; by default the module is called on a batch of one.
    select : the part of the network whose parameters are uncertain, `lambda net: net.layers[-1]` for its last layer;
        all of it by default.
    sample_weight : how often each row occurs.

    Raises
    ------
    ConfigurationError
        for an unknown likelihood, or a precision that is not positive.
    ShapeError
        if outputs and targets do not fit together.

    Examples
    --------
    A straight line through the origin: the posterior variance is $1 / (x^\top x / \phi + \tau)$.

    >>> x, y = np.array([[1.0], [2.0]]), np.array([1.0, 2.0])
    >>> found = laplace_approximation(np.array([1.0]), x, y, likelihood="normal", prior_precision=1.0,
    ...     apply=lambda theta, x: theta @ x)
    >>> found.covariance.round(6).tolist()
    [[0.166667]]

    References
    ----------
    MacKay, "A practical Bayesian framework for backpropagation networks", Neural Computation 4 (1992). Daxberger et
    al., "Laplace redux", NeurIPS (2021).
    """
    if likelihood not in LIKELIHOODS:
        raise unknown_name("likelihood", likelihood, LIKELIHOODS)
    tau = float(positive("prior_precision", prior_precision))
    with jax.enable_x64(True):
        double = jax.tree.map(
            lambda leaf: jnp.asarray(leaf, jnp.float64) if eqx.is_inexact_array_like(leaf) else leaf, network
        )
        chosen = double if select is None else select(double)
        arrays, rest = eqx.partition(chosen, eqx.is_inexact_array)
        theta, unravel = ravel_pytree(arrays)
        call = _on_one_row if apply is None else apply

        def f(vector: Any, x: Any) -> Any:
            part = eqx.combine(unravel(vector), rest)
            whole = part if select is None else eqx.tree_at(select, double, part)
            return jnp.atleast_1d(call(whole, x))

        rows = jnp.asarray(np.asarray(X, np.float64))
        n = len(rows)
        w = jnp.ones(n) if sample_weight is None else jnp.asarray(np.asarray(sample_weight, np.float64))
        outputs = jax.eval_shape(f, theta, rows[0]).shape
        targets = _targets(y, n, outputs, likelihood)
        G, value = _curvature(f, theta, rows, targets, w, likelihood, jnp.asarray(float(dispersion)))
        return LaplacePosterior(f, np.asarray(theta), np.asarray(G), tau, float(value))


def _on_one_row(module: Any, x: Any) -> Any:
    return module(x[None])[0]


def _targets(y: Any, n: int, outputs: tuple[int, ...], likelihood: str) -> Any:
    kind = np.int64 if likelihood == "categorical" else np.float64
    targets = np.asarray(y, kind)
    expected = (n,) if likelihood == "categorical" else (n, *outputs)
    if likelihood != "categorical" and outputs == (1,) and targets.shape == (n,):
        targets = targets[:, None]
    if targets.shape != expected:
        raise ShapeError(
            "the targets do not fit the outputs of the network",
            expected=str(expected),
            got=str(targets.shape),
            fix="pass one target for each row and output, or the index of the class",
        )
    return jnp.asarray(targets)


def _curvature(
    f: Callable[[Any, Any], Any],
    theta: Float[Array, " P"],
    X: Any,
    y: Any,
    w: Float[Array, " n"],
    likelihood: str,
    phi: Float[Array, ""],
) -> tuple[Float[Array, "P P"], Float[Array, ""]]:
    n = len(X)
    size = min(ROWS_AT_ONCE, n)
    missing = -n % size
    batches = [jnp.concatenate([a, jnp.repeat(a[:1], missing, axis=0)]).reshape(-1, size, *a.shape[1:]) for a in (X, y)]
    weights = jnp.concatenate([w, jnp.zeros(missing)]).reshape(-1, size)

    def add(sums: Any, batch: Any) -> Any:
        x, target, weight = batch
        J = jax.vmap(jax.jacobian(f), in_axes=(None, 0))(theta, x)
        outputs = jax.vmap(f, in_axes=(None, 0))(theta, x)
        value, Lambda = jax.vmap(lambda y, a: _likelihood(y, a, likelihood, phi))(target, outputs)
        G = jnp.einsum("i,iap,iab,ibq->pq", weight, J, Lambda, J)
        return (sums[0] + G, sums[1] + weight @ value), None

    start = (jnp.zeros((len(theta), len(theta))), jnp.zeros(()))
    return jax.jit(lambda *batches: jax.lax.scan(add, start, batches)[0])(*batches, weights)


def _likelihood(y: Any, a: Float[Array, " k"], likelihood: str, phi: Float[Array, ""]) -> tuple[Any, Any]:
    r"""$\log p(y \mid a)$ and $\Lambda$ at the outputs $a$ of one row."""
    if likelihood == "categorical":
        p = jax.nn.softmax(a)
        return jax.nn.log_softmax(a)[y], jnp.diag(p) - jnp.outer(p, p)
    family = FAMILIES[likelihood]
    link = LINKS[family.canonical_link]
    scale = jnp.ones(()) if family.known_dispersion else phi
    value = jnp.sum(family.log_likelihood(y, a, link, scale, jnp.ones_like(a)))
    return value, jnp.diag(family.information(a, link)) / scale

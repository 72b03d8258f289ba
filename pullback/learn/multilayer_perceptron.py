"""What the two estimators of multilayer perceptrons share."""

from __future__ import annotations

import warnings
from typing import Any

import jax
import numpy as np
from jaxtyping import Float
from sklearn.base import BaseEstimator
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import train_test_split
from sklearn.utils import check_random_state

from pullback.core.checks import fraction, non_negative, positive, positive_integer
from pullback.core.errors import NonFiniteError
from pullback.learn.rows import Rows, bucket, prediction_rows
from pullback.models.multilayer_perceptron import MultilayerPerceptron
from pullback.models.sizes import positive_integers
from pullback.train.multilayer_perceptron_fit import (
    Descent,
    Limits,
    fit_multilayer_perceptron,
    network_from_parameters,
    network_outputs,
)

# Below this number rows are padded to it: one program serves all small tables.
FEWEST_ROWS = 256
LARGEST_BATCH = 200
# scikit-learn's name for what is called sigmoid here.
ACTIVATION_NAMES = {"logistic": "sigmoid"}


class MultilayerPerceptronEstimator(BaseEstimator):
    """Settings, standardization and fit of a network; `MLPClassifier` and `MLPRegressor` add the targets."""

    loss = ""

    def __init__(
        self,
        hidden_layer_sizes: Any = (100,),
        activation: Any = "relu",
        *,
        solver: Any = "adam",
        alpha: Any = 1e-4,
        batch_size: Any = "auto",
        learning_rate_init: Any = 1e-3,
        max_iter: Any = 200,
        shuffle: Any = True,
        random_state: Any = None,
        tol: Any = 1e-4,
        warm_start: Any = False,
        momentum: Any = 0.9,
        nesterovs_momentum: Any = True,
        early_stopping: Any = False,
        validation_fraction: Any = 0.1,
        beta_1: Any = 0.9,
        beta_2: Any = 0.999,
        epsilon: Any = 1e-8,
        n_iter_no_change: Any = 10,
    ) -> None:
        self.hidden_layer_sizes = hidden_layer_sizes
        self.activation = activation
        self.solver = solver
        self.alpha = alpha
        self.batch_size = batch_size
        self.learning_rate_init = learning_rate_init
        self.max_iter = max_iter
        self.shuffle = shuffle
        self.random_state = random_state
        self.tol = tol
        self.warm_start = warm_start
        self.momentum = momentum
        self.nesterovs_momentum = nesterovs_momentum
        self.early_stopping = early_stopping
        self.validation_fraction = validation_fraction
        self.beta_1 = beta_1
        self.beta_2 = beta_2
        self.epsilon = epsilon
        self.n_iter_no_change = n_iter_no_change

    @property
    def network_(self) -> MultilayerPerceptron:
        """The network, of standardized inputs."""
        return network_from_parameters([coef.T for coef in self.coefs_], self.intercepts_, self._activation())

    def _fit_network(self, rows: Rows, outputs: int, strata: np.ndarray | None) -> None:
        hidden, descent, limits = self._settings(rows.rows)
        random = check_random_state(self.random_state)
        start = self.network_ if self.warm_start and hasattr(self, "coefs_") else None
        if start is None:
            self.mean_, self.scale_ = mean_and_scale(rows.X, rows.weight)
        weight, held = rows.weight, None
        if self.early_stopping:
            _, chosen = train_test_split(
                np.arange(rows.rows), test_size=self.validation_fraction, stratify=strata, random_state=random
            )
            held = np.zeros_like(weight)
            held[chosen] = weight[chosen]
            weight = weight - held
            held = _with_more_rows(held, 0.0)
        found = fit_multilayer_perceptron(
            _with_more_rows((rows.X - self.mean_) / self.scale_),
            _with_more_rows(rows.y),
            _with_more_rows(weight, 0.0),
            held,
            key=jax.random.key(random.randint(2**31 - 1)),
            hidden=hidden,
            activation=self._activation(),
            loss=self.loss,
            outputs=outputs,
            descent=descent,
            limits=limits,
            start=start,
        )
        self._keep(found)

    def _keep(self, found: Any) -> None:
        leaves = [np.asarray(leaf) for leaf in jax.tree.leaves(found.network)]
        self.n_iter_ = int(found.n_iter)
        self.loss_curve_ = found.loss_curve[: self.n_iter_]
        if not all(np.isfinite(leaf).all() for leaf in leaves) or not np.isfinite(self.loss_curve_).all():
            raise NonFiniteError(
                f"the loss of {type(self).__name__} grew beyond all numbers",
                expected="steps that lower the loss",
                got=f"a loss of {self.loss_curve_[-1]:g} after {self.n_iter_} passes",
                fix=f"choose learning_rate_init below {self.learning_rate_init:g}",
            )
        self.coefs_, self.intercepts_ = [leaf.T for leaf in leaves[::2]], leaves[1::2]
        self.loss_ = float(self.loss_curve_[-1])
        if self.early_stopping:
            self.validation_loss_curve_ = found.validation_curve[: self.n_iter_]
        if not found.converged:
            warnings.warn(
                f"{type(self).__name__} still lowered its loss after max_iter={self.max_iter} passes: raise max_iter, "
                "or learning_rate_init",
                ConvergenceWarning,
                stacklevel=4,
            )

    def _outputs(self, X: Any) -> Float[np.ndarray, "rows outputs"]:
        X = prediction_rows(self, X)
        return network_outputs(self.network_, _with_more_rows((X - self.mean_) / self.scale_))[: len(X)]

    def _activation(self) -> str:
        name = self.activation
        return ACTIVATION_NAMES[name] if name in ACTIVATION_NAMES else name

    def _settings(self, rows: int) -> tuple[tuple[int, ...], Descent, Limits]:
        sizes = self.hidden_layer_sizes
        hidden = positive_integers("hidden_layer_sizes", [sizes] if np.ndim(sizes) == 0 else list(sizes))
        if self.batch_size == "auto":
            batch_size = LARGEST_BATCH
        else:
            # A batch that holds every row needs no place for more.
            batch_size = min(positive_integer("batch_size", self.batch_size), max(bucket(rows), FEWEST_ROWS))
        if self.early_stopping and fraction("validation_fraction", self.validation_fraction) == 0:
            positive("validation_fraction", self.validation_fraction)
        descent = Descent(
            self.solver,
            fraction("beta_1", self.beta_1),
            fraction("beta_2", self.beta_2),
            positive("epsilon", self.epsilon),
            fraction("momentum", self.momentum),
            bool(self.nesterovs_momentum),
            batch_size,
            bool(self.shuffle),
        )
        limits = Limits(
            non_negative("alpha", self.alpha),
            positive("learning_rate_init", self.learning_rate_init),
            positive_integer("max_iter", self.max_iter),
            non_negative("tol", self.tol),
            positive_integer("n_iter_no_change", self.n_iter_no_change),
        )
        return hidden, descent, limits


def mean_and_scale(
    X: Float[np.ndarray, "rows columns"], weight: Float[np.ndarray, " rows"]
) -> tuple[Float[np.ndarray, " columns"], Float[np.ndarray, " columns"]]:
    """Mean and standard deviation of the columns by weight; one for the deviation of a constant column.

    Examples
    --------
    >>> mean_and_scale(np.array([[1.0, 5.0], [3.0, 5.0]]), np.ones(2))
    (array([2., 5.]), array([1., 1.]))
    """
    total = weight.sum()
    mean = weight @ X / total
    scale = np.sqrt(weight @ (X - mean) ** 2 / total)
    # Of a constant column the rounding of the mean is left.
    constant = scale <= 8 * np.finfo(float).eps * np.abs(mean)
    return mean, np.where(constant, 1.0, scale)


def _with_more_rows(array: np.ndarray, fill: float | None = None) -> np.ndarray:
    """Rows up to a number for which a program is at hand: the first row again, or the number `fill`."""
    missing = max(bucket(len(array)), FEWEST_ROWS) - len(array)
    further = np.repeat(array[:1], missing, axis=0) if fill is None else np.full(missing, fill)
    return np.concatenate([array, further])

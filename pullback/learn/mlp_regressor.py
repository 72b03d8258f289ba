"""A multilayer perceptron as a regressor."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.base import RegressorMixin

from pullback.learn.multilayer_perceptron import MultilayerPerceptronEstimator, mean_and_scale
from pullback.learn.rows import regression_rows


class MLPRegressor(RegressorMixin, MultilayerPerceptronEstimator):
    r"""$\hat y = c + d \odot (W_n \phi(\cdots \phi(W_1 u + b_1) \cdots) + b_n)$ with $u = (x - m)/s$.

    Inputs and targets are standardized within. Half the mean of the squares, over rows and outputs, and
    $\frac{\alpha}{2n} \sum_l \lVert W_l \rVert^2$, $n$ the sum of the weights, are lowered by steps on batches.

    Parameters
    ----------
    hidden_layer_sizes, activation, solver, alpha, batch_size, learning_rate_init, max_iter, shuffle, random_state, tol,
    n_iter_no_change, warm_start, early_stopping, validation_fraction, momentum, nesterovs_momentum, beta_1, beta_2,
    epsilon : as of `MLPClassifier`.

    Attributes
    ----------
    coefs_, intercepts_, mean_, scale_, network_, loss_, loss_curve_, validation_loss_curve_, n_iter_ : as of
        `MLPClassifier`; losses are of standardized targets.
    target_mean_, target_scale_ : $c, d$, one an output.

    Errors
    ------
    `ConfigurationError` for settings out of range, `NonFiniteError` if the loss diverges.

    Examples
    --------
    >>> X = np.linspace(-3, 3, 100)[:, None]
    >>> model = MLPRegressor(learning_rate_init=0.02, max_iter=500, random_state=0).fit(X, np.sin(X.ravel()))
    >>> model.score(X, np.sin(X.ravel())) > 0.99
    True

    Source: scikit-learn's estimator of the same name; the differences are those of `MLPClassifier`.
    """

    loss = "squared_error"

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> MLPRegressor:
        """Passes over the rows; `y` of shape (rows,) or (rows, outputs)."""
        going_on = self.warm_start and hasattr(self, "coefs_")
        rows = regression_rows(self, X, y, sample_weight, many_outputs=True, pad=False)
        self._one_output = rows.y.ndim == 1
        targets = rows.y.reshape(len(rows.y), -1)
        if not going_on:
            self.target_mean_, self.target_scale_ = mean_and_scale(targets, rows.weight)
        standardized = (targets - self.target_mean_) / self.target_scale_
        self._fit_network(rows._replace(y=standardized), targets.shape[1], None)
        return self

    def predict(self, X: Any) -> np.ndarray:
        """The outputs, in the units of the targets."""
        standardized = self._outputs(X)
        outputs = self.target_mean_ + self.target_scale_ * standardized
        return outputs[:, 0] if self._one_output else outputs

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.target_tags.multi_output = True
        return tags

"""A multilayer perceptron as a classifier."""

from __future__ import annotations

from typing import Any

import numpy as np
from jaxtyping import Float
from scipy.special import log_softmax, softmax
from sklearn.base import ClassifierMixin

from pullback.core.errors import DataError
from pullback.learn.multilayer_perceptron import MultilayerPerceptronEstimator
from pullback.learn.rows import classification_rows


class MLPClassifier(ClassifierMixin, MultilayerPerceptronEstimator):
    r"""$P(k \mid x) = \operatorname{softmax}_k(W_n \phi(\cdots \phi(W_1 u + b_1) \cdots) + b_n)$, $u = (x - m)/s$.

    The mean cross entropy and $\frac{\alpha}{2n} \sum_l \lVert W_l \rVert^2$, $n$ the sum of the weights, are
    lowered by steps on batches, all in one compiled program that serves every table of a similar size.

    Parameters
    ----------
    hidden_layer_sizes : widths of the hidden layers, or of the only one.
    activation : `"relu"`, `"tanh"`, `"logistic"`, `"identity"` or another name of `pullback.nn`.
    solver : `"adam"`, or `"sgd"` with `momentum` and `nesterovs_momentum`.
    alpha : of the penalty.
    batch_size : rows an update; `"auto"` is the smaller of 200 and all.
    learning_rate_init : of every update.
    max_iter : passes over the rows at most.
    shuffle : a new order of the rows each pass.
    random_state : of the first weights, the order and the rows held out.
    tol, n_iter_no_change : the fit ends after so many passes without a loss lower by `tol`.
    warm_start : whether `fit` goes on from the last one, with the same classes.
    early_stopping, validation_fraction : whether that loss is of a part of the rows held out; the weights of the pass
        with the lowest are kept.
    beta_1, beta_2, epsilon : of Adam.

    Attributes
    ----------
    classes_ : the classes.
    coefs_, intercepts_ : of each layer, shapes (in, out) and (out,), for inputs $(x - m)/s$.
    mean_, scale_ : $m, s$.
    network_ : the same as a `pullback.models.MultilayerPerceptron`.
    loss_, loss_curve_, n_iter_ : mean loss of the last and of each pass, their number.
    validation_loss_curve_ : the loss of the rows held out, with `early_stopping`.

    Errors
    ------
    `ConfigurationError` for settings out of range, `NonFiniteError` if the loss diverges.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> X, y = load_iris(return_X_y=True)
    >>> model = MLPClassifier(learning_rate_init=0.01, random_state=0).fit(X, y)
    >>> model.score(X, y) > 0.95
    True

    Source: scikit-learn's estimator of the same name. Other than there, inputs are standardized within, rows may have
    weights, the penalty counts once a pass and not once a batch, and the loss rather than the score stops early.
    """

    loss = "categorical_cross_entropy"

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> MLPClassifier:
        """Passes over the rows."""
        before = self.classes_ if self.warm_start and hasattr(self, "classes_") else None
        rows, self.classes_ = classification_rows(self, X, y, sample_weight, pad=False)
        if before is not None and not np.array_equal(before, self.classes_):
            raise DataError(
                "warm_start meets other classes than before",
                expected=f"the classes {before.tolist()}",
                got=f"{self.classes_.tolist()}",
                fix="set warm_start=False to begin anew",
            )
        self._fit_network(rows, len(self.classes_), rows.y)
        return self

    def predict_proba(self, X: Any) -> Float[np.ndarray, "rows classes"]:
        r"""$P(k \mid x)$."""
        return softmax(self._outputs(X), axis=1)

    def predict_log_proba(self, X: Any) -> Float[np.ndarray, "rows classes"]:
        r"""$\log P(k \mid x)$."""
        return log_softmax(self._outputs(X), axis=1)

    def predict(self, X: Any) -> np.ndarray:
        """The class with the highest probability."""
        outputs = self._outputs(X)
        return self.classes_[outputs.argmax(axis=1)]

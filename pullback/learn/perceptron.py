"""Rosenblatt's perceptron as a classifier."""

from __future__ import annotations

import warnings
from functools import partial
from typing import Any

import jax
import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils import check_random_state

from pullback.core.checks import positive_integer
from pullback.core.precision import double_precision
from pullback.learn.linear_decision import LinearDecision, signs_of_classes
from pullback.learn.rows import classification_rows
from pullback.models.linear.perceptron import fit_perceptron


class Perceptron(LinearDecision, ClassifierMixin, BaseEstimator):
    r"""$w \leftarrow w + y_i x_i$ wherever $y_i (w^\top x_i + b) \le 0$, until no row is misclassified.

    More than two classes are each fitted against the rest, all in one program. A row of weight $\omega$ makes a step
    of $\omega$.

    Parameters
    ----------
    fit_intercept : whether there is a $b$.
    max_iter : passes over the rows at most.
    n_iter_no_change : passes without fewer errors after which the rows are taken to be inseparable.
    solution : `"pocket"`, of the ends of all passes the one with the fewest errors; `"last"`, Rosenblatt's own;
        `"average"`, the mean over all turns.
    shuffle : a new order of the rows each pass; without it they come as they stand.
    random_state : of the order.

    Attributes
    ----------
    coef_, intercept_ : shapes (1, features) and (1,), or with one row a class.
    classes_ : the classes; of two, the second has the target $+1$.
    mistakes_ : corrections made, one number a row of `coef_`; the quantity that Novikoff's theorem bounds.
    n_iter_ : passes, the most of all problems.

    Examples
    --------
    >>> model = Perceptron(random_state=0).fit([[0.0], [1.0], [3.0], [4.0]], ["no", "no", "yes", "yes"])
    >>> model.predict([[0.5], [3.5]]).tolist()
    ['no', 'yes']

    Source: `pullback.models.linear.perceptron`.
    """

    def __init__(
        self,
        *,
        fit_intercept: Any = True,
        max_iter: Any = 1000,
        n_iter_no_change: Any = 20,
        solution: Any = "pocket",
        shuffle: Any = True,
        random_state: Any = None,
    ) -> None:
        self.fit_intercept = fit_intercept
        self.max_iter = max_iter
        self.n_iter_no_change = n_iter_no_change
        self.solution = solution
        self.shuffle = shuffle
        self.random_state = random_state

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> Perceptron:
        """Passes over the rows."""
        positive_integer("max_iter", self.max_iter)
        positive_integer("n_iter_no_change", self.n_iter_no_change)
        rows, self.classes_ = classification_rows(self, X, y, sample_weight)
        signs = signs_of_classes(rows.y, len(self.classes_))
        seed = check_random_state(self.random_state).randint(2**31 - 1) if self.shuffle else None
        # Columns of zeros change nothing, and let one program serve many numbers of columns.
        features = rows.X.shape[1]
        width = max(8, 1 << (features - 1).bit_length())
        found = _fit_all(
            np.pad(rows.X, ((0, 0), (0, width - features))),
            signs,
            rows.weight,
            seed,
            bool(self.fit_intercept),
            self.max_iter,
            self.n_iter_no_change,
            self.solution,
        )
        self.coef_, self.intercept_ = found.coef[:, :features], found.intercept
        self.mistakes_, self.n_iter_ = found.mistakes.astype(int), int(found.n_iter.max())
        if self.n_iter_ >= self.max_iter and np.any(found.errors > 0):
            warnings.warn(
                f"Perceptron misclassifies rows after max_iter={self.max_iter} passes: raise max_iter, or add features",
                ConvergenceWarning,
                stacklevel=2,
            )
        return self


@double_precision
def _fit_all(
    X: Any, signs: Any, weight: Any, seed: int | None, fit_intercept: bool, max_iter: int, patience: int, solution: str
) -> Any:
    key = None if seed is None else jax.random.key(seed)
    fit = partial(fit_perceptron, fit_intercept=fit_intercept, max_iter=max_iter, n_iter_no_change=patience)
    X, weight = jax.numpy.asarray(X), jax.numpy.asarray(weight)
    return jax.vmap(lambda y: fit(X, y, weight, key=key, solution=solution))(jax.numpy.asarray(signs))

"""Monomials of the inputs."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain, combinations, combinations_with_replacement

import numpy as np
from jaxtyping import Array, Float

Term = tuple[int, ...]


def polynomial_terms(
    features: int, degree: int | tuple[int, int], *, interaction_only: bool = False, include_bias: bool = True
) -> list[Term]:
    r"""The monomials of degree at most `degree`, each as the columns that are multiplied, in scikit-learn's order.

    With $p$ features there are $\binom{p+d}{d}$ of degree at most $d$: $(p+1)(p+2)/2$ for the squares.

    Parameters
    ----------
    degree : the highest, or the lowest and the highest; the constant is decided by `include_bias` alone.
    interaction_only : leave out the monomials in which a column stands twice.

    Examples
    --------
    >>> polynomial_terms(2, 2)
    [(), (0,), (1,), (0, 0), (0, 1), (1, 1)]
    >>> polynomial_terms(3, (2, 3), interaction_only=True, include_bias=False)
    [(0, 1), (0, 2), (1, 2), (0, 1, 2)]
    """
    lowest, highest = degree if isinstance(degree, tuple) else (1, degree)
    choose = combinations if interaction_only else combinations_with_replacement
    columns = range(features)
    terms = chain.from_iterable(choose(columns, size) for size in range(max(lowest, 1), highest + 1))
    return [*([()] if include_bias else []), *terms]


def polynomial_features(
    X: Float[Array | np.ndarray, "rows features"], terms: Sequence[Term]
) -> Float[Array | np.ndarray, "rows terms"]:
    r"""$\prod_{j \in t} x_{ij}$ for each row $i$ and each term $t$.

    Each product is one of a lower degree times a column: one multiplication an entry whatever the degree, and the
    derivative at zero exists.

    Parameters
    ----------
    terms : from `polynomial_terms`, in ascending degree.

    Examples
    --------
    >>> polynomial_features(np.array([[2.0, 3.0]]), polynomial_terms(2, 2))
    array([[1., 2., 3., 4., 6., 9.]])
    """
    xp = X.__array_namespace__()
    products = xp.ones_like(X, shape=(X.shape[0], 1))
    position: dict[Term, int] = {(): 0}
    blocks = []
    for size in range(max(map(len, terms), default=0) + 1):
        if size > 0:
            level = sorted({term[:size] for term in terms if len(term) >= size})
            factors = np.array([position[term[:-1]] for term in level])
            products = products[:, factors] * X[:, np.array([term[-1] for term in level])]
            position = {term: place for place, term in enumerate(level)}
        wanted = [position[term] for term in terms if len(term) == size]
        if wanted == list(range(products.shape[1])):
            blocks.append(products)
        elif wanted:
            blocks.append(products[:, np.array(wanted)])
    return xp.concatenate(blocks, axis=1) if blocks else X[:, :0]

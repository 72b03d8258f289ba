"""What arguments of `fit` a classifier of many classes hands on to the classifiers of two."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np
import sklearn
from sklearn.utils.metadata_routing import UNUSED, MetadataRouter, MethodMapping, process_routing
from sklearn.utils.validation import has_fit_parameter

from pullback.core.errors import ConfigurationError


class RoutedBase:
    """A mixin for classifiers with the parameter `estimator`: scikit-learn's metadata routing from `fit` to its `fit`.

    Examples
    --------
    >>> from pullback.learn import LogisticRegression, OneVsRest
    >>> with sklearn.config_context(enable_metadata_routing=True):
    ...     meta = OneVsRest(LogisticRegression().set_fit_request(sample_weight=True))
    ...     model = meta.fit([[0.0], [1.0], [2.0], [3.0]], [0, 1, 0, 1], sample_weight=[1, 2, 2, 1])
    >>> model.predict([[0.0]]).tolist()
    [0]
    """

    estimator: Any
    # Weights are the estimator's own: where it does not want them, passing them is an error.
    __metadata_request__fit: ClassVar[dict[str, str]] = {"sample_weight": UNUSED}

    def get_metadata_routing(self) -> MetadataRouter:
        """The requests of the estimator, and of `score`."""
        router: Any = MetadataRouter(owner=self)  # pyright: ignore[reportArgumentType]
        mapping = MethodMapping().add(caller="fit", callee="fit")
        return router.add_self_request(self).add(estimator=self._base(), method_mapping=mapping)

    def _base(self) -> Any:
        return self.estimator


def routed_arguments(meta: Any, base: Any, sample_weight: Any, further: dict[str, Any]) -> dict[str, Any]:
    """The arguments of the classifier's `fit`: those that it requests, or without routing the weights.

    Errors
    ------
    `ConfigurationError` for arguments that it does not take; with routing scikit-learn's `TypeError` for those, and
    its `UnsetMetadataPassedError` where the classifier does not say whether it wants them.
    """
    if sklearn.get_config()["enable_metadata_routing"]:
        return dict(process_routing(meta, "fit", sample_weight=sample_weight, **further).estimator.fit)
    if further:
        raise ConfigurationError(
            f"{type(meta).__name__}.fit hands on sample_weight alone",
            expected="X, y and sample_weight, unless scikit-learn routes metadata",
            got=", ".join(further),
            fix="call sklearn.set_config(enable_metadata_routing=True) and the estimator's set_fit_request",
        )
    if sample_weight is None:
        return {}
    if not has_fit_parameter(base, "sample_weight"):
        raise ConfigurationError(
            f"{type(base).__name__} takes no sample_weight",
            expected="a classifier whose fit has the argument sample_weight",
            got=type(base).__name__,
            fix="leave the weights out, or choose another classifier",
        )
    return {"sample_weight": sample_weight}


def arguments_of_rows(arguments: dict[str, Any], rows: np.ndarray) -> dict[str, Any]:
    """Arguments with an entry a row at the rows marked in a mask, others as they are.

    Examples
    --------
    >>> arguments_of_rows({"clusters": ["a", "b"], "depth": 3}, np.array([False, True]))
    {'clusters': array(['b'], dtype='<U1'), 'depth': 3}
    """
    return {name: _of_rows(value, rows) for name, value in arguments.items()}


def _of_rows(value: Any, rows: np.ndarray) -> Any:
    sized = hasattr(value, "__len__") and not isinstance(value, str | dict) and len(value) == len(rows)
    return np.asarray(value)[rows] if sized else value

"""Architectures: a closed table of families, each rebuilt from its name and plain arguments."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from typing import Any

import equinox as eqx
from jaxtyping import Array

from pullback.core.errors import ConfigurationError, unknown_name
from pullback.models.convolutional_network import ConvolutionalNetwork
from pullback.models.multilayer_perceptron import MultilayerPerceptron
from pullback.models.tabular_network import TabularNetwork

__all__ = ["FAMILIES", "ConvolutionalNetwork", "MultilayerPerceptron", "TabularNetwork", "build", "describe"]

FAMILIES: dict[str, type[Any]] = {
    "convolutional_network": ConvolutionalNetwork,
    "multilayer_perceptron": MultilayerPerceptron,
    "tabular_network": TabularNetwork,
}


def _argument_names(family: type[Any]) -> list[str]:
    return [name for name in inspect.signature(family).parameters if name != "key"]


def build(architecture: str, arguments: Mapping[str, Any], key: Array) -> eqx.Module:
    """A new model of the family `architecture`; `arguments` are those of its class, as JSON may hold them.

    Errors
    ------
    `ConfigurationError` for a name outside the table or an argument that the family does not have.

    Examples
    --------
    >>> import jax
    >>> model = build("multilayer_perceptron", {"in_shape": [4], "out_features": 3}, jax.random.key(0))
    >>> model.hidden
    (128, 128)
    """
    if architecture not in FAMILIES:
        raise unknown_name("architecture", architecture, FAMILIES)
    family = FAMILIES[architecture]
    names = _argument_names(family)
    for name in arguments:
        if name not in names:
            raise unknown_name(f"argument of {architecture}", name, names)
    try:
        inspect.signature(family).bind(**arguments, key=key)
    except TypeError as error:
        raise ConfigurationError(
            f"{architecture} cannot be built: {error}",
            expected=f"the arguments {', '.join(names)}",
            got=", ".join(arguments) or "none",
            fix="give the missing arguments",
        ) from None
    return family(**arguments, key=key)


def describe(model: Any) -> tuple[str, dict[str, Any]] | None:
    """Name and JSON-able arguments of a model of one of the families, or None for any other module.

    `build(*describe(model), key)` has the same structure.

    Examples
    --------
    >>> import jax
    >>> model = MultilayerPerceptron(4, 3, hidden=(8,), key=jax.random.key(0))
    >>> name, arguments = describe(model)
    >>> name, arguments["in_shape"], arguments["hidden"]
    ('multilayer_perceptron', [4], [8])
    """
    for name, family in FAMILIES.items():
        if type(model) is family:
            values = {argument: getattr(model, argument) for argument in _argument_names(family)}
            return name, {key: list(value) if isinstance(value, tuple) else value for key, value in values.items()}
    return None

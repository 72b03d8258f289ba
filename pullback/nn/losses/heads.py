"""Whether the last layer of a model and a loss belong together."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import jax.numpy as jnp
from jax.extend.core import ClosedJaxpr, Jaxpr, JaxprEqn, Literal, Var
from jax.typing import DTypeLike
from jaxtyping import Array

from pullback.core.errors import ConfigurationError
from pullback.nn.probe import layer_type, probe
from pullback.nn.summary import trace

# Operations that move numbers about without changing them.
MOVES = frozenset(
    {"reshape", "squeeze", "expand_dims", "broadcast_in_dim", "convert_element_type", "transpose", "copy", "copy_p"}
)
SQUASHES = {"softmax": "softmax", "sigmoid": "sigmoid", "logistic": "sigmoid", "hard_sigmoid": "hard_sigmoid"}


def check_head(
    model: Any,
    loss: Callable[[Array, Array], Array],
    example_shape: Sequence[int],
    target_shape: Sequence[int] | None = None,
    dtype: DTypeLike = jnp.float32,
) -> None:
    r"""Raise if the output of `model` is not what `loss` is made for; a loss without attributes is not checked.

    A loss from logits applies the softmax or sigmoid itself: a model that ends in one would be squashed twice. A
    categorical loss needs an output a class, a binary loss exactly one output (or as many as the targets have).

    Parameters
    ----------
    example_shape : shape of one input, without the batch axis.
    target_shape : shape of one target, if known; `(k,)` allows \(k\) independent binary labels.

    Errors
    ------
    `ConfigurationError` that names the last layer and the remedy.

    Examples
    --------
    >>> import jax
    >>> from pullback.nn import CategoricalCrossEntropy, Linear, Sequential, softmax
    >>> model = Sequential([Linear(4, 3, key=jax.random.key(0)), softmax])
    >>> try:
    ...     check_head(model, CategoricalCrossEntropy(), (4,))
    ... except ConfigurationError as error:
    ...     print(error)
    the model ends in softmax, which categorical_cross_entropy applies itself
      expected: raw outputs (logits) from the last layer
      got: layers[1] (Activation(softmax))
      to do: remove the softmax at the end of the model, and apply it to predictions where probabilities are wanted
    """
    kind = getattr(loss, "target_kind", None)
    if kind is None:
        return
    calls: list[tuple[str, Any, Any]] = []

    def visit(path: str, module: Any, x: Any, y: Any) -> Any:
        calls.append((path, module, y))
        return y

    program = trace(probe(model, visit), (1, *example_shape), dtype)
    head = _last_layer(calls)
    name = getattr(loss, "name", type(loss).__name__)
    squash = last_squash(program)
    if getattr(loss, "expects_logits", False) and squash:
        raise ConfigurationError(
            f"the model ends in {squash}, which {name} applies itself",
            expected="raw outputs (logits) from the last layer",
            got=head,
            fix=f"remove the {squash} at the end of the model, and apply it to predictions where probabilities are"
            " wanted",
        )
    shape = tuple(program.out_avals[0].shape[1:])
    if kind == "class_index":
        _check_classes(shape, name, head)
    if kind == "binary":
        _check_binary(shape, name, head, target_shape)


def _last_layer(calls: list[tuple[str, Any, Any]]) -> str:
    """The innermost layer whose output is the model's."""
    output = calls[-1][2]
    path, module, _ = next(call for call in calls if call[2] is output)
    return f"{path} ({layer_type(module)})" if path else layer_type(module)


def _check_classes(shape: tuple[int, ...], name: str, head: str) -> None:
    if not shape or shape[-1] < 2:
        raise ConfigurationError(
            f"{name} needs one output a class, and the model has {shape[-1] if shape else 'no class axis'}",
            expected="a last layer with two or more outputs",
            got=f"{head} with outputs of shape {shape}",
            fix="give the last layer as many outputs as there are classes, or use binary_cross_entropy with one output",
        )


def _check_binary(shape: tuple[int, ...], name: str, head: str, target_shape: Sequence[int] | None) -> None:
    wanted = {(), (1,)} | ({tuple(target_shape)} if target_shape else set())
    if shape not in wanted:
        raise ConfigurationError(
            f"{name} needs one output an example, and the model has {shape}",
            expected="a last layer with one output",
            got=f"{head} with outputs of shape {shape}",
            fix="give the last layer one output, or use categorical_cross_entropy with one output a class",
        )


def last_squash(program: ClosedJaxpr) -> str | None:
    """Softmax or sigmoid if the program's first output comes straight out of one."""
    return _squash(program.jaxpr, program.jaxpr.outvars[0])


def _squash(program: Jaxpr, output: Any) -> str | None:
    while True:
        equation = _producer(program, output)
        if equation is None:
            return None
        name = equation.params["name"] if equation.primitive.name == "jit" else equation.primitive.name
        if name in SQUASHES:
            return SQUASHES[name]
        inner = _called(equation)
        if name in MOVES:
            output = equation.invars[0]
        elif inner is not None:
            result: Any = inner.outvars[equation.outvars.index(output)]
            found = _squash(inner, result)
            if found or result not in inner.invars:
                return found
            output = equation.invars[inner.invars.index(result)]
        else:
            return _written_out(program, equation)


def _producer(program: Jaxpr, output: Var | Literal) -> JaxprEqn | None:
    if isinstance(output, Literal):
        return None
    return next((equation for equation in program.eqns if output in equation.outvars), None)


def _called(equation: JaxprEqn) -> Jaxpr | None:
    for key in ("jaxpr", "call_jaxpr"):
        inner = equation.params.get(key)
        if isinstance(inner, ClosedJaxpr):
            return inner.jaxpr
        if isinstance(inner, Jaxpr):
            return inner
    return None


def _written_out(program: Jaxpr, equation: JaxprEqn) -> str | None:
    r"""Softmax as \(e^x/\sum e^x\) and sigmoid as \(1/(1+e^{-x})\), written by hand."""
    if equation.primitive.name != "div":
        return None
    numerator, denominator = (_source(program, variable) for variable in equation.invars)
    if (numerator, denominator) == ("exp", "reduce_sum"):
        return "softmax"
    below = _producer(program, equation.invars[1])
    if numerator is None and below is not None and below.primitive.name == "add":
        return "sigmoid" if "exp" in [_source(program, variable) for variable in below.invars] else None
    return None


def _source(program: Jaxpr, variable: Var | Literal) -> str | None:
    """Name of the operation behind a value, moves left out; None for a constant or an input."""
    equation = _producer(program, variable)
    while equation is not None and equation.primitive.name in MOVES:
        equation = _producer(program, equation.invars[0])
    return None if equation is None else equation.primitive.name

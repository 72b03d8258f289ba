r"""Look at, or change, what every layer of a model returns, without the model knowing.

`probe` is a transformation of the model: it wraps every layer and returns a model with the same call, the same
parameters and the same memory. Summaries, error messages with a layer's path, and the search for the first NaN are
built on it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import equinox as eqx
import jax

from pullback.core.errors import ConfigurationError, PullbackError, ShapeError
from pullback.core.trees import path_string
from pullback.nn.activation import Activation
from pullback.nn.inputs import describe
from pullback.nn.state import Transparent, has_memory, members

Visit = Callable[[str, Any, Any, Any], Any]

# A call that does not fit a signature is a `TypeError` of Python, told from a wrong shape only by its words.
_SIGNATURE_WORDS = ("unexpected keyword argument", "required positional argument", "positional arguments but")


def layer_type(module: Any) -> str:
    """How a layer is called in tables and messages: its class, and for an activation its function."""
    module = module.module if isinstance(module, Transparent) else module
    return module.label if isinstance(module, Activation) else type(module).__name__


def scope_name(path: str) -> str:
    """Name under which the operations of the layer at `path` stand in a traced program."""
    return f"<{path}>"


class Trail:
    """Which layer returned which value, for as long as the outermost call lasts."""

    def __init__(self) -> None:
        self.depth = 0
        self.returned: list[tuple[Any, str]] = []

    def producer(self, x: Any) -> str | None:
        return next((name for value, name in self.returned if value is x), None)


class Probed(Transparent):
    """A layer that reports to `visit` and gives its path to the errors raised inside it."""

    module: Any
    path: str = eqx.field(static=True)
    visit: Visit = eqx.field(static=True)
    trail: Trail = eqx.field(static=True)

    def __getattr__(self, name: str) -> Any:
        if name == "module" or (name.startswith("__") and name.endswith("__")):
            raise AttributeError(name)
        return getattr(self.module, name)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        x = args[0] if args else next(iter(kwargs.values()), None)
        self.trail.depth += 1
        try:
            with jax.named_scope(scope_name(self.path)):
                result = self._call(x, args, kwargs)
                y, rest = (result[0], result[1:]) if has_memory(self.module) else (result, ())
                y = self.visit(self.path, self.module, x, y)
            self.trail.returned.append((y, f"{self.path} ({layer_type(self.module)})"))
            return (y, *rest) if rest else y
        finally:
            self.trail.depth -= 1
            if self.trail.depth == 0:
                self.trail.returned.clear()

    def _call(self, x: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        try:
            return self.module(*args, **kwargs)
        except ShapeError as error:
            error.within(self.path, self.trail.producer(x)).pin(error.path)
            raise
        except PullbackError:
            raise
        except jax.errors.JAXTypeError as error:
            raise _value_error(self) from error
        except (TypeError, ValueError) as error:
            raise _readable(self, x, error) from error


def _where(probed: Probed) -> str:
    return f"{probed.path}: {layer_type(probed)}" if probed.path else layer_type(probed)


def _value_error(probed: Probed) -> ConfigurationError:
    return ConfigurationError(
        f"{_where(probed)} needs the values of an array while the model is being compiled",
        expected="a layer that depends on shapes in Python and on values only through array operations",
        got="Python's if, while, float() or int(), or NumPy, applied to an array",
        fix="use jax.numpy.where, jax.lax.cond or jax.lax.while_loop there",
    )


def _readable(probed: Probed, x: Any, error: Exception) -> PullbackError:
    message = str(error).split("\n", 1)[0]
    if isinstance(error, TypeError) and any(words in message for words in _SIGNATURE_WORDS):
        return ConfigurationError(
            f"{_where(probed)} cannot be called as a layer: {message}",
            expected="layer(x, *, key=None, training=False), or layer(x, state, *, ...) with memory",
            got=message,
            fix="give its __call__ these arguments, or wrap it in a module of your own",
        )
    shape = describe(x) if hasattr(x, "shape") and hasattr(x, "dtype") else type(x).__name__
    failure = ShapeError(
        f"{layer_type(probed)} cannot compute with this input: {message}",
        got=shape,
        fix="change the shape or dtype that comes in, or the sizes of this layer",
    )
    failure.producer = probed.trail.producer(x)
    return failure.pin(probed.path)


def probe(model: Any, visit: Visit) -> Any:
    r"""`model` with every layer wrapped: each call of a layer calls `visit(path, module, x, y)` and returns its result.

    Parameters
    ----------
    model : a module; the root has the path `""`, a member one such as `layers[2]` or `encoder.layers[0]`.
    visit : function of the layer's path, the layer, its first input and its output; what it returns takes the place
        of the output. It runs while the program is traced, so it may add to `y` whatever it wants differentiated: the
        gradient in a zero added to `y` is the cotangent of the layer's output.

    A `ShapeError` that leaves a wrapped layer carries the layer's path and the layer that produced its input; a shape
    that JAX itself refuses is turned into a `ShapeError`.

    Examples
    --------
    >>> import jax.numpy as jnp
    >>> from pullback.nn import Linear, Sequential, relu
    >>> model = Sequential([Linear(3, 2, key=jax.random.key(0)), relu])
    >>> def show(path, module, x, y):
    ...     print(repr(path), layer_type(module), x.shape, "->", y.shape)
    ...     return y
    >>> y = probe(model, show)(jnp.ones((5, 3)))
    'layers[0]' Linear (5, 3) -> (5, 2)
    'layers[1]' Activation(relu) (5, 2) -> (5, 2)
    '' Sequential (5, 3) -> (5, 2)
    """
    return _probed(model, (), visit, Trail())


def _probed(node: Any, path: tuple[Any, ...], visit: Visit, trail: Trail) -> Any:
    parts = members(node)
    if not parts:
        return _wrapped(node, path, visit, trail)
    # A module that stands in for another is no place of its own: its inner module keeps the path.
    step = [() if isinstance(node, Transparent) else (key,) for key, _ in parts]
    inside = [_probed(part, path + more, visit, trail) for more, (_, part) in zip(step, parts, strict=True)]
    structure = jax.tree_util.tree_structure(node, is_leaf=lambda part: part is not node)
    rebuilt = jax.tree_util.tree_unflatten(structure, inside)
    return rebuilt if isinstance(node, Transparent) else _wrapped(rebuilt, path, visit, trail)


def _wrapped(node: Any, path: tuple[Any, ...], visit: Visit, trail: Trail) -> Any:
    if isinstance(node, eqx.Module) and callable(node):
        return Probed(node, path_string(path), visit, trail)
    return node

"""The probe: what it sees, what it may change, and errors with a layer's path."""

from __future__ import annotations

from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jaxtyping import Array

from pullback.core.errors import ConfigurationError, ShapeError
from pullback.nn import Dropout, Linear, Sequential, probe, relu, tanh


class Residual(eqx.Module):
    """A user's own module: members in a list, a shared member, a method beside the call."""

    blocks: list[Linear]
    head: Linear
    scale: float = eqx.field(static=True, default=0.5)

    def encode(self, x: Array) -> Array:
        for block in self.blocks:
            x = x + self.scale * tanh(block(x))
        return x

    def __call__(self, x: Array, *, key: Array | None = None, training: bool = False) -> Array:
        return self.head(self.encode(x))


class Wrapper(eqx.Module):
    inner: Any

    def __call__(self, x: Array, *, key: Array | None = None, training: bool = False) -> Array:
        return self.inner.encode(x) * self.inner.scale


class Raw(eqx.Module):
    """A layer that leaves its shapes to JAX."""

    weight: Array

    def __call__(self, x: Array, *, key: Array | None = None, training: bool = False) -> Array:
        return x @ self.weight


class Deciding(eqx.Module):
    def __call__(self, x: Array, *, key: Array | None = None, training: bool = False) -> Array:
        return x if x.sum() > 0 else -x


class Bare(eqx.Module):
    def __call__(self, x: Array) -> Array:
        return x


def _residual() -> Residual:
    keys = jax.random.split(jax.random.key(0), 3)
    return Residual([Linear(3, 3, key=keys[0]), Linear(3, 3, key=keys[1])], Linear(3, 2, key=keys[2]))


def _keep(path: str, module: Any, x: Any, y: Any) -> Any:
    return y


def test_sees_every_layer_and_changes_nothing() -> None:
    model, x = _residual(), jnp.ones((5, 3))
    seen: list[tuple[str, str]] = []

    def visit(path: str, module: Any, x: Any, y: Any) -> Any:
        seen.append((path, type(module).__name__))
        return y

    np.testing.assert_array_equal(probe(model, visit)(x), model(x))
    assert seen == [("blocks[0]", "Linear"), ("blocks[1]", "Linear"), ("head", "Linear"), ("", "Residual")]


def test_attributes_and_methods_pass_through() -> None:
    model = Wrapper(_residual())
    seen: list[str] = []

    def visit(path: str, module: Any, x: Any, y: Any) -> Any:
        seen.append(path)
        return y

    watched = probe(model, visit)
    np.testing.assert_array_equal(watched(jnp.ones((5, 3))), model(jnp.ones((5, 3))))
    assert seen == ["inner.blocks[0]", "inner.blocks[1]", ""]
    assert watched.inner.scale == 0.5 and watched.inner.head.in_features == 3
    with pytest.raises(AttributeError):
        _ = watched.inner.nothing


def test_what_visit_returns_takes_the_place_of_the_output() -> None:
    model = _residual()
    silent = probe(model, lambda path, module, x, y: 0 * y if path.startswith("blocks") else y)
    np.testing.assert_allclose(silent(jnp.ones((5, 3))), model.head(jnp.ones((5, 3))), rtol=1e-6)


def test_parameters_and_keys_are_the_models_own() -> None:
    model = Sequential([Linear(3, 4, key=jax.random.key(0)), Dropout(0.5)])
    watched = probe(model, _keep)
    assert len(jax.tree.leaves(watched)) == len(jax.tree.leaves(model))
    key = jax.random.key(1)
    np.testing.assert_array_equal(
        watched(jnp.ones((5, 3)), key=key, training=True), model(jnp.ones((5, 3)), key=key, training=True)
    )


def test_probing_twice_visits_both() -> None:
    seen: list[str] = []

    def note(name: str) -> Any:
        return lambda path, module, x, y: (seen.append(name + path), y)[1]

    probe(probe(Sequential([relu]), note("a:")), note("b:"))(jnp.ones(2))
    assert sorted(seen) == ["a:", "a:layers[0]", "b:", "b:layers[0]"]


def test_gradient_in_a_zero_perturbation_is_the_cotangent_of_the_output() -> None:
    model, x = _residual(), jax.random.normal(jax.random.key(5), (4, 3))

    @jax.jit
    def cotangents(model: Residual, x: Array) -> dict[str, Array]:
        zeros = {"blocks[0]": jnp.zeros((4, 3)), "head": jnp.zeros((4, 2)), "": jnp.zeros((4, 2))}

        def loss(zeros: dict[str, Array]) -> Array:
            return jnp.sum(probe(model, lambda path, module, x, y: y + zeros.get(path, 0.0))(x) ** 2)

        return jax.grad(loss)(zeros)

    found = cotangents(model, x)
    np.testing.assert_allclose(found["head"], 2 * model(x), rtol=1e-5)
    np.testing.assert_allclose(found[""], 2 * model(x), rtol=1e-5)
    first = model.blocks[0](x)

    def from_first(first: Array) -> Array:
        h = x + 0.5 * jnp.tanh(first)
        h = h + 0.5 * jnp.tanh(model.blocks[1](h))
        return jnp.sum(model.head(h) ** 2)

    np.testing.assert_allclose(found["blocks[0]"], jax.grad(from_first)(first), rtol=1e-4, atol=1e-6)


def test_shape_error_carries_the_absolute_path_and_the_producer() -> None:
    inner = Sequential([relu, Linear(4, 2, key=jax.random.key(0))])
    model = Sequential([Linear(5, 3, key=jax.random.key(1)), inner])
    for call in (lambda model, x: model(x), eqx.filter_jit(lambda model, x: model(x))):
        with pytest.raises(ShapeError) as caught:
            call(probe(model, _keep), jnp.ones((7, 5)))
        assert caught.value.path == "layers[1].layers[1]"
        assert "produced by layers[1].layers[0] (Activation(relu))" in str(caught.value)


def test_shape_that_jax_refuses_becomes_a_shape_error() -> None:
    model = Sequential([relu, Raw(jnp.ones((3, 2)))])
    with pytest.raises(ShapeError) as caught:
        probe(model, _keep)(jnp.ones((5, 4)))
    text = str(caught.value)
    assert text.startswith("layers[1]: Raw cannot compute with this input: dot_general requires")
    assert "got: (5, 4) float32, produced by layers[0] (Activation(relu))" in text
    assert not any(word in text.lower() for word in ("tracer", "pytree", "aval"))


def test_value_read_in_python_is_explained() -> None:
    model = Sequential([Deciding()])
    with pytest.raises(ConfigurationError) as caught:
        jax.eval_shape(probe(model, _keep), jax.ShapeDtypeStruct((2,), jnp.float32))
    assert "layers[0]: Deciding needs the values of an array" in str(caught.value)
    assert "tracer" not in str(caught.value).lower()


def test_module_without_the_arguments_of_a_layer_is_explained() -> None:
    with pytest.raises(ConfigurationError, match=r"layers\[0\]: Bare cannot be called as a layer"):
        probe(Sequential([Bare()]), _keep)(jnp.ones(2))

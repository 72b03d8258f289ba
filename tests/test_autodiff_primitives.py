"""Every operation that JAX's public functions emit is ours, has no derivative, or stands here with its reason.

Run with `-rP`, or as a slow test with `-s`, to see which operations are ours.
"""

from __future__ import annotations

import inspect
import warnings
from collections.abc import Callable, Iterator
from types import ModuleType
from typing import Any

import jax
import jax.extend.core.primitives
import jax.nn
import jax.numpy as jnp
import jax.scipy.linalg
import jax.scipy.special
import numpy as np
import pytest
from jax import lax
from jax.extend.core import Jaxpr, JaxprEqn

from pullback import autodiff
from pullback.autodiff.parameters import CALLS
from pullback.autodiff.program import subprograms
from pullback.autodiff.record import lookup
from pullback.autodiff.rules import RULES

DECOMPOSITION = "a decomposition: JAX's rule, for the one equation, is the closed form of the literature"
DEVICES = "arrays on several devices: JAX knows where they lie"
STATE = "a mutable array, which a program of values has no rule for"
NO_RULE = "JAX has no derivative of it either, and no use in a model is known"

# Operations with real or complex results that have no rule of ours, and why.
FALLBACK = {
    **dict.fromkeys(("lu", "qr", "svd", "eigh", "eig", "schur"), DECOMPOSITION),
    **dict.fromkeys(("hessenberg", "householder_product", "tridiagonal", "geqrf", "ormqr", "cholesky_update"), NO_RULE),
    **dict.fromkeys(("select_and_scatter", "empty2", "scaled_dot", "symmetric_product"), NO_RULE),
    "tridiagonal_solve": "rare; JAX's rule solves the transposed system, as ours would",
    "ragged_dot_general": "a product over groups of rows, of mixtures of experts on accelerators",
    "reduce": "a reduction by any program, which JAX differentiates as a tree of that program",
    "scatter-max": "rare, and JAX's own rule of ties",
    "scatter-min": "rare, and JAX's own rule of ties",
    "random_gamma": "JAX differentiates the sample in its parameter implicitly (Figurnov 2018)",
    "rng_uniform": "a random number outside JAX's streams",
    **dict.fromkeys(("psum", "pmax", "pmin", "ppermute", "all_gather", "all_to_all", "ragged_all_to_all"), DEVICES),
    **dict.fromkeys(("shard_map", "sharding_constraint", "device_put", "reduce_scatter", "psum_scatter"), DEVICES),
    **dict.fromkeys(("get", "swap", "stage"), STATE),
    "call": "not emitted any more; programs name each other by jit",
}

# Operations whose results are whole numbers, truth values, bits, keys or nothing: there is nothing to differentiate.
DISCRETE = {
    *("clz", "mulhi", "population_count", "shift_left", "shift_right_arithmetic"),
    *("shift_right_logical", "axis_index", "platform_index", "lu_pivots_to_permutation"),
    *("random_bits", "random_fold_in", "random_seed", "random_split", "threefry2x32", "rng_bit_generator"),
    *("random_wrap", "random_unwrap", "after_all", "create_token", "dce_sink"),
}

MATRIX = jnp.asarray(np.linspace(0.1, 0.9, 9).reshape(3, 3) + 2 * np.eye(3), jnp.float32)
VECTOR = MATRIX[0]
WHOLE = jnp.arange(3)
TRUTH = VECTOR > 0.3
IMAGE, KERNEL = jnp.ones((1, 4, 4, 2)), jnp.ones((2, 2, 2, 3))

# Arguments that are tried on every function, until one fits.
PATTERNS: tuple[tuple[Any, ...], ...] = (
    (MATRIX,),
    (MATRIX, MATRIX),
    (VECTOR,),
    (VECTOR, VECTOR),
    (MATRIX, VECTOR),
    (WHOLE,),
    (WHOLE, WHOLE),
    (TRUTH, TRUTH),
    (TRUTH, VECTOR, VECTOR),
    (VECTOR, VECTOR, VECTOR),
    (WHOLE, VECTOR),
    (VECTOR, WHOLE),
    (MATRIX, 1),
    (MATRIX, (0, 1)),
    (MATRIX, 0, 1),
    ([MATRIX, MATRIX],),
    ((MATRIX, MATRIX), 0),
    ((3,),),
    (3,),
    (MATRIX, (9,)),
    (VECTOR, VECTOR, 0),
    (WHOLE, 3),
)


def of(function: Callable[..., Any], *args: Any, **settings: Any) -> tuple[Callable[..., Any], tuple[Any, ...]]:
    """A call with settings."""
    return lambda *values: function(*values, **settings), args


GATHER = lax.GatherDimensionNumbers(offset_dims=(1,), collapsed_slice_dims=(0,), start_index_map=(0,))
SCATTER = lax.ScatterDimensionNumbers(
    update_window_dims=(1,), inserted_window_dims=(0,), scatter_dims_to_operand_dims=(0,)
)
PLACES = jnp.asarray([[0], [2]])
SCATTERS = (lax.scatter, lax.scatter_add, lax.scatter_mul, lax.scatter_min, lax.scatter_max, lax.scatter_sub)

# Functions that none of the patterns fits, and further forms of those that one does.
FORMS: tuple[tuple[Callable[..., Any], tuple[Any, ...]], ...] = (
    of(
        lax.conv_general_dilated,
        IMAGE,
        KERNEL,
        window_strides=(1, 1),
        padding="SAME",
        dimension_numbers=("NHWC", "HWIO", "NHWC"),
    ),
    of(lax.conv_transpose, IMAGE, KERNEL, strides=(2, 2), padding="SAME"),
    *(
        of(lambda x, f=f, i=i: lax.reduce_window(x, i, f, (1, 2, 2, 1), (1, 2, 2, 1), "VALID"), IMAGE)
        for f, i in ((lax.add, 0.0), (lax.max, -np.inf), (lax.min, np.inf), (lax.mul, 1.0))
    ),
    of(
        lambda x: jax.grad(lambda x: jnp.sum(lax.reduce_window(x, -np.inf, lax.max, (2, 2), (1, 1), "VALID")))(x),
        MATRIX,
    ),
    of(
        lambda x: jax.jvp(lambda x: lax.reduce_window(x, -np.inf, lax.max, (2, 2), (1, 1), "VALID"), (x,), (x,)), MATRIX
    ),
    of(lambda x, i: lax.gather(x, i, GATHER, (1, 3)), MATRIX, PLACES),
    *(of(lambda x, i, u, f=f: f(x, i, u, SCATTER), MATRIX, PLACES, MATRIX[:2]) for f in SCATTERS),
    of(lax.dynamic_slice, VECTOR, (WHOLE[0],), slice_sizes=(2,)),
    of(lax.dynamic_update_slice, VECTOR, VECTOR[:2], (WHOLE[0],)),
    of(lambda x: lax.pad(x, 0.0, [(1, 1, 1)]), VECTOR),
    of(lambda x: lax.slice(x, (0,), (2,)), VECTOR),
    of(lambda x: lax.reduce(x, np.float32(0), lambda a, b: a + b * b, (0,)), VECTOR),
    of(lambda x: lax.reduce(x, False, lax.bitwise_or, (0,)), TRUTH),
    of(lambda x: lax.reduce_precision(x, 8, 7), VECTOR),
    of(lambda x: lax.cond(x[0] > 0, jnp.sin, jnp.cos, x), VECTOR),
    of(lambda x: lax.switch(1, (jnp.sin, jnp.cos), x), VECTOR),
    of(lambda x: lax.scan(lambda c, y: (c * y, c + y), 1.0, x), VECTOR),
    of(lambda x: lax.fori_loop(0, 3, lambda i, c: c * 2, x), VECTOR),
    of(lambda x: lax.while_loop(lambda c: c[0] < 9, lambda c: c * 2, x), VECTOR),
    of(lambda x: lax.map(jnp.sin, x), VECTOR),
    of(lambda x: lax.associative_scan(jnp.add, x), VECTOR),
    of(lambda x: lax.custom_root(lambda y: y * y - x[0], x[0], lambda f, y: y, lambda g, y: y / g(1.0)), VECTOR),
    of(lambda x: lax.ragged_dot(x, x[None], WHOLE[:1] + 3), MATRIX),
    of(lambda x: lax.approx_max_k(x, 2), VECTOR),
    of(lambda x: lax.top_k(x, 2), VECTOR),
    of(lambda x: lax.linalg.tridiagonal_solve(x, x, x, x[:, None]), VECTOR),
    of(lambda x: lax.stop_gradient(x), VECTOR),
    of(lambda x: lax.conj(lax.complex(x, x)), VECTOR),
    of(lambda x: jnp.polyfit(x, x, 1), VECTOR),
    of(lambda x: jnp.einsum("ij,jk->ik", x, x), MATRIX),
    of(lambda x: jax.random.normal(jax.random.key(0), x.shape) * x, VECTOR),
    of(lambda x: jax.random.gamma(jax.random.key(0), x), VECTOR),
    of(lambda x: jax.checkpoint(jnp.sin)(x), VECTOR),
    of(lambda x: jax.nn.glu(x), MATRIX[:, :2]),
    of(lambda x: jax.nn.dot_product_attention(x, x, x), jnp.ones((1, 3, 2, 4))),
    of(lambda x: x.at[1].set(2.0).at[0].max(x[2]), VECTOR),
    of(lambda x: jax.scipy.linalg.lu_solve((x, WHOLE), x[0]), MATRIX),
    of(lambda x: jax.scipy.linalg.cho_solve((x, True), x[0]), MATRIX),
)

MODULES = (jnp, lax, jnp.linalg, jnp.fft, jax.nn, jax.scipy.special, jax.scipy.linalg, lax.linalg)


def operations(program: Jaxpr) -> Iterator[JaxprEqn]:
    """All equations of a program and of those inside it."""
    for equation in program.eqns:
        yield equation
        for inner in subprograms(equation):
            yield from operations(getattr(inner, "jaxpr", inner))


def traced(function: Callable[..., Any], args: tuple[Any, ...]) -> list[JaxprEqn]:
    """The operations of a call; the arrays among its arguments are the inputs of the program."""
    leaves, structure = jax.tree.flatten(args)
    arrays = [leaf for leaf in leaves if isinstance(leaf, jax.Array)]

    def call(*inputs: Any) -> list[Any]:
        given = iter(inputs)
        values = [next(given) if isinstance(leaf, jax.Array) else leaf for leaf in leaves]
        results = jax.tree.leaves(function(*jax.tree.unflatten(structure, values)))
        return [result for result in results if isinstance(result, jax.Array)]

    return list(operations(jax.make_jaxpr(call)(*arrays).jaxpr))


def public(module: ModuleType) -> dict[str, Callable[..., Any]]:
    """The functions that a module offers."""
    names = (name for name in dir(module) if not name.startswith("_") and not name.endswith("_p"))
    found = {name: getattr(module, name) for name in names}
    return {name: value for name, value in found.items() if callable(value) and not inspect.isclass(value)}


def kind(equation: JaxprEqn) -> str:
    """Where the derivative of an operation comes from."""
    name = equation.primitive.name
    if name in RULES:
        return "ours"
    if name in CALLS:
        return "a call"
    types = [variable.aval.dtype for variable in equation.outvars if hasattr(variable.aval, "dtype")]
    if not any(jnp.issubdtype(dtype, jnp.inexact) for dtype in types):
        return "discrete"
    return "fallback" if name in FALLBACK else "unknown"


def test_every_public_primitive_is_ours_or_stands_in_a_list_with_its_reason():
    modules = (lax, lax.linalg, jax.extend.core.primitives)
    named = {getattr(m, name).name for m in modules for name in dir(m) if name.endswith("_p")}
    listed = {*RULES, *CALLS, *FALLBACK, *DISCRETE}
    assert named - listed == set()
    assert len(named & RULES.keys()) > 130
    print("ours:", ", ".join(sorted(named & RULES.keys())))


def test_nothing_stands_in_two_lists():
    for names in (FALLBACK.keys(), DISCRETE, CALLS.keys()):
        assert names & RULES.keys() == set()


@pytest.mark.usefixtures("standard_promotion")
def test_what_the_listed_forms_emit():
    seen = [equation for function, args in FORMS for equation in traced(function, args)]
    kinds = {equation.primitive.name: kind(equation) for equation in seen}
    assert [name for name, found in kinds.items() if found == "unknown"] == []
    assert {"scan", "while", "cond", "gather", "scatter-add", "select_and_scatter_add", "sort"} & kinds.keys()


@pytest.mark.slow
@pytest.mark.usefixtures("standard_promotion")
@pytest.mark.parametrize("module", MODULES, ids=lambda module: module.__name__)
def test_what_the_functions_of_a_module_emit(module):
    reached, kinds = 0, {}
    for function in public(module).values():
        fitted = False
        for args in PATTERNS:
            # Most patterns do not fit most functions; each says so in a way of its own.
            try:
                with warnings.catch_warnings():
                    warnings.simplefilter("ignore")
                    found = traced(function, args)
            except Exception:  # noqa: BLE001, S112
                continue
            fitted = fitted or bool(found)
            kinds.update((equation.primitive.name, kind(equation)) for equation in found)
        reached += fitted
    assert [name for name, where in kinds.items() if where == "unknown"] == []
    ours = sorted(name for name, where in kinds.items() if where == "ours")
    print(f"{module.__name__}: {reached} functions, ours:", ", ".join(ours))
    assert reached >= 0.5 * len(public(module)), f"the patterns fit only {reached} functions"


def test_the_fallback_is_taken_for_what_stands_in_its_list():
    (equation,) = [e for e in traced(jnp.linalg.eigh, (MATRIX,)) if e.primitive.name == "eigh"]
    assert lookup(RULES, equation) is autodiff.fallback.FALLBACK


@pytest.mark.parametrize(
    "function",
    [
        lambda a: jnp.linalg.slogdet(a)[1],
        jnp.linalg.det,
        lambda a: jnp.sum(jnp.linalg.qr(a)[1]),
        lambda a: jnp.sum(jnp.linalg.svd(a, compute_uv=False)),
        lambda a: jnp.sum(jnp.linalg.eigh(a + a.T)[0] ** 2),
        lambda a: jnp.sum(jax.scipy.linalg.lu(a)[2]),
        lambda a: jnp.sum(lax.reduce(a, np.float64(1), lambda x, y: x * y, (1,))),
        lambda a: jnp.sum(a.at[1].max(0.4)),
    ],
)
def test_operations_left_to_jax_have_its_derivatives(function):
    with jax.enable_x64(True):
        a = np.asarray(MATRIX, float)
        np.testing.assert_allclose(autodiff.grad(function)(a), jax.grad(function)(a), rtol=1e-12, atol=1e-12)

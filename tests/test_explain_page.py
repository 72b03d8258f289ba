"""What a reader gets: sides, names, definitions, MathML and plain text, errors; and that the check can fail."""

from __future__ import annotations

import dataclasses
import sys
import xml.etree.ElementTree as ElementTree
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.special
from jaxtyping import Array, Float

from pullback import nn
from pullback.autodiff.notation import FUNCTIONS
from pullback.core.errors import ConfigurationError, MissingExtraError, ShapeError
from pullback.explain import Equation, EquationError, equation
from pullback.explain.rewrite import PASSES
from pullback.explain.rules_elementwise import SAME
from pullback.explain.writer import FORMS
from pullback.nn.average_pool import average_pool
from pullback.nn.batch_norm import batch_norm
from pullback.nn.convolution import convolution
from pullback.nn.linear import linear
from pullback.nn.losses.categorical_cross_entropy import categorical_cross_entropy
from pullback.nn.losses.huber import huber
from pullback.optim.adam import adam_update
from pullback.optim.schedules.cosine import cosine
from pullback.testing.equations import EquationExample, check_equation, difference
from pullback.testing.latex_evaluator import evaluate
from pullback.testing.latex_parser import parse


def real(*shape: int) -> jax.ShapeDtypeStruct:
    return jax.ShapeDtypeStruct(shape, jnp.float32)


# As textbooks print them; each was compared with a printed source by eye, none was copied from the program's output.
PRINTED: dict[str, tuple[Any, tuple[Any, ...], str]] = {
    "sigmoid": (nn.sigmoid, (), r"\sigma(x) = \frac{1}{1 + e^{-x}}"),
    "softplus": (nn.softplus, (), r"\operatorname{softplus}(x) = \log(1 + e^{x})"),
    "relu": (nn.relu, (), r"\operatorname{relu}(x) = \max(0, x)"),
    "softmax": (
        nn.softmax,
        (),
        r"\operatorname{softmax}(x)_{i} = \frac{e^{x_{i}}}{\sum_{j} e^{x_{j}}}",
    ),
    "elu": (
        nn.elu,
        (),
        r"\operatorname{elu}(x) = \begin{cases} x & \text{if } x > 0 \\ \alpha (e^{x} - 1) & \text{otherwise}"
        r" \end{cases}",
    ),
    "linear": (linear, (), r"y_{j} = \sum_{k} x_{k} W_{j k} + b_{j}"),
    "linear without bias": (linear, (real(4, 3), real(5, 3), None), r"y_{j} = \sum_{k} x_{k} W_{j k}"),
    "convolution": (
        partial(convolution, stride=(1,), padding=((0, 0),), dilation=(1,)),
        (real(2, 7, 3), real(3, 3, 4), real(4)),
        r"y_{j k} = \sum_{l, m} x_{j + l, m} K_{l m k} + b_{k}",
    ),
}


@pytest.mark.parametrize("name", PRINTED)
def test_the_formula_of_the_textbook(name: str) -> None:
    kernel, examples, expected = PRINTED[name]
    assert equation(kernel, *examples).latex == expected


def test_several_results_use_each_other() -> None:
    shown = equation(adam_update, output=(r"\Delta\theta", "m'", "v'"))
    assert shown.latex == (
        r"\begin{aligned} \Delta\theta &= -\frac{\eta c_{1} m'}{\sqrt{c_{2} v' + \epsilon_{r}} + \epsilon} \\ "
        r"m' &= \beta_{1} m + (1 - \beta_{1}) g \\ v' &= \beta_{2} v + (1 - \beta_{2}) g^{2} \end{aligned}"
    )
    assert shown.results == (r"\Delta\theta", "m'", "v'")
    assert shown.symbols["learning_rate"] == r"\eta"


def test_a_repeated_piece_has_a_line_of_its_own() -> None:
    assert str(equation(huber)).splitlines()[1] == "where u = min(δ, max(-δ, ŷ - y))"


def test_named_functions_stay_and_are_defined_beneath() -> None:
    shown = equation(nn.mish)
    assert str(shown) == "mish(x) = x tanh(softplus(x))"
    assert [str(definition) for definition in shown.definitions] == ["softplus(x) = log(1 + e^x)"]
    outer = equation(jax.jit(lambda x: nn.mish(x) + 1), real(3))
    assert [str(definition) for definition in outer.definitions[0].definitions] == ["softplus(x) = log(1 + e^x)"]


def test_a_derivative_does_not_go_by_the_name_of_its_function() -> None:
    assert str(equation(jax.grad(nn.silu), 1.0)) == "y = σ(x) + x σ(x) (1 - σ(x))"


def test_left_side_and_symbols_as_told() -> None:
    assert str(equation(nn.softplus, name="f")) == "f(x) = log(1 + e^x)"
    assert str(equation(nn.softplus, output="z")) == "z = log(1 + e^x)"
    assert equation(nn.softplus, symbols={"x": r"\xi"}).latex == r"\operatorname{softplus}(\xi) = \log(1 + e^{\xi})"
    assert str(equation(lambda x, y: x * y, 1.0, 2.0)) == "z = x y"


def test_settings_are_symbols_unless_they_are_fixed() -> None:
    assert str(equation(nn.elu)) == "elu(x) = { x if x > 0; α (e^x - 1) otherwise }"
    assert str(equation(partial(nn.elu, alpha=0.25))) == "elu(x) = { x if x > 0; 1/4 (e^x - 1) otherwise }"
    assert "ε" in str(equation(batch_norm, real(4, 3), 1e-5, None))
    assert "(1 - ε)" in str(equation(categorical_cross_entropy))


def test_examples_may_be_arrays_of_any_kind() -> None:
    expected = str(equation(linear))
    assert str(equation(linear, np.ones((2, 3)), jnp.ones((4, 3)), real(4))) == expected


def test_sizes_come_from_the_annotations() -> None:
    def scaled(x: Float[Array, "*batch n"], A: Float[Array, "n n"]) -> Float[Array, "*batch n"]:
        return x @ A

    scaled.__annotations__ = {"x": Float[Array, "*batch n"], "A": Float[Array, "n n"]}
    assert str(equation(scaled)) == "y_j = ∑_k x_k A_kj"


def test_an_array_of_the_program_has_a_letter_and_a_value() -> None:
    table = np.array([[1.0, 2.0], [3.0, 4.0], [5.0, 7.0]])
    shown = equation(lambda x: x @ table, np.ones(3))
    assert str(shown) == "y_i = ∑_j x_j A_ji"
    np.testing.assert_array_equal(shown.constants["A"], table)
    check_equation(EquationExample("table", lambda x: x @ table, (np.ones(3),)))


def test_a_layer_is_a_kernel_too() -> None:
    layer = nn.Linear(3, 2, key=jax.random.key(0))
    with pytest.raises(ShapeError):
        equation(layer, real(5, 4))


def test_the_switch_for_double_precision_is_left_alone() -> None:
    equation(nn.gelu)
    assert jnp.ones(()).dtype == jnp.float32


def test_mathml_is_well_formed_and_has_no_command_left() -> None:
    for kernel in (nn.softmax, nn.elu, huber, cosine, nn.hard_tanh, adam_update, linear):
        text = equation(kernel).mathml
        root = ElementTree.fromstring(text)
        assert root.tag.endswith("math")
        assert "\\" not in "".join(root.itertext())


def test_mathml_names_the_extra_that_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    shown = equation(nn.relu)
    monkeypatch.setitem(sys.modules, "latex2mathml.converter", None)
    with pytest.raises(MissingExtraError, match=r'pip install "pullback\[docs\]"'):
        _ = shown.mathml


def test_a_notebook_shows_the_formula() -> None:
    assert equation(nn.relu)._repr_latex_() == r"$$ \operatorname{relu}(x) = \max(0, x) $$"


UNSUPPORTED = {
    "scan": (lambda x: jax.lax.fori_loop(0, 3, lambda _, c: c * x, x), "is not supported in equations yet"),
    "fft": (lambda x: jnp.abs(jnp.fft.fft(x * jnp.ones(3))), "is not supported in equations yet"),
    "while": (lambda x: jax.lax.while_loop(lambda c: c < 3, lambda c: c + x * x + 1, x), "cannot be written"),
}


@pytest.mark.parametrize("name", UNSUPPORTED)
def test_not_yet_is_told_from_never(name: str) -> None:
    kernel, message = UNSUPPORTED[name]
    with pytest.raises(EquationError, match=message) as caught:
        equation(kernel, 1.0)
    assert "tracer" not in str(caught.value) and caught.value.fix


def test_a_formula_that_nobody_reads_is_refused() -> None:
    def nested(x: Array) -> Array:
        for _ in range(18):
            x = jnp.sin(x) * jnp.cos(x)
        return x

    with pytest.raises(EquationError, match="the program as a whole"):
        equation(nested, 1.0)


def test_every_elementwise_operation_that_is_read_can_be_written() -> None:
    known = {*FUNCTIONS, *FORMS, *PASSES}
    assert set(SAME.split()) <= known


def test_shapes_that_nothing_says() -> None:
    with pytest.raises(ConfigurationError, match="shape of the argument 'x' of average_pool is not known"):
        equation(average_pool)
    with pytest.raises(ConfigurationError, match="no annotation"):
        equation(lambda x: x)
    with pytest.raises(ConfigurationError, match="fewer arguments than there are examples"):
        equation(nn.relu, 1.0, 2.0)


def test_symbols_that_fit_nothing() -> None:
    with pytest.raises(ConfigurationError, match="not one symbol a result"):
        equation(nn.relu, output=("a", "b"))
    with pytest.raises(ConfigurationError, match="does not have"):
        equation(nn.relu, symbols={"z": "z"})


WRONG = {
    r"\operatorname{softplus}(x) = \log(1 - e^{x})",
    r"\operatorname{softplus}(x) = \log(1 + e^{-x})",
    r"\operatorname{softplus}(x) = \log(2 + e^{x})",
    r"\operatorname{softplus}(x) = \frac{\log(1 + e^{x})}{1.000001}",
}


@pytest.mark.parametrize("latex", sorted(WRONG))
def test_the_check_sees_a_wrong_formula(latex: str, monkeypatch: pytest.MonkeyPatch) -> None:
    wrong = dataclasses.replace(equation(nn.softplus), latex=latex)
    monkeypatch.setattr(EquationExample, "equation", lambda self: wrong)
    with pytest.raises(AssertionError, match="off by"):
        check_equation(EquationExample("softplus", nn.softplus))


def test_the_check_sees_a_wrong_subscript(monkeypatch: pytest.MonkeyPatch) -> None:
    right = equation(lambda A, x: A @ x, real(3, 3), real(3))
    wrong = dataclasses.replace(right, latex=right.latex.replace("A_{i j}", "A_{j i}"))
    assert wrong.latex != right.latex
    monkeypatch.setattr(EquationExample, "equation", lambda self: wrong)
    with pytest.raises(AssertionError, match="off by"):
        check_equation(EquationExample("product", lambda A, x: A @ x, (real(3, 3), real(3))))


RANDOM = np.random.default_rng(0)
VECTOR, MATRIX = RANDOM.standard_normal(3), RANDOM.standard_normal((4, 3))

READ: dict[str, tuple[str, Any]] = {
    "precedence": (r"y = 1 + 2 \cdot 3^{2}", 19.0),
    "signs": (r"y = -2^{2} - (1 - 3)", -2.0),
    "fraction": (r"y = \frac{1}{2} \sqrt{9}", 1.5),
    "powers of ten": (r"y = 2.5 \cdot 10^{-3}", 0.0025),
    "bars": (r"y = \left| 2 - 5 \right| + \left\lfloor \frac{7}{2} \right\rfloor", 6.0),
    "a sum": (r"y = \sum_{i} x_{i}", VECTOR.sum()),
    "a sum with limits": (r"y = \sum_{i = 0}^{1} x_{i}", VECTOR[:2].sum()),
    "a sum ends with its product": (r"y = \sum_{i} x_{i} 2 + 1", 2 * VECTOR.sum() + 1),
    "a double sum": (r"y = \sum_{i, j} A_{i j} x_{j}", (MATRIX @ VECTOR).sum()),
    "a product of a matrix": (r"y_{i} = \sum_{j} A_{i j} x_{j}", MATRIX @ VECTOR),
    "a running sum": (r"y_{i} = \sum_{j = 0}^{i} x_{j}", np.cumsum(VECTOR)),
    "unwritten axes": (r"y_{i} = A_{i} - \max_{j} A_{j}", MATRIX - MATRIX.max(axis=1, keepdims=True)),
    "an index as a number": (r"y_{i} = i x_{i}", np.arange(3) * VECTOR),
    "a shifted index": (r"y_{i} = x_{2 - i}", VECTOR[::-1]),
    "cases": (
        r"y = \begin{cases} x & \text{if } 0 < x < 1 \\ -x & \text{otherwise} \end{cases}",
        np.where((0 < VECTOR) & (VECTOR < 1), VECTOR, -VECTOR),
    ),
    "a bracket": (r"y_{i j} = \left[ i = j \right] x_{j}", np.diag(VECTOR)),
    "functions": (r"y = \operatorname{erf}(x) + \tanh^{2}(x)", scipy.special.erf(VECTOR) + np.tanh(VECTOR) ** 2),
    "a mean": (r"y_{i} = \operatorname{mean}_{j} A_{i j}", MATRIX.mean(axis=1)),
    "a place": (r"y_{i} = \operatorname{argmax}_{j} A_{i j}", MATRIX.argmax(axis=1)),
    "a named piece": (r"\begin{aligned} y &= u^{2} \\ \text{where } u &= x + 1 \end{aligned}", (VECTOR + 1) ** 2),
    "beyond the edge": (
        r"\begin{aligned} y_{i} &= x_{i + 1} \\ & \text{with } x = 0 \text{ outside} \end{aligned}",
        np.append(VECTOR[1:], 0.0),
    ),
    "sorted": (r"y_{i} = \operatorname{sort}(x)_{i}", np.sort(VECTOR)),
    "joined axes": (r"y_{3 i + j} = A_{i j}", MATRIX.ravel()),
}


@pytest.mark.parametrize("name", READ)
def test_the_reader_reads_what_is_written(name: str) -> None:
    latex, expected = READ[name]
    arrays = {"x": VECTOR, "A": MATRIX}
    (found,) = evaluate(parse(latex, {*arrays, "y"}), arrays, {}, [np.shape(expected)])
    assert difference(found, np.asarray(expected, float)) < 1e-14


@pytest.mark.parametrize("latex", [r"y = x +", r"y = \foo{x}", r"y = (x", r"y = \sum_{i} 2"])
def test_the_reader_refuses_what_it_does_not_know(latex: str) -> None:
    with pytest.raises((ValueError, IndexError, KeyError)):
        evaluate(parse(latex, {"x", "y"}), {"x": VECTOR}, {}, [(3,)])


def test_an_entry_beyond_the_edge_is_not_a_number() -> None:
    (found,) = evaluate(parse("y_{i} = x_{i + 1}", {"x", "y"}), {"x": VECTOR}, {}, [(3,)])
    assert np.isnan(found[2]) and not np.isnan(found[:2]).any()


def test_an_equation_is_a_value() -> None:
    assert isinstance(equation(nn.relu), Equation)
    with pytest.raises(dataclasses.FrozenInstanceError):
        equation(nn.relu).latex = ""  # type: ignore[misc]

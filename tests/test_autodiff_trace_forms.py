"""The forms in which an evaluation trace is shown: well formed, escaped, aligned; and the layout of its graph."""

from __future__ import annotations

import itertools
import math
import re
import sys
import xml.etree.ElementTree as ElementTree

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.isotonic import IsotonicRegression

from pullback.autodiff import trace
from pullback.autodiff.evaluation.digits import array_text, number_text
from pullback.autodiff.evaluation.layout import layout, spread

SVG = "{http://www.w3.org/2000/svg}"


def cost(t1, t2, t3):
    return jnp.sin(t1 * t2) + jnp.exp(t2 + t3) - 2 * t3


def classifier(params, x, k):
    hidden = jnp.where(x @ params["W"] > 0, x @ params["W"], 0.0)
    scores = hidden @ params["<b & c>"]
    with jax.named_scope("loss < & > 'quoted'"):
        return -jnp.mean(jax.nn.log_softmax(scores)[:, 0]) + jnp.sum(scores[k] ** 2)


PARAMS = {"W": jnp.ones((3, 4)) / 3, "<b & c>": jnp.linspace(-1.0, 1.0, 8).reshape(4, 2)}
TRACES = {
    "numbers": lambda: trace(cost, math.pi / 6, 2.0, 5.0),
    "arrays": lambda: trace(classifier, PARAMS, jnp.linspace(-1.0, 1.0, 15).reshape(5, 3), 1),
    "no row": lambda: trace(lambda x: x, 1.0),
    "a loop": lambda: trace(lambda x: jax.lax.fori_loop(0, 3, lambda i, h: jnp.sin(h) * h, x), 1.0),
}


@pytest.fixture(params=TRACES, scope="module")
def found(request):
    return TRACES[request.param]()


def test_graph_is_well_formed_and_complete(found):
    root = ElementTree.fromstring(found.svg())
    assert root.tag == f"{SVG}svg"
    titles = [group.findtext(f"{SVG}title") for group in root.iter(f"{SVG}g")]
    boxes = [*found.inputs, *found.rows]
    assert titles == [f"{row.name} = {row.expression}" for row in boxes]
    arrows = sum(len(set(row.operands)) for row in boxes)
    assert len(list(root.iter(f"{SVG}path"))) == 2 * arrows
    assert "http" not in found.svg().replace("http://www.w3.org/2000/svg", "")
    width, height = float(root.get("width")), float(root.get("height"))
    for frame in root.iter(f"{SVG}rect"):
        if frame.get("x"):
            assert 0 <= float(frame.get("x")) and float(frame.get("x")) + float(frame.get("width")) <= width
            assert 0 <= float(frame.get("y")) and float(frame.get("y")) + float(frame.get("height")) <= height


@pytest.mark.parametrize("converter", [True, False])
def test_table_in_html_is_well_formed_with_and_without_the_converter(found, converter, monkeypatch):
    if converter:
        pytest.importorskip("latex2mathml")
    else:
        monkeypatch.setitem(sys.modules, "latex2mathml.converter", None)
    page = found.html()
    root = ElementTree.fromstring(page)
    rows = list(root.iter("tr"))
    assert len(rows) == 1 + len(found.inputs) + len(found.rows)
    assert ("<math" in page) == converter and "<script" not in page
    text = [" ".join("".join(cell.itertext()) for cell in row) for row in rows]
    assert all(any(row.cells()[0] in line for line in text) for row in found.rows)


def test_table_in_latex_balances(found):
    latex = found.latex()
    plain = latex.replace(r"\{", "").replace(r"\}", "")
    assert plain.count("{") == plain.count("}")
    assert latex.count(r"\begin{") == latex.count(r"\end{")
    assert latex.count(r"\left") == latex.count(r"\right")
    assert latex.startswith(r"\begin{array}") and latex.endswith(r"\end{array}")
    inner = re.sub(r"\\begin\{cases\}.*?\\end\{cases\}", "", latex)
    body = inner.split("\n")[1:-1]
    assert {line.count("&") - line.count(r"\&") for line in body if line != r"\hline"} == {4}
    converter = pytest.importorskip("latex2mathml.converter")
    ElementTree.fromstring(converter.convert(latex))


def test_columns_of_the_text_are_aligned(found):
    lines = str(found).splitlines()
    heading = lines[1]
    starts = [heading.index(word) for word in ("expression", "value", "tangent", "adjoint")]
    shown = lines[3 : 3 + len(found.inputs)] + lines[4 + len(found.inputs) :][: len(found.rows)]
    assert len(shown) == len(found.inputs) + len(found.rows)
    for line, row in zip(shown, (*found.inputs, *found.rows), strict=True):
        assert line.startswith(row.name)
        for start, cell in zip(starts[1:], row.cells(), strict=True):
            assert line[start : start + len(cell)] == cell and line[start - 2 : start].strip() == ""


def test_what_a_notebook_shows(found):
    assert found._repr_html_() == found.html() and found._repr_svg_() == found.svg()
    assert repr(found).startswith("EvaluationTrace(") and len(repr(found)) < 60


def test_latex_of_the_textbook_function():
    rows = trace(cost, math.pi / 6, 2.0, 5.0).rows
    assert [row.latex for row in rows] == [
        r"t_{1} \, t_{2}",
        r"\sin \left(v_{1}\right)",
        r"t_{2} + t_{3}",
        r"\exp \left(v_{3}\right)",
        r"v_{2} + v_{4}",
        r"v_{5} - 2 \, t_{3}",
    ]


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (np.float32(0.1), "0.1"),
        (np.float64(1) / 3, "0.33333333"),
        (np.float32(1e20), "1e20"),
        (np.float64(-0.0), "0"),
        (np.complex64(1 - 2j), "1-2i"),
        (np.float32("nan"), "nan"),
        (np.int32(7), "7"),
        (np.array([True, False]), "[true, false]"),
        (np.full((2, 2), np.nan), "2×2 all NaN"),
        (np.zeros((0, 3)), "0×3 empty"),
        (np.array([1, 2, np.nan, np.inf, -1]), "(5) in [-1, inf], 1 NaN"),
        (np.full((3, 3), 3 + 4j), "3×3 of modulus all 5"),
        (None, "?"),
        (jax.random.key(0), "random key"),
    ],
)
def test_values_in_words(value, text):
    assert (array_text(value) if not isinstance(value, np.generic) else number_text(value)) == text


graphs = st.lists(st.lists(st.integers(0, 30), max_size=3), min_size=1, max_size=14).map(
    lambda rows: [sorted({source % number for source in row}) if number else [] for number, row in enumerate(rows)]
)


@given(graphs, st.lists(st.floats(20, 300), min_size=14, max_size=14))
def test_boxes_do_not_overlap_and_arrows_go_down(operands, widths):
    widths = widths[: len(operands)]
    found = layout(operands, widths, gap=10.0)
    for box, sources in enumerate(operands):
        for source in sources:
            assert found.layer[source] < found.layer[box]
            path = found.paths[source, box]
            assert [layer for layer, _ in path] == list(range(found.layer[source], found.layer[box] + 1))
    for one, other in itertools.combinations(range(len(operands)), 2):
        if found.layer[one] == found.layer[other]:
            room = abs(found.center[one] - found.center[other]) - (widths[one] + widths[other]) / 2
            assert room >= 10.0 - 1e-6
    assert min(found.center[box] - widths[box] / 2 for box in found.center) >= -1e-6


@given(st.lists(st.tuples(st.floats(1, 50), st.floats(-100, 100)), min_size=1, max_size=12))
def test_boxes_are_placed_by_least_squares_under_their_order(boxes):
    """Isotonic regression, of the wishes less the room that the boxes before take, by scikit-learn."""
    widths, wished = map(list, zip(*boxes, strict=True))
    offsets = np.concatenate([[0.0], np.cumsum([(a + b) / 2 + 3.0 for a, b in itertools.pairwise(widths)])])
    expected = IsotonicRegression().fit_transform(np.arange(len(boxes)), np.array(wished) - offsets) + offsets
    np.testing.assert_allclose(spread(widths, wished, 3.0), expected, atol=1e-9)

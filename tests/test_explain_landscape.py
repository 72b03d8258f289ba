"""Pictures of minimizations: what is drawn lies where the numbers say."""

import io

import jax.numpy as jnp
import matplotlib
import numpy as np
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from PIL import Image

from pullback.core.errors import ConfigurationError, DataError, ShapeError
from pullback.explain.figures import landscape, trace_figure
from pullback.explain.figures.plane import plane_of, window
from pullback.optim import minimize
from pullback.optim.methods import GradientDescent


def bowl(x, scale):
    return jnp.sum(scale * x**2) / 2


SCALE = np.array([1.0, 10.0])


def run(method="bfgs", **options):
    return minimize(bowl, [4.0, 1.0], args=(SCALE,), method=method, keep_path=True, **options)


def pixels(figure):
    stream = io.BytesIO()
    figure.savefig(stream, format="png", dpi=72)
    return np.asarray(Image.open(stream).convert("RGB"))


def texts(figure):
    FigureCanvasAgg(figure).draw()
    box = figure.bbox
    for axes in figure.axes:
        for text in (axes.title, axes._left_title, axes.xaxis.label, axes.yaxis.label):
            if text.get_text() and text.get_visible():
                extent = text.get_window_extent()
                inside = extent.x0 >= box.x0 and extent.x1 <= box.x1 and extent.y0 >= box.y0 and extent.y1 <= box.y1
                yield text.get_text(), inside


def test_path_start_end_and_caption_of_two_unknowns():
    found = run()
    figure = landscape(bowl, found, args=(SCALE,), resolution=61)
    axes = figure.axes[0]
    path, start, end = axes.lines[:3]
    np.testing.assert_allclose(np.c_[path.get_data()], found.trace.x)
    np.testing.assert_allclose(np.c_[start.get_data()], [[4, 1]])
    np.testing.assert_allclose(np.c_[end.get_data()], [found.x])
    assert axes.get_title(loc="left") == "BFGS"
    assert figure.get_supxlabel().startswith(f"{found.message}: value")
    assert f"path, {int(found.steps)} steps" in [text.get_text() for text in axes.get_legend().get_texts()]
    assert [text for text, inside in texts(figure) if not inside] == []


def test_the_title_of_the_longest_name_is_clear_of_the_legend():
    figure = landscape(bowl, run(), args=(SCALE,), title="LevenbergMarquardt", resolution=21)
    FigureCanvasAgg(figure).draw()
    axes = figure.axes[0]
    assert not axes._left_title.get_window_extent().overlaps(axes.get_legend().get_window_extent())


def test_contours_lie_where_the_function_has_their_height():
    figure = landscape(bowl, run(), args=(SCALE,), bounds=((-4, 4), (-2, 2)), resolution=201)
    lines = figure.axes[0].collections[1]
    # The value at the minimum is zero, so a level is a value.
    checked = 0
    for level, curve in zip(lines.levels, lines.get_paths(), strict=True):
        if len(curve.vertices) > 50:
            heights = curve.vertices**2 @ SCALE / 2
            np.testing.assert_allclose(heights, level, rtol=0.1, atol=1e-3)
            checked += 1
    assert checked > 5
    ratios = np.diff(np.log(lines.levels))
    np.testing.assert_allclose(ratios, ratios[0], rtol=1e-9)


def test_the_picture_has_the_path_and_the_ground():
    image = pixels(landscape(bowl, run(), args=(SCALE,), resolution=41)).astype(int)
    vermilion = np.abs(image - [213, 94, 0]).sum(axis=-1) < 40
    blue = (image[..., 2] - image[..., 0]) > 40
    assert vermilion.sum() > 100 and blue.mean() > 0.1


def test_where_the_function_is_not_defined_the_ground_is_gray():
    def f(x):
        return jnp.sum(jnp.log(x) ** 2)

    found = minimize(f, [0.5, 2.0], keep_path=True)
    figure = landscape(f, found, bounds=((-2, 3), (-2, 3)), resolution=51)
    image = pixels(figure).astype(int)
    assert (np.abs(image - [208, 215, 222]).sum(axis=-1) < 6).mean() > 0.2


def test_the_leading_plane_holds_a_path_that_lies_in_one():
    basis = np.linalg.qr(np.random.default_rng(0).normal(size=(7, 2)))[0]
    flat = np.random.default_rng(1).normal(size=(9, 2)) * [5.0, 1.0]
    path = 3 + flat @ basis.T
    plane = plane_of(path, None, None)
    np.testing.assert_allclose(plane.center + plane.path @ np.stack([plane.first, plane.second]), path, atol=1e-12)
    np.testing.assert_allclose(
        np.linalg.norm(np.diff(plane.path, axis=0), axis=1), np.linalg.norm(np.diff(flat, axis=0), axis=1)
    )
    assert plane.note == "plane through the end, of 7 unknowns"


def test_what_the_plane_hides_is_said():
    path = np.array([[3.0, 0, 0], [0, 2, 0], [0, 0, 1], [0, 0, 0]])
    plane = plane_of(path, None, None)
    # The shares of the squared extent are 9, 4 and 1 of 14.
    assert plane.labels == ("leading direction of the path (64% of it)", "second direction (29%)")
    assert "7.1% of it is not seen" in plane.note
    given = plane_of(path, ([1.0, 0, 0], [1.0, 1, 0]), None)
    np.testing.assert_allclose(given.path[:2], [[3, 0], [-2, 2]], atol=1e-12)


def test_heights_of_a_plane_in_a_container_of_arrays():
    def f(x):
        return x["a"] ** 2 + jnp.sum((x["b"] - 1) ** 2)

    found = minimize(f, {"a": 3.0, "b": np.zeros(2)}, keep_path=True)
    figure = landscape(f, found, directions=([1, 0, 0], [0, 1, 1]), names=("a", "both b"), resolution=31)
    axes = figure.axes[0]
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("a", "both b")
    # Along (0, 1, 1) the rise is twice the square of the coordinate.
    lines = axes.collections[1]
    for level, curve in zip(lines.levels, lines.get_paths(), strict=True):
        if len(curve.vertices) > 60:
            np.testing.assert_allclose(curve.vertices**2 @ [1, 2], level, rtol=0.15)


def test_one_unknown_is_drawn_as_a_graph():
    found = minimize(
        lambda t: (t - 1) ** 2, 3.0, method=GradientDescent(learning_rate=0.9), max_steps=5, keep_path=True
    )
    axes = landscape(lambda t: (t - 1) ** 2, found, resolution=21).axes[0]
    curve, path = axes.lines[:2]
    np.testing.assert_allclose(curve.get_ydata(), (curve.get_xdata() - 1) ** 2, atol=1e-12)
    np.testing.assert_allclose(path.get_ydata(), found.trace.value, atol=1e-12)


def test_residuals_are_drawn_as_their_sum_of_squares():
    found = minimize(lambda x: x - 1, [3.0], method="levenberg_marquardt", keep_path=True)
    curve = landscape(lambda x: x - 1, found, resolution=21).axes[0].lines[0]
    np.testing.assert_allclose(curve.get_ydata(), (curve.get_xdata() - 1) ** 2 / 2, atol=1e-12)


def test_traces_beside_each_other():
    runs = {"BFGS": run(), "Newton": run("newton")}
    figure = trace_figure(runs, best=0.0)
    left, right = figure.axes
    for axes, quantity in ((left, "value"), (right, "gradient_norm")):
        assert axes.get_yscale() == "log"
        for line, (name, found) in zip(axes.lines[::2], runs.items(), strict=True):
            expected = np.asarray(getattr(found.trace, quantity))
            assert line.get_label() == name
            np.testing.assert_array_equal(line.get_xdata(), found.trace.evaluations)
            np.testing.assert_allclose(line.get_ydata()[expected > 0], expected[expected > 0])
    assert [text.get_text() for text in figure.legends[0].get_texts()] == list(runs)
    assert [text for text, inside in texts(figure) if not inside] == []


def test_settings_of_matplotlib_are_left_alone():
    before = dict(matplotlib.rcParams)
    trace_figure({"BFGS": run()})
    assert dict(matplotlib.rcParams) == before


def test_the_window_holds_the_path():
    (left, right), (bottom, top) = window(np.array([[0.0, 0], [10, 0]]), None)
    assert left < 0 and right > 10 and bottom == -top and top - bottom == pytest.approx(0.6 * (right - left))


def test_bad_arguments_are_named():
    without = minimize(bowl, [4.0, 1.0], args=(SCALE,))
    with pytest.raises(ConfigurationError, match="does not hold its path"):
        landscape(bowl, without, args=(SCALE,))
    with pytest.raises(DataError, match="path is not a list of points"):
        landscape(bowl, np.ones(3), args=(SCALE,))
    with pytest.raises(ConfigurationError, match="bounds of the picture"):
        landscape(bowl, run(), args=(SCALE,), bounds=((1, 0), (0, 1)))
    with pytest.raises(ShapeError, match="directions do not span"):
        landscape(bowl, run(), args=(SCALE,), directions=([1.0], [0.0]))
    with pytest.raises(ConfigurationError, match="directions lie on one line"):
        landscape(bowl, run(), args=(SCALE,), directions=([1.0, 1.0], [2.0, 2.0]))
    with pytest.raises(ConfigurationError, match="no result to draw"):
        trace_figure({})
    many = minimize(lambda x: x**2, np.ones(3), many=True, keep_path=True)
    with pytest.raises(ConfigurationError, match="one of many starts"):
        landscape(lambda x: x**2, many)
    with pytest.raises(ConfigurationError, match="not the result of one minimization"):
        trace_figure({"many": many})

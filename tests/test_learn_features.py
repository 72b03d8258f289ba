"""Feature maps against scikit-learn and SciPy, and the kernel error of random features against its closed form."""

from __future__ import annotations

import hypothesis
import hypothesis.strategies as st
import jax
import jax.numpy as jnp
import numpy as np
import pandas as pd
import pytest
from scipy.interpolate import CubicSpline
from scipy.special import comb
from sklearn.compose import ColumnTransformer
from sklearn.gaussian_process.kernels import RBF
from sklearn.metrics.pairwise import rbf_kernel
from sklearn.preprocessing import PolynomialFeatures as PeerPolynomial
from sklearn.preprocessing import SplineTransformer

from pullback.core.errors import ConfigurationError, DataError
from pullback.learn import PolynomialFeatures, RadialBasisFeatures, RandomFourierFeatures, SplineFeatures
from pullback.models.features import b_spline_knots, b_splines, natural_splines, polynomial_features, polynomial_terms

X = np.random.default_rng(0).normal(size=(40, 3))
FURTHER = np.linspace(-6, 6, 50)[:, None] * np.ones(3)


@hypothesis.given(
    features=st.integers(1, 4),
    lowest=st.integers(0, 3),
    more=st.integers(0, 2),
    interaction_only=st.booleans(),
    include_bias=st.booleans(),
)
def test_polynomial_features_are_those_of_scikit_learn(features, lowest, more, interaction_only, include_bias):
    degree = (lowest, lowest + more)
    if degree[1] == 0 and not include_bias:
        return
    rows = np.random.default_rng(features).normal(size=(5, features))
    settings = {"interaction_only": interaction_only, "include_bias": include_bias}
    ours, theirs = PolynomialFeatures(degree, **settings), PeerPolynomial(degree, **settings)
    np.testing.assert_allclose(ours.fit_transform(rows), theirs.fit_transform(rows), rtol=1e-13)
    np.testing.assert_array_equal(ours.powers_, theirs.powers_)
    assert ours.get_feature_names_out().tolist() == theirs.get_feature_names_out().tolist()


@pytest.mark.parametrize(("features", "degree"), [(3, 2), (5, 3), (2, 7)])
def test_number_of_monomials(features, degree):
    assert len(polynomial_terms(features, degree)) == comb(features + degree, degree, exact=True)


def test_polynomial_features_have_derivatives_at_zero():
    # d(x^2, x y, y^2) at zero vanishes, d(x, y) is the identity.
    with jax.enable_x64(True):
        jacobian = jax.jacobian(lambda x: polynomial_features(x[None], polynomial_terms(2, 2))[0])(jnp.zeros(2))
    np.testing.assert_array_equal(jacobian, [[0, 0], [1, 0], [0, 1], [0, 0], [0, 0], [0, 0]])


@pytest.mark.parametrize("degree", [-1, 1.5, (2, 1), (1, 2, 3), "two", True])
def test_polynomial_degree_is_checked(degree):
    with pytest.raises(ConfigurationError, match="degree"):
        PolynomialFeatures(degree).fit(X)


@pytest.mark.parametrize("extrapolation", ["constant", "linear", "continue", "periodic"])
@pytest.mark.parametrize("degree", [0, 1, 2, 3, 5])
@pytest.mark.parametrize("knots", ["quantile", "uniform"])
def test_splines_are_those_of_scikit_learn(extrapolation, degree, knots):
    if degree == 0 and extrapolation in ("linear", "periodic"):
        pytest.skip("scikit-learn has no steps with this extrapolation")
    settings = {"n_knots": 7, "degree": degree, "knots": knots, "extrapolation": extrapolation}
    ours = SplineFeatures(**settings).fit(X)
    # One column at a time: scikit-learn 1.9 raises a degree below 2 once more with each column.
    theirs = [SplineTransformer(**settings).fit(column[:, None]) for column in X.T]
    together = SplineTransformer(**settings).fit(X)
    assert ours.get_feature_names_out().tolist() == together.get_feature_names_out().tolist()
    # Steps beyond the knots are zero there and constant here.
    for rows in (X, FURTHER) if degree > 0 else (X,):
        expected = np.hstack([peer.transform(column[:, None]) for peer, column in zip(theirs, rows.T, strict=True)])
        np.testing.assert_allclose(ours.transform(rows), expected, rtol=1e-8, atol=1e-9)


@pytest.mark.parametrize("include_bias", [True, False])
def test_splines_on_given_knots(include_bias):
    knots = np.array([[-3, -2, -4], [0, 0.5, 0], [1, 2, 3], [4, 4, 4.0]])
    settings = {"knots": knots, "extrapolation": "linear", "include_bias": include_bias}
    ours, theirs = SplineFeatures(**settings).fit(X), SplineTransformer(**settings).fit(X)
    np.testing.assert_allclose(ours.transform(FURTHER), theirs.transform(FURTHER), rtol=1e-9, atol=1e-12)


@hypothesis.given(st.lists(st.floats(0.1, 3), min_size=1, max_size=8), st.integers(0, 5))
def test_b_splines_sum_to_one(steps, degree):
    base = np.cumsum([0.0, *steps])
    inside = np.linspace(base[0], base[-1], 33)
    basis = b_splines(inside, b_spline_knots(base, degree), degree)
    np.testing.assert_allclose(basis.sum(axis=1), 1, rtol=1e-10)


@pytest.mark.parametrize("count", [2, 3, 6])
def test_natural_splines_are_those_of_scipy(count):
    knots = np.sort(np.random.default_rng(count).normal(size=count))
    inside = np.linspace(knots[0], knots[-1], 41)
    spline = CubicSpline(knots, np.eye(count), bc_type="natural")
    np.testing.assert_allclose(natural_splines(inside, knots), spline(inside), rtol=1e-9, atol=1e-11)
    for end, step in ((knots[0], -2.0), (knots[-1], 3.0)):
        line = spline(end) + step * spline(end, 1)
        np.testing.assert_allclose(natural_splines(np.array([end + step]), knots)[0], line, rtol=1e-9, atol=1e-11)


def test_splines_within_a_program_of_jax_are_those_of_numpy():
    x, knots = FURTHER[:, 0], np.array([-2.0, 0.0, 0.5, 2.0])
    padded = b_spline_knots(knots, 3)
    with jax.enable_x64(True):
        np.testing.assert_allclose(
            jax.jit(lambda v: b_splines(v, padded, 3))(jnp.asarray(x)), b_splines(x, padded, 3), atol=1e-9, rtol=1e-10
        )
        natural = jax.jit(lambda v: natural_splines(v, knots))(jnp.asarray(x))
    np.testing.assert_allclose(natural, natural_splines(x, knots), rtol=1e-10, atol=1e-10)


def test_weights_of_splines_are_repetition():
    weight = np.random.default_rng(1).integers(0, 4, size=len(X))
    weighted = SplineFeatures().fit(X, sample_weight=weight)
    repeated = SplineTransformer(knots="quantile").fit(np.repeat(X, weight, axis=0))
    np.testing.assert_allclose(weighted.transform(X), repeated.transform(X), rtol=1e-10, atol=1e-12)


def test_equal_quantiles_are_one_knot_and_a_constant_column_stays_finite():
    column = np.r_[np.zeros(30), np.arange(10.0)]
    splines = SplineFeatures(n_knots=5).fit(np.c_[column, np.full(40, 7.0)])
    assert [knots.tolist() for knots in splines.knots_] == [[0.0, 9.0], [3.5, 10.5]]
    basis = splines.transform(np.c_[column, np.full(40, 7.0)])
    np.testing.assert_allclose(basis.sum(axis=1), 2, rtol=1e-12)
    assert basis.shape[1] == len(splines.get_feature_names_out())


@pytest.mark.parametrize(
    "settings",
    [
        {"knots": "quantiles"},
        {"extrapolation": "cubic"},
        {"natural": True, "extrapolation": "periodic"},
        {"n_knots": 1},
        {"degree": -1},
        {"knots": [[0.0], [1.0]]},
        {"n_knots": 3, "degree": 3, "extrapolation": "periodic"},
    ],
)
def test_settings_of_splines_are_checked(settings):
    with pytest.raises(ConfigurationError):
        SplineFeatures(**settings).fit(X)


@pytest.mark.parametrize("natural", [True, False])
def test_values_beyond_the_knots_can_be_refused(natural):
    splines = SplineFeatures(natural=natural, extrapolation="error").fit(X)
    with pytest.raises(DataError, match="got: 9"):
        splines.transform(np.full((1, 3), 9.0))


def test_radial_basis_is_the_kernel_at_its_centers():
    far = X + 1e6
    features = RadialBasisFeatures(8, centers="subset", random_state=0).fit(far)
    expected = RBF(features.width_)(far, features.centers_)
    np.testing.assert_allclose(features.transform(far), expected, rtol=1e-8)
    assert features.get_feature_names_out().tolist()[:2] == ["radialbasisfeatures0", "radialbasisfeatures1"]
    means = RadialBasisFeatures(2, random_state=0).fit(np.r_[X, X + 100])
    middle = X.mean(axis=0)
    np.testing.assert_allclose(means.centers_[np.argsort(means.centers_[:, 0])], [middle, middle + 100], rtol=1e-10)


@pytest.mark.parametrize("delta", [0.5, 1.0, 2.0])
def test_error_of_random_fourier_features_falls_as_the_root_of_their_number(delta):
    """Over many draws the mean is the kernel and the variance its closed form, proportional to one over D."""
    rows, width, draws = np.array([[0.0], [delta]]), 1.5, 400
    k, k_twice = rbf_kernel([[0.0]], [[delta], [2 * delta]], gamma=1 / (2 * width**2))[0]
    for count in (10, 160):
        z = [RandomFourierFeatures(count, width=width, random_state=seed).fit_transform(rows) for seed in range(draws)]
        errors = np.array([(each @ each.T)[0, 1] - k for each in z])
        variance = (1 + k_twice - 2 * k**2) / (2 * count)
        assert abs(errors.mean()) < 4 * np.sqrt(variance / draws)
        # The relative error of a variance from 400 draws is about sqrt(2 / 400) = 0.07.
        assert errors.var() == pytest.approx(variance, rel=0.3)


def test_features_keep_names_within_a_frame():
    frame = pd.DataFrame(X, columns=["a", "b", "c"])
    columns = ColumnTransformer(
        [("spline", SplineFeatures(3, natural=True), ["a"]), ("product", PolynomialFeatures(2), ["b", "c"])]
    ).set_output(transform="pandas")
    assert columns.fit_transform(frame).columns.tolist() == [
        *(f"spline__a_sp_{i}" for i in range(3)),
        *(f"product__{name}" for name in ("1", "b", "c", "b^2", "b c", "c^2")),
    ]


@pytest.mark.parametrize("estimator", [RadialBasisFeatures, RandomFourierFeatures])
@pytest.mark.parametrize("width", [0.0, -1.0, np.nan])
def test_width_is_checked(estimator, width):
    with pytest.raises(ConfigurationError, match="width"):
        estimator(3, width=width).fit(X)

"""Networks as estimators: updates against PyTorch's, the stopping rules, standardization, weights and programs."""

from __future__ import annotations

import warnings

import jax
import numpy as np
import pytest
from sklearn.datasets import load_iris
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression, Ridge

from pullback.core.errors import ConfigurationError, DataError, NonFiniteError
from pullback.learn import MLPClassifier, MLPRegressor
from pullback.testing.peers import peer
from pullback.train.multilayer_perceptron_fit import (
    Descent,
    Limits,
    _fit,
    fit_multilayer_perceptron,
    network_from_parameters,
)

IRIS, SPECIES = load_iris(return_X_y=True)
RANDOM = np.random.default_rng(0)
X = RANDOM.normal(size=(60, 3))
Y = np.sin(X @ [1.0, -1.0, 0.5]) + 0.1 * RANDOM.normal(size=60)


@pytest.fixture(autouse=True)
def unfinished_fits_are_silent():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        yield


def steps_of_torch(start, inputs, targets, weight, descent, limits, steps):
    """Weights after some steps on all rows by PyTorch, in float64."""
    torch = peer("torch")
    parameters = [torch.tensor(np.array(leaf), requires_grad=True) for leaf in jax.tree.leaves(start)]
    w = torch.tensor(weight)
    if descent.method == "adam":
        optimizer = torch.optim.Adam(parameters, lr=limits.learning_rate)
    else:
        optimizer = torch.optim.SGD(
            parameters, lr=limits.learning_rate, momentum=descent.momentum, nesterov=descent.nesterovs_momentum
        )
    for _ in range(steps):
        optimizer.zero_grad()
        hidden = torch.tanh(torch.tensor(inputs) @ parameters[0].T + parameters[1])
        z = hidden @ parameters[2].T + parameters[3]
        if targets.ndim == 1:
            losses = torch.nn.functional.cross_entropy(z, torch.tensor(targets), reduction="none")
        else:
            losses = ((z - torch.tensor(targets)) ** 2).mean(dim=1) / 2
        penalty = limits.alpha / 2 * (parameters[0].square().sum() + parameters[2].square().sum())
        ((w * losses).sum() / w.sum() + penalty / w.sum()).backward()
        optimizer.step()
    return [leaf.detach().numpy() for leaf in parameters]


@pytest.mark.parametrize(
    ("loss", "descent"),
    [
        ("categorical_cross_entropy", Descent(batch_size=256)),
        ("squared_error", Descent("sgd", momentum=0.8, batch_size=256)),
    ],
)
def test_steps_are_those_of_torch(loss, descent):
    random = np.random.default_rng(1)
    start = network_from_parameters(
        [random.normal(size=(5, 3)), random.normal(size=(2, 5))], [random.normal(size=5), np.zeros(2)], "tanh"
    )
    classify = loss == "categorical_cross_entropy"
    targets = (Y > 0).astype(int) if classify else np.stack([Y, -Y], axis=1)
    weight = random.integers(1, 4, size=60).astype(float)
    limits = Limits(alpha=3.0, learning_rate=0.05, max_iter=7)
    found = fit_multilayer_perceptron(
        X, targets, weight, key=jax.random.key(0), hidden=(5,), activation="tanh", loss=loss, outputs=2,
        descent=descent, limits=limits, start=start,
    )  # fmt: skip
    assert found.n_iter == 7
    for ours, theirs in zip(
        jax.tree.leaves(found.network), steps_of_torch(start, X, targets, weight, descent, limits, 7), strict=True
    ):
        np.testing.assert_allclose(ours, theirs, rtol=1e-8, atol=1e-10)


def test_without_hidden_layers_it_ends_at_the_linear_fits():
    """The optimum is that of ridge and of penalized multinomial regression, whose penalties say the same."""
    settings = {"learning_rate_init": 0.02, "max_iter": 2000, "n_iter_no_change": 2000, "random_state": 0}
    standardized = (X - X.mean(axis=0)) / X.std(axis=0)
    regression = MLPRegressor((), alpha=5.0, batch_size=256, **settings).fit(X, Y)
    ridge = Ridge(alpha=5.0).fit(standardized, Y)
    np.testing.assert_allclose(regression.predict(X), ridge.predict(standardized), atol=1e-5)
    classification = MLPClassifier((), alpha=5.0, batch_size=256, **settings).fit(IRIS, SPECIES)
    inputs = (IRIS - IRIS.mean(axis=0)) / IRIS.std(axis=0)
    logistic = LogisticRegression(C=1 / 5.0, tol=1e-10, max_iter=1000).fit(inputs, SPECIES)
    np.testing.assert_allclose(classification.predict_proba(IRIS), logistic.predict_proba(inputs), atol=1e-4)


def test_rates_penalties_and_rows_need_no_new_program():
    MLPClassifier((4,), "logistic", max_iter=3, random_state=0).fit(IRIS, SPECIES)
    programs = _fit._cached._cache_size()
    MLPClassifier((4,), "logistic", max_iter=4, alpha=1.0, learning_rate_init=0.1, random_state=1).fit(
        IRIS[:120, :3], SPECIES[:120]
    )
    assert _fit._cached._cache_size() == programs


def test_rows_without_weight_are_not_there():
    """Padding and rows of weight zero enter no batch, so the fit is the same to the last digit."""
    key, outputs = jax.random.key(0), {"hidden": (4,), "outputs": 1, "loss": "squared_error"}
    weight = np.r_[np.ones(50), np.zeros(10)]
    limits = Limits(max_iter=4)
    spoiled = np.where(weight[:, None] > 0, X, 1e6)
    kept = fit_multilayer_perceptron(X, Y[:, None], weight, key=key, limits=limits, **outputs)
    other = fit_multilayer_perceptron(spoiled, Y[:, None], weight, key=key, limits=limits, **outputs)
    for ours, theirs in zip(jax.tree.leaves(kept.network), jax.tree.leaves(other.network), strict=True):
        np.testing.assert_array_equal(ours, theirs)


@pytest.mark.slow
def test_many_fits_at_once_are_the_fits_alone():
    with jax.enable_x64(True):
        inputs, targets = jax.numpy.asarray(X), jax.numpy.asarray(Y)[:, None]
        rates = jax.numpy.asarray([0.01, 0.1])

        def fit(rate):
            limits = Limits(learning_rate=rate, max_iter=6)
            settings = {"hidden": (4,), "outputs": 1, "loss": "squared_error", "limits": limits}
            return fit_multilayer_perceptron(
                inputs, targets, jax.numpy.ones(60), key=jax.random.key(0), **settings
            ).loss_curve

        together = jax.vmap(fit)(rates)
        for row, rate in enumerate(rates):
            np.testing.assert_allclose(together[row, :6], fit(rate)[:6], rtol=1e-9)


def test_the_pass_with_the_lowest_loss_held_out_is_kept():
    noise = np.random.default_rng(0).integers(0, 2, size=60)
    model = MLPClassifier(
        (30,),
        early_stopping=True,
        validation_fraction=0.3,
        learning_rate_init=0.05,
        n_iter_no_change=12,
        random_state=0,
    ).fit(X, noise)
    curve = model.validation_loss_curve_
    assert len(curve) == model.n_iter_ < 200
    assert curve.argmin() < model.n_iter_ - 5
    # The rows held out are those of scikit-learn's split with the same seed.
    from sklearn.model_selection import train_test_split
    from sklearn.utils import check_random_state

    held = train_test_split(np.arange(60), test_size=0.3, stratify=noise, random_state=check_random_state(0))[1]
    share = model.predict_proba(X)[held, noise[held]]
    assert -np.log(share).mean() == pytest.approx(curve.min(), rel=1e-9)


def test_warm_start_goes_on():
    model = MLPRegressor((8,), max_iter=30, warm_start=True, random_state=0).fit(X, Y)
    before = model.loss_
    assert model.fit(X, Y).loss_curve_[0] < 1.2 * before
    assert model.loss_ < before
    classifier = MLPClassifier((4,), "logistic", max_iter=3, warm_start=True).fit(IRIS, SPECIES)
    with pytest.raises(DataError, match="other classes"):
        classifier.fit(IRIS[:100], SPECIES[:100])


def test_several_outputs_and_the_units_of_the_data():
    targets = np.stack([Y, 1e6 + 1e3 * X[:, 0]], axis=1)
    settings = {"learning_rate_init": 0.02, "max_iter": 300, "random_state": 0}
    model = MLPRegressor((20,), **settings).fit(X, targets)
    assert model.predict(X).shape == (60, 2)
    assert model.score(X, targets) > 0.97
    moved = MLPRegressor((20,), **settings).fit(1e3 * X + 7e4, targets)
    np.testing.assert_allclose(moved.predict(1e3 * X + 7e4), model.predict(X), rtol=1e-4)


def test_network_is_one_of_the_library():
    model = MLPClassifier((4,), "logistic", max_iter=3, random_state=0).fit(IRIS, SPECIES)
    network = model.network_
    assert (network.hidden, network.activation, network.out_features) == ((4,), "sigmoid", 3)
    assert [coef.shape for coef in model.coefs_] == [(4, 4), (4, 3)]


def test_divergence_is_said():
    with pytest.raises(NonFiniteError, match="learning_rate_init below"):
        MLPRegressor((4,), "identity", solver="sgd", learning_rate_init=1e6, random_state=0).fit(X, Y)


@pytest.mark.parametrize(
    "settings",
    [
        {"solver": "lbfgs"},
        {"activation": "rleu"},
        {"alpha": -1.0},
        {"hidden_layer_sizes": (0,)},
        {"max_iter": 0},
        {"batch_size": -3},
        {"beta_1": 1.0},
        {"early_stopping": True, "validation_fraction": 0.0},
    ],
)
def test_settings_are_checked(settings):
    with pytest.raises(ConfigurationError):
        MLPClassifier(**settings).fit(IRIS, SPECIES)

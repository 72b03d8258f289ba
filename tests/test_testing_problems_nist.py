"""NIST's nonlinear sets: what is read agrees with everything the files certify; damaged files are refused."""

import functools
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from pullback.core.errors import DataError
from pullback.testing.problems import MORE_GARBOW_HILLSTROM, read_nist, read_nist_file

FOLDER = Path(__file__).parent / "nist"
DATASETS = read_nist(FOLDER)


@pytest.fixture(autouse=True)
def _float64():
    with jax.enable_x64(True):
        yield


@pytest.fixture(params=DATASETS.values(), ids=lambda dataset: dataset.name)
def dataset(request):
    return request.param


@functools.cache
def compiled(dataset):
    """Residuals and Jacobian as one program, compiled once a set."""
    program = jax.jit(lambda b: (dataset.residuals(b), jax.jacfwd(dataset.residuals)(b)))
    return lambda b: tuple(map(np.asarray, program(jnp.asarray(b, jnp.float64))))


def test_collection_is_complete():
    assert len(DATASETS) == 27 == len(list(FOLDER.glob("*.dat")))


def test_residuals_at_the_certified_parameters_have_the_certified_sum(dataset):
    residuals, _ = compiled(dataset)(dataset.parameters)
    found, certified = float(residuals @ residuals), dataset.residual_sum_of_squares
    if dataset.name == "Lanczos1":
        # The residuals are 1e-13 of data of order 1, printed parameters are rounded at 1e-11: no digit can be left.
        assert found < 1e-19
        return
    assert found == pytest.approx(certified, rel=1e-10)


def test_certified_deviation_follows_from_the_certified_sum(dataset):
    assert dataset.residual_standard_deviation == pytest.approx(
        np.sqrt(dataset.residual_sum_of_squares / dataset.degrees_of_freedom), rel=1e-9
    )


def test_degrees_of_freedom_misprinted_in_one_file():
    """The file prints 9, against its own residual standard deviation, which the test above verifies with 11."""
    assert "Degrees of Freedom:                                9" in (FOLDER / "Rat43.dat").read_text()
    assert DATASETS["Rat43"].degrees_of_freedom == 11


def test_standard_errors_at_the_certified_parameters_are_the_certified_ones(dataset):
    _, jacobian = compiled(dataset)(dataset.parameters)
    scale = np.linalg.norm(jacobian, axis=0)
    triangular = np.linalg.qr(jacobian / scale, mode="r")
    spread = np.linalg.norm(np.linalg.inv(triangular), axis=1) / scale
    found = dataset.residual_standard_deviation * spread
    np.testing.assert_allclose(found, dataset.standard_errors, rtol=1e-7)


def test_problem_starts_where_the_file_says(dataset):
    for number in (1, 2):
        problem = dataset.problem(number)
        assert problem.minimum == dataset.residual_sum_of_squares
        np.testing.assert_array_equal(problem.start, dataset.starts[number - 1])
        residuals, _ = compiled(dataset)(problem.start)
        assert residuals @ residuals > problem.minimum
    with pytest.raises(DataError):
        dataset.problem(3)


@pytest.mark.parametrize(("name", "twin"), [("MGH09", 15), ("MGH10", 10), ("MGH17", 17)])
def test_sets_taken_from_the_collection_agree_with_it(name, twin):
    ours, theirs = DATASETS[name], MORE_GARBOW_HILLSTROM[twin - 1]
    residuals, _ = compiled(ours)(ours.parameters)
    twins = jax.jit(theirs.residuals)(jnp.asarray(ours.parameters))
    np.testing.assert_allclose(np.abs(residuals), np.abs(twins), rtol=1e-9, atol=1e-15)
    assert theirs.minimum == pytest.approx(ours.residual_sum_of_squares, rel=1e-5)


def test_numbers_of_one_file_as_printed():
    nelson = DATASETS["Nelson"]
    assert nelson.predictors.shape == (128, 2) and nelson.degrees_of_freedom == 125
    np.testing.assert_array_equal(nelson.starts[1], [2.5, 0.000000005, -0.05])
    np.testing.assert_array_equal(nelson.parameters, [2.5906836021e00, 5.6177717026e-09, -5.7701013174e-02])


DAMAGE = {
    "a letter in the data": ("10.07E0", "1O.07E0"),
    "a missing column": ("77.6E0", ""),
    "an unknown name": ("Misra1a ", "Misra9z "),
    "a parameter out of order": ("b2 =", "b3 ="),
    "a wrong count": ("Degrees of Freedom:                                12", "Degrees of Freedom: 11"),
    "a missing label": ("Residual Sum of Squares", "Residual Sum"),
    "lines beyond the end": ("(lines 61 to 74)", "(lines 61 to 740)"),
    "an expression instead of a number": ("500         250", "__import__('os')  250"),
    "a letter outside ASCII": ("dental", "dentäl"),
}


@pytest.mark.parametrize("damage", DAMAGE)
def test_damaged_file_is_refused(tmp_path, damage):
    before, after = DAMAGE[damage]
    text = (FOLDER / "Misra1a.dat").read_text()
    assert before in text
    path = tmp_path / "Misra1a.dat"
    path.write_text(text.replace(before, after), encoding="utf-8")
    with pytest.raises(DataError):
        read_nist_file(path)


def test_missing_file_is_named(tmp_path):
    with pytest.raises(DataError, match="missing"):
        read_nist(tmp_path)

"""Estimators with scikit-learn's face: thin shells over pure fits."""

from pullback.learn.polynomial_features import PolynomialFeatures as PolynomialFeatures
from pullback.learn.radial_basis_features import RadialBasisFeatures as RadialBasisFeatures
from pullback.learn.random_fourier_features import RandomFourierFeatures as RandomFourierFeatures
from pullback.learn.spline_features import SplineFeatures as SplineFeatures

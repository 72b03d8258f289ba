"""Estimators with scikit-learn's face: thin shells over pure fits."""

from pullback.learn.elastic_net import ElasticNet as ElasticNet
from pullback.learn.formula import Formula as Formula
from pullback.learn.generalized_linear_regressor import GeneralizedLinearRegressor as GeneralizedLinearRegressor
from pullback.learn.huber_regressor import HuberRegressor as HuberRegressor
from pullback.learn.lasso import Lasso as Lasso
from pullback.learn.least_squares_classifier import LeastSquaresClassifier as LeastSquaresClassifier
from pullback.learn.linear_regression import LinearRegression as LinearRegression
from pullback.learn.logistic_regression import LogisticRegression as LogisticRegression
from pullback.learn.mlp_classifier import MLPClassifier as MLPClassifier
from pullback.learn.mlp_regressor import MLPRegressor as MLPRegressor
from pullback.learn.naive_bayes import NaiveBayes as NaiveBayes
from pullback.learn.one_vs_one import OneVsOne as OneVsOne
from pullback.learn.one_vs_rest import OneVsRest as OneVsRest
from pullback.learn.perceptron import Perceptron as Perceptron
from pullback.learn.polynomial_features import PolynomialFeatures as PolynomialFeatures
from pullback.learn.quantile_regressor import QuantileRegressor as QuantileRegressor
from pullback.learn.radial_basis_features import RadialBasisFeatures as RadialBasisFeatures
from pullback.learn.random_fourier_features import RandomFourierFeatures as RandomFourierFeatures
from pullback.learn.ridge import Ridge as Ridge
from pullback.learn.ridge import RidgePath as RidgePath
from pullback.learn.saving import load as load
from pullback.learn.saving import save as save
from pullback.learn.softmax_regression import SoftmaxRegression as SoftmaxRegression
from pullback.learn.spline_features import SplineFeatures as SplineFeatures

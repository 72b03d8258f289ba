"""The classes that a saved estimator may hold: a closed table, so that a file cannot choose what is made from it."""

from __future__ import annotations

from sklearn.calibration import CalibratedClassifierCV, _CalibratedClassifier, _SigmoidCalibration
from sklearn.compose import ColumnTransformer
from sklearn.feature_selection import VarianceThreshold
from sklearn.impute import MissingIndicator, SimpleImputer
from sklearn.isotonic import IsotonicRegression
from sklearn.pipeline import FeatureUnion, Pipeline
from sklearn.preprocessing import (
    LabelBinarizer,
    LabelEncoder,
    MaxAbsScaler,
    MinMaxScaler,
    OneHotEncoder,
    OrdinalEncoder,
    PowerTransformer,
    QuantileTransformer,
    RobustScaler,
    StandardScaler,
)

from pullback.learn.elastic_net import ElasticNet
from pullback.learn.fitted_table import FittedTable
from pullback.learn.generalized_linear_regressor import GeneralizedLinearRegressor
from pullback.learn.huber_regressor import HuberRegressor
from pullback.learn.lasso import Lasso
from pullback.learn.least_squares_classifier import LeastSquaresClassifier
from pullback.learn.linear_regression import LinearRegression
from pullback.learn.logistic_regression import LogisticRegression
from pullback.learn.mlp_classifier import MLPClassifier
from pullback.learn.mlp_regressor import MLPRegressor
from pullback.learn.naive_bayes import NaiveBayes
from pullback.learn.one_vs_one import OneVsOne
from pullback.learn.one_vs_rest import OneVsRest
from pullback.learn.perceptron import Perceptron
from pullback.learn.polynomial_features import PolynomialFeatures
from pullback.learn.quantile_regressor import QuantileRegressor
from pullback.learn.radial_basis_features import RadialBasisFeatures
from pullback.learn.random_fourier_features import RandomFourierFeatures
from pullback.learn.ridge import Ridge, RidgePath
from pullback.learn.softmax_regression import SoftmaxRegression
from pullback.learn.spline_features import SplineFeatures
from pullback.learn.table_design import TableDesign
from pullback.prob.inference import Finding, Inference

SCIKIT_LEARN: tuple[type, ...] = (
    CalibratedClassifierCV,
    ColumnTransformer,
    FeatureUnion,
    IsotonicRegression,
    LabelBinarizer,
    LabelEncoder,
    MaxAbsScaler,
    MinMaxScaler,
    MissingIndicator,
    OneHotEncoder,
    OrdinalEncoder,
    Pipeline,
    PowerTransformer,
    QuantileTransformer,
    RobustScaler,
    SimpleImputer,
    StandardScaler,
    VarianceThreshold,
    _CalibratedClassifier,
    _SigmoidCalibration,
)

OURS: tuple[type, ...] = (
    Finding,
    ElasticNet,
    FittedTable,
    GeneralizedLinearRegressor,
    HuberRegressor,
    Inference,
    Lasso,
    LeastSquaresClassifier,
    LinearRegression,
    LogisticRegression,
    MLPClassifier,
    MLPRegressor,
    NaiveBayes,
    OneVsOne,
    OneVsRest,
    Perceptron,
    PolynomialFeatures,
    QuantileRegressor,
    RadialBasisFeatures,
    RandomFourierFeatures,
    Ridge,
    RidgePath,
    SoftmaxRegression,
    SplineFeatures,
    TableDesign,
)

SAVED_TYPES: tuple[type, ...] = (*SCIKIT_LEARN, *OURS)

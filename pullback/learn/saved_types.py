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

from pullback.learn.fitted_table import FittedTable
from pullback.learn.linear_regression import LinearRegression
from pullback.learn.table_design import TableDesign

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

OURS: tuple[type, ...] = (LinearRegression, TableDesign, FittedTable)

SAVED_TYPES: tuple[type, ...] = (*SCIKIT_LEARN, *OURS)

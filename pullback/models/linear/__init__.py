"""Linear and generalized linear models as pure fits: functions of arrays, compiled, free of any estimator."""

from pullback.models.linear.added_columns_test import added_columns_test as added_columns_test
from pullback.models.linear.bands import Bands as Bands
from pullback.models.linear.bands import bands as bands
from pullback.models.linear.elastic_net import ElasticNetFit as ElasticNetFit
from pullback.models.linear.elastic_net import fit_elastic_net as fit_elastic_net
from pullback.models.linear.elastic_net_path import ElasticNetPath as ElasticNetPath
from pullback.models.linear.elastic_net_path import fit_elastic_net_path as fit_elastic_net_path
from pullback.models.linear.generalized_linear import GeneralizedLinearFit as GeneralizedLinearFit
from pullback.models.linear.generalized_linear import fit_generalized_linear as fit_generalized_linear
from pullback.models.linear.generalized_linear_bootstrap import GeneralizedLinearBootstrap as GeneralizedLinearBootstrap
from pullback.models.linear.generalized_linear_bootstrap import (
    bootstrap_generalized_linear as bootstrap_generalized_linear,
)
from pullback.models.linear.generalized_linear_inference import (
    generalized_linear_inference as generalized_linear_inference,
)
from pullback.models.linear.generalized_linear_predictions import average_marginal_effects as average_marginal_effects
from pullback.models.linear.generalized_linear_predictions import mean_band as mean_band
from pullback.models.linear.huber import HuberFit as HuberFit
from pullback.models.linear.huber import fit_huber as fit_huber
from pullback.models.linear.influence import Influence as Influence
from pullback.models.linear.influence import influence as influence
from pullback.models.linear.least_squares import LeastSquaresFit as LeastSquaresFit
from pullback.models.linear.least_squares import fit_least_squares as fit_least_squares
from pullback.models.linear.least_squares_inference import least_squares_inference as least_squares_inference
from pullback.models.linear.logistic import LogisticFit as LogisticFit
from pullback.models.linear.logistic import fit_logistic as fit_logistic
from pullback.models.linear.perceptron import PerceptronFit as PerceptronFit
from pullback.models.linear.perceptron import fit_perceptron as fit_perceptron
from pullback.models.linear.quantile import QuantileFit as QuantileFit
from pullback.models.linear.quantile import fit_quantile as fit_quantile
from pullback.models.linear.quantile_covariance import QuantileCovariance as QuantileCovariance
from pullback.models.linear.quantile_covariance import quantile_covariance as quantile_covariance
from pullback.models.linear.residual_diagnostics import ResidualDiagnostics as ResidualDiagnostics
from pullback.models.linear.residual_diagnostics import residual_diagnostics as residual_diagnostics
from pullback.models.linear.ridge import RidgeFit as RidgeFit
from pullback.models.linear.ridge import RidgePathFit as RidgePathFit
from pullback.models.linear.ridge import fit_ridge as fit_ridge
from pullback.models.linear.ridge import fit_ridge_path as fit_ridge_path
from pullback.models.linear.softmax import SoftmaxFit as SoftmaxFit
from pullback.models.linear.softmax import fit_softmax as fit_softmax
from pullback.models.linear.softmax_inference import softmax_inference as softmax_inference

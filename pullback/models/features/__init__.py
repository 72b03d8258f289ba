"""Feature maps: functions of the inputs in which a linear model becomes curved.

Every map takes NumPy arrays or JAX arrays and stays with what it was given, so the same function serves a table on the
host and a program that is differentiated.
"""

from pullback.models.features.b_splines import b_spline_knots as b_spline_knots
from pullback.models.features.b_splines import b_splines as b_splines
from pullback.models.features.b_splines import b_splines_with_tails as b_splines_with_tails
from pullback.models.features.natural_splines import natural_splines as natural_splines
from pullback.models.features.polynomial import polynomial_features as polynomial_features
from pullback.models.features.polynomial import polynomial_terms as polynomial_terms
from pullback.models.features.radial_basis import median_distance as median_distance
from pullback.models.features.radial_basis import radial_basis as radial_basis
from pullback.models.features.random_fourier import random_fourier as random_fourier

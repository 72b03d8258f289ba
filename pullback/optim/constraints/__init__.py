"""Convex sets with their projections and linear minimizers."""

from pullback.optim.constraints.ball import Ball as Ball
from pullback.optim.constraints.box import Box as Box
from pullback.optim.constraints.constraint import Constraint as Constraint
from pullback.optim.constraints.simplex import Simplex as Simplex

"""Diagnosis of a minimization: curvature, kind of point, convexity, what went wrong and why."""

from __future__ import annotations

from pullback.optim.diagnosis.convexity import ConvexityCheck, Witness, check_convexity
from pullback.optim.diagnosis.critical_point import CriticalPoint, Inertia, classify_critical_point
from pullback.optim.diagnosis.curvature import Curvature, curvature

__all__ = [
    "ConvexityCheck",
    "CriticalPoint",
    "Curvature",
    "Inertia",
    "Witness",
    "check_convexity",
    "classify_critical_point",
    "curvature",
]

"""Diagnosis of a minimization: curvature, kind of point, convexity, what went wrong and why."""

from __future__ import annotations

from pullback.optim.diagnosis.convexity import ConvexityCheck, Witness, check_convexity
from pullback.optim.diagnosis.critical_point import CriticalPoint, Inertia, classify_critical_point
from pullback.optim.diagnosis.curvature import Curvature, curvature
from pullback.optim.diagnosis.diagnose import Diagnosis, diagnose
from pullback.optim.diagnosis.finding import Finding
from pullback.optim.diagnosis.step_size import label_learning_rate
from pullback.optim.diagnosis.theory import THEORY, Theory

__all__ = [
    "ConvexityCheck",
    "CriticalPoint",
    "Curvature",
    "Diagnosis",
    "Finding",
    "Inertia",
    "THEORY",
    "Theory",
    "Witness",
    "check_convexity",
    "classify_critical_point",
    "curvature",
    "diagnose",
    "label_learning_rate",
]

"""Linear and generalized linear models as pure fits: functions of arrays, compiled, differentiable in their data."""

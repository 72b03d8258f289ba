"""The evaluation trace: every intermediate value of a function with its tangent and its adjoint, to be read."""

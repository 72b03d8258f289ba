"""The equation of every public kernel, read back from its LaTeX and compared with the code in double precision."""

from __future__ import annotations

import pytest

from pullback import nn
from pullback.testing.equations import EquationExample, check_equation

KINKS = (0.0, -1.0, 1.0, -3.0, 3.0, 6.0)
ACTIVATIONS = [
    *(EquationExample(name, kernel, values=KINKS) for name, kernel in nn.ACTIVATIONS.items()),
    EquationExample("log_sum_exp", nn.log_sum_exp),
]


@pytest.mark.parametrize("example", ACTIVATIONS, ids=lambda example: example.name)
def test_the_equation_read_back_is_the_code(example: EquationExample) -> None:
    check_equation(example)

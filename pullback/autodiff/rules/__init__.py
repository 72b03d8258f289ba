"""All rules of differentiation by the name of the primitive: one file a family, merged into one table."""

from __future__ import annotations

from collections.abc import Mapping

from pullback.autodiff.rule import Derivative
from pullback.autodiff.rules.calls import CALLS
from pullback.autodiff.rules.choices import CHOOSING
from pullback.autodiff.rules.complex_numbers import COMPLEX_NUMBERS
from pullback.autodiff.rules.conditional import CONDITIONAL
from pullback.autodiff.rules.contractions import CONTRACTIONS
from pullback.autodiff.rules.convolutions import CONVOLUTIONS
from pullback.autodiff.rules.cumulative import CUMULATIVE
from pullback.autodiff.rules.elementwise import ELEMENTWISE
from pullback.autodiff.rules.fourier import FOURIER
from pullback.autodiff.rules.indexing import INDEXING
from pullback.autodiff.rules.linear_algebra import LINEAR_ALGEBRA
from pullback.autodiff.rules.reductions import REDUCTIONS
from pullback.autodiff.rules.repetition import REPETITION
from pullback.autodiff.rules.scan import SCAN
from pullback.autodiff.rules.shapes import SHAPES
from pullback.autodiff.rules.sorting import SORTING
from pullback.autodiff.rules.special_functions import SPECIAL_FUNCTIONS
from pullback.autodiff.rules.windows import WINDOWS

RULES: Mapping[str, Derivative] = {
    **ELEMENTWISE,
    **SPECIAL_FUNCTIONS,
    **CHOOSING,
    **COMPLEX_NUMBERS,
    **SHAPES,
    **REDUCTIONS,
    **CUMULATIVE,
    **SORTING,
    **CONTRACTIONS,
    **CALLS,
    **LINEAR_ALGEBRA,
    **FOURIER,
    **SCAN,
    **CONDITIONAL,
    **REPETITION,
    **WINDOWS,
    **CONVOLUTIONS,
    **INDEXING,
}

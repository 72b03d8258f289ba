"""Every operation that an equation can show: one literal table from the families.

An operation of ours without a rule here is read through its program in JAX's own operations.
"""

from __future__ import annotations

from pullback.explain import (
    rules_axes,
    rules_calls,
    rules_elementwise,
    rules_indexing,
    rules_linear_algebra,
    rules_sums,
    rules_windows,
)
from pullback.explain.reader import Rule

RULES: dict[str, Rule] = {
    **rules_elementwise.RULES,
    **rules_axes.RULES,
    **rules_sums.RULES,
    **rules_windows.RULES,
    **rules_indexing.RULES,
    **rules_linear_algebra.RULES,
    **rules_calls.RULES,
}

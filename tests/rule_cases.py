"""Which checks of a derivative rule run every time, and which among the slow tests.

What costs time is the compiler, a program for each check of each case. Every rule agrees with JAX in forward and
reverse mode every time; further orders, differences, mapping and types are left to the slow run, but where a file asks
for more.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from typing import Any

import pytest

from pullback.testing.derivatives import CHECKS, Case, check_first_order

Check = Callable[[Case], None]


def checked(
    cases: Iterable[Case],
    *,
    by_default: Collection[Check] = (check_first_order,),
    costly: Collection[str] = (),
) -> Any:
    """A test for each case and each check of a rule.

    Those of `by_default` run every time; of the cases named `costly` only `check_first_order` does.
    """

    def runs(case: Case, check: Check) -> bool:
        return check is check_first_order or (check in by_default and case.name not in costly)

    return pytest.mark.parametrize(
        ("case", "check"),
        [
            pytest.param(
                case,
                check,
                id=f"{case.name}-{check.__name__}",
                marks=() if runs(case, check) else (pytest.mark.slow,),
            )
            for case in cases
            for check in CHECKS
        ],
    )


def chosen(cases: Iterable[Case], names: Collection[str]) -> list[Any]:
    """All cases, those without one of the names among the slow tests."""
    marks = lambda name: () if name in names else (pytest.mark.slow,)  # noqa: E731
    return [pytest.param(case, id=case.name, marks=marks(case.name)) for case in cases]

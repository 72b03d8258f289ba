"""Laws of the observations in generalized linear models."""

from __future__ import annotations

from pullback.core.errors import unknown_name
from pullback.prob.families.binomial import Binomial
from pullback.prob.families.family import Family
from pullback.prob.families.gamma import Gamma
from pullback.prob.families.normal import Normal
from pullback.prob.families.poisson import Poisson

__all__ = ["FAMILIES", "Binomial", "Family", "Gamma", "Normal", "Poisson", "family_named"]

FAMILIES: dict[str, Family] = {family.name: family for family in (Normal(), Poisson(), Gamma(), Binomial())}


def family_named(name: str) -> Family:
    """The family of this name.

    Raises
    ------
    ConfigurationError
        for a name outside the table.

    Examples
    --------
    >>> family_named("poisson")
    Poisson()
    """
    if name not in FAMILIES:
        raise unknown_name("family", name, FAMILIES)
    return FAMILIES[name]

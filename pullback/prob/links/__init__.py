"""Links between the mean of an observation and the linear predictor."""

from __future__ import annotations

from pullback.core.errors import unknown_name
from pullback.prob.links.complementary_log_log import ComplementaryLogLogLink
from pullback.prob.links.identity import IdentityLink
from pullback.prob.links.link import Link
from pullback.prob.links.log import LogLink
from pullback.prob.links.logit import LogitLink
from pullback.prob.links.probit import ProbitLink
from pullback.prob.links.reciprocal import ReciprocalLink

__all__ = [
    "LINKS",
    "ComplementaryLogLogLink",
    "IdentityLink",
    "Link",
    "LogLink",
    "LogitLink",
    "ProbitLink",
    "ReciprocalLink",
    "link_named",
]

LINKS: dict[str, Link] = {
    link.name: link
    for link in (IdentityLink(), LogLink(), LogitLink(), ProbitLink(), ComplementaryLogLogLink(), ReciprocalLink())
}


def link_named(name: str) -> Link:
    """The link of this name.

    Raises
    ------
    ConfigurationError
        for a name outside the table.

    Examples
    --------
    >>> link_named("logit")
    LogitLink()
    """
    if name not in LINKS:
        raise unknown_name("link", name, LINKS)
    return LINKS[name]

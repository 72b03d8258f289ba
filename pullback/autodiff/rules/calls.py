"""Functions that carry a derivative of their own, and those whose values are computed again."""

from __future__ import annotations

from pullback.autodiff import fallback
from pullback.autodiff.rule import Derivative, tangent_only

CALLS = {
    # The user's own tangent map, and its transpose by our rules.
    "custom_jvp_call": tangent_only(fallback.tangent),
    # The user's own way back; it has no forward mode, and JAX says so.
    "custom_vjp_call": Derivative(fallback.tangent, fallback.cotangent),
}

"""Every layer of the table passes every check of the list."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from pullback.testing.layers import CHECKS, LAYERS, LayerExample


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__.removeprefix("check_"))
@pytest.mark.parametrize("example", LAYERS, ids=lambda example: example.name)
def test_layer(example: LayerExample, check: Callable[[LayerExample], None]) -> None:
    check(example)

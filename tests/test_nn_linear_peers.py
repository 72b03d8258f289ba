"""The affine layer against PyTorch."""

from __future__ import annotations

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from pullback.nn import Linear
from pullback.testing.peers import peer

torch = peer("torch")


def test_values_and_gradients() -> None:
    generator = np.random.default_rng(0)
    x, weight, bias = (generator.normal(size=shape).astype(np.float32) for shape in ((2, 5, 4), (3, 4), (3,)))
    theirs = torch.nn.Linear(4, 3)
    with torch.no_grad():
        theirs.weight.copy_(torch.tensor(weight))
        theirs.bias.copy_(torch.tensor(bias))
    inputs = torch.tensor(x, requires_grad=True)
    outputs = theirs(inputs)
    (outputs**2).sum().backward()
    layer = Linear(4, 3, key=jax.random.key(0))
    layer = eqx.tree_at(lambda layer: (layer.weight, layer.bias), layer, (jnp.asarray(weight), jnp.asarray(bias)))
    np.testing.assert_allclose(layer(jnp.asarray(x)), outputs.detach().numpy(), rtol=1e-5, atol=1e-5)
    gradient, pulled = eqx.filter_grad(lambda both: jnp.sum(both[0](both[1]) ** 2))((layer, jnp.asarray(x)))
    np.testing.assert_allclose(gradient.weight, theirs.weight.grad.numpy(), rtol=1e-4, atol=1e-4)
    np.testing.assert_allclose(gradient.bias, theirs.bias.grad.numpy(), rtol=1e-4, atol=1e-4)
    np.testing.assert_allclose(pulled, inputs.grad.numpy(), rtol=1e-4, atol=1e-4)

"""Compiled gradients of plain JAX programs: `pullback.autodiff` beside `jax.value_and_grad`."""

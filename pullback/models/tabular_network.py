"""A network for tables: a linear model, and hidden layers that add what it misses."""

from __future__ import annotations

from collections.abc import Sequence

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from pullback.core.checks import positive_integer
from pullback.core.errors import ConfigurationError
from pullback.core.random import split
from pullback.models.sizes import positive_integers
from pullback.nn.activation import Activation
from pullback.nn.dropout import Dropout
from pullback.nn.inputs import check_features
from pullback.nn.linear import Linear


def embed(code: Int[Array, " *batch"], table: Float[Array, "levels size"]) -> Float[Array, " *batch size"]:
    r"""\(E_c\), the row of the table that belongs to the code \(c\); a code outside the table takes the nearest row."""
    return jnp.take(table, code, axis=0, mode="clip")


def embedding_size(cardinality: int) -> int:
    r"""\(\min(50, \lceil 1.6\, K^{0.56} \rceil)\) for \(K\) levels: Howard and Gugger's rule.

    Examples
    --------
    >>> [embedding_size(levels) for levels in (2, 20, 1000, 100_000)]
    [3, 9, 50, 50]
    """
    return min(50, -int(-1.6 * cardinality**0.56 // 1))


class TabularNetwork(eqx.Module):
    r"""\(y = A u + a + W_n h_{n-1} + b_n,\; h_0 = u,\; h_i = \phi(W_i h_{i-1} + b_i)\), \(u\) numbers and embeddings.

    The linear path \(A, a\) and the last layer of the hidden path \(W_n, b_n\) start at zero. So training starts from
    the constant, the linear model is there from the first step, and hidden layers add to it what helps.

    Parameters
    ----------
    num_numeric : first columns of the input, taken as numbers.
    cardinalities : number of codes of each further column, which is embedded: a row of a table a code.
    out_features : width of the output; raw, logits for a classification.
    hidden : widths of the hidden layers; `()` gives the linear model.
    activation : name of \(\phi\).
    dropout : rate after each hidden layer, in [0, 1).
    embedding_sizes : widths of the embeddings; default `embedding_size`.

    Call
    ----
    `y = model(x)`, `x` of shape `(..., num_numeric + len(cardinalities))`, gives `(..., out_features)`.

    Examples
    --------
    >>> model = TabularNetwork(3, (20,), 2, hidden=(8,), key=jax.random.key(0))
    >>> model(jnp.array([[0.5, -1.0, 2.0, 17.0]])).tolist()
    [[0.0, 0.0]]

    Source: the wide and deep paths, Cheng et al., DLRS 2016; embeddings of categories, Guo and Berkhahn,
    arXiv:1604.06737, 2016; sizes, Howard and Gugger, Information 11, 2020. Other than there, both paths start at zero.
    """

    linear: Linear
    layers: tuple[eqx.Module, ...]
    head: Linear | None
    embeddings: tuple[Float[Array, "levels size"], ...]
    num_numeric: int = eqx.field(static=True)
    cardinalities: tuple[int, ...] = eqx.field(static=True)
    out_features: int = eqx.field(static=True)
    hidden: tuple[int, ...] = eqx.field(static=True)
    activation: str = eqx.field(static=True)
    dropout: float = eqx.field(static=True)
    embedding_sizes: tuple[int, ...] = eqx.field(static=True)

    def __init__(
        self,
        num_numeric: int,
        cardinalities: Sequence[int],
        out_features: int,
        *,
        hidden: Sequence[int] = (64, 64),
        activation: str = "relu",
        dropout: float = 0.0,
        embedding_sizes: Sequence[int] | None = None,
        key: Array,
    ) -> None:
        self.cardinalities = positive_integers("cardinalities", cardinalities)
        self.num_numeric = (
            num_numeric if num_numeric == 0 and cardinalities else positive_integer("num_numeric", num_numeric)
        )
        self.out_features = positive_integer("out_features", out_features)
        self.hidden = positive_integers("hidden", hidden)
        self.activation = activation
        self.dropout = dropout
        sizes = [embedding_size(count) for count in self.cardinalities] if embedding_sizes is None else embedding_sizes
        self.embedding_sizes = positive_integers("embedding_sizes", list(sizes))
        if len(self.embedding_sizes) != len(self.cardinalities):
            raise ConfigurationError(
                "there is not one embedding size an embedded column",
                expected=f"{len(self.cardinalities)} sizes",
                got=f"{len(self.embedding_sizes)}",
                fix="leave embedding_sizes out to have them chosen",
            )
        linear_key, hidden_key, embedding_key = jax.random.split(key, 3)
        width = self.num_numeric + sum(self.embedding_sizes)
        self.linear = zeroed(Linear(width, out_features, key=linear_key))
        self.layers, self.head = self._hidden_path(width, hidden_key)
        shapes = zip(self.cardinalities, self.embedding_sizes, strict=True)
        keys = jax.random.split(embedding_key, max(len(self.cardinalities), 1))
        self.embeddings = tuple(
            0.1 * jax.random.normal(own, shape, jnp.float32) for own, shape in zip(keys, shapes, strict=False)
        )

    def _hidden_path(self, width: int, key: Array) -> tuple[tuple[eqx.Module, ...], Linear | None]:
        layers: list[eqx.Module] = []
        *hidden_keys, head_key = jax.random.split(key, len(self.hidden) + 1)
        for out_width, layer_key in zip(self.hidden, hidden_keys, strict=True):
            layers += [Linear(width, out_width, key=layer_key), Activation(self.activation)]
            layers += [Dropout(self.dropout)] if self.dropout else []
            width = out_width
        return tuple(layers), zeroed(Linear(width, self.out_features, key=head_key)) if self.hidden else None

    def __call__(self, x: Array, *, key: Array | None = None, training: bool = False) -> Array:
        check_features("TabularNetwork", x, self.num_numeric + len(self.cardinalities), self.linear.weight.dtype)
        codes = x[..., self.num_numeric :].astype(jnp.int32)
        embedded = [embed(codes[..., column], table) for column, table in enumerate(self.embeddings)]
        u = jnp.concatenate([x[..., : self.num_numeric], *embedded], axis=-1) if embedded else x
        y = self.linear(u)
        if self.head is None:
            return y
        h = u
        for layer, layer_key in zip(self.layers, split(key, len(self.layers)), strict=True):
            h = layer(h, key=layer_key, training=training)  # pyright: ignore[reportCallIssue]
        return y + self.head(h)


def zeroed(layer: Linear) -> Linear:
    """The layer with weight and bias zero."""
    return eqx.tree_at(lambda tree: (tree.weight, tree.bias), layer, replace_fn=jnp.zeros_like)

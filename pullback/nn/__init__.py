"""Layers, activations, initializers and losses."""

from __future__ import annotations

from pullback.nn import initializers
from pullback.nn.activation import Activation
from pullback.nn.activations import (
    ACTIVATIONS,
    celu,
    elu,
    gelu,
    gelu_tanh,
    get_activation,
    hard_sigmoid,
    hard_swish,
    hard_tanh,
    identity,
    leaky_relu,
    log_sigmoid,
    log_softmax,
    log_sum_exp,
    mish,
    relu,
    relu6,
    selu,
    sigmoid,
    silu,
    softmax,
    softplus,
    softsign,
    tanh,
)
from pullback.nn.average_pool import AveragePool
from pullback.nn.batch_norm import BatchNorm
from pullback.nn.convolution import Conv1d, Conv2d, Conv3d
from pullback.nn.dropout import Dropout
from pullback.nn.flatten import Flatten
from pullback.nn.global_pool import GlobalAveragePool, GlobalMaxPool
from pullback.nn.layer_norm import LayerNorm
from pullback.nn.linear import Linear
from pullback.nn.losses import (
    LOSSES,
    AbsoluteError,
    BinaryCrossEntropy,
    CategoricalCrossEntropy,
    Huber,
    SquaredError,
    check_head,
    check_targets,
    get_loss,
)
from pullback.nn.max_pool import MaxPool
from pullback.nn.multiply_adds import multiply_adds
from pullback.nn.probe import probe
from pullback.nn.sequential import Sequential
from pullback.nn.state import Stateful, has_memory, init_state, with_row_weights
from pullback.nn.summary import LayerSummary, parameter_count, summary

__all__ = [
    "ACTIVATIONS",
    "LOSSES",
    "AbsoluteError",
    "Activation",
    "AveragePool",
    "BatchNorm",
    "BinaryCrossEntropy",
    "CategoricalCrossEntropy",
    "Conv1d",
    "Conv2d",
    "Conv3d",
    "Dropout",
    "Flatten",
    "GlobalAveragePool",
    "GlobalMaxPool",
    "Huber",
    "LayerNorm",
    "LayerSummary",
    "Linear",
    "MaxPool",
    "Sequential",
    "SquaredError",
    "Stateful",
    "celu",
    "check_head",
    "check_targets",
    "elu",
    "gelu",
    "gelu_tanh",
    "get_activation",
    "get_loss",
    "hard_sigmoid",
    "hard_swish",
    "hard_tanh",
    "has_memory",
    "identity",
    "init_state",
    "initializers",
    "leaky_relu",
    "log_sigmoid",
    "log_softmax",
    "log_sum_exp",
    "mish",
    "multiply_adds",
    "parameter_count",
    "probe",
    "relu",
    "relu6",
    "selu",
    "sigmoid",
    "silu",
    "softmax",
    "softplus",
    "softsign",
    "summary",
    "tanh",
    "with_row_weights",
]

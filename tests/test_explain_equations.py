"""The equation of every public kernel, read back from its LaTeX and compared with the code in double precision."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
from collections.abc import Iterator
from functools import partial
from types import ModuleType
from typing import Any

import jax
import jax.numpy as jnp
import pytest

from pullback import nn, optim
from pullback.nn.average_pool import average_pool
from pullback.nn.batch_norm import affine, batch_norm, batch_norm_inference, moving_average, unbiased_variance
from pullback.nn.convolution import convolution
from pullback.nn.dropout import dropout
from pullback.nn.flatten import flatten
from pullback.nn.global_pool import global_average_pool, global_max_pool
from pullback.nn.layer_norm import layer_norm
from pullback.nn.linear import linear
from pullback.nn.losses.absolute_error import absolute_error
from pullback.nn.losses.binary_cross_entropy import binary_cross_entropy
from pullback.nn.losses.categorical_cross_entropy import (
    categorical_cross_entropy,
    categorical_cross_entropy_of_rows,
)
from pullback.nn.losses.class_weighted import class_weighted
from pullback.nn.losses.huber import huber
from pullback.nn.losses.squared_error import squared_error
from pullback.nn.losses.targets import example_mean
from pullback.nn.max_pool import max_pool
from pullback.nn.normalize import normalize
from pullback.optim.adadelta import adadelta_update
from pullback.optim.adagrad import adagrad_update
from pullback.optim.adam import adam_update, bias_correction
from pullback.optim.adamax import adamax_outside_update, adamax_update
from pullback.optim.amsgrad import amsgrad_update, corrected_amsgrad_update
from pullback.optim.averaging.exponential import warmed_decay
from pullback.optim.averaging.mean import mean_update
from pullback.optim.clip_by_norm import clip_by_norm_update, global_norm
from pullback.optim.clip_by_value import clip_by_value_update
from pullback.optim.constraints.lagrangian import (
    augmented_lagrangian,
    complementarity_residual,
    equality_multipliers,
    inequality_multipliers,
    infeasibility,
    lagrangian,
)
from pullback.optim.dynamics.flow import runge_kutta_update
from pullback.optim.line_search.barzilai_borwein import long_step_length, short_step_length
from pullback.optim.line_search.exact import exact_step_length
from pullback.optim.lion import lion_update
from pullback.optim.lookahead import lookahead_update
from pullback.optim.methods.bfgs import bfgs_direct_update, bfgs_inverse_update, damped_change
from pullback.optim.methods.broyden import broyden_update
from pullback.optim.methods.dfp import dfp_inverse_update
from pullback.optim.methods.fista import extrapolate, fista_parameter
from pullback.optim.methods.frank_wolfe import duality_gap, frank_wolfe_step
from pullback.optim.methods.gradient_descent import gradient_descent_step
from pullback.optim.methods.mirror_descent import entropic_step, relative_entropy
from pullback.optim.methods.nelder_mead import simplex_trial
from pullback.optim.methods.newton import saddle_free_direction
from pullback.optim.methods.nonlinear_cg import FORMULAS
from pullback.optim.methods.proximal_step import gradient_mapping
from pullback.optim.methods.residual_memory import column_cosines
from pullback.optim.methods.sr1 import sr1_update
from pullback.optim.methods.steepest_descent import steepest_in_euclidean_norm, steepest_in_infinity_norm
from pullback.optim.methods.truncated_newton import eisenstat_walker_forcing
from pullback.optim.momentum import momentum_update, velocity_gain
from pullback.optim.muon import muon_velocity, newton_schulz_step
from pullback.optim.nadam import nadam_update, warmed_momentum
from pullback.optim.nesterov import nesterov_look_ahead, nesterov_update
from pullback.optim.objective import half_sum_of_squares
from pullback.optim.proximal.group_l2 import block_soft_threshold
from pullback.optim.proximal.l1 import soft_threshold
from pullback.optim.radam import corrected_radam_update, radam_update, rectification, variance_length
from pullback.optim.rmsprop import centered_rms_direction, rms_direction, step_velocity_update
from pullback.optim.schedules.constant import constant
from pullback.optim.schedules.cosine import cosine
from pullback.optim.schedules.cyclic import triangle
from pullback.optim.schedules.exponential import exponential
from pullback.optim.schedules.inverse_square_root import inverse_square_root
from pullback.optim.schedules.inverse_time import inverse_time
from pullback.optim.schedules.join import join
from pullback.optim.schedules.multi_step import multi_step
from pullback.optim.schedules.one_cycle import half_cosine, straight
from pullback.optim.schedules.polynomial import polynomial
from pullback.optim.schedules.step_decay import step_decay
from pullback.optim.schedules.warm_up import warm_up
from pullback.optim.sgd import sgd_update
from pullback.optim.sharpness_aware import ascent_point
from pullback.optim.trust_region.cauchy import cauchy_length
from pullback.optim.trust_region.radius import decrease_ratio
from pullback.optim.weight_decay import decay_update, penalized_gradient
from pullback.testing.equations import EquationExample, check_equation

# On both sides of every kink of an activation, and on it.
KINKS = (0.0, -1.0, 1.0, -3.0, 3.0, 6.0)


def real(*shape: int) -> jax.ShapeDtypeStruct:
    return jax.ShapeDtypeStruct(shape, jnp.float32)


def whole(*shape: int) -> jax.ShapeDtypeStruct:
    return jax.ShapeDtypeStruct(shape, jnp.int32)


LINE: dict[str, Any] = {"stride": (1,), "padding": ((0, 0),), "dilation": (1,)}
PLANE: dict[str, Any] = {"stride": (2, 1), "padding": ((1, 1), (0, 2)), "dilation": (1, 2)}
STATISTICS = (r"\hat{x}", r"\mu", r"\sigma^{2}")

ACTIVATIONS = [
    *(EquationExample(name, kernel, values=KINKS) for name, kernel in nn.ACTIVATIONS.items()),
    EquationExample("softmax of columns", partial(nn.softmax, axis=0), (real(4, 3),)),
    EquationExample("softmax of images", nn.softmax, (real(2, 4, 3),)),
    EquationExample("log_sum_exp", nn.log_sum_exp),
    EquationExample("log_sum_exp of columns", partial(nn.log_sum_exp, axis=0), (real(4, 3),)),
]

LAYERS = [
    EquationExample("linear", linear),
    EquationExample("linear without bias", linear, (real(2, 4, 3), real(5, 3), None)),
    EquationExample("convolution", partial(convolution, **LINE), (real(2, 7, 3), real(3, 3, 4), real(4)), output="y"),
    EquationExample(
        "convolution on a plane", partial(convolution, **PLANE), (real(2, 7, 8, 3), real(3, 2, 3, 4), None), output="y"
    ),
    EquationExample(
        "convolution in groups",
        partial(convolution, **LINE, groups=2),
        (real(2, 7, 4), real(3, 2, 6), real(6)),
        output="y",
    ),
    EquationExample(
        "depthwise convolution", partial(convolution, **LINE, groups=4), (real(7, 4), real(3, 1, 4), None), output="y"
    ),
    EquationExample(
        "flipped convolution", partial(convolution, **LINE, flip=True), (real(7, 3), real(3, 3, 4), None), output="y"
    ),
    *(
        EquationExample(
            f"{mode} convolution",
            partial(convolution, stride=(1,), padding=((2, 1),), dilation=(1,), padding_mode=mode),
            (real(2, 7, 3), real(3, 3, 4), real(4)),
            output="y",
        )
        for mode in ("reflect", "replicate", "circular")
    ),
    EquationExample("max_pool", partial(max_pool, window=(2, 2)), (real(2, 6, 5, 3),), output="y"),
    EquationExample(
        "padded max_pool",
        partial(max_pool, window=(3,), stride=(2,), padding=((1, 1),)),
        (real(2, 6, 3),),
        output="y",
        values=(1.0, -1.0),
    ),
    EquationExample("average_pool", partial(average_pool, window=(2, 3)), (real(2, 6, 7, 3),), output="y"),
    EquationExample(
        "overlapping average_pool",
        partial(average_pool, window=(3, 2), stride=(2, 1), padding=((1, 1), (0, 1))),
        (real(2, 6, 5, 3),),
        output="y",
    ),
    EquationExample(
        "average_pool without its padding",
        partial(average_pool, window=(3,), stride=(2,), padding=((1, 1),), count_padding=False),
        (real(2, 6, 3),),
        output="y",
    ),
    EquationExample("global_average_pool", global_average_pool, (real(2, 4, 5, 3),), output="y"),
    EquationExample("global_max_pool", global_max_pool, (real(2, 4, 5, 3),), output="y"),
    EquationExample("flatten", flatten, (real(2, 3, 4, 5),), output="y"),
    EquationExample("batch_norm", batch_norm, (real(4, 3), 1e-5, None), output=STATISTICS),
    EquationExample("batch_norm of images", batch_norm, (real(4, 3, 5, 6), 1e-5, None), output=STATISTICS),
    EquationExample(
        "batch_norm of weighted rows",
        batch_norm,
        (real(4, 5, 3), 1e-5, real(4)),
        positive=("row_weights",),
        output=STATISTICS,
    ),
    EquationExample("batch_norm_inference", batch_norm_inference, positive=("variance",), output=r"\hat{x}"),
    EquationExample("affine", affine, symbols={"bias": r"\beta"}),
    EquationExample("moving_average", moving_average, output="m'"),
    EquationExample("unbiased_variance", unbiased_variance, positive=("variance", "count"), output=r"s^{2}"),
    EquationExample("normalize", normalize, (real(4, 3), (-1,), 1e-5, None), output=STATISTICS),
    EquationExample("layer_norm", layer_norm, symbols={"bias": r"\beta"}),
    EquationExample("layer_norm of two axes", partial(layer_norm, rank=2), (real(4, 3, 5), real(3, 5), real(3, 5))),
    EquationExample("dropout", dropout, symbols={"scale": "s"}),
    EquationExample(
        "dropout of channels",
        dropout,
        (real(2, 4, 3), jax.ShapeDtypeStruct((2, 1, 3), bool), 2.0),
        symbols={"scale": "s"},
    ),
]

LOSSES = [
    EquationExample("squared_error", squared_error, output=r"\ell"),
    EquationExample("absolute_error", absolute_error, values=(0.0,), output=r"\ell"),
    EquationExample("huber", huber, values=(0.0, 0.5, -0.5, 1.0), output=r"\ell"),
    EquationExample("binary_cross_entropy", binary_cross_entropy, output=r"\ell"),
    EquationExample("smoothed binary_cross_entropy", partial(binary_cross_entropy, label_smoothing=0.1)),
    EquationExample("categorical_cross_entropy", categorical_cross_entropy, below={"k": 6}, output=r"\ell"),
    EquationExample(
        "smoothed categorical_cross_entropy",
        partial(categorical_cross_entropy, label_smoothing=0.1),
        below={"k": 5},
        output=r"\ell",
    ),
    EquationExample("categorical_cross_entropy_of_rows", categorical_cross_entropy_of_rows, output=r"\ell"),
    EquationExample("class_weighted", class_weighted, (real(4), real(3), whole(4)), below={"k": 3}, output=r"\ell'"),
    EquationExample("example_mean", example_mean, (real(4, 3, 5),), output=r"\ell"),
]

UPDATES = [
    EquationExample("sgd_update", sgd_update, output=r"\Delta\theta"),
    EquationExample("momentum_update", momentum_update, output=(r"\Delta\theta", "v'")),
    EquationExample(
        "velocity_gain",
        partial(velocity_gain, convention="heavy_ball"),
        (whole(), 0.9, 0.1),
        below={"step": 2},
        output=r"\gamma",
    ),
    EquationExample(
        "averaged velocity_gain",
        partial(velocity_gain, convention="averaged"),
        (whole(), 0.9, 0.1),
        output=r"\gamma",
    ),
    EquationExample("nesterov_update", nesterov_update, output=(r"\Delta\theta", "v'")),
    EquationExample(
        "adam_update",
        adam_update,
        positive=("second_moment", "second_correction"),
        output=(r"\Delta\theta", "m'", "v'"),
    ),
    EquationExample("adagrad_update", adagrad_update, positive=("sum_of_squares",), output=(r"\Delta\theta", "s'")),
    EquationExample(
        "adadelta_update",
        adadelta_update,
        positive=("second_moment", "squared_steps", "decay", "epsilon"),
        output=(r"\Delta\theta", "v'", "u'"),
    ),
    EquationExample("rms_direction", rms_direction, positive=("second_moment",), output=("d", "v'")),
    EquationExample(
        "centered_rms_direction", centered_rms_direction, positive=("second_moment",), output=("d", "v'", "m'")
    ),
    EquationExample("step_velocity_update", step_velocity_update, output=(r"\Delta\theta", "b'")),
    *(
        EquationExample(
            kernel.__name__,
            kernel,
            positive=("second_moment", "largest", "second_correction"),
            output=(r"\Delta\theta", "m'", "v'", "u'"),
        )
        for kernel in (amsgrad_update, corrected_amsgrad_update)
    ),
    *(
        EquationExample(kernel.__name__, kernel, positive=("largest",), output=(r"\Delta\theta", "m'", "u'"))
        for kernel in (adamax_update, adamax_outside_update)
    ),
    EquationExample(
        "nadam_update",
        nadam_update,
        positive=("second_moment", "second_correction"),
        output=(r"\Delta\theta", "m'", "v'"),
    ),
    EquationExample("warmed_momentum", warmed_momentum, output=r"\mu"),
    *(
        EquationExample(
            kernel.__name__,
            kernel,
            positive=("second_moment", "second_correction"),
            output=(r"\Delta\theta", "m'", "v'"),
        )
        for kernel in (radam_update, corrected_radam_update)
    ),
    EquationExample("rectification", rectification, (0.9, whole(), 5.0), below={"step": 40}, output="r"),
    EquationExample("variance_length", variance_length, (0.9, real()), positive=("t",), output=r"\rho"),
    EquationExample("lion_update", lion_update, output=(r"\Delta\theta", "m'")),
    EquationExample("newton_schulz_step", newton_schulz_step, output="X'"),
    EquationExample("muon_velocity", muon_velocity, output=(r"\tilde{B}", "v'")),
    EquationExample("bias_correction", bias_correction, (0.9, whole()), below={"step": 9}, output="c"),
    EquationExample("nesterov_look_ahead", nesterov_look_ahead, output=r"\phi"),
    EquationExample("penalized_gradient", penalized_gradient, output="g'"),
    EquationExample("ascent_point", ascent_point, positive=("norm",), output=r"\theta'"),
    EquationExample(
        "lookahead_update",
        lookahead_update,
        symbols={"slow": r"\phi", "change": r"\Delta", "pull": "a"},
        output=(r"\Delta\theta", r"\phi'"),
    ),
    EquationExample("mean_update", mean_update, symbols={"average": r"\bar{\theta}"}, output=r"\bar{\theta}'"),
    EquationExample("warmed_decay", warmed_decay, positive=("count",), output="d"),
    EquationExample("decay_update", decay_update, output=r"\Delta\theta"),
    EquationExample("clip_by_norm_update", clip_by_norm_update, positive=("norm",), values=(0.4, 0.6), output="g'"),
    EquationExample("clip_by_value_update", clip_by_value_update, values=(0.5, -0.5), output="g'"),
    EquationExample("global_norm", global_norm, ([real(3, 4), real(5)],), output="n"),
]

METHOD_UPDATES = [
    EquationExample("gradient_descent_step", gradient_descent_step, output="x'"),
    EquationExample("bfgs_inverse_update", bfgs_inverse_update, output="H'"),
    EquationExample("bfgs_direct_update", bfgs_direct_update, output="B'"),
    EquationExample("broyden_update", broyden_update, output="B'"),
    EquationExample("damped_change", damped_change, output="y'"),
    EquationExample("dfp_inverse_update", dfp_inverse_update, output="H'"),
    EquationExample("sr1_update", sr1_update, output="B'"),
    EquationExample("column_cosines", column_cosines, (real(4, 3), real(4)), output="c"),
    EquationExample("cauchy_length", cauchy_length, output="t"),
    EquationExample(
        "eisenstat_walker_forcing",
        eisenstat_walker_forcing,
        positive=("norm", "previous_norm", "eta"),
        symbols={"norm": "g", "previous_norm": "g_{k-1}"},
        output=r"\eta'",
    ),
    EquationExample("saddle_free_direction", saddle_free_direction, positive=("smallest",), output="d"),
    EquationExample("decrease_ratio", decrease_ratio, symbols={"decrease": r"\delta"}, output=r"\rho"),
    EquationExample("runge_kutta_update", runge_kutta_update, output="x'"),
    EquationExample("steepest_in_euclidean_norm", steepest_in_euclidean_norm, output="d"),
    EquationExample("steepest_in_infinity_norm", steepest_in_infinity_norm, values=(0.0,), output="d"),
    *(EquationExample(name, formula, output=r"\beta") for name, formula in FORMULAS.items()),
    EquationExample("exact_step_length", exact_step_length, output=r"\alpha"),
    EquationExample("long_step_length", long_step_length, output=r"\alpha"),
    EquationExample("short_step_length", short_step_length, output=r"\alpha"),
    EquationExample("half_sum_of_squares", half_sum_of_squares, output="f"),
    EquationExample("soft_threshold", soft_threshold, positive=("t",), values=(0.3,)),
    EquationExample("block_soft_threshold", block_soft_threshold, positive=("norm", "t"), output="v'"),
    EquationExample("gradient_mapping", gradient_mapping, positive=("learning_rate",), output="G"),
    EquationExample("fista_parameter", fista_parameter, output="t'"),
    EquationExample("extrapolate", extrapolate, output="y"),
    EquationExample("simplex_trial", simplex_trial, output="x'"),
    EquationExample("augmented_lagrangian", augmented_lagrangian, positive=("rho", "mu"), output="A"),
    EquationExample("lagrangian", lagrangian, output="L"),
    EquationExample("equality_multipliers", equality_multipliers, output=r"\lambda'"),
    EquationExample("inequality_multipliers", inequality_multipliers, positive=("mu",), output=r"\mu'"),
    EquationExample("infeasibility", infeasibility, output="v"),
    EquationExample("complementarity_residual", complementarity_residual, output="c"),
    EquationExample("duality_gap", duality_gap, symbols={"gradient": "g"}, output=r"\delta"),
    EquationExample("frank_wolfe_step", frank_wolfe_step, output="x'"),
    EquationExample("entropic_step", entropic_step, positive=("x", "s"), symbols={"gradient": "g"}, output="x'"),
    EquationExample("relative_entropy", relative_entropy, positive=("x", "y"), output="D"),
]

SCHEDULES = [
    EquationExample("constant", constant, output=r"\eta"),
    EquationExample("cosine", cosine, (real(), 0.1, 3, 0.01), values=(1.0, 2.0, 5.0), output=r"\eta"),
    EquationExample("exponential", exponential, (real(), 0.1, 0.9), output=r"\eta"),
    EquationExample("inverse_time", inverse_time, (real(), 0.1, 0.5, 3), positive=("t",), output=r"\eta"),
    EquationExample("polynomial", polynomial, (real(), 0.1, 3, 2, 0.01), values=(1.0, 2.0, 5.0), output=r"\eta"),
    EquationExample(
        "inverse_square_root", inverse_square_root, (real(), 0.1, 3), positive=("t",), values=(2.0,), output=r"\eta"
    ),
    EquationExample("triangle", triangle, (real(), 2, 3), positive=("t",), values=(2.0, 5.0), output="h"),
    EquationExample("straight", straight, output=r"\eta"),
    EquationExample("half_cosine", half_cosine, output=r"\eta"),
    EquationExample("step_decay", step_decay, (real(), 0.1, 0.5, 2), positive=("t",), output=r"\eta"),
    EquationExample(
        "multi_step", partial(multi_step, milestones=(1, 2)), (real(), 0.1, 0.5), values=(1.0, 2.0), output=r"\eta"
    ),
    EquationExample("warm_up", warm_up, (real(), 0.01, real(), 5), output=r"\eta"),
    EquationExample("join", join, (real(), 2, real(), real()), values=(2.0,), output=r"\eta"),
]

EXAMPLES = [*ACTIVATIONS, *LAYERS, *LOSSES, *UPDATES, *METHOD_UPDATES, *SCHEDULES]

# Public functions of arrays, and modules of such, that are no kernels, and why.
NO_KERNELS = {
    "forward_backward": "takes any proximal map",
    "pullback.nn.initializers": "draw random numbers",
    "get_activation": "looks up a function",
    "get_loss": "looks up a function",
    "aligned": "compares shapes and changes no number",
    "fans": "counts connections of a shape",
    "keep_mask": "draws random numbers",
    "typed_key": "handles random keys",
    "real_step": "changes the type of a number",
    "learning_rate_in_force": "looks up a number in a state",
    "settings_in_force": "looks up numbers in a state",
    "log_of": "chooses the precision of a logarithm",
    "adam_scalars": "gathers settings",
    "orthogonalize": "repeats newton_schulz_step",
    "velocity_gains": "gathers settings",
    "gradient_gains": "gathers settings",
    "in_dtype": "changes the type of numbers",
    "update_leaf": "takes any kernel",
    "check_beginning": "checks a number",
    "check_setting": "checks a number",
    "as_function": "makes a function of a number",
    "no_steps": "is zero",
    "value_along": "evaluates the function it is given",
    "newton_direction": "solves a linear system, for which there is no equation yet",
}


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: example.name)
def test_the_equation_read_back_is_the_code(example: EquationExample) -> None:
    check_equation(example)


def modules(package: ModuleType) -> Iterator[ModuleType]:
    """A package and all modules in it."""
    yield package
    for found in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
        yield importlib.import_module(found.name)


def takes_and_returns_arrays(function: Any) -> bool:
    annotations = {name: str(value) for name, value in getattr(function, "__annotations__", {}).items()}
    returned = annotations.pop("return", "")
    return "Array" in returned and any("Array" in text for text in annotations.values())


def public_kernels() -> dict[str, Any]:
    """Public functions of `nn` and `optim` from arrays to arrays, by name."""
    found = {}
    for module in [*modules(nn), *modules(optim)]:
        for name, value in vars(module).items():
            own = getattr(value, "__module__", "") == module.__name__ and not name.startswith("_")
            own = own and module.__name__ not in NO_KERNELS
            if own and callable(value) and not inspect.isclass(value) and takes_and_returns_arrays(value):
                found[name] = value
    return found


def test_every_public_kernel_is_checked() -> None:
    checked = {getattr(example.kernel, "func", example.kernel).__name__ for example in EXAMPLES}
    missing = sorted(set(public_kernels()) - checked - set(NO_KERNELS))
    assert missing == [], "give each an EquationExample, or a reason in NO_KERNELS"


def test_no_exemption_outlives_its_function() -> None:
    everything = [*modules(nn), *modules(optim)]
    names = {name for module in everything for name in (module.__name__, *vars(module))}
    assert set(NO_KERNELS) <= names

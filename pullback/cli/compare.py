"""`pullback compare RECIPE --optimizers a,b` or `--field values ...`: what is better, beyond the noise of the seeds."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Any

import tyro

from pullback.cli.comparison_outcome import print_comparison
from pullback.cli.recipe_module import RecipeModule, load_recipe
from pullback.cli.sweep_source import sweep_source
from pullback.cli.train import DEFAULT_RECIPE, check_fields
from pullback.cli.varied_fields import SweepFolderOptions, check_axes, read_varied
from pullback.core.errors import ConfigurationError
from pullback.train import Interrupted, compare, compare_optimizers

HELP = """Compares optimizers, each at its own rate (--optimizers sgd,adam), or every combination of some fields of the
recipe and arguments of its optimizer (--activation relu,tanh --batch-size 16,64), by training on shared seeds, and
names only what is larger than their noise. Rates are chosen on other seeds, for each combination too, because a rate
that suits one is no measure of another; --no-tune leaves all at the recipe's own.

"""


@dataclass(frozen=True)
class CompareOptions(SweepFolderOptions):
    """Options of the command beside the fields of the recipe."""

    optimizers: Annotated[str | None, tyro.conf.arg(metavar="A,B,...")] = None
    """Names of the optimizers, with commas between them."""

    seeds: Annotated[int, tyro.conf.arg(metavar="N")] = 8
    """Seeds of the comparison, the same for all."""

    tune: bool = True
    """Give each combination its own learning rate, unless the rate is compared itself."""

    tuning_seeds: Annotated[int, tyro.conf.arg(metavar="N")] = 3
    """Other seeds, by which the rates are chosen."""

    score: Annotated[str, tyro.conf.arg(metavar="NAME")] = "loss"
    """What combinations are compared by, such as accuracy; optimizers are by the loss."""

    trial_epochs: Annotated[int | None, tyro.conf.arg(metavar="N")] = None
    """Epochs of each training of an optimizer; without it those of the recipe."""

    target_loss: Annotated[float | None, tyro.conf.arg(metavar="LOSS")] = None
    """Loss to be reached by an optimizer; without it the median of those at the end."""


def run(arguments: list[str]) -> int:
    """Train, and print the comparison."""
    named = bool(arguments) and not arguments[0].startswith("-")
    recipe = load_recipe(arguments[0] if named else DEFAULT_RECIPE)
    check_fields(recipe, CompareOptions)
    fixed, options, axes = read_varied(
        recipe, arguments[1:] if named else arguments, CompareOptions, command="compare", description=HELP
    )
    if not hasattr(fixed, "seed"):
        raise ConfigurationError(
            f"the recipe {recipe.label} has no seed",
            expected="a recipe with the field seed",
            got=", ".join(vars(fixed)) or "no fields",
            fix="give the recipe that field",
        )
    compared = _kind(recipe, fixed, options, axes)
    shared = options.arguments(recipe, fixed, "comparison", ["compare", *arguments])
    folder = shared["run_dir"]
    try:
        compared(seeds=options.seeds, tuning_seeds=options.tuning_seeds, **shared)
    except Interrupted:
        print(f"go on with: pullback resume {folder}")
        raise
    print_comparison(folder, report=options.report)
    return 0


def _kind(
    recipe: RecipeModule, fixed: Any, options: CompareOptions, axes: dict[str, list[Any]]
) -> Callable[..., object]:
    """The comparison that was asked for, without what both kinds share."""
    source = sweep_source(recipe, fixed)
    if axes:
        first = {name: values[0] for name, values in axes.items() if hasattr(fixed, name)}
        check_axes(recipe, source(**first), axes, CompareOptions)
    if (options.optimizers is None) == (not axes):
        raise ConfigurationError(
            "there is nothing to compare" if not axes else "one comparison is of optimizers or of fields",
            expected="either --optimizers, or one field or more with several values",
            got="neither" if not axes else f"--optimizers {options.optimizers} and {', '.join(axes)}",
            fix="say for example --optimizers sgd,adam, or --batch-size 16,64 --learning-rate 0.01,0.1",
        )
    if options.optimizers is None:
        _check_unused(options, "of fields", ("trial_epochs", "target_loss"))
        tune = options.tune and "learning_rate" not in axes
        return lambda **shared: compare(source, axes, score=options.score, tune=tune, **shared)
    _check_unused(options, "of optimizers", ("tune", "score"))
    names = [name.strip() for name in options.optimizers.split(",") if name.strip()]
    targets = None if options.target_loss is None else {recipe.name: options.target_loss}
    return lambda **shared: compare_optimizers(
        {recipe.name: source}, names, epochs=options.trial_epochs, targets=targets, **shared
    )


def _check_unused(options: CompareOptions, kind: str, names: tuple[str, ...]) -> None:
    defaults = {field.name: field.default for field in dataclasses.fields(options)}
    for name in names:
        if getattr(options, name) != defaults[name]:
            flag = "--" + name.replace("_", "-")
            raise ConfigurationError(
                f"a comparison {kind} has no {flag.replace('--tune', '--no-tune')}",
                expected="options of its own",
                got=f"{name} {getattr(options, name)}",
                fix="leave it out; `pullback compare --help` says what is for which",
            )

"""A network in which matrix products decide."""

from benchmarks.case import Dense, Relu, TrainingCase

MLP_LARGE = TrainingCase(
    name="mlp_large",
    summary="784-512-512-10, batch 256, Adam",
    input_shape=(784,),
    layers=(Dense(512), Relu(), Dense(512), Relu(), Dense(10)),
    batch_size=256,
    rows=60_000,
)

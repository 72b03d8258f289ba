"""A network so small that the cost of each call decides."""

from benchmarks.case import Dense, Relu, TrainingCase

MLP_SMALL = TrainingCase(
    name="mlp_small",
    summary="784-128-128-10, batch 64, Adam",
    input_shape=(784,),
    layers=(Dense(128), Relu(), Dense(128), Relu(), Dense(10)),
    batch_size=64,
    rows=60_000,
)

"""The classic small convolutional network on 28x28 images; fewer rows than MNIST, since each step is long."""

from benchmarks.case import Convolution, Dense, Flat, MaxPool, Relu, TrainingCase

CNN = TrainingCase(
    name="cnn",
    summary="conv32-pool-conv64-pool-128-10, batch 64, 28x28, Adam",
    input_shape=(28, 28, 1),
    layers=(
        Convolution(32), Relu(), MaxPool(), Convolution(64), Relu(), MaxPool(), Flat(), Dense(128), Relu(), Dense(10),
    ),
    batch_size=64,
    rows=6_400,
)  # fmt: skip

"""Operations over windows whose derivatives are written here: primitives of ours, and the mathematics behind them."""

"""Memory that an epoch on a large table takes, in processes of their own."""

import sys

import pytest

from benchmarks.table_memory import ROADS, measure

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the peak is read from /proc")


@pytest.mark.parametrize("road", ROADS)
def test_an_epoch_on_a_million_rows_takes_less_than_three_times_the_table(road):
    """A copy too many is one more: the source, what the network takes, and what passes."""
    assert 1 < measure(road, data_path=False)["peak"] < 3

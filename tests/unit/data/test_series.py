"""Series that ship with installed packages."""

import numpy as np
import pytest
from statsmodels.datasets import co2

from qglib.data import load_series


@pytest.mark.parametrize(
    ("name", "steps"),
    [("sunspots", 309), ("co2", 2284), ("elnino", 732), ("unemployment", 203)],
)
def test_series_have_no_gaps(name, steps):
    series = load_series(name)
    assert (len(series), series.isna().sum()) == (steps, 0)


def test_a_gap_is_a_straight_line():
    raw = co2.load_pandas().data["co2"].to_numpy()
    known = np.flatnonzero(np.isfinite(raw))
    assert len(known) < len(raw)
    lines = np.interp(np.arange(len(raw)), known, raw[known])
    assert np.allclose(load_series("co2"), lines)
    with pytest.raises(ValueError, match="known series are sunspots"):
        load_series("moon")

"""Tables that ship with installed packages."""

import numpy as np
import pytest
from statsmodels.datasets import co2

from qglib.data.tables import NAMES, load_series, load_table

SHAPES = {
    "breast_cancer": (569, 30),
    "wine": (178, 13),
    "iris": (150, 4),
    "diabetes": (442, 10),
    "stackloss": (21, 3),
    "randhie": (20190, 9),
    "modechoice": (840, 8),
}


@pytest.mark.parametrize("name", NAMES)
def test_shape_target_and_licence(name):
    table = load_table(name)
    assert table.features.shape == SHAPES[name]
    assert len(table) == len(table.target)
    assert not table.features.isna().any().any()
    assert table.licence and table.source and name in repr(table)
    assert table.task in ("classification", "regression")


def test_unknown_name():
    with pytest.raises(ValueError, match="breast_cancer"):
        load_table("cancer")


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

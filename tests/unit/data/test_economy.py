"""The economy's table against numbers of its source."""

from __future__ import annotations

import numpy as np
import pytest

from qglib.data.economy import ECONOMY, load_economy


def test_economy() -> None:
    table = load_economy()
    assert table.shape == (201, 6) and tuple(table.columns) == ECONOMY
    assert table.index[0] == "1959Q3" and table.index[-1] == "2009Q3"
    assert np.isfinite(table.to_numpy()).all()
    # real product 2778.801 to 2775.488 between the second and third quarter of 1959
    assert table["growth"].iloc[0] == pytest.approx(100 * np.log(2775.488 / 2778.801))

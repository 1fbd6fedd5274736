"""Quarterly series of the US economy, as changes that can be tested for links."""

from __future__ import annotations

import numpy as np
import pandas as pd

_LOGS = {"growth": "realgdp", "consumption": "realcons", "money": "m1"}
_LEVELS = {"bill_rate": "tbilrate", "unemployment": "unemp", "inflation": "infl"}
ECONOMY = (*_LOGS, *_LEVELS)
"""Columns of `load_economy`."""


def load_economy() -> pd.DataFrame:
    """Changes of six US series from quarter to quarter, 1959 to 2009.

    ``growth`` (real product), ``consumption`` and ``money`` (M1) in per cent per
    quarter; ``bill_rate`` (three-month treasury bills), ``unemployment`` and
    ``inflation`` in percentage points. Differences, because the levels drift and two
    drifting series always seem related (Granger and Newbold 1974).

    From statsmodels, ``macrodata``, public domain; nothing is downloaded. The first
    two quarters are dropped, as inflation starts at 0 by construction.

    Returns:
        DataFrame (201, 6), index ``1959Q3`` and so on.
    """
    from statsmodels.datasets import macrodata

    raw = macrodata.load_pandas().data
    changes = {k: 100 * np.log(raw[column]).diff() for k, column in _LOGS.items()}
    changes |= {k: raw[column].diff() for k, column in _LEVELS.items()}
    frame = pd.DataFrame(changes)
    frame.index = [
        f"{int(y)}Q{int(q)}" for y, q in zip(raw["year"], raw["quarter"], strict=True)
    ]
    return frame.iloc[2:]

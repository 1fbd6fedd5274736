"""Tables and figure of the recorded power benchmark."""

from __future__ import annotations

import matplotlib.pyplot as plt
import pytest

from qglib.spacetime.power_drawing import (
    draw_power,
    power_differences,
    power_summary,
)


@pytest.fixture
def record() -> dict:
    interval = {"mean": 0.1, "se": 0.02, "low": 0.06, "high": 0.14}
    return {
        "methods": ["causal_set", "mgc"],
        "headline": {
            "mgc": {"mean_18": 0.6, "size": [0.04, 0.06, 0.05], "third": 0.5},
            "causal_set": {"mean_18": 0.7, "size": [0.05, 0.05, 0.04], "third": 0.4},
        },
        "differences": {"mgc": {"nine_cells": interval}},
        "families": [{"family": "third"}],
        "per_simulation": [
            {
                "simulation": name,
                "power": [0.5 + gap, 0.5],
                "minus": {"mgc": [gap, gap - 0.05, gap + 0.05]},
            }
            for name, gap in (("step", -0.1), ("circle", 0.2), ("two_lines", 0.01))
        ],
    }


def test_summary_puts_the_best_first(record: dict) -> None:
    table = power_summary(record)
    assert list(table.index) == ["causal_set", "mgc"]
    assert table.loc["mgc", "ahead"] == 0.1 and table.loc["mgc", "low"] == 0.06
    assert table.loc["mgc", "size"] == 0.06 and table.loc["mgc", "third"] == 0.5
    with pytest.raises(ValueError, match="headline"):
        power_summary({})


def test_differences_are_sorted_and_drawn(record: dict) -> None:
    table = power_differences(record)
    assert list(table["simulation"]) == ["circle", "two_lines", "step"]
    assert table.loc[0, "causal_set"] - table.loc[0, "mgc"] == pytest.approx(0.2)
    ax = draw_power(table)
    labels = [text.get_text() for text in ax.get_yticklabels()]
    assert labels == ["step", "two lines", "circle"]
    assert len(ax.lines) == 2 * len(table) + 1
    plt.close(ax.figure)
    with pytest.raises(ValueError, match="hhg"):
        power_differences(record, rival="hhg")

"""Recorded and live intervals side by side."""

import matplotlib.pyplot as plt
import pandas as pd
import pytest

from qglib import intervals, run

ROWS = [
    {"row": "a", "k": 1, "mean": 0.5, "low": 0.25, "high": 0.75},
    {"row": "a", "k": 3, "mean": 0.75, "low": 0.5, "high": 1.0, "p_value": 0.1},
    {"row": "b", "k": 3, "mean": -1.0, "low": -2.0, "high": 0.0},
    {"row": "commonest", "k": 0, "mean": 0.4},
]


def test_rows_are_chosen_by_what_they_hold():
    table = intervals.recorded_rows(ROWS, k=3)
    assert list(table.index) == ["a", "b"]
    assert tuple(table.loc["b"]) == (-1, -2, 0)
    with pytest.raises(ValueError, match="once"):
        intervals.recorded_rows(ROWS)  # a stands twice
    with pytest.raises(ValueError, match="leaves rows"):
        intervals.recorded_rows(ROWS, k=7)
    old = intervals.recorded_rows(run.recorded("agreement")["rows"])
    assert (old["low"] <= old["mean"]).all()


def test_groups_stand_under_each_other_with_their_plain_numbers():
    groups = {
        "one": {"speed": 3.0, "rows": ROWS[1:3], "note": "-"},
        "two": {"rows": ROWS[:1]},
    }
    table = intervals.recorded_groups(groups)
    assert list(table.index) == ["one", "two"]
    assert set(table.columns) == {"a", "b", "speed"}
    assert table.loc["one"].to_dict() == {"a": 0.75, "b": -1.0, "speed": 3.0}
    assert table["a"]["two"] == 0.5
    assert pd.isna(table["speed"]["two"])


def test_live_beside_recorded():
    recorded = intervals.recorded_rows(ROWS, k=3)
    live = pd.DataFrame(
        {"mean": [0.4, 0.2], "low": [0.3, 0.1], "high": [0.5, 0.3]}, ["a", "b"]
    )
    table = intervals.beside(live, recorded)
    assert table["overlap"].tolist() == [True, False]  # touching is overlapping
    assert table.loc["b", "live"] == "+0.200 [+0.100, +0.300]"
    assert table.loc["a", "recorded"] == "+0.750 [+0.500, +1.000]"
    with pytest.raises(KeyError, match="c"):
        intervals.beside(live.rename({"a": "c"}), recorded)


def test_the_figure_names_both_sides():
    recorded = intervals.recorded_rows(ROWS, k=3)
    fig = intervals.draw_beside(
        recorded.loc[["a"]], recorded, count="5 pairs", xlabel="x", title="T"
    )
    (ax,) = fig.axes
    labels = [t.get_text() for t in ax.get_yticklabels()]
    assert labels == ["a, recorded", "b, recorded", "a, 5 pairs live"]
    points = [float(line.get_xdata()[0]) for line in ax.lines[1::2]]
    assert points == [0.75, -1.0, 0.75]
    plt.close(fig)

"""Tables and figure of the recorded power benchmark."""

from __future__ import annotations

import matplotlib.pyplot as plt
import pytest

from qglib.spacetime.power_drawing import (
    draw_power,
    power_contests,
    power_differences,
    power_summary,
    recipe_gaps,
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
        "win_tie_loss": {"mgc": {"kappa_0": [3, 2, 1], "kappa_1": [1, 4, 1]}},
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


def test_contests_name_where_the_rival_leads(record: dict) -> None:
    row = power_contests(record, ["mgc"]).loc["mgc"]
    assert row["noise 0"] == "3 / 2 / 1" and row["noise 1"] == "1 / 4 / 1"
    assert row["better on"] == "step", "its interval alone lies below zero"
    record["per_simulation"][0]["minus"]["mgc"] = [0.0, -0.1, 0.1]
    assert power_contests(record, ["mgc"]).loc["mgc", "better on"] == "nowhere"


def test_recipe_gaps_leave_the_recipe_out() -> None:
    def row(form: str, mean: float) -> dict:
        gap = {"mean": mean, "low": mean - 0.1, "high": mean + 0.1}
        return {"form": form, "power": {"mean": 0.5 + mean}, "minus_recipe": gap}

    rows = [{"form": "recipe", "power": {"mean": 0.5}}, row("hoeffding", -0.1)]
    study = {"all_sizes": {"validation": [*rows, row("without_peak", -0.2)]}}
    table = recipe_gaps(study)
    assert list(table.index) == ["without peak", "hoeffding"]
    assert table.loc["hoeffding"].tolist() == pytest.approx([0.4, -0.1, -0.2, 0.0])
    with pytest.raises(KeyError):
        recipe_gaps(study, "training")

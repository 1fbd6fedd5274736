from __future__ import annotations

import json
from pathlib import Path

import networkx as nx
import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
from matplotlib import pyplot as plt
from scipy import stats

from bench.studies import temporal as study
from qglib.causal.assumptions import (
    adjusted_effects,
    adjustments_over_class,
    robustness_value,
)
from qglib.causal.process_figures import (
    draw_assumptions,
    draw_links,
    draw_root_cause,
)
from qglib.causal.root_cause import (
    lagged_gains,
    lagged_path,
    parents_of,
    root_cause,
)
from qglib.causal.temporal import (
    lagged_links,
    partial_correlation,
    shuffled_time,
)
from qglib.data.processes import LINKS, simulate_plant

GAINS = {  # derivatives of the steady state, by hand
    ("feed", "level_1"): 2.0,
    ("level_1", "level_2"): 1.0,
    ("level_2", "quality"): 0.8,
    ("weather", "power"): -0.5,
    ("weather", "temperature"): 0.5,
    ("power", "temperature"): 1.0,
    ("temperature", "quality"): 0.8,
}


@pytest.fixture(scope="module")
def plant() -> pd.DataFrame:
    return simulate_plant(4000, np.random.default_rng(42)).values


def test_partial_correlation_is_that_of_the_definition() -> None:
    rng = np.random.default_rng(0)
    x, y, z = rng.normal(size=(3, 50))
    y = y + x
    r, p = partial_correlation(x, y, z[:, None])
    inverse = np.linalg.inv(np.corrcoef([x, y, z]))
    assert r == pytest.approx(-inverse[0, 1] / np.sqrt(inverse[0, 0] * inverse[1, 1]))
    fit = sm.OLS(y, sm.add_constant(np.column_stack([x, z]))).fit()
    assert p == pytest.approx(fit.pvalues[1])
    assert partial_correlation(x, x, x[:, None]) == (0.0, 1.0)


def test_pcmci_finds_links_and_lags_and_correlation_deceives(plant) -> None:
    found = lagged_links(plant).significant()
    strongest = found.head(7)
    assert set(strongest[["from", "to", "lag"]].itertuples(index=False, name=None)) == (
        set(LINKS)
    )
    naive = set(lagged_links(plant, 4, "correlation").graph().edges)
    true = {(a, b) for a, b, _ in LINKS}
    assert true < naive and len(naive - true) > 10
    granger = lagged_links(plant, 4, "granger")
    assert true <= set(granger.graph().edges) and (granger.table["lag"] == 0).all()


@pytest.mark.parametrize("method", ["pcmci", "granger"])
def test_level_on_series_without_links(method: str) -> None:
    p = []
    for seed in range(60):
        data = study.autoregressions(300, 3, 0.8, 700 + seed)
        p += list(lagged_links(data, 2, method).table["p"])
    share = np.mean(np.array(p) <= 0.05)
    error = np.sqrt(0.05 * 0.95 / 60 / 3)  # tests of one record may hang together
    assert abs(share - 0.05) < 3 * error


def test_shuffled_time_keeps_each_series_and_breaks_the_links(plant) -> None:
    turned = shuffled_time(plant, np.random.default_rng(1))
    for name in plant:
        assert sorted(turned[name]) == sorted(plant[name])
    assert len(lagged_links(turned.iloc[:2000]).significant()) <= 1


def test_gains_and_paths_meet_the_steady_state(plant) -> None:
    parents = study.true_parents()
    graph = lagged_gains(plant, parents)
    for (a, b), truth in GAINS.items():
        assert graph.edges[a, b]["weight"] == pytest.approx(truth, rel=0.12)
    path = lagged_path(
        plant, parents, "weather", "quality", np.random.default_rng(0), n_bootstrap=100
    )
    # two paths of -.4 and +.4 cancel
    assert path.low < abs(path.gain) * np.sign(path.gain) < path.high
    assert abs(abs(path.gain) - 0.4) < 0.08
    assert path.total_low < 0 < path.total_high and abs(path.total) < 0.05
    feed = lagged_path(
        plant, parents, "feed", "quality", np.random.default_rng(0), n_bootstrap=100
    )
    assert feed.nodes == ("feed", "level_1", "level_2", "quality")
    assert feed.low < 1.6 < feed.high and feed.share == 1


def test_root_cause_is_named_and_naive_reading_is_not(plant) -> None:
    parents = parents_of(lagged_links(plant))
    run = simulate_plant(800, np.random.default_rng(5), root="level_1", start=600)
    table = root_cause(run.normal, run.alarm, parents)
    assert table.index[0] == "level_1" and table["p_all"].iloc[0] < 1e-6
    # one noise deviation of .02 was added per step
    assert table["low"].iloc[0] < 0.02 < table["high"].iloc[0]
    assert table["deviation"].abs().idxmax() != "level_1"


def test_root_cause_without_fault_keeps_its_level() -> None:
    p = []
    for seed in range(80):
        values = simulate_plant(400, np.random.default_rng(900 + seed)).values
        found = root_cause(values.iloc[:300], values.iloc[300:], study.true_parents())
        p += found["p"].tolist()
    assert abs(np.mean(np.array(p) <= 0.05) - 0.05) < 3 * np.sqrt(0.0475 / len(p))


def test_robustness_value() -> None:
    # Cinelli and Hazlett 2020, Darfur: t = 4.18, 783 degrees of freedom, RV 13.9 %
    assert robustness_value(4.18, 783) == pytest.approx(0.139, abs=5e-4)
    assert robustness_value(0, 10) == 0


def test_adjusted_effects_on_a_known_confounder() -> None:
    rng = np.random.default_rng(0)
    z, e, u = rng.normal(size=(3, 4000))
    x = z + e
    data = pd.DataFrame({"z": z, "x": x, "y": z + u + 0 * x})
    table = adjusted_effects(data, "x", "y", {"none": (), "z": ("z",)})
    assert table.loc["none", "effect"] == pytest.approx(0.5, abs=0.05)
    assert table.loc["z", "low"] < 0 < table.loc["z", "high"]
    assert table.loc["z", "robustness"] < 0.05 < table.loc["none", "robustness"]
    standard = (data - data.mean()) / data.std()
    fit = sm.OLS(standard["y"], sm.add_constant(standard[["x", "z"]])).fit()
    robust = fit.get_robustcov_results("HC3")
    half = stats.t.ppf(0.975, fit.df_resid) * robust.bse[1]
    assert table.loc["z", "effect"] == pytest.approx(fit.params["x"])
    assert table.loc["z", "high"] == pytest.approx(fit.params["x"] + half)


def test_adjustments_over_a_class() -> None:
    chain = nx.DiGraph([("a", "b"), ("b", "a"), ("b", "c"), ("c", "b")])
    sets = adjustments_over_class(chain, "b")
    assert set(sets.values()) == {(), ("a",), ("c",)}
    assert set(adjustments_over_class(chain, "b", "c").values()) == {(), ("a",)}
    with pytest.raises(ValueError, match="measured later"):
        adjustments_over_class(nx.DiGraph([("c", "b"), ("a", "b")]), "b", "c")
    with pytest.raises(ValueError, match="no nodes"):
        adjustments_over_class(chain, "z")


def test_recorded_study_is_reproduced() -> None:
    path = Path(study.__file__).parents[2] / "data/reference/results/temporal.json"
    recorded = json.loads(path.read_text())["slice"]
    again = study.rounded(study.slice_of_study())
    for name, rows in recorded.items():
        for row, new in zip(rows, again[name], strict=True):
            assert new == pytest.approx(row, abs=2e-6)


def test_bad_input(plant) -> None:
    small = plant.iloc[:200]
    with pytest.raises(ValueError, match="method must"):
        lagged_links(small, 2, "oracle")
    with pytest.raises(ValueError, match="max_lag"):
        lagged_links(small, 0)
    with pytest.raises(ValueError, match=r"\['still'\] are constant"):
        lagged_links(small.assign(still=1.0))
    with pytest.raises(ValueError, match="same series"):
        lagged_links(small.assign(twin=2 * small["feed"] + 1))
    with pytest.raises(ValueError, match=r"\['feed'\] hold NaN"):
        lagged_links(small.assign(feed=np.nan))
    with pytest.raises(ValueError, match="too few"):
        lagged_links(plant.iloc[:30])
    with pytest.raises(ValueError, match="carry no lags"):
        parents_of(lagged_links(plant, 4, "granger"))
    parents = study.true_parents()
    with pytest.raises(ValueError, match="same columns"):
        root_cause(small, small[["feed"]], parents)
    with pytest.raises(ValueError, match="at least 5"):
        root_cause(small, small.iloc[:3], parents)
    with pytest.raises(ValueError, match=r"no columns \['weather'\]"):
        lagged_gains(small.drop(columns="weather"), parents)
    with pytest.raises(ValueError, match="block"):
        rng = np.random.default_rng(0)
        lagged_path(small, parents, "feed", "quality", rng, block=0)
    table = small[["feed", "power", "quality"]]
    with pytest.raises(ValueError, match="fixed"):
        adjusted_effects(table, "feed", "quality", {"bad": ("feed",)})
    with pytest.raises(ValueError, match="no columns"):
        adjusted_effects(table, "feed", "gold", {"none": ()})
    with pytest.raises(ValueError, match="constant"):
        adjusted_effects(table.assign(power=1), "feed", "quality", {"p": ("power",)})
    with pytest.raises(ValueError, match="too few"):
        adjusted_effects(table.iloc[:4], "feed", "quality", {"none": ()})


def test_figures_say_what_the_tables_say(plant) -> None:
    found = lagged_links(plant).graph()
    naive = lagged_links(plant, 4, "correlation").graph()
    fig = draw_links(found, naive, [link[:2] for link in LINKS])
    assert fig.axes[0].get_title().startswith("Conditional on the past: 7 of 7")
    run = simulate_plant(800, np.random.default_rng(5), root="level_1", start=600)
    table = root_cause(run.normal, run.alarm, parents_of(lagged_links(plant)))
    titles = [ax.get_title() for ax in draw_root_cause(table, "level_1").axes]
    assert titles[0] == "Equation that moved: level 1"
    rows = pd.DataFrame(study.diabetes())
    s1 = rows[rows["treatment"] == "s1"].set_index("assumption")
    title = draw_assumptions(s1, "s1", "progression").axes[0].get_title()
    assert title.endswith("the sign depends on what is held fixed")
    unsure = s1.assign(high=s1["high"].clip(lower=0.01))  # none is surely negative
    title = draw_assumptions(unsure, "s1", "progression").axes[0].get_title()
    assert title.endswith("the size depends on what is held fixed")
    plt.close("all")

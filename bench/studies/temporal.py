"""Does a lagged causal reading find links and root causes that a naive one misses?

Question: on an industrial line with known equations (`qglib.data.processes`), which
method finds the seven true links and how many false ones beside them; how often is
the variable whose equation was changed ranked first; and do the tests keep their
level on series that are not linked? On two real tables without truth (US economy,
diabetes): what remains after the shuffled-time null, and what the assumptions decide.

Protocol: links on 30 runs each of 500 and 2000 steps (q <= .05); level on 200
records of 300 steps of four independent autoregressions (memory .5, .8, .95) and on
100 plant records with every column turned round the circle; root causes on 7 faults
x 40 runs x 4 sizes, without and with noise on the readings (which no equation sees),
the graph learnt on another record of 2000 such steps; no fault: 400 runs.
Seeds 1000 and up; the constants of the plant were set with seeds 0 to 10.
Runtime: about three minutes on one thread. `slice_of_study` recomputes a part.

Run: python -m bench.studies.temporal
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
from scipy import stats
from tqdm import tqdm

from qglib.causal.assumptions import adjusted_effects, adjustments_over_class
from qglib.causal.discovery import discover
from qglib.causal.root_cause import lagged_gains, parents_of, root_cause
from qglib.causal.temporal import lagged_links, shuffled_time
from qglib.data.economy import load_economy
from qglib.data.processes import LINKS, SENSORS, simulate_plant
from qglib.data.tables import load_table
from qglib.record import versions, write_json

RESULT = Path(__file__).parents[2] / "data/reference/results/temporal.json"
METHODS = ("pcmci", "granger", "correlation", "lag_free")
TRUE = {(a, b) for a, b, _ in LINKS}
SIZES = (0.1, 0.2, 0.5, 1.0)
READING_NOISE = (0.0, 0.2)  # as a share of each variable's spread


def interval(hits: int, n: int) -> dict:
    found = stats.binomtest(int(hits), n).proportion_ci(method="wilson")
    return {"share": hits / n, "low": found.low, "high": found.high, "n": n}


def mean_interval(values: list[float]) -> dict:
    x = np.asarray(values, float)
    half = stats.t.ppf(0.975, len(x) - 1) * x.std(ddof=1) / np.sqrt(len(x))
    return {"mean": x.mean(), "low": x.mean() - half, "high": x.mean() + half}


def autoregressions(n: int, d: int, memory: float, seed: int) -> pd.DataFrame:
    shocks = np.random.default_rng(seed).normal(size=(n + 100, d))
    series = np.zeros_like(shocks)
    for t in range(1, len(shocks)):
        series[t] = memory * series[t - 1] + shocks[t]
    return pd.DataFrame(series[100:], columns=list("abcdefgh")[:d])


def links_found(runs: int, n_steps: int, seed: int = 1000) -> list[dict]:
    rows = []
    for method in METHODS:
        true, false = [], []
        for k in range(runs):
            data = simulate_plant(n_steps, np.random.default_rng(seed + k)).values
            found = set(lagged_links(data, 4, method).graph().edges)
            true.append(len(found & TRUE))
            false.append(len(found - TRUE))
        rows.append(
            {"method": method, "n_steps": n_steps, "true_links": len(TRUE)}
            | {f"found_{k}": v for k, v in mean_interval(true).items()}
            | {f"false_{k}": v for k, v in mean_interval(false).items()}
        )
    return rows


def levels(runs: int, seed: int = 3000) -> list[dict]:
    """Share of p <= .05, and of records with any q <= .05, where nothing is linked."""
    rows = []
    for method in METHODS[:3]:
        for memory in (0.5, 0.8, 0.95):
            p, any_link = [], 0
            for k in range(runs):
                data = autoregressions(300, 4, memory, seed + k)
                links = lagged_links(data, 2, method)
                p += list(links.table["p"])
                any_link += not links.significant().empty
            row = {"method": method, "series": f"independent, memory {memory}"}
            row["type_1_single"] = float(np.mean(np.array(p) <= 0.05))
            rows.append(
                row | {f"any_{k}": v for k, v in interval(any_link, runs).items()}
            )
        any_link, p = 0, []
        for k in range(runs // 2):
            rng = np.random.default_rng(seed + k)
            data = shuffled_time(simulate_plant(2000, rng).values, rng)
            links = lagged_links(data, 4, method)
            p += list(links.table["p"])
            any_link += not links.significant().empty
        row = {"method": method, "series": "plant, time turned"}
        row["type_1_single"] = float(np.mean(np.array(p) <= 0.05))
        rows.append(
            row | {f"any_{k}": v for k, v in interval(any_link, runs // 2).items()}
        )
    return rows


def suspects(run, parents: dict, true_parents: dict) -> dict[str, str]:
    """First suspect of each reading of one faulty record."""
    steps = np.arange(len(run.values)) >= run.start
    together = run.values.corrwith(pd.Series(steps.astype(float)))
    spread = (run.normal - run.normal.mean()) / run.normal.std()
    limit = spread.abs().max()  # the widest normal reading
    late = ((run.alarm - run.normal.mean()) / run.normal.std()).abs() > limit
    first = late.to_numpy().argmax(0) + len(late) * ~late.to_numpy().any(0)
    learnt = root_cause(run.normal, run.alarm, parents)
    known = root_cause(run.normal, run.alarm, true_parents)
    quality = run.values.corr()["quality"].drop("quality").abs()
    return {
        "learnt links": learnt.index[0],
        "true links": known.index[0],
        "largest deviation": learnt["deviation"].abs().idxmax(),
        "strongest correlation with the alarm": together.abs().idxmax(),
        "strongest correlation with quality": quality.idxmax(),
        "first to leave its normal range": SENSORS[int(first.argmin())],
    }


def true_parents() -> dict[str, list]:
    parents = {name: [(name, 1)] for name in SENSORS}
    for a, b, lag in LINKS:
        parents[b].append((a, lag))
    return parents


def roots(runs: int, sizes=SIZES, noise: float = 0.0, seed: int = 5000) -> list[dict]:
    lesson = simulate_plant(2000, np.random.default_rng(seed), sensor_noise=noise)
    learnt = parents_of(lagged_links(lesson.values))
    rows = []
    for size in sizes:
        hits: dict[str, int] = {}
        for root in SENSORS:
            for k in range(runs):
                rng = np.random.default_rng([seed, k, SENSORS.index(root)])
                run = simulate_plant(
                    800, rng, root=root, start=600, size=size, sensor_noise=noise
                )
                for name, guess in suspects(run, learnt, true_parents()).items():
                    hits[name] = hits.get(name, 0) + (guess == root)
        n = runs * len(SENSORS)
        rows += [
            {"reading": name, "size": size, "reading_noise": noise} | interval(count, n)
            for name, count in hits.items()
        ]
    return rows


def no_fault(runs: int, noise: float = 0.0, seed: int = 9000) -> list[dict]:
    """Share of fault-free records in which some equation is accused."""
    lesson = simulate_plant(2000, np.random.default_rng(seed), sensor_noise=noise)
    learnt = parents_of(lagged_links(lesson.values))
    out = []
    for name, parents in (("true links", true_parents()), ("learnt links", learnt)):
        accused = 0
        for k in range(runs):
            rng = np.random.default_rng([seed, k])
            values = simulate_plant(800, rng, sensor_noise=noise).values
            table = root_cause(values.iloc[:600], values.iloc[600:], parents)
            accused += table["p_all"].min() <= 0.05
        row = {"links": name, "reading_noise": noise}
        out.append(row | interval(accused, runs))
    return out


def hidden_weather(runs: int, seed: int = 12000) -> list[dict]:
    """Gain of power on temperature (true 1), weather in the table and left out."""
    seen, blind = [], []
    for k in range(runs):
        values = simulate_plant(2000, np.random.default_rng([seed, k])).values
        parents = true_parents()
        seen.append(
            lagged_gains(values, parents).edges["power", "temperature"]["weight"]
        )
        parents = {
            a: [(s, lag) for s, lag in some if s != "weather"]
            for a, some in parents.items()
            if a != "weather"
        }
        graph = lagged_gains(values.drop(columns="weather"), parents)
        blind.append(graph.edges["power", "temperature"]["weight"])
    return [
        {"weather": name, "truth": 1.0} | mean_interval(values)
        for name, values in (("recorded", seen), ("hidden", blind))
    ]


def economy(shuffles: int, seed: int = 15000) -> dict:
    data = load_economy()
    rows = []
    for method in METHODS[:3]:
        found = lagged_links(data, 4, method).significant()
        null = [
            len(
                lagged_links(
                    shuffled_time(data, np.random.default_rng([seed, k])), 4, method
                ).significant()
            )
            for k in range(shuffles)
        ]
        rows.append(
            {
                "method": method,
                "links": len(found),
                "null_mean": float(np.mean(null)),
                "null_95": float(np.quantile(null, 0.95)),
                "shuffles": shuffles,
            }
        )
    halves = [data.iloc[: len(data) // 2], data.iloc[len(data) // 2 :]]
    sets = [set(lagged_links(h, 4).graph(0.1).edges) for h in halves]
    strongest = lagged_links(data).significant().head(7)
    return {
        "rows": rows,
        "first_half": sorted(map(list, sets[0])),
        "second_half": sorted(map(list, sets[1])),
        "in_both_halves": sorted(map(list, sets[0] & sets[1])),
        "strongest": strongest.to_dict("records"),
    }


def diabetes() -> list[dict]:
    table = load_table("diabetes")
    data = table.features.assign(progression=table.target)
    graph = discover(table.features, "exact")
    rows = []
    for treatment in ("bmi", "bp", "s1"):
        rest = tuple(c for c in table.features if c != treatment)
        choices = {"nothing held fixed": (), "age, sex": ("age", "sex")}
        choices |= {"all other columns": rest}
        choices |= adjustments_over_class(graph, treatment)
        found = adjusted_effects(data, treatment, "progression", choices)
        rows += [
            {"treatment": treatment, "assumption": name} | row
            for name, row in found.to_dict("index").items()
        ]
    return rows


def slice_of_study() -> dict:
    """A small part, recomputed by a test."""
    return {"links": links_found(2, 500), "diabetes": diabetes()}


def rounded(value):
    if isinstance(value, dict):
        return {str(k): rounded(v) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [rounded(v) for v in value]
    if isinstance(value, bool | str) or value is None:
        return value
    if isinstance(value, int | np.integer):
        return int(value)
    return round(float(value), 6)


def main() -> None:
    parts = {
        "links": lambda: links_found(30, 500) + links_found(30, 2000),
        "levels": lambda: levels(200),
        "roots": lambda: [r for e in READING_NOISE for r in roots(40, noise=e)],
        "no_fault": lambda: [r for e in READING_NOISE for r in no_fault(400, e)],
        "hidden_weather": lambda: hidden_weather(40),
        "economy": lambda: economy(200),
        "diabetes": diabetes,
        "slice": slice_of_study,
    }
    result = {
        "study": "temporal",
        "question": __doc__.splitlines()[0],
        "settings": {"alpha": 0.05, "max_lag": 4, "sizes": list(SIZES)},
        "versions": versions(),
    }
    for name, part in tqdm(parts.items()):
        result[name] = part()
    write_json(RESULT, rounded(result))


if __name__ == "__main__":
    main()

"""What a column is taken for, and what is refused."""

from __future__ import annotations

from decimal import Decimal

import networkx as nx
import numpy as np
import pandas as pd
import pytest

from qglib.causal import cpdag, discover, fit_linear_model
from qglib.causal.scores import discrete_bic, mixed_bic, mixed_test
from qglib.causal.tables import read_table

METHODS = ("pc", "ges", "exact")
CHAIN = cpdag(nx.DiGraph([("age", "income"), ("income", "spend")]))


def chain(n: int, seed: int) -> pd.DataFrame:
    """age -> income -> spend in whole numbers."""
    rng = np.random.default_rng(seed)
    age = rng.normal(40, 12, n)
    income = 800 * age + rng.normal(0, 9000, n)
    spend = 0.4 * income + rng.normal(0, 4000, n)
    frame = pd.DataFrame({"age": age, "income": income, "spend": spend})
    return frame.round().astype(int)


def mixed(n: int, seed: int) -> pd.DataFrame:
    """group -> x -> y -> flag: three groups, two numbers, a yes or no."""
    rng = np.random.default_rng(seed)
    group = rng.integers(0, 3, n)
    x = np.array([0.0, 1.5, -1.0])[group] + rng.normal(size=n)
    y = 0.8 * x + rng.normal(size=n)
    flag = y + rng.logistic(size=n) > 0
    return pd.DataFrame(
        {"group": np.array(list("abc"))[group], "x": x, "y": y, "flag": flag}
    )


def skeleton(graph: nx.DiGraph) -> set[frozenset]:
    return {frozenset(arc) for arc in graph.edges}


@pytest.mark.parametrize("method", METHODS)
def test_whole_numbers_are_amounts(method: str) -> None:
    for seed in range(6):
        found = discover(chain(500, seed), method)
        assert set(found.edges) == set(CHAIN.edges), seed
        assert set(found.graph["kinds"].values()) == {"continuous"}


@pytest.mark.parametrize(
    "change",
    [
        lambda t: t.astype(object),
        lambda t: t.map(lambda v: Decimal(int(v))),
        lambda t: t.astype("Int64"),
        lambda t: t.astype("float32"),
        lambda t: t.assign(age=pd.to_timedelta(t.age, unit="D")),
        lambda t: t.astype("Int64").astype(object),
    ],
    ids=["object", "Decimal", "Int64", "float32", "timedelta", "boxed"],
)
def test_numbers_of_every_type_give_the_same_graph(change) -> None:
    for method in ("pc", "exact"):
        found = discover(change(chain(500, 0)), method)
        assert set(found.edges) == set(CHAIN.edges)


@pytest.mark.parametrize("levels", [3, 5, 7, 10])
@pytest.mark.parametrize("method", METHODS)
def test_graded_answers_give_their_chain(levels: int, method: str) -> None:
    right = 0
    for seed in range(6):
        rng = np.random.default_rng(seed)
        a = rng.normal(size=500)
        b = 0.8 * a + 0.6 * rng.normal(size=500)
        c = 0.8 * b + 0.6 * rng.normal(size=500)
        table = {
            k: pd.qcut(v, levels, labels=False)
            for k, v in zip("abc", (a, b, c), strict=True)
        }
        found = discover(pd.DataFrame(table), method)
        right += skeleton(found) == {frozenset("ab"), frozenset("bc")}
        assert sum("whole numbers" in w for w in found.graph["warnings"]) == 3
    assert right >= 4


def test_few_whole_numbers_are_said_and_can_be_overridden() -> None:
    rng = np.random.default_rng(0)
    data = pd.DataFrame({"grade": rng.integers(1, 6, 400), "x": rng.normal(size=400)})
    found = discover(data, "pc")
    assert found.graph["kinds"] == {"grade": "discrete", "x": "continuous"}
    assert "'grade' holds 5" in " ".join(found.graph["warnings"])
    told = discover(data, "pc", kind={"grade": "continuous"})
    assert told.graph["kinds"]["grade"] == "continuous"
    assert not any("grade" in w for w in told.graph["warnings"])
    short = discover(data.head(100), "pc")  # 100 < 10 * 5 * 5
    assert short.graph["kinds"]["grade"] == "continuous"
    assert "amounts" in " ".join(short.graph["warnings"])


@pytest.mark.parametrize("method", METHODS)
def test_mixed_tables(method: str) -> None:
    wanted = {frozenset(p) for p in (("group", "x"), ("x", "y"), ("y", "flag"))}
    for seed in range(6):
        found = discover(mixed(500, seed), method)
        assert skeleton(found) == wanted, (method, seed)
    assert found.graph["kinds"] == {
        "group": "discrete", "x": "continuous", "y": "continuous", "flag": "discrete",
    }  # fmt: skip


@pytest.mark.parametrize(
    "names",
    [range(4), [0.5, "b", 2, True], pd.MultiIndex.from_product([["p", "q"], [1, 2]])],
    ids=["integers", "anything", "pairs"],
)
def test_nodes_are_the_columns_as_they_are(names) -> None:
    data = mixed(300, 1).set_axis(pd.Index(names), axis=1)
    found = discover(data, "exact")
    assert list(found) == list(data.columns)
    numbers = data[[data.columns[1], data.columns[2]]]
    dag = nx.DiGraph([tuple(numbers.columns)])
    assert np.isfinite(
        fit_linear_model(dag, numbers).edges[next(iter(dag.edges))]["weight"]
    )


def test_an_array_has_names_of_its_own() -> None:
    found = discover(np.random.default_rng(0).normal(size=(60, 3)), "empty")
    assert list(found) == ["x0", "x1", "x2"]


def refused() -> dict[str, tuple[pd.DataFrame, str]]:
    t = chain(200, 0)
    rng = np.random.default_rng(1)
    words = rng.choice(list("abc"), 200)
    return {
        "text": (t.assign(age=t.age.astype(str)), "column 'age' holds numbers as text"),
        "names": (t.assign(age=[f"p{k}" for k in range(200)]), "200 different texts"),
        "no name": (t.set_axis(["a", None, "b"], axis=1), "have no name"),
        "mixture": (t.assign(age=[*t.age[:100], *words[:100]]), "'age' mixes values"),
        "dates": (t.assign(age=pd.date_range("2020", periods=200)), "'age' cannot be"),
        "complex": (t.assign(age=t.age + 1j), "'age' cannot be read"),
        "sum": (
            t.assign(total=t.age + t.income),
            r"'total' is an exact sum .*'age', 'inc",
        ),
        "scaled": (
            t.assign(months=12 * t.age + 3),
            r"'months' is an exact .*\['age'\]",
        ),
        "gaps": (t.mask(t.age < 30, np.nan), r"missing or infinite .*\{'age': 3\d"),
        "infinite": (t.assign(age=t.age / 0.0), "missing or infinite"),
        "four rows": (t.head(4), "4 rows for 3 columns"),
        "constant": (t.assign(age=1), r"\['age'\] are constant"),
        "one word": (t.assign(age="a"), r"\['age'\] are constant"),
        "renamed": (
            t.assign(a=words, b=pd.Series(words).map({"a": 2, "b": 0, "c": 1})),
            r"\['b'\] are duplicates of earlier ones \('a'\)",
        ),
    }


@pytest.mark.parametrize("case", list(refused()))
@pytest.mark.parametrize("method", METHODS)
def test_what_cannot_be_told_names_its_column(case: str, method: str) -> None:
    frame, message = refused()[case]
    with pytest.raises(ValueError, match=message):
        discover(frame, method)


def test_gaps_may_be_dropped_and_are_counted() -> None:
    data = chain(500, 0).astype("Float64")
    data.iloc[::10, 0] = pd.NA
    found = discover(data, "exact", missing="drop")
    assert set(found.edges) == set(CHAIN.edges)
    assert "50 of 500 rows have a gap" in " ".join(found.graph["warnings"])
    masked = np.ma.masked_array(chain(500, 0).to_numpy(float))
    masked[3, 1] = np.ma.masked
    with pytest.raises(ValueError, match=r"\{'x1': 1\}"):
        discover(masked, "exact")


def test_few_rows_are_said() -> None:
    found = discover(chain(20, 0), "pc")
    assert "Only 20 rows" in " ".join(found.graph["warnings"])


def test_bad_arguments_of_tables() -> None:
    data = chain(100, 0)
    for how, message in (
        ({"kind": {"colour": "discrete"}}, "the columns are"),
        ({"kind": {"age": "ordinal"}}, "kind must be one of"),
        ({"missing": "mean"}, "missing must be"),
        ({"kind": {"age": "continuous"}, "missing": "drop"}, None),
    ):
        if message is None:
            assert read_table(data, **how).notes == ()
            continue
        with pytest.raises(ValueError, match=message):
            read_table(data, **how)


def test_mixed_score_is_equivalent_and_knows_its_special_cases() -> None:
    table = read_table(mixed(300, 0))
    score = mixed_bic(table.values, table.categorical)
    for a, b in ((0, 1), (1, 3), (0, 3)):
        one = score(a, []) + score(b, [a])
        assert one == pytest.approx(score(b, []) + score(a, [b]))
        one = score(a, [2]) + score(b, [a, 2])
        assert one == pytest.approx(score(b, [2]) + score(a, [b, 2]))
    # two columns of two values: the same likelihood as the table of counts, nearly
    rng = np.random.default_rng(0)
    a = rng.integers(0, 2, 4000)
    both = np.column_stack([a, (rng.random(4000) < 0.3 + 0.1 * a).astype(int)])
    gains = []
    for maker in (discrete_bic, lambda v: mixed_bic(v, [True, True])):
        s = maker(both)
        gains.append(s(1, [0]) - s(1, []))
    assert gains[0] == pytest.approx(gains[1], rel=0.05)


def test_mixed_test_keeps_its_level_and_finds() -> None:
    true, false = [], []
    for seed in range(300):
        rng = np.random.default_rng(seed)
        group = rng.integers(0, 4, 60)
        x, y = np.array([0.0, 1.0, -1.0, 2.0])[group] + rng.normal(size=(2, 60))
        two = (x + rng.normal(size=60) > 0).astype(float)
        values = np.column_stack([group, x, y, two])
        ask = mixed_test(values, [True, False, False, True])
        true.append((ask(1, 2, [0]), ask(2, 3, [1, 0])))
        false.append(ask(0, 1, [2]))
    rejected = (np.array(true) < 0.05).mean(0)
    assert (abs(rejected - 0.05) < 0.04).all()  # three standard errors
    assert np.mean(np.array(false) < 0.05) > 0.5


@pytest.mark.parametrize("method", ["pc", "exact"])
def test_knowledge_turns_arrows(method: str) -> None:
    data = chain(500, 0)
    arrows = [("age", "income"), ("income", "spend")]
    for how in (
        {"tiers": [["age"], ["income", "spend"]]},
        {"required": arrows[:1]},
        {"forbidden": [("income", "age")]},
    ):
        assert set(discover(data, method, **how).edges) == set(arrows), how
    cut = discover(data, method, forbidden=[("age", "income"), ("income", "age")])
    assert frozenset(("age", "income")) not in skeleton(cut)
    rng = np.random.default_rng(0)
    alone = data.assign(age=rng.permutation(data.age))
    forced = discover(alone, method, required=[("age", "spend")])
    assert forced.has_edge("age", "spend") and not forced.has_edge("spend", "age")


def test_knowledge_that_cannot_be_used() -> None:
    data = chain(100, 0)
    ahead, back = ("age", "income"), ("income", "age")
    for how, message in (
        ({"required": [ahead], "forbidden": [ahead]}, "forbidden elsewhere"),
        ({"required": [ahead, back]}, "make a cycle"),
        ({"required": [back], "tiers": [["age"], ["income"]]}, "forbidden elsewhere"),
        ({"tiers": [["wage"]]}, r"\['wage'\] are not columns"),
        ({"required": [ahead], "method": "ges"}, "takes no knowledge"),
    ):
        with pytest.raises(ValueError, match=message):
            discover(data, **{"method": "exact"} | how)

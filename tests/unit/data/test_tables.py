"""Tables that ship with installed packages."""

import numpy as np
import pandas as pd
import pytest

from qglib.data import load_table
from qglib.data.tables import NAMES, ranked_rows
from qglib.spacetime import Causet

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


def test_ranked_rows_count_gaps_and_ties():
    frame = pd.DataFrame(
        {"a": [3.0, 1.0, np.nan, 2.0, 2.0], "b": [1, 2, 3, 4, 5], "c": list("vwxyz")}
    )
    ranked = ranked_rows(frame, ["a", "b"])
    assert ranked.rows.tolist() == [0, 1, 3, 4] and ranked.dropped == 1
    assert ranked.values[:, 0].tolist() == [0.875, 0.125, 0.5, 0.5]
    assert ranked.tied == pytest.approx(1 / 6)
    assert "4 kept, 1 dropped (missing value)" in repr(ranked)
    order = Causet.from_dominance(ranked.values)
    assert order.n_relations == 2  # row 1 before rows 3 and 4; these are tied
    mixed = ranked.shuffled(np.random.default_rng(0))
    assert (np.sort(mixed.values, axis=0) == np.sort(ranked.values, axis=0)).all()
    for columns, word in ((["z"], "z"), (["c"], "numeric"), ([], "columns")):
        with pytest.raises(ValueError, match=word):
            ranked_rows(frame, columns)
    with pytest.raises(ValueError, match="two"):
        ranked_rows(frame.iloc[:1], ["a"])


def test_a_real_table_as_an_order():
    ranked = ranked_rows(load_table("breast_cancer"), ["mean radius", "mean texture"])
    assert len(ranked) == 569 and ranked.dropped == 0 and 0 < ranked.tied < 0.02
    assert Causet.from_dominance(ranked.values).size == 569
    assert len(ranked_rows(load_table("randhie"))) == 20190

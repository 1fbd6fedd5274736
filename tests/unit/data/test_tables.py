"""Tables that ship with installed packages."""

import pytest

from qglib.data import load_table
from qglib.data.tables import NAMES

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

"""The parameters cell, read and checked before a kernel starts."""

from __future__ import annotations

import pytest

from qglib import parameters


def test_every_line_is_read(write_notebook) -> None:
    path = write_notebook("01_one")
    found = parameters.declared(path)
    assert list(found) == [
        "profile",
        "seed",
        "device",
        "out_dir",
        "n_events",
        "rate",
        "label",
        "shuffle",
    ]
    assert found["seed"]["inferred_type_name"] == "int"
    assert found["seed"]["help"] == "seed of every random choice"
    assert parameters.profile_of(path, {}) == "quick"
    assert parameters.profile_of(path, {"profile": "full"}) == "full"


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("seed = 7", "not of the form"),
        ("seed: list = []", "seed is not of the form"),
        ("import os", "has no cell tagged 'parameters'"),
    ],
)
def test_a_wrong_line_is_named(write_notebook, line: str, message: str) -> None:
    path = write_notebook("01_one", parameters=line)
    with pytest.raises(ValueError, match=message):
        parameters.declared(path)


def test_one_cell_is_needed(write_notebook, tmp_path) -> None:
    import nbformat

    path = write_notebook("01_one")
    notebook = nbformat.read(path, as_version=4)
    notebook.cells[1].metadata["tags"] = []
    nbformat.write(notebook, path)
    with pytest.raises(ValueError, match="has no cell tagged 'parameters'"):
        parameters.declared(path)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("seed=3", {"seed": 3}),
        ("rate=3", {"rate": 3.0}),
        ("rate=1e-3", {"rate": 0.001}),
        ("label=3", {"label": "3"}),
        ("label=", {"label": ""}),
        ("label=a=b", {"label": "a=b"}),
        ("shuffle=true", {"shuffle": True}),
        ("shuffle=0", {"shuffle": False}),
    ],
)
def test_text_is_read_by_the_declared_type(write_notebook, text, value) -> None:
    path = write_notebook("01_one")
    given = parameters.assign([path], [text])[path]
    assert given == value
    assert [type(v) for v in given.values()] == [type(v) for v in value.values()]


@pytest.mark.parametrize(
    ("text", "error", "message"),
    [
        ("seed=3.5", TypeError, "seed is declared int, but '3.5'"),
        ("rate=fast", TypeError, "rate is declared float"),
        ("shuffle=maybe", TypeError, "shuffle is declared bool"),
        ("sede=3", ValueError, "did you mean 'seed'"),
        ("seed", ValueError, "not of the form name=value"),
        ("out_dir=x", ValueError, "set by --out"),
        ("profile=huge", ValueError, "profile is 'huge': choose one of quick, full"),
        ("device=gpu", ValueError, "device is 'gpu': choose one of auto"),
        ("seed=-1", ValueError, "seed is -1: give a whole number from 0"),
        ("seed=4294967296", ValueError, "seed is 4294967296"),
        ("rate=nan", ValueError, "rate is nan: give a finite number"),
        ("rate=-inf", ValueError, "rate is -inf"),
    ],
)
def test_mistakes_are_refused(write_notebook, text, error, message) -> None:
    with pytest.raises(error, match=message):
        parameters.assign([write_notebook("01_one")], [text])


def test_a_folder_is_meant_from_where_the_caller_stands(
    write_notebook, tmp_path, monkeypatch
) -> None:
    texts = 'corpus: str = "newswire"  # c\nhead: str = "mlp"  # h'
    path = write_notebook("01_one", parameters=texts)
    for folder in ("mine", "newswire", "mlp"):
        (tmp_path / folder).mkdir()
    monkeypatch.chdir(tmp_path)
    for text, value in (
        ("corpus=mine", str(tmp_path.resolve() / "mine")),
        ("corpus=newswire", "newswire"),
        ("corpus=", ""),
        ("corpus=elsewhere", "elsewhere"),
        ("head=mlp", "mlp"),
    ):
        (given,) = parameters.assign([path], [text])[path].values()
        assert given == value


def test_a_name_goes_to_the_notebooks_that_have_it(write_notebook) -> None:
    lean = 'profile: str = "quick"  # p'
    one, two = write_notebook("01_one"), write_notebook("02_two", parameters=lean)
    given = parameters.assign([one, two], ["seed=3", "profile=full"])
    assert given == {one: {"profile": "full", "seed": 3}, two: {"profile": "full"}}
    with pytest.raises(ValueError, match="seed is given twice"):
        parameters.assign([one, two], ["seed=3", "seed=4"])
    with pytest.raises(ValueError, match="The selection has no parameter 'epochs'"):
        parameters.assign([one, two], ["epochs=4"])


def test_values_are_checked_by_type(write_notebook) -> None:
    path = write_notebook("01_one")
    parameters.check(path, {"seed": 3, "rate": 1, "label": "a", "shuffle": True})
    for wrong in ({"seed": "3"}, {"seed": True}, {"seed": 3.0}, {"label": None}):
        with pytest.raises(TypeError, match="is declared"):
            parameters.check(path, wrong)
    with pytest.raises(ValueError, match="did you mean 'rate'"):
        parameters.check(path, {"rates": 1.0})


@pytest.mark.parametrize(
    "content",
    ["", "{", "[]", "\x00", "{}", '{"cells": 3}', '{"cells": [3], "nbformat": 4}'],
)
def test_a_broken_notebook_is_named(tmp_path, content) -> None:
    path = tmp_path / "01_torn.ipynb"
    path.write_text(content)
    with pytest.raises(
        ValueError, match=r"01_torn\.ipynb (is no notebook|has no cell)"
    ):
        parameters.declared(path)

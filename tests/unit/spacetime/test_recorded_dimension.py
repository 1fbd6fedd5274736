"""Slices of two recorded studies, computed again."""

from __future__ import annotations

import json

import pytest

from bench.studies import event_dimension, recipe_choice

FOLDER = event_dimension.RESULT.parent


def test_event_dimension() -> None:
    recorded = json.loads((FOLDER / "event_dimension.json").read_text())["slice"]
    for name, found in event_dimension.slice_of_study().items():
        for method, value in found.items():
            assert value == pytest.approx(recorded[name][method], abs=1e-5), name


def test_recipe_choice() -> None:
    recorded = json.loads((FOLDER / "recipe_choice.json").read_text())["slice"]
    # powers of 160 samples; another processor may move a p-value across the level
    assert recipe_choice.slice_of_study() == pytest.approx(recorded, abs=2.5 / 160)

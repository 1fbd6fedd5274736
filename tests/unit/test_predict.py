"""Lines in, answers out: taggers, text and table models, lines that cannot be read."""

import json
import subprocess
import sys

import numpy as np
import pytest

from qglib import models
from qglib.data import Examples, divided
from qglib.predict import answers
from qglib.record import ROOT

HEAD = ROOT / "data/reference/02_model_training/model"
FAST = {"qubits": 2, "layers": 1, "epochs": 15}


@pytest.fixture(scope="module")
def table(tmp_path_factory):
    """A model for which only the second column counts."""
    rng = np.random.default_rng(0)
    labels = ["low", "high"] * 60
    rows = rng.normal(size=(120, 3))
    rows[:, 1] += np.tile([-4, 4], 60)
    found = models.train(Examples(rows, labels, divided(labels, 0)), "linear", **FAST)
    folder = tmp_path_factory.mktemp("table")
    found.save(folder)
    return folder, found


def test_a_table_in_a_fresh_process(table):
    folder, model = table
    rows = [[0.0, -4.0, 0.0], [0.1, 4.0, -0.2]]
    lines = "".join(f"{json.dumps(row)}\n" for row in rows)
    done = subprocess.run(
        [sys.executable, "-m", "qglib", "predict", str(folder)],
        input=lines, capture_output=True, text=True, cwd=ROOT, check=True,
    )  # fmt: skip
    found = [json.loads(line) for line in done.stdout.splitlines()]
    assert [f["label"] for f in found] == ["low", "high"]
    chances = model.probabilities(rows)
    for answer, chance in zip(found, chances, strict=True):
        said = [answer["probabilities"][name] for name in model.labels]
        assert said == pytest.approx(chance.tolist(), abs=1e-6)
        assert answer["because"]["part"] == "column 1" and answer["because"]["by"] > 0.2


def test_bad_lines_are_answered_with_the_reason_and_the_rest_is_kept(table):
    lines = ["[0, 4, 0]\n", "[0, 4]\n", "no json\n", "[0, -4, null]\n", "[0, -4, 0]\n"]
    found = list(answers(table[0], lines))
    assert [f.get("label") for f in found] == ["high", None, None, None, "low"]
    assert all(f["error"] for f in found[1:4])
    assert [f["input"] for f in found] == [line.strip() for line in lines]


def test_a_tagger_gives_entities():
    found = list(answers(HEAD, ["Jordan flew home to Amman.\n", "\n", "rain"]))
    assert [len(f["entities"]) > 0 for f in found] == [True, False, False]


def test_a_folder_without_a_model(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"config\.json"):
        list(answers(tmp_path, ["a"]))

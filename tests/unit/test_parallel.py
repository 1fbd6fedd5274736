"""Several notebooks at a time: order, failures, and nothing shared."""

from __future__ import annotations

import json

import pytest

from qglib import execute, parallel

WRITES = 'run.write_json(record.folder / "made.json", {"by": record.name})'
READS = """\
import json
source = run.artefact(out_dir, "02_two", "made.json")
read = json.loads(source.path.read_text()) | {"origin": source.origin}
run.write_json(record.folder / "read.json", read)"""


@pytest.fixture
def three(write_notebook):
    paths = [
        write_notebook("01_reader", READS),
        write_notebook("02_two", "import time; time.sleep(1)", WRITES),
        write_notebook("03_fails", "raise RuntimeError('no luck today')"),
        write_notebook("00_start", "1 + 1"),
    ]
    return {path.stem[:2]: path for path in paths}


def test_needs_are_read_from_the_cells(three) -> None:
    before = parallel.sources(list(three.values()))
    assert before[three["01"]] == {three["02"]}
    assert before[three["02"]] == set()
    assert before[three["00"]] == {three["01"], three["02"], three["03"]}


def test_two_at_a_time_in_the_order_of_their_needs(three, tmp_path) -> None:
    told = []
    ended = parallel.run_notebooks(
        list(three.values()),
        tmp_path,
        {three["02"]: {"n_events": 12}},
        jobs=2,
        on_end=lambda path, result: told.append(path.stem),
    )
    assert told.index("02_two") < told.index("01_reader")
    assert told[-1] == "00_start"
    assert ended[three["02"]]["settings"]["n_events"] == 12
    assert isinstance(ended[three["03"]], execute.NotebookError)
    assert "no luck today" in str(ended[three["03"]])
    read = json.loads((tmp_path / "01_reader" / "read.json").read_text())
    assert read == {"by": "02_two", "origin": "this run"}
    assert not (tmp_path / "03_fails" / "record.json").exists()


def test_no_job_at_all_is_refused(three, tmp_path) -> None:
    with pytest.raises(ValueError, match="jobs is 0"):
        parallel.run_notebooks(list(three.values()), tmp_path, {}, jobs=0)

"""The progress line on a terminal and in a log."""

from __future__ import annotations

import io
import time

from qglib.progress import Progress


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_a_terminal_shows_one_line_refreshed_in_place() -> None:
    stream = Terminal()
    with Progress("02_model_training", stream) as progress:
        progress.cell(7, 24, "Training three heads")
        progress.close("31 s  entity F1 0.71")
    text = stream.getvalue()
    assert text.count("\n") == 1
    assert "\x1b[K02_model_training  cell 7 of 24  0 s  Training three heads" in text
    assert text.endswith("\x1b[K02_model_training  31 s  entity F1 0.71\n")


def test_a_long_line_is_cut_to_the_terminal(monkeypatch) -> None:
    monkeypatch.setenv("COLUMNS", "40")
    stream = Terminal()
    with Progress("02_model_training", stream) as progress:
        progress.cell(7, 24, "x" * 100)
    longest = max(len(part) for part in stream.getvalue().split("\r\x1b[K"))
    assert longest == 39


def test_a_log_gets_few_lines() -> None:
    stream = io.StringIO()
    with Progress("01_one", stream, sparse=0.2) as progress:
        for number in range(1, 51):
            progress.cell(number, 50, "Heading")
            time.sleep(0.01)
        progress.close("done")
    lines = stream.getvalue().splitlines()
    assert 2 <= len(lines) <= 8
    assert lines[-1] == "01_one  done"
    assert "\r" not in stream.getvalue()

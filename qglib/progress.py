"""One line of progress per notebook, refreshed in place on a terminal."""

from __future__ import annotations

import shutil
import threading
import time
from types import TracebackType
from typing import TextIO


class Progress:
    """Shows where a notebook is: ``02_model_training  cell 7 of 24  31 s  Heads``.

    On a terminal the line is redrawn every second; elsewhere (a log file, a
    continuous-integration page) a line is printed at most every ``sparse`` seconds.
    Use it as a context manager around the run of one notebook.
    """

    def __init__(self, name: str, stream: TextIO, *, sparse: float = 20.0) -> None:
        """Take the name of the notebook and where to write."""
        self._name = name
        self._stream = stream
        self._terminal = stream.isatty()
        self._pause = 1.0 if self._terminal else sparse
        self._began = time.perf_counter()
        self._place = "starting"
        self._heading = ""
        self._stop = threading.Event()
        self._ticker = threading.Thread(target=self._tick, daemon=True)

    @property
    def seconds(self) -> float:
        """Seconds since the notebook started."""
        return time.perf_counter() - self._began

    def __enter__(self) -> Progress:
        """Start redrawing."""
        if self._terminal:
            self._draw(self.line())
        self._ticker.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Stop redrawing; `close` writes the last line."""
        self._stop.set()
        self._ticker.join()

    def cell(self, number: int, total: int, heading: str) -> None:
        """Note that code cell ``number`` of ``total`` starts, under ``heading``."""
        self._place, self._heading = f"cell {number} of {total}", heading
        if self._terminal:
            self._draw(self.line())

    def close(self, text: str) -> None:
        """Replace the line by its last state."""
        self._stop.set()
        self._draw(f"{self._name}  {text}")
        if self._terminal:
            self._stream.write("\n")
            self._stream.flush()

    def line(self) -> str:
        """Return the line as it stands."""
        parts = (self._name, self._place, f"{self.seconds:.0f} s", self._heading)
        return "  ".join(part for part in parts if part)

    def _tick(self) -> None:
        while not self._stop.wait(self._pause):
            self._draw(self.line())

    def _draw(self, text: str) -> None:
        if not self._terminal:
            self._stream.write(text + "\n")
        else:
            width = max(shutil.get_terminal_size().columns - 1, 20)
            if len(text) > width:
                text = text[: width - 1] + "…"
            self._stream.write(f"\r\x1b[K{text}")
        self._stream.flush()

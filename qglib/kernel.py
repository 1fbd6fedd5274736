"""The kernel that runs a notebook: this interpreter, watched cell by cell."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from jupyter_client.kernelspec import KernelSpec, KernelSpecManager
from jupyter_client.manager import AsyncKernelManager
from nbformat import NotebookNode
from papermill.clientwrap import PapermillNotebookClient
from papermill.engines import NBClientEngine, NotebookExecutionManager
from traitlets import default

OnCell = Callable[[int, int, str], None]
"""Called with (number of the code cell, their count, heading above it)."""


class ThisPython(KernelSpecManager):
    """Knows one kernel: the interpreter that runs this line.

    A ``python3`` registered by a user or another environment is never taken.
    """

    def get_kernel_spec(self, kernel_name: str) -> KernelSpec:
        """Return the kernel of this interpreter, whatever name is asked for."""
        try:
            from ipykernel.kernelspec import RESOURCES, get_kernel_dict
        except ImportError as error:
            raise ImportError(
                f"ipykernel is missing for {sys.executable}: install it with "
                "pip install -c constraints.txt -e ."
            ) from error
        return KernelSpec(resource_dir=RESOURCES, **get_kernel_dict())


class ThisKernel(AsyncKernelManager):
    """Starts the kernel that `ThisPython` names."""

    @default("kernel_spec_manager")
    def _this_python(self) -> KernelSpecManager:
        return ThisPython()


class Place:
    """Where a run is: code cell, count and the heading above it."""

    def __init__(self, on_cell: OnCell | None) -> None:
        """Take whom to tell when a code cell starts."""
        self.number, self.total, self.heading = 0, 0, ""
        self._on_cell = on_cell

    def __str__(self) -> str:
        """Return the place as the end of a sentence."""
        if not self.number:
            return "before its first cell"
        under = f', under "{self.heading}"' if self.heading else ""
        return f"in cell {self.number} of {self.total}{under}"

    def enter(self, cells: Sequence[NotebookNode], index: int) -> None:
        """Note that cell ``index`` starts; text cells do not count."""
        if cells[index].cell_type != "code":
            return
        code = [i for i, cell in enumerate(cells) if cell.cell_type == "code"]
        self.number, self.total = code.index(index) + 1, len(code)
        self.heading = heading_above(cells[:index])
        if self._on_cell is not None:
            self._on_cell(self.number, self.total, self.heading)


def heading_above(cells: Sequence[NotebookNode]) -> str:
    """Return the last heading of the markdown cells, without its marks."""
    for cell in reversed(cells):
        if cell.cell_type == "markdown":
            text = re.sub(r"```.*?```", "", cell.source, flags=re.DOTALL)
            found = re.findall(r"^#{1,6}\s+(.+?)\s*#*$", text, flags=re.MULTILINE)
            if found:
                return found[-1].replace("`", "").replace("*", "")
    return ""


class Engine(NBClientEngine):
    """papermill's engine with this interpreter, its environment and its progress."""

    @classmethod
    def execute_managed_notebook(
        cls,
        nb_man: NotebookExecutionManager,
        kernel_name: str,
        *,
        place: Place,
        environment: Mapping[str, str],
        start_timeout: int = 60,
        **ignored: Any,
    ) -> None:
        """Run all cells; called by papermill with what `run_notebook` passed."""
        begin = nb_man.cell_start

        def cell_start(cell: Any, cell_index: int, **kwargs: Any) -> None:
            place.enter(nb_man.nb.cells, cell_index)
            begin(cell, cell_index, **kwargs)

        nb_man.cell_start = cell_start
        client = PapermillNotebookClient(
            nb_man,
            kernel_manager_class=ThisKernel,
            kernel_name=kernel_name,
            startup_timeout=start_timeout,
            timeout=None,
            coalesce_streams=True,  # chunks of a stream depend on timing
            # Keeps start-up warnings and an interrupted kernel quiet.
            extra_arguments=["--IPKernelApp.log_level=50"],
        )
        client.execute(env=dict(environment))

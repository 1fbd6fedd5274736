"""Which simulator runs the circuits, how many threads it gets, and why.

A device is believed only after it has run a two-gate circuit and returned the
known values: lightning.gpu installs without a GPU and fails only when it is
used.  Only ``"auto"`` falls back; a device asked for by name works or raises.
"""

from __future__ import annotations

import os
import re
import sys
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import wraps
from math import cos, isclose, sin
from typing import TYPE_CHECKING, Any

from qglib import memory

if TYPE_CHECKING:
    import pennylane as qml

# The simulators that "auto" tries, fastest first; what a notebook's `device` may be.
ORDER = ("lightning.gpu", "lightning.qubit", "default.qubit")
NAMES = ("auto", *ORDER)
# What numerical libraries read, once, when they are loaded.
LIBRARIES = ("OMP_NUM", "MKL_NUM", "OPENBLAS_NUM", "VECLIB_MAXIMUM")
THREAD_VARIABLES = tuple(f"{name}_THREADS" for name in LIBRARIES)
# Words in the error of lightning.gpu, what is wrong, what to do.
INSTALL = 'pip install -c constraints.txt -e ".[gpu]"'
FAULTS = (
    ("does not exist", "it is not installed", f"Install it: {INSTALL}"),
    ("driver version", "the NVIDIA driver is older than CUDA 12", "Update the driver"),
    ("no cuda-capable", "no GPU is visible", "Check CUDA_VISIBLE_DEVICES"),
    ("no supported gpu", "no GPU is visible", "Check CUDA_VISIBLE_DEVICES"),
    ("out of memory", "the GPU's memory is too small", "Use fewer wires"),
    ("binaries", "CUDA 12 libraries are missing", f"Install: {INSTALL}"),
    ("cannot open shared", "CUDA 12 libraries are missing", f"Install: {INSTALL}"),
)
_EXECUTED: Counter[str] = Counter()


@dataclass(frozen=True)
class Device:
    """A PennyLane device that has passed its check; displays as one line."""

    device: qml.devices.Device = field(compare=False)  # to build QNodes on
    name: str  # one of `ORDER`
    reason: str  # why this one and not a better one
    threads: int  # of the simulator and of torch, on the CPU

    def __repr__(self) -> str:
        """Return one line without paths or addresses."""
        threads = f"{self.threads} thread{'s' if self.threads > 1 else ''}"
        return f"{self.name}, {threads} ({self.reason})"


def require_known(device: str) -> None:
    """Raise a ValueError unless ``device`` is one of `NAMES`."""
    if device not in NAMES:
        raise ValueError(f"device is {device!r}: choose one of {', '.join(NAMES)}.")


def default_threads() -> int:
    """Return ``QGLIB_THREADS``, else ``OMP_NUM_THREADS``, else 1.

    One thread gives the same sums in the same order on every machine, and on a
    busy one more threads were measured to be up to ten times slower.  Anything but a
    whole number from 1 is a ValueError.
    """
    name = "QGLIB_THREADS" if os.environ.get("QGLIB_THREADS") else "OMP_NUM_THREADS"
    asked = os.environ.get(name) or "1"
    if not asked.isdigit() or int(asked) < 1:
        raise ValueError(f"{name} is {asked!r}: set a whole number from 1.")
    return int(asked)


def thread_environment(n: int) -> dict[str, str]:
    """Return the environment variables that hold a new process to ``n`` threads."""
    return {name: str(n) for name in ("QGLIB_THREADS", *THREAD_VARIABLES)}


def set_threads() -> int:
    """Hold libraries loaded from now on, and torch, to `default_threads`; return it."""
    n = default_threads()
    os.environ.update(thread_environment(n))
    if "torch" in sys.modules:
        sys.modules["torch"].set_num_threads(n)
    return n


def pick(device: str = "auto", wires: int = 2) -> Device:
    """Return a simulator of ``wires`` qubits that has just passed a check.

    ``"auto"`` takes the first of `ORDER` that works; a name takes that one or raises.

    Raises:
        ValueError: for an unknown device or less than one wire.
        MemoryError: if the state would not fit, before anything is allocated.
        RuntimeError: if a device asked for by name cannot be used, with the remedy.
    """
    require_known(device)
    if type(wires) is not int or wires < 1:
        raise ValueError(f"wires is {wires!r}: give a whole number of qubits from 1.")
    state = f"a state of {wires} wires"
    memory.require(16 * 2**wires, "cpu", state, "use fewer wires")  # complex128
    threads = set_threads()
    skipped: list[str] = []
    for name in ORDER if device == "auto" else (device,):
        try:
            _check(name)
            built = build(name, wires)
        except Exception as error:
            # A plugin may raise anything when its libraries are missing.
            cause, remedy = _diagnosis(name, error)
            if device != "auto":
                raise RuntimeError(
                    f"{name} was asked for by name but cannot be used: {cause}. "
                    f'{remedy}, or pass device="auto" to run on the CPU.'
                ) from error
            skipped.append(f"{name}: {cause}")
            continue
        chosen = "first choice" if device == "auto" else "asked for by name"
        return Device(built, name, "; ".join(skipped) or chosen, threads)
    raise RuntimeError(f"no simulator works here ({'; '.join(skipped)}): {INSTALL}")


def build(name: str, wires: Any) -> qml.devices.Device:
    """Return a PennyLane device whose circuits are counted (`executed`)."""
    built = _build(name, wires)

    def counted(method: Callable) -> Callable:
        """The method, counting; ``qml.Tracker`` counts lightning's twice."""

        @wraps(method)
        def call(circuits: Any, *args: Any, **options: Any) -> Any:
            several = circuits if isinstance(circuits, (tuple, list)) else (circuits,)
            # A circuit of default.qubit may hold a batch, one of lightning never.
            batches = name == "default.qubit"
            count(name, sum((c.batch_size or 1) if batches else 1 for c in several))
            return method(circuits, *args, **options)

        return call

    for way in ("", "_and_compute_derivatives", "_and_compute_jvp", "_and_compute_vjp"):
        setattr(built, f"execute{way}", counted(getattr(built, f"execute{way}")))
    return built


def count(name: str, circuits: int) -> None:
    """Add to the circuits that a device, or ``"batched"``, has executed."""
    _EXECUTED[name] += circuits


def executed() -> dict[str, int]:
    """Circuits executed so far by the devices of `pick` and `build`, by name.

    One sample is one circuit.  The batched head of `qglib.quantum` counts under
    ``"batched"``, the check of a device not at all.
    """
    return dict(_EXECUTED)


def torch_device(device: str = "auto") -> Any:
    """Where torch trains: CUDA, if any, for ``"auto"`` and lightning.gpu, else CPU."""
    import torch

    require_known(device)
    wanted = device in ("auto", "lightning.gpu") and torch.cuda.is_available()
    return torch.device("cuda" if wanted else "cpu")


def _build(name: str, wires: Any) -> qml.devices.Device:
    import pennylane as qml

    return qml.device(name, wires=wires)


def _check(name: str) -> None:
    """Run RY(a) and a CNOT, where <Z1> = cos a and <X0 X1> = sin a."""
    import pennylane as qml

    @qml.qnode(_build(name, 2))
    def circuit(angle: float):
        qml.RY(angle, wires=0)
        qml.CNOT(wires=[0, 1])
        return qml.expval(qml.Z(1)), qml.expval(qml.X(0) @ qml.X(1))

    angle = 0.7
    got = [float(value) for value in circuit(angle)]
    for value, known in zip(got, (cos(angle), sin(angle)), strict=True):
        if not isclose(value, known, abs_tol=1e-5):
            wrong = f"a two-gate circuit gave {value:.6f} instead of {known:.6f}"
            raise ArithmeticError(wrong)


def _diagnosis(name: str, error: Exception) -> tuple[str, str]:
    """What is wrong, shortened and without paths and line numbers; what to do."""
    if name == "lightning.gpu":
        for words, fault, remedy in FAULTS:
            if words in str(error).lower():
                return fault, remedy
    text = re.sub(r"\[[^\]]*\]", "", str(error).strip() or type(error).__name__)
    text = re.sub(r"(?:[A-Za-z]:)?(?:/[\w.+-]+){2,}/?", "", text)
    text = re.sub(r"\s+", " ", text).strip(" :;")
    return text[:120], f"Install the versions of constraints.txt again: {INSTALL}"

"""Which simulator is picked, and what is said when one cannot be used."""

from __future__ import annotations

import os

import numpy as np
import pennylane as qml
import psutil
import pytest
import torch

from qglib import devices, memory

pytestmark = pytest.mark.usefixtures("clean_process")
DRIVER = (
    "[/project/pennylane_lightning/core/utils/cuda_utils/DevicePool.hpp][Line:86]"
    "[Method:getTotalDevices]: Error in PennyLane Lightning: CUDA driver version is "
    "insufficient for CUDA runtime version"
)
BROKEN = [
    (qml.exceptions.DeviceError("Device lightning.gpu does not exist."), '".[gpu]"'),
    (RuntimeError(DRIVER), "Update the driver"),
    (RuntimeError("no CUDA-capable device is detected"), "CUDA_VISIBLE_DEVICES"),
    (ImportError("Pre-compiled binaries for x are not available."), "CUDA 12 librar"),
    (OSError("libcustatevec.so.1: cannot open shared object file"), "CUDA 12 librar"),
    (RuntimeError("CUDA error: out of memory"), "fewer wires"),
    (RuntimeError("something new"), "something new"),
]


def expectation(picked: devices.Device) -> float:
    @qml.qnode(picked.device)
    def circuit():
        qml.RX(0.3, wires=0)
        return qml.expval(qml.Z(0))

    return float(circuit())


def without(monkeypatch: pytest.MonkeyPatch, *names: str, error: Exception) -> None:
    build = devices._build

    def broken(name: str, wires: int) -> qml.devices.Device:
        if name in names:
            raise error
        return build(name, wires)

    monkeypatch.setattr(devices, "_build", broken)


@pytest.mark.parametrize("name", ["lightning.qubit", "default.qubit"])
@pytest.mark.parametrize("wires", [1, 2, 5])
def test_a_named_device_works(name: str, wires: int) -> None:
    picked = devices.pick(name, wires)
    assert picked.name == name
    assert len(picked.device.wires) == wires
    assert expectation(picked) == pytest.approx(np.cos(0.3), abs=1e-7)


def test_auto_takes_the_first_that_works_and_says_why(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    without(monkeypatch, "lightning.gpu", error=RuntimeError(DRIVER))
    picked = devices.pick("auto", 2)
    assert picked.name == "lightning.qubit"
    assert repr(picked).startswith("lightning.qubit, ")
    assert "older than CUDA 12" in repr(picked)
    assert "\n" not in repr(picked)
    without(monkeypatch, "lightning.qubit", error=ImportError("no binary"))
    assert devices.pick("auto", 2).name == "default.qubit"


def test_no_simulator_at_all(monkeypatch: pytest.MonkeyPatch) -> None:
    without(monkeypatch, *devices.ORDER, error=RuntimeError("broken"))
    with pytest.raises(RuntimeError, match=r"no simulator works here .*broken"):
        devices.pick()


@pytest.mark.parametrize(("error", "remedy"), BROKEN)
def test_a_name_never_falls_back_and_the_remedy_is_said(
    monkeypatch: pytest.MonkeyPatch, error: Exception, remedy: str
) -> None:
    without(monkeypatch, "lightning.gpu", error=error)
    with pytest.raises(RuntimeError, match="asked for by name") as caught:
        devices.pick("lightning.gpu", 2)
    assert remedy in str(caught.value)
    assert 'device="auto"' in str(caught.value)
    assert "/project" not in str(caught.value)


def test_a_gpu_that_works_or_a_reason() -> None:
    try:
        picked = devices.pick("lightning.gpu", 2)
    except RuntimeError as error:
        assert 'device="auto"' in str(error)
    else:
        assert expectation(picked) == pytest.approx(np.cos(0.3), abs=1e-5)


def test_a_device_that_computes_wrongly_is_not_believed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(devices, "sin", lambda angle: 0.1)
    with pytest.raises(RuntimeError, match=r"two-gate circuit gave 0\.64"):
        devices.pick("default.qubit")


@pytest.mark.parametrize("wires", [0, -1, 1.5, True])
def test_a_wrong_number_of_wires(wires: int) -> None:
    with pytest.raises(ValueError, match="wires is"):
        devices.pick("auto", wires)


def test_an_unknown_device() -> None:
    with pytest.raises(ValueError, match=r"'lightning\.gpus'.*lightning\.qubit"):
        devices.pick("lightning.gpus")


def test_a_state_that_would_not_fit_is_refused_before_allocation() -> None:
    with pytest.raises(MemoryError, match=r"50 wires needs about 1\.68e\+07 GiB"):
        devices.pick("auto", 50)


def test_the_largest_state_that_fits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory, "available_bytes", lambda device: 16 * 2**6 + 5)
    assert devices.pick("default.qubit", 6).name == "default.qubit"
    with pytest.raises(MemoryError, match="use fewer wires"):
        devices.pick("default.qubit", 7)


def test_a_control_group_lowers_what_is_free(monkeypatch, tmp_path) -> None:
    host = psutil.virtual_memory().available
    monkeypatch.setattr(memory, "GROUP", tmp_path)
    assert memory.available_bytes() == pytest.approx(host, rel=0.2), "no group"
    (tmp_path / "memory.stat").write_text("anon 7\ninactive_file 100\n")
    for limit, used, free in ((1000, 400, 700), (1000, 1400, 0)):
        (tmp_path / "memory.max").write_text(f"{limit}\n")
        (tmp_path / "memory.current").write_text(f"{used}\n")
        assert memory.available_bytes("cpu") == free
    (tmp_path / "memory.max").write_text("max\n")
    assert memory.available_bytes() > 1000


def test_threads_are_set_and_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    for asked, words in (("1", "1 thread "), ("3", "3 threads ")):
        monkeypatch.setenv("QGLIB_THREADS", asked)
        assert devices.set_threads() == torch.get_num_threads() == int(asked)
        assert {os.environ[name] for name in devices.THREAD_VARIABLES} == {asked}
        assert words in repr(devices.pick("default.qubit"))


def test_the_default_number_of_threads(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("QGLIB_THREADS", raising=False)
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    assert devices.default_threads() == 1
    monkeypatch.setenv("OMP_NUM_THREADS", "5")
    assert devices.default_threads() == 5
    monkeypatch.setenv("QGLIB_THREADS", "4")
    assert devices.default_threads() == 4


@pytest.mark.parametrize("value", ["0", "two", "-1"])
def test_a_wrong_number_of_threads(monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    monkeypatch.setenv("QGLIB_THREADS", value)
    with pytest.raises(ValueError, match="QGLIB_THREADS is"):
        devices.default_threads()


def test_an_unknown_error_is_shortened_without_paths() -> None:
    error = RuntimeError("[Line:86] " + "/usr/lib/x/liba.so: not found. " + "x" * 200)
    cause, _ = devices._diagnosis("lightning.gpu", error)
    assert cause.startswith("not found. xxx") and len(cause) == 120
    assert devices._diagnosis("default.qubit", RuntimeError(""))[0] == "RuntimeError"


def ran(name: str, work) -> int:
    before = devices.executed().get(name, 0)
    work()
    return devices.executed().get(name, 0) - before


@pytest.mark.parametrize("name", ["lightning.qubit", "default.qubit"])
def test_circuits_are_counted_and_the_check_is_not(name: str) -> None:
    assert ran(name, lambda: devices.pick(name, 2)) == 0
    picked = devices.pick(name, 2)

    @qml.qnode(picked.device)
    def circuit(angle):
        qml.RX(angle, wires=0)
        return qml.expval(qml.Z(0))

    assert ran(name, lambda: circuit(0.3)) == 1
    assert ran(name, lambda: circuit(np.zeros(5))) == 5, "a batch of five"

    def slope():
        angle = torch.tensor(0.3, requires_grad=True)
        circuit(angle).backward()

    assert ran(name, slope) == 1, "forward and backward of one circuit"


def test_the_batched_head_is_counted_under_its_own_name() -> None:
    from qglib.quantum import QuantumHead, circuits

    picked = devices.pick("lightning.qubit", 2)
    qnode, shapes, _ = circuits.reuploading(picked.device, 2, 1)
    head = QuantumHead(qnode, shapes)
    assert head.backend == "batched"
    assert ran("lightning.qubit", lambda: head(torch.zeros(3, 4, 2))) == 0
    assert ran("batched", lambda: head(torch.zeros(3, 4, 2))) == 12
    named = QuantumHead(qnode, shapes, picked.name)
    assert ran("lightning.qubit", lambda: named(torch.zeros(3, 2))) == 3
    assert ran("batched", lambda: named(torch.zeros(3, 2))) == 0


def test_torch_trains_on_cuda_only_where_it_is_wanted_and_there(monkeypatch) -> None:
    import torch

    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    found = [devices.torch_device(name).type for name in devices.NAMES]
    assert found == ["cuda", "cuda", "cpu", "cpu"]
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert devices.torch_device("auto").type == "cpu"
    with pytest.raises(ValueError, match="device is 'tpu'"):
        devices.torch_device("tpu")

"""How much memory a computation may take before it is started."""

from pathlib import Path

import psutil

GROUP = Path("/sys/fs/cgroup")


def available_bytes(device: object = "cpu") -> int:
    """Bytes free on a torch device, within the limit of a container.

    Files that Linux keeps in memory give way, and count as free.
    """
    if str(device).startswith("cuda"):
        import torch

        return torch.cuda.mem_get_info(str(device))[0]
    free = psutil.virtual_memory().available
    try:
        limit = int((GROUP / "memory.max").read_text())
        used = int((GROUP / "memory.current").read_text())
        lines = (GROUP / "memory.stat").read_text().splitlines()
        used -= int(dict(line.split() for line in lines).get("inactive_file", 0))
    except (OSError, ValueError):  # no control group, or none with a limit
        return free
    return min(free, max(0, limit - used))


def require(needed: int, device: object, what: str, remedy: str) -> None:
    """Raise MemoryError, before allocating, when ``needed`` bytes are not free.

    ``what`` is computed on the torch ``device``; ``remedy`` is what to do instead.
    """
    free = available_bytes(device)
    if needed > free:
        raise MemoryError(
            f"{what} needs about {needed / 2**30:.3g} GiB, and "
            f"{free / 2**30:.3g} GiB are free on {device}: {remedy}"
        )

from __future__ import annotations

import pytest

from qglib.quantum import head


@pytest.fixture(params=["compiled", "torch"])
def engine(request, monkeypatch):
    """Both ways to run a traced circuit; on the CPU only the first is in use."""
    if request.param == "torch":
        monkeypatch.setattr(head, "COMPILED", frozenset())
    return request.param

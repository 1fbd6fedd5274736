"""Options for renewing the expected values."""

from __future__ import annotations

import pytest


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("expected values of the notebooks")
    group.addoption(
        "--update-expected",
        action="store_true",
        help="write the new values, keep tolerances and whys",
    )
    group.addoption(
        "--force",
        action="store_true",
        help="with --update-expected: also values more than ten tolerances away",
    )

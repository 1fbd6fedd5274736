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


def pytest_terminal_summary(terminalreporter, config: pytest.Config) -> None:
    """Say where the time of the notebooks went."""
    seconds = getattr(config, "seconds_of_notebooks", dict)()
    if seconds:
        terminalreporter.section("seconds of each notebook, two at a time")
        for name, spent in sorted(seconds.items(), key=lambda item: -item[1]):
            terminalreporter.write_line(f"{spent:7.1f}  {name}")

"""Says at the end how the real model did."""

from __future__ import annotations

from typing import Any


def pytest_terminal_summary(terminalreporter: Any) -> None:
    for report in terminalreporter.stats.get("passed", []):
        for name, text in report.user_properties:
            if name == "real model":
                terminalreporter.write_line(f"real model, {text}")

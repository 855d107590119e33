"""Interpreters that hold a library of their own, for tests marked ``own_environment``."""

from __future__ import annotations

from pathlib import Path

import pytest
from clinical_model_selector.schemas.errors import MissingExtra
from clinical_model_selector.schemas.settings import Settings
from clinical_model_selector.synthesizers.running.environments import interpreter_for

# Taken before a test points the setting elsewhere.
ENVIRONMENTS = Path(Settings.model_fields["selector_environments"].default).expanduser()


def python_of(method: str) -> Path:
    """The Python that runs ``method``; the test is skipped where there is none."""
    try:
        return interpreter_for(method, ENVIRONMENTS)
    except MissingExtra as missing:
        pytest.skip(str(missing))

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import builders
import httpx
import pytest
from clinical_model_selector.agents import ClinicalModelSelector
from clinical_model_selector.app.service.routes import create_app
from clinical_model_selector.schemas.settings import Settings
from serving import served

EXAMPLE = Path(__file__).parents[2] / "examples" / "gbsg2.csv"


def make_selector(**settings: Any) -> ClinicalModelSelector:
    """Asks nobody unless told otherwise."""
    return ClinicalModelSelector(Settings(_env_file=None, **{"selector_embedded": "only", **settings}))


@pytest.fixture(scope="session")
def service() -> Iterator[str]:
    """A service on loopback without keys; the embedded recommender answers."""
    with served(create_app(make_selector(service_requests_per_minute=0))) as origin:
        yield origin


@pytest.fixture
def http(service: str) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=service, timeout=60) as client:
        yield client


@pytest.fixture(scope="session")
def safe_profile() -> dict[str, Any]:
    return builders.profile().model_dump(mode="json")


@pytest.fixture
def example() -> bytes:
    return EXAMPLE.read_bytes()

"""Requests made up from the service's own description: whatever is sent, the answer is one that it describes."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import schemathesis
from clinical_model_selector.app.service.routes import create_app
from hypothesis import HealthCheck, given, settings
from schemathesis import GenerationMode
from schemathesis.checks import CHECKS, load_all_checks
from serving import served

from .conftest import make_selector

SCHEMA = schemathesis.openapi.from_dict(create_app(make_selector()).openapi())
OPERATIONS = {result.ok().label: result.ok() for result in SCHEMA.get_all_operations()}
UNSTATED = ("ignored_auth", "missing_required_header", "positive_data_acceptance")
"""Checks that do not apply: this service asks for no key, and a made-up profile may be one that nothing fits."""


@pytest.fixture(scope="module")
def roomy(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    settings = {
        "service_requests_per_minute": 0,
        "service_max_rows": 10_000,
        "service_data": str(tmp_path_factory.mktemp("data")),
        "service_job_disk_mb": 1,
        "service_max_jobs": 100_000,
    }
    with served(create_app(make_selector(**settings))) as origin:
        yield origin


@pytest.mark.parametrize("mode", GenerationMode, ids=lambda mode: mode.value)
@pytest.mark.parametrize("label", OPERATIONS)
def test_the_service_answers_as_it_says(roomy: str, label: str, mode: GenerationMode) -> None:
    load_all_checks()
    excluded = [check for check in CHECKS.get_all() if check.__name__ in UNSTATED]
    operation = OPERATIONS[label]
    if mode is GenerationMode.NEGATIVE and not (operation.body or operation.query):
        # Nothing can be wrong about a request without parameters; an id that is none is simply not found.
        assert label.startswith(("GET ", "DELETE "))
        return

    @given(case=operation.as_strategy(generation_mode=mode))
    @settings(max_examples=25, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
    def check(case: schemathesis.Case) -> None:
        case.call_and_validate(base_url=roomy, excluded_checks=excluded, timeout=60)

    check()

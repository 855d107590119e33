"""The service's description of itself: every example is answered, everything has a name and words."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import httpx
import pytest
from clinical_model_selector.app.service.routes import create_app
from serving import served

from .conftest import make_selector

DOCUMENT = create_app(make_selector()).openapi()
OPERATIONS = {(method, path): operation for path, by in DOCUMENT["paths"].items() for method, operation in by.items()}
EXAMPLES = [
    pytest.param(path, media, example["value"], id=f"{operation['operationId']}-{media.partition('/')[2]}-{name}")
    for (method, path), operation in OPERATIONS.items()
    for media, content in operation.get("requestBody", {"content": {}})["content"].items()
    for name, example in content["examples"].items()
]


@pytest.mark.parametrize(("path", "media", "value"), EXAMPLES)
def test_every_example_is_answered(tmp_path: Path, path: str, media: str, value: dict[str, Any]) -> None:
    with served(create_app(make_selector(service_data=str(tmp_path / "data"), service_job_disk_mb=16))) as origin:
        if media == "application/json":
            answer = httpx.post(origin + path, json=value, timeout=60)
        else:
            answer = httpx.post(origin + path, files={n: (None, str(v)) for n, v in value.items()}, timeout=60)
    assert 200 <= answer.status_code < 300, answer.text


def test_every_body_has_an_example() -> None:
    bodies = [
        content for o in OPERATIONS.values() if "requestBody" in o for content in o["requestBody"]["content"].values()
    ]
    assert len(bodies) >= 6
    assert all(content["examples"] for content in bodies)


def test_every_operation_has_a_name_and_words() -> None:
    names = [operation["operationId"] for operation in OPERATIONS.values()]
    assert len(set(names)) == len(names)
    for operation in OPERATIONS.values():
        assert re.fullmatch(r"[a-z]+(_[a-z]+)*", operation["operationId"])
        assert operation["summary"]
        assert "partial(" not in operation["description"]
        assert operation["tags"]


def test_every_schema_has_a_readable_name() -> None:
    assert [name for name in DOCUMENT["components"]["schemas"] if not re.fullmatch(r"[A-Z][A-Za-z]+", name)] == []


def test_the_documents_page_loads_nothing_from_elsewhere(http: httpx.Client) -> None:
    page = http.get("/docs")
    assert page.status_code == 200
    for operation in OPERATIONS.values():
        assert operation["operationId"] in page.text
    assert re.findall(r'(?:src|href)="(https?:|//)', page.text) == []

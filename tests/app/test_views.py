"""What a person sees in a terminal, and the records behind ``--json``."""

import io
import json

import pytest
from clinical_model_selector.app.render.views import (
    catalogue_record,
    catalogue_view,
    profile_record,
    profile_view,
    result_view,
)
from clinical_model_selector.schemas.methods import HYPERPARAMETERS
from clinical_model_selector.synthesizers.catalogue import CATALOGUE, NOT_OFFERED
from rich.console import Console, RenderableType

from .samples import sample_profile, sample_result


def _shown(view: RenderableType, width: int = 80) -> str:
    console = Console(file=io.StringIO(), width=width, highlight=False, markup=False)
    console.print(view)
    return console.file.getvalue()  # type: ignore[attr-defined]


VIEWS = {
    "result": lambda: result_view(sample_result()),
    "profile": lambda: profile_view(sample_profile(), 285),
    "catalogue": catalogue_view,
}


@pytest.mark.parametrize("view", VIEWS)
@pytest.mark.parametrize("width", [60, 80, 140])
def test_view_keeps_to_the_width_and_steers_no_terminal(view: str, width: int) -> None:
    shown = _shown(VIEWS[view](), width)
    assert max(map(len, shown.splitlines())) <= width
    assert [char for char in shown if not char.isprintable() and char != "\n"] == []


def test_result_view_shows_all_parts() -> None:
    shown = " ".join(_shown(result_view(sample_result()), 200).split())
    for part in (
        "choice tvae", "epochs=700", "backup 1 gaussian_copula", "backup 2 cart", "no differential privacy",
        "1.5 times the real rows, at most 4,321", "answered by embedded, 0.22 s, no charge", "authentication (401)",
        "No auth credentials found", "cost unknown", "[red]{{ 7 * 7 }}", "45 CFR",
    ):  # fmt: skip
        assert part in shown


def test_profile_view_has_a_line_per_column() -> None:
    shown = " ".join(_shown(profile_view(sample_profile("mrn"), 285), 200).split())
    for part in ("686 rows", "about 640 patients", "mrn identifier direct id 1.2% 54 drop", "285 tokens"):
        assert part in shown


def test_profile_record_holds_exact_counts_and_the_prompt() -> None:
    record = profile_record(sample_profile("mrn"), "the prompt", 285)
    assert json.loads(json.dumps(record)) == record
    assert (record["rows"], record["prompt"], record["prompt_tokens"]) == (686, "the prompt", 285)
    first = record["columns"][0]
    expected = {"name": "mrn", "alias": "c1", "kind": "identifier", "role": "withheld", "direct_identifier": True,
                "missing": 8, "distinct": 54}  # fmt: skip
    assert {key: first[key] for key in expected} == expected
    assert first["treatment"]["action"] == "drop"


def test_catalogue_record_holds_every_fact() -> None:
    record = catalogue_record()
    assert json.loads(json.dumps(record)) == record
    assert [entry["method"] for entry in record["synthesizers"]] == list(CATALOGUE)
    assert record["not_offered"] == NOT_OFFERED
    for entry in record["synthesizers"]:
        model = HYPERPARAMETERS[entry["method"]]
        assert {name: knob["default"] for name, knob in entry["hyperparameters"].items()} == {
            name: value for name, value in model.defaults().items() if name != "method"
        }

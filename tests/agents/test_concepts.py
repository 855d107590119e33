"""Clinical concepts go along to a provider, or stay at home where a setting says so."""

import pandas as pd
import pytest
from clinical_model_selector.agents.resolve_request import resolve
from clinical_model_selector.profiling import describe_for_prompt
from clinical_model_selector.schemas.request import SelectionRequest
from clinical_model_selector.schemas.settings import Settings


@pytest.mark.parametrize(("setting", "told"), [("send", True), ("keep", False)])
def test_a_setting_keeps_concepts_at_home(setting: str, told: bool) -> None:
    table = pd.DataFrame({"crea": [0.5 + i % 199 / 100 for i in range(400)], "died": ["yes", "no"] * 200})
    request = SelectionRequest(table=table, concepts={"died": "hospitalized"})
    question = resolve(request, Settings(selector_concepts=setting, selector_embedded="only")).question
    prompt = describe_for_prompt(question.profile)
    assert ("creatinine [mg/dL]" in prompt, "hospitalized" in prompt) == (told, told)

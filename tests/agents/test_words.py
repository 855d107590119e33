from __future__ import annotations

import pytest
from clinical_model_selector.agents.redact_goal import make_safe
from hypothesis import given
from hypothesis import strategies as st

NAMES = {"c1": "died", "c2": "Patient Name", "c3": "HbA1c", "c4": "a", "c5": "age", "c6": "age_band", "c7": "X1"}


@pytest.mark.parametrize(
    ("text", "safe"),
    [
        (None, None),
        ("", None),
        ("predict died", "predict c1"),
        ("predict DIED, please", "predict c1, please"),
        ("nobody has diedx", "nobody has diedx"),
        ("drop Patient Name", "drop c2"),
        ("HbA1c by age and age_band", "c3 by c5 and c6"),
        ("a good copy of X1", "a good copy of c7"),
        ("ask jo.doe@clinic.example first", "ask [contact] first"),
        ("see https://intranet.example/p/123", "see [contact]"),
        ("as for MRN 12345678", "as for MRN [number]"),
        ("born 1950-03-01, SSN 123-45-6789", "born [number], SSN [number]"),
        ("share 2,000 rows for 30 days at epsilon 0.5", "share 2,000 rows for 30 days at epsilon 0.5"),
    ],
)
def test_names_contacts_and_long_numbers_do_not_leave(text: str | None, safe: str | None) -> None:
    assert make_safe(text, NAMES) == safe


@given(
    before=st.text(max_size=40),
    name=st.from_regex(r"[A-Z][a-z]{4,12}_[0-9]{2}", fullmatch=True),
    after=st.text(max_size=40),
)
def test_a_name_standing_alone_is_always_replaced(before: str, name: str, after: str) -> None:
    safe = make_safe(f"{before} {name} {after}", {"c1": name})
    assert safe is not None
    assert name not in safe

"""Training documents for the tiny model: real prompts for made-up tables, and the recommender's plan for each.

Run in the project's environment: ``PYTHONPATH=tests python tests/e2e/make_documents.py 4000 documents.jsonl``
"""

from __future__ import annotations

import json
import random
import sys
from pathlib import Path
from typing import Any

from builders import constraints, profile
from clinical_model_selector.chains.parse_answer import repair_message
from clinical_model_selector.chains.plan_check import Violation
from clinical_model_selector.chains.prompt import build_messages
from clinical_model_selector.evidence.recommender.ranking import recommend
from clinical_model_selector.schemas.errors import NoFeasibleSynthesizer
from clinical_model_selector.schemas.question import Question

SEPARATOR = "<|im_end|>\n"


def draw_question(draw: random.Random) -> Question:
    """A table of some size, asked about in some way."""
    fields: dict[str, Any] = {
        "tradeoff": draw.choice(["balanced", "balanced", "fidelity", "utility", "privacy", "speed"]),
        "compliance": draw.choice(["research", "hipaa_like", "hipaa_like", "gdpr_like", "clinical_strict"]),
        "deployment": draw.choice(["internal", "internal", "saas"]),
    }
    safe = profile(
        rows=int(10 ** draw.uniform(2.3, 4.6)) // 10 * 10,
        continuous=draw.randint(1, 14),
        categorical=draw.randint(1, 8),
        levels=draw.randint(2, 9),
    )
    return Question(profile=safe, constraints=constraints(**fields))


def render(question: Question, *, repaired: bool) -> tuple[str, str]:
    """Prompt in the model's chat format, and the answer."""
    messages = build_messages(question)
    if repaired:
        messages.append(repair_message((Violation(("choice",), "missing", "Field required"),)))
    plan = recommend(question).model_dump(mode="json")
    method = plan["choice"]["method"]
    plan["rationale"] = f"{method} is expected to do best on this table."
    prompt = "".join(
        f"<|im_start|>{'system' if message.type == 'system' else 'user'}\n{message.content}{SEPARATOR}"
        for message in messages
    )
    return f"{prompt}<|im_start|>assistant\n", json.dumps(plan, separators=(",", ":")) + "<|im_end|>"


def main(count: int, path: Path) -> None:
    draw = random.Random(0)
    with path.open("w") as out:
        written = 0
        while written < count:
            try:
                document = render(draw_question(draw), repaired=draw.random() < 0.15)
            except NoFeasibleSynthesizer:
                continue
            out.write(json.dumps(document) + "\n")
            written += 1


if __name__ == "__main__":
    main(int(sys.argv[1]), Path(sys.argv[2]))

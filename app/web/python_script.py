"""The plan as a Python script that carries it out, beside ``result.json``."""

from __future__ import annotations

from ...schemas.result import SelectionResult

__all__ = ["python_code"]

_SCRIPT = '''\
"""Carries out the plan ({method}, chosen by {provider}) on a table. Run it beside result.json: python plan.py TABLE

It needs: pip install 'clinical-model-selector[light]'
"""

import sys
from pathlib import Path

from clinical_model_selector import SelectionResult, evaluate, synthesize
from clinical_model_selector.evidence.report.page import evaluation_page
from clinical_model_selector.synthesizers.running.files import write_result

if __name__ == "__main__":
    table = sys.argv[1]
    result = SelectionResult.model_validate_json(Path("result.json").read_text(encoding="utf-8"))
    made = synthesize(table, result, say=print)
    write_result(made.table, made.card.model_dump_json(indent=2), Path("synthetic.csv"))
    evaluation = evaluate(table, made.table, card=made.card)
    Path("report.html").write_text(evaluation_page(evaluation), encoding="utf-8")
    print(f"synthetic.csv: {{len(made.table)}} rows by {{made.card.method}}; release: {{evaluation.release}}")
'''


def python_code(result: SelectionResult) -> str:
    """The script; nothing that a table's owner wrote stands in it."""
    return _SCRIPT.format(method=result.plan.choice.method, provider=result.provenance.provider)

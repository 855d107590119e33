"""Which rules between columns a synthesis tries: the user's, the plan's, what concepts ask for, and mined ones."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from pydantic import TypeAdapter, ValidationError

from ..profiling.rule_miner import mine_rules
from ..schemas.base import describe_error
from ..schemas.column_treatment import Treatment
from ..schemas.errors import SettingsError
from ..schemas.meaning import CONCEPTS, normalise_name
from ..schemas.meaning.concept_rules import ORDERS, SUMS
from ..schemas.plan import ModelSelectionPlan
from ..schemas.table.rule_sentence import parse_rule
from ..schemas.table.rules import NotAbove, ProposedRule, Rule, SumsTo, Within
from ..synthesizers.rules.keeper import RulesAsked
from ..synthesizers.rules.report import RefusedRule

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["RulesGiven", "read_rules", "rules_asked", "rules_of_concepts"]

RulesGiven = Literal["keep", "off"] | str | Path | Sequence[Rule]
"""``keep`` what the table bears out, ``off``, or besides a file of the user's own rules, or the rules themselves."""

_RULES: TypeAdapter[list[Rule]] = TypeAdapter(list[Rule])
_MOST_RULES = 500


def rules_asked(
    given: RulesGiven, plan: ModelSelectionPlan | None = None, treatments: Sequence[Treatment] = ()
) -> RulesAsked | None:
    """What a synthesis is asked to try; None where rules are switched off.

    Args:
        given: By the user.
        plan: Its rules are tried too.
        treatments: Of the table's columns: their aliases and concepts.

    Raises:
        SettingsError: The file cannot be read, or holds something that is no rule.
    """
    if given == "off":
        return None
    own: Sequence[Rule] = ()
    if isinstance(given, str | Path) and given != "keep":
        own = read_rules(Path(given))
    elif not isinstance(given, str | Path):
        own = _checked(list(given), "rules")
    by_model, refused = _of_plan(plan.rules if plan is not None else (), treatments)
    proposed = [
        *(ProposedRule(rule=rule, origin="user") for rule in own),
        *(ProposedRule(rule=rule, origin="model") for rule in by_model),
        *(ProposedRule(rule=rule, origin="vocabulary") for rule in rules_of_concepts(treatments)),
    ]
    return RulesAsked(tuple(proposed), _mine, tuple(refused))


def rules_of_concepts(treatments: Sequence[Treatment]) -> list[Rule]:
    """What should hold between the concepts of a table's columns.

    Where several columns have a concept, those go together whose names differ in nothing but the concept: the pressures
    of the first visit, and those of the second.
    """
    columns: dict[str, dict[tuple[str, ...], Treatment]] = {}
    for item in treatments:
        if item.concept is not None and item.column is not None and item.action in ("keep", "generalise"):
            columns.setdefault(item.concept, {}).setdefault(_besides(item.column, item.concept), item)
    rules: list[Rule] = []
    for low, high in ORDERS:
        for lower, upper in _together(columns, (low, high)):
            if lower.unit == upper.unit:
                rules.append(NotAbove(lower=str(lower.column), upper=str(upper.column)))
    for parts, total in SUMS:
        for *items, whole in _together(columns, (*parts, total)):
            rules.append(SumsTo(parts=tuple(str(item.column) for item in items), total=str(whole.column)))
    limited = (item for same in columns.values() for item in same.values() if item.unit is not None)
    rules += [rule for item in limited if (rule := _within(item)) is not None]
    return rules


def _together(
    columns: Mapping[str, Mapping[tuple[str, ...], Treatment]], concepts: Sequence[str]
) -> list[tuple[Treatment, ...]]:
    if not all(concept in columns for concept in concepts):
        return []
    if all(len(columns[concept]) == 1 for concept in concepts):
        return [tuple(next(iter(columns[concept].values())) for concept in concepts)]
    shared = set.intersection(*(set(columns[concept]) for concept in concepts))
    return [tuple(columns[concept][words] for concept in concepts) for words in sorted(shared)]


def _besides(column: str, concept: str) -> tuple[str, ...]:
    """Words of a column's name that are no part of the concept's names."""
    own = {word for name in CONCEPTS[concept].names for word in name.split()}
    return tuple(word for word in normalise_name(column) if word not in own)


def _within(item: Treatment) -> Rule | None:
    concept = CONCEPTS[str(item.concept)]
    unit = next((unit for unit in concept.units if unit.code == item.unit), None)
    if concept.limits is None or unit is None or item.how is not None:
        return None
    low, high = (unit.of(limit) for limit in concept.limits)
    return Within(column=str(item.column), least=low, most=high)


def _of_plan(sentences: Sequence[str], treatments: Sequence[Treatment]) -> tuple[list[Rule], list[RefusedRule]]:
    names = {item.alias: item.column for item in treatments if item.column is not None}
    rules: list[Rule] = []
    refused: list[RefusedRule] = []
    for sentence in sentences:
        try:
            rules += parse_rule(sentence, names)
        except ValueError as error:
            refused.append(RefusedRule(rule=sentence, origin="model", reason=str(error)))
    return rules, refused


def read_rules(path: Path) -> list[Rule]:
    """The rules of a YAML file: a list of mappings with ``kind`` and the columns that it speaks of.

    Raises:
        SettingsError: There is no such file, or it holds something that is no rule.
    """
    import yaml

    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"{path}: cannot be read ({type(error).__name__})") from None
    except (yaml.YAMLError, RecursionError):
        raise SettingsError(f"{path}: is no valid YAML") from None
    return _checked(content or [], str(path))


def _checked(content: Any, where: str) -> list[Rule]:
    if not isinstance(content, list) or len(content) > _MOST_RULES:
        raise SettingsError(f"{where}: must be a list of at most {_MOST_RULES} rules")
    try:
        # YAML reads yes, no and numbers; levels are texts.
        return _RULES.validate_python([_as_texts(item) for item in content])
    except ValidationError as error:
        raise SettingsError(f"{where}: {describe_error(error, most=3)}") from None


def _as_texts(item: Any) -> Any:
    if not isinstance(item, dict):
        return item
    levels = {name: str(value) for name, value in item.items() if name in ("level", "value") and value is not None}
    return {**item, **levels}


def _mine(rows: pd.DataFrame, persons: pd.Series | None) -> list[Rule]:
    return [mined.rule for mined in mine_rules(rows, persons=persons)]

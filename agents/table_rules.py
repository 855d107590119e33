"""Which rules between columns a synthesis tries and keeps: the user's, the plan's, those that the table bears out."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from pydantic import TypeAdapter, ValidationError

from ..profiling.rule_miner import mine_rules
from ..schemas.base import describe_error
from ..schemas.errors import SettingsError
from ..schemas.table.rules import ProposedRule, Rule
from ..synthesizers.rules.keeper import RulesAsked

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["RulesGiven", "read_rules", "rules_asked"]

RulesGiven = Literal["keep", "off"] | str | Path | Sequence[Rule]
"""``keep`` what the table bears out, ``off``, or besides a file of the user's own rules, or the rules themselves."""

_RULES: TypeAdapter[list[Rule]] = TypeAdapter(list[Rule])
_MOST_RULES = 500


def rules_asked(given: RulesGiven) -> RulesAsked | None:
    """What a synthesis is asked to try; None where rules are switched off.

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
    return RulesAsked(tuple(ProposedRule(rule=rule, origin="user") for rule in own), _mine)


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

"""``RuleKeeper``: rules built into what is fitted where they can be, and repaired in what is drawn where they cannot.

- A dependent column is left out of the fit and looked up, where nearly every determining value has one partner.
- A column that lies above others is fitted as its distance to them; a total is not fitted but added up.
- All else is repaired after the draw, with values that the drawn table holds itself.

Everything is made from protected rows: no value of few comes back through a lookup, a difference or a sum.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pandas as pd

from ...schemas.table.rules import Determines, NotAbove, ProposedRule, Rule, SumsTo, Within
from ..encoding.apply_treatments import mask_codes
from ..encoding.comparable_cells import Array
from ..encoding.table_encoding import Encoding
from .arithmetic import Difference, Numbers, Total
from .lookup import Lookup, learn_lookup
from .repair import repair_rows, share_gaps
from .report import HowKept, KeptRule, RefusedRule
from .trial import TriedRule, try_rules
from .violations import broken_rows

__all__ = ["Kept", "RuleKeeper", "RuledTable", "RulesAsked", "build_keeper", "keeper_for", "repair_only"]

_UNTRIED = "it cannot be tried on the table within the privacy budget"

LEAST_FOR_DIFFERENCE = 0.1
"""Share of rows that chance must break for an order to be worth a difference; rarer breaks are repaired (judgement)."""

Derived = Lookup | Difference | Total


MineRules = Callable[[pd.DataFrame, "pd.Series | None"], Sequence[Rule]]
"""Treated rows and whose each one is → rules that hold there."""


@dataclass(frozen=True, slots=True)
class RulesAsked:
    """Which rules are tried on a table."""

    proposed: tuple[ProposedRule, ...] = ()
    mine: MineRules | None = None
    """Finds further ones in the treated rows."""
    unread: tuple[RefusedRule, ...] = ()
    """What a language model wrote and is no rule."""


@dataclass(frozen=True, slots=True)
class RuledTable:
    """The rows that rules are tried on and built into."""

    real: pd.DataFrame
    """Treated rows."""
    protected: pd.DataFrame
    """The same rows, protected; or the same again where they are not."""
    persons: pd.Series | None = None
    """Whose row each one is; None counts every row as a person."""
    k: int = 1
    """Fewest persons of a value or a pair that may come out; 1 where values are not protected."""
    missing_codes: Mapping[str, tuple[float, ...]] = field(default_factory=dict)
    """Column → numbers that stand for a missing cell."""
    seed: int = 0
    """Equal tables and seeds give equal rows."""
    private: bool = False
    """Differentially private: nothing is mined or tried, for that would look at the rows outside the budget; the user's
    own rules are kept by changing what was drawn."""
    fitted_as_is: frozenset[str] = frozenset()
    """Columns that must enter the fit as they are: their rules are kept by repair."""


@dataclass(frozen=True, slots=True)
class Kept:
    """Rows that keep the rules, and what it took."""

    table: pd.DataFrame
    rules: tuple[KeptRule, ...]
    cells_changed: float


@dataclass(frozen=True, slots=True)
class RuleKeeper:
    """What it takes to keep rules in drawn rows; holds protected values alone."""

    rules: tuple[TriedRule, ...]
    """Those that count."""
    refused: tuple[RefusedRule, ...]
    order: tuple[Any, ...]
    """Columns of the whole table."""
    numbers: Numbers
    lookups: dict[Rule, Lookup]
    derived: dict[Any, Derived]
    """Columns that are not fitted as they are, in the order in which they are rebuilt."""
    missing_codes: dict[str, tuple[float, ...]]
    whole: Encoding | None = None
    """How the columns of the whole table are coded; None where all are fitted as they are."""

    def shape(self, protected: pd.DataFrame) -> pd.DataFrame:
        """What is fitted in place of the protected rows."""
        columns = {}
        for name in self.order:
            how = self.derived.get(name)
            if how is None:
                columns[name] = protected[name]
            elif isinstance(how, Difference):
                columns[name] = how.shaped(protected, self.numbers)
        return pd.DataFrame(columns)

    def rebuild(self, drawn: pd.DataFrame, seed: int) -> Kept:
        """Drawn rows as rows of the whole table that keep the rules."""
        rng = np.random.default_rng(seed)
        table = drawn.copy()
        for name, how in self.derived.items():
            if isinstance(how, Lookup):
                table[name] = how.draw(table[how.rule.determinant], rng)
            elif isinstance(how, Difference):
                table[name] = how.rebuilt(table, self.numbers)
            else:
                made = how.rebuilt(table, self.numbers)
                table[made.columns] = made
        table = table[list(self.order)]
        seen = mask_codes(table, self.missing_codes)
        rules = [item.rule for item in self.rules]
        before = {rule: self._broken(rule, seen) for rule in rules}
        repaired = seen
        if any(before.values()):
            repaired = repair_rows(share_gaps(seen, rules, self.missing_codes, rng), rules, self.lookups, rng)
        changed = pd.DataFrame({name: ~_same(seen[name], repaired[name]) for name in self.order})
        made = {name: _keep_codes(table[name], repaired[name], changed[name]) for name in self.order}
        told = tuple(self._told(item, before[item.rule], self._broken(item.rule, repaired)) for item in self.rules)
        return Kept(pd.DataFrame(made), told, float(changed.to_numpy().mean()))

    def _broken(self, rule: Rule, table: pd.DataFrame) -> float:
        lookup = self.lookups.get(rule)
        broken = broken_rows(rule, table, table) if lookup is None else ~lookup.allowed(table)
        return float(broken.mean()) if len(broken) else 0.0

    def _told(self, item: TriedRule, before: float, after: float) -> KeptRule:
        how = self._how(item.rule)
        return KeptRule(
            rule=item.rule, origin=item.origin, how=how, support=item.support, confidence=item.confidence,
            broken_as_drawn=before if how == "repaired" else None, broken=after,
        )  # fmt: skip

    def _how(self, rule: Rule) -> HowKept:
        built = {str(name): how for name, how in self.derived.items()}
        if isinstance(rule, Determines) and getattr(built.get(rule.dependent), "rule", None) == rule:
            return "looked up"
        if isinstance(rule, SumsTo) and isinstance(built.get(rule.total), Total):
            return "sum"
        if isinstance(rule, NotAbove):
            how = built.get(rule.upper)
            if isinstance(how, Difference) and rule.lower in map(str, how.lowers):
                return "difference"
        return "repaired"


def keeper_for(asked: RulesAsked, table: RuledTable) -> tuple[RuleKeeper, pd.DataFrame]:
    """The keeper of what is asked for, and what is to be fitted in place of the protected rows."""
    if table.private:
        own = [TriedRule(item.rule, item.origin, None, 0, 0.0) for item in asked.proposed if item.origin == "user"]
        others = [TriedRule(item.rule, item.origin, _UNTRIED) for item in asked.proposed if item.origin == "model"]
        keeper = repair_only(own, list(table.protected.columns), table.missing_codes)
        refused = (*keeper.refused, *asked.unread, *(_refused(item, _UNTRIED) for item in others))
        return replace(keeper, refused=refused), table.protected
    seen = mask_codes(table.real, table.missing_codes)
    mined = asked.mine(seen, table.persons) if asked.mine else ()
    proposed = [*asked.proposed, *(ProposedRule(rule=rule, origin="mined") for rule in mined)]
    tried = [item for item in try_rules(proposed, seen, table.persons, table.k) if _is_worth_telling(item)]
    keeper, whole = build_keeper(tried, table)
    return replace(keeper, refused=(*asked.unread, *keeper.refused)), keeper.shape(whole)


def _is_worth_telling(item: TriedRule) -> bool:
    """Nobody claims what was mined or proposed by concepts and does not hold; what no row comes near is no limit."""
    if isinstance(item.rule, Within) and item.origin == "vocabulary" and item.confidence == 1.0:
        return False
    return item.refused is None or item.origin in ("user", "model")


def build_keeper(tried: Sequence[TriedRule], table: RuledTable) -> tuple[RuleKeeper, pd.DataFrame]:
    """The keeper of those rules that count, tried on ``table``, and the protected rows as they then stand."""
    persons, k, codes = table.persons, table.k, table.missing_codes
    owners = (
        np.arange(len(table.real)) if persons is None else pd.factorize(persons.to_numpy(), use_na_sentinel=False)[0]
    )
    refused = [_refused(item, item.refused) for item in tried if item.refused is not None]
    counting = [item for item in tried if item.refused is None]
    lookups: dict[Rule, Lookup] = {}
    few: list[TriedRule] = []
    for item in counting:
        if isinstance(item.rule, Determines):
            learned = learn_lookup(item.rule, mask_codes(table.protected, codes), owners, k)
            if learned is None:
                few.append(item)
            else:
                lookups[item.rule] = learned
    refused += [_refused(item, f"too few rows have a pair of values that {k} persons share") for item in few]
    counting = [item for item in counting if item not in few]
    numbers = Numbers.of(table.protected)
    derived = _in_order(_choose(counting, lookups, set(numbers.codes), table))
    rng = np.random.default_rng(table.seed)
    protected = table.protected.copy()
    for name, how in derived.items():
        if isinstance(how, Difference):
            protected[name] = how.protect(table.real, protected, owners, k, rng)
        elif isinstance(how, Total):
            made = how.protect(table.real, protected, owners, k, rng)
            protected[made.columns] = made
    derived = {name: _with_facts(how, protected, numbers) for name, how in derived.items()}
    ordered = tuple(sorted(counting, key=lambda item: _RANKS[item.rule.kind]))
    keeper = RuleKeeper(
        ordered, tuple(refused), tuple(protected.columns), numbers, lookups, derived, dict(codes),
        Encoding.of(protected, None, codes),
    )  # fmt: skip
    return keeper, protected


def repair_only(
    rules: Sequence[TriedRule], drawn: Sequence[Any], missing_codes: Mapping[str, tuple[float, ...]]
) -> RuleKeeper:
    """A keeper that knows nothing of real rows: it changes what was drawn, which costs no privacy budget.

    Args:
        rules: Of the user, not tried.
        drawn: Columns of the rows that are drawn.
        missing_codes: Column → numbers that stand for a missing cell.
    """
    columns = {str(name) for name in drawn}
    usable = [item for item in rules if set(item.rule.columns) <= columns]
    refused = tuple(_refused(item, "names a column that is not modelled") for item in rules if item not in usable)
    ordered = tuple(sorted(usable, key=lambda item: _RANKS[item.rule.kind]))
    return RuleKeeper(ordered, refused, tuple(drawn), Numbers({}), {}, {}, dict(missing_codes))


_RANKS = {
    kind: rank
    for rank, kind in enumerate(("determines", "implies_level", "implies_missing", "within", "not_above", "sums_to"))
}
"""What a repair may break stands behind it."""


def _refused(item: TriedRule, reason: str) -> RefusedRule:
    return RefusedRule(rule=str(item.rule), origin=item.origin, reason=reason)


def _choose(
    tried: Sequence[TriedRule], lookups: Mapping[Rule, Lookup], numbers: set[Any], table: RuledTable
) -> dict[Any, Derived]:
    """At most one way for each column, none of which needs what it makes."""
    plain = {name for name in numbers if str(name) not in table.missing_codes}
    fixed = table.fitted_as_is
    chosen: dict[Any, Derived] = {}
    for item in tried:
        rule = item.rule
        if isinstance(rule, SumsTo) and set(rule.columns) <= plain and rule.total not in fixed:
            _add(chosen, rule.total, Total(rule.total, rule.parts))
    by_levels = sorted((lookup for lookup in lookups.values() if lookup.exact), key=lambda lookup: len(lookup.partners))
    for lookup in by_levels:
        columns = {lookup.rule.determinant, lookup.rule.dependent}
        if not columns & set(table.missing_codes) and lookup.rule.dependent not in fixed:
            _add(chosen, lookup.rule.dependent, lookup)
    orders: dict[Any, list[NotAbove]] = {}
    for item in tried:
        if (
            isinstance(item.rule, NotAbove)
            and item.by_chance >= LEAST_FOR_DIFFERENCE
            and set(item.rule.columns) <= plain
            and item.rule.upper not in fixed
        ):
            orders.setdefault(item.rule.upper, []).append(item.rule)
    for upper, rules in orders.items():
        lowers = tuple(dict.fromkeys(rule.lower for rule in rules if not _needs(rule.lower, upper, chosen)))
        if lowers and upper not in chosen:
            chosen[upper] = Difference(upper, lowers, any(rule.strict for rule in rules))
    return chosen


def _add(chosen: dict[Any, Derived], name: Any, how: Derived) -> None:
    if name not in chosen and not any(_needs(source, name, chosen) for source in _sources(how)):
        chosen[name] = how


def _sources(how: Derived) -> tuple[Any, ...]:
    return (how.rule.determinant,) if isinstance(how, Lookup) else how.sources


def _needs(name: Any, other: Any, chosen: Mapping[Any, Derived]) -> bool:
    """``name`` cannot be made without ``other``."""
    return name == other or (name in chosen and any(_needs(source, other, chosen) for source in _sources(chosen[name])))


def _in_order(chosen: Mapping[Any, Derived]) -> dict[Any, Derived]:
    """Each behind what it needs."""
    ordered: dict[Any, Derived] = {}
    waiting = dict(chosen)
    while waiting:
        for name in [name for name, how in waiting.items() if not set(_sources(how)) & set(waiting)]:
            ordered[name] = waiting.pop(name)
    return ordered


def _with_facts(how: Derived, protected: pd.DataFrame, numbers: Numbers) -> Derived:
    """A difference with what its protected rows tell: what fills a gap below, and the smallest distance."""
    if not isinstance(how, Difference):
        return how
    base = how.base(protected, numbers)
    distance = numbers.read(protected, how.upper) - base
    positive = distance[distance > 0]
    least = float(positive.min()) if how.strict and len(positive) else 0.0
    known = base[~np.isnan(base)]
    return Difference(how.upper, how.lowers, how.strict, float(np.median(known)) if len(known) else 0.0, least)


def _same(a: pd.Series, b: pd.Series) -> Array:
    gone = a.isna().to_numpy() & b.isna().to_numpy()
    return np.asarray(gone | (a.astype(object) == b.astype(object)).to_numpy())


def _keep_codes(drawn: pd.Series, repaired: pd.Series, changed: pd.Series) -> pd.Series:
    """The repaired column, or what was drawn where nothing changed; a code for a missing cell stays."""
    if not changed.any():
        return drawn
    if not (drawn.notna() & repaired.isna() & ~changed).any():
        return repaired
    return repaired.where(changed, drawn)

"""The text about a table that leaves the machine: one line per column, and groups where there are many.

It is made from the safe profile alone. Equal profiles give equal text, and the order of a table's columns does not
matter, since aliases are given in an order that depends on content (table.py).
"""

from __future__ import annotations

from collections import Counter

from ..schemas.profile import HistoryStructure, SafeColumn, SafeProfile

__all__ = ["MOST_LINES", "describe_for_prompt", "estimate_tokens"]

MOST_LINES = 58
"""Columns with a line of their own; the rest is told in groups."""
MOST_GROUPS = 40


def describe_for_prompt(profile: SafeProfile) -> str:
    """Describe a table in lines: a header, one line per column, groups beyond ``MOST_LINES`` columns."""
    lines = [_header(profile)]
    if len(profile.columns) <= MOST_LINES:
        lines += [_line(column) for column in profile.columns]
        return "\n".join(lines)
    # Roles and anomalies keep their line; the many alike are counted.
    ranked = sorted(profile.columns, key=lambda column: (_is_plain(column), int(column.alias[1:])))
    single = ranked[: MOST_LINES // 2]
    grouped = ranked[MOST_LINES // 2 :]
    lines += [_line(column) for column in single]
    counts = Counter(map(_group, grouped))
    ordered = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    lines.append(f"the other {len(grouped)} columns in groups:")
    lines += [f"{count}x {text}" for text, count in ordered[:MOST_GROUPS]]
    if len(ordered) > MOST_GROUPS:
        rest = sum(count for _, count in ordered[MOST_GROUPS:])
        lines.append(f"{rest}x other shapes")
    return "\n".join(lines)


def estimate_tokens(text: str) -> int:
    """Tokens of ``text`` for a usual tokenizer, on the high side: prompts of numbers take about one per 1.8 bytes."""
    return -(-len(text.encode()) * 10 // 18)


def _header(profile: SafeProfile) -> str:
    kinds = Counter(column.kind for column in profile.columns)
    parts = [f"rows={profile.rows}"]
    if profile.patients is not None and profile.patients != profile.rows:
        parts.append(f"patients={profile.patients}")
    parts.append(f"one row per {profile.grain}" if profile.grain != "unknown" else "grain unknown")
    parts.append(f"columns={len(profile.columns)}")
    parts.append("kinds: " + ", ".join(f"{kind} {count}" for kind, count in sorted(kinds.items())))
    if profile.survival:
        parts.append("survival outcome (time and event)")
    if profile.history is not None:
        parts.append(_history(profile.history))
    return "; ".join(parts)


def _history(history: HistoryStructure) -> str:
    parts = [f"history of about {history.rows_per_patient:g} rows a patient"]
    parts.append(f"time={history.time}" if history.time else "rows without a time")
    if history.statics:
        parts.append("static " + ",".join(history.statics))
    if history.end:
        parts.append(f"end={history.end}")
    if history.event:
        parts.append(f"event={history.event}")
    if history.once:
        parts.append("codes that come once in " + ",".join(history.once))
    return " ".join(parts)


def _line(column: SafeColumn) -> str:
    parts = [column.alias, column.kind]
    if column.concept is not None:
        parts.append(column.concept if column.unit is None else f"{column.concept} [{column.unit}]")
    if column.role != "feature":
        parts.append(f"role={column.role}")
    if column.action != "keep":
        parts.append(column.action)
    if column.missing_share:
        parts.append(f"missing={column.missing_share:g}")
    parts.append(f"distinct={column.distinct}")
    if column.level_shares:
        names = column.level_names or tuple(f"L{n + 1}" for n in range(len(column.level_shares)))
        parts.append("levels " + " ".join(f"{n}:{s:g}" for n, s in zip(names, column.level_shares, strict=True)))
    if column.quantiles:
        parts.append("q " + " ".join(f"{value:g}" for value in column.quantiles))
    if column.span_years is not None:
        parts.append(f"span={column.span_years}y")
    if column.pattern and column.kind in ("code", "identifier", "free_text"):
        parts.append(column.pattern)
    parts += _marks(column)
    return " ".join(parts)


def _marks(column: SafeColumn) -> list[str]:
    marks = {
        "integer": column.integer and column.quantiles is not None,
        "skewed": column.skewed,
        "zero-inflated": column.zero_inflated,
        "sentinel-missing": column.sentinel_missing,
        "censored": column.censored,
        "leaks-target": column.leaks_target,
        "dirty-labels": column.dirty_labels,
        "quasi": column.quasi_identifier and column.kind != "quasi_identifier",
        "birth": column.birth_date,
        "over-89": column.ages_over_89,
    }
    return [mark for mark, holds in marks.items() if holds]


def _is_plain(column: SafeColumn) -> bool:
    odd = (
        column.sentinel_missing
        or column.leaks_target
        or column.dirty_labels
        or column.censored
        or column.direct_identifier
    )
    return column.role == "feature" and not odd


def _group(column: SafeColumn) -> str:
    parts = [str(column.kind)]
    if column.action != "keep":
        parts.append(column.action)
    parts.append(f"missing {_band(column.missing_share)}")
    if column.encoded_levels:
        parts.append(f"levels {_size(column.encoded_levels)}")
    elif column.kind not in ("constant", "date", "datetime"):
        parts.append(f"distinct {_size(column.distinct)}")
    parts += [mark for mark in _marks(column) if mark in ("integer", "skewed", "zero-inflated")]
    return ", ".join(parts)


def _band(share: float) -> str:
    for limit, name in ((0.0, "0"), (0.05, "<5%"), (0.2, "5-20%"), (0.5, "20-50%")):
        if share <= limit:
            return name
    return ">50%"


def _size(count: int) -> str:
    for limit in (2, 5, 10, 20, 50, 100, 1000):
        if count <= limit:
            return f"<={limit}"
    return ">1000"

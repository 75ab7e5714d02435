"""`dragoman report`: the service's figures, or those of its translations, as a table, CSV, JSON or a page."""

import csv
import html
import io
import json
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta

import msgspec

from config.settings import Settings
from gateway.store.choose import beside
from gateway.tally import FIELDS as COUNTED
from gateway.tally import KIND, Count, total
from routing.languages import language_name
from routing.metrics import Figures, Ticket, figures, tickets
from routing.policy import Policy

COLUMNS = ("conversations", "answered", "closed", "received", "sent")
DURATIONS = ("first_response_median", "first_response_p90", "resolution_median")
SURVEYS = ("asked", "rated", "satisfied", "satisfied_low", "satisfied_high")
FIELDS = ("group", "name", *COLUMNS, *DURATIONS, *SURVEYS)
TOLD = ("messages", *COUNTED, "ms")
"""What is told of translations: of all messages, those computed, those not computed again, and so on."""

TITLES = {
    "first_response_median": "first response (median)",
    "first_response_p90": "first response (p90)",
    "resolution_median": "resolution (median)",
}
HEADS = (*COLUMNS, *(TITLES[each] for each in DURATIONS), "satisfied")


def report(settings: Settings, *, since: timedelta, now: datetime, as_what: str) -> str:
    """Tell the figures of the conversations that began since a while ago."""
    found = [
        ticket
        for mailbox, events in beside(settings.gateway).histories()
        for ticket in tickets(mailbox, events, settings.policy)
        if ticket.opened_at >= now - since
    ]
    return FORMATS[as_what](figures(found), found, settings.policy)


def translations(settings: Settings, *, since: timedelta, now: datetime, as_what: str) -> str:
    """Tell what translating came to, by direction and engine, on the days since a while ago."""
    docs = beside(settings.gateway).docs(KIND).items()
    rows = [_direction(each) for each in total(docs, (now - since).date())]
    heads = ("from", "to", "engine", *TOLD)
    if as_what == "json":
        return "\n".join(json.dumps(row, ensure_ascii=False) for row in rows)
    if as_what == "csv":
        return _comma_separated(heads, rows)
    cells = [[str(row[head]) for head in heads] for row in rows]
    if as_what == "table":
        return _aligned([heads, *cells])
    body = "".join(f"<tr>{''.join(f'<td>{html.escape(cell)}' for cell in row)}</tr>" for row in cells)
    return _page("What translating came to", f"<table><tr><th>{'<th>'.join(heads)}</tr>{body}</table>")


def _direction(each: Count) -> Mapping[str, object]:
    """Add what follows from the counts: all messages, and how long one took that was computed, in ms."""
    messages = each.translated + each.remembered + each.corrected
    mean = round(1000 * each.seconds / each.translated, 1) if each.translated else 0.0
    counted = {field: getattr(each, field) for field in COUNTED}
    return {"from": each.source, "to": each.target, "engine": each.engine, "messages": messages, **counted, "ms": mean}


def _table(told: Sequence[Figures], found: Sequence[Ticket], policy: Policy) -> str:
    return _aligned([["", *HEADS], *([_name(each, policy), *_cells(each)] for each in told)])


def _cells(each: Figures) -> list[str]:
    counts = [str(getattr(each, column)) for column in COLUMNS]
    return [*counts, *(_spell(getattr(each, name)) for name in DURATIONS), satisfaction(each)]


def satisfaction(each: Figures) -> str:
    """Say how many of those who answered were satisfied, what that says about all, and how many were asked."""
    if not each.asked and not each.rated:
        return "-"
    asked = f"{each.rated} of {each.asked} answered"
    if each.satisfied is None or each.satisfied_low is None or each.satisfied_high is None:
        return asked
    return f"{each.satisfied:.0%} ({each.satisfied_low:.0%} to {each.satisfied_high:.0%}), {asked}"


def _aligned(rows: Sequence[Sequence[str]]) -> str:
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    lines = [
        "  ".join(cell.ljust(width) if not column else cell.rjust(width) for column, (cell, width) in enumerate(pairs))
        for pairs in (list(zip(row, widths, strict=True)) for row in rows)
    ]
    return "\n".join(line.rstrip() for line in lines)


def _csv(told: Sequence[Figures], found: Sequence[Ticket], policy: Policy) -> str:
    return _comma_separated(FIELDS, [msgspec.to_builtins(each) for each in told])


def _comma_separated(fields: Sequence[str], rows: Sequence[Mapping[str, object]]) -> str:
    out = io.StringIO()
    writer = csv.DictWriter(out, fields, lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return out.getvalue().rstrip()


def _json(told: Sequence[Figures], found: Sequence[Ticket], policy: Policy) -> str:
    return "\n".join(json.dumps(msgspec.to_builtins(each), ensure_ascii=False) for each in told)


def _html(told: Sequence[Figures], found: Sequence[Ticket], policy: Policy) -> str:
    """Draw a page that needs nothing from elsewhere."""
    days: dict[str, int] = {}
    for ticket in found:
        days[f"{ticket.opened_at:%Y-%m-%d}"] = days.get(f"{ticket.opened_at:%Y-%m-%d}", 0) + 1
    plots = [_plot("Conversations a day", dict(sorted(days.items())))]
    for group in ("channel", "language", "skill", "agent"):
        parts = {_name(each, policy).partition(": ")[2]: each.conversations for each in told if each.group == group}
        plots.append(_plot(f"Conversations by {group}", parts))
    rows = "".join(_row(each, policy) for each in told)
    heads = "".join(f"<th>{each}" for each in HEADS)
    return _page("What the service did", f"<table><tr><th>{heads}</tr>{rows}</table>\n{''.join(plots)}")


def _page(title: str, body: str) -> str:
    return f"""<!doctype html>
<html lang="en"><meta charset="utf-8"><title>Dragoman: report</title>
<style>
body {{ font: 15px/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 60rem; padding: 0 1rem; color: #222 }}
table {{ border-collapse: collapse; width: 100% }} th, td {{ padding: .3rem .6rem; text-align: right }}
th:first-child, td:first-child {{ text-align: left }} tr {{ border-bottom: 1px solid #ddd }}
svg {{ width: 100%; height: auto }} rect {{ fill: #3a6ea5 }} text {{ font-size: 12px; fill: #222 }}
</style>
<h1>{title}</h1>
{body}
</html>"""


def _row(each: Figures, policy: Policy) -> str:
    return f"<tr><td>{html.escape(_name(each, policy))}{''.join(f'<td>{cell}' for cell in _cells(each))}</tr>"


def _plot(title: str, values: Mapping[str, int]) -> str:
    most = max(values.values(), default=0)
    bars = "".join(
        f'<text x="150" y="{20 * row + 15}" text-anchor="end">{html.escape(name[:24])}</text>'
        f'<rect x="160" y="{20 * row + 3}" width="{500 * value / most:.0f}" height="14"/>'
        f'<text x="{165 + 500 * value / most:.0f}" y="{20 * row + 15}">{value}</text>'
        for row, (name, value) in enumerate(values.items())
    )
    height = 20 * len(values) + 5
    return f'<h2>{html.escape(title)}</h2><svg viewBox="0 0 720 {height}" role="img">{bars}</svg>'


def _name(each: Figures, policy: Policy) -> str:
    if each.group == "all":
        return "all"
    names: Mapping[str, Callable[[str], str]] = {"agent": policy.name_of, "language": language_name}
    named = names.get(each.group, str)(each.name) if each.name else "none"
    return f"{each.group}: {named}"


def _spell(seconds: float | None) -> str:
    if seconds is None:
        return "-"
    minutes, rest = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}"


FORMATS: Mapping[str, Callable[[Sequence[Figures], Sequence[Ticket], Policy], str]] = {
    "table": _table,
    "csv": _csv,
    "json": _json,
    "html": _html,
}
"""How figures are told."""

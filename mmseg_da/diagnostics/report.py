# SPDX-License-Identifier: Apache-2.0
"""What a check found, and how a list of checks is shown."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from io import StringIO
from typing import Literal

STATUSES = ('ok', 'warn', 'fail')
STYLES = {'ok': 'green', 'warn': 'yellow', 'fail': 'bold red'}


@dataclass(frozen=True)
class Check:
    """The result of one check.

    Attributes:
        name (str): What was looked at.
        status (str): ``'ok'``, ``'warn'`` (works, with a limit) or
            ``'fail'`` (something will not work).
        value (str): What was found.
        advice (str): What to do; empty for ``'ok'``.
    """

    name: str
    status: Literal['ok', 'warn', 'fail']
    value: str
    advice: str = ''


def exit_code(checks: Iterable[Check]) -> int:
    """Return 1 if any check failed, else 0."""
    return int(any(check.status == 'fail' for check in checks))


def render_json(checks: Sequence[Check]) -> str:
    """Return ``{"ok": bool, "checks": [...]}`` as indented JSON."""
    content = {
        'ok': exit_code(checks) == 0,
        'checks': [asdict(check) for check in checks],
    }
    return json.dumps(content, indent=2)


def render_table(checks: Sequence[Check], color: bool = False) -> str:
    """Return a table, or plain lines where rich is not installed."""
    try:
        from rich.console import Console
        from rich.table import Table
        from rich.text import Text
    except ImportError:
        return _plain_lines(checks)
    table = Table(show_edge=False)
    for title in ('check', 'status', 'found', 'what to do'):
        table.add_column(title, overflow='fold')
    for check in checks:
        status = Text(check.status, style=STYLES[check.status])
        # Text, not str: a path or message may hold rich's [markup].
        found, advice = Text(check.value), Text(check.advice)
        table.add_row(check.name, status, found, advice)
    console = Console(
        file=StringIO(),
        force_terminal=color,
        no_color=not color,
        width=None if color else 110,
    )
    console.print(table)
    return console.file.getvalue().rstrip()


def _plain_lines(checks: Sequence[Check]) -> str:
    lines = []
    for check in checks:
        lines.append(f'{check.status:5}{check.name}: {check.value}')
        if check.advice:
            lines.append(f'     -> {check.advice}')
    return '\n'.join(lines)

# SPDX-License-Identifier: Apache-2.0
from .environment import environment_checks
from .report import Check, exit_code, render_json, render_table

__all__ = [
    'Check',
    'environment_checks',
    'exit_code',
    'render_json',
    'render_table',
]

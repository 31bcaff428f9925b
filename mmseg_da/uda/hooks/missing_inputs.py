# SPDX-License-Identifier: Apache-2.0
"""What a run says when earlier stages have not made what it reads."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from mmengine.runner import Runner

# Not from mmseg_da.recipes: trainings would depend on its code (code hash).
_REPO = Path(__file__).resolve().parents[3]


def refuse_missing(problems: Sequence[str], runner: Runner) -> None:
    """Name all problems at once, and the recipe of the config if it has one.

    Args:
        problems: One text each, with the command that mends it.
        runner: Its config file gives the name of the recipe.

    Raises:
        ValueError: There is a problem.
    """
    if not problems:
        return
    lines = ['this run reads what is not there or cannot be used:']
    lines += [f'- {problem}' for problem in problems]
    name = Path(runner.cfg.filename or '').stem
    if (_REPO / f'configs/recipes/{name}.py').is_file():
        lines.append(
            f'One command makes all of it: python tools/run_method.py {name}'
        )
    raise ValueError('\n'.join(lines))

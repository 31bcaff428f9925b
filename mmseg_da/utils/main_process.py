# SPDX-License-Identifier: Apache-2.0
"""What one process of several does for all of them."""

from __future__ import annotations

from collections.abc import Callable

from mmengine.dist import broadcast_object_list, is_main_process


def main_process_first(action: Callable[[], None]) -> None:
    """Run ``action`` on the first process; all wait for it, or all raise.

    With a barrier instead, the others would wait for a first process that
    failed, until the launcher ends them.

    Args:
        action: What prepares or finishes a shared folder. Errors have to be
            picklable, as those of Python are.

    Raises:
        Exception: What ``action`` raised, on every process.
    """
    outcome: list[Exception | None] = [None]
    if is_main_process():
        try:
            action()
        except Exception as error:
            outcome = [error]
    broadcast_object_list(outcome)
    if outcome[0] is not None:
        raise outcome[0]

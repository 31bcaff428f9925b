# SPDX-License-Identifier: Apache-2.0
"""What a Runner does for people who read its output, left out in tests."""

from __future__ import annotations

import ast
from contextlib import contextmanager
from unittest import mock

import yapf.yapflib.yapf_api  # noqa: F401


@contextmanager
def unformatted_config_texts():
    """Config texts keep mmengine's own lines: yapf only lays them out.

    A Runner formats its config four times, with every checkpoint once more;
    for the configs of the suite that is most of the time of a short run. The
    syntax is checked as before. Tools in a process of their own format.
    """
    with mock.patch('yapf.yapflib.yapf_api.FormatCode', _checked):
        yield


def _checked(text: str, **_) -> tuple[str, bool]:
    ast.parse(text)
    return text, False

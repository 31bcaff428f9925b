# SPDX-License-Identifier: Apache-2.0
"""The tools, and the reference networks of this folder."""

import importlib.util
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).resolve().parent
TOOLS = HERE.parents[1] / 'tools'
# Helper modules are found on the path with --import-mode=importlib.
sys.path.append(str(HERE))


@pytest.fixture
def load_tool(monkeypatch):
    """Import ``tools/<path>.py``, which is no package, by its file."""

    def load(path):
        file = TOOLS / f'{path}.py'
        name = f'_tool_{file.stem}_converter'
        spec = importlib.util.spec_from_file_location(name, file)
        module = importlib.util.module_from_spec(spec)
        monkeypatch.setitem(sys.modules, name, module)
        spec.loader.exec_module(module)
        return module

    return load

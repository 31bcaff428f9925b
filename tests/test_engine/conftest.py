# SPDX-License-Identifier: Apache-2.0
import importlib.util
import sys
from pathlib import Path

import pytest


@pytest.fixture(scope='session')
def toy():
    """The module ``toy_run``."""
    spec = importlib.util.spec_from_file_location(
        'toy_run', Path(__file__).with_name('toy_run.py')
    )
    sys.modules['toy_run'] = module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module

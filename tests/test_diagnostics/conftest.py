# SPDX-License-Identifier: Apache-2.0
"""A StreetWorld with every raw format, and the doctor on one data set."""

import importlib.util
import os
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest

from mmseg_da.datasets.street_world.generate import generate
from mmseg_da.datasets.street_world.world import WorldSettings
from mmseg_da.diagnostics import Check
from mmseg_da.diagnostics.data import ReadOptions, data_checks

FORMATS = (
    'gta',
    'gta_seq',
    'synthia',
    'synthia_seq',
    'synscapes',
    'cityscapes_sequence',
    'mapillary',
    'camvid',
)


@pytest.fixture(scope='session')
def clean_world(tmp_path_factory) -> Path:
    """Never change it; :func:`world` is a copy for one test."""
    base = tmp_path_factory.getbasetemp()
    if 'PYTEST_XDIST_WORKER' in os.environ:
        base = base.parent
    settings = WorldSettings(
        size=(96, 48), train=4, val=2, test=1, sequence_frames=3
    )
    generate(base / 'every_format', FORMATS, settings)
    return base / 'every_format'


@pytest.fixture
def world(clean_world, tmp_path) -> Path:
    """A copy that a test may break."""
    return shutil.copytree(clean_world, tmp_path / 'world')


def examine(tmp_path: Path, *datasets: dict, **config) -> list[Check]:
    """What the doctor says about a config with these data sets."""
    loaders = dict(train_dataloader=dict(dataset=dict(datasets=datasets)))
    path = tmp_path / 'config.py'
    content = {**(loaders if datasets else {}), **config}
    lines = ["custom_imports = dict(imports=['mmseg_da'])"]
    lines += [f'{key} = {value!r}' for key, value in content.items()]
    path.write_text('\n'.join(lines))
    return data_checks(str(path), ReadOptions(full=True))


def found(checks: list[Check], status: str) -> list[Check]:
    return [check for check in checks if check.status == status]


@pytest.fixture
def doctor(tmp_path) -> Callable[..., list[Check]]:
    return lambda *datasets, **config: examine(tmp_path, *datasets, **config)


@pytest.fixture
def load_doctor(monkeypatch) -> ModuleType:
    """The module ``tools/doctor.py``."""
    path = Path(__file__).resolve().parents[2] / 'tools/doctor.py'
    spec = importlib.util.spec_from_file_location('_doctor', path)
    module = importlib.util.module_from_spec(spec)
    monkeypatch.setitem(sys.modules, '_doctor', module)
    spec.loader.exec_module(module)
    return module

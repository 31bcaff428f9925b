# SPDX-License-Identifier: Apache-2.0
"""Running tools/train.py and tools/test.py in process, on tiny data."""

import importlib.util
import itertools
from pathlib import Path

from tiny_cityscapes import write_config, write_frames

TOOLS = Path(__file__).resolve().parents[1] / 'tools'
_runs = itertools.count()


def load(name):
    """Import a tool by its file; ``tools`` is no package."""
    spec = importlib.util.spec_from_file_location(
        f'_{name}_tool', TOOLS / f'{name}.py'
    )
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def call(tool, *argv):
    """Run a tool in process; loggers are global, so each run has a name."""
    name = f'experiment_name=tool_run_{next(_runs)}'
    return load(tool).main([*map(str, argv), '--cfg-options', name])


def train_tiny(folder):
    """Train two iterations; return config, work directory, checkpoint."""
    write_frames(folder / 'cs', 'train', 2, seed=0)
    write_frames(folder / 'cs', 'val', 3, seed=1)
    config = write_config(folder, folder / 'cs')
    work_dir = folder / 'work'
    assert call('train', config, '--work-dir', work_dir, '--seed', 3) == 0
    return config, work_dir, work_dir / 'iter_2.pth'

# SPDX-License-Identifier: Apache-2.0
"""Misspelt keys in config files are one-screen errors."""

import contract
import pytest
from mmengine.config import Config
from mmengine.registry import Registry
from mmseg.registry import HOOKS, MODELS, TRANSFORMS
from tool_calls import call

from mmseg_da.utils.cli import exit_with
from mmseg_da.utils.config_file_keys import (
    refuse_misspelt_keys,
    unexpected_argument,
    unknown_type,
)
from mmseg_da.utils.tool_runner import load_config

BASE = contract.REPO / 'configs/methods/oracle_swc.py'


def write(tmp_path, text):
    file = tmp_path / 'mine.py'
    file.write_text(f"_base_ = '{BASE}'\n{text}\n", encoding='utf-8')
    return str(file)


@pytest.mark.parametrize(
    ('line', 'key', 'meant'),
    [
        ('train_datloader = dict()', 'train_datloader', 'train_dataloader'),
        ('optim_wraper = dict()', 'optim_wraper', 'optim_wrapper'),
        ('custom_hook = []', 'custom_hook', 'custom_hooks'),
    ],
)
def test_misspelt_top_level_key(tmp_path, line, key, meant):
    with pytest.raises(ValueError, match=f"{key!r} is not .* '{meant}'"):
        load_config(write(tmp_path, line), [])


@pytest.mark.parametrize(
    'path',
    [*contract.CONFIGS, *(contract.REPO / 'docs/examples').glob('*.py')],
    ids=lambda p: p.stem,
)
def test_the_configs_of_the_suite_pass(path):
    refuse_misspelt_keys(Config.fromfile(path), path.name)


@pytest.mark.parametrize(
    ('line', 'parts'),
    [
        (
            'model = dict(segmentr=1)',
            ("takes no argument 'segmentr'", 'segmentor'),
        ),
        (
            'model = dict(segmentor=dict(decode_head=dict(num_clases=3)))',
            (
                "DepthwiseSeparableASPPHead takes no argument 'num_clases'",
                'num_classes',
            ),
        ),
        (
            'train_dataloader = dict(num_wrokers=0)',
            ("DataLoader takes no argument 'num_wrokers'", 'num_workers'),
        ),
    ],
)
def test_misspelt_argument(
    tmp_path, street_world, monkeypatch, capfd, line, parts
):
    for name, value in contract.dataset_roots(street_world).items():
        monkeypatch.setenv(name, value)
    file = write(tmp_path, line)
    work_dir = tmp_path / 'run'
    assert call('train', file, '--work-dir', work_dir) == 2
    error = capfd.readouterr().err.split('error: ')[-1]
    assert error.startswith(f'{file}: ')
    assert all(part in error for part in parts)
    assert 'Traceback' not in error and len(error.splitlines()) < 12


def test_wrong_calls_in_the_code_are_no_errors_of_the_config():
    class Faulty:
        def __init__(self, size):
            self.resize(length=size)

        def resize(self):
            pass

    registry = Registry('faulty')
    registry.register_module(module=Faulty)
    with pytest.raises(TypeError) as bug:
        registry.build({'type': 'Faulty', 'size': 3})
    assert unexpected_argument(bug.value) is None
    with pytest.raises(TypeError) as slip:
        registry.build({'type': Faulty, 'sise': 3})
    assert 'Faulty takes no argument' in unexpected_argument(slip.value)
    assert 'Nearest: size.' in unexpected_argument(slip.value)


@pytest.mark.parametrize(
    ('registry', 'name', 'nearest'),
    [
        (MODELS, 'SCA', 'SAC'),
        (MODELS, 'mmseg.Advnet', 'ADVENT'),
        (MODELS, 'SyncBNN', 'SyncBN'),  # mmengine's, above mmseg's
        (HOOKS, 'MeanTeachrHook', 'MeanTeacherHook'),
        (TRANSFORMS, 'LoadRawLabel', 'LoadRawLabels'),
    ],
)
def test_unknown_types_name_the_nearest(registry, name, nearest, capsys):
    def build():
        registry.build({'type': name})

    with pytest.raises(KeyError) as caught:
        build()
    text = unknown_type(str(caught.value))
    assert text.startswith(f'{name} is not in the mmseg::{registry.name} ')
    near = text.partition('Nearest: ')[2].partition('. ')[0].split(', ')
    assert nearest in near and 'docs/architecture.md' in text
    with pytest.raises(SystemExit, match='2'):
        exit_with(build)
    assert capsys.readouterr().err.startswith(f'error: {text}\n')


def test_other_missing_keys_are_bugs():
    assert unknown_type("'seed'") is None
    text = unknown_type('qqqq is not in the mmseg::hook registry.')
    assert 'Nearest: none is like it.' in text
    with pytest.raises(KeyError):
        exit_with(lambda: {}['seed'])

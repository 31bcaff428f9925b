# SPDX-License-Identifier: Apache-2.0
import runpy
from pathlib import Path

import pytest
from mmseg.registry import DATASETS

REPO = Path(__file__).resolve().parents[2]
TOOL = runpy.run_path(str(REPO / 'tools/dataset_converters/make_cache.py'))

CONFIG = """
custom_imports = dict(imports=['mmseg_da'], allow_failed_imports=False)
cache = {cache}
gta = dict(type='GTADataset', data_root={gta!r}, cache=cache)
few = dict(gta, indices=2)
val = dict(type='CityscapesRawDataset', data_root={cs!r}, split='val')
train_dataloader = dict(
    dataset=dict(type='DomainConcatDataset', datasets=[gta, few]))
val_dataloader = dict(dataset=val)
"""


def write(tmp_path, street_world, cache):
    path = tmp_path / 'config.py'
    text = CONFIG.format(
        cache=cache,
        gta=str(street_world / 'gta'),
        cs=str(street_world / 'cityscapes'),
    )
    path.write_text(text)
    return str(path)


def test_makes_then_checks(tmp_path, street_world, capsys):
    cache = dict(dir=str(tmp_path / 'cache'), scale=(64, 32))
    config = write(tmp_path, street_world, cache)
    assert TOOL['main']([config, '--workers', '1']) == 0
    lines = capsys.readouterr().out.splitlines()
    # The whole set serves both members.
    assert len(lines) == 2 and lines[0].endswith('made')
    assert '8 images' in lines[0]
    assert TOOL['main']([config]) == 0
    assert 'all source files unchanged' in capsys.readouterr().out
    dataset = DATASETS.build(
        dict(
            type='GTADataset',
            data_root=str(street_world / 'gta'),
            pipeline=[dict(type='LoadStreetImage')],
            cache=cache,
            indices=3,
        )
    )
    assert [x['img'].shape for x in dataset] == [(32, 64, 3)] * 3


def test_hooks_are_looked_through(tmp_path, street_world, capsys):
    """AdaBN reads its own loader."""
    config = write(tmp_path, street_world, None)
    cache = dict(dir=str(tmp_path / 'cache'), scale=(64, 32))
    with open(config, 'a') as file:
        file.write(
            "custom_hooks = [dict(type='TargetBNHook', dataloader=dict("
            f'dataset=dict(gta, cache={cache!r})))]\n'
        )
    assert TOOL['main']([config, '--workers', '1']) == 0
    assert '8 images' in capsys.readouterr().out


def test_several_processes(tmp_path, street_world):
    cache = dict(dir=str(tmp_path / 'cache'), scale=(64, 32))
    config = write(tmp_path, street_world, cache)
    assert TOOL['main']([config, '--workers', '2']) == 0


def test_no_cache(tmp_path, street_world):
    config = write(tmp_path, street_world, None)
    with pytest.raises(ValueError, match=r'no dataset has a cache. Add to'):
        TOOL['main']([config])


def test_stale_cache(tmp_path, raw_gta):
    """make_cache compares every file, not a sample."""
    cache = dict(dir=str(tmp_path / 'cache'), scale=(64, 32))
    config = write(tmp_path, raw_gta, cache)
    assert TOOL['main']([config, '--workers', '1']) == 0
    path = raw_gta / 'gta/images/00001.png'
    path.write_bytes(path.read_bytes() + b' ')
    with pytest.raises(ValueError, match='stale cache, the files of 00001'):
        TOOL['main']([config])


@pytest.fixture
def raw_gta(tmp_path, street_world):
    """A copy of the GTA folder, to break."""
    import shutil

    shutil.copytree(street_world / 'gta', tmp_path / 'copy/gta')
    return tmp_path / 'copy'

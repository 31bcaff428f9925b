# SPDX-License-Identifier: Apache-2.0
"""Fixtures shared by all tests: one StreetWorld folder, the CamVid frames."""

import gc
import os
from pathlib import Path

import fast_runs
import pytest
import torch
from disparities import write_disparities
from mmengine.registry import init_default_scope
from predicted_stats import write_predicted_stats
from rankings import write_rankings

from mmseg_da.datasets.street_world.generate import generate
from mmseg_da.datasets.street_world.world import WorldSettings

REPO = Path(__file__).resolve().parents[1]


@pytest.fixture(scope='session', autouse=True)
def single_thread():
    """Two xdist workers share two cores."""
    torch.set_num_threads(1)


@pytest.fixture(scope='session', autouse=True)
def short_collections():
    """Every dataset collects garbage; what was imported is never any."""
    gc.collect()
    gc.freeze()


@pytest.fixture(scope='session', autouse=True)
def unformatted_config_texts():
    """Config texts of Runners are checked, not laid out by yapf."""
    with fast_runs.unformatted_config_texts():
        yield


@pytest.fixture(autouse=True)
def mmseg_scope():
    """What the Runner does for a config's ``default_scope``."""
    init_default_scope('mmseg')


@pytest.fixture(scope='session')
def street_world(tmp_path_factory):
    """Root of a small StreetWorld, made once for all xdist workers."""
    base = tmp_path_factory.getbasetemp()
    if 'PYTEST_XDIST_WORKER' in os.environ:
        base = base.parent
    settings = WorldSettings(
        size=(128, 64),
        train=8,
        val=4,
        test=2,
        sequence_frames=3,
        truth_share=1.0,
    )
    formats = ('gta', 'cityscapes', 'camvid', 'synthia', 'synscapes')
    formats += ('cityscapes_sequence', 'gta_seq')
    generate(base / 'street_world', formats, settings)
    write_disparities(base / 'street_world')
    write_rankings(base / 'street_world')
    write_predicted_stats(base / 'street_world')
    return base / 'street_world'


@pytest.fixture(scope='session')
def street_video(tmp_path_factory):
    """Root of a small StreetWorld with video, disparity and vehicle files."""
    base = tmp_path_factory.getbasetemp()
    if 'PYTEST_XDIST_WORKER' in os.environ:
        base = base.parent
    settings = WorldSettings(size=(128, 64), train=6, val=3, sequence_frames=3)
    formats = ('cityscapes', 'cityscapes_sequence', 'gta', 'gta_seq')
    formats += ('synthia', 'synthia_seq')
    generate(base / 'street_video', formats, settings)
    return base / 'street_video'


@pytest.fixture(scope='session')
def camvid_root():
    """The real CamVid frames; skips where they are absent."""
    shared = os.environ.get(
        'MMSEG_DA_SHARED_DATA', REPO.parent / 'shared/data'
    )
    root = Path(shared) / 'camvid'
    if not (root / 'train.txt').exists():
        pytest.skip(
            'the CamVid frames are not here; set MMSEG_DA_SHARED_DATA to the '
            'folder that holds camvid/'
        )
    return root

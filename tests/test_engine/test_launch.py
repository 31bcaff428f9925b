# SPDX-License-Identifier: Apache-2.0
import random

import numpy as np
import pytest
import torch
from mmengine.config import Config

from mmseg_da.engine import prepare_launcher, preserve_rng, seed_everything
from mmseg_da.engine.launch import TORCHRUN_VARIABLES


@pytest.fixture
def torchrun(monkeypatch):
    """The environment of a single torchrun process."""
    for name in TORCHRUN_VARIABLES:
        monkeypatch.setenv(name, '0')
    return monkeypatch


def test_without_launcher_nothing_is_wrapped():
    cfg = Config(dict(model=dict()))
    prepare_launcher(cfg, 'none')
    assert cfg.launcher == 'none'
    assert 'model_wrapper_cfg' not in cfg


def test_with_cuda_only_the_wrapper_is_chosen(torchrun):
    torchrun.setattr(torch.cuda, 'is_available', lambda: True)
    torchrun.setattr(torch.cuda, 'device_count', lambda: 1)
    cfg = Config(dict(find_unused_parameters=True))
    prepare_launcher(cfg, 'pytorch')
    assert cfg.model_wrapper_cfg == dict(
        type='UDADistributedDataParallel', find_unused_parameters=True
    )
    assert not torch.distributed.is_initialized()


def test_the_users_wrapper_stays(torchrun):
    torchrun.setattr(torch.cuda, 'is_available', lambda: True)
    torchrun.setattr(torch.cuda, 'device_count', lambda: 1)
    cfg = Config(dict(model_wrapper_cfg=dict(type='Mine', static_graph=True)))
    prepare_launcher(cfg, 'pytorch')
    assert cfg.model_wrapper_cfg == dict(type='Mine', static_graph=True)


def test_more_processes_than_gpus(torchrun):
    torchrun.setattr(torch.cuda, 'is_available', lambda: True)
    torchrun.setattr(torch.cuda, 'device_count', lambda: 2)
    torchrun.setenv('LOCAL_RANK', '2')
    with pytest.raises(ValueError, match=r'process 2 .* 2 visible'):
        prepare_launcher(Config(dict()), 'pytorch')


def test_started_without_torchrun(monkeypatch):
    for name in TORCHRUN_VARIABLES:
        monkeypatch.delenv(name, raising=False)
    with pytest.raises(ValueError, match=r'RANK.*dist_train\.sh'):
        prepare_launcher(Config(dict()), 'pytorch')


def test_slurm_needs_gpus(monkeypatch):
    monkeypatch.setattr(torch.cuda, 'is_available', lambda: False)
    with pytest.raises(ValueError, match='--launcher slurm needs GPUs'):
        prepare_launcher(Config(dict()), 'slurm')


def draw():
    return random.random(), np.random.rand(), torch.rand(1).item()


def test_seeds_are_a_function_of_the_key():
    draws = {}
    for key in ((0, 0, 1), (0, 1, 0), (1, 0, 0), (0, 0, 1)):
        seed_everything(*key)
        values = draw()
        assert draws.setdefault(key, values) == values
    assert len({v for values in draws.values() for v in values}) == 9


def test_preserved_generators_go_on_as_if_nothing_happened():
    seed_everything(1)
    expected = draw()
    seed_everything(1)
    with pytest.raises(RuntimeError), preserve_rng():
        draw()
        seed_everything(2)
        raise RuntimeError
    assert draw() == expected

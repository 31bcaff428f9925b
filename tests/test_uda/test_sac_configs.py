# SPDX-License-Identifier: Apache-2.0
"""The paper's configs of ABN and SAC hold the values of its tables."""

import pytest
import torch
from contract import CONFIGS, REPO
from mmengine.config import Config
from mmengine.optim import build_optim_wrapper
from mmseg.registry import MODELS

from mmseg_da.recipes.declaration import load_recipe
from mmseg_da.utils.config_file_keys import refuse_misspelt_keys

# Architecture: batch of ABN, learning rate, target weight, lower threshold.
VALUES = {
    '': ([12, 8], 2.5e-4, 5.0, 0.2),
    '_vgg16': ([16, 2], 2.5e-4, 2.0, 0.1),
    '_vgg16fcn': ([16, 4], 5e-4, 2.0, 0.1),
}
# Iterations of ABN and SAC (SAC sheet, section 7).
ITERATIONS = {
    'gta2cs': (30_000, 108_000),
    'gta2cs_vgg16': (64_630, 77_625),
    'gta2cs_vgg16fcn': (22_480, 81_000),
    'syn2cs': (70_470, 86_950),
    'syn2cs_vgg16': (41_090, 110_450),
    'syn2cs_vgg16fcn': (23_480, 68_150),
}
GROUPS = {
    '': (208, 104, 4, 4),
    '_vgg16': (26, 26, 6, 6),
    '_vgg16fcn': (26, 26, 7, 7),
}
STAGES = ['sac-abn', 'sac']


def read(stage, name):
    path = REPO / f'configs/methods/{stage}_{name}.py'
    assert path in CONFIGS
    cfg = Config.fromfile(path, import_custom_modules=False)
    refuse_misspelt_keys(cfg, str(path))  # as tools/train.py does
    return cfg


def arch(name):
    return name[len('gta2cs') :]


@pytest.mark.parametrize('stage', STAGES)
@pytest.mark.parametrize('name', ITERATIONS)
def test_schedule_and_batch(name, stage):
    cfg = read(stage, name)
    batch, lr, _, _ = VALUES[arch(name)]
    if stage == 'sac':
        batch = [8, 2]
    assert cfg.train_cfg.max_iters == ITERATIONS[name][STAGES.index(stage)]
    train = cfg.train_dataloader
    assert train.sampler.source_ratio == batch
    assert train.batch_size == train.sampler.batch_size == sum(batch)
    assert cfg.param_scheduler == []
    optimizer = cfg.optim_wrapper.segmentor.optimizer
    assert optimizer == dict(
        type='SGD', lr=lr, momentum=0.9, weight_decay=5e-4
    )
    loss = cfg.model.segmentor.decode_head.loss_decode
    assert loss == dict(type='PixelCELoss', normalize='all')
    size = (640, 640) if stage == 'sac-abn' else (512, 1024)
    assert cfg.model.data_preprocessor.data_preprocessor.size == size


@pytest.mark.parametrize('name', ITERATIONS)
def test_method_options(name):
    assert read('sac-abn', name).model.type == 'ABN'
    cfg = read('sac', name)
    with torch.device('meta'):
        model = MODELS.build(cfg.model)
    _, _, weight, threshold = VALUES[arch(name)]
    assert (model.target_weight, model.lower_threshold) == (weight, threshold)
    assert model.upper_threshold == 0.75
    assert model.target_images == 2
    policy = cfg.train_dataloader.sampler.policies[1]
    assert policy.uniform_prior == 0.25
    missing = ['terrain', 'truck', 'train'] if 'syn' in name else None
    assert policy.get('uniform_classes') == missing


@pytest.mark.parametrize('stage', STAGES)
@pytest.mark.parametrize('kind', GROUPS)
def test_groups_leave_the_teacher_out(stage, kind):
    """Oracle 16 on the models of the configs."""
    cfg = read(stage, f'gta2cs{kind}')
    with torch.device('meta'):
        model = MODELS.build(cfg.model)
    optimizer = build_optim_wrapper(model, cfg.optim_wrapper).optimizer
    groups = optimizer.param_groups
    assert tuple(len(g['params']) for g in groups) == GROUPS[kind]
    lr = VALUES[kind][1]
    expected = [lr, 2 * lr, 10 * lr, 20 * lr]
    assert [g['lr'] for g in groups] == pytest.approx(expected)
    owned = sorted(id(p) for g in groups for p in g['params'])
    assert owned == sorted(id(p) for p in model.segmentor.parameters())


@pytest.mark.parametrize('name', ITERATIONS)
def test_recipe(name):
    recipe = load_recipe(f'sac_{name}')
    configs = [stage.config.stem for stage in recipe.stages]
    abn, sac = f'sac-abn_{name}', f'sac_{name}'
    assert configs == [abn, abn, sac, sac]
    _, weights, training, test = recipe.stages
    assert (weights.artifact, weights.checkpoint) == ('class_stats', 'abn')
    assert training.options == dict(load_from='{abn}')
    assert set(training.env.values()) == {'{weights.root}', '{weights.key}'}
    assert test.checkpoint == 'sac'

# SPDX-License-Identifier: Apache-2.0
"""The paper's configs of ABN and SAC hold the values of its tables."""

import pytest
import torch
from contract import CONFIGS, REPO
from mmengine.config import Config
from mmengine.optim import build_optim_wrapper
from mmseg.registry import MODELS, TRANSFORMS

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


def chains(cfg):
    """Transforms of the source and of the target, without loading."""
    for dataset in cfg.train_dataloader.dataset.datasets:
        steps = [dict(x) for x in dataset.pipeline]
        for step in steps:
            if 'Resize' in step['type']:
                assert step.pop('keep_ratio') is False
                assert step.pop('backend') == 'pillow'
                assert step.pop('interpolation') == 'bilinear'
        yield [x for x in steps if x['type'] != 'LoadStreetImage']


def scaled(size, low, high):
    return dict(type='RandomResize', scale=size, ratio_range=(low, high))


FLIP = dict(type='RandomFlip', prob=0.5)


def source_start(name, low, high):
    labels = dict(type='LoadRawLabels')
    if 'syn' in name:
        return [labels, scaled((1280, 760), low, high), FLIP]
    whole = dict(type='Resize', scale=(1914, 1052))
    return [labels, whole, scaled((1914, 1052), low, high), FLIP]


def crop_and_pack(size, branch):
    pack = dict(type='PackUDAInputs', pixel_keys=('padding_mask',))
    return [
        dict(type='PaddedRandomCrop', crop_size=size),
        {'type': 'MultiBranch', branch: [pack]},
    ]


@pytest.mark.parametrize('name', ITERATIONS)
def test_augmentation_of_the_baseline(name):
    """Sheet 6.1 and 7: order, sizes, scales, strengths."""
    j = 0.4 if 'vgg' in name else 0.5
    jitter = dict(
        type='PillowColorJitter',
        brightness=j,
        contrast=j,
        saturation=j,
        hue=j,
        prob=0.5,
    )
    source, target = chains(read('sac-abn', name))
    assert source == [
        *source_start(name, 0.5, 2.0),
        jitter,
        *crop_and_pack((640, 640), 'source'),
    ]
    assert target == [
        scaled((2048, 1024), 0.5, 2.0),
        FLIP,
        jitter,
        *crop_and_pack((640, 640), 'target'),
    ]


@pytest.mark.parametrize('name', ITERATIONS)
def test_augmentation_of_sac(name):
    """Sheet 6.1, 6.2 and 7; the source has no jitter."""
    source, target = chains(read('sac', name))
    assert source == [
        *source_start(name, 0.5, 1.0),
        *crop_and_pack((512, 1024), 'source'),
    ]
    views = target.pop(4)
    assert target == [
        dict(type='Resize', scale=(1024, 512)),
        scaled((1024, 512), 1.0, 1.1),
        dict(type='PaddedRandomCrop', crop_size=(512, 1024)),
        FLIP,
        dict(type='MultiBranch', target_views=[dict(type='PackViews')]),
    ]
    built = TRANSFORMS.build(views)
    assert (built.num_views, built.flip_prob) == (4, 0.5)
    assert built.zoom_range == (0.5, 1.0)
    blur, jitter, grey = built.noise
    assert (blur.radius, blur.prob) == ((0.1, 2.0), 1.0)
    assert jitter.strengths == dict(
        brightness=0.4, contrast=0.4, saturation=0.4, hue=0.1
    )
    assert (jitter.prob, grey.prob) == (0.5, 0.2)


@pytest.mark.parametrize('stage', STAGES)
@pytest.mark.parametrize('name', ITERATIONS)
def test_colour_statistics(name, stage):
    """GTA's also for SYNTHIA (quirk K7); never the target's."""
    cfg = read(stage, name)
    module = MODELS.build(cfg.model.data_preprocessor)
    branch = 'target' if stage == 'sac-abn' else 'target_views'
    for part, mean, std in (
        (
            'source',
            [188.1609, 160.0663, 155.7920],
            [81.0856, 75.8427, 76.8242],
        ),
        (branch, [123.675, 116.28, 103.53], [58.395, 57.12, 57.375]),
    ):
        found = module._preprocessor_of(part)
        assert type(found).__name__ == 'PaddedSegDataPreProcessor'
        assert found.mean.flatten().tolist() == pytest.approx(mean, abs=1e-4)
        assert found.std.flatten().tolist() == pytest.approx(std, abs=1e-4)


@pytest.mark.parametrize('name', ITERATIONS)
def test_constants_of_sac(name):
    """Sheet 5.6, for all architectures."""
    with torch.device('meta'):
        model = MODELS.build(read('sac', name).model)
    teacher = model.teacher
    assert (teacher.momentum, teacher.interval) == (0.01, 100)
    assert teacher.buffer_policy == 'average' and teacher.gamma is None
    assert (model.prior_momentum, model.prior_scale) == (0.99, 1e-3)
    assert model.discount and model.pooling == 'average'
    assert model.validity == 'view_frame' and model.require_baseline
    assert model.target_loss.focal_power == 3
    assert model.target_loss.confidence_weight == 'per_pixel'


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

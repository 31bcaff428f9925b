# SPDX-License-Identifier: Apache-2.0
"""Numbers of the published configs: oracles 3, 6, 7, 8, 14 to 17."""

import math
import warnings
from types import SimpleNamespace
from unittest import mock

import contract
import numpy as np
import pytest
import torch
from mmengine.config import Config
from mmengine.optim import build_optim_wrapper
from mmengine.registry import PARAM_SCHEDULERS
from mmseg.registry import MODELS, TRANSFORMS
from torch import nn

from mmseg_da.datasets.class_views import get_class_view
from mmseg_da.models.losses import PixelCELoss
from mmseg_da.models.utils import segmentor_logits


def config(name):
    path = contract.REPO / f'configs/methods/{name}.py'
    with mock.patch('mmengine.config.config.import_modules_from_strings'):
        return Config.fromfile(path)


def build(name):
    with torch.device('meta'):
        return MODELS.build(config(name).model)


def count(parameters):
    return sum(p.numel() for p in parameters)


@pytest.mark.parametrize(
    ('name', 'parameters', 'entries'),
    [
        ('advent_gta2cs', 44_601_560, 640),
        ('advent_syn2cs', 44_269_760, 640),
        # 43,901,068 with 19 classes; a class has 4 x (9 x 2048 + 1).
        ('advent-single_syn2cs', 43_901_068 - 3 * 73_732, 632),
    ],
)
def test_segmentor_of_the_papers(name, parameters, entries):
    segmentor = build(name).segmentor
    assert count(segmentor.parameters()) == parameters
    assert len(segmentor.state_dict()) == entries
    frozen = [p for p in segmentor.parameters() if not p.requires_grad]
    assert len(frozen) == 208
    norms = [m for m in segmentor.modules() if isinstance(m, nn.BatchNorm2d)]
    segmentor.train()
    assert all(m.training and m.momentum == 0.1 for m in norms)
    assert all(m.eps == 1e-5 for m in norms)


def test_trainable_parameters_and_optimiser_entries():
    cfg = config('advent_gta2cs')
    model = build('advent_gta2cs')
    trainable = [p for p in model.segmentor.parameters() if p.requires_grad]
    assert count(trainable) == 44_496_216
    wrapper = build_optim_wrapper(model, cfg.optim_wrapper)
    groups = wrapper['segmentor'].optimizer.param_groups
    assert len(groups) == 104 + 16
    assert sum(g['repeats'] for g in groups) == 314 + 16
    heads = [g for g in groups if g.get('lr_mult') == 10.0]
    assert len(heads) == 16
    assert all(g['lr'] == 2.5e-3 for g in heads)
    assert {g['weight_decay'] for g in groups} == {5e-4}
    critic = wrapper['discriminators'].optimizer.param_groups[0]
    assert critic['betas'] == (0.9, 0.99) and critic['weight_decay'] == 0
    assert len(critic['params']) == 20


@pytest.mark.parametrize(
    ('image', 'logits', 'output'),
    [
        ((512, 1024), (65, 129), (16, 32)),
        ((720, 1280), (91, 161), (22, 40)),
        ((760, 1280), (96, 161), (23, 40)),
    ],
)
def test_sizes_of_the_papers(image, logits, output):
    model = build('advent_gta2cs')
    with torch.device('meta'), warnings.catch_warnings():
        warnings.simplefilter('ignore')
        features = model.segmentor.extract_feat(torch.empty(1, 3, *image))
        heads = (model.segmentor.auxiliary_head, model.segmentor.decode_head)
        sizes = [tuple(head(features).shape[-2:]) for head in heads]
        maps = torch.empty(1, 19, *image)
        critics = [d(maps).shape[-2:] for d in model.discriminators.values()]
    assert sizes == [logits, logits]
    assert [tuple(size) for size in critics] == [output, output]


@pytest.mark.parametrize(
    ('name', 'rates'),
    [
        (
            'advent_gta2cs',
            {
                0: (2.5e-4, 1e-4),
                60000: (1.952865e-4, 7.811460e-5),
                70000: (1.860113e-4, None),
                119999: (1.387861e-4, None),
                120000: (1.387852e-4, 5.551406e-5),
            },
        ),
        ('advent_syn2cs', {0: (2.5e-4, 1e-4), 60000: (9.301027e-5, None)}),
    ],
)
def test_learning_rates(name, rates):
    """Backbone, classifiers (10 times that) and discriminators."""
    parameters = [nn.Parameter(torch.zeros(1)) for _ in range(3)]
    optimizer = torch.optim.SGD(
        [
            dict(params=[p], lr=lr)
            for p, lr in zip(parameters, (2.5e-4, 2.5e-3, 1e-4), strict=True)
        ]
    )
    optimizer.step()
    scheduler = PARAM_SCHEDULERS.build(
        config(name).param_scheduler[0],
        default_args=dict(optimizer=optimizer),
    )
    for iteration in range(max(rates) + 1):
        if iteration in rates:
            found = [group['lr'] for group in optimizer.param_groups]
            net, critic = rates[iteration]
            assert found[0] == pytest.approx(net, rel=1e-6)
            assert found[1] == pytest.approx(10 * net, rel=1e-6)
            if critic is not None:
                assert found[2] == pytest.approx(critic, rel=1e-6)
        scheduler.step()


@pytest.mark.parametrize('ignored', [0, 5, 11])
def test_cross_entropy_of_nothing_is_ln_19(ignored):
    label = torch.zeros(1, 3, 4, dtype=torch.int64)
    label.view(-1)[:ignored] = 255
    loss = PixelCELoss()(torch.zeros(1, 19, 3, 4), label)
    assert loss.item() == pytest.approx(2.944439, abs=1e-6)
    label[:] = 255
    assert PixelCELoss()(torch.zeros(1, 19, 3, 4), label) == 0


@pytest.mark.parametrize(
    ('view', 'table', 'ids', 'expected'),
    [
        (
            'cityscapes19',
            'gta',
            [0, 7, 8, 11, 34, 33, 31, 1],
            [255, 0, 1, 2, 255, 18, 16, 255],
        ),
        (
            'cityscapes16',
            'synthia',
            [0, 1, 2, 3, 4, 21, 22, 17],
            [255, 9, 2, 0, 1, 3, 255, 11],
        ),
        (
            'cityscapes19',
            'cityscapes',
            [22, 23, 27, 28, 33],
            [9, 10, 14, 15, 18],
        ),
        (
            'cityscapes16',
            'cityscapes',
            [22, 23, 27, 28, 33],
            [255, 9, 255, 13, 15],
        ),
    ],
)
def test_label_ids(view, table, ids, expected):
    assert get_class_view(view).lut(table)[ids].tolist() == expected


def resized(name, image, label, width):
    """Run the resize of a config's source pipeline, to another width."""
    pipeline = config(name).train_dataloader.dataset.datasets[0].pipeline
    cfg = next(t for t in pipeline if t['type'] == 'Resize')
    cfg.scale = (width, len(image))
    results = dict(
        img=image,
        gt_seg_map=label,
        img_shape=image.shape[:2],
        seg_fields=['gt_seg_map'],
    )
    return TRANSFORMS.build(cfg)(results)


@pytest.mark.parametrize('name', ['advent_gta2cs', 'advent_syn2cs'])
@pytest.mark.parametrize(
    ('row', 'expected'),
    [
        ([0, 100, 200, 50, 10, 250, 30, 90], [69, 110, 109, 85]),
        ([0, 0, 0, 0, 255, 255, 255, 255], [0, 17, 238, 255]),
    ],
)
def test_pillow_resizes_images_and_labels(name, row, expected):
    image = np.tile(np.array(row, np.uint8)[None, :, None], (4, 1, 3))
    label = np.tile(np.arange(8, dtype=np.uint8), (4, 1))
    results = resized(name, image, label, 4)
    assert results['img'][0, :, 0].tolist() == expected
    assert results['gt_seg_map'][0].tolist() == [1, 3, 5, 7]


@pytest.mark.parametrize(
    ('width', 'expected'),
    [(5, [0, 0.5, 1, 2.5, 4]), (6, [0, 0.4, 0.8, 1.6, 2.8, 4])],
)
def test_logits_are_enlarged_with_aligned_corners(width, expected):
    def head(features):
        return features

    head.align_corners = build('advent_gta2cs').segmentor.align_corners
    feature = torch.tensor([0.0, 1, 4]).view(1, 1, 1, 3)
    segmentor = SimpleNamespace(
        extract_feat=lambda images: feature,
        decode_head=head,
        with_auxiliary_head=False,
    )
    logits = segmentor_logits(segmentor, torch.zeros(1, 3, 1, width))
    assert logits['decode'].flatten().tolist() == pytest.approx(expected)


@pytest.mark.parametrize('branch', ['source', 'target'])
def test_pure_red_becomes_the_papers_vector(branch):
    preprocessor = MODELS.build(
        config('advent_gta2cs').model.data_preprocessor
    )
    red = torch.zeros(3, 1, 1, dtype=torch.uint8)
    red[2] = 255  # images are loaded as BGR
    sample = mock.MagicMock()
    data = {'inputs': [red], 'data_samples': [sample]}
    inner = preprocessor._preprocessor_of(branch)
    inner.size = (1, 1)
    value = inner(data, False)['inputs'].flatten().tolist()
    assert value == pytest.approx(
        [-104.00698793, -116.66876762, 132.32108566], rel=1e-6
    )


@pytest.mark.parametrize(
    ('name', 'iterations', 'end', 'interval'),
    [
        ('advent_gta2cs', 120_000, 250_000, 2000),
        ('minent_gta2cs', 120_000, 250_000, 2000),
        ('intrada_gta2cs', 120_000, 250_000, 2000),
        ('intrada_syn2cs', 120_000, 250_000, 2000),
        ('advent_syn2cs', 90_000, 90_000, 2000),
        ('adaptsegnet_gta2cs', 150_000, 250_000, 5000),
        ('adaptsegnet_synscapes2cs', 150_000, 250_000, 5000),
    ],
)
def test_schedules_of_the_papers(name, iterations, end, interval):
    """Section 7 of the sheet."""
    cfg = config(name)
    assert cfg.train_cfg.max_iters == iterations
    assert [s.end - s.begin - 1 for s in cfg.param_scheduler] == [end]
    assert cfg.train_cfg.val_interval == interval
    assert cfg.default_hooks.checkpoint.interval == interval


def test_source_and_target_have_their_sizes():
    for name, source in (
        ('advent_gta2cs', (720, 1280)),
        ('advent_syn2cs', (760, 1280)),
    ):
        cfg = config(name).model.data_preprocessor
        assert cfg.branch_preprocessors.source.size == source
        assert cfg.data_preprocessor.size == (512, 1024)
        assert math.isclose(cfg.data_preprocessor.std[0], 1)

# SPDX-License-Identifier: Apache-2.0
import pytest
import torch
from mmengine.config import ConfigDict
from mmengine.optim import build_optim_wrapper
from mmseg.registry import MODELS
from torch import nn

BACKBONES = {
    'r101': dict(type='ResNetDeepLab', depth=101, out_indices=(3,)),
    'vgg16': dict(type='VGG16BNDeepLab'),
    'vgg16fcn': dict(type='VGG16BN'),
}
HEADS = {
    'r101': dict(type='DeepLabV2Head', in_channels=2048, num_classes=19),
    'vgg16': dict(type='DeepLabV2Head', in_channels=1024, num_classes=19),
    'vgg16fcn': dict(type='FCN8sHead', num_classes=19),
}
NEW = {
    'r101': ['decode_head'],
    'vgg16': ['decode_head', 'backbone.features.42', 'backbone.features.44'],
    'vgg16fcn': ['decode_head'],
}


def build(segmentor, lr=2.5e-4, **paramwise):
    model = nn.Module()
    model.segmentor = segmentor
    member = dict(
        type='OptimWrapper',
        constructor='NewLayerOptimWrapperConstructor',
        paramwise_cfg=paramwise,
        optimizer=dict(type='SGD', lr=lr, momentum=0.9, weight_decay=5e-4),
    )
    cfg = dict(constructor='JointOptimWrapperConstructor', segmentor=member)
    return build_optim_wrapper(model, ConfigDict(cfg)).optimizer


def small():
    return nn.ModuleDict(
        {
            'backbone': nn.Sequential(nn.Conv2d(3, 4, 1), nn.BatchNorm2d(4)),
            'decode_head': nn.Conv2d(4, 2, 1),
        }
    )


@pytest.mark.parametrize(
    ('kind', 'counts', 'lr'),
    [
        ('r101', (208, 104, 4, 4), 2.5e-4),
        ('vgg16', (26, 26, 6, 6), 2.5e-4),
        ('vgg16fcn', (26, 26, 7, 7), 5e-4),
    ],
)
def test_groups_of_the_published_networks(kind, counts, lr):
    """SAC sheet, oracle 16."""
    with torch.device('meta'):
        net = MODELS.build(
            dict(
                type='EncoderDecoder',
                backbone=BACKBONES[kind],
                decode_head=HEADS[kind],
            )
        )
    groups = build(net, lr, new_layers=NEW[kind]).param_groups
    assert tuple(len(g['params']) for g in groups) == counts
    assert [g['lr'] for g in groups] == pytest.approx(
        [lr, 2 * lr, 10 * lr, 20 * lr]
    )
    assert [g['weight_decay'] for g in groups] == [5e-4, 0, 5e-4, 0]
    assert {g['momentum'] for g in groups} == {0.9}
    owned = [id(p) for g in groups for p in g['params']]
    assert sorted(owned) == sorted(id(p) for p in net.parameters())


def test_batchnorm_gamma_decays_and_beta_does_not():
    net = small()
    groups = build(net, new_layers=['decode_head']).param_groups
    assert groups[0]['params'][1] is net['backbone'][1].weight
    assert groups[1]['params'][1] is net['backbone'][1].bias


def test_factors_and_frozen_parameters():
    net = small()
    net['decode_head'].bias.requires_grad_(False)
    groups = build(
        net,
        1.0,
        new_layers=['decode_head', 'backbone.1'],
        new_lr_mult=3,
        bias_lr_mult=1,
        bias_decay_mult=0.5,
    ).param_groups
    assert [len(g['params']) for g in groups] == [1, 1, 2, 1]
    assert [g['lr'] for g in groups] == [1, 1, 3, 3]
    assert [g['weight_decay'] for g in groups] == pytest.approx(
        [5e-4, 2.5e-4, 5e-4, 2.5e-4]
    )


@pytest.mark.parametrize(
    ('paramwise', 'message'),
    [
        ({}, r'new_layers=None: expected a list'),
        (dict(new_layers='decode_head'), r"new_layers='decode_head'"),
        (
            dict(new_layers=['decode_head', 'decode']),
            r"\['decode'\] cover no trainable.*'backbone', 'decode_head'",
        ),
        (
            dict(new_layers=['decode_head'], bias_lr_multi=2),
            r"bias_lr_multi is unknown.*did you mean 'bias_lr_mult'",
        ),
    ],
)
def test_bad_options_are_named(paramwise, message):
    with pytest.raises(ValueError, match=message):
        build(small(), **paramwise)


def test_missing_learning_rate():
    with pytest.raises(ValueError, match='optimizer.lr is missing'):
        build(small(), None, new_layers=['decode_head'])

# SPDX-License-Identifier: Apache-2.0
import copy

import pytest
import torch
from mmengine.config import ConfigDict
from mmengine.runner.checkpoint import _load_checkpoint_to_model
from mmengine.structures import PixelData
from mmseg.registry import MODELS
from mmseg.structures import SegDataSample

SEGMENTOR = ConfigDict(
    type='EncoderDecoder',
    backbone=dict(
        type='ResNetDeepLab',
        depth=18,
        base_channels=4,
        style='pytorch',
        out_indices=(3,),
    ),
    decode_head=dict(
        type='FCNHead',
        in_channels=32,
        in_index=0,
        channels=8,
        num_convs=1,
        num_classes=5,
        dropout_ratio=0.5,
        norm_cfg=dict(type='BN'),
    ),
    test_cfg=dict(mode='whole'),
)
EMA = dict(type='ExponentialMovingAverage', momentum=0.1)


def build(**kwargs):
    return MODELS.build(
        ConfigDict(
            type='SupervisedOnly',
            segmentor=copy.deepcopy(SEGMENTOR),
            data_preprocessor=dict(
                type='MultiBranchDataPreprocessor',
                data_preprocessor=dict(
                    type='SegDataPreProcessor', size=(32, 64)
                ),
            ),
            **kwargs,
        )
    )


def labelled(n=2):
    label = torch.randint(0, 5, (n, 1, 32, 64))
    return [SegDataSample(gt_sem_seg=PixelData(data=item)) for item in label]


def test_loss_covers_every_labelled_branch():
    model = build()
    images = torch.randn(2, 3, 32, 64)
    samples = labelled()
    losses = model(
        {'source': images, 'target_labeled': images},
        {'source': samples, 'target_labeled': samples},
        mode='loss',
    )
    assert {'source.decode.loss_ce', 'target_labeled.decode.loss_ce'} <= set(
        losses
    )
    only = model({'source': images}, {'source': samples}, mode='loss')
    assert not any('target' in key for key in only)


def test_prediction_delegates_and_teacher_can_predict():
    model = build(teacher=EMA, test_cfg=dict(predict_on='teacher')).eval()
    with torch.no_grad():
        for parameter in model.teacher.module.parameters():
            parameter.add_(0.1)
    image = torch.randn(1, 3, 32, 64)
    logits = model.predict(image)[0].seg_logits.data
    teacher = model.teacher.module.predict(image)[0].seg_logits.data
    student = model.segmentor.predict(image)[0].seg_logits.data
    assert torch.equal(logits, teacher) and not torch.equal(logits, student)
    assert model.num_classes == model.out_channels == 5
    assert model.decode_head is model.teacher.module.decode_head
    assert model(image).shape == (1, 5, 5, 9)
    assert model.encode_decode(image, [dict(img_shape=(32, 64))]).shape == (
        1,
        5,
        32,
        64,
    )


@pytest.mark.parametrize(
    ('mode', 'norm', 'dropout'),
    [
        ('eval', False, False),
        ('train', True, True),
        ('train_no_dropout', True, False),
    ],
)
def test_teacher_mode(mode, norm, dropout):
    model = build(teacher=EMA, teacher_mode=mode)
    model.train()
    teacher = model.teacher.module
    assert teacher.backbone.bn1.training is norm
    assert teacher.decode_head.dropout.training is dropout
    assert model.segmentor.training
    model.eval()
    assert not teacher.backbone.bn1.training
    assert not any(p.requires_grad for p in teacher.parameters())


@pytest.mark.parametrize('teacher', [None, EMA])
def test_plain_checkpoint_loads_into_the_wrapper(teacher):
    plain = MODELS.build(copy.deepcopy(SEGMENTOR))
    with torch.no_grad():
        for parameter in plain.parameters():
            parameter.uniform_(-1, 1)
    model = build(**({'teacher': teacher} if teacher else {}))
    state = plain.state_dict()
    missing, unexpected = model.load_state_dict(dict(state), strict=False)
    assert (missing, unexpected) == ([], [])
    _load_checkpoint_to_model(build(), {'state_dict': state}, strict=True)
    nets = [model.segmentor] + ([model.teacher.module] if teacher else [])
    for net in nets:
        for key, value in net.state_dict().items():
            assert torch.equal(value, state[key]), key


def test_own_checkpoint_round_trip():
    model, other = build(teacher=EMA), build(teacher=EMA)
    other.load_state_dict(model.state_dict())
    for key, value in other.state_dict().items():
        assert torch.equal(value, model.state_dict()[key]), key
    prefixes = {k.split('.')[0] for k in model.state_dict()}
    assert prefixes == {'segmentor', 'teacher'}


def test_bad_options_and_batches():
    with pytest.raises(ValueError, match='teacher_mode=.*allowed: eval'):
        build(teacher_mode='frozen')
    with pytest.raises(ValueError, match='model.teacher is not set'):
        build(test_cfg=dict(predict_on='teacher'))
    with pytest.raises(ValueError, match=r"unknown keys \['mode'\]"):
        build(test_cfg=dict(mode='whole'))
    with pytest.raises(ValueError, match='model.train_cfg'):
        build(train_cfg=dict(a=1))
    with pytest.raises(ValueError, match='model.pretrained'):
        build(pretrained='x.pth')
    with pytest.raises(TypeError, match='sourc_weight'):
        build(sourc_weight=1)
    model = build()
    with pytest.raises(ValueError, match='one tensor per branch'):
        model(torch.zeros(1, 3, 32, 64), labelled(1), mode='loss')
    with pytest.raises(ValueError, match='needs one of'):
        model({'target': torch.zeros(1)}, {'target': []}, mode='loss')

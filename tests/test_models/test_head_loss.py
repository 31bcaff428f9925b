# SPDX-License-Identifier: Apache-2.0
import pytest
import torch
from mmengine.structures import PixelData
from mmseg.registry import MODELS
from mmseg.structures import SegDataSample

from mmseg_da.models.utils import (
    head_loss,
    segmentor_logit_losses,
    segmentor_logits,
    segmentor_losses,
)

FEATURES = (torch.randn(2, 8, 5, 7),)


def build(**kwargs):
    return MODELS.build(
        dict(
            type='FCNHead',
            in_channels=8,
            in_index=0,
            channels=4,
            num_convs=1,
            num_classes=3,
            dropout_ratio=0,
            **kwargs,
        )
    )


@pytest.fixture
def samples():
    label = torch.randint(0, 3, (2, 1, 20, 28))
    label[:, :, :4] = 255
    return [SegDataSample(gt_sem_seg=PixelData(data=item)) for item in label]


@pytest.mark.parametrize(
    'loss',
    [
        dict(type='PixelCELoss'),
        [
            dict(type='PixelCELoss'),
            dict(type='PixelCELoss', loss_weight=0.5),
            dict(type='DiceLoss', loss_name='loss_dice'),
        ],
    ],
    ids=['one', 'several'],
)
def test_equals_mmseg_without_accuracy(samples, loss):
    head = build(loss_decode=loss)
    expected = head.loss(FEATURES, samples, None)
    expected.pop('acc_seg')
    torch.testing.assert_close(head_loss(head, FEATURES, samples), expected)


def test_heads_with_their_own_loss_are_called(samples):
    head = build(sampler=dict(type='OHEMPixelSampler', thresh=0.7, min_kept=9))
    losses = head_loss(head, FEATURES, samples)
    assert 'acc_seg' in losses


@pytest.mark.parametrize('auxiliary', [None, 'one', 'several'])
def test_segmentor_losses_are_named_as_in_mmseg(samples, auxiliary):
    head = dict(
        type='FCNHead',
        in_channels=32,
        in_index=0,
        channels=4,
        num_convs=1,
        num_classes=3,
        dropout_ratio=0,
        loss_decode=dict(type='PixelCELoss'),
    )
    extra = {None: None, 'one': head, 'several': [head, head]}[auxiliary]
    net = MODELS.build(
        dict(
            type='EncoderDecoder',
            backbone=dict(
                type='ResNetDeepLab',
                depth=18,
                base_channels=4,
                style='pytorch',
                out_indices=(3,),
            ),
            decode_head=head,
            auxiliary_head=extra,
        )
    )
    images = torch.randn(2, 3, 20, 28)
    expected = {
        key: value
        for key, value in net.loss(images, samples).items()
        if not key.endswith('acc_seg')
    }
    torch.testing.assert_close(
        segmentor_losses(net, images, samples), expected
    )
    logits = segmentor_logits(net, images)
    assert {value.shape for value in logits.values()} == {(2, 3, 20, 28)}
    torch.testing.assert_close(
        segmentor_logit_losses(net, logits, samples), expected
    )


def test_losses_of_logits_need_a_plain_head(samples):
    net = torch.nn.Module()
    net.decode_head = build(
        sampler=dict(type='OHEMPixelSampler', thresh=0.7, min_kept=9)
    )
    net.with_auxiliary_head = False
    with pytest.raises(ValueError, match='FCNHead defines its own loss'):
        segmentor_logit_losses(net, {}, samples)

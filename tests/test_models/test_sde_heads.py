# SPDX-License-Identifier: Apache-2.0
"""SDE's segmentation heads: sizes and counts of the sheet (oracle 25)."""

import math

import pytest
import torch
from mmengine.structures import PixelData
from mmseg.registry import MODELS
from mmseg.structures import SegDataSample

FULL = (64, 256, 512, 1024, 2048)
SMALL = (4, 8, 8, 8, 8)
SMALL_DECODER = dict(channels=(4, 4, 8, 8, 8), dilations=(1, 2))


def features(channels, size, count=2, device='cpu'):
    strides = (2, 4, 8, 16, 16)
    return [
        torch.rand(count, c, size // s, size // s, device=device)
        for c, s in zip(channels, strides, strict=True)
    ]


def build(kind, channels=SMALL, decoder=SMALL_DECODER, **options):
    return MODELS.build(
        dict(
            type=kind,
            in_channels=channels,
            num_classes=19,
            decoder=decoder,
            **options,
        )
    )


def count(module):
    return sum(p.numel() for p in module.parameters())


def labelled(size, value=0):
    sample = SegDataSample()
    label = torch.full((1, size, size), value)
    sample.gt_sem_seg = PixelData(data=label)
    return [sample, sample]


def test_parameter_counts_of_the_sheet():
    with torch.device('meta'):
        pad = build('PADHead', FULL, None)
        joint = build('JointSegDepthHead', FULL, None)
    assert count(pad) == 44_726_766
    assert len(list(pad.parameters())) == 96
    assert count(joint) == 22_071_959
    assert len(list(joint.parameters())) == 47


def test_pad_sizes_of_the_sheet():
    with torch.device('meta'):
        outputs = build('PADHead', FULL, None).forward_tasks(
            features(FULL, 512, device='meta')
        )
    assert outputs.final.shape == (2, 19, 512, 512)
    assert outputs.intermediate.shape == (2, 19, 128, 128)
    sizes = {s: d.shape[-1] for s, d in outputs.disparities.items()}
    assert sizes == {0: 512, 1: 256, 2: 128, 3: 64}


def test_gates_start_at_one_half():
    attention = build('PADHead').depth_attention
    x = torch.rand(1, 8, 6, 6)
    assert (torch.sigmoid(attention.gate(x)) == 0.5).all()
    torch.testing.assert_close(attention(x), 0.5 * attention.conv(x))


def test_pad_exchange_lies_between_scale_2_and_1():
    """Without attention weights, both decoders run as if alone."""
    head = build('PADHead').eval()
    inputs = features(SMALL, 64)
    before = head.forward_tasks(inputs)
    alone = head.depth_decoder(inputs).disparities
    for scale in (3, 2):
        torch.testing.assert_close(before.disparities[scale], alone[scale])
    for scale in (1, 0):
        assert not torch.allclose(before.disparities[scale], alone[scale])
    torch.nn.init.zeros_(head.depth_attention.conv.weight)
    torch.nn.init.zeros_(head.seg_attention.conv.weight)
    after = head.forward_tasks(inputs).disparities
    for scale in range(4):
        torch.testing.assert_close(after[scale], alone[scale])


def test_pad_prediction_is_the_final_logits():
    head = build('PADHead').eval()
    inputs = features(SMALL, 64)
    assert torch.equal(head(inputs), head.forward_tasks(inputs).final)


def test_depth_alone_computes_no_logits():
    head = build('PADHead').eval()
    inputs = features(SMALL, 64)
    expected = head.forward_tasks(inputs).disparities
    needless = [head.seg_decoder.after['0'], head.seg_decoder.after['1']]
    for layer in (*needless, head.conv_seg, head.intermediate_seg):
        layer.register_forward_hook(lambda *_: pytest.fail('was computed'))
    found = head.forward_depth(inputs)
    assert found.keys() == expected.keys()
    for scale, disparity in found.items():
        assert torch.equal(disparity, expected[scale])


def test_depth_losses_reach_the_segmentation_decoder():
    head = build('PADHead')
    head.forward_tasks(features(SMALL, 64)).disparities[0].sum().backward()
    assert head.seg_decoder.before['4'].project[0].weight.grad is not None
    assert head.seg_decoder.after['0'].conv.weight.grad is None


def test_pad_loss_is_the_mean_of_both_logits():
    head = build('PADHead')
    for layer in (head.conv_seg, head.intermediate_seg):
        torch.nn.init.zeros_(layer.weight)
        torch.nn.init.zeros_(layer.bias)
    losses = head.loss(features(SMALL, 64), labelled(64))
    assert sorted(losses) == ['loss_ce', 'loss_ce_intermediate']
    for value in losses.values():
        assert value.item() == pytest.approx(math.log(19) / 2, rel=1e-6)


@pytest.mark.parametrize('kind', ['PADHead', 'JointSegDepthHead'])
def test_unused_parameters_are_those_without_gradient(kind):
    head = build(kind)
    inputs = features(SMALL, 64)
    if kind == 'PADHead':
        outputs = head.forward_tasks(inputs)
        total = sum(x.sum() for x in outputs.disparities.values())
        total = total + outputs.final.sum() + outputs.intermediate.sum()
    else:
        total = head(inputs).sum()
    total.backward()
    without = {n for n, p in head.named_parameters() if p.grad is None}
    assert without == set(head.unused_parameters)
    assert len(without) == 8


def test_selection_student_uses_level_1_at_half_size():
    head = build(
        'JointSegDepthHead', levels=(1,), output_stride=2, hidden=True
    )
    assert head(features(SMALL, 64)).shape == (2, 19, 32, 32)
    head(features(SMALL, 64)).sum().backward()
    without = {n for n, p in head.named_parameters() if p.grad is None}
    assert without == set(head.unused_parameters)


def test_several_levels_are_joined_at_the_output_size():
    head = build('JointSegDepthHead', levels=(0, 2), output_stride=2)
    assert head(features(SMALL, 64)).shape == (2, 19, 32, 32)


def test_bad_levels_are_named():
    with pytest.raises(ValueError, match=r'JointSegDepthHead\.levels=\(5,\)'):
        build('JointSegDepthHead', levels=(5,))
    with pytest.raises(ValueError, match=r'PADHead\.distill_level=0'):
        build('PADHead', distill_level=0)

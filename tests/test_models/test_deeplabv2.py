# SPDX-License-Identifier: Apache-2.0
import pytest
import torch
from mmseg.registry import MODELS

from mmseg_da.models.backbones import ResNetDeepLab
from mmseg_da.models.decode_heads import DeepLabV2Head


def parameters(module):
    return sum(p.numel() for p in module.parameters())


@pytest.mark.parametrize(
    ('size', 'feature'),
    [((64, 128), (9, 17)), ((33, 47), (5, 7)), ((65, 65), (9, 9))],
)
def test_ceil_mode_feature_sizes_of_the_papers(size, feature):
    net = ResNetDeepLab(depth=50, base_channels=8, out_indices=(2, 3))
    outs = net(torch.zeros(1, 3, *size))
    assert [tuple(o.shape[-2:]) for o in outs] == [feature, feature]


def test_parameter_count_of_the_sheets():
    """SAC sheet, section 4.1: 43,901,068 parameters with 19 classes."""
    with torch.device('meta'):
        net = ResNetDeepLab()
        head = DeepLabV2Head(in_channels=2048, num_classes=19)
    assert parameters(net) + parameters(head) == 43_901_068


def test_stride_and_dilation_layout():
    with torch.device('meta'):
        net = ResNetDeepLab()
    assert net.layer2[0].conv1.stride == (2, 2)
    assert net.layer2[0].conv2.stride == (1, 1)
    assert {b.conv2.dilation for b in net.layer3} == {(2, 2)}
    assert {b.conv2.dilation for b in net.layer4} == {(4, 4)}


def test_head_is_the_sum_of_its_branches():
    head = DeepLabV2Head(in_channels=4, num_classes=3).double()
    head.init_weights()
    feature = torch.randn(2, 4, 9, 17, dtype=torch.float64)
    expected = sum(conv(feature) for conv in head.convs)
    torch.testing.assert_close(head((None, feature)), expected)
    head.num_active_branches = 2
    two = head.convs[0](feature) + head.convs[1](feature)
    torch.testing.assert_close(head((None, feature)), two)


def test_head_initialisation_and_keys():
    head = MODELS.build(
        dict(type='DeepLabV2Head', in_channels=64, num_classes=19)
    )
    torch.manual_seed(0)
    head.init_weights()
    weights = torch.cat([c.weight.flatten() for c in head.convs])
    assert weights.std().item() == pytest.approx(0.01, rel=0.05)
    assert all(c.bias.abs().max() > 0 for c in head.convs)
    assert sorted(head.state_dict()) == sorted(
        f'convs.{i}.{p}' for i in range(4) for p in ('weight', 'bias')
    )
    assert head.convs[3].dilation == head.convs[3].padding == (24, 24)


def test_active_branches_out_of_range():
    with pytest.raises(ValueError, match='num_active_branches=5.*1 to 4'):
        DeepLabV2Head(in_channels=4, num_classes=3, num_active_branches=5)

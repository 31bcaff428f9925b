# SPDX-License-Identifier: Apache-2.0
import pytest
import torch
from mmseg.registry import MODELS
from torch import nn

from mmseg_da.models.discriminators import FCDiscriminator


def parameters(module):
    return sum(p.numel() for p in module.parameters())


@pytest.mark.parametrize(('classes', 'n'), [(19, 2_781_121), (16, 2_778_049)])
def test_parameter_count_of_the_sheet(classes, n):
    with torch.device('meta'):
        assert parameters(FCDiscriminator(classes)) == n


@pytest.mark.parametrize(
    ('size', 'output'),
    [
        ((512, 1024), (16, 32)),
        ((720, 1280), (22, 40)),
        ((760, 1280), (23, 40)),
        ((32, 63), (1, 1)),
    ],
)
def test_output_sizes(size, output):
    with torch.device('meta'):
        net = FCDiscriminator(19)
        out = net(torch.empty(1, 19, *size))
    assert tuple(out.shape) == (1, 1, *output)


def test_layers_and_keys():
    """Keys and shapes of the reference's Sequential, section 10.3."""
    net = MODELS.build(dict(type='FCDiscriminator', in_channels=19))
    net.init_weights()
    shapes = {k: tuple(v.shape) for k, v in net.layers.state_dict().items()}
    widths = (19, 64, 128, 256, 512, 1)
    expected = {}
    for i in range(5):
        expected[f'{2 * i}.weight'] = (widths[i + 1], widths[i], 4, 4)
        expected[f'{2 * i}.bias'] = (widths[i + 1],)
    assert shapes == expected
    slopes = [m for m in net.layers if isinstance(m, nn.LeakyReLU)]
    assert [m.negative_slope for m in slopes] == [0.2] * 4
    assert isinstance(net.layers[-1], nn.Conv2d)


def test_smaller_one():
    net = FCDiscriminator(3, base_channels=32, num_convs=4)
    widths = [m.out_channels for m in net.layers if isinstance(m, nn.Conv2d)]
    assert widths == [32, 64, 128, 1]
    assert net(torch.zeros(2, 3, 16, 40)).shape == (2, 1, 1, 2)


def test_small_maps_are_refused():
    message = '48 x 31 px; its 5 .* need 32 px on every side'
    with pytest.raises(ValueError, match=message):
        FCDiscriminator(3, base_channels=2)(torch.zeros(1, 3, 31, 48))


def test_numbers_below_one_are_refused():
    with pytest.raises(ValueError, match='num_convs=0'):
        FCDiscriminator(3, num_convs=0)

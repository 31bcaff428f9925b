# SPDX-License-Identifier: Apache-2.0
"""Encoder, disparity decoder and pose net: sizes, shapes, messages."""

import pytest
import torch
from mmseg.registry import MODELS

from mmseg_da.models.backbones import ResNetStem
from mmseg_da.models.decode_heads import DisparityDecoder

DEC11 = dict(channels=(16, 32, 64, 128, 256), dilations=(3, 6, 9))


def count(module):
    return sum(p.numel() for p in module.parameters())


def test_parameter_counts_of_the_paper():
    with torch.device('meta'):
        assert count(ResNetStem()) == 42_500_160
        assert count(DisparityDecoder(**DEC11)) == 19_830_356
        # The joint decoder adds 64 * 64 + 64 * 19 + 19.
        assert count(DisparityDecoder()) + 5331 == 22_071_959
        pose = MODELS.build(
            dict(
                type='PoseNet',
                encoder=dict(type='ResNetStem', depth=18, in_channels=6),
            )
        )
        assert count(pose.encoder) == 11_185_920
        assert count(pose.net) == 1_314_572


@pytest.mark.parametrize('dilated, last', [(True, 4), (False, 2)])
def test_shapes(dilated, last):
    encoder = ResNetStem(50, base_channels=4, dilated=dilated).eval()
    decoder = DisparityDecoder(
        encoder.out_channels, (4, 8, 8, 16, 16), (1, 2, 3)
    ).eval()
    features = encoder(torch.rand(2, 3, 64, 64))
    assert [f.shape[-1] for f in features] == [32, 16, 8, 4, last]
    assert [f.shape[1] for f in features] == [4, 16, 32, 64, 128]
    output = decoder(features)
    sizes = {s: tuple(d.shape[1:]) for s, d in output.disparities.items()}
    assert sizes == {s: (1, 64 >> s, 64 >> s) for s in range(4)}
    widths = {i: f.shape[1] for i, f in output.features.items()}
    assert widths == {0: 4, 1: 8, 2: 8, 3: 16, 4: 16}
    for disparity in output.disparities.values():
        assert disparity.min() > 0 and disparity.max() < 1


def test_steps_equal_the_whole():
    decoder = DisparityDecoder(
        (4, 8, 8, 8, 16), (4, 4, 8, 8, 8), (1, 2), scales=(0, 2)
    ).eval()
    features = [
        torch.rand(1, c, 32 >> i, 32 >> i)
        for i, c in enumerate((4, 8, 8, 8, 16))
    ]
    whole = decoder(features)
    x = features[-1]
    for i in (4, 3, 2, 1, 0):
        x = decoder.step(i, x, features)
        assert torch.equal(x, whole.features[i])
    assert torch.equal(decoder.disparity(0, x), whole.disparities[0])
    assert sorted(whole.disparities) == [0, 2]


def test_the_encoder_scales_its_input():
    encoder = ResNetStem(18, base_channels=4).eval()
    images = torch.rand(1, 3, 32, 32)
    plain = ResNetStem(18, base_channels=4, input_mean=0, input_std=1).eval()
    plain.load_state_dict(encoder.state_dict())
    expected = plain((images - 0.45) / 0.225)
    torch.testing.assert_close(encoder(images), expected)


def test_a_stem_for_three_channels_is_tiled_and_halved():
    three = ResNetStem(18, base_channels=4)
    six = ResNetStem(18, in_channels=6, base_channels=4)
    six.load_state_dict(three.state_dict())
    weight = three.conv1.weight / 2
    torch.testing.assert_close(six.conv1.weight, torch.cat([weight] * 2, 1))


def test_poses_of_both_neighbours():
    net = MODELS.build(
        dict(
            type='PoseNet',
            encoder=dict(
                type='ResNetStem', depth=18, in_channels=6, base_channels=4
            ),
            in_channels=32,
            channels=8,
        )
    ).eval()
    frames = {k: torch.rand(2, 3, 32, 32) for k in (-1, 0, 1)}
    motion = net.neighbour_poses(frames)
    assert motion.shape == (2, 2, 4, 4)
    # From -1 to 0 is predicted; from 0 to -1 is its inverse.
    forth = net.neighbour_poses({0: frames[-1], 1: frames[0]}, (1,))[0]
    torch.testing.assert_close(
        forth @ motion[0], torch.eye(4).expand(2, 4, 4), atol=1e-6, rtol=0
    )
    unit = torch.tensor([2.0, 5.0])
    longer = net.neighbour_poses(frames, unit=unit)
    torch.testing.assert_close(
        longer[1, :, :3, 3], motion[1, :, :3, 3] * unit[:, None]
    )


def test_messages():
    with pytest.raises(ValueError, match='expected 5 numbers'):
        DisparityDecoder(channels=(1, 2))
    with pytest.raises(ValueError, match=r'scales=\(7,\)'):
        DisparityDecoder(scales=(7,))
    with pytest.raises(ValueError, match='initial_disparity=1'):
        DisparityDecoder(initial_disparity=1)
    decoder = DisparityDecoder((4,) * 5, (4,) * 5, (1,))
    with pytest.raises(ValueError, match='ResNetStem'):
        decoder([torch.rand(2, 4, 4, 4)] * 4)
    features = [torch.rand(1, 4, 32 >> i, 32 >> i) for i in range(5)]
    with pytest.raises(ValueError, match='batch of 1 image'):
        decoder(features)
    decoder.eval()(features)


def test_initial_disparity():
    decoder = DisparityDecoder(
        (4,) * 5, (4,) * 5, (1,), initial_disparity=0.1
    ).eval()
    features = [torch.zeros(1, 4, 32 >> i, 32 >> i) for i in range(5)]
    disparity = decoder(features).disparities[0]
    assert disparity.mean().item() == pytest.approx(0.1, rel=0.5)

# SPDX-License-Identifier: Apache-2.0
"""VGG-16-BN for DeepLab-v2 and FCN-8s; SAC sheet, sections 4, 10 and 14."""

import pytest
import torch
import torch.nn.functional as F
from mmseg.registry import MODELS
from torch import nn
from torchvision.models import vgg16_bn

from mmseg_da.models.backbones import VGG16BN, ResNetDeepLab, VGG16BNDeepLab
from mmseg_da.models.decode_heads import DeepLabV2Head, FCN8sHead

BN = ('weight', 'bias', 'running_mean', 'running_var', 'num_batches_tracked')


def published(kind):
    """The network of the papers, on the meta device."""
    heads = {
        'r101': (ResNetDeepLab, DeepLabV2Head, 2048),
        'vgg16': (VGG16BNDeepLab, DeepLabV2Head, 1024),
        'vgg16fcn': (VGG16BN, FCN8sHead, (256, 512, 512)),
    }
    backbone, head, channels = heads[kind]
    options = {'out_indices': (3,)} if kind == 'r101' else {}
    with torch.device('meta'):
        return nn.ModuleDict(
            {
                'backbone': backbone(**options),
                'decode_head': head(in_channels=channels, num_classes=19),
            }
        ).eval()


@pytest.mark.parametrize(
    ('kind', 'parameters', 'keys', 'tall', 'taller'),
    [
        ('r101', 43_901_068, 632, (65, 129), (129, 257)),
        ('vgg16', 29_581_452, 103, (64, 128), (128, 256)),
        ('vgg16fcn', 134_377_849, 111, (64, 128), (128, 256)),
    ],
)
def test_published_sizes(kind, parameters, keys, tall, taller):
    """Oracles 17 and 18: shapes, parameter counts, key counts."""
    net = published(kind)
    assert sum(p.numel() for p in net.parameters()) == parameters
    assert len(net.state_dict()) == keys
    for height, size in ((512, tall), (1024, taller)):
        images = torch.empty(1, 3, height, 2 * height, device='meta')
        logits = net['decode_head'](net['backbone'](images))
        assert logits.shape == (1, 19, *size)


def test_keys_of_the_deeplab_trunk():
    state = VGG16BNDeepLab(base_channels=2).state_dict()
    convs = (0, 3, 7, 10, 14, 17, 20, 24, 27, 30, 33, 36, 39)
    expected = {
        f'features.{i}.{n}'
        for i in (*convs, 42, 44)
        for n in ('weight', 'bias')
    }
    expected |= {f'features.{i + 1}.{n}' for i in convs for n in BN}
    assert set(state) == expected
    assert state['features.42.weight'].shape == (32, 16, 3, 3)
    assert state['features.44.weight'].shape == (32, 32, 3, 3)


def test_keys_of_the_fcn():
    with torch.device('meta'):
        reference = vgg16_bn().features.state_dict()
        own = VGG16BN().state_dict()
    assert {k: v.shape for k, v in own.items()} == {
        f'features.{k}': v.shape for k, v in reference.items()
    }
    head = FCN8sHead(num_classes=19, channels=8).state_dict()
    shapes = {
        'vgg_head.0': (8, 512, 7, 7),
        'vgg_head.4': (8, 8, 1, 1),
        'vgg_head.8': (19, 8, 1, 1),
        'score_pool4': (19, 512, 1, 1),
        'score_pool3': (19, 256, 1, 1),
    }
    expected = {f'{k}.{n}' for k in shapes for n in ('weight', 'bias')}
    expected |= {f'vgg_head.{i}.{n}' for i in (1, 5) for n in BN}
    assert set(head) == expected
    for key, shape in shapes.items():
        assert head[f'{key}.weight'].shape == shape


@pytest.fixture(scope='module')
def imagenet(tmp_path_factory):
    """A file as torchvision's, older than ``num_batches_tracked``."""
    generator = torch.Generator().manual_seed(0)
    state = {
        key: 0.1 * torch.rand(value.shape, generator=generator)
        for key, value in VGG16BN(base_channels=4).state_dict().items()
        if not key.endswith('num_batches_tracked')
    }
    state['classifier.6.bias'] = torch.zeros(5)
    path = tmp_path_factory.mktemp('imagenet') / 'vgg16_bn.pth'
    torch.save(state, path)
    return path, state


def pretrained(kind, path, **options):
    options = dict(type='Pretrained', checkpoint=str(path), **options)
    net = MODELS.build(dict(type=kind, base_channels=4, init_cfg=options))
    net.init_weights()
    return net.eval()


def reference_trunk(state, images, deeplab):
    """VGG-16-BN by formula, straight from torchvision's keys."""
    x = images
    for index in range(44):
        if index in (6, 13, 23, 33, 43):
            if not (deeplab and index > 23):
                x = F.max_pool2d(x, 2, 2)
            if index == 23:
                pool3 = x
            continue
        key = f'features.{index}'
        if f'{key}.running_mean' in state:
            stats = [
                state[f'{key}.{n}']
                for n in ('running_mean', 'running_var', 'weight', 'bias')
            ]
            x = F.relu(F.batch_norm(x, *stats))
        elif f'{key}.weight' in state:
            rate = 2 if deeplab and index > 33 else 1
            weight, bias = state[f'{key}.weight'], state[f'{key}.bias']
            x = F.conv2d(x, weight, bias, padding=rate, dilation=rate)
    return pool3, x


def test_imagenet_weights_of_the_fcn_trunk(imagenet):
    path, state = imagenet
    net = pretrained('VGG16BN', path)
    images = torch.randn(1, 3, 64, 96)
    pool3, pool4, pool5 = net(images)
    expected3, expected5 = reference_trunk(state, images, deeplab=False)
    torch.testing.assert_close(pool3, expected3)
    torch.testing.assert_close(pool5, expected5)
    assert pool4.shape == (1, 32, 4, 6)
    assert pool5.shape == (1, 32, 2, 3)


def test_imagenet_weights_are_renumbered_for_deeplab(imagenet):
    path, state = imagenet
    net = pretrained('VGG16BNDeepLab', path)
    assert torch.equal(net.features[33].weight, state['features.34.weight'])
    assert torch.equal(
        net.features[40].running_var, state['features.41.running_var']
    )
    images = torch.randn(1, 3, 40, 48)
    _, trunk = reference_trunk(state, images, deeplab=True)
    for index in (42, 44):
        fc = net.features[index]
        trunk = F.conv2d(trunk, fc.weight, fc.bias, padding=4, dilation=4)
        trunk = trunk.relu()
    (feature,) = net(images)
    assert feature.shape == (1, 64, 5, 6)
    torch.testing.assert_close(feature, trunk)


@pytest.mark.parametrize('kind', ['VGG16BN', 'VGG16BNDeepLab'])
def test_own_numbering_and_prefix_load_too(tmp_path, kind):
    source = MODELS.build(dict(type=kind, base_channels=4))
    source.init_weights()
    state = {f'backbone.{k}': v for k, v in source.state_dict().items()}
    torch.save(dict(state_dict=state), tmp_path / 'mmseg.pth')
    net = pretrained(kind, tmp_path / 'mmseg.pth', prefix='backbone.')
    for key, value in net.state_dict().items():
        assert torch.equal(value, source.state_dict()[key]), key


def test_weights_of_another_network_are_refused(imagenet, tmp_path):
    path, state = imagenet
    broken = {k: v for k, v in state.items() if 'features.3.' not in k}
    broken['features.49.weight'] = torch.zeros(1)
    broken['features.0.bias'] = torch.zeros(7)
    torch.save(broken, tmp_path / 'other.pth')
    pattern = (
        r'other.pth: no weights of VGG16BNDeepLab.*2 keys missing '
        r".*3\.bias.*1 unexpected \['48\.weight'\].*1 of another shape "
        r'.*\(7,\), expected \(4,\).*torchvision://vgg16_bn'
    )
    with pytest.raises(ValueError, match=pattern):
        pretrained('VGG16BNDeepLab', tmp_path / 'other.pth')
    with pytest.raises(ValueError, match='78 keys missing'):
        pretrained('VGG16BN', path, prefix='backbone.')


def test_random_initialisation_is_that_of_torchvision():
    torch.manual_seed(0)
    net = VGG16BNDeepLab(base_channels=16)
    fc6 = net.features[42].weight.clone()
    net.init_weights()
    conv = net.features[30]
    spread = (2 / (9 * conv.out_channels)) ** 0.5
    assert conv.weight.std().item() == pytest.approx(spread, rel=0.05)
    assert conv.bias.abs().max() == 0
    assert torch.equal(net.features[42].weight, fc6)  # PyTorch's default


def test_image_sides_not_divisible_by_32_are_named():
    net = VGG16BN(base_channels=2)
    with pytest.raises(ValueError, match='48 x 96.*by 32.*size_divisor=32'):
        net(torch.zeros(1, 3, 48, 96))
    assert VGG16BN(base_channels=2, size_divisor=1)(torch.zeros(1, 3, 48, 96))[
        0
    ].shape == (1, 8, 6, 12)


def test_fcn_head_fuses_the_three_pools():
    head = FCN8sHead(num_classes=3, in_channels=(4, 6, 8), channels=5)
    head = head.double().eval()
    head.init_weights()
    pools = [
        torch.randn(2, c, 4 * s, 6 * s, dtype=torch.float64)
        for c, s in ((4, 4), (6, 2), (8, 1))
    ]

    def twice(x):
        size = (2 * x.shape[-2], 2 * x.shape[-1])
        return F.interpolate(x, size, mode='bilinear', align_corners=True)

    def conv(layer, x, padding=0):
        return F.conv2d(x, layer.weight, layer.bias, padding=padding)

    def norm(layer, x):
        return F.batch_norm(
            x, layer.running_mean, layer.running_var, layer.weight, layer.bias
        ).relu()

    parts = head.vgg_head
    hidden = norm(parts[1], conv(parts[0], pools[2], padding=3))
    hidden = norm(parts[5], conv(parts[4], hidden))
    score = twice(conv(parts[8], hidden)) + conv(head.score_pool4, pools[1])
    score = twice(score) + conv(head.score_pool3, pools[0])
    torch.testing.assert_close(head(pools), score)


def test_fcn_head_dropout_and_initialisation():
    head = FCN8sHead(num_classes=19, channels=8)
    drops = [m for m in head.modules() if isinstance(m, nn.Dropout2d)]
    assert [d.p for d in drops] == [0.1, 0.1]
    before = head.vgg_head[8].weight.clone()
    torch.manual_seed(0)
    head.init_weights()
    skip = head.score_pool4.weight
    assert skip.std().item() == pytest.approx(0.01, rel=0.05)
    assert head.score_pool4.bias.abs().max() > 0
    assert torch.equal(head.vgg_head[8].weight, before)
    assert head.align_corners

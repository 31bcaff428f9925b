# SPDX-License-Identifier: Apache-2.0
"""ADVENT and MinEnt: oracles 5, 10, 24, 25 of the IntraDA sheet."""

import copy

import pytest
import torch
import torch.nn.functional as F
from mmengine.config import ConfigDict
from mmengine.structures import PixelData
from mmseg.registry import MODELS
from mmseg.structures import SegDataSample
from torch import nn

from mmseg_da.models.utils import self_information

CLASSES = 3
HEAD = dict(
    type='DeepLabV2Head', num_classes=CLASSES, dilations=(1, 2), in_index=0
)
SEGMENTOR = ConfigDict(
    type='EncoderDecoder',
    backbone=dict(
        type='ResNetDeepLab',
        depth=50,
        base_channels=4,
        norm_cfg=dict(type='BN', requires_grad=False),
    ),
    decode_head=dict(**HEAD, in_channels=128),
    auxiliary_head=dict(
        **HEAD,
        in_channels=64,
        loss_decode=dict(type='PixelCELoss', loss_weight=0.1),
    ),
    test_cfg=dict(mode='whole'),
)
SEGMENTOR.decode_head.in_index = 1
CRITIC = dict(
    type='FCDiscriminator',
    in_channels=CLASSES,
    base_channels=4,
    num_convs=3,
)
PREPROCESSOR = dict(
    type='MultiBranchDataPreprocessor',
    data_preprocessor=dict(type='SegDataPreProcessor', size=(32, 48)),
)


def single_level():
    cfg = copy.deepcopy(SEGMENTOR)
    cfg.auxiliary_head = None
    return cfg


def build(method='ADVENT', segmentor=None, levels=('main', 'aux'), **options):
    torch.manual_seed(0)
    cfg = dict(
        type=method,
        segmentor=segmentor or SEGMENTOR,
        data_preprocessor=PREPROCESSOR,
        **options,
    )
    if method == 'ADVENT':
        cfg['discriminators'] = dict.fromkeys(levels, CRITIC)
    return MODELS.build(ConfigDict(copy.deepcopy(cfg)))


def batch(seed=0, ignored=False):
    generator = torch.Generator().manual_seed(seed)
    inputs = {
        'source': torch.randn(2, 3, 40, 56, generator=generator),
        'target': torch.randn(1, 3, 32, 48, generator=generator),
    }
    label = torch.randint(0, CLASSES, (2, 1, 40, 56), generator=generator)
    label[:, :, :8] = 255
    if ignored:
        label[:] = 255
    samples = [SegDataSample(gt_sem_seg=PixelData(data=x)) for x in label]
    return inputs, {'source': samples, 'target': [SegDataSample()]}


def total(losses):
    return sum(value for key, value in losses.items() if 'loss' in key)


def train(model, steps=3):
    segmentor = [p for p in model.segmentor.parameters() if p.requires_grad]
    optimizers = [torch.optim.SGD(segmentor, lr=0.01, momentum=0.9)]
    if hasattr(model, 'discriminators'):
        critics = model.discriminators.parameters()
        optimizers.append(torch.optim.Adam(critics, lr=1e-3))
    logs = []
    for step in range(steps):
        losses = model.loss(*batch(step))
        model.zero_grad()
        total(losses).backward()
        for optimizer in optimizers:
            optimizer.step()
        logs.append({k: v.detach() for k, v in losses.items()})
    return logs


def level_keys(level):
    return {
        f'adv.loss_gen_{level}',
        f'adv.loss_disc_{level}_source',
        f'adv.loss_disc_{level}_target',
        f'adv.acc_disc_{level}',
    }


@pytest.mark.parametrize('input_', ['self_info', 'prob'])
@pytest.mark.parametrize('gan', ['bce', 'lsgan'])
def test_two_levels(input_, gan):
    losses = build(input=input_, gan=gan).loss(*batch())
    assert set(losses) == {
        'source.decode.loss_ce',
        'source.aux.loss_ce',
        'target.entropy',
        *level_keys('main'),
        *level_keys('aux'),
    }
    assert all(torch.isfinite(v) and v.ndim == 0 for v in losses.values())


def test_one_level():
    model = build(segmentor=single_level(), levels=('main',))
    assert set(model.loss(*batch())) == {
        'source.decode.loss_ce',
        'target.entropy',
        *level_keys('main'),
    }


def test_discriminators_see_self_information_or_probabilities():
    logits = torch.randn(1, CLASSES, 32, 48)
    probabilities = logits.softmax(1)
    advent, adaptsegnet = build(), build(input='prob')
    torch.testing.assert_close(
        advent.maps(logits), self_information(probabilities)
    )
    torch.testing.assert_close(adaptsegnet.maps(logits), probabilities)
    expected = self_information(probabilities).sum(1).mean()
    for model in (advent, adaptsegnet):
        entropy = model.entropy(model.maps(logits))
        torch.testing.assert_close(entropy, expected)


def test_the_generator_is_weighted_and_ramped():
    plain = build(adv_weight_main=1.0).loss(*batch())
    scaled = build(adv_weight_main=0.25).loss(*batch())
    key = 'adv.loss_gen_main'
    torch.testing.assert_close(scaled[key], plain[key] / 4)
    model = build(adv_weight_main=1.0, ramp_iters=2)
    values = [model.loss(*batch())[key].item() for _ in range(3)]
    assert values[0] == 0
    assert 0 < values[1] < values[2]


def test_gradients_stay_where_they_belong():
    """Oracle 5: each part sees only its own terms."""
    model = build()
    losses = model.loss(*batch())
    for key, value in losses.items():
        if 'loss' not in key:
            continue
        model.zero_grad()
        value.backward(retain_graph=True)
        hit = {
            name: any(p.grad is not None for p in part.parameters())
            for name, part in (
                ('segmentor', model.segmentor),
                ('main', model.discriminators['main']),
                ('aux', model.discriminators['aux']),
            )
        }
        level = key.split('_')[2] if 'disc' in key else None
        expected = {
            'segmentor': level is None,
            'main': level == 'main',
            'aux': level == 'aux',
        }
        assert hit == expected, key


def test_zero_weights_train_the_network_as_source_only_does():
    """Oracle 24: with the target forward, for its BatchNorm statistics."""
    model = build(adv_weight_main=0.0, adv_weight_aux=0.0)
    critics = copy.deepcopy(model.discriminators.state_dict())
    train(model)
    reference = build()
    parameters = [
        p for p in reference.segmentor.parameters() if p.requires_grad
    ]
    optimizer = torch.optim.SGD(parameters, lr=0.01, momentum=0.9)
    for step in range(3):
        inputs, samples = batch(step)
        losses = reference.supervised_loss('source', inputs, samples)
        reference.segmentor.extract_feat(inputs['target'])
        optimizer.zero_grad()
        total(losses).backward()
        optimizer.step()
    got, expected = model.segmentor, reference.segmentor
    for name, value in expected.state_dict().items():
        assert torch.equal(got.state_dict()[name], value), name
    moved = model.discriminators.state_dict()
    assert all(not torch.equal(moved[k], critics[k]) for k in critics)


def test_three_iterations_twice_are_bit_equal():
    """Oracle 25."""
    first, second = train(build()), train(build())
    for one, other in zip(first, second, strict=True):
        assert one.keys() == other.keys()
        assert all(torch.equal(one[k], other[k]) for k in one)


@pytest.mark.parametrize('method', ['ADVENT', 'MinEnt'])
def test_batch_norm_sees_source_then_target(method):
    """Oracle 10."""
    model = build(method)
    backbone = model.segmentor.backbone
    norm = backbone.bn1
    norm.running_mean.fill_(0.5)
    affine = norm.weight.clone(), norm.bias.clone()
    inputs, samples = batch()
    with torch.no_grad():
        means = [
            backbone.conv1(inputs[branch]).mean((0, 2, 3))
            for branch in ('source', 'target')
        ]
    total(model.loss(inputs, samples)).backward()
    expected = 0.81 * 0.5 + 0.09 * means[0] + 0.1 * means[1]
    torch.testing.assert_close(norm.running_mean, expected)
    assert norm.num_batches_tracked == 2
    assert torch.equal(norm.weight, affine[0])
    assert torch.equal(norm.bias, affine[1])
    assert not norm.weight.requires_grad and not norm.bias.requires_grad


@pytest.mark.parametrize('method', ['ADVENT', 'MinEnt'])
def test_labels_without_a_valid_pixel_cost_nothing(method):
    model = build(method)
    losses = model.loss(*batch(ignored=True))
    assert losses['source.decode.loss_ce'] == 0
    total(losses).backward()
    gradients = [p.grad for p in model.parameters() if p.grad is not None]
    assert all(torch.isfinite(g).all() for g in gradients)


@pytest.mark.parametrize('method', ['ADVENT', 'MinEnt'])
def test_entropy_stays_in_single_under_autocast(method):
    """Section 13 of the sheet: AMP."""
    seen = []
    model = build(method)
    # Far from uniform, where the entropy is flat and hides any rounding.
    for conv in model.segmentor.decode_head.convs:
        nn.init.normal_(conv.weight, std=0.3)
    model.segmentor.decode_head.register_forward_hook(
        lambda module, args, logits: seen.append(logits)
    )
    with torch.autocast('cpu', dtype=torch.bfloat16):
        losses = model.loss(*batch())
    assert [x.dtype for x in seen] == [torch.bfloat16] * 2
    logits = F.interpolate(
        seen[1], size=(32, 48), mode='bilinear', align_corners=True
    )
    entropy = self_information(logits.float().softmax(1)).sum(1).mean()
    torch.testing.assert_close(losses['target.entropy'], entropy)
    assert all(v.dtype == torch.float32 for v in losses.values())
    total(losses).backward()


def test_minent_is_the_normalised_entropy_of_the_target():
    model = build('MinEnt', entropy_weight_main=0.5, entropy_weight_aux=0.25)
    inputs, samples = batch()
    losses = model.loss(inputs, samples)
    assert {k for k in losses if k.startswith('target')} == {
        'target.decode.loss_ent',
        'target.aux.loss_ent',
        'target.entropy',
    }
    features = model.segmentor.extract_feat(inputs['target'])
    for name, head, weight in (
        ('decode', model.segmentor.decode_head, 0.5),
        ('aux', model.segmentor.auxiliary_head, 0.25),
    ):
        logits = F.interpolate(
            head(features), size=(32, 48), mode='bilinear', align_corners=True
        )
        p = logits.softmax(1)
        entropy = -(p * p.log()).sum() / (32 * 48 * torch.tensor(3.0).log())
        torch.testing.assert_close(
            losses[f'target.{name}.loss_ent'], weight * entropy
        )
        if name == 'decode':
            torch.testing.assert_close(losses['target.entropy'], entropy)


def test_minent_on_one_level_and_hard_pixels():
    """Single-level nets crash in the reference (quirk 14)."""
    options = dict(segmentor=single_level(), entropy_weight_main=1.0)
    plain = build('MinEnt', **options).loss(*batch())
    hard = build('MinEnt', hard_ratio=0.3, **options).loss(*batch())
    key = 'target.decode.loss_ent'
    assert hard[key] > plain[key]
    torch.testing.assert_close(hard['target.entropy'], plain[key].detach())


LEVELS = [
    (('main',), SEGMENTOR, "the heads \\['decode', 'aux'\\]"),
    (('main', 'aux'), single_level(), "the heads \\['decode'\\]"),
    (('aux',), SEGMENTOR, "needs 'main'"),
    (('main', 'extra'), SEGMENTOR, "levels \\['main', 'extra'\\]"),
]


@pytest.mark.parametrize(('levels', 'segmentor', 'message'), LEVELS)
def test_levels_and_heads_have_to_match(levels, segmentor, message):
    with pytest.raises(ValueError, match=message):
        build(levels=levels, segmentor=segmentor)


@pytest.mark.parametrize(
    ('method', 'options', 'message'),
    [
        ('ADVENT', dict(input='logits'), "model.input='logits'; allowed: s"),
        ('ADVENT', dict(gan='wgan'), "model.gan='wgan'; allowed: bce, lsgan"),
        ('ADVENT', dict(ramp_iters=-5), 'model.ramp_iters=-5 must be >= 0'),
        ('MinEnt', dict(hard_ratio=0), r'model.hard_ratio=0: .*\(0, 1\]'),
        ('MinEnt', dict(hard_ratio=30), 'model.hard_ratio=30'),
    ],
)
def test_options_out_of_range(method, options, message):
    with pytest.raises(ValueError, match=message):
        build(method, **options)


def test_no_discriminator_at_all():
    with pytest.raises(ValueError, match="levels \\[\\]; ADVENT needs 'main'"):
        build(levels=())


def test_discriminators_have_the_heads_classes():
    segmentor = copy.deepcopy(SEGMENTOR)
    segmentor.decode_head.num_classes = 5
    with pytest.raises(ValueError, match=r'main.in_channels=3.* 5 classes'):
        build(segmentor=segmentor)


def test_small_training_images_name_their_size():
    model = build()
    inputs, samples = batch()
    inputs['target'] = inputs['target'][..., :7, :40]
    with pytest.raises(ValueError, match='maps of 40 x 7 px'):
        model.loss(inputs, samples)

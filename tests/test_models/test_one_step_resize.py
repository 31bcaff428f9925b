# SPDX-License-Identifier: Apache-2.0
"""Logits that are enlarged once (IntraDA sheet, Q17), and ensembles."""

import copy

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from mmengine.config import Config, ConfigDict
from mmseg.apis import inference_model, init_model
from mmseg.registry import MODELS
from mmseg.structures import SegDataSample

from mmseg_da.models.decode_heads import DeepLabV2Head

CLASSES = 5


def segmentor_cfg(kind='OneStepEncoderDecoder', **extra):
    return ConfigDict(
        type=kind,
        backbone=dict(
            type='ResNetDeepLab', depth=50, base_channels=4, out_indices=(3,)
        ),
        decode_head=dict(
            type='DeepLabV2Head', in_channels=128, num_classes=CLASSES
        ),
        test_cfg=dict(mode='whole'),
        **extra,
    )


def build(kind='OneStepEncoderDecoder', seed=0):
    torch.manual_seed(seed)
    net = MODELS.build(segmentor_cfg(kind)).eval()
    net.init_weights()
    # Trained-looking logits; as initialised, one class wins everywhere.
    for conv in net.decode_head.convs:
        torch.nn.init.normal_(conv.weight, std=0.3)
    with torch.no_grad():
        logits = net.decode_head(net.extract_feat(image()))
        net.decode_head.convs[0].bias -= logits.mean((0, 2, 3))
    return net


@pytest.fixture(scope='module')
def nets():
    one = build()
    two = build('EncoderDecoder')
    two.load_state_dict(one.state_dict(), strict=True)
    assert list(one.state_dict()) == list(two.state_dict())
    return one, two


def image(height=48, width=80, count=1):
    generator = torch.Generator().manual_seed(1)
    return torch.randn(count, 3, height, width, generator=generator)


def sample(ori_shape, **meta):
    size = dict(ori_shape=ori_shape, img_shape=(48, 80), pad_shape=(48, 80))
    return SegDataSample(metainfo={**size, **meta})


@torch.no_grad()
def test_one_step_equals_the_papers_evaluation(nets):
    one, two = nets
    inputs = image()
    shape = (101, 203)
    found = one.predict(inputs, [sample(shape)])[0]
    stride_8 = one.decode_head(one.extract_feat(inputs))
    assert stride_8.shape[-2:] == (7, 11)
    expected = F.interpolate(
        stride_8, size=shape, mode='bilinear', align_corners=True
    )
    torch.testing.assert_close(
        found.seg_logits.data, expected[0], rtol=0, atol=0
    )
    assert torch.equal(
        found.pred_sem_seg.data, expected[0].argmax(0, keepdim=True)
    )
    in_two_steps = two.predict(inputs, [sample(shape)])[0].pred_sem_seg.data
    moved = (in_two_steps != found.pred_sem_seg.data).float().mean()
    # With 33 x 65 inputs both would agree: 32 is a multiple of 8.
    assert 0 < moved < 0.2


@torch.no_grad()
def test_same_as_mmseg_where_nothing_is_resized_twice(nets):
    one, two = nets
    inputs = image(count=2)
    meta = [
        dict(flip=True, flip_direction='horizontal'),
        dict(flip=True, flip_direction='vertical'),
    ]
    found = one.predict(inputs, [sample((48, 80), **m) for m in meta])
    wanted = two.predict(inputs, [sample((48, 80), **m) for m in meta])
    for a, b in zip(found, wanted, strict=True):
        torch.testing.assert_close(a.seg_logits.data, b.seg_logits.data)


@torch.no_grad()
@pytest.mark.parametrize('align_corners', [True, False])
def test_padding_is_left_out(nets, align_corners):
    one, two = copy.deepcopy(nets[0]), copy.deepcopy(nets[1])
    one.align_corners = two.align_corners = align_corners
    one.decode_head.align_corners = align_corners
    two.decode_head.align_corners = align_corners
    inputs = image()
    meta = dict(padding_size=[0, 9, 3, 6])
    found = one.predict(inputs, [sample((39, 71), **meta)])[0]
    wanted = two.predict(inputs, [sample((39, 71), **meta)])[0]
    assert found.seg_logits.data.shape == (CLASSES, 39, 71)
    # Cropped to the original size: mmseg's second step is the identity.
    torch.testing.assert_close(
        found.seg_logits.data, wanted.seg_logits.data, rtol=1e-4, atol=1e-4
    )


@torch.no_grad()
def test_images_of_different_sizes_in_a_batch(nets):
    one, _ = nets
    inputs = image(count=2)
    shapes = [(40, 60), (90, 70)]
    # The rounding of oneDNN's kernels depends on the size of the batch.
    with torch.backends.mkldnn.flags(enabled=False):
        both = one.predict(inputs, [sample(s) for s in shapes])
        for i, shape in enumerate(shapes):
            alone = one.predict(inputs[i : i + 1], [sample(shape)])[0]
            torch.testing.assert_close(
                both[i].seg_logits.data, alone.seg_logits.data
            )


@torch.no_grad()
def test_slide_mode_and_prediction_without_samples_are_mmsegs(nets):
    one, two = copy.deepcopy(nets[0]), copy.deepcopy(nets[1])
    inputs = image()
    assert torch.equal(
        one.predict(inputs)[0].seg_logits.data,
        two.predict(inputs)[0].seg_logits.data,
    )
    slide = ConfigDict(mode='slide', crop_size=(33, 33), stride=(16, 16))
    one.test_cfg = two.test_cfg = slide
    assert not one.one_step_resize
    assert torch.equal(
        one.predict(inputs, [sample((66, 130))])[0].seg_logits.data,
        two.predict(inputs, [sample((66, 130))])[0].seg_logits.data,
    )


def preprocessor(mean=100.0):
    return dict(
        type='SegDataPreProcessor', mean=[mean] * 3, std=[50.0] * 3, size=None
    )


def config(model):
    return dict(
        default_scope='mmseg',
        model=model,
        test_pipeline=[
            dict(type='LoadImageFromNDArray'),
            dict(type='Resize', scale=(80, 48)),
            dict(type='PackSegInputs'),
        ],
    )


def as_config(model):
    return Config(config(model))


def test_inference_api_wrapper_and_tta(tmp_path):
    wrapper = dict(
        type='SupervisedOnly',
        data_preprocessor=preprocessor(),
        segmentor=segmentor_cfg(),
    )
    torch.manual_seed(0)
    model = init_model(as_config(wrapper), device='cpu')
    picture = np.random.default_rng(0).integers(0, 255, (99, 195, 3), np.uint8)
    found = inference_model(model, picture)
    assert found.pred_sem_seg.data.shape == (1, 99, 195)
    plain = init_model(
        as_config(
            dict(
                segmentor_cfg('EncoderDecoder'),
                data_preprocessor=preprocessor(),
            )
        ),
        device='cpu',
    )
    plain.load_state_dict(model.segmentor.state_dict(), strict=True)
    assert inference_model(plain, picture).pred_sem_seg.data.shape == (
        1,
        99,
        195,
    )
    tta = MODELS.build(dict(type='SegTTAModel', module=model))
    views = [dict(flip=False), dict(flip=True, flip_direction='horizontal')]
    with torch.no_grad():
        merged = tta.test_step(
            {
                'inputs': [[torch.zeros(3, 48, 80, dtype=torch.uint8)]] * 2,
                'data_samples': [
                    [sample((99, 195), img_path='a.png', **view)]
                    for view in views
                ],
            }
        )
    assert merged[0].pred_sem_seg.data.shape == (1, 99, 195)


class OwnPrediction(DeepLabV2Head):
    def predict(self, inputs, batch_img_metas, test_cfg):
        raise NotImplementedError


def test_heads_with_their_own_prediction_are_refused():
    cfg = segmentor_cfg()
    cfg.decode_head.type = OwnPrediction
    with pytest.raises(
        ValueError, match='OwnPrediction defines its own predict'
    ):
        MODELS.build(cfg)


def ensemble(members, weights=None, means=(100.0, 100.0)):
    cfg = dict(
        type='LogitEnsemble',
        members=[
            dict(segmentor_cfg(), data_preprocessor=preprocessor(mean))
            for _, mean in zip(members, means, strict=True)
        ],
        weights=weights,
    )
    model = MODELS.build(cfg).eval()
    for module, member in zip(model.members, members, strict=True):
        module.load_state_dict(member.state_dict(), strict=True)
    return model


def batch(ori_shape=(99, 195)):
    generator = torch.Generator().manual_seed(2)
    raw = torch.randint(0, 255, (3, 48, 80), generator=generator)
    return {
        'inputs': [raw.to(torch.uint8)],
        'data_samples': [sample(ori_shape)],
    }


@torch.no_grad()
def test_ensemble_of_a_net_with_itself_is_the_net(nets):
    """Oracle 19, first half."""
    net = nets[0]
    found = ensemble([net, net], [0.5, 0.5]).test_step(batch())[0]
    alone = ensemble([net], [1.0], [100.0]).test_step(batch())[0]
    inputs = (batch()['inputs'][0].float()[None] - 100.0) / 50.0
    expected = net.predict(inputs, [sample((99, 195))])[0]
    for result in (found, alone):
        torch.testing.assert_close(
            result.seg_logits.data, expected.seg_logits.data
        )
        assert torch.equal(
            result.pred_sem_seg.data, expected.pred_sem_seg.data
        )


@torch.no_grad()
def test_ensemble_adds_logits_not_probabilities(nets):
    """Oracle 19, second half: one net's logits times 10."""
    one, other = nets[0], build(seed=1)
    before = ensemble([one, other]).test_step(batch())[0].pred_sem_seg.data
    louder = copy.deepcopy(other)
    for conv in louder.decode_head.convs:
        conv.weight.mul_(10)
        conv.bias.mul_(10)
    after = ensemble([one, louder]).test_step(batch())[0].pred_sem_seg.data
    assert (before != after).any()
    by_weight = ensemble([one, other], [0.5, 5.0]).test_step(batch())[0]
    assert torch.equal(after, by_weight.pred_sem_seg.data)


@torch.no_grad()
def test_members_have_their_own_preprocessor(nets):
    net = nets[0]
    found = ensemble([net, net], [0.25, 0.75], (100.0, 20.0))
    logits = found.test_step(batch())[0].seg_logits.data
    raw = batch()['inputs'][0].float()[None]
    parts = [
        net.predict((raw - mean) / 50.0, [sample((99, 195))])[0]
        for mean in (100.0, 20.0)
    ]
    expected = (
        0.25 * parts[0].seg_logits.data + 0.75 * parts[1].seg_logits.data
    )
    torch.testing.assert_close(logits, expected)


@pytest.mark.parametrize(
    ('members', 'weights', 'message'),
    [
        ([], None, 'members is empty'),
        ([segmentor_cfg()], [0.5, 0.5], r'weights=\[0.5, 0.5\]: expected 1'),
        ([segmentor_cfg()], [float('nan')], 'expected 1 finite'),
    ],
)
def test_bad_ensembles(members, weights, message):
    with pytest.raises(ValueError, match=message):
        MODELS.build(
            dict(type='LogitEnsemble', members=members, weights=weights)
        )


def test_members_with_other_classes():
    other = segmentor_cfg()
    other.decode_head.num_classes = 4
    with pytest.raises(ValueError, match=r'predict \[5, 4\] classes'):
        MODELS.build(
            dict(type='LogitEnsemble', members=[segmentor_cfg(), other])
        )

# SPDX-License-Identifier: Apache-2.0
"""MonoDepth: what its parts see, its phases, its messages."""

import logging
from types import SimpleNamespace

import contract
import pytest
import torch
from mmengine.config import Config
from mmengine.structures import PixelData
from mmseg.registry import MODELS
from mmseg.structures import SegDataSample

from mmseg_da.uda.hooks import DepthCollapseHook
from mmseg_da.uda.hooks import depth_collapse_hook as hook_module
from mmseg_da.uda.monodepth_loss import MonoDepthLoss
from mmseg_da.uda.video_batch import VideoBatch, read_video

ENCODER = dict(type='ResNetStem', depth=18, base_channels=4, dilated=False)
DECODER = dict(
    type='DisparityDecoder',
    in_channels=(4, 4, 8, 16, 32),
    channels=(4, 4, 8, 8, 8),
    dilations=(1, 2),
    dropout_ratio=0.0,
)
POSE = dict(
    type='PoseNet',
    encoder=dict(ENCODER, in_channels=6),
    in_channels=32,
    channels=8,
)


def build(**options):
    base = dict(encoder=ENCODER, decoder=DECODER, pose_net=POSE)
    return MODELS.build(dict(type='MonoDepth', **{**base, **options}))


def video_sample(seed=0, size=(32, 64), **extra):
    generator = torch.Generator().manual_seed(seed)
    sample = SegDataSample(metainfo=dict(img_path='frame.png'))
    for key in ('frame_m1', 'frame_p1'):
        pixels = torch.randint(
            0, 256, (3, *size), dtype=torch.uint8, generator=generator
        )
        sample.set_data({key: PixelData(data=pixels)})
    camera = torch.tensor([[40.0, 0, 31.5], [0, 40, 15.5], [0, 0, 1]])
    sample.set_data({'intrinsics': camera, **extra})
    return sample


def batch(**extra):
    torch.manual_seed(0)
    samples = [video_sample(i, **extra) for i in range(2)]
    return {'target': torch.rand(2, 3, 32, 64)}, {'target': samples}


def test_loss_keys_and_gradients():
    model = build()
    losses = model(*batch(), mode='loss')
    assert set(losses) == {
        f'target.mono.{name}'
        for name in (
            'loss_photometric',
            'loss_smooth',
            'moving_ratio',
            'disp_std',
            'travel',
        )
    }
    sum(v for k, v in losses.items() if 'loss' in k).backward()
    assert all(p.grad is not None for p in model.parameters())


def test_phase_one_moves_only_statistics_of_the_encoder():
    model = build(freeze_encoder=True).train()
    before = {k: v.clone() for k, v in model.encoder.state_dict().items()}
    losses = model(*batch(), mode='loss')
    losses['target.mono.loss_photometric'].backward()
    assert all(p.grad is None for p in model.encoder.parameters())
    after = model.encoder.state_dict()
    moved = {k for k in before if not torch.equal(before[k], after[k])}
    assert moved
    assert all('running' in k or 'num_batches' in k for k in moved)


def test_feature_distance_keeps_its_reference():
    model = build(feature_distance=dict(loss_weight=1e-2))
    model.init_weights()
    model.train()
    assert not model.reference_encoder.training
    for one, other in zip(
        model.encoder.parameters(),
        model.reference_encoder.parameters(),
        strict=True,
    ):
        assert torch.equal(one, other)
        assert not other.requires_grad
    losses = model(*batch(), mode='loss')
    assert losses['target.mono.loss_feature_distance'] > 0


def test_given_motion_and_velocity():
    motion = torch.eye(4).repeat(2, 1, 1)
    motion[1, 2, 3] = -0.5
    inputs, samples = batch(motion=motion, travel=torch.tensor([0.0, 0.5]))
    model = build(pose='vehicle', pose_net=None)
    losses = model(inputs, samples, mode='loss')
    assert losses['target.mono.travel'].item() == pytest.approx(0.25)
    model = build(velocity_weight=2.0, velocity_iters=1)
    first = model(inputs, samples, mode='loss')
    # |t| is near 0: relative error 1 where the vehicle moves, 0 elsewhere.
    value = first['target.mono.loss_velocity'].item()
    assert value == pytest.approx(1.0, abs=0.1)
    second = model(inputs, samples, mode='loss')
    assert second['target.mono.loss_velocity'] == 0


def test_relative_translation_follows_the_depth():
    model = build(relative_translation=True).eval()
    inputs, samples = batch()
    video = read_video(inputs['target'], samples['target'])
    near = model.motion(video, torch.full((2, 1, 4, 4), 0.9))
    far = model.motion(video, torch.full((2, 1, 4, 4), 0.09))
    ratio = model.mono_loss.depth(torch.tensor([0.09, 0.9]))
    torch.testing.assert_close(
        far[..., :3, 3], near[..., :3, 3] * (ratio[0] / ratio[1])
    )


def test_predictions_have_the_original_size():
    model = build(eval_depth_range=(1e-3, 80)).eval()
    sample = SegDataSample(metainfo=dict(ori_shape=(50, 100)))
    (found,) = model(torch.rand(1, 3, 32, 64), [sample], mode='predict')
    depth = found.pred_depth_map.data
    assert depth.shape == (1, 50, 100)
    assert depth.min() >= 1e-3 and depth.max() <= 80


def test_clean_frames_reach_the_loss_and_jittered_ones_the_nets():
    inputs, samples = batch()
    black = PixelData(data=torch.zeros(3, 32, 64, dtype=torch.uint8))
    for sample in samples['target']:
        for key in ('clean_0', 'clean_m1', 'clean_p1'):
            sample.set_data({key: black.clone()})
        sample.set_data({'pyramid_1': torch.zeros(16, 32, 3).byte()})
    video = read_video(inputs['target'], samples['target'])
    assert torch.equal(video.frames[0], inputs['target'])
    assert video.frames[1].max() > 0
    assert not video.target.any()
    assert not video.neighbours.any()
    assert video.pyramid[1].shape == (2, 3, 16, 32)


def test_colours_are_rgb():
    sample = video_sample()
    sample.frame_m1.data[:] = torch.tensor([0, 51, 255]).byte()[:, None, None]
    video = read_video(torch.rand(1, 3, 32, 64), [sample])
    assert video.frames[-1][0, :, 0, 0].tolist() == pytest.approx([1, 0.2, 0])


def test_rows_of_the_own_car_give_no_gradient():
    loss = MonoDepthLoss(valid_rows=0.5, smoothness=dict(loss_weight=0.0))
    frames = {k: torch.rand(1, 3, 16, 32) for k in (-1, 0, 1)}
    video = VideoBatch(
        frames,
        frames[0],
        torch.stack([frames[-1], frames[1]]),
        {0: frames[0]},
        torch.tensor([[[20.0, 0, 15.5], [0, 20, 7.5], [0, 0, 1]]]),
    )
    motion = torch.eye(4).repeat(2, 1, 1, 1)
    motion[..., 2, 3] = -0.2
    disparity = torch.full((1, 1, 16, 32), 0.1, requires_grad=True)
    terms = loss({0: disparity}, video, motion)
    terms['loss_photometric'].backward()
    assert disparity.grad[..., :8, :].any()
    assert not disparity.grad[..., 8:, :].any()


def test_messages():
    inputs, samples = batch()
    with pytest.raises(ValueError, match='MultiBranch'):
        build()(inputs['target'], samples['target'], mode='loss')
    with pytest.raises(ValueError, match="pose='moon'"):
        build(pose='moon')
    with pytest.raises(ValueError, match="pose_net=None with pose='vehicle'"):
        build(pose='vehicle')
    with pytest.raises(ValueError, match='feature_distance without'):
        build(freeze_encoder=True, feature_distance={})
    with pytest.raises(ValueError, match='LoadVehicleMotion'):
        build(pose='vehicle', pose_net=None)(inputs, samples, mode='loss')
    with pytest.raises(ValueError, match="no 'travel'"):
        build(velocity_weight=1.0)(inputs, samples, mode='loss')
    with pytest.raises(ValueError, match="'intrinsics' in every sample"):
        plain = video_sample()
        del plain.intrinsics
        read_video(inputs['target'][:1], [plain])
    with pytest.raises(ValueError, match='taken for scene'):
        read_video(torch.rand(1, 3, 64, 64), [video_sample()])
    with pytest.raises(ValueError, match=r'multiples of 8, got \(36, 60\)'):
        read_video(torch.rand(1, 3, 36, 60), [video_sample()])
    with pytest.raises(ValueError, match='min_depth=2'):
        MonoDepthLoss(min_depth=2, max_depth=1)
    with pytest.raises(ValueError, match='valid_rows=0'):
        MonoDepthLoss(valid_rows=0)


def test_collapse_is_noticed_and_survives_a_resume(monkeypatch):
    said = []
    monkeypatch.setattr(
        hook_module,
        'print_log',
        lambda text, logger, level: said.append((text, level)),
    )
    runner = SimpleNamespace(iter=0, _resume=True)

    def feed(hook, value, count):
        for _ in range(count):
            outputs = {'target.mono.disp_std': torch.tensor(value)}
            hook.after_train_iter(runner, 0, outputs=outputs)
            runner.iter += 1

    hook = DepthCollapseHook(patience=100)
    feed(hook, 1e-4, 50)
    feed(hook, 0.5, 1)
    feed(hook, 1e-4, 60)
    checkpoint = {}
    hook.before_save_checkpoint(runner, checkpoint)
    again = DepthCollapseHook(patience=100)
    again.after_load_checkpoint(runner, checkpoint)
    feed(again, 1e-4, 39)
    assert not said
    feed(again, 1e-4, 50)
    assert len(said) == 1
    assert 'randomness.seed=1' in said[0][0]
    assert said[0][1] == logging.WARNING
    with pytest.raises(ValueError, match='patience=0'):
        DepthCollapseHook(patience=0)


@pytest.mark.parametrize(
    'name, rates, iters',
    [
        ('pose_cs', {'decoder': 1e-4, 'pose_net': 1e-4}, 300000),
        ('phase1_cs', {'decoder': 1e-4, 'pose_net': 1e-4}, 300000),
        (
            'phase2_cs',
            {'encoder': 1e-5, 'decoder': 1e-5, 'pose_net': 1e-5},
            50000,
        ),
    ],
)
def test_published_rates(name, rates, iters):
    path = contract.REPO / f'configs/methods/sde-depth-{name}.py'
    cfg = Config.fromfile(path)
    members = {
        k: v.optimizer
        for k, v in cfg.optim_wrapper.items()
        if isinstance(v, dict)
    }
    assert {k: v.lr for k, v in members.items()} == rates
    assert all(v.type == 'Adam' for v in members.values())
    assert cfg.train_cfg.max_iters == iters
    (schedule,) = cfg.param_scheduler
    assert (schedule.milestones, schedule.gamma) == ([160000], 0.1)

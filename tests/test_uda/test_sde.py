# SPDX-License-Identifier: Apache-2.0
"""The SDE method: options, terms, weights (oracles 7, 14, 23, 24)."""

import math
from types import SimpleNamespace

import pytest
import torch
import torch.nn.functional as F
from mmengine.config import Config
from mmengine.optim import OptimWrapper, build_optim_wrapper
from mmengine.registry import PARAM_SCHEDULERS
from mmengine.structures import PixelData
from mmseg.registry import MODELS
from mmseg.structures import SegDataSample

import mmseg_da.uda.methods.sde as sde_module
from mmseg_da.uda.hooks import DepthTransferHook
from mmseg_da.uda.label_student import student_config
from mmseg_da.uda.sde_mixing import (
    MixInput,
    mix_source_on_target,
    mix_targets,
)
from mmseg_da.uda.sde_settings import MixSettings
from mmseg_da.uda.shared_draws import SharedDraws

SIZE = (32, 64)
WIDTHS = (4, 4, 8, 16, 32)
DECODER = dict(channels=(4, 4, 8, 8, 8), dilations=(1, 2), dropout_ratio=0)
ENCODER = dict(type='ResNetStem', depth=18, base_channels=4, dilated=False)
TEACHER = dict(type='FusedEMA', gamma=1, momentum=0.01, buffers='keep')
MONO = dict(type='MonoDepthLoss')
POSE = dict(
    type='PoseNet',
    encoder=dict(ENCODER, in_channels=6),
    in_channels=32,
    channels=8,
)


def build(head='JointSegDepthHead', teacher=TEACHER, **options):
    torch.manual_seed(0)
    return MODELS.build(
        dict(
            type='SDE',
            data_preprocessor=dict(
                type='MultiBranchDataPreprocessor',
                data_preprocessor=dict(
                    type='SegDataPreProcessor',
                    mean=[0, 0, 0],
                    std=[255, 255, 255],
                    size=SIZE,
                ),
            ),
            segmentor=dict(
                type='EncoderDecoder',
                backbone=ENCODER,
                decode_head=dict(
                    type=head,
                    in_channels=WIDTHS,
                    num_classes=19,
                    decoder=DECODER,
                ),
                test_cfg=dict(mode='whole'),
            ),
            teacher=teacher,
            **options,
        )
    )


def samples(labeled=True, disparity=True, video=False, count=2):
    found = []
    for i in range(count):
        sample = SegDataSample(metainfo=dict(img_path=f'{i}.png'))
        if labeled:
            label = torch.randint(0, 19, (1, *SIZE))
            sample.gt_sem_seg = PixelData(data=label)
        if disparity:
            near = PixelData(data=torch.rand(1, *SIZE))
            sample.set_data({'disparity': near})
        if video:
            for key in ('frame_m1', 'frame_p1'):
                frame = torch.randint(0, 255, (3, *SIZE), dtype=torch.uint8)
                sample.set_data({key: PixelData(data=frame)})
            camera = torch.tensor([[40.0, 0, 32], [0, 40, 16], [0, 0, 1]])
            motion = torch.eye(4).repeat(2, 1, 1)
            motion[:, 2, 3] = torch.tensor([0.5, -0.5])
            sample.set_data({'intrinsics': camera, 'motion': motion})
        found.append(sample)
    return found


def batch(branches):
    images = {name: torch.rand(2, 3, *SIZE) for name in branches}
    return images, branches


def losses_of(model, branches):
    torch.manual_seed(1)
    return model.train().loss(*batch(branches))


SSL = {
    'target_labeled': samples(disparity=False),
    'target': samples(labeled=False),
}
SSDA = {**SSL, 'source': samples()}


# Terms -----------------------------------------------------------------------


@pytest.mark.parametrize('kind', ['identity', 'depth', 'class', 'cut'])
def test_semi_supervised_terms(kind):
    losses = losses_of(build(target_mix=kind), SSL)
    assert sorted(losses) == [
        'target_labeled.decode.loss_ce',
        'target_mix.decode.loss_ce',
        'target_mix.quality',
        'target_mix.share',
    ]
    assert all(torch.isfinite(value) for value in losses.values())


@pytest.mark.parametrize('kind', ['depth', 'class'])
def test_source_terms(kind):
    losses = losses_of(build(cross_domain_mix=kind), SSDA)
    assert sorted(losses) == [
        'cross_mix.decode.loss_ce',
        'cross_mix.quality',
        'cross_mix.share',
        'source.decode.loss_ce',
        'target_labeled.decode.loss_ce',
        'target_mix.decode.loss_ce',
        'target_mix.quality',
        'target_mix.share',
    ]
    assert losses['cross_mix.decode.loss_ce'] > 0.1


def test_multi_task_terms_and_online_depth():
    model = build('PADHead', mono_loss=MONO, online_depth=True)
    video = {
        'target_labeled': samples(video=True, disparity=False),
        'target': samples(labeled=False, disparity=False, video=True),
    }
    losses = losses_of(model, video)
    for name in ('target_labeled', 'target'):
        assert losses[f'{name}.mono.loss_photometric'] > 0
        assert f'{name}.mono.loss_smooth' in losses
    assert 'target_labeled.decode.loss_ce_intermediate' in losses
    assert 'target_mix.decode.loss_ce' in losses


def test_without_mixing_only_labels_are_needed():
    model = build(teacher=None, target_mix='off')
    assert model.required_branches == ('target_labeled',)
    labeled = {'target_labeled': SSL['target_labeled']}
    assert list(losses_of(model, labeled)) == ['target_labeled.decode.loss_ce']


def test_labels_of_target_images_raise_the_weight():
    model = build()
    labeled = {**SSL, 'target': samples()}
    assert losses_of(model, SSL)['target_mix.quality'] == 0
    assert losses_of(model, labeled)['target_mix.quality'] == 1
    model.mix_use_gt = False
    assert losses_of(model, labeled)['target_mix.quality'] == 0


def test_student_and_teacher_gradients():
    model = build(cross_domain_mix='depth')
    losses = losses_of(model, SSDA)
    sum(v for k, v in losses.items() if 'loss' in k).backward()
    assert all(p.grad is None for p in model.teacher.parameters())
    without = {
        name
        for name, p in model.named_parameters()
        if p.grad is None and p.requires_grad
    }
    assert without == set(model.unused_parameters)


def test_weights_of_the_terms():
    once = losses_of(build(cross_domain_mix='class'), SSDA)
    twice = losses_of(
        build(
            cross_domain_mix='class',
            target_mix_weight=2.0,
            cross_mix_weight=3.0,
        ),
        SSDA,
    )
    for name, factor in (('target_mix', 2), ('cross_mix', 3)):
        key = f'{name}.decode.loss_ce'
        torch.testing.assert_close(twice[key], factor * once[key])


def test_two_teacher_passes_on_demand():
    model = build(cross_domain_mix='class', share_pseudo_labels=False)
    calls = []
    model.teacher.module.backbone.register_forward_hook(
        lambda *_: calls.append(1)
    )
    losses_of(model, SSDA)
    assert len(calls) == 2
    model.share_pseudo_labels = True
    losses_of(model, SSDA)
    assert len(calls) == 3


# Rules -----------------------------------------------------------------------


def test_weighted_cross_entropy_counts_ignored_pixels():
    loss = build().mix_loss
    logits = torch.zeros(1, 19, 2, 2, dtype=torch.float64)
    label = torch.tensor([[[3, 255], [255, 7]]])
    ones = torch.ones(1, 2, 2, dtype=torch.float64)
    assert loss(logits, label, weight=ones).item() == pytest.approx(
        math.log(19) / 2, abs=1e-12
    )
    quarters = loss(logits, label, weight=ones / 4)
    assert quarters.item() == pytest.approx(math.log(19) / 8, abs=1e-12)
    plain = MODELS.build(dict(type='PixelCELoss'))
    assert plain(logits, label).item() == pytest.approx(2.94444, abs=1e-5)
    assert loss(logits, torch.full_like(label, 255), weight=ones) == 0


def mix_input(label, confidence, near, pixel=0.0):
    maps = torch.tensor([[near]], dtype=torch.float64)
    count = len(near)
    return MixInput(
        pixel + torch.arange(count).expand(1, 3, 1, -1) / 100,
        torch.tensor([[label]]),
        torch.tensor([[confidence]], dtype=torch.float64),
        maps[None] if maps.ndim == 3 else maps,
    )


def test_cross_domain_weights_are_one_on_source_pixels():
    source = mix_input([4, 4, 4], [1.0, 1, 1], [0.5, 0.2, 0.31], 0.1)
    target = mix_input([7, 7, 255], [0.99, 0.5, 1.0], [0.1, 0.6, 0.33], 0.5)
    settings = MixSettings(margin_flip_probability=1.0)
    mixed = mix_source_on_target(
        'depth', source, target, (), 19, settings, SharedDraws()
    )
    assert mixed.label.flatten().tolist() == [4, 7, 255]
    for channel in mixed.images[0, :, 0].tolist():
        assert channel == pytest.approx([0.1, 0.51, 0.52])
    assert mixed.quality == pytest.approx(2 / 3)
    assert mixed.share == pytest.approx(1 / 3)
    assert mixed.weight.flatten().tolist() == pytest.approx([1, 2 / 3, 2 / 3])


def test_target_quality_is_that_of_the_mixed_batch():
    one = mix_input([1, 1], [1.0, 0.0], [0.9, 0.1], 0.1)
    other = mix_input([2, 2], [0.0, 0.0], [0.1, 0.9], 0.5)
    pair = MixInput(*(torch.cat(x) for x in zip(one, other, strict=True)))
    mixed = mix_targets('depth', pair, (), 19, MixSettings(), SharedDraws())
    assert mixed.label.tolist() == [[[1, 2]], [[1, 2]]]
    for channel in mixed.images[:, :, 0].flatten(0, 1).tolist():
        assert channel == pytest.approx([0.1, 0.51])
    assert mixed.quality == 0.5
    assert mixed.share == 0.5


@pytest.mark.parametrize('kind', ['class', 'cut'])
def test_images_and_labels_are_composed_alike(kind):
    """Pixels of image i are i, its labels are i."""
    label = torch.arange(2).view(2, 1, 1).expand(2, 8, 8).clone()
    label[:, :4] += 2
    images = label.unsqueeze(1).expand(2, 3, 8, 8).double()
    target = MixInput(images, label, torch.ones(2, 8, 8), None)
    torch.manual_seed(3)
    mixed = mix_targets(kind, target, (), 19, MixSettings(), SharedDraws())
    assert torch.equal(mixed.images[:, 1], mixed.label.double())
    assert 0 < mixed.share < 1
    if kind == 'class':
        torch.manual_seed(3)
        mixed = mix_source_on_target(
            kind, target, target, (), 19, MixSettings(), SharedDraws()
        )
        assert torch.equal(mixed.images[:, 1], mixed.label.double())


def test_void_pixels_of_labelled_images():
    """Confident in the cross-domain mix, not in the target mix."""
    pair = [mix_input([1, 2], [0.0, 0.0], [0.5, 0.5]) for _ in range(2)]
    pair = MixInput(*(torch.cat(x) for x in zip(*pair, strict=True)))
    truth = [SegDataSample() for _ in range(2)]
    truth[0].gt_sem_seg = PixelData(data=torch.tensor([[[7, 255]]]))
    rest = (truth, 19, MixSettings(), SharedDraws())
    mixed = mix_targets('identity', pair, *rest)
    assert mixed.label.tolist() == [[[7, 255]], [[1, 2]]]
    assert mixed.quality == 0.25
    assert mix_source_on_target('depth', pair, pair, *rest).quality == 0.5


AUGMENT = dict(jitter_above=-1.0, blur_above=-1.0)


def test_the_student_learns_the_augmented_mixes(monkeypatch):
    """What goes into it, and its weighted loss, by hand."""
    model = build(cross_domain_mix='depth', mixing=dict(augment=AUGMENT))
    mixes, seen, logits = [], [], []
    for name in ('mix_source_on_target', 'mix_targets'):
        function = getattr(sde_module, name)

        def spy(*arguments, function=function):
            mixes.append(function(*arguments))
            return mixes[-1]

        monkeypatch.setattr(sde_module, name, spy)
    net = model.segmentor
    net.backbone.register_forward_pre_hook(lambda _, x: seen.append(x[0]))
    net.decode_head.register_forward_hook(lambda *x: logits.append(x[2]))
    losses = losses_of(model, {**SSDA, 'target': samples()})
    for name, mixed, image, output in zip(
        ('cross_mix', 'target_mix'), mixes, seen[2:], logits[2:], strict=True
    ):
        augmented = model.mixing.augment.apply(mixed.images, mixed.plan)
        torch.testing.assert_close(image, augmented)
        assert not torch.allclose(image, mixed.images, atol=0.05)
        errors = F.cross_entropy(
            output, mixed.label, ignore_index=255, reduction='none'
        )
        torch.testing.assert_close(
            losses[f'{name}.decode.loss_ce'], (mixed.weight * errors).mean()
        )


def test_unsure_labels_teach_nothing():
    losses = losses_of(build(), SSL)
    assert losses['target_mix.quality'] == 0
    assert losses['target_mix.decode.loss_ce'] == 0


def test_teacher_follows_with_the_alphas_of_the_sheet():
    model = build()
    ema, student = model.teacher, model.segmentor
    bias = ema.module.decode_head.conv_seg.bias
    statistics = dict(ema.module.named_buffers())['backbone.bn1.running_mean']
    student.backbone.bn1.running_mean.fill_(5)
    expected = {1: 0.5, 2: 2 / 3, 3: 0.75, 50: 0.98039, 98: 0.98990}
    expected |= {99: 0.99, 100: 0.99}
    for k in range(1, 101):
        before = bias[0].item()
        with torch.no_grad():
            student.decode_head.conv_seg.bias.fill_(before + 1)
        ema.update_parameters(student)
        if k in expected:
            alpha = 1 - (bias[0].item() - before)
            assert alpha == pytest.approx(expected[k], abs=2e-5)
    assert (statistics == 0).all()


# Optimiser -------------------------------------------------------------------


@pytest.mark.parametrize(
    ('name', 'groups'),
    [
        ('sde_gta2cs', {1e-3: 312, 1e-6: 68, 1e-2: 96}),
        ('sde-no-mtl_gta2cs', {1e-3: 312, 1e-2: 47}),
    ],
)
def test_optimiser_groups_of_the_sheet(name, groups):
    cfg = Config.fromfile(f'configs/methods/{name}.py')
    with torch.device('meta'):
        model = MODELS.build(cfg.model)
    wrapper = build_optim_wrapper(model, cfg.optim_wrapper)
    found = {}
    for group in wrapper.optimizer.param_groups:
        lr = round(group['lr'], 12)
        found[lr] = found.get(lr, 0) + len(group['params'])
        assert group['weight_decay'] == 5e-4
    assert found == groups
    assert wrapper.clip_grad_kwargs == dict(max_norm=10, norm_type=2)
    counts = sum(p.numel() for p in model.parameters() if p.requires_grad)
    assert counts == {476: 99_727_418, 359: 64_572_119}[sum(groups.values())]


def rates(settings, lr, steps):
    """Learning rate after so many steps of the config's scheduler."""
    parameter = torch.nn.Parameter(torch.zeros(1))
    wrapper = OptimWrapper(torch.optim.SGD([parameter], lr=lr))
    scheduler = PARAM_SCHEDULERS.build(
        settings, default_args={'optimizer': wrapper}
    )
    parameter.grad = torch.zeros(1)
    found = {}
    for step in range(1, max(steps) + 1):
        wrapper.step()
        scheduler.step()
        if step in steps:
            found[step] = wrapper.param_groups[0]['lr']
    return found


def test_learning_rate_falls_after_30000_steps():
    cfg = Config.fromfile('configs/methods/sde_gta2cs.py')
    (step,) = cfg.param_scheduler
    found = rates(step, 1e-2, (29999, 30000))
    assert found == pytest.approx({29999: 1e-2, 30000: 1e-3})


def test_polynomial_rate_of_the_depth_student():
    """24k iterations, base 1e-4 (oracle 23)."""
    cfg = Config.fromfile('configs/methods/sde-depth-student_cs.py')
    cfg = student_config(cfg, [0], 24000, 0)
    (poly,) = cfg.param_scheduler
    found = rates(poly, 1e-4, (12000,))
    assert found[12000] == pytest.approx(5.3589e-5, rel=1e-4)


# Transfer --------------------------------------------------------------------


def depth_model():
    return MODELS.build(
        dict(
            type='MonoDepth',
            encoder=ENCODER,
            decoder=dict(
                type='DisparityDecoder', in_channels=WIDTHS, **DECODER
            ),
            pose='vehicle',
        )
    )


def saved_depth(tmp_path):
    depth = depth_model()
    path = tmp_path / 'depth.pth'
    torch.save(dict(state_dict=depth.state_dict(), meta={}), path)
    return depth, str(path)


def start(model, checkpoint, load_from=None, **options):
    cfg = SimpleNamespace(filename='somewhere/sde_gta2cs.py')
    runner = SimpleNamespace(
        model=model, iter=0, cfg=cfg, _load_from=load_from
    )
    DepthTransferHook(checkpoint=checkpoint, **options).before_train(runner)


def test_depth_checkpoint_loads_into_both_decoders(tmp_path):
    depth, path = saved_depth(tmp_path)
    model = build('PADHead', mono_loss=MONO)
    start(model, path)
    head = model.segmentor.decode_head
    for decoder in (head.depth_decoder, head.seg_decoder):
        for name, value in depth.decoder.state_dict().items():
            assert torch.equal(value, decoder.state_dict()[name])
    for name, value in depth.encoder.state_dict().items():
        assert torch.equal(value, model.segmentor.backbone.state_dict()[name])


def test_everything_that_is_missing_is_named_at_once(tmp_path):
    with pytest.raises(ValueError) as error:
        start(
            build(),
            str(tmp_path / 'no.pth'),
            config='sde-depth-phase2_cs',
            disparities=[dict(root=str(tmp_path), key='one')],
        )
    text = str(error.value)
    assert 'disparity/one is missing' in text
    assert 'tools/train.py configs/methods/sde-depth-phase2_cs.py' in text
    assert text.endswith('python tools/run_method.py sde_gta2cs')


def test_disparities_need_root_and_key():
    with pytest.raises(ValueError, match="'key': 'a'} has to be dict"):
        DepthTransferHook(disparities=[dict(key='a')])


def _without(part):
    def change(state):
        return {k: v for k, v in state.items() if not k.startswith(part)}

    return change


def _wider_decoder(state):
    key = next(k for k in state if k.startswith('decoder.') and '.conv' in k)
    return {**state, key: torch.zeros(1, 2, 3, 3)}


@pytest.mark.parametrize(
    ('change', 'message'),
    [
        (_without('decoder.'), r'it has no weights decoder\.\*'),
        (_without('encoder.'), r'it has no weights encoder\.\*'),
        (_without('encoder.conv1'), r'backbone\.conv1\.weight is not in it'),
        (_without('decoder.heads'), r'decoder\.heads\.\S+ is not in it'),
        (_wider_decoder, 'size mismatch for segmentor.decode_head'),
        (
            lambda state: {**state, 'decoder.extra.bias': torch.zeros(1)},
            r'this model has no segmentor\.decode_head\.\w+\.extra\.bias',
        ),
    ],
)
def test_other_networks_are_refused(tmp_path, change, message):
    depth, path = saved_depth(tmp_path)
    torch.save(dict(state_dict=change(depth.state_dict())), path)
    with pytest.raises(ValueError, match=f'not a depth network.*{message}'):
        start(build('PADHead', mono_loss=MONO), path)


def test_a_pose_net_is_not_left_at_random(tmp_path):
    """Networks trained with given motion have none."""
    _, path = saved_depth(tmp_path)
    model = build('PADHead', mono_loss=MONO, pose_net=POSE)
    with pytest.raises(ValueError, match=r'has no weights pose_net\.\*'):
        start(model, path)
    start(model, path, parts=['encoder', 'decoder'])


def test_parts_of_a_phase_start_the_next(tmp_path):
    phase1, path = saved_depth(tmp_path)
    phase2 = depth_model()
    before = {k: v.clone() for k, v in phase2.encoder.state_dict().items()}
    start(phase2, path, parts=['decoder'])
    for name, value in phase1.decoder.state_dict().items():
        assert torch.equal(value, phase2.decoder.state_dict()[name])
    for name, value in phase2.encoder.state_dict().items():
        assert torch.equal(value, before[name])
    with pytest.raises(ValueError, match=r"no \['pose_net'\], only"):
        start(phase2, path, parts=['pose_net'])


def test_load_from_is_kept(tmp_path):
    _, path = saved_depth(tmp_path)
    model = build()
    before = {k: v.clone() for k, v in model.state_dict().items()}
    start(model, path, load_from='warm.pth')
    for name, value in model.state_dict().items():
        assert torch.equal(value, before[name])


# Bad input -------------------------------------------------------------------


@pytest.mark.parametrize(
    ('options', 'message'),
    [
        (dict(target_mix='deep'), r"model\.target_mix='deep'; allowed: off"),
        (dict(cross_domain_mix='cut'), r"model\.cross_domain_mix='cut'"),
        (dict(teacher=None), 'need a teacher; set model.teacher='),
        (dict(teacher_mode='eval'), "eval' with model.teacher.buffers='keep"),
        (dict(online_depth=True), r'online_depth=True needs model\.mono_loss'),
        (dict(mono_on_unlabeled=True), 'mono_on_unlabeled=True needs'),
        (dict(head='PADHead'), 'only learns with model.mono_loss'),
        (dict(mono_loss=MONO), "use decode_head=dict.type='PADHead'"),
        (
            dict(mixing=dict(pseudo_threshold=96.8)),
            r'mixing\.pseudo_threshold=96\.8: expected a number from 0 to 1',
        ),
        (dict(mixing=dict(margin='abc')), "mixing.margin='abc': expected a"),
        (
            dict(mixing=dict(depth_threshold=[0.5, 0.1])),
            'depth_threshold=.*the first number is the smaller one',
        ),
        (
            dict(mixing=dict(augment=dict(group_size=0))),
            r'augment\.group_size=0: expected a number from 1',
        ),
        (
            dict(mixing=dict(augment=dict(sigma='ab'))),
            r"augment\.sigma='ab': expected \(smallest, largest\)",
        ),
        (dict(mixing=dict(augment=dict(sigma=3))), r'sigma=3: expected \(sm'),
        (dict(target_mix_weight=-1), r'target_mix_weight=-1: expected'),
        (dict(mix_use_gt='maybe'), "mix_use_gt='maybe': expected True or F"),
        (
            dict(mixing=dict(source_disparity_norm='log')),
            "source_disparity_norm='log'; allowed: raw, minmax",
        ),
        (
            dict(mixing=dict(margins=0.1)),
            r"model\.mixing has unknown keys \['margins'\]; allowed: margin",
        ),
        (
            dict(mixing=dict(augment=dict(power=2))),
            r"model\.mixing\.augment has unknown keys \['power'\]",
        ),
    ],
)
def test_options_that_contradict(options, message):
    with pytest.raises(ValueError, match=message):
        build(**options)


def test_cross_domain_mix_without_a_source():
    model = build(cross_domain_mix='depth')
    with pytest.raises(ValueError, match=r"needs the branches \['source'\]"):
        model(*batch(SSL), mode='loss')


def test_missing_disparity_is_named():
    with pytest.raises(ValueError, match="0.png of 'target' has no disp"):
        losses_of(
            build(),
            {**SSL, 'target': samples(labeled=False, disparity=False)},
        )


def test_one_target_image_is_refused():
    images, branches = batch(SSL)
    images['target'] = images['target'][:1]
    branches = {**branches, 'target': branches['target'][:1]}
    model = build().train()
    model.teacher.eval()
    with pytest.raises(ValueError, match='at least 2 target images'):
        model.loss(images, branches)


def test_pairs_of_different_counts_are_refused():
    images, branches = batch(SSDA)
    images['source'] = torch.cat([images['source']] * 2)
    branches = {**branches, 'source': 2 * branches['source']}
    model = build(cross_domain_mix='depth').train()
    with pytest.raises(ValueError, match='are mixed pair by pair'):
        model.loss(images, branches)


def test_motion_has_to_come_from_somewhere():
    found = samples(video=True)
    for sample in found:
        del sample.motion
    model = build('PADHead', mono_loss=MONO, target_mix='off', teacher=None)
    with pytest.raises(ValueError, match='bring no motion; give a pose_net'):
        losses_of(model, {'target_labeled': found})


def test_a_plain_checkpoint_starts_with_alpha_one_half():
    plain = build(teacher=None, target_mix='off').segmentor.state_dict()
    model = build()
    model.load_state_dict(plain)
    assert model.teacher.steps == 1
    bias = model.teacher.module.decode_head.conv_seg.bias
    before = bias[0].item()
    with torch.no_grad():
        model.segmentor.decode_head.conv_seg.bias.fill_(before + 1)
    model.teacher.update_parameters(model.segmentor)
    assert bias[0].item() == pytest.approx(before + 0.5)
    # Training it before makes no difference.
    model.load_state_dict(plain)
    assert model.teacher.steps == 1
    # Its own checkpoint goes on where it was.
    other = build()
    model.teacher.steps.fill_(70)
    other.load_state_dict(model.state_dict())
    assert other.teacher.steps == 70

# SPDX-License-Identifier: Apache-2.0
"""SAC and its baseline: oracles 10-15 of the sheet, and its bad inputs."""

import copy
import re

import pytest
import torch
from mmengine.config import ConfigDict
from mmengine.logging import MessageHub
from mmengine.optim import OptimWrapper
from mmengine.structures import PixelData
from mmseg.registry import MODELS
from mmseg.structures import SegDataSample
from torch import nn

from mmseg_da.uda import consistency
from mmseg_da.uda.view_batch import ViewBatch

CLASSES = 3
SIZE = (16, 32)
IDENTITY = torch.tensor([[1.0, 0, 0], [0, 1, 0]])
MIRROR = torch.tensor([[-1.0, 0, 0], [0, 1, 0]])


def segmentor(channels=4):
    return dict(
        type='EncoderDecoder',
        backbone=dict(
            type='ResNet',
            depth=18,
            base_channels=channels,
            stem_channels=channels,
            strides=(1, 2, 1, 1),
            norm_cfg=dict(type='BN'),
            norm_eval=False,
        ),
        decode_head=dict(
            type='FCNHead',
            in_channels=channels * 8,
            channels=8,
            num_convs=1,
            num_classes=CLASSES,
            norm_cfg=dict(type='BN'),
            dropout_ratio=0.1,
            loss_decode=dict(type='PixelCELoss', normalize='all'),
        ),
        test_cfg=dict(mode='whole'),
    )


def build(method='SAC', seed=0, channels=4, **options):
    torch.manual_seed(seed)
    if method == 'SAC':
        options = {'require_baseline': False, **options}
    cfg = dict(type=method, segmentor=segmentor(channels), **options)
    cfg['data_preprocessor'] = dict(
        type='MultiBranchDataPreprocessor',
        data_preprocessor=dict(type='SegDataPreProcessor', size=SIZE),
    )
    model = MODELS.build(ConfigDict(copy.deepcopy(cfg)))
    model.init_weights()
    # Statistics as after some training, so that eval mode is not degenerate.
    for module in model.segmentor.modules():
        if isinstance(module, nn.BatchNorm2d):
            nn.init.uniform_(module.running_mean, -0.2, 0.2)
            nn.init.uniform_(module.running_var, 0.5, 1.5)
            nn.init.uniform_(module.weight, 0.5, 1.5)
    return model.train()


def batch(images=2, views=2, seed=0):
    generator = torch.Generator().manual_seed(seed)
    noisy = torch.randn(images, views, 3, *SIZE, generator=generator)
    inputs = {
        'source': torch.randn(2, 3, *SIZE, generator=generator),
        'target_views': noisy,
    }
    label = torch.randint(0, CLASSES, (2, 1, *SIZE), generator=generator)
    label[:, :, :3] = 255
    affine = torch.stack([IDENTITY, MIRROR] * views)[:views]
    targets = []
    for image in noisy:
        sample = SegDataSample()
        sample.set_data(
            {
                'clean': image + 0.1,
                'padding': torch.zeros(views, *SIZE, dtype=torch.bool),
                'affine': affine,
                'affine_inverse': affine,
            }
        )
        targets.append(sample)
    samples = [SegDataSample(gt_sem_seg=PixelData(data=x)) for x in label]
    return inputs, {'source': samples, 'target_views': targets}


def wrapper(model, lr=0.05):
    return OptimWrapper(
        torch.optim.SGD(model.segmentor.parameters(), lr=lr, momentum=0.9)
    )


def step(model, optim, data=None):
    losses = model(*(data or batch()), mode='loss')
    loss, logs = model.parse_losses(losses)
    optim.update_params(loss)
    return logs


def state(module):
    return {k: v.detach().clone() for k, v in module.state_dict().items()}


def same(one, other, names=None):
    names = one if names is None else names
    return all(torch.equal(one[name], other[name]) for name in names)


# The teacher and the prior


def test_the_first_call_copies_the_student_of_that_moment():
    model = build()
    for parameter in model.teacher.module.parameters():
        nn.init.normal_(parameter)
    counter = 'backbone.bn1.num_batches_tracked'
    model.segmentor.state_dict()[counter].fill_(7)
    student = state(model.segmentor)
    step(model, wrapper(model))
    assert same(student, state(model.teacher.module))
    assert model.teacher.module.state_dict()[counter] == 7
    assert not same(student, state(model.segmentor))
    assert model.initialized == 1


def test_the_first_prior_is_the_mean_of_the_first_batch():
    model = build()
    inputs, samples = batch()
    step(model, wrapper(model), (inputs, samples))
    clean = torch.cat([sample.clean for sample in samples['target_views']])
    with torch.no_grad():
        logits = model.teacher.module(clean)
    logits = nn.functional.interpolate(logits, SIZE, mode='bilinear')
    mean = logits.softmax(1).mean((0, 2, 3))
    torch.testing.assert_close(model.class_prior, mean)


def test_the_average_of_every_state_entry():
    model = build(teacher=dict(interval=1))
    step(model, wrapper(model))
    for network, value in ((model.teacher.module, 1), (model.segmentor, 2)):
        for tensor in network.state_dict().values():
            tensor.fill_(value)
    model.update_teacher()
    for name, tensor in model.teacher.module.state_dict().items():
        expected = 1 if name.endswith('num_batches_tracked') else 1.01
        torch.testing.assert_close(
            tensor.double(), torch.full_like(tensor.double(), expected)
        )


@pytest.mark.parametrize(
    ('epoch_length', 'expected'),
    [
        (None, [*range(100, 2300, 100)]),
        (1125, [*range(100, 1125, 100), *range(1125, 2250, 100)]),
    ],
)
def test_the_teacher_moves_at_the_references_iterations(
    epoch_length, expected
):
    model = build(teacher=dict(epoch_length=epoch_length))
    model.update_teacher()
    probe = model.teacher.module.decode_head.conv_seg.bias
    moved = []
    with torch.no_grad():
        for iteration in range(1, 2250):
            probe.fill_(0)
            model.segmentor.decode_head.conv_seg.bias.fill_(1)
            model.update_teacher()
            if probe[0] != 0:
                moved.append(iteration)
    assert moved == expected


def test_the_teacher_gets_no_gradient_and_keeps_no_graph():
    model = build()
    step(model, wrapper(model))
    assert all(
        p.grad is None and not p.requires_grad
        for p in model.teacher.parameters()
    )
    labels, confidence = model.label_views(collect(*batch()))
    assert not labels.requires_grad and not confidence.requires_grad


def collect(inputs, samples):
    return ViewBatch.collect(inputs['target_views'], samples['target_views'])


# The student


def test_statistics_are_frozen_while_gamma_and_beta_learn():
    model = build()
    before, optim = state(model.segmentor), wrapper(model)
    for seed in range(10):
        model.train()
        step(model, optim, batch(seed=seed))
    after = state(model.segmentor)
    norms = {
        name
        for name, module in model.segmentor.named_modules()
        if isinstance(module, nn.BatchNorm2d)
    }
    assert any('decode_head' in name for name in norms)
    for name in norms:
        kept = [f'{name}.{x}' for x in ('running_mean', 'running_var')]
        assert same(before, after, [*kept, f'{name}.num_batches_tracked'])
        for learnt in ('weight', 'bias'):
            assert not same(before, after, [f'{name}.{learnt}'])


def test_dropout_of_the_student_is_active_and_of_the_teacher_not():
    model = build()
    assert model.segmentor.decode_head.dropout.training
    assert not any(m.training for m in model.teacher.modules())


def test_the_gradient_is_that_of_the_weighted_sum():
    model = build(target_weight=5.0)
    model.segmentor.decode_head.dropout.p = 0
    model.update_teacher()
    inputs, samples = batch()

    def gradients(pick):
        model.zero_grad()
        twin = copy.deepcopy(model)
        losses = twin(inputs, samples, mode='loss')
        sum(v for k, v in losses.items() if pick(k)).backward()
        return [p.grad for p in twin.segmentor.parameters()]

    source = gradients(lambda k: k == 'source.decode.loss_ce')
    target = gradients(lambda k: k == 'target.decode.loss_pseudo')
    both = gradients(lambda k: 'loss' in k)
    for a, b, c in zip(source, target, both, strict=True):
        torch.testing.assert_close(a + b, c)
    model.target_weight = 1.0
    plain = gradients(lambda k: k == 'target.decode.loss_pseudo')
    for a, b in zip(target, plain, strict=True):
        torch.testing.assert_close(a, 5 * b)


def test_one_optimiser_step_an_iteration():
    model = build()
    optim = wrapper(model)
    calls = []
    optim.step = lambda **kwargs: calls.append(1)
    step(model, optim)
    assert len(calls) == 1


def test_without_a_label_the_update_is_that_of_the_source():
    model = build(lower_threshold=1.0)
    model.segmentor.decode_head.dropout.p = 0
    plain = copy.deepcopy(model)
    logs = step(model, wrapper(model))
    assert logs['target.pseudo_ratio'] == 0
    inputs, samples = batch()
    losses = plain.supervised_loss('source', inputs, samples)
    loss, _ = plain.parse_losses(losses)
    wrapper(plain).update_params(loss)
    assert same(state(model.segmentor), state(plain.segmentor))


def test_ignored_source_pixels_count_in_the_mean():
    """Oracle 10: two pixels, one ignored, cross-entropy 1.2 of the other."""
    model = build()
    head = model.segmentor.decode_head
    logits = torch.zeros(1, 2, 1, 2, dtype=torch.float64)
    logits[0, 1] = torch.tensor(1.2, dtype=torch.float64).expm1().log()
    label = torch.tensor([[[0, 255]]])
    value = head.loss_decode(logits, label)
    assert value.item() == pytest.approx(0.6)


def test_diagnostics():
    model = build(teacher=dict(interval=1, momentum=0.5))
    optim = wrapper(model)
    assert step(model, optim)['target.teacher_diff'] == 0
    student = state(model.segmentor)
    teacher = state(model.teacher.module)
    logs = step(model, optim)
    expected = sum(
        (student[k] - teacher[k]).norm() / 2
        for k in student
        if not k.endswith('num_batches_tracked')
    )
    torch.testing.assert_close(logs['target.teacher_diff'], expected)
    assert 0 <= logs['target.pseudo_ratio'] <= 1
    assert 0 < logs['target.confidence'] <= 1


@pytest.mark.parametrize('prior_from', ['all', 'rank0'])
def test_the_prior_is_that_of_all_processes_or_of_the_first(
    prior_from, monkeypatch
):
    """This process stands for rank 1 of 2."""
    first, own = torch.tensor([0.5, 0.3, 0.2]), torch.tensor([0.1, 0.1, 0.8])
    module = 'mmseg_da.uda.methods.sac'
    monkeypatch.setattr(f'{module}.get_world_size', lambda: 2)
    monkeypatch.setattr(f'{module}.broadcast', lambda x: x.copy_(first))
    monkeypatch.setattr(
        f'{module}.all_reduce', lambda x, op: x.copy_((x + first) / 2)
    )
    model = build(prior_from=prior_from)
    model.update_teacher()
    model.update_prior(own.clone())
    expected = first if prior_from == 'rank0' else (first + own) / 2
    torch.testing.assert_close(model.class_prior, expected)


def test_options_reach_the_functions(monkeypatch):
    seen = {}

    def spy(name):
        function = getattr(consistency, name)

        def call(*args, **kwargs):
            seen[name] = args
            return function(*args, **kwargs)

        monkeypatch.setattr(f'mmseg_da.uda.methods.sac.{name}', call)

    for name in ('refine', 'pseudo_labels', 'update_class_prior'):
        spy(name)
    model = build(
        pooling='minentropy',
        validity='reference_frame',
        upper_threshold=0.6,
        lower_threshold=0.3,
        prior_momentum=0.9,
        prior_scale=0.01,
        discount=False,
    )
    step(model, wrapper(model))
    assert seen['refine'][5:] == ('minentropy', 'reference_frame')
    assert seen['pseudo_labels'][2].tolist() == [1, 1, 1]
    assert seen['pseudo_labels'][3:5] == (0.6, 0.3)
    assert seen['update_class_prior'][2:] == (0.9, 0.01)
    build(pooling=None)


# Checkpoints


def plain_checkpoint(seed=5, **options):
    return state(build('ABN', seed=seed, **options).segmentor)


@pytest.mark.parametrize('kind', ['plain', 'wrapper'])
def test_a_baseline_initialises_student_and_teacher(kind):
    baseline = plain_checkpoint()
    loaded = dict(baseline)
    if kind == 'wrapper':
        loaded = {f'segmentor.{k}': v for k, v in baseline.items()}
    model = build(require_baseline=True)
    step_once = build()
    step(step_once, wrapper(step_once))
    model.load_state_dict(state(step_once))
    model.load_state_dict(loaded)
    assert same(baseline, state(model.segmentor))
    assert same(baseline, state(model.teacher.module))
    assert model.initialized == 0
    step(model, wrapper(model))
    assert same(baseline, state(model.teacher.module))
    assert model.class_prior.sum() == pytest.approx(1, abs=1e-3)


def test_a_checkpoint_of_sac_goes_on():
    model = build(teacher=dict(interval=1))
    optim = wrapper(model)
    step(model, optim)
    saved = state(model)
    other = build(seed=3, teacher=dict(interval=1), require_baseline=True)
    other.load_state_dict(saved)
    assert same(saved, state(other))
    other.update_teacher()
    assert other.teacher.steps == 2
    assert not same(state(other.teacher.module), state(other.segmentor))


def test_a_final_checkpoint_without_teacher_is_a_baseline():
    model = build()
    step(model, wrapper(model))
    saved = {k: v for k, v in state(model).items() if 'teacher' not in k}
    other = build(seed=3)
    other.load_state_dict(saved)
    assert other.initialized == 0
    assert same(state(other.segmentor), state(other.teacher.module))


def test_another_architecture_is_refused_with_counts():
    model = build()
    wider = plain_checkpoint(channels=8)
    with pytest.raises(ValueError, match=r'\d+ of another shape \(backbone'):
        model.load_state_dict(wider)
    renamed = {
        re.sub('decode_head.conv_seg', 'decode_head.new', k): v
        for k, v in plain_checkpoint().items()
    }
    with pytest.raises(
        ValueError, match=r'2 missing \(decode.*2 unexpected \(decode'
    ):
        model.load_state_dict(renamed)


# Bad input


def test_no_baseline_is_an_error():
    model = build(require_baseline=True)
    with pytest.raises(ValueError, match=r'load_from.*require_baseline'):
        step(model, wrapper(model))


def test_the_target_batch_is_fixed():
    model = build(target_images=2)
    with pytest.raises(
        ValueError,
        match=r'1 processes with 1 target images of 4 views.*1 images an '
        r'update, model.target_images=2',
    ):
        step(model, wrapper(model), batch(images=1, views=4))
    model = build(target_images=None)
    step(model, wrapper(model), batch(images=1))


def test_one_view_warns():
    model = build()
    with pytest.warns(UserWarning, match='num_views=4'):
        step(model, wrapper(model), batch(views=1))


def test_images_without_views_are_refused():
    inputs, samples = batch()
    inputs['target_views'] = inputs['target_views'][:, 0]
    model = build()
    with pytest.raises(ValueError, match=r'\(2, 3, 16, 32\).*PackViews'):
        step(model, wrapper(model), (inputs, samples))


@pytest.mark.parametrize(
    ('done', 'text'), [(None, r'Inf\.'), (3, r'Inf at iteration 4\.')]
)
def test_nan_of_the_teacher_names_the_iteration(done, text, monkeypatch):
    hub = MessageHub('sac')
    if done is not None:
        hub.update_info('iter', done)
    monkeypatch.setattr(MessageHub, 'get_current_instance', lambda: hub)
    model = build()
    optim = wrapper(model)
    step(model, optim)
    # As an imported final snapshot: its steps are no iterations.
    model.teacher.steps.fill_(100)
    prior = model.class_prior.clone()
    model.teacher.module.decode_head.conv_seg.bias.data[0] = float('nan')
    with pytest.raises(ValueError, match=text):
        step(model, optim)
    assert torch.equal(prior, model.class_prior)


@pytest.mark.parametrize('images', [1, 2])
def test_views_are_not_stacked_twice(images):
    inputs, samples = batch(images)
    separate = collect(inputs, samples)
    whole = torch.stack([one.clean for one in samples['target_views']])
    for sample, views in zip(samples['target_views'], whole, strict=True):
        sample.clean = views
    joined = collect(inputs, samples)
    assert joined.clean.data_ptr() == whole.data_ptr()
    for one, other in zip(joined, separate, strict=True):
        assert one is other or torch.equal(torch.as_tensor(one), other)
    samples['target_views'].reverse()
    turned = collect(inputs, samples).clean
    assert torch.equal(turned, whole.flip(0).flatten(0, 1))


@pytest.mark.parametrize(
    ('options', 'message'),
    [
        (dict(pooling='max'), r"model.pooling='max'.*minentropy"),
        (dict(validity='both'), r"model.validity='both'.*view_frame"),
        (dict(prior_from='any'), r"model.prior_from='any'.*rank0"),
        (dict(upper_threshold=1.5), r'model.upper_threshold=1.5 is outside'),
        (dict(prior_scale=0), r'model.prior_scale=0 must be > 0'),
        (dict(teacher=dict(epoch_length=0)), r'epoch_length=0 must be >= 1'),
    ],
)
def test_wrong_options_are_named(options, message):
    with pytest.raises(ValueError, match=message):
        build(**options)


# ABN


def abn_batch(source, target):
    label = torch.zeros(1, *source.shape[-2:], dtype=torch.long)
    samples = [SegDataSample(gt_sem_seg=PixelData(data=label))]
    samples = samples * len(source)
    return {
        'inputs': {'source': list(source), 'target': list(target)},
        'data_samples': {
            'source': samples,
            'target': [SegDataSample() for _ in target],
        },
    }


class FirstNorm(nn.Module):
    """A backbone that only normalises."""

    def __init__(self):
        super().__init__()
        self.norm = nn.BatchNorm2d(3)

    def forward(self, images):
        return [self.norm(images)]


def toy_abn():
    model = build('ABN')
    model.segmentor.backbone = FirstNorm()
    model.segmentor.decode_head = MODELS.build(
        dict(
            type='FCNHead',
            in_channels=3,
            in_index=0,
            channels=4,
            num_convs=1,
            num_classes=CLASSES,
            norm_cfg=dict(type='BN'),
            dropout_ratio=0,
            loss_decode=dict(type='PixelCELoss'),
        )
    )
    return model.train()


def test_abn_averages_both_domains():
    model = toy_abn()
    source = torch.full((2, 3, *SIZE), 1.0)
    target = torch.full((2, 3, *SIZE), 3.0)
    logs = model.train_step(abn_batch(source, target), wrapper(model))
    norm = model.segmentor.backbone.norm
    torch.testing.assert_close(norm.running_mean, torch.full((3,), 0.39))
    for module in model.segmentor.modules():
        if isinstance(module, nn.BatchNorm2d):
            assert module.num_batches_tracked == 2
    assert set(logs) == {'loss', 'source.decode.loss_ce'}


def test_abn_trains_the_weights_of_source_only():
    generator = torch.Generator().manual_seed(0)
    domains = torch.randn(2, 2, 3, *SIZE, generator=generator)
    model, plain = build('ABN'), build('SupervisedOnly')
    torch.manual_seed(0)
    model.train_step(abn_batch(*domains), wrapper(model))
    data = abn_batch(*domains)
    del data['inputs']['target'], data['data_samples']['target']
    torch.manual_seed(0)
    plain.train_step(data, wrapper(plain))
    one = dict(model.segmentor.named_parameters())
    other = dict(plain.segmentor.named_parameters())
    assert same(one, other)
    mean = 'backbone.bn1.running_mean'
    assert not same(state(model.segmentor), state(plain.segmentor), [mean])


def test_abn_sees_the_target_with_the_new_weights():
    generator = torch.Generator().manual_seed(0)
    domains = torch.randn(2, 2, 3, *SIZE, generator=generator)
    model = build('ABN')
    model.segmentor.decode_head.dropout.p = 0
    by_hand = copy.deepcopy(model)
    model.train_step(abn_batch(*domains), wrapper(model))
    data = by_hand.data_preprocessor(abn_batch(*domains), True)
    losses = by_hand.supervised_loss(
        'source', data['inputs'], data['data_samples']
    )
    wrapper(by_hand).update_params(by_hand.parse_losses(losses)[0])
    with torch.no_grad():
        by_hand.segmentor(data['inputs']['target'])
    assert same(state(model), state(by_hand))


def test_abn_keeps_no_graph_of_the_target():
    model = build('ABN')
    images = torch.randn(2, 3, *SIZE)
    outputs = []
    model.segmentor.backbone.register_forward_hook(
        lambda module, inputs, output: outputs.extend(output)
    )
    assert model({'target': images}, {'target': []}, mode='loss') == {}
    assert outputs and not any(x.requires_grad for x in outputs)

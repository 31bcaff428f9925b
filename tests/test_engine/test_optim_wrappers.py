# SPDX-License-Identifier: Apache-2.0
import copy

import pytest
import torch
from mmengine.config import ConfigDict
from mmengine.optim import AmpOptimWrapper, OptimWrapper, build_optim_wrapper
from torch import nn

from mmseg_da.engine import JointOptimWrapper, apply_amp


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        torch.manual_seed(0)
        self.segmentor = nn.Sequential(nn.Linear(3, 4), nn.Linear(4, 2))
        self.discriminators = nn.ModuleDict({'main': nn.Linear(2, 1)})
        self.teacher = nn.Linear(3, 2).requires_grad_(False)

    def loss(self, x):
        out = self.segmentor(x)
        critic = self.discriminators['main'](out.detach())
        return out.square().mean() + (critic - 1).square().mean()


class CpuAmp(AmpOptimWrapper):
    """AmpOptimWrapper refuses CPUs; the scaler itself works there."""

    def __init__(self, scaler, **kwargs):
        OptimWrapper.__init__(self, **kwargs)
        self.loss_scaler = scaler
        self._scale_update_param = None
        self.cast_dtype = None


class RecordingScaler(torch.amp.GradScaler):
    def __init__(self, **kwargs):
        super().__init__('cpu', **kwargs)
        self.calls = []

    def scale(self, loss):
        self.calls.append('scale')
        return super().scale(loss)

    def unscale_(self, optimizer):
        self.calls.append(f'unscale {type(optimizer).__name__}')
        super().unscale_(optimizer)

    def step(self, optimizer, **kwargs):
        self.calls.append(f'step {type(optimizer).__name__}')
        return super().step(optimizer, **kwargs)

    def update(self, new_scale=None):
        self.calls.append('update')
        super().update(new_scale)


def sgd(lr=0.1):
    return dict(type='SGD', lr=lr, momentum=0.9)


def member(**options):
    return dict(type='OptimWrapper', optimizer=sgd(), **options)


def build(model, **members):
    cfg = dict(constructor='JointOptimWrapperConstructor', **members)
    return build_optim_wrapper(model, ConfigDict(cfg))


def joint(model, **options):
    return build(
        model, segmentor=member(**options), discriminators=member(**options)
    )


def amp(net, init_scale=1024.0, clip=True):
    scalers = [RecordingScaler(init_scale=init_scale) for _ in range(2)]
    clip = {'max_norm': 0.1} if clip else None
    parts = [
        torch.optim.SGD(net.segmentor.parameters(), lr=0.1),
        torch.optim.Adam(net.discriminators.parameters(), lr=0.01),
    ]
    wrappers = [
        CpuAmp(s, optimizer=o, clip_grad=copy.copy(clip))
        for s, o in zip(scalers, parts, strict=True)
    ]
    return JointOptimWrapper(segmentor=wrappers[0], discriminators=wrappers[1])


def batch(count=1):
    generator = torch.Generator().manual_seed(5)
    return [torch.randn(6, 3, generator=generator) for _ in range(count)]


def test_one_backward_equals_separate_updates():
    net, twin = Net(), Net()
    wrapper = joint(net)
    optimizers = [
        torch.optim.SGD(part.parameters(), lr=0.1, momentum=0.9)
        for part in (twin.segmentor, twin.discriminators)
    ]
    for x in batch(3):
        wrapper.update_params(net.loss(x))
        twin.loss(x).backward()
        for optimizer in optimizers:
            optimizer.step()
            optimizer.zero_grad()
    for ours, theirs in zip(net.parameters(), twin.parameters(), strict=True):
        assert torch.equal(ours, theirs)
    assert wrapper.inner_count == 3


def test_accumulation_equals_one_large_batch():
    net, twin = Net(), Net()
    wrapper, single = joint(net, accumulative_counts=2), joint(twin)
    wrapper.initialize_count_status(net, 0, 4)
    x = batch()[0]
    before = copy.deepcopy(net.state_dict())
    wrapper.update_params(net.loss(x[:3]))
    assert not wrapper.should_update()
    assert wrapper.should_sync()
    torch.testing.assert_close(net.state_dict(), before, rtol=0, atol=0)
    wrapper.update_params(net.loss(x[3:]))
    single.update_params(twin.loss(x))
    torch.testing.assert_close(net.state_dict(), twin.state_dict())


def test_each_member_clips_its_own_gradients():
    net = Net()
    wrapper = build(
        net,
        segmentor=member(clip_grad=dict(max_norm=1e-3)),
        discriminators=member(),
    )
    start = copy.deepcopy(net)
    wrapper.update_params(100 * net.loss(batch()[0]))
    step = [
        (a - b).detach().norm()
        for a, b in zip(net.parameters(), start.parameters(), strict=True)
    ]
    segmentor = torch.stack(step[:4]).norm()
    assert segmentor.item() == pytest.approx(1e-3 * 0.1, rel=1e-3)
    assert step[4] > 0.1
    logged = wrapper['segmentor'].message_hub.log_scalars
    assert 'train/segmentor.grad_norm' in logged


def test_amp_scales_once_and_updates_once():
    net = Net()
    wrapper = amp(net)
    wrapper.update_params(net.loss(batch()[0]))
    assert wrapper.loss_scaler.calls == [
        'scale',
        'unscale SGD',
        'unscale Adam',
        'step SGD',
        'step Adam',
        'update',
    ]


@pytest.mark.parametrize('clip', [True, False])
def test_amp_gives_the_update_without_amp(clip):
    net, twin = Net(), Net()
    scaled, plain = amp(net, clip=clip), amp(twin, init_scale=1.0, clip=clip)
    for x in batch(3):
        scaled.update_params(net.loss(x))
        plain.update_params(twin.loss(x))
    torch.testing.assert_close(net.state_dict(), twin.state_dict())


def test_amp_overflow_halves_the_scale_once():
    net = Net()
    wrapper = amp(net)
    before = copy.deepcopy(net.segmentor.state_dict())
    wrapper.update_params(net.loss(batch()[0]) * float('inf'))
    assert wrapper.loss_scaler.get_scale() == 512.0
    after = net.segmentor.state_dict()
    torch.testing.assert_close(after, before, rtol=0, atol=0)


def test_amp_leaves_out_members_without_gradient():
    net = Net()
    wrapper = amp(net)
    wrapper.update_params(net.segmentor(batch()[0]).square().mean())
    assert 'step SGD' in wrapper.loss_scaler.calls
    assert 'step Adam' not in wrapper.loss_scaler.calls


def test_state_dict_round_trip_with_scaler():
    net, twin = Net(), Net()
    wrapper, other = amp(net), amp(twin, init_scale=2.0)
    for x in batch(2):
        wrapper.update_params(net.loss(x))
    wrapper.loss_scaler.update(64.0)
    twin.load_state_dict(net.state_dict())
    other.load_state_dict(copy.deepcopy(wrapper.state_dict()))
    assert other.loss_scaler.get_scale() == 64.0
    assert other['discriminators'].loss_scaler is other.loss_scaler
    for w, n in ((wrapper, net), (other, twin)):
        w.update_params(n.loss(batch()[0]))
    torch.testing.assert_close(
        net.state_dict(), twin.state_dict(), rtol=0, atol=0
    )


def test_members_with_and_without_amp_are_refused():
    net = Net()
    mixed = dict(
        segmentor=amp(net)['segmentor'],
        discriminators=OptimWrapper(
            torch.optim.SGD(net.discriminators.parameters(), lr=0.1)
        ),
    )
    with pytest.raises(ValueError, match='AmpOptimWrapper has to be the same'):
        JointOptimWrapper(**mixed)


def test_different_accumulation_is_refused():
    with pytest.raises(ValueError, match=r"accumulative_counts.*'segmentor'"):
        build(
            Net(),
            segmentor=member(accumulative_counts=2),
            discriminators=member(),
        )


def test_resume_with_other_members_names_both():
    wrapper = joint(Net())
    with pytest.raises(ValueError, match=r"\['pose'\].*'discriminators'"):
        wrapper.load_state_dict({'pose': {}})


def test_learning_rates_are_logged_by_member():
    rates = joint(Net()).get_lr()
    assert set(rates) == {'segmentor.lr', 'discriminators.lr'}


def test_single_member_logs_plain_lr():
    net = Net()
    net.discriminators.requires_grad_(False)
    assert set(build(net, segmentor=member()).get_lr()) == {'lr'}


def test_constructor_sees_trainable_parameters_only():
    net = Net()
    frozen = net.segmentor[0].weight.requires_grad_(False)
    names = [name for name, _ in net.named_parameters()]
    wrapper = joint(net, paramwise_cfg=dict(bias_lr_mult=2.0))
    groups = wrapper['segmentor'].optimizer.param_groups
    held = [p for group in groups for p in group['params']]
    assert len(held) == 3
    assert all(p is not frozen for p in held)
    assert sorted(g['lr'] for g in groups) == [0.1, 0.2, 0.2]
    assert net.segmentor[0].weight is frozen
    assert [name for name, _ in net.named_parameters()] == names


def test_dotted_names_reach_inner_modules():
    net = Net()
    wrapper = build(
        net, segmentor=member(), **{'discriminators.main': member()}
    )
    assert 'discriminators.main.lr' in wrapper.get_lr()


@pytest.mark.parametrize(
    ('members', 'message'),
    [
        (dict(segmentr=member()), r"no sub-module 'segmentr'.*'segmentor'"),
        (dict(segmentor=member()), r'discriminators\.main\.weight'),
        (dict(segmentor=member(), teacher=member()), 'no trainable parameter'),
        (
            {
                'segmentor': member(),
                'segmentor.0': member(),
                'discriminators': member(),
            },
            r'segmentor\.0\.weight belongs to two',
        ),
        (dict(segmentor=member(), type='OptimWrapper'), r'_delete_=True'),
        (dict(optimizer=sgd()), r"'optimizer'\] is no member"),
        (
            dict(segmentor=member(), paramwise_cfg=dict(bias_lr_mult=2)),
            'belong beside the members',
        ),
    ],
)
def test_wrong_configs_are_refused(members, message):
    with pytest.raises(ValueError, match=message):
        build(Net(), **members)


def test_amp_needs_a_gpu(monkeypatch):
    monkeypatch.setattr(torch.cuda, 'is_available', lambda: False)
    with pytest.raises(ValueError, match='--amp needs a CUDA device'):
        apply_amp(member())


def test_apply_amp_switches_every_member(monkeypatch):
    monkeypatch.setattr(torch.cuda, 'is_available', lambda: True)
    cfg = ConfigDict(
        constructor='JointOptimWrapperConstructor',
        segmentor=member(),
        discriminators=member(loss_scale=512.0),
    )
    changed = apply_amp(cfg, 'bfloat16')
    for name, scale in (('segmentor', 'dynamic'), ('discriminators', 512.0)):
        assert changed[name].type == 'AmpOptimWrapper'
        assert changed[name].dtype == 'bfloat16'
        assert changed[name].loss_scale == scale
        assert cfg[name].type == 'OptimWrapper'
    assert apply_amp(member())['type'] == 'AmpOptimWrapper'


def test_apply_amp_refuses_what_it_does_not_know(monkeypatch):
    monkeypatch.setattr(torch.cuda, 'is_available', lambda: True)
    with pytest.raises(ValueError, match="type='ApexOptimWrapper'"):
        apply_amp(dict(type='ApexOptimWrapper', optimizer=sgd()))
    with pytest.raises(ValueError, match="dtype='half'"):
        apply_amp(member(), 'half')


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason='needs CUDA')
def test_amp_trains_on_a_gpu():
    net = Net().cuda()
    cfg = apply_amp(
        dict(
            constructor='JointOptimWrapperConstructor',
            segmentor=member(),
            discriminators=member(),
        )
    )
    wrapper = build_optim_wrapper(net, ConfigDict(cfg))
    x = batch()[0].cuda()
    losses = []
    for _ in range(20):
        with wrapper.optim_context(net):
            loss = net.loss(x)
        wrapper.update_params(loss)
        losses.append(float(loss))
    assert losses[-1] < losses[0]

# SPDX-License-Identifier: Apache-2.0
"""Oracle 9 of the IntraDA sheet and the contract with torch's SGD."""

import copy

import pytest
import torch
from mmengine.config import ConfigDict
from mmengine.optim import build_optim_wrapper
from torch import nn

from mmseg_da.engine.optim_wrappers import RepeatSGD
from mmseg_da.models.backbones import ResNetDeepLab


def scalar(**settings):
    param = nn.Parameter(torch.ones((), dtype=torch.float64))
    param.grad = torch.ones_like(param)
    return param, RepeatSGD([param], lr=0.1, momentum=0.9, **settings)


@pytest.mark.parametrize(
    ('repeats', 'steps'),
    [(3, [(0.439, 2.71), (-0.782969, 4.68559)]), (1, [(0.9, 1), (0.71, 1.9)])],
)
def test_numbers_of_the_sheet(repeats, steps):
    param, optimizer = scalar(repeats=repeats)
    for value, velocity in steps:
        optimizer.step()
        assert param.item() == pytest.approx(value, abs=1e-12)
        state = optimizer.state[param]['momentum_buffer']
        assert state.item() == pytest.approx(velocity, abs=1e-12)


def test_weight_decay_adds_up_in_the_gradient():
    """PyTorch 0.4.1 changed the gradient in place at every sub-step."""
    param, optimizer = scalar(repeats=3, weight_decay=0.5)
    p, v, g = 1.0, 0.0, 1.0
    for _ in range(3):
        g = g + 0.5 * p
        v = 0.9 * v + g
        p = p - 0.1 * v
    optimizer.step()
    assert param.item() == pytest.approx(p, abs=1e-12)
    assert param.grad.item() == 1.0


def net():
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.Linear(4, 2))


def train(model, optimizer, steps, start=0):
    for i in range(start, start + steps):
        generator = torch.Generator().manual_seed(i)
        x = torch.randn(5, 3, generator=generator)
        optimizer.zero_grad()
        model(x).square().mean().backward()
        optimizer.step()


def test_one_repeat_is_torch_sgd_bit_for_bit():
    settings = dict(lr=0.1, momentum=0.9, weight_decay=5e-4)
    one, other = net(), net()
    train(one, RepeatSGD(one.parameters(), **settings), 5)
    train(other, torch.optim.SGD(other.parameters(), **settings), 5)
    for a, b in zip(one.parameters(), other.parameters(), strict=True):
        assert torch.equal(a, b)


def groups(model):
    return [
        dict(params=[p], repeats=1 + i % 3, lr=0.01 * (1 + i // 2))
        for i, p in enumerate(model.parameters())
    ]


def test_state_dict_round_trip_is_exact():
    whole, half, rest = net(), net(), net()
    options = dict(lr=0.1, momentum=0.9, weight_decay=1e-3)
    train(whole, RepeatSGD(groups(whole), **options), 6)
    first = RepeatSGD(groups(half), **options)
    train(half, first, 3)
    rest.load_state_dict(half.state_dict())
    second = RepeatSGD(groups(rest), **options)
    second.load_state_dict(copy.deepcopy(first.state_dict()))
    train(rest, second, 3, start=3)
    for a, b in zip(whole.parameters(), rest.parameters(), strict=True):
        assert torch.equal(a, b)


def test_groups_of_equal_settings_share_their_kernels():
    model = net()
    optimizer = RepeatSGD([dict(params=[p]) for p in model.parameters()])
    train(model, optimizer, 1)
    assert len(optimizer._by_settings()) == 1


def test_gradient_scaler_skips_and_unscales():
    param, optimizer = scalar(repeats=2)
    plain, reference = scalar(repeats=2)
    param.data, plain.data = param.data.float(), plain.data.float()
    scaler = torch.amp.GradScaler('cpu', init_scale=8.0)
    param.grad = torch.tensor(float('inf'))
    scaler.scale(torch.zeros(()))
    scaler.step(optimizer)
    scaler.update()
    assert param.item() == 1.0
    param.grad = torch.tensor(scaler.get_scale())
    plain.grad = torch.ones(())
    scaler.step(optimizer)
    reference.step()
    assert param.item() == plain.item()


@pytest.mark.parametrize(
    ('settings', 'message'),
    [
        (dict(repeats=0), 'repeats=0: expected a whole number >= 1'),
        (dict(repeats=1.5), 'repeats=1.5'),
        (dict(lr=-1), 'lr=-1: must be >= 0'),
    ],
)
def test_settings_out_of_range(settings, message):
    with pytest.raises(ValueError, match=message):
        RepeatSGD([nn.Parameter(torch.zeros(1))], **settings)


def test_repeats_by_name_sum_to_the_papers_314():
    """99 bottleneck convolutions x 3, 4 shortcuts x 4, the stem once."""
    import contract
    from mmengine.config import Config

    path = contract.REPO / 'configs/_base_/schedules/advent_250k.py'
    cfg = Config.fromfile(path).optim_wrapper.segmentor
    with torch.device('meta'):
        backbone = ResNetDeepLab(norm_cfg=dict(type='BN', requires_grad=False))
        model = nn.ModuleDict({'backbone': backbone})
    frozen = [p for p in model.parameters() if not p.requires_grad]
    assert len(frozen) == 208
    wrapper = build_optim_wrapper(model, ConfigDict(cfg))
    repeats = [g['repeats'] for g in wrapper.optimizer.param_groups]
    assert len(repeats) == 104
    assert sum(repeats) == 314
    assert sorted(set(repeats)) == [1, 3, 4]
    assert repeats.count(4) == 4 and repeats.count(1) == 1


def test_plain_sgd_is_one_option_away():
    """type=SGD ignores the repeats of the groups."""
    one, other = net(), net()
    plain = torch.optim.SGD(groups(one), lr=0.1, momentum=0.9)
    settings = [{**g, 'repeats': 1} for g in groups(other)]
    train(one, plain, 3)
    train(other, RepeatSGD(settings, lr=0.1, momentum=0.9), 3)
    for a, b in zip(one.parameters(), other.parameters(), strict=True):
        assert torch.equal(a, b)

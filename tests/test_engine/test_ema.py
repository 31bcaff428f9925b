# SPDX-License-Identifier: Apache-2.0
import copy

import pytest
import torch
from mmengine.model import ExponentialMovingAverage, MomentumAnnealingEMA
from torch import nn

from mmseg_da.engine import FusedEMA


def student():
    torch.manual_seed(1)
    return nn.Sequential(nn.Conv2d(2, 3, 1), nn.BatchNorm2d(3)).double()


def walk(model, seed):
    """Change all weights and statistics."""
    generator = torch.Generator().manual_seed(seed)
    for tensor in [*model.parameters(), *model.buffers()]:
        if tensor.is_floating_point():
            noise = torch.randn(
                tensor.shape, generator=generator, dtype=torch.float64
            )
            tensor.data += noise
        else:
            tensor += 1


@pytest.mark.parametrize('buffers', ['copy', 'average'])
@pytest.mark.parametrize('gamma', [None, 1, 100])
@pytest.mark.parametrize('interval', [1, 3])
def test_equals_mmengine(buffers, gamma, interval):
    model = student()
    options = dict(momentum=0.03, interval=interval)
    average = buffers == 'average'
    if gamma is None:
        theirs = ExponentialMovingAverage(
            model, update_buffers=average, **options
        )
    else:
        theirs = MomentumAnnealingEMA(
            model, gamma=gamma, update_buffers=average, **options
        )
    ours = FusedEMA(model, gamma=gamma, buffers=buffers, **options)
    for seed in range(8):
        walk(model, seed)
        ours.update_parameters(model)
        theirs.update_parameters(model)
        torch.testing.assert_close(
            ours.state_dict(), theirs.state_dict(), rtol=0, atol=0
        )


def test_keep_leaves_the_buffers_alone():
    model = student()
    ema = FusedEMA(model, buffers='keep')
    before = copy.deepcopy(list(ema.module.buffers()))
    for seed in range(3):
        walk(model, seed)
        ema.update_parameters(model)
    for ours, old in zip(ema.module.buffers(), before, strict=True):
        assert torch.equal(ours, old)
    assert not torch.equal(ema.module[0].weight, model[0].weight)


def test_warm_up_is_mean_teachers():
    """alpha = min(1 - 1 / (t + 1), 0.99): copy, then halves, thirds."""
    model = nn.Linear(1, 1, bias=False).double()
    ema = FusedEMA(model, momentum=0.01, gamma=1)
    seen = []
    for value in (6.0, 12.0, 3.0):
        model.weight.data.fill_(value)
        ema.update_parameters(model)
        seen.append(ema.module.weight.item())
    assert seen == pytest.approx([6.0, 9.0, 7.0])


def test_averaged_buffers_follow_a_moved_module():
    """mmengine's class keeps updating the tensors from before the move."""
    model = student()
    ema = FusedEMA(model, momentum=0.5, buffers='average').float()
    model.float()
    ema.update_parameters(model)
    model[1].running_mean.fill_(4.0)
    ema.update_parameters(model)
    assert ema.module[1].running_mean.tolist() == [2.0] * 3


def test_resumes_from_its_state_dict():
    model, other = student(), student()
    ema = FusedEMA(model, gamma=1)
    for seed in range(3):
        walk(model, seed)
        ema.update_parameters(model)
    resumed = FusedEMA(other, gamma=1)
    resumed.load_state_dict(copy.deepcopy(ema.state_dict()))
    walk(model, 9)
    for average in (ema, resumed):
        average.update_parameters(model)
    torch.testing.assert_close(
        resumed.state_dict(), ema.state_dict(), rtol=0, atol=0
    )


@pytest.mark.parametrize(
    ('options', 'message'),
    [
        (dict(buffers='mean'), "buffers='mean'; allowed: copy"),
        (dict(momentum=1.0), r'momentum=1\.0 must lie in \(0, 1\)'),
        (dict(gamma=0), 'gamma=0 must be positive'),
        (dict(interval=0), 'interval=0 must be >= 1'),
    ],
)
def test_bad_options(options, message):
    with pytest.raises(ValueError, match=message):
        FusedEMA(student(), **options)


def test_another_structure_is_named():
    ema = FusedEMA(student())
    with pytest.raises(ValueError, match=r'differ in 0\.bias, 0\.weight'):
        ema.update_parameters(nn.Sequential(nn.Conv2d(2, 4, 1)).double())

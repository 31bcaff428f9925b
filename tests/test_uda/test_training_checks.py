# SPDX-License-Identifier: Apache-2.0
"""ScheduleCheckHook, EmptyLabelHook and FiniteLossHook."""

import logging
import math
from types import SimpleNamespace

import contract
import pytest
import torch
from mmengine.hooks import Hook
from mmengine.logging import MMLogger
from mmengine.optim import ConstantLR, OptimWrapper, PolyLR
from mmengine.runner import Runner
from mmengine.structures import PixelData
from mmseg.structures import SegDataSample
from torch import nn

from mmseg_da.uda.hooks import (
    EmptyLabelHook,
    FiniteLossHook,
    ScheduleCheckHook,
)


def optimizer():
    param = nn.Parameter(torch.zeros(1))
    return OptimWrapper(torch.optim.SGD([param], lr=1.0))


def poly(end, begin=0):
    return PolyLR(optimizer(), power=0.9, begin=begin, end=end, by_epoch=False)


def check(schedulers, max_iters):
    runner = SimpleNamespace(param_schedulers=schedulers, max_iters=max_iters)
    ScheduleCheckHook().before_train(runner)


def test_training_up_to_the_end_of_the_polynomial():
    check([poly(101)], 101)  # the last iteration has the learning rate 0
    check([poly(101)], 40)
    check(None, 40)


def test_training_beyond_the_polynomial_is_refused():
    message = (
        'max_iters=102 is beyond the end of param_scheduler: its polynomial '
        'of 100 iterations ends at 101.*end to .* at least 102'
    )
    with pytest.raises(ValueError, match=message):
        check([poly(101)], 102)
    with pytest.raises(ValueError, match=r'param_scheduler\.discriminators'):
        check({'segmentor': [poly(201)], 'discriminators': [poly(51)]}, 200)


def test_another_schedule_may_go_on():
    tail = ConstantLR(
        optimizer(), factor=0.1, begin=51, end=300, by_epoch=False
    )
    check([poly(51), tail], 200)


def sample(value):
    label = torch.full((1, 2, 3), 255)
    label[0, 0, 0] = value
    data = SegDataSample(gt_sem_seg=PixelData(data=label))
    data.set_metainfo({'img_path': f'{value}.png'})
    return data


@pytest.fixture
def warnings():
    records = []
    handler = logging.Handler()
    handler.emit = lambda record: records.append(record.getMessage())
    logger = MMLogger.get_current_instance()
    logger.addHandler(handler)
    yield records
    logger.removeHandler(handler)


def test_labels_without_a_valid_pixel_are_counted(warnings):
    hook = EmptyLabelHook()
    source = [sample(255), None, sample(3)]
    batch = {'data_samples': {'source': source, 'target': [SegDataSample()]}}
    for i in range(5):
        hook.before_train_iter(None, i, batch)
    assert hook.count == 5
    assert [text.split()[0] for text in warnings] == ['1', '2', '4']
    assert 'the last is that of 255.png' in warnings[0]
    hook.before_train_iter(None, 5, {'data_samples': [sample(0)]})
    hook.before_train_iter(None, 6, None)
    assert hook.count == 5


def logged(hook, iteration, **values):
    outputs = {k: torch.tensor(v) for k, v in values.items()}
    runner = SimpleNamespace(iter=iteration - 1)
    hook.after_train_iter(runner, 0, outputs=outputs)


def test_a_loss_that_is_not_finite_is_named_with_its_iteration():
    hook = FiniteLossHook(interval=5)
    fine = dict(loss=2.0, loss_ce=1.0, loss_dice=1.0, quality=float('nan'))
    for iteration in range(1, 6):
        logged(hook, iteration, **fine)
    logged(hook, 6, **fine)
    logged(hook, 7, **{**fine, 'loss_ce': math.inf, 'loss': math.inf})
    logged(hook, 8, **dict.fromkeys(fine, math.nan))
    message = 'loss_ce: NaN or infinite since iteration 7'
    with pytest.raises(ValueError, match=f'^{message}'):
        hook.before_save_checkpoint(None, {})
    logged(hook, 9, **fine)
    with pytest.raises(ValueError, match=f'^{message}'):
        logged(hook, 10, **fine)


def test_the_last_iterations_and_changing_terms_are_looked_at():
    hook = FiniteLossHook()
    logged(hook, 1, loss=math.nan)
    with pytest.raises(ValueError, match='^loss: NaN'):
        hook.after_train(None)
    with pytest.raises(ValueError, match='^loss: NaN'):
        logged(hook, 2, loss=1.0, loss_ce=1.0)
    with pytest.raises(ValueError, match='interval=0; give a number'):
        FiniteLossHook(interval=0)


class Diverge(Hook):
    def before_train(self, runner):
        torch.nn.init.constant_(next(runner.model.parameters()), math.nan)


def test_nothing_is_saved_after_a_loss_that_is_not_finite(
    street_world, tmp_path
):
    path = contract.REPO / 'configs/methods/source-only_swg2swc.py'
    cfg = contract.small_config(path, street_world, tmp_path)
    runner = Runner.from_cfg(cfg)
    runner.register_hook(Diverge())
    with pytest.raises(ValueError, match=r'source\.decode\.loss_ce: NaN'):
        runner.train()
    assert not list(tmp_path.glob('*.pth'))

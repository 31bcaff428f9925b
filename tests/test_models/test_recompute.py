# SPDX-License-Identifier: Apache-2.0
"""Activation checkpointing: the same step, bit for bit."""

import sys
from pathlib import Path
from types import SimpleNamespace
from unittest import mock

import pytest
import torch
from torch import distributed, nn

from mmseg_da.engine import UDADistributedDataParallel
from mmseg_da.models.backbones import ResNetDeepLab, ResNetStem
from mmseg_da.models.utils import recompute

# The small sde_gta2cs of the benchmark: its batch and its cfg-options.
sys.path.append(str(Path(__file__).resolve().parents[2] / 'benchmarks'))
import sde_memory
import sde_step

SIZE = (32, 64)
TORCH_CHECKPOINT = 'mmseg_da.models.utils.recompute.checkpoint'


def part():
    """Convolution, BatchNorm and dropout, in float64."""
    torch.manual_seed(0)
    layers = nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.ELU(), nn.Dropout(0.5)
    return nn.Sequential(*layers).double()


def images():
    generator = torch.Generator().manual_seed(0)
    return torch.rand(2, 3, *SIZE, generator=generator, dtype=torch.double)


def state(model):
    """Parameters, buffers and gradients."""
    found = dict(model.state_dict())
    for name, parameter in model.named_parameters():
        if parameter.grad is not None:
            found[f'{name}.grad'] = parameter.grad
    return {name: value.clone() for name, value in found.items()}


def assert_equal(one, other):
    assert one.keys() == other.keys()
    wrong = [name for name in one if not torch.equal(one[name], other[name])]
    assert wrong == []


def trained(model, forward, steps=1):
    """State after steps of SGD, the last gradients included."""
    torch.manual_seed(2)
    optimizer = torch.optim.SGD(model.parameters(), 0.1)
    for _ in range(steps):
        optimizer.zero_grad()
        forward(model).backward()
        optimizer.step()
    return state(model)


def test_a_part_draws_the_same_dropout_and_keeps_its_statistics():
    plain = trained(part(), lambda m: m(images()).square().sum(), 2)
    again = trained(part(), lambda m: recompute(m, m, images()).square().sum())
    assert again['1.num_batches_tracked'] == 1
    again = trained(
        part(), lambda m: recompute(m, m, images()).square().sum(), 2
    )
    assert_equal(plain, again)


def test_two_backward_passes_through_one_graph_keep_statistics():
    model = part()
    loss = recompute(model, model, images()).sum()
    before = state(model)
    loss.backward(retain_graph=True)
    loss.backward()
    after = {k: v for k, v in state(model).items() if k in before}
    assert_equal(before, after)


def test_infinite_batches_leave_no_further_trace():
    model = part()
    loss = recompute(model, model, images()).sum()
    mean = model[1].running_mean.clone()
    model[0].weight.data.fill_(float('inf'))
    loss.backward()
    assert torch.equal(model[1].running_mean, mean)


@pytest.mark.parametrize('mode', ['no_grad', 'inference_mode'])
def test_without_gradients_nothing_is_checkpointed(mode):
    model = part()
    with getattr(torch, mode)(), mock.patch(TORCH_CHECKPOINT) as checkpoint:
        recompute(model, model, images())
    checkpoint.assert_not_called()


@pytest.mark.parametrize('norm_eval', [False, True])
@pytest.mark.parametrize('depth', [18, 50])
@pytest.mark.parametrize('kind', [ResNetStem, ResNetDeepLab])
def test_backbones(kind, depth, norm_eval):
    def run(with_cp):
        torch.manual_seed(0)
        model = kind(
            depth, base_channels=4, norm_eval=norm_eval, with_cp=with_cp
        )
        model.double().train()
        # Several forwards before one backward.
        return trained(
            model,
            lambda m: sum(m(x)[-1].square().mean() for x in images().chunk(2)),
            2,
        )

    assert_equal(run(False), run(True))


# The whole method -----------------------------------------------------------


def sde(variant):
    bench = sde_step.Bench(variant, SIZE, 4, 'cpu')
    bench.model.double()
    bench.inputs = {k: v.double() for k, v in bench.inputs.items()}
    return bench


def test_cfg_options_reach_every_part():
    model = sde('with_cp').model
    head = model.segmentor.decode_head
    assert head.depth_decoder.with_cp and head.seg_decoder.with_cp
    for encoder in (model.segmentor.backbone, model.pose_net.encoder):
        assert all(block.recompute for block in encoder.layer3)
    assert not sde('one_backward').model.segmentor.backbone.with_cp


@pytest.mark.parametrize(
    'variant', ['with_cp', 'decoder_with_cp', 'backward_per_branch']
)
def test_sde_steps_are_those_of_one_backward(variant):
    states = []
    for bench in (sde('one_backward'), sde(variant)):
        torch.manual_seed(1)
        bench.step()
        bench.backward()
        states.append(state(bench.model))
    if variant != 'backward_per_branch':
        assert_equal(*states)
    for name, value in states[0].items():
        torch.testing.assert_close(states[1][name], value, msg=name)


def test_recomputing_keeps_less():
    args = SimpleNamespace(size=(64, 64), width=8)
    steps = [sde_memory.count(v, args)['step'] for v in sde_memory.VARIANTS]
    assert steps[0] > 1.5 * steps[1] > 2 * steps[2]


def test_the_teacher_is_not_checkpointed():
    bench = sde('with_cp')
    with mock.patch(TORCH_CHECKPOINT) as checkpoint:
        bench.model._propose(bench.inputs, bench.samples, None)
    checkpoint.assert_not_called()


@pytest.fixture
def process_group(tmp_path):
    distributed.init_process_group(
        'gloo', init_method=f'file://{tmp_path}/gloo', rank=0, world_size=1
    )
    yield
    distributed.destroy_process_group()


def test_ddp_with_unused_parameters(process_group):
    """Four student forwards, unused heads, one reduction per parameter."""
    single, wrapped = sde('one_backward'), sde('with_cp')
    ddp = UDADistributedDataParallel(
        wrapped.model, find_unused_parameters=True
    )
    for bench, forward in ((single, single.model), (wrapped, ddp)):
        torch.manual_seed(1)
        for _ in range(2):
            bench.optimizer.zero_grad()
            losses = forward(bench.inputs, bench.samples, mode='loss')
            loss, _ = bench.model.parse_losses(losses)
            loss.backward()
            bench.optimizer.step()
    one, other = single.model, wrapped.model
    assert_equal(one.state_dict(), other.state_dict())

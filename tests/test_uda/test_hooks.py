# SPDX-License-Identifier: Apache-2.0
import copy
import importlib.util
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
from mmengine.model import ExponentialMovingAverage
from mmengine.optim import OptimWrapper
from torch import nn

from mmseg_da.engine import ArtifactStore, seed_everything
from mmseg_da.uda.hooks import (
    ArtifactCheckHook,
    IterationSeedHook,
    MeanTeacherHook,
    TargetBNHook,
)

TEACHER = dict(momentum=0.1, gamma=1)


@pytest.fixture(scope='module')
def toy():
    """The engine tests' tiny method."""
    path = Path(__file__).parents[1] / 'test_engine' / 'toy_run.py'
    spec = importlib.util.spec_from_file_location('toy_run', path)
    sys.modules['toy_run'] = module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def assert_equal(found, expected):
    torch.testing.assert_close(found, expected, rtol=0, atol=0)


# Exact resume ---------------------------------------------------------------


def run(toy, folder, iters, **options):
    """Train with dropout, a teacher and target statistics."""
    model = toy.Toy(teacher=TEACHER)
    hooks = [MeanTeacherHook(), toy.target_bn(interval=3)]
    runner = toy.make_runner(
        folder, model, max_iters=iters, hooks=hooks, **options
    )
    runner.train()
    return runner


def test_six_iterations_equal_three_and_three(toy, tmp_path):
    whole = run(toy, tmp_path / 'whole', 6)
    # Validation in between and another start must not matter.
    run(toy, tmp_path / 'parts', 3, val_interval=2)
    seed_everything(123)
    resumed = run(toy, tmp_path / 'parts', 6, resume=True)
    assert resumed.iter == 6
    assert_equal(resumed.model.state_dict(), whole.model.state_dict())
    assert_equal(
        resumed.optim_wrapper.state_dict(), whole.optim_wrapper.state_dict()
    )


def test_dropout_depends_on_seed_rank_and_iteration(monkeypatch):
    hook = IterationSeedHook()
    draws = set()
    for seed, rank, iteration in ((0, 0, 0), (1, 0, 0), (0, 1, 0), (0, 0, 1)):
        monkeypatch.setattr(
            'mmseg_da.uda.hooks.iteration_seed_hook.get_rank', lambda r=rank: r
        )
        runner = SimpleNamespace(seed=seed, iter=iteration)
        values = set()
        for _ in range(2):
            hook.before_train_iter(runner, 0)
            values.add(torch.rand(1).item())
        assert len(values) == 1
        draws |= values
    assert len(draws) == 4


@pytest.mark.parametrize('seed', [4, None])
def test_resuming_with_another_seed_is_refused(toy, tmp_path, seed):
    run(toy, tmp_path, 3)
    with pytest.raises(ValueError, match=rf'seed=3.*seed={seed}.*seed=3'):
        run(toy, tmp_path, 6, resume=True, randomness=dict(seed=seed))


def test_a_new_run_from_weights_may_have_another_seed(toy, tmp_path):
    run(toy, tmp_path / 'first', 3)
    weights = str(tmp_path / 'first' / 'iter_3.pth')
    options = dict(load_from=weights, randomness=dict(seed=4))
    assert run(toy, tmp_path / 'second', 1, **options).iter == 1


# Mean teacher ---------------------------------------------------------------


def teacher_runner(counts=1, iteration=0, max_iters=100):
    segmentor = nn.Linear(1, 1)
    teacher = ExponentialMovingAverage(segmentor, momentum=0.25)
    segmentor.weight.data.fill_(8.0)
    model = nn.Module()
    model.segmentor, model.teacher = segmentor, teacher
    optimizer = torch.optim.SGD(segmentor.parameters(), lr=0.1)
    return SimpleNamespace(
        model=model,
        iter=iteration,
        max_iters=max_iters,
        optim_wrapper=OptimWrapper(optimizer, accumulative_counts=counts),
    )


def test_teacher_starts_as_a_copy():
    runner = teacher_runner()
    teacher = runner.model.teacher
    assert teacher.module.weight.item() != 8.0
    MeanTeacherHook().before_train(runner)
    assert teacher.module.weight.item() == 8.0
    assert teacher.steps == 0


def test_a_resumed_teacher_stays():
    runner = teacher_runner(iteration=5)
    before = runner.model.teacher.module.weight.item()
    MeanTeacherHook().before_train(runner)
    assert runner.model.teacher.module.weight.item() == before


@pytest.mark.parametrize(
    ('options', 'counts', 'max_iters', 'expected'),
    [
        ({}, 1, 4, [0, 1, 2, 3]),
        ({'interval': 2}, 1, 6, [1, 3, 5]),
        ({'skip_iters': 2}, 1, 4, [2, 3]),
        ({}, 3, 9, [2, 5, 8]),
        # The last, shorter accumulation steps the optimiser too.
        ({}, 3, 8, [2, 5, 7]),
        ({'interval': 2}, 3, 12, [5, 11]),
    ],
)
def test_teacher_moves_when_the_optimiser_stepped(
    options, counts, max_iters, expected
):
    runner = teacher_runner(counts, max_iters=max_iters)
    hook = MeanTeacherHook(**options)
    moved = []
    for iteration in range(max_iters):
        runner.iter = iteration
        before = int(runner.model.teacher.steps)
        hook.after_train_iter(runner, iteration)
        if runner.model.teacher.steps > before:
            moved.append(iteration)
    assert moved == expected


def test_teacher_moves_only_by_ema(toy, tmp_path):
    """Copy at the first update, then towards the student by 1/2, 1/3."""
    model = toy.Toy(dropout=0.0, teacher=TEACHER)
    seen = []

    class Watch(MeanTeacherHook):
        def after_train_iter(self, runner, *args, **kwargs):
            super().after_train_iter(runner, *args, **kwargs)
            pair = (model.teacher.module.conv, model.segmentor.conv)
            seen.append([layer.weight.detach().clone() for layer in pair])

    toy.make_runner(tmp_path, model, max_iters=3, hooks=[Watch()]).train()
    teachers, students = zip(*seen, strict=True)
    assert_equal(teachers[0], students[0])
    half = teachers[0].lerp(students[1], 1 / 2)
    assert_equal(teachers[1], half)
    assert_equal(teachers[2], half.lerp(students[2], 1 / 3))


def test_a_model_without_teacher_is_refused(toy, tmp_path):
    runner = toy.make_runner(tmp_path, toy.Toy(), hooks=[MeanTeacherHook()])
    with pytest.raises(ValueError, match=r"Toy\.teacher.*type='FusedEMA'"):
        runner.train()


@pytest.mark.parametrize('options', [dict(interval=0), dict(skip_iters=-1)])
def test_bad_teacher_options(options):
    (name,) = options
    with pytest.raises(ValueError, match=f'MeanTeacherHook.{name}='):
        MeanTeacherHook(**options)


# Target BatchNorm statistics ------------------------------------------------


def target_statistics(toy, model, indices, size):
    """Torch's cumulative average over whole batches."""
    net = copy.deepcopy(model.segmentor).eval()
    net.norm.reset_running_stats()
    net.norm.momentum = None
    net.norm.train()
    images = toy.Images(13, plain=True).images.double() + 2
    count = len(indices) // size
    with torch.no_grad():
        for k in range(count):
            net(images[indices[k::count]])
    return net.norm


def test_statistics_are_torchs_cumulative_average(toy, tmp_path):
    model = toy.Toy()
    runner = toy.make_runner(tmp_path, model)
    before = copy.deepcopy(model.state_dict())
    modes = [module.training for module in model.modules()]
    toy.target_bn().estimate(runner)
    # 12 of 13 images, evenly spaced, in 4 batches of 3.
    expected = target_statistics(toy, model, list(range(12)), 3)
    norm = model.segmentor.norm
    torch.testing.assert_close(norm.running_mean, expected.running_mean)
    torch.testing.assert_close(norm.running_var, expected.running_var)
    changed = [
        key
        for key, value in model.state_dict().items()
        if not torch.equal(value, before[key])
    ]
    assert changed == [
        'segmentor.norm.running_mean',
        'segmentor.norm.running_var',
    ]
    assert norm.momentum == 0.1
    assert [module.training for module in model.modules()] == modes


def test_estimating_again_changes_nothing(toy, tmp_path):
    runner = toy.make_runner(tmp_path, toy.Toy())
    hook = toy.target_bn()
    hook.estimate(runner)
    once = copy.deepcopy(runner.model.state_dict())
    torch.manual_seed(9)
    expected = torch.rand(2)
    torch.manual_seed(9)
    hook.estimate(runner)
    assert_equal(torch.rand(2), expected)
    assert_equal(runner.model.state_dict(), once)


def test_images_span_the_target_set(toy, tmp_path):
    runner = toy.make_runner(tmp_path, toy.Toy())
    loader = toy.target_bn(num_images=6)._get_loader(runner)
    assert list(loader.batch_sampler) == [[0, 4, 8], [2, 6, 10]]
    everything = toy.target_bn(num_images=100)._get_loader(runner)
    images = [i for batch in everything.batch_sampler for i in batch]
    assert sorted(images) == list(range(12))


def train_weights(toy, folder, hooks):
    model = toy.Toy()
    toy.make_runner(folder, model, hooks=hooks).train()
    return dict(model.named_parameters())


def test_the_training_trajectory_is_untouched(toy, tmp_path):
    plain = train_weights(toy, tmp_path / 'plain', [])
    hook = toy.target_bn(interval=1)
    assert_equal(train_weights(toy, tmp_path / 'bn', [hook]), plain)


def test_checkpoint_and_validation_see_target_statistics(toy, tmp_path):
    seen = []

    class Watch(TargetBNHook):
        def before_val_epoch(self, runner):
            seen.append(runner.model.segmentor.norm.running_mean.clone())

    hook = Watch(
        dict(dataset=toy.Images(12, plain=True), batch_size=3, num_workers=0),
        interval=3,
    )
    model = toy.Toy()
    toy.make_runner(
        tmp_path, model, hooks=[hook], val_interval=3, max_iters=6
    ).train()
    saved = [
        torch.load(tmp_path / f'iter_{i}.pth', weights_only=False)[
            'state_dict'
        ]['segmentor.norm.running_mean']
        for i in (3, 6)
    ]
    assert_equal(seen, saved)
    expected = target_statistics(toy, model, list(range(12)), 3)
    torch.testing.assert_close(saved[1], expected.running_mean)


def test_a_test_run_makes_the_adabn_row(toy, tmp_path):
    model = toy.Toy()
    test = dict(
        test_dataloader=dict(
            dataset=toy.Images(4, plain=True),
            sampler=dict(type='DefaultSampler', shuffle=False),
            batch_size=2,
            num_workers=0,
        ),
        test_cfg=dict(type='TestLoop'),
        test_evaluator=[toy.Seen()],
    )
    for on_test in (False, True):
        before = model.segmentor.norm.running_mean.clone()
        hook = toy.target_bn(on_test=on_test)
        toy.make_runner(tmp_path, model, hooks=[hook], **test).test()
        after = model.segmentor.norm.running_mean
        assert torch.equal(after, before) is not on_test


def test_frozen_statistics_are_refused(toy, tmp_path):
    class Frozen(toy.Toy):
        def train(self, mode=True):
            super().train(mode)
            self.segmentor.norm.eval()
            return self

    runner = toy.make_runner(tmp_path, Frozen(), hooks=[toy.target_bn()])
    with pytest.raises(ValueError, match=r'\(norm; 1 layers\).*norm_eval'):
        runner.train()


def test_frozen_statistics_can_start_from_the_target(toy, tmp_path):
    class Frozen(toy.Toy):
        def train(self, mode=True):
            super().train(mode)
            self.segmentor.norm.eval()
            return self

    model = Frozen()
    expected = target_statistics(toy, model, list(range(12)), 3)
    hook = toy.target_bn(at_start=True)
    toy.make_runner(tmp_path, model, max_iters=2, hooks=[hook]).train()
    norm = model.segmentor.norm
    torch.testing.assert_close(norm.running_mean, expected.running_mean)
    torch.testing.assert_close(norm.running_var, expected.running_var)
    norm.running_mean.zero_()
    runner = SimpleNamespace(iter=1, model=model)
    hook.before_train(runner)
    hook.before_test_epoch(runner)
    assert not norm.running_mean.any()


def test_a_model_without_batchnorm_is_refused(toy, tmp_path):
    model = toy.Toy(norm=False)
    runner = toy.make_runner(tmp_path, model, hooks=[toy.target_bn()])
    with pytest.raises(ValueError, match='Segmentor has no BatchNorm'):
        runner.train()


def test_an_empty_target_set_is_refused(toy, tmp_path):
    loader = dict(dataset=toy.Images(0, plain=True), batch_size=3)
    hook = TargetBNHook(loader)
    runner = toy.make_runner(tmp_path, toy.Toy(), hooks=[hook])
    with pytest.raises(ValueError, match='has no image'):
        runner.train()


def test_one_value_per_channel_is_explained(toy, tmp_path):
    model = toy.Toy()
    model.segmentor.conv = nn.Sequential(
        nn.AdaptiveAvgPool2d(1), nn.Conv2d(3, 4, 1)
    ).double()
    runner = toy.make_runner(tmp_path, model)
    loader = dict(dataset=toy.Images(4, plain=True), batch_size=1)
    with pytest.raises(ValueError, match='batch_size of at least 2'):
        TargetBNHook(loader).estimate(runner)


@pytest.mark.parametrize(
    ('options', 'message'),
    [
        (dict(num_images=0), 'num_images=0 must be >= 1'),
        (dict(interval=0), 'interval=0 must be >= 1'),
        (dict(dataloader=dict(dataset=1)), r"lacks \['batch_size'\]"),
        (dict(at_start=True, interval=5), 'interval=5 does not go with'),
    ],
)
def test_bad_target_bn_options(options, message):
    loader = dict(dataset=dict(type='A'), batch_size=2)
    with pytest.raises(ValueError, match=message):
        TargetBNHook(**{'dataloader': loader, **options})


# Artefacts ------------------------------------------------------------------


def test_all_missing_and_stale_artifacts_are_listed(toy, tmp_path):
    store = ArtifactStore(tmp_path / 'store')
    for key in ('good', 'old'):
        with store.writer('flow', key, {'code': 'v1'}) as writer:
            writer.write('a', {'a.flo': b'a'})
    hook = ArtifactCheckHook(
        root=str(store.root),
        required=[
            dict(kind='flow', key='good', expect=dict(count=1)),
            dict(kind='flow', key='old', expect=dict(producer={'code': 'v2'})),
            dict(kind='class_stats', key='gta'),
        ],
    )
    runner = toy.make_runner(tmp_path / 'run', toy.Toy(), hooks=[hook])
    with pytest.raises(ValueError) as error:
        runner.train()
    message = str(error.value)
    assert message.startswith('this run reads what is not there')
    assert message.count('\n- ') == 2
    assert "'v1'}, expected {'code': 'v2'}" in message
    assert 'make_artifact.py flow --key old' in message
    assert 'make_artifact.py class_stats --key gta' in message
    assert 'run_method.py' not in message  # such a config has no recipe
    assert runner.iter == 0


def test_malformed_requirements_are_refused():
    with pytest.raises(ValueError, match=r'required.*dict\(kind=\.\.\.'):
        ArtifactCheckHook('root', [dict(kind='flow', name='x')])

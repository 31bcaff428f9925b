# SPDX-License-Identifier: Apache-2.0
"""Rare-class and class-cycled sampling: rules, exactness, configuration."""

import itertools
import math

import numpy as np
import pytest

from mmseg_da.datasets import DomainConcatDataset, GTADataset
from mmseg_da.datasets.class_views import get_class_view
from mmseg_da.datasets.conversion.class_stats import ClassStats, class_stats_of
from mmseg_da.datasets.conversion.stats_artifact import (
    default_key,
    store_class_stats,
)
from mmseg_da.datasets.samplers import (
    MultiSourceSampler,
    class_cycle_weights,
    class_policies,
    rare_class_probabilities,
)
from mmseg_da.engine.artifacts import ArtifactStore

VIEW = get_class_view('cityscapes19')


def test_rare_class_probabilities_by_hand():
    found = rare_class_probabilities([70, 20, 0, 10], temperature=0.5)
    weights = [math.exp(0.6), math.exp(1.6), 0, math.exp(1.8)]
    np.testing.assert_allclose(
        found, np.array(weights) / sum(weights), rtol=1e-14
    )
    assert found.dtype == np.float64


def test_rare_class_probabilities_of_daformer():
    """T = 0.01: one percent more pixels is a factor e less often."""
    found = rare_class_probabilities([98, 1, 1, 0], temperature=0.01)
    assert found[1] == found[2] and found[3] == 0
    np.testing.assert_allclose(found[0] / found[1], math.exp(-97), rtol=1e-10)
    for bad in (0, -1, float('nan')):
        with pytest.raises(ValueError, match='class_temperature'):
            rare_class_probabilities([1], bad)
    with pytest.raises(ValueError, match='no class has any pixel'):
        rare_class_probabilities([0, 0])


def test_class_cycle_weights_by_hand():
    counts = np.array([[30, 0, 0], [10, 5, 0]])
    found = class_cycle_weights(counts, 0.25, uniform_classes=[2])
    np.testing.assert_allclose(
        found,
        [
            [0.125 + 0.75 * 0.75, 0.125 + 0.75 * 0.25],
            [0.125, 0.125 + 0.75],
            [0.5, 0.5],
        ],
        rtol=1e-15,
    )
    assert class_cycle_weights(counts, 0.25)[2].sum() == 0.25
    with pytest.raises(ValueError, match=r'outside \[0, 1\]'):
        class_cycle_weights(counts, 1.5)


@pytest.fixture
def root(street_world, tmp_path):
    """Store with the statistics of StreetWorld's GTA."""
    dataset = GTADataset(data_root=str(street_world / 'gta'))
    stats = class_stats_of(dataset)
    store_class_stats(
        stats, ArtifactStore(tmp_path), default_key(dataset), 'test'
    )
    return str(tmp_path)


@pytest.fixture
def dataset(street_world):
    source = dict(type='GTADataset', data_root=str(street_world / 'gta'))
    target = dict(
        type='CityscapesRawDataset',
        data_root=str(street_world / 'cityscapes'),
        labeled=False,
    )
    return DomainConcatDataset([source, target])


RARE = dict(type='RareClassPolicy', min_pixels=0, class_temperature=0.1)
CYCLE = dict(type='ClassCyclePolicy')


def sampler(dataset, root, policy=RARE, batch=2, **options):
    policies = [dict(policy, artifact_root=root), None]
    return MultiSourceSampler(
        dataset, batch, [1, 1], seed=5, policies=policies, **options
    )


@pytest.mark.parametrize('policy', [RARE, CYCLE])
def test_skip_is_exact(dataset, root, policy):
    whole = list(itertools.islice(sampler(dataset, root, policy), 80))
    later = sampler(dataset, root, policy)
    later.skip(34)
    rest = list(itertools.islice(later, 46))
    assert [(int(i), i.key) for i in rest] == [
        (int(i), i.key) for i in whole[34:]
    ]


@pytest.mark.parametrize('policy', [RARE, CYCLE])
def test_processes_share_one_stream(dataset, root, policy):
    one = list(itertools.islice(sampler(dataset, root, policy, 4), 24))
    split = []
    for rank in range(2):
        part = sampler(dataset, root, policy, 2)
        part.rank, part.world_size = rank, 2
        split += list(itertools.islice(part, 12))
    assert {(int(i), i.key) for i in one} == {(int(i), i.key) for i in split}


def test_other_sources_keep_their_permutations(dataset, root):
    plain = MultiSourceSampler(dataset, 2, [1, 1], seed=5)
    with_policy = sampler(dataset, root)
    a = list(itertools.islice(plain, 40))
    b = list(itertools.islice(with_policy, 40))
    assert a[1::2] == b[1::2] and a[0::2] != b[0::2]
    assert all(0 <= i < 8 for i in b[0::2])


def test_rare_class_draws_follow_the_probabilities(dataset, root):
    """Every image's share of 4000 draws against its exact probability."""
    policy = sampler(dataset, root).policies[0]
    expected = np.zeros(8)
    for p, candidates in zip(
        policy.probabilities, policy.candidates, strict=True
    ):
        if p:
            expected[candidates] += p / len(candidates)
    draws = [policy.index(5, 0, i) for i in range(4000)]
    found = np.bincount(draws, minlength=8) / len(draws)
    assert expected.sum() == pytest.approx(1)
    # Four standard deviations; the draws are the same on every run.
    np.testing.assert_allclose(found, expected, atol=4 * 0.5 / 4000**0.5)


def test_min_pixels_is_exclusive(dataset, root):
    policy = dict(RARE, min_pixels=0)
    counts = class_stats_of(dataset.datasets[0]).counts
    candidates = sampler(dataset, root, policy).policies[0].candidates
    for column, found in zip(counts.T, candidates, strict=True):
        assert found.tolist() == np.flatnonzero(column > 0).tolist()
    most = int(counts.max(0)[counts.sum(0) > 0].min())
    sampler(dataset, root, dict(RARE, min_pixels=most - 1))
    with pytest.raises(ValueError, match=rf'at most {most}.*Lower min_pix'):
        sampler(dataset, root, dict(RARE, min_pixels=most))


def test_classes_take_turns(dataset, root):
    policy = sampler(dataset, root, CYCLE).policies[0]
    turns = [
        [policy.class_of(5, 0, 19 * turn + i) for i in range(19)]
        for turn in range(3)
    ]
    assert all(sorted(turn) == list(range(19)) for turn in turns)
    assert turns[0] != turns[1]
    plain = sampler(dataset, root, dict(CYCLE, shuffle=False)).policies[0]
    assert [plain.class_of(5, 0, i) for i in (0, 18, 19)] == [0, 18, 0]


def test_class_cycle_takes_images_of_the_class(dataset, root):
    policy = dict(CYCLE, uniform_prior=0.0)
    policy = sampler(dataset, root, policy).policies[0]
    counts = class_stats_of(dataset.datasets[0]).counts
    for position in range(200):
        image = policy.index(5, 0, position)
        assert counts[image, policy.class_of(5, 0, position)] > 0


def test_classes_without_pixels(dataset, tmp_path, monkeypatch):
    counts = np.zeros((8, 19), np.int64)
    counts[:, :17] = 5
    names = tuple(f'{i:05d}' for i in range(1, 9))
    stats = ClassStats(names, counts, VIEW.name, VIEW.classes)
    store_class_stats(stats, ArtifactStore(tmp_path), 'rough', 'test')
    policy = dict(CYCLE, class_stats='rough')
    with pytest.raises(ValueError, match=r"uniform_classes=\['motorcycle', '"):
        sampler(dataset, str(tmp_path), dict(policy, empty_classes='error'))
    with pytest.raises(ValueError, match="empty_classes='no'; allowed: unif"):
        sampler(dataset, str(tmp_path), dict(policy, empty_classes='no'))
    said = []
    monkeypatch.setattr(
        class_policies, 'print_log', lambda text, **_: said.append(text)
    )
    warned = sampler(dataset, str(tmp_path), policy).policies[0]
    expected = "no image of gta has a pixel of ['motorcycle', 'bicycle']"
    assert expected in said[0]
    np.testing.assert_allclose(warned.cumulative[17:, 0], 1 / 8)
    uniform = ['motorcycle', 'bicycle']
    built = sampler(
        dataset, str(tmp_path), dict(policy, uniform_classes=uniform)
    )
    np.testing.assert_allclose(built.policies[0].cumulative[:, -1], 1)
    with pytest.raises(ValueError, match="'tram' is no class"):
        sampler(dataset, str(tmp_path), dict(policy, uniform_classes=['tram']))


def test_configuration_errors(dataset, tmp_path):
    with pytest.raises(ValueError, match='1 entries for 2 training sets'):
        MultiSourceSampler(dataset, 2, [1, 1], seed=0, policies=[None])
    with pytest.raises(FileNotFoundError, match='make_artifact.py class_stat'):
        sampler(dataset, str(tmp_path / 'none'))
    on_demand = dict(RARE, compute='on_demand')
    built = sampler(dataset, str(tmp_path / 'new'), on_demand)
    assert built.policies[0].probabilities.sum() == pytest.approx(1)


def test_policy_noise_is_not_the_augmentations():
    """The policy's stream differs from the one that seeds the draw."""
    from mmseg_da.datasets.samplers import draw_generator

    key = (5, 0, 17)
    policy = draw_generator(*key).bit_generator.state['state']['state']
    draw = np.random.default_rng(key).bit_generator.state['state']['state']
    assert policy != draw

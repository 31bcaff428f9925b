# SPDX-License-Identifier: Apache-2.0
"""The choice of labels as functions: sheet sec. 14, oracles 6 and 17-20."""

import json

import numpy as np
import pytest
import torch
from scipy import spatial

from mmseg_da.datasets.subsets import SUBSET_FOLDER
from mmseg_da.models.losses.berhu_loss import BerHuLoss
from mmseg_da.uda import label_choice as lc
from mmseg_da.uda.label_procedure import METHODS, select_in_steps

TABLE = np.array(
    [[0, 1, 5, 6], [1, 0, 4, 7], [5, 4, 0, 3], [6, 7, 3, 0]], float
)
SELECTION_SEEDS = (42, 43, 44)


def published(method, seed):
    path = SUBSET_FOLDER / f'cityscapes_sde_{method}_{seed}.json'
    content = json.loads(path.read_text('utf-8'))
    return content if isinstance(content, list) else content['positions']


def test_oracle_6_berhu():
    prediction = torch.zeros(1, 1, 1, 2, dtype=torch.float64)
    target = torch.tensor([0.1, 0.5], dtype=torch.float64).view(1, 1, 1, 2)
    value = BerHuLoss(valid_rows=1.0)(prediction, target)
    assert value.item() == pytest.approx(0.7, abs=1e-12)


def test_oracle_17_farthest_points():
    assert lc.farthest_points(TABLE, [0], 4) == [0, 3, 2, 1]
    bias = np.array([0, 0, 5.0, 0])
    assert lc.farthest_points(TABLE, [0], 4, bias) == [0, 2, 3, 1]
    # The bias never counts for what is chosen already.
    assert lc.farthest_points(TABLE, [2], 3, bias) == [2, 0, 3]


def test_distances_against_scipy():
    """Also of two images that are nearly the same."""
    points = torch.rand(60, 300, generator=torch.Generator().manual_seed(0))
    points[1] = points[0] + 1e-6
    found = lc.pairwise_distances(points)
    exact = spatial.distance.cdist(points.double(), points.double())
    np.testing.assert_allclose(found, exact, atol=1e-6)
    assert found.dtype == np.float64
    assert (found.diagonal() == 0).all()


def test_farthest_points_against_the_definition():
    points = torch.rand(40, 3, generator=torch.Generator().manual_seed(0))
    distances = lc.pairwise_distances(points)
    bias = np.random.RandomState(0).rand(40) * 0.3
    chosen = [4, 9]
    for _ in range(20):
        rest = [j for j in range(40) if j not in chosen]
        score = [distances[chosen, j].min() + bias[j] for j in rest]
        chosen.append(rest[int(np.argmax(score))])
    assert lc.farthest_points(distances, [4, 9], 22, bias) == chosen


def test_first_of_equals():
    equal = np.ones((5, 5)) - np.eye(5)
    assert lc.farthest_points(equal, [3], 5) == [3, 0, 1, 2, 4]
    scores = np.array([0.1, 0.5, 0.5, 0.2])
    assert lc.highest_scores(scores, [3], 4) == [3, 1, 2, 0]


def test_oracle_18_unbiased_deviation():
    pooled = torch.tensor([0, 1, 3], dtype=torch.float64).view(3, 1, 1, 1)
    distances = lc.pairwise_distances(lc.normalize_features(pooled))
    found = distances[[0, 0, 1], [1, 2, 2]]
    np.testing.assert_allclose(found, [0.6547, 1.9640, 1.3093], atol=5e-5)


def test_features_are_normalised_per_channel():
    raw = torch.rand(5, 2, 8, 16, generator=torch.Generator().manual_seed(0))
    raw[:, 1] = 3.0
    pooled = lc.pool_features(raw)
    assert pooled.shape == (5, 2, 4, 8)
    torch.testing.assert_close(pooled[0, 0, 0, 0], raw[0, 0, :2, :2].mean())
    flat = lc.normalize_features(pooled)
    assert flat.shape == (5, 64)
    assert flat[:, :32].std().item() == pytest.approx(1, abs=1e-5)
    assert not flat[:, 32:].any()  # constant: nothing to tell apart
    assert lc.pool_features(raw, (2, 2), 'max')[0, 0].max() == raw[0, 0].max()


def test_oracle_19_random_order():
    seeds = (7, 25, 42, 43, 44)
    first = [lc.random_order(2975, seed)[0] for seed in seeds]
    assert first == [664, 1844, 2403, 938, 1436]
    part = sorted(lc.random_order(2975, 42)[:100])
    assert part[:5] == [0, 45, 52, 63, 93]


def test_oracle_20_published_lists():
    for method in ('ent', 'ds', 'us', 'ds_us'):
        for seed in SELECTION_SEEDS:
            chosen = published(method, seed)
            assert len(chosen) == len(set(chosen)) == 744
            order = lc.random_order(2975, seed)
            head = 25 if method in ('us', 'ent') else 1
            assert chosen[:head] == order[:head]
    assert published('ds_us', 44)[:5] == [1436, 1150, 336, 2071, 382]
    same = [1150, 336, 2071, 382, 2563, 184]
    for seed in SELECTION_SEEDS:
        assert published('ds_us', seed)[1:7] == same
        assert published('ds', seed)[:25] == published('ds_us', seed)[:25]


def test_difficulty_by_hand():
    teacher = torch.full((2, 1, 20, 20), 0.5, dtype=torch.float64)
    student = torch.full_like(teacher, 0.25)
    teacher[1, 0, 0, 0] = 0.05  # masks its 4 x 4 corner
    value = abs(np.log(1.25) - np.log(1.5))
    found = lc.difficulty_error(student, teacher)
    # Rows from int(0.87 * 20) = 17 on count as 0.
    expected = np.array([340, 340 - 16]) / 400 * value
    np.testing.assert_allclose(found.numpy(), expected, rtol=1e-12)


@pytest.mark.parametrize(
    ('kind', 'value'),
    [
        ('abs', 0.25),
        ('sq', 0.0625),
        ('abs_rel', 0.25 / 0.6),
        ('sq_rel', 0.0625 / 0.6),
        ('abs_inv', 2.0),
        ('abs_inv_log', np.log(2)),
        ('abs_log', np.log(1.5 / 1.25)),
    ],
)
def test_other_errors(kind, value):
    teacher = torch.full((1, 1, 4, 4), 0.5)
    student = torch.full_like(teacher, 0.25)
    found = lc.difficulty_error(student, teacher, kind, valid_rows=1)
    assert found.item() == pytest.approx(value, abs=1e-12)


def test_entropy_score():
    logits = torch.zeros(2, 19, 3, 4)
    logits[1, 0] = 100.0
    found = lc.entropy_score(logits).numpy()
    np.testing.assert_allclose(found, [1, 0], atol=1e-6)


def run(method, steps, **options):
    """Chosen images by step, and the sets that students were trained on."""
    trained = []

    def score(chosen):
        trained.append(list(chosen))
        return np.array([0, 0, 0.005, 0])

    found = select_in_steps(
        method, 4, steps, 1, lambda: TABLE, score, **options
    )
    return dict(found), trained


def test_steps_of_every_method():
    start = lc.random_order(4, 1)
    assert start == [3, 2, 0, 1]
    assert run('random', [1, 3]) == ({1: start[:1], 3: start[:3]}, [])
    plain, trained = run('diversity', [1, 2, 4])
    assert plain == {1: [3], 2: [3, 1], 4: [3, 1, 2, 0]}
    assert not trained
    # min D to {3}: 6, 7, 3; with 1000 * 0.005 for image 2: 8.
    both, trained = run('diversity+difficulty', [1, 2])
    assert both == {1: [3], 2: [3, 2]}
    assert trained == [[3]]
    assert run('diversity+difficulty', [1, 2], weight=0)[0][2] == [3, 1]
    for method in ('difficulty', 'entropy'):
        found, trained = run(method, [1, 2])
        assert (found[2], trained) == ([3, 2], [[3]])


def test_done_steps_are_kept():
    found, trained = run(
        'diversity+difficulty', [1, 2, 3], done={1: [3], 2: [3, 0]}
    )
    assert list(found) == [3]
    assert found[3][:2] == [3, 0]
    assert trained == [[3, 0]]
    # A list behind a missing one does not count.
    found, _ = run('random', [1, 2, 3], done={2: [0, 1]})
    assert list(found) == [1, 2, 3]


def test_methods_agree_on_the_first_step():
    steps = {m: run(m, [2, 3])[0][2] for m in METHODS}
    assert steps['diversity'] == steps['diversity+difficulty']
    assert steps['difficulty'] == steps['entropy'] == steps['random']


def test_bad_input():
    with pytest.raises(ValueError, match='5 images cannot be chosen of the 4'):
        run('random', [1, 5])
    for steps in ([], [2, 2], [0, 1], [3, 1]):
        with pytest.raises(ValueError, match='give growing numbers'):
            run('random', steps)
    with pytest.raises(ValueError, match="--method 'best'; allowed"):
        run('best', [1])
    with pytest.raises(ValueError, match='at least one image'):
        lc.farthest_points(TABLE, [], 2)
    with pytest.raises(ValueError, match='cannot choose 1 of 4 images with 2'):
        lc.highest_scores(np.zeros(4), [0, 1], 1)
    one = torch.zeros(1, 1, 4, 4)
    with pytest.raises(ValueError, match="error='l3'; allowed: abs_log"):
        lc.difficulty_error(one, one, 'l3')
    with pytest.raises(ValueError, match='both must be'):
        lc.difficulty_error(one, one[..., :2])
    with pytest.raises(ValueError, match='an odd number'):
        lc.difficulty_error(one, one, dilation=4)
    with pytest.raises(ValueError, match='no deviation'):
        lc.normalize_features(torch.zeros(1, 3, 1, 1))
    with pytest.raises(ValueError, match='it has diverged'):
        lc.normalize_features(torch.full((2, 1, 1, 1), float('nan')))
    with pytest.raises(ValueError, match="pooling='sum'; allowed: avg, max"):
        lc.pool_features(one, pooling='sum')
    with pytest.raises(ValueError, match='pool size'):
        lc.pool_features(one, (0, 1))

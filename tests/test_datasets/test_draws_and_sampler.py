# SPDX-License-Identifier: Apache-2.0
import itertools
import pickle
import random

import numpy as np
import pytest
import torch
from mmengine.dataset import BaseDataset

from mmseg_da.datasets.domain_concat import DomainConcatDataset
from mmseg_da.datasets.draw import DrawIndex, seeded_draw
from mmseg_da.datasets.samplers import MultiSourceSampler


class Numbers(BaseDataset):
    """Samples that report which one they are and three random numbers."""

    def __init__(self, first, count, view='v', classes=('a', 'b')):
        self.first, self.count = first, count
        super().__init__(
            metainfo=dict(classes=classes, class_view=view, dataset_name=view),
            serialize_data=False,
        )

    def load_data_list(self):
        return [{'value': self.first + i} for i in range(self.count)]

    def __getitem__(self, idx):
        noise = random.random(), np.random.rand(), torch.rand(()).item()
        return self.get_data_info(idx)['value'], noise


def take(sampler, batches):
    flat = itertools.islice(sampler, batches * sampler.batch_size)
    return np.array(list(flat)).reshape(batches, sampler.batch_size)


@pytest.fixture
def dataset():
    return DomainConcatDataset([Numbers(0, 10), Numbers(100, 10)])


def test_exact_counts_and_full_coverage(dataset):
    sampler = MultiSourceSampler(dataset, 5, [2, 3], seed=0)
    batches = take(sampler, 10)
    assert (batches[:, :2] < 10).all() and (batches[:, 2:] >= 10).all()
    assert sorted(batches[:5, :2].ravel()) == list(range(10))
    assert sorted(batches[5:, :2].ravel()) == list(range(10))


def test_equal_sources_are_not_permuted_alike(dataset):
    batches = take(MultiSourceSampler(dataset, 2, [1, 1], seed=0), 10)
    assert (batches[:, 0] != batches[:, 1] - 10).any()


def test_skip_continues_the_stream(dataset):
    whole = take(MultiSourceSampler(dataset, 3, [1, 2], seed=3), 40)
    resumed = MultiSourceSampler(dataset, 3, [1, 2], seed=3)
    resumed.skip(3 * 17)
    assert (take(resumed, 23) == whole[17:]).all()
    with pytest.raises(ValueError, match='multiple of the batch size 3'):
        resumed.skip(4)


def test_processes_share_one_stream(dataset):
    one = MultiSourceSampler(dataset, 6, [2, 4], seed=1)
    together = list(itertools.islice(one, 12))
    split = []
    for rank in range(2):
        part = MultiSourceSampler(dataset, 3, [1, 2], seed=1)
        part.rank, part.world_size = rank, 2
        split += list(itertools.islice(part, 6))
    as_set = {(int(i), i.key) for i in together}
    assert as_set == {(int(i), i.key) for i in split}


def test_unshuffled_order(dataset):
    sampler = MultiSourceSampler(dataset, 2, [1, 1], shuffle=False, seed=0)
    assert take(sampler, 3).tolist() == [[0, 10], [1, 11], [2, 12]]


def test_shares_and_errors(dataset):
    assert MultiSourceSampler(dataset, 4, [0.5, 0.5], seed=0).counts == [2, 2]
    assert MultiSourceSampler(dataset, 5, [1, 1], seed=0).counts == [3, 2]
    with pytest.raises(ValueError, match='1 entries for 2 training sets'):
        MultiSourceSampler(dataset, 4, [4], seed=0)
    with pytest.raises(ValueError, match='leaves a source without samples'):
        MultiSourceSampler(dataset, 2, [5, 1], seed=0)
    with pytest.raises(ValueError, match='must be > 0'):
        MultiSourceSampler(dataset, 2, [2, 0], seed=0)
    with pytest.raises(ValueError, match='needs a DomainConcatDataset'):
        MultiSourceSampler(Numbers(0, 3), 2, [1], seed=0)
    empty = DomainConcatDataset([Numbers(0, 3), Numbers(0, 0)])
    with pytest.raises(ValueError, match='source 1 .* is empty'):
        MultiSourceSampler(empty, 2, [1, 1], seed=0)


def test_draw_index_survives_pickling():
    index = pickle.loads(pickle.dumps(DrawIndex(7, (1, 2, 3))))
    assert index == 7 and index.key == (1, 2, 3)


def test_a_draw_fixes_the_augmentation_and_leaves_rng_alone(dataset):
    before = random.getstate(), torch.get_rng_state()
    first = dataset[DrawIndex(12, (0, 1, 5))]
    random.random(), np.random.rand(), torch.rand(3)
    assert dataset[DrawIndex(12, (0, 1, 5))] == first
    assert dataset[DrawIndex(12, (0, 1, 6))][1] != first[1]
    assert first[0] == 102
    random.setstate(before[0])
    torch.set_rng_state(before[1])
    with seeded_draw((1, 2)):
        torch.rand(3)
    assert torch.equal(torch.get_rng_state(), before[1])
    assert random.getstate() == before[0]


@pytest.mark.parametrize('workers', [0, 2])
def test_noise_does_not_depend_on_workers(dataset, workers):
    sampler = MultiSourceSampler(dataset, 4, [2, 2], seed=0)
    loader = torch.utils.data.DataLoader(
        dataset,
        batch_size=4,
        sampler=sampler,
        num_workers=workers,
        collate_fn=list,
    )
    batches = list(itertools.islice(loader, 3))
    expected = [dataset[i] for i in itertools.islice(sampler, 12)]
    assert [item for batch in batches for item in batch] == expected


def test_mixed_class_views_are_refused():
    other = Numbers(0, 3, view='w', classes=('a', 'c', 'd'))
    with pytest.raises(
        ValueError, match=r"datasets\[1\].*'w' with 3 classes.*'v' with 2"
    ):
        DomainConcatDataset([Numbers(0, 3), other])

# SPDX-License-Identifier: Apache-2.0
"""The artefact that a ranking writes, in one and in several processes."""

import csv
import zlib

import numpy as np
import pytest
import torch
import two_ranks
from mmengine.dataset import DefaultSampler
from mmengine.structures import PixelData
from mmseg.registry import DATASETS
from PIL import Image
from torch import nn
from torch.utils.data import DataLoader

from mmseg_da.datasets.class_views import get_class_view
from mmseg_da.engine.artifacts import ArtifactStore
from mmseg_da.evaluation.entropy_ranking import EntropyRankingMetric
from mmseg_da.uda import ranking
from mmseg_da.uda.rank_images import (
    build_ranking_loader,
    list_entries,
    rank_images,
)

PIPELINE = [
    dict(type='LoadStreetImage'),
    dict(type='Resize', scale=(64, 32), keep_ratio=False),
    dict(type='PackUDAInputs'),
]


def images_config(street_world, count=7, **more):
    return dict(
        type='CityscapesRawDataset',
        data_root=str(street_world / 'cityscapes'),
        split='train',
        labeled=False,
        indices=count,
        pipeline=PIPELINE,
        **more,
    )


def logits_of(path, size, classes=19):
    """Blocky noise that depends on the name of an image only."""
    seed = zlib.crc32(path.rpartition('/')[2].encode())
    generator = torch.Generator().manual_seed(seed)
    coarse = torch.randn(1, classes, 4, 8, generator=generator)
    coarse = coarse * (1 + seed % 5)
    return nn.functional.interpolate(coarse, tuple(size))[0]


class NoiseNet(nn.Module):
    """A network whose predictions are known."""

    def __init__(self, classes=19):
        super().__init__()
        self.classes = classes

    def test_step(self, batch):
        for sample in batch['data_samples']:
            logits = logits_of(sample.img_path, sample.ori_shape, self.classes)
            sample.set_data({'seg_logits': PixelData(data=logits)})
        return batch['data_samples']


def rank(root, config, key='key', batch_size=2, net=None, **options):
    loader = build_ranking_loader(config, batch_size)
    images = list_entries(loader.dataset)
    metric = EntropyRankingMetric(str(root), key, images=images, **options)
    found = rank_images(net or NoiseNet(), loader, metric)
    return found, ArtifactStore(root).open('entropy_ranking', key).path


def lists(folder):
    names = [
        (folder / name).read_text().splitlines()
        for name in ('easy_split.txt', 'hard_split.txt')
    ]
    return tuple(names)


def read_scores(folder):
    with (folder / 'scores.csv').open(newline='') as file:
        return list(csv.DictReader(file))


def test_lists_scores_and_manifest(street_world, tmp_path):
    found, folder = rank(tmp_path, images_config(street_world))
    easy, hard = lists(folder)
    assert (len(easy), len(hard)) == (4, 3)
    assert (found['ranking/easy'], found['ranking/hard']) == (4, 3)
    assert (folder / 'hard_split.txt').read_bytes().endswith(b'.png\n')
    rows = read_scores(folder)
    assert [row['name'] for row in rows] == easy + hard
    values = [float(row['score']) for row in rows]
    assert values == sorted(values)
    for row in rows:
        city, _, name = row['name'].partition('/')
        assert name.startswith(city)
        assert name.endswith('_leftImg8bit.png')
        expected = ranking.ranking_score(logits_of(name, (32, 64))[None])
        assert float(row['score']) == expected.item()
        assert row['normaliser'] == '1.0'
    manifest = ArtifactStore(tmp_path).open('entropy_ranking', 'key').manifest
    assert manifest['class_view'] == 'cityscapes19'
    assert manifest['sizes'] == [64, 32]
    assert manifest['meta']['num_images'] == 7
    assert manifest['meta']['easy_ratio'] == 0.67
    assert manifest['meta']['normalize'] is False


def test_pictures_of_every_image(street_world, tmp_path):
    """Oracle 13: two files per image, easy and hard alike."""
    _, folder = rank(tmp_path, images_config(street_world), entropy_maps=True)
    names = sorted(path.stem for path in (folder / 'labels').iterdir())
    assert len(names) == 7
    colors = sorted(path.name for path in (folder / 'color').iterdir())
    assert colors == [f'{name}_color.png' for name in names]
    palette = [*np.ravel(get_class_view('cityscapes19').palette)]
    for name in names:
        label = Image.open(folder / f'labels/{name}.png')
        assert (label.mode, label.size) == ('L', (64, 32))
        expected = logits_of(f'{name}.png', (32, 64)).argmax(0)
        assert np.array_equal(np.array(label), expected.numpy())
        color = Image.open(folder / f'color/{name}_color.png')
        assert color.mode == 'P'
        assert np.array_equal(np.array(color), np.array(label))
        table = color.getpalette()
        assert table[:57] == palette
        assert not any(table[57:])
        entropy = Image.open(folder / f'entropy/{name}.png')
        assert (entropy.mode, entropy.size) == ('RGB', (64, 32))


def test_no_colour_views_if_not_wanted(street_world, tmp_path):
    _, folder = rank(tmp_path, images_config(street_world), color=False)
    assert not (folder / 'color').exists()
    assert not (folder / 'entropy').exists()


def test_the_batch_size_does_not_matter(street_world, tmp_path):
    folders = [
        rank(tmp_path / str(size), images_config(street_world), 'k', size)[1]
        for size in (1, 3)
    ]
    assert _content(folders[0]) == _content(folders[1])


def _content(folder):
    return {
        path.relative_to(folder): path.read_bytes()
        for path in folder.rglob('*')
        if path.is_file() and path.name != 'manifest.json'
    }


def test_images_of_several_sizes(street_world, tmp_path):
    steps = [PIPELINE[0], dict(PIPELINE[1]), PIPELINE[2]]
    config = images_config(street_world, 3)
    steps[1] = dict(
        type='RandomChoiceResize',
        scales=[(48, 32), (64, 48), (80, 16)],
        keep_ratio=False,
    )
    config['pipeline'] = steps
    np.random.seed(3)
    _, folder = rank(tmp_path, config, batch_size=1)
    sizes = {Image.open(p).size for p in (folder / 'labels').iterdir()}
    assert len(sizes) > 1
    store = ArtifactStore(tmp_path)
    assert store.open('entropy_ranking', 'key').manifest['sizes'] is None


@pytest.mark.parametrize('view', ['cityscapes19', 'cityscapes16'])
def test_rare_class_normaliser(street_world, tmp_path, view):
    config = images_config(street_world, class_view=view)
    classes = get_class_view(view).classes
    net = NoiseNet(len(classes))
    _, folder = rank(tmp_path, config, net=net, normalize=True)
    rare = ranking.rare_class_ids(classes)
    for row in read_scores(folder):
        logits = logits_of(row['name'], (32, 64), len(classes))
        present = set(np.unique(logits.argmax(0))) & set(rare)
        factor = (len(rare) - len(present)) / len(rare) + 0.5
        assert float(row['normaliser']) == factor
        product = float(row['mean_entropy']) * factor
        assert float(row['score']) == product
    meta = ArtifactStore(tmp_path).open('entropy_ranking', 'key').manifest
    assert meta['meta']['normalize'] is True


def test_equal_scores_keep_the_order_of_the_set(street_world, tmp_path):
    class Flat(NoiseNet):
        def test_step(self, batch):
            for sample in batch['data_samples']:
                logits = torch.zeros(19, *sample.ori_shape)
                sample.set_data({'seg_logits': PixelData(data=logits)})
            return batch['data_samples']

    config = images_config(street_world)
    _, folder = rank(tmp_path, config, net=Flat())
    easy, hard = lists(folder)
    dataset = DATASETS.build(config)
    assert easy + hard == list(list_entries(dataset).values())


@pytest.mark.parametrize('ratio', [0.0, 1.0])
def test_ablation_with_one_half(street_world, tmp_path, ratio):
    config = images_config(street_world, 3)
    with pytest.raises(ValueError, match=r'of 3 images leaves no'):
        rank(tmp_path, config, easy_ratio=ratio)
    assert not (tmp_path / 'entropy_ranking').exists()
    _, folder = rank(tmp_path, config, easy_ratio=ratio, allow_empty=True)
    assert [len(half) for half in lists(folder)] == [3 * ratio, 3 - 3 * ratio]


class Broken(NoiseNet):
    def __init__(self, value):
        super().__init__()
        self.value = value

    def test_step(self, batch):
        samples = super().test_step(batch)
        samples[-1].seg_logits.data[0, 5, 5] = self.value
        return samples


@pytest.mark.parametrize('value', [float('nan'), float('inf')])
def test_a_score_that_is_not_finite_names_the_image(
    street_world, tmp_path, value
):
    config = images_config(street_world, 1)
    options = dict(allow_empty=True)
    with pytest.raises(ValueError, match=r'019_leftImg8bit.png: its ranking'):
        rank(tmp_path, config, net=Broken(value), **options)
    store = ArtifactStore(tmp_path)
    with pytest.raises(FileNotFoundError, match='interrupted'):
        store.open('entropy_ranking', 'key')
    rank(tmp_path, config, **options)  # goes on; the lock was let go


def test_a_finished_ranking_is_not_replaced_unasked(street_world, tmp_path):
    config = images_config(street_world)
    rank(tmp_path, config)
    with pytest.raises(FileExistsError, match='--overwrite'):
        rank(tmp_path, config)
    rank(tmp_path, config, overwrite=True)


def test_images_of_one_name_in_two_folders(tmp_path):
    images = {'a/x.png': 'a/x.png', 'b/x.png': 'b/x.png', 'c.png': 'c.png'}
    with pytest.raises(ValueError, match=r'a/x.png and b/x.png have the same'):
        EntropyRankingMetric(str(tmp_path), 'key', images=images)


def sample_of(path='a/x.png', size=(8, 8), classes=19, **more):
    return dict(
        seg_logits=dict(data=logits_of(path, size, classes)),
        img_path=path,
        img_shape=size,
        ori_shape=size,
        **more,
    )


def metric_of(tmp_path, **options):
    metric = EntropyRankingMetric(str(tmp_path), 'key', **options)
    view = get_class_view('cityscapes19')
    metric.dataset_meta = {**view.metainfo(), 'class_view': view.name}
    return metric


def test_without_the_set_entries_are_file_names(tmp_path):
    metric = metric_of(tmp_path, easy_ratio=0.5)
    metric.process(None, [sample_of('a/x.png'), sample_of('b/y.jpg')])
    metric.evaluate(2)
    folder = tmp_path / 'entropy_ranking/key'
    easy, hard = lists(folder)
    assert sorted(easy + hard) == ['x.png', 'y.jpg']
    assert sorted(p.name for p in (folder / 'labels').iterdir()) == [
        'x.png',
        'y.png',
    ]
    metric = metric_of(tmp_path, overwrite=True)
    metric.process(None, [sample_of('a/x.png'), sample_of('b/x.png')])
    with pytest.raises(ValueError, match=r'a/x.png and b/x.png have'):
        metric.evaluate(2)


def test_predictions_of_another_size_than_the_input(tmp_path):
    sample = sample_of()
    sample['img_shape'] = (4, 4)
    with pytest.raises(ValueError, match=r'8x8.*4x4.*PredictAtInputSize'):
        metric_of(tmp_path).process(None, [sample])


def test_logits_of_other_classes(tmp_path):
    with pytest.raises(ValueError, match=r'of 16 classes, the data have 19'):
        metric_of(tmp_path).process(None, [sample_of(classes=16)])


def test_images_that_were_not_ranked(tmp_path):
    images = {f'{i}.png': f'{i}.png' for i in range(5)}
    metric = metric_of(tmp_path, images=images)
    metric.process(None, [sample_of('0.png'), sample_of('3.png')])
    with pytest.raises(ValueError, match=r"3 of 5 .*\['1.png', '2.png'"):
        metric.evaluate(5)


def test_a_dataset_without_pipeline(street_world):
    config = images_config(street_world) | {'pipeline': []}
    with pytest.raises(ValueError, match='has no pipeline'):
        build_ranking_loader(config)


@pytest.mark.dist
@pytest.mark.parametrize('padded', [False, True])
def test_two_processes_write_what_one_writes(street_world, tmp_path, padded):
    """7 images: a sampler that rounds up gives one of them twice."""
    _, one = rank(tmp_path / 'one', images_config(street_world))
    port = 31500 + hash(str(tmp_path)) % 2000
    arguments = (street_world, tmp_path / 'two', port, padded)
    two_ranks.start(_rank_process, *arguments)
    store = ArtifactStore(tmp_path / 'two')
    two = store.open('entropy_ranking', 'key', verify='full')
    assert _content(one) == _content(two.path)
    assert two.manifest['count'] == 8


def _rank_process(rank_, street_world, root, port, padded):
    import torch.distributed as dist
    from mmengine.registry import init_default_scope

    init_default_scope('mmseg')
    address = f'tcp://127.0.0.1:{port}'
    dist.init_process_group('gloo', address, rank=rank_, world_size=2)
    loader = build_ranking_loader(images_config(street_world), 2)
    if padded:
        dataset = loader.dataset
        sampler = DefaultSampler(dataset, shuffle=False, seed=0)
        loader = DataLoader(
            dataset, 2, sampler=sampler, collate_fn=loader.collate_fn
        )
    images = list_entries(loader.dataset)
    metric = EntropyRankingMetric(str(root), 'key', images=images)
    rank_images(NoiseNet(), loader, metric)
    dist.destroy_process_group()

# SPDX-License-Identifier: Apache-2.0
"""Easy and hard images, pseudo labels, and every way they can be wrong."""

import json
import shutil

import numpy as np
import pytest
from mmengine.registry import init_default_scope
from mmseg.registry import DATASETS
from PIL import Image
from rankings import write_ranking

from mmseg_da.datasets import PseudoLabeledDataset
from mmseg_da.datasets.digest import digest_samples
from mmseg_da.datasets.transforms import LoadPseudoLabels
from mmseg_da.engine.artifacts import ArtifactStore
from mmseg_da.engine.hashing import make_producer

KEY = 'advent_gta2cs'
PIPELINE = [
    dict(type='LoadStreetImage'),
    dict(type='LoadPseudoLabels'),
    dict(type='MultiBranch', source=[dict(type='PackUDAInputs')]),
]


@pytest.fixture
def world(street_world, tmp_path):
    """A copy without labels of the target, and with rankings."""
    for name in ('cityscapes/leftImg8bit', 'artifacts'):
        shutil.copytree(street_world / name, tmp_path / name)
    return tmp_path


def images(world, **more):
    root = str(world / 'cityscapes')
    return dict(type='CityscapesRawDataset', data_root=root, **more)


def part(world, name='easy', pipeline=(), key=KEY, **more):
    return PseudoLabeledDataset(
        images(world),
        name,
        root=str(world / 'artifacts'),
        key=key,
        pipeline=pipeline,
        **more,
    )


def folder_of(world):
    return world / 'artifacts/entropy_ranking' / KEY


def reference(world, name='easy', **more):
    """The same files by path, as IntraDA's code leaves them."""
    folder = folder_of(world)
    options = dict(image_list=str(folder / f'{name}_split.txt'))
    if name != 'hard':
        options['label_dir'] = str(folder / 'labels')
    options.update(more)
    return PseudoLabeledDataset(images(world), name, **options)


def entries(dataset):
    infos = [dataset.get_data_info(i) for i in range(len(dataset))]
    return [f'{info["sample_stem"]}_leftImg8bit.png' for info in infos]


def listed(world, name):
    return (folder_of(world) / f'{name}_split.txt').read_text().splitlines()


@pytest.mark.parametrize('make', [part, reference])
def test_halves_are_the_lists_in_their_order(world, make):
    for name, count in (('easy', 5), ('hard', 3)):
        dataset = make(world, name)
        assert entries(dataset) == listed(world, name)
        assert len(dataset) == count
    assert 'pseudo_label_path' not in make(world, 'hard').get_data_info(0)
    info = make(world, 'easy').get_data_info(2)
    assert info['pseudo_label_path'].endswith(
        f'{info["sample_stem"].rpartition("/")[2]}_leftImg8bit.png'
    )
    assert 'seg_map_path' not in info


def test_all_images_in_the_order_of_the_ranking(world):
    dataset = part(world, 'all')
    assert entries(dataset) == listed(world, 'easy') + listed(world, 'hard')
    assert all(
        'pseudo_label_path' in dataset.get_data_info(i) for i in range(8)
    )


@pytest.mark.parametrize(('ratio', 'easy'), [(0.5, 4), (0.7, 5), (0.26, 2)])
def test_a_ranking_can_be_cut_anew(world, ratio, easy):
    halves = [
        entries(part(world, name, easy_ratio=ratio))
        for name in ('easy', 'hard')
    ]
    assert [len(half) for half in halves] == [easy, 8 - easy]
    assert halves[0] + halves[1] == entries(part(world, 'all'))


def test_samples_hold_the_pseudo_label(world):
    dataset = part(world, pipeline=PIPELINE)
    sample = dataset[0]['data_samples']['source']
    path = dataset.get_data_info(0)['pseudo_label_path']
    label = np.array(Image.open(path))
    assert np.array_equal(sample.gt_sem_seg.data[0].numpy(), label)
    assert dataset.metainfo['class_view'] == 'cityscapes19'


def test_mapillary_and_own_images_work(world):
    """Other suffixes; labels keep the name of the image."""
    names = ['b/one.jpg', 'a/two.jpg']
    folder = world / 'own'
    (folder / 'labels').mkdir(parents=True)
    for i, name in enumerate(names):
        path = folder / 'images' / name
        path.parent.mkdir(parents=True)
        Image.new('RGB', (16, 8)).save(path)
        label = Image.fromarray(np.full((8, 16), i, np.uint8))
        label.save(folder / 'labels' / f'{path.stem}.png')
    (folder / 'list.txt').write_text('\n'.join(names) + '\n\n')
    own = dict(
        type='CustomRawDataset',
        dataset_name='own',
        data_prefix=dict(img_path=str(folder / 'images')),
        img_suffix='.jpg',
        labeled=False,
        classes=['ground', 'rest'],
    )
    dataset = PseudoLabeledDataset(
        own,
        'easy',
        image_list=str(folder / 'list.txt'),
        label_dir=str(folder / 'labels'),
        pipeline=PIPELINE,
    )
    values = [
        int(dataset[i]['data_samples']['source'].gt_sem_seg.data.unique())
        for i in range(2)
    ]
    assert values == [0, 1]


def test_artefacts_of_plain_pseudo_labels(world):
    """For other methods: labels without a ranking."""
    source = folder_of(world) / 'labels'
    store = ArtifactStore(world / 'artifacts')
    names = sorted(source.iterdir())[:3]
    with store.writer(
        'pseudo_labels', 'plain', make_producer(), 'cityscapes19'
    ) as writer:
        for path in names:
            file = f'labels/{path.name}'
            writer.write(path.stem, {file: path.read_bytes()})
    dataset = part(world, 'all', key='plain', kind='pseudo_labels')
    assert len(dataset) == 3
    found = [dataset.get_data_info(i)['pseudo_label_path'] for i in range(3)]
    assert sorted(path.rpartition('/')[2] for path in found) == [
        path.name for path in names
    ]
    with pytest.raises(ValueError, match="part='easy'.*use part='all'"):
        part(world, 'easy', key='plain', kind='pseudo_labels')


def test_the_fingerprint_of_the_data_covers_pseudo_labels(world):
    before = digest_samples(part(world))
    path = part(world).get_data_info(0)['pseudo_label_path']
    label = np.array(Image.open(path))
    assert digest_samples(part(world)) == before
    Image.fromarray(label[::-1].copy()).save(path)
    assert digest_samples(reference(world)) != before


# Lists ----------------------------------------------------------------------


def edit_list(world, change, name='easy'):
    path = world / f'{name}.txt'
    lines = listed(world, name)
    path.write_text(''.join(f'{line}\n' for line in change(lines)))
    return str(path)


def test_a_missing_list(world):
    with pytest.raises(FileNotFoundError, match=r'gone.txt does not exist'):
        reference(world, image_list=str(world / 'gone.txt'))


def test_an_empty_list(world):
    path = edit_list(world, lambda lines: ['', '  '])
    with pytest.raises(ValueError, match=r'easy.txt names no image'):
        reference(world, image_list=path)


def test_blank_lines_are_skipped(world):
    path = edit_list(world, lambda lines: ['', lines[0], '', lines[1], ''])
    assert len(reference(world, image_list=path)) == 2


def test_an_image_listed_twice(world):
    path = edit_list(world, lambda lines: [*lines, lines[1]])
    name = listed(world, 'easy')[1].removesuffix('_leftImg8bit.png')
    with pytest.raises(ValueError, match=rf'names 1 images twice.*{name}'):
        reference(world, image_list=path)


def test_an_unknown_image(world):
    path = edit_list(world, lambda lines: [*lines, 'ulm/nowhere.png'])
    with pytest.raises(ValueError, match=r"1 of 6 listed .*'ulm/nowhere.png"):
        reference(world, image_list=path)


def test_two_images_of_the_same_name(world):
    root = world / 'cityscapes/leftImg8bit/train'
    first = listed(world, 'easy')[0]
    name = first.rpartition('/')[2]
    (root / 'other').mkdir()
    shutil.copy(root / first, root / 'other' / name)
    both = [first, f'other/{name}']
    path = edit_list(world, lambda lines: both)
    with pytest.raises(ValueError) as caught:
        PseudoLabeledDataset(
            images(world, ann_file=path),
            'easy',
            image_list=path,
            label_dir=str(folder_of(world) / 'labels'),
        )
    assert all(entry in str(caught.value) for entry in both)
    assert 'same file name' in str(caught.value)


# Labels ---------------------------------------------------------------------


def labels(world):
    folder = world / 'labels'
    shutil.copytree(folder_of(world) / 'labels', folder)
    return folder


def test_a_missing_label(world):
    folder = labels(world)
    name = listed(world, 'easy')[3].rpartition('/')[2]
    (folder / name).unlink()
    with pytest.raises(FileNotFoundError, match=rf'1 of 5 .*{name}'):
        reference(world, label_dir=str(folder))
    (folder / name).touch()
    dataset = reference(world, label_dir=str(folder), pipeline=PIPELINE)
    with pytest.raises(ValueError, match=rf'{name}: the file is empty'):
        dataset[3]


def test_a_missing_label_folder(world):
    with pytest.raises(FileNotFoundError, match=r'gone of pseudo labels'):
        reference(world, label_dir=str(world / 'gone'))


def test_colour_views_named_as_label_folder(world):
    with pytest.raises(FileNotFoundError, match='have no pseudo_label file'):
        reference(world, label_dir=str(folder_of(world) / 'color'))


@pytest.mark.parametrize('mode', ['RGB', 'RGBA', 'P', '1', 'I;16'])
def test_pictures_of_other_kinds(world, mode):
    folder = labels(world)
    name = listed(world, 'easy')[0].rpartition('/')[2]
    label = Image.open(folder / name)
    if mode == 'I;16':
        other = Image.fromarray(np.array(label).astype(np.uint16))
    else:
        other = label.convert(mode)
    other.save(folder / name)
    dataset = reference(world, label_dir=str(folder), pipeline=PIPELINE)
    with pytest.raises(ValueError, match=rf'{name}: this PNG is .*8-bit grey'):
        dataset[0]


@pytest.mark.parametrize('value', [19, 33, 254])
def test_values_out_of_range(world, value):
    folder = labels(world)
    name = listed(world, 'easy')[0].rpartition('/')[2]
    label = np.array(Image.open(folder / name))
    label[3, 4] = value
    label[0, 0] = 255
    Image.fromarray(label).save(folder / name)
    dataset = reference(world, label_dir=str(folder), pipeline=PIPELINE)
    with pytest.raises(
        ValueError,
        match=rf'{name}: value {value} in 1 pixels; .*0..18 and 255',
    ):
        dataset[0]


def test_the_ignored_value_is_allowed(world):
    folder = labels(world)
    name = listed(world, 'easy')[0].rpartition('/')[2]
    Image.new('L', (128, 64), 255).save(folder / name)
    dataset = reference(world, label_dir=str(folder), pipeline=PIPELINE)
    label = dataset[0]['data_samples']['source'].gt_sem_seg.data
    assert label.unique().tolist() == [255]


def test_a_label_of_another_size(world):
    resize = dict(type='Resize', scale=(64, 32), keep_ratio=False)
    dataset = part(world, pipeline=[PIPELINE[0], resize, *PIPELINE[1:]])
    with pytest.raises(ValueError, match=r'label of 128x64, .*is 64x32 here'):
        dataset[0]


def test_hard_images_have_no_label_to_load(world):
    with pytest.raises(ValueError, match=r'has no pseudo label; use'):
        part(world, 'hard', pipeline=PIPELINE)[0]
    assert 'LoadPseudoLabels' in repr(LoadPseudoLabels())


# Artefacts and arguments ----------------------------------------------------


def test_a_missing_artefact_names_the_command(world):
    with pytest.raises(
        FileNotFoundError, match=r'make_artifact.py entropy_ranking --key no'
    ):
        part(world, key='no')


def test_an_artefact_of_another_class_view(world):
    with pytest.raises(ValueError, match=r'cityscapes16, expected cityscapes'):
        part(world, key='advent_syn2cs')


def test_an_edited_artefact(world):
    (folder_of(world) / 'easy_split.txt').write_text('x\n')
    with pytest.raises(ValueError, match=r'easy_split.txt has 2 bytes'):
        part(world)


def test_scores_that_are_no_table(world):
    folder = folder_of(world)
    (folder / 'scores.csv').write_text('name,score\n')
    manifest = json.loads((folder / 'manifest.json').read_text())
    manifest['files']['scores.csv']['size'] = 11
    (folder / 'manifest.json').write_text(json.dumps(manifest))
    with pytest.raises(ValueError, match=r'scores.csv: expected the columns'):
        part(world, easy_ratio=0.5)


@pytest.mark.parametrize('ratio', [0.0, 0.1, 1.0])
def test_cutting_a_half_empty(world, ratio):
    with pytest.raises(ValueError, match=rf'easy_ratio={ratio} of 8 images'):
        part(world, easy_ratio=ratio)


def test_a_labelled_set_is_refused(world):
    with pytest.raises((ValueError, FileNotFoundError)):
        PseudoLabeledDataset(
            images(world, labeled=True), 'easy', root='x', key='y'
        )


def test_built_sets_have_to_be_of_this_package(world, street_world):
    init_default_scope('mmseg')
    labelled = DATASETS.build(images(street_world))
    with pytest.raises(ValueError, match=r'labeled=True; true labels'):
        PseudoLabeledDataset(labelled, 'easy', root='x', key='y')
    with pytest.raises(ValueError, match='dataset is list, expected one'):
        PseudoLabeledDataset([], 'easy', root='x', key='y')


@pytest.mark.parametrize(
    ('options', 'message'),
    [
        (dict(part='soft'), "part='soft'; allowed: easy, hard, all"),
        (dict(kind='flow'), "kind='flow'; allowed: entropy_ranking"),
        (dict(root=None), "key='k' goes with root"),
        (dict(image_list='x'), "key='k' goes with root and"),
        (dict(key=None, image_list='x'), 'image_list and label_dir'),
        (dict(key=None, part='hard'), 'or image_list'),
        (
            dict(key=None, image_list='x', label_dir='y', easy_ratio=0.5),
            r'\(without easy_ratio\)',
        ),
    ],
)
def test_arguments_that_do_not_go_together(options, message):
    given = dict(dataset={}, part='easy', root='r', key='k') | options
    with pytest.raises(ValueError, match=message):
        PseudoLabeledDataset(**given)


def test_rankings_of_the_fixture_are_reproducible(street_world, tmp_path):
    cityscapes = street_world / 'cityscapes'
    write_ranking(tmp_path, KEY, cityscapes)
    again = tmp_path / 'entropy_ranking' / KEY / 'scores.csv'
    first = street_world / 'artifacts/entropy_ranking' / KEY / 'scores.csv'
    assert again.read_bytes() == first.read_bytes()

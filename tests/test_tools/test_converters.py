# SPDX-License-Identifier: Apache-2.0
"""Command lines of the converters and of make_artifact."""

import numpy as np
import pytest
from mmengine import Config
from PIL import Image

from mmseg_da.datasets import CityscapesRawDataset, GTADataset
from mmseg_da.datasets.class_views import get_class_view
from mmseg_da.datasets.conversion.class_stats import class_stats_of
from mmseg_da.datasets.conversion.stats_artifact import load_class_stats
from mmseg_da.engine.artifacts import KINDS, ArtifactStore
from mmseg_da.engine.commands import ARTIFACT_COMMANDS, load_command


@pytest.fixture
def tool(load_tool):
    return lambda name: load_tool(f'dataset_converters/{name}').main


def test_both_cityscapes_splits_are_converted(
    tool, street_world, tmp_path, capsys
):
    root = street_world / 'cityscapes'
    argv = ['--dataset', 'cityscapes', str(root), '--out', str(tmp_path)]
    assert tool('to_train_ids')(argv) == 0
    assert '12 files written' in capsys.readouterr().out
    table = get_class_view('cityscapes19').lut('cityscapes')
    raw = sorted((root / 'gtFine').rglob('*_labelIds.png'))
    assert len(raw) == 12
    for path in raw:
        relative = path.relative_to(root / 'gtFine')
        name = path.name.replace('labelIds', 'labelTrainIds')
        found = np.array(Image.open(tmp_path / relative.with_name(name)))
        np.testing.assert_array_equal(found, table[np.array(Image.open(path))])
    assert tool('to_train_ids')(argv) == 0
    assert '0 files written, 12 kept' in capsys.readouterr().out


def test_faulty_files_give_exit_code_1(tool, raw_gta, capsys):
    label = raw_gta / 'labels/00002.png'
    label.write_bytes(label.read_bytes()[:60])
    argv = ['--dataset', 'gta', str(raw_gta)]
    assert tool('to_train_ids')(argv) == 1
    out = capsys.readouterr().out
    assert '1 problems' in out and '00002.png: truncated' in out
    assert tool('to_train_ids')([*argv, '--skip', '00002']) == 0


@pytest.fixture
def raw_gta(tmp_path):
    root = tmp_path / 'gta'
    for part in ('images', 'labels'):
        (root / part).mkdir(parents=True)
    for i in range(1, 5):
        pixels = np.full((8, 10, 3), i, np.uint8)
        Image.fromarray(pixels).save(root / f'images/{i:05d}.png')
        labels = np.full((8, 10), 7, np.uint8)
        labels[:i] = 26
        Image.fromarray(labels).save(root / f'labels/{i:05d}.png')
    return root


@pytest.fixture
def config(raw_gta, tmp_path):
    member = dict(type='GTADataset', data_root=str(raw_gta))
    target = dict(member, labeled=False, dataset_name='other')
    train = dict(type='DomainConcatDataset', datasets=[member, target])
    content = dict(
        default_scope='mmseg',
        val_dataloader=dict(dataset=member),
        train_dataloader=dict(dataset=train),
    )
    path = tmp_path / 'config.py'
    path.write_text(Config(content).pretty_text)
    return str(path)


def test_members_of_a_config(tool, config, raw_gta, tmp_path):
    main = tool('to_train_ids')
    out = ['--out', str(tmp_path / 'out')]
    key = 'train_dataloader.dataset.datasets.0'
    assert main(['--config', config, '--member', key, *out]) == 0
    assert len(list((tmp_path / 'out').glob('*.png'))) == 4
    with pytest.raises(ValueError, match=r'datasets\.1 \(GTADataset\)'):
        main(['--config', config, *out])
    with pytest.raises(ValueError, match="--member 'nothing' is no dataset"):
        main(['--config', config, '--member', 'nothing', *out])
    with pytest.raises(ValueError, match='needs raw labels to convert'):
        main(['--config', config, '--member', key[:-1] + '1', *out])


def test_wrong_options(tool, raw_gta, tmp_path):
    main = tool('to_train_ids')
    with pytest.raises(ValueError, match='name the dataset: --dataset NAME'):
        main([])
    with pytest.raises(ValueError, match="--dataset 'gta5' is unknown"):
        main(['--dataset', 'gta5', str(raw_gta)])
    with pytest.raises(FileNotFoundError, match='does not exist'):
        main(['--dataset', 'cityscapes', str(tmp_path / 'none')])
    with pytest.raises(ValueError, match='is not WIDTHxHEIGHT'):
        tool('downsample')(
            ['--dataset', 'gta', str(raw_gta), '--out', 'x', '--size', 'big']
        )


def test_downsample(tool, raw_gta, tmp_path, capsys):
    out = tmp_path / 'small'
    argv = ['--dataset', 'gta', str(raw_gta), '--out', str(out)]
    assert tool('downsample')([*argv, '--size', '4x4']) == 0
    assert '8 files written' in capsys.readouterr().out
    small = GTADataset(data_root=str(out), img_suffix='.jpg')
    assert len(small) == 4
    folder = tmp_path / 'frames'
    argv = ['--folder', str(raw_gta / 'images'), '--out', str(folder)]
    assert tool('downsample')([*argv, '--size', '4x4']) == 0
    assert len(list(folder.glob('*.jpg'))) == 4
    with pytest.raises(FileNotFoundError, match="ending in '.bmp'"):
        tool('downsample')([*argv, '--suffix', '.bmp'])


def test_make_splits(tool, raw_gta, tmp_path, capsys):
    val, train = tmp_path / 'val.txt', tmp_path / 'train.txt'
    argv = ['--dataset', 'gta', str(raw_gta), '--select', 'last:1']
    lists = ['--out', str(val), '--rest', str(train)]
    assert tool('make_splits')([*argv, *lists]) == 0
    assert 'val.txt: 1 images' in capsys.readouterr().out
    assert val.read_text().splitlines()[1:] == ['00004']
    assert len(train.read_text().splitlines()) == 1 + 3


def test_class_stats_of_labels(load_tool, raw_gta, tmp_path, capsys):
    main = load_tool('make_artifact').main
    root = str(tmp_path / 'artifacts')
    argv = ['class_stats', '--dataset', 'gta', str(raw_gta), '--root', root]
    assert main(argv) == 0
    out = capsys.readouterr().out
    assert 'gta-all-cityscapes19' in out and '4 images' in out
    stats = load_class_stats(ArtifactStore(root), 'gta-all-cityscapes19')
    assert stats.counts[:, 13].tolist() == [10, 20, 30, 40]
    assert stats.counts[:, 0].tolist() == [70, 60, 50, 40]
    with pytest.raises(FileExistsError, match='--overwrite'):
        main(argv)
    assert main([*argv, '--overwrite']) == 0


def test_class_stats_of_predictions_and_of_daformer(
    load_tool, raw_gta, tool, tmp_path
):
    main = load_tool('make_artifact').main
    root = str(tmp_path / 'artifacts')
    labels = tmp_path / 'predicted'
    convert = ['--dataset', 'gta', str(raw_gta), '--out', str(labels)]
    tool('to_train_ids')(convert)
    common = ['class_stats', '--root', root, '--class-view', 'cityscapes19']
    suffix = ['--suffix', '_labelTrainIds.png']
    exported = ['--export-daformer', str(tmp_path / 'json')]
    predicted = ['--key', 'p', '--labels', str(labels), *suffix, *exported]
    assert main([*common, *predicted]) == 0
    imported = ['--key', 'd', '--import-daformer', str(tmp_path / 'json')]
    assert main([*common, *imported]) == 0
    store = ArtifactStore(root)
    expected = class_stats_of(GTADataset(data_root=str(raw_gta)))
    for key in ('p', 'd'):
        stats = load_class_stats(store, key, 'cityscapes19')
        assert stats.names == expected.names
        np.testing.assert_array_equal(stats.counts, expected.counts)
    with pytest.raises(ValueError, match='--key: name the artefact'):
        main([*common, '--labels', str(labels)])
    with pytest.raises(ValueError, match='--class-view: name'):
        main(['class_stats', '--key', 'x', '--labels', str(labels)])


def test_label_selection(load_tool, street_world, tmp_path, capsys):
    main = load_tool('make_artifact').main
    root = str(street_world / 'cityscapes')
    argv = ['label_selection', '--dataset', 'cityscapes', root]
    argv += ['--root', str(tmp_path), '--key', 'quarter']
    assert main([*argv, '--select', 'fraction:1/4:seed1']) == 0
    path = tmp_path / 'label_selection/quarter/subset.json'
    assert f"indices='{path}'" in capsys.readouterr().out
    whole = CityscapesRawDataset(data_root=root)
    part = CityscapesRawDataset(data_root=root, indices=str(path))
    chosen = sorted(np.random.RandomState(1).permutation(len(whole))[:2])
    assert [x['sample_stem'] for x in part] == [
        whole.get_data_info(int(i))['sample_stem'] for i in chosen
    ]
    with pytest.raises(ValueError, match='--select: say which images'):
        main(argv)


def test_table_of_kinds():
    assert set(ARTIFACT_COMMANDS) <= set(KINDS)
    for kind in ARTIFACT_COMMANDS:
        command = load_command(kind)
        assert callable(command.run) and callable(command.add_arguments)
    with pytest.raises(ValueError, match='allowed: class_stats, '):
        load_command('flow_maps')

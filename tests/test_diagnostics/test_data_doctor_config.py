# SPDX-License-Identifier: Apache-2.0
"""What the doctor finds in a config: data sets, class views, weights."""

import json

import contract
import pytest
import torch
from mmengine.config import Config
from mmseg.registry import DATASETS, MODELS

from mmseg_da.diagnostics.data import ReadOptions, data_checks
from mmseg_da.diagnostics.data.config_datasets import find_datasets
from mmseg_da.utils.class_claims import dataset_claims

SLIM = contract.REPO / 'configs/methods/adabn_swg2swc.py'


def write(cfg, path):
    cfg.dump(str(path))
    return str(path)


@pytest.fixture
def slim(street_world, tmp_path):
    """A shrunk source-only config with its AdaBN hook."""
    return contract.small_config(SLIM, street_world, tmp_path / 'run')


@pytest.fixture
def check(tmp_path):
    """Rows of a config that are not 'ok'."""

    def run(cfg, **options):
        path = write(cfg, tmp_path / 'config.py')
        checks = data_checks(path, ReadOptions(**options))
        return [c for c in checks if c.status != 'ok']

    return run


@pytest.mark.parametrize('path', contract.config_params())
def test_clean_folders_have_no_findings(
    path, street_world, tmp_path, check, monkeypatch
):
    monkeypatch.setenv('TORCH_HOME', str(tmp_path / 'no_cache'))
    cfg = contract.small_config(path, street_world, tmp_path / 'run')
    assert check(cfg) == []


def test_every_data_set_is_found(slim):
    uses = find_datasets(slim)
    assert [(use.title, use.cfg['type']) for use in uses] == [
        ('train[0]', 'GTADataset'),
        ('val+test', 'CityscapesRawDataset'),
        ('TargetBNHook', 'CityscapesRawDataset'),
    ]
    places = ('val_dataloader.dataset', 'test_dataloader.dataset')
    assert uses[1].places == places
    assert uses[2].places == ('custom_hooks[0].dataloader.dataset',)


def test_misspelt_type_and_missing_folder(slim, check):
    slim.train_dataloader.dataset.datasets[0].type = 'GTADatset'
    slim.val_dataloader.dataset.data_root = 'nowhere'
    first, second = check(slim)
    assert first.name == 'train[0]' and 'GTADatset' in first.value
    assert 'train_dataloader.dataset.datasets[0]' in first.advice
    assert 'nowhere/leftImg8bit/val' in second.value


def test_config_errors(tmp_path):
    (row,) = data_checks(str(tmp_path / 'no.py'), ReadOptions())
    assert row.status == 'fail' and 'does not exist' in row.value
    path = tmp_path / 'empty.py'
    path.write_text("custom_imports = dict(imports=['mmseg_da'])")
    rows = data_checks(str(path), ReadOptions())
    assert 'names no data set' in rows[0].value
    with pytest.raises(ValueError, match='sample=0'):
        ReadOptions(sample=0)


def test_class_views_that_differ(slim, check):
    slim.val_dataloader.dataset.class_view = 'cityscapes16'
    slim.val_evaluator.class_view = 'cityscapes16'
    (row,) = check(slim)
    assert row.name == 'class views'
    for text in (
        'model.segmentor.decode_head.num_classes: 19 classes',
        "train[0] (gta): class_view 'cityscapes19' 19 classes",
        "val (cs): class_view 'cityscapes16' 16 classes",
        'val_evaluator (SubsetIoUMetric)',
    ):
        assert text in row.value
    assert 'same class_view' in row.advice


def test_num_classes_and_class_weights(slim, check):
    head = slim.model.segmentor.decode_head
    head.num_classes = 16
    head.loss_decode.class_weight = [1.0] * 19
    views, weights = check(slim)
    assert 'num_classes: 16 classes' in views.value
    assert 'class_weight has 19 entries, the head has 16' in weights.value


def backbone(slim):
    return MODELS.build(slim.model.segmentor.backbone)


def pretrained(slim, path, **extra):
    init = dict(type='Pretrained', checkpoint=str(path), **extra)
    slim.model.segmentor.backbone.init_cfg = init
    return slim


def test_pretrained_weights_that_fit(slim, check, tmp_path):
    torch.save(backbone(slim).state_dict(), tmp_path / 'good.pth')
    assert check(pretrained(slim, tmp_path / 'good.pth')) == []
    state = {f'net.{k}': v for k, v in backbone(slim).state_dict().items()}
    torch.save({'state_dict': state}, tmp_path / 'nested.pth')
    assert check(pretrained(slim, tmp_path / 'nested.pth', prefix='net')) == []


def test_pretrained_weights_none_of_which_fit(slim, check, tmp_path):
    state = {f'net.{k}': v for k, v in backbone(slim).state_dict().items()}
    torch.save(state, tmp_path / 'nested.pth')
    (row,) = check(pretrained(slim, tmp_path / 'nested.pth'))
    assert row.name == 'pretrained segmentor.backbone'
    assert row.status == 'fail'
    assert f'nested.pth: 0 of {len(own_tensors(slim))} tensors' in row.value
    assert 'the file has: net.' in row.value
    assert "add prefix='net.'" in row.advice


def own_tensors(slim):
    state = backbone(slim).state_dict()
    return [k for k in state if not k.endswith('num_batches_tracked')]


def test_pretrained_weights_that_fit_in_part(slim, check, tmp_path):
    state = backbone(slim).state_dict()
    name = next(iter(state))
    value = state.pop(name)
    torch.save(state, tmp_path / 'part.pth')
    (row,) = check(pretrained(slim, tmp_path / 'part.pth'))
    assert row.status == 'warn' and f'1 missing: {name}' in row.value
    state[name] = value[:1]
    torch.save(state, tmp_path / 'part.pth')
    (row,) = check(pretrained(slim, tmp_path / 'part.pth'))
    assert row.status == 'fail' and f'1 of other shape: {name}' in row.value


def test_pretrained_file_missing_or_broken(slim, check, tmp_path):
    (row,) = check(pretrained(slim, tmp_path / 'none.pth'))
    assert row.status == 'fail' and 'none.pth: no such' in row.value
    (tmp_path / 'bad.pth').write_bytes(b'<html>')
    (row,) = check(pretrained(slim, tmp_path / 'bad.pth'))
    assert row.status == 'fail' and 'not a torch checkpoint' in row.value


@pytest.mark.parametrize(
    'address',
    ['torchvision://resnet101', 'https://example.org/resnet101-63fe2227.pth'],
)
def test_weights_that_need_the_network(
    address, slim, check, tmp_path, monkeypatch
):
    monkeypatch.setenv('TORCH_HOME', str(tmp_path))
    (row,) = check(pretrained(slim, address))
    assert row.status == 'warn' and 'needs the network' in row.value
    cached = tmp_path / 'hub/checkpoints/resnet101-63fe2227.pth'
    assert str(cached) in row.value
    cached.parent.mkdir(parents=True)
    torch.save(backbone(slim).state_dict(), cached)
    assert check(slim) == []


def test_load_from(slim, check, tmp_path):
    model = MODELS.build(slim.model)
    path = tmp_path / 'model.pth'
    slim.load_from = str(path)
    (row,) = check(slim)
    assert row.name == 'load_from' and 'no such checkpoint' in row.value
    torch.save({'state_dict': model.state_dict()}, path)
    assert check(slim) == []
    # A plain segmentor is taken over by the wrapper.
    torch.save({'state_dict': model.segmentor.state_dict()}, path)
    assert check(slim) == []
    meta = dict(class_view='vistas7', classes=tuple('abcdefg'))
    content = {
        'state_dict': model.state_dict(),
        'meta': {'dataset_meta': meta},
    }
    torch.save(content, path)
    (row,) = check(slim)
    assert "class_view 'vistas7' 7 classes" in row.value


def test_model_that_cannot_be_built(slim, check):
    slim.model.segmentor.decode_head.type = 'NoSuchHead'
    (row,) = check(slim)
    assert row.name == 'model' and 'NoSuchHead' in row.value


def test_sample_is_spread_and_says_so(slim, check, street_world, tmp_path):
    assert ReadOptions(sample=3).positions(9) == [0, 4, 8]
    path = write(slim, tmp_path / 'config.py')
    checks = data_checks(path, ReadOptions(sample=2))
    values = {c.name: c.value for c in checks}
    assert values['train[0]: images'].startswith('2 of 8 read: 8-bit RGB')


def test_several_processes_find_the_same(slim, tmp_path, monkeypatch):
    monkeypatch.setattr(
        'mmseg_da.diagnostics.data.file_reports._MIN_PARALLEL', 2
    )
    path = write(slim, tmp_path / 'config.py')
    one = data_checks(path, ReadOptions(full=True))
    two = data_checks(path, ReadOptions(full=True, workers=2))
    assert [c for c in two if 'GiB' not in c.value] == [
        c for c in one if 'GiB' not in c.value
    ]


def test_command_line(load_doctor, slim, tmp_path, capsys):
    path = write(slim, tmp_path / 'config.py')
    assert load_doctor.main(['--data', path, '--json']) == 0
    report = json.loads(capsys.readouterr().out)
    assert report['ok'] is True
    option = 'val_dataloader.dataset.data_root=nowhere'
    code = load_doctor.main(['--data', path, '--cfg-options', option])
    out = capsys.readouterr().out
    assert code == 1
    assert 'nowhere' in out and 'what to do' in out
    with pytest.raises(SystemExit):
        load_doctor.main(['--data', path, '--sample', '0'])


def pairs(root):
    return dict(
        type='PairedGeometryDataset',
        target=dict(
            type='CityscapesRawDataset',
            data_root=f'{root}/cityscapes',
            labeled=False,
        ),
        source=dict(type='GTADataset', data_root=f'{root}/gta'),
        source_geometry=[],
    )


def test_both_sides_of_a_paired_data_set(slim, check, street_world):
    slim.train_dataloader.dataset.datasets = [pairs(street_world)]
    titles = [use.title for use in find_datasets(slim)]
    assert titles[:2] == ['train[0].target', 'train[0].source']
    assert check(slim) == []
    slim.train_dataloader.dataset.datasets[0].source.type = 'GTADatset'
    (row,) = check(slim)
    assert row.name == 'train[0].source' and 'GTADatset' in row.value
    assert 'datasets[0].source' in row.advice


def test_class_claims_of_both_sides(street_world):
    config = pairs(street_world)
    dataset = DATASETS.build(config)
    found = [str(x) for x in dataset_claims(dataset, 'train')]
    assert found == [
        "train.source (gta): class_view 'cityscapes19' 19 classes",
        "train.target (cs): class_view 'cityscapes19' 19 classes",
    ]


def test_data_sets_inside_of_wrappers_are_found():
    dataset = dict(type='GTADataset', data_root='x')
    cfg = Config(
        dict(
            train_dataloader=dict(
                dataset=dict(
                    type='DomainConcatDataset',
                    datasets=[dict(type='RepeatDataset', dataset=dataset)],
                )
            )
        )
    )
    (use,) = find_datasets(cfg)
    assert use.title == 'train[0]' and use.cfg == dataset

# SPDX-License-Identifier: Apache-2.0
"""Import of SAC's snapshots and ImageNet files (SAC sheet, §9 and §10)."""

from pathlib import Path

import numpy as np
import pytest
import reference_nets as reference
import torch
from mmengine.config import ConfigDict
from mmseg.registry import MODELS

from mmseg_da.model_import.files import SourceFile, read_source, write_imported
from mmseg_da.model_import.layouts import (
    resnet101,
    sac_resnet101,
    sac_vgg16,
    sac_vgg16fcn,
    vgg16_bn,
)
from mmseg_da.model_import.sac import TEACHER_INTERVAL, import_sac
from mmseg_da.model_import.sac_published import SAC_SNAPSHOTS, identify
from mmseg_da.utils.checkpoint_guard import check_weights

WIDTH = 4
TABLES = {
    'resnet101': sac_resnet101,
    'vgg16': sac_vgg16,
    'vgg16fcn': sac_vgg16fcn,
}
FORWARDS = {
    'resnet101': reference.sac_resnet101,
    'vgg16': reference.sac_vgg16,
    'vgg16fcn': reference.sac_vgg16fcn,
}


def segmentor(arch, width=WIDTH):
    head = dict(type='DeepLabV2Head', in_channels=16 * width, num_classes=19)
    if arch == 'resnet101':
        backbone = dict(
            type='ResNetDeepLab', base_channels=width, out_indices=(3,)
        )
        head['in_channels'] = 32 * width
    elif arch == 'vgg16':
        backbone = dict(type='VGG16BNDeepLab', base_channels=width)
    else:
        backbone = dict(type='VGG16BN', base_channels=width)
        head = dict(
            type='FCN8sHead',
            in_channels=(4 * width, 8 * width, 8 * width),
            channels=64 * width,
            num_classes=19,
        )
    return ConfigDict(
        type='EncoderDecoder',
        backbone=backbone,
        decode_head=head,
        test_cfg=dict(mode='whole'),
    )


def content(arch, final, seed=0, epoch=40, width=WIDTH):
    """A snapshot as da-sac writes it: wrapped, with numpy's score."""
    table = TABLES[arch](width)
    student = reference.random_state(table, seed)
    model = {f'module.backbone.{k}': v for k, v in student.items()}
    teacher = reference.random_state(table, seed + 1)
    if final:
        model['module.running_conf'] = torch.linspace(0, 1, 19)
        model['module.slow_init'] = torch.ones(1)
        model |= {f'module.slow_net.{k}': v for k, v in teacher.items()}
    whole = {
        'model': model,
        'opt': {'state': {}, 'param_groups': [{'lr': 2.5e-4, 'params': [0]}]},
        'score': np.float64(0.41),
        'epoch': epoch,
    }
    return whole, student, teacher


def as_source(whole, name='in/file.pth', md5=32 * '0'):
    return SourceFile(Path(name), whole, 64 * '0', md5)


def image():
    generator = torch.Generator().manual_seed(9)
    return torch.randn(1, 3, 64, 96, generator=generator)


@pytest.mark.parametrize(
    ('arch', 'entries', 'parameters'),
    [
        ('resnet101', 632, 43_901_068),
        ('vgg16', 103, 29_581_452),
        ('vgg16fcn', 111, 134_377_849),
    ],
)
def test_oracle_18_counts(arch, entries, parameters):
    table = TABLES[arch](64)
    assert len(table) == entries
    buffers = ('running_mean', 'running_var', 'num_batches_tracked')
    sizes = [
        torch.Size(shape).numel()
        for key, shape in table.items()
        if not key.endswith(buffers)
    ]
    assert sum(sizes) == parameters
    whole, _, _ = content(arch, final=True)
    assert len(whole['model']) == {632: 1266, 103: 208, 111: 224}[entries]
    with torch.device('meta'):
        net = MODELS.build(segmentor(arch, 64))
    shapes = {k: tuple(v.shape) for k, v in net.state_dict().items()}
    meta = {
        f'module.backbone.{key}': torch.empty(shape, device='meta')
        for key, shape in table.items()
    }
    found = import_sac(as_source({'model': meta, 'epoch': 1})).state_dict
    assert {k: tuple(v.shape) for k, v in found.items()} == shapes


@torch.no_grad()
@pytest.mark.parametrize('arch', TABLES)
@pytest.mark.parametrize('final', [False, True])
def test_oracle_18_logits_are_the_same(tmp_path, arch, final):
    whole, student, teacher = content(arch, final)
    path = tmp_path / 'snapshot.pth'
    torch.save(whole, path)
    source = read_source(path)
    weights = {'student': student, 'teacher': teacher}
    for name in ('student', 'teacher')[: 1 + final]:
        found = import_sac(source, name, width=WIDTH)
        out = tmp_path / f'{name}.pth'
        meta = write_imported(found, source, out, 'cityscapes19')
        assert meta['imported']['epoch'] == 40
        assert meta['imported']['val2_miou'] == 0.41
        assert meta['imported']['network'] == name
        net = MODELS.build(segmentor(arch)).eval()
        written = torch.load(out, weights_only=True)['state_dict']
        net.load_state_dict(written, strict=True)
        logits = net.decode_head(net.extract_feat(image()))
        wanted = FORWARDS[arch](weights[name], image())
        assert wanted.std() > 0.1
        largest = wanted.abs().max()
        assert (logits - wanted).abs().max() <= 1e-4 * largest
        assert found.classes == 19


@pytest.mark.parametrize('final', [False, True])
def test_whole_method(final):
    whole, student, teacher = content('vgg16', final)
    found = import_sac(as_source(whole), 'all', width=WIDTH).state_dict
    key = 'backbone.features.44.weight'
    assert torch.equal(
        found[f'segmentor.{key}'], student['features.44.weight']
    )
    other = teacher if final else student
    assert torch.equal(
        found[f'teacher.module.{key}'], other['features.44.weight']
    )
    prior = torch.linspace(0, 1, 19) if final else torch.zeros(19)
    assert torch.equal(found['class_prior'], prior)
    assert bool(found['initialized']) == final
    model = MODELS.build(ConfigDict(type='SAC', segmentor=segmentor('vgg16')))
    model.load_state_dict(found, strict=True)
    assert model.teacher.interval == TEACHER_INTERVAL
    model.update_teacher()
    share = 0.01 if final else 1.0
    expected = torch.lerp(
        other['features.44.weight'], student['features.44.weight'], share
    )
    state = model.teacher.module.state_dict()
    torch.testing.assert_close(state[key], expected)
    assert torch.equal(
        model.class_prior, prior if final else torch.full((19,), 1e-3)
    )


def test_a_final_snapshot_without_teacher_is_a_baseline():
    """Section 13: its class prior is not taken over either."""
    whole, student, _ = content('vgg16', final=True)
    whole['model'] = {
        key: value
        for key, value in whole['model'].items()
        if 'slow_net' not in key
    }
    found = import_sac(as_source(whole), 'all', width=WIDTH)
    assert found.details['stage'] == 'baseline'
    state = found.state_dict
    assert not state['initialized'] and not state['teacher.steps']
    assert not state['class_prior'].any()
    key = 'backbone.features.44.weight'
    assert torch.equal(
        state[f'teacher.module.{key}'], student['features.44.weight']
    )


def test_a_plain_student_starts_the_sac_stage():
    whole, student, _ = content('resnet101', final=False)
    found = import_sac(as_source(whole), width=WIDTH).state_dict
    model = MODELS.build(
        ConfigDict(type='SAC', segmentor=segmentor('resnet101'))
    )
    check_weights(model, found, 'x.pth')
    weight = student['model.layer5.conv2d_list.0.weight']
    for net in (model.segmentor, model.teacher.module):
        assert torch.equal(net.decode_head.convs[0].weight, weight)
    assert int(model.initialized) == 0


def test_twelve_snapshots_and_their_digests(tmp_path):
    assert len(SAC_SNAPSHOTS) == len({s.md5 for s in SAC_SNAPSHOTS}) == 12
    assert all(len(s.md5) == 32 for s in SAC_SNAPSHOTS)
    files = {snapshot.file for snapshot in SAC_SNAPSHOTS}
    assert 'resnet101_gta/baseline_abn_e040.pth' in files
    assert 'vgg16fcn_synthia/final_e098.pth' in files
    for row in SAC_SNAPSHOTS:
        source = as_source({}, row.file, row.md5)
        assert identify(source, row.arch, row.stage, row.epoch) == (row, '')
        found, problem = identify(source, row.arch, row.stage, 7)
        assert found is None and 'but holds' in problem
        source = as_source({}, row.file)
        found, problem = identify(source, row.arch, row.stage, row.epoch)
        assert found is None and f'expected {row.md5} ({row.file})' in problem


def test_published_file_and_its_config():
    row = SAC_SNAPSHOTS[-3]
    assert row.file == 'vgg16_synthia/final_e164.pth'
    whole, _, _ = content('vgg16', True, epoch=164)
    source = as_source(whole, row.file, row.md5)
    found = import_sac(source, strict=True, width=WIDTH)
    assert found.config == 'sac_syn2cs_vgg16'
    assert found.details['published'] == row.file
    assert 'reported mIoU 49.1 on val, 48.3 on test' in found.notes[0]


def test_imagenet_vgg_starts_both_networks(tmp_path):
    state = reference.random_state(vgg16_bn(WIDTH), counters=False)
    whole = {**state, 'classifier.0.weight': torch.ones(4, 4)}
    path = tmp_path / 'vgg16_bn-6c64b313.pth'
    torch.save(whole, path)
    source = read_source(path)
    found = import_sac(source, width=WIDTH)
    assert found.kind == 'ImageNet VGG-16-BN (RGB)'
    assert any('SHA-256 starts with' in note for note in found.notes)
    with pytest.raises(ValueError, match=r'name says 6c64b313.*\(--strict\)'):
        import_sac(source, strict=True, width=WIDTH)
    out = tmp_path / 'start.pth'
    write_imported(found, source, out, None)
    for arch, last in (('vgg16', 39), ('vgg16fcn', 40)):
        cfg = segmentor(arch).backbone
        cfg.init_cfg = dict(type='Pretrained', checkpoint=str(out))
        backbone = MODELS.build(cfg)
        backbone.init_weights()
        own = backbone.features.state_dict()
        assert torch.equal(own[f'{last}.weight'], state['features.40.weight'])
        assert torch.equal(
            own[f'{last + 1}.running_var'], state['features.41.running_var']
        )


def test_imagenet_resnet(tmp_path):
    state = reference.random_state(resnet101(WIDTH), counters=False)
    path = tmp_path / 'resnet.pth'
    torch.save({**state, 'fc.weight': torch.ones(2, 2)}, path)
    source = read_source(path)
    found = import_sac(source, width=WIDTH)
    out = tmp_path / 'start.pth'
    write_imported(found, source, out, None)
    cfg = segmentor('resnet101').backbone
    cfg.init_cfg = dict(type='Pretrained', checkpoint=str(out))
    backbone = MODELS.build(cfg)
    backbone.init_weights()
    assert all(
        torch.equal(backbone.state_dict()[key], value)
        for key, value in state.items()
    )


def changed(final=True, arch='vgg16', drop=(), **extra):
    whole, _, _ = content(arch, final)
    for key in drop:
        del whole['model'][key]
    whole['model'].update({k: torch.ones(2) for k in extra.get('add', ())})
    return whole


BAD = {
    'missing in the student': (
        {},
        dict(drop=['module.backbone.features.42.bias']),
        r'backbone as vgg16.*1 missing:\s+features.42.bias',
    ),
    'missing in the teacher': (
        {},
        dict(drop=['module.slow_net.features.0.bias']),
        r'slow_net as vgg16.*1 missing:\s+features.0.bias',
    ),
    'another architecture': (
        {'arch': 'resnet101'},
        {},
        r'632 missing.*103 unexpected.*is a vgg16: leave --arch out',
    ),
    'unknown part': (
        {},
        dict(add=['module.head.weight']),
        r'1 keys start neither with backbone. nor slow_net.*head.weight',
    ),
    'no prior': (
        {},
        dict(drop=['module.running_conf']),
        r"has a teacher .*lacks \['running_conf'\]",
    ),
    'baseline without teacher': (
        {'network': 'teacher'},
        dict(final=False),
        r'is a baseline \(ABN\), which has no teacher',
    ),
    'strict': (
        {'strict': True},
        {},
        r'none of the twelve published snapshots. \(--strict\)',
    ),
    'unknown network': ({'network': 'both'}, {}, "--network 'both'; allowed"),
}


@pytest.mark.parametrize('name', BAD)
def test_bad_snapshots(name):
    options, changes, message = BAD[name]
    source = as_source(changed(**changes))
    with pytest.raises(ValueError, match=f'(?s){message}'):
        import_sac(source, width=WIDTH, **options)


def test_other_files(tmp_path):
    for whole, message in (
        ({'x': torch.ones(2)}, 'neither a snapshot of SAC'),
        ({'state_dict': {'a': torch.ones(2)}, 'meta': {}}, 'mmengine'),
        ({'model': {'module.backbone.a': torch.ones(1)}}, 'unknown network'),
    ):
        with pytest.raises(ValueError, match=message):
            import_sac(as_source(whole))
    path = tmp_path / 'code.pth'
    torch.save({'model': {'a': Path}, 'opt': Path}, path)
    with pytest.raises(ValueError, match='refused, it holds more than'):
        read_source(path)


def test_tool(load_tool, monkeypatch, tmp_path, capsys):
    whole, _, _ = content('vgg16', True)
    path = tmp_path / 'final_e184.pth'
    torch.save(whole, path)
    tool = load_tool('model_converters/sac')
    monkeypatch.setattr(
        tool, 'import_sac', lambda *args: import_sac(*args, width=WIDTH)
    )
    out = tmp_path / 'out.pth'
    assert tool.main([str(path), str(out), '--network', 'all']) == 0
    text = capsys.readouterr().out
    assert 'SAC final of vgg16, all: 209 tensors' in text
    assert 'warning: ' in text and 'named like a published snapshot' in text
    assert 'configs/methods/sac_gta2cs_vgg16.py' in text
    written = torch.load(out, weights_only=True)
    assert written['meta']['dataset_meta']['class_view'] == 'cityscapes19'
    with pytest.raises(ValueError, match=r'was it changed or cut off'):
        tool.main([str(path), str(out), '--strict', '--force'])

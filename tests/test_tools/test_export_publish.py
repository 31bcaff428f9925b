# SPDX-License-Identifier: Apache-2.0
"""export_segmentor and publish_model on a tiny wrapper."""

import hashlib

import numpy as np
import pytest
import torch
from mmengine import Config
from mmseg.apis import inference_model, init_model

CLASSES = ('road', 'car', 'sky')


def test_exported_segmentor_is_plain_mmseg(
    load_tool, tiny_config, tiny_checkpoint, tmp_path, capsys
):
    out = tmp_path / 'plain.pth'
    code = load_tool('misc/export_segmentor').main(
        [str(tiny_config), str(tiny_checkpoint), str(out)]
    )
    assert code == 0
    assert 'mmseg_da' not in out.with_suffix('.py').read_text()
    assert 'must be installed' not in capsys.readouterr().out
    plain = init_model(str(out.with_suffix('.py')), str(out), device='cpu')
    assert type(plain).__module__.startswith('mmseg.')
    assert plain.dataset_meta['classes'] == list(CLASSES)
    config = Config.fromfile(tiny_config)
    config.model.segmentor.backbone.init_cfg = None
    wrapper = init_model(config, str(tiny_checkpoint), device='cpu')
    image = np.random.default_rng(0).integers(
        0, 255, (24, 32, 3), dtype=np.uint8
    )
    expected = inference_model(wrapper, image).seg_logits.data
    actual = inference_model(plain, image).seg_logits.data
    assert expected.std() > 0
    torch.testing.assert_close(actual, expected, rtol=0, atol=0)


def test_teacher_can_be_exported(
    load_tool, tiny_config, tiny_checkpoint, tmp_path
):
    content = torch.load(tiny_checkpoint, weights_only=False)
    key = 'teacher.module.decode_head.conv_seg.bias'
    content['state_dict'][key] = torch.tensor([1.0, 2.0, 3.0])
    torch.save(content, tiny_checkpoint)
    out = tmp_path / 'teacher.pth'
    load_tool('misc/export_segmentor').main(
        [
            str(tiny_config),
            str(tiny_checkpoint),
            str(out),
            '--which',
            'teacher',
        ]
    )
    exported = torch.load(out, weights_only=True)
    bias = exported['state_dict']['decode_head.conv_seg.bias']
    assert bias.tolist() == [1.0, 2.0, 3.0]
    assert exported['meta']['exported']['which'] == 'teacher'
    assert exported['meta']['iter'] == 3


def test_export_keeps_importing_what_it_needs(
    load_tool, tiny_config, tiny_checkpoint, tmp_path
):
    tool = load_tool('misc/export_segmentor')
    config = Config.fromfile(tiny_config)
    config.model.segmentor.decode_head.type = 'DeepLabV2Head'
    plain = tool.plain_config(config)
    assert plain.custom_imports.imports == ['mmseg_da']
    assert plain.model.decode_head.loss_decode.type == 'CrossEntropyLoss'


def test_export_errors(load_tool, tiny_config, tiny_checkpoint, tmp_path):
    tool = load_tool('misc/export_segmentor')
    out = tmp_path / 'plain.pth'
    argv = [str(tiny_config), str(tiny_checkpoint), str(out)]
    options = ['--cfg-options', 'model.segmentor.decode_head.num_classes=5']
    with pytest.raises(ValueError, match=r'does not fit.*conv_seg') as caught:
        tool.main([*argv, *options])
    assert 'config this checkpoint was trained with' in str(caught.value)
    with pytest.raises(ValueError, match='name must end in'):
        tool.main([*argv[:2], str(tmp_path / 'plain')])
    assert not out.exists() and not out.with_suffix('.py').exists()
    tool.main(argv)
    with pytest.raises(FileExistsError, match=r'plain\.pth exists; --force'):
        tool.main(argv)
    assert tool.main([*argv, '--force']) == 0
    with pytest.raises(ValueError, match='plain mmseg checkpoint already'):
        tool.main([str(tiny_config), str(out), str(tmp_path / 'again.pth')])
    plain_config = str(out.with_suffix('.py'))
    with pytest.raises(ValueError, match='has no `segmentor`'):
        tool.main(
            [plain_config, str(tiny_checkpoint), str(tmp_path / 'b.pth')]
        )


def test_export_without_teacher(
    load_tool, tiny_config, tiny_checkpoint, tmp_path
):
    content = torch.load(tiny_checkpoint, weights_only=False)
    content['state_dict'] = {
        key: value
        for key, value in content['state_dict'].items()
        if not key.startswith('teacher')
    }
    torch.save(content, tiny_checkpoint)
    argv = [str(tiny_config), str(tiny_checkpoint), str(tmp_path / 'x.pth')]
    with pytest.raises(ValueError, match=r"--which from \['segmentor'\]"):
        load_tool('misc/export_segmentor').main([*argv, '--which', 'teacher'])


def test_published_file_is_small_plain_and_named_by_its_hash(
    load_tool, tiny_checkpoint, tmp_path, capsys
):
    folder = tmp_path / 'published'
    tool = load_tool('misc/publish_model')
    assert tool.main([str(tiny_checkpoint), str(folder / 'tiny.pth')]) == 0
    (path,) = folder.iterdir()
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    assert path.name == f'tiny-{digest[:8]}.pth'
    assert path.name in capsys.readouterr().out
    content = torch.load(path, weights_only=True)
    assert set(content) == {'meta', 'state_dict'}
    assert type(content['meta']['iter']) is int
    assert content['meta']['dataset_meta']['classes'] == list(CLASSES)
    original = torch.load(tiny_checkpoint, weights_only=False)['state_dict']
    assert list(content['state_dict']) == list(original)
    for key, value in original.items():
        assert torch.equal(content['state_dict'][key], value)


def test_publish_existing(load_tool, tiny_checkpoint, tmp_path):
    tool = load_tool('misc/publish_model')
    out = tmp_path / 'published' / 'tiny.pth'
    first = tool.publish(tiny_checkpoint, out)
    with pytest.raises(FileExistsError, match='--force replaces it'):
        tool.publish(tiny_checkpoint, out)
    # The same weights have the same name, also in another folder.
    assert tool.publish(tiny_checkpoint, out, force=True) == first
    other = tool.publish(tiny_checkpoint, tmp_path / 'other' / 'tiny.pth')
    assert other.name == first.name
    assert list(out.parent.iterdir()) == [first]


def test_publish_notices_a_broken_disk(
    load_tool, tiny_checkpoint, tmp_path, monkeypatch
):
    tool = load_tool('misc/publish_model')
    load = torch.load

    def spoilt(*args, **kwargs):
        content = load(*args, **kwargs)
        next(iter(content['state_dict'].values())).add_(1)
        return content

    monkeypatch.setattr(tool.torch, 'load', spoilt)
    monkeypatch.setattr(tool, 'load_checkpoint', lambda path: load(path))
    plain = tool.strip(
        load(tiny_checkpoint, weights_only=False), tiny_checkpoint
    )
    torch.save(plain, tiny_checkpoint)
    with pytest.raises(ValueError, match='reading it back gave other'):
        tool.publish(tiny_checkpoint, tmp_path / 'p' / 'tiny.pth')
    assert not list((tmp_path / 'p').iterdir())


def test_publish_wrong_files(load_tool, tmp_path):
    tool = load_tool('misc/publish_model')
    out = tmp_path / 'out.pth'
    wrong = tmp_path / 'wrong.pth'
    torch.save({'weights': {}}, wrong)
    with pytest.raises(ValueError, match=r"no state_dict .*\['weights'\]"):
        tool.publish(wrong, out)
    torch.save({'state_dict': {'a': [1]}}, wrong)
    with pytest.raises(ValueError, match=r"state_dict\['a'\] is a list"):
        tool.publish(wrong, out)
    with pytest.raises(FileNotFoundError, match='no such checkpoint'):
        tool.publish(tmp_path / 'none.pth', out)
    with pytest.raises(ValueError, match='must end in'):
        tool.publish(wrong, tmp_path / 'out.bin')
    assert [path.name for path in tmp_path.iterdir()] == ['wrong.pth']

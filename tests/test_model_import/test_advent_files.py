# SPDX-License-Identifier: Apache-2.0
"""Import of ADVENT, IntraDA and AdaptSegNet files (IntraDA sheet, §10)."""

import hashlib
from pathlib import Path

import pytest
import reference_nets as reference
import torch
from contract import REPO
from mmengine.config import Config, ConfigDict
from mmseg.registry import MODELS

from mmseg_da.model_import.advent import import_advent, with_discriminators
from mmseg_da.model_import.files import (
    SourceFile,
    read_source,
    view_for,
    write_imported,
)
from mmseg_da.model_import.layouts import (
    deeplab_classifier,
    discriminator,
    resnet101,
)
from mmseg_da.utils.checkpoint_guard import check_branches, check_weights

WIDTH = 4


def net_table(width=WIDTH, classes=19, levels=2):
    table = resnet101(width)
    if levels == 2:
        table |= deeplab_classifier('layer5', 16 * width, classes)
    return table | deeplab_classifier('layer6', 32 * width, classes)


def save(content, path, **how):
    torch.save(content, path, **how)
    return read_source(path)


def as_source(content):
    return SourceFile(Path('in/file.pth'), content, 64 * '0', 32 * '0')


def on_meta(table):
    counter = 'num_batches_tracked'
    return {
        key: torch.empty(
            shape,
            device='meta',
            dtype=torch.long if key.endswith(counter) else torch.float,
        )
        for key, shape in table.items()
    }


def segmentor(levels=2, active=None, classes=19, width=WIDTH):
    head = dict(
        type='DeepLabV2Head', num_classes=classes, num_active_branches=active
    )
    cfg = ConfigDict(
        type='EncoderDecoder',
        backbone=dict(
            type='ResNetDeepLab', base_channels=width, out_indices=(2, 3)
        ),
        decode_head=dict(head, in_channels=32 * width, in_index=1),
        test_cfg=dict(mode='whole'),
    )
    if levels == 2:
        cfg.auxiliary_head = dict(head, in_channels=16 * width, in_index=0)
    return MODELS.build(cfg).eval()


def logits_of(net, x):
    features = net.extract_feat(x)
    aux = None
    if net.with_auxiliary_head:
        aux = net.auxiliary_head(features)
    return aux, net.decode_head(features)


def image():
    return torch.randn(
        1, 3, 33, 65, generator=torch.Generator().manual_seed(9)
    )


def test_counts_of_the_sheet():
    table = net_table(64)
    assert len(table) == 640
    assert len([k for k in table if 'num_batches' not in k]) == 536
    assert len(net_table(64, levels=1)) == 632
    buffers = ('running_mean', 'running_var', 'num_batches_tracked')
    sizes = [
        torch.Size(shape).numel()
        for key, shape in table.items()
        if not key.endswith(buffers)
    ]
    assert sum(sizes) == 44_601_560
    d_sizes = [torch.Size(s).numel() for s in discriminator(19).values()]
    assert sum(d_sizes) == 2_781_121


@torch.no_grad()
@pytest.mark.parametrize(
    ('levels', 'counters', 'classes'),
    [(2, True, 19), (2, False, 16), (1, True, 16)],
)
def test_logits_are_the_same(tmp_path, levels, counters, classes):
    state = reference.random_state(
        net_table(levels=levels, classes=classes), counters=counters
    )
    # As PyTorch 0.4.1 wrote files.
    source = save(
        state, tmp_path / 'n.pth', _use_new_zipfile_serialization=False
    )
    found = import_advent(source, width=WIDTH)
    assert found.kind == 'ADVENT network' and found.classes == classes
    assert found.details['levels'] == levels
    net = segmentor(levels, classes=classes)
    net.load_state_dict(found.state_dict, strict=True)
    for mine, wanted in zip(
        logits_of(net, image()), reference.advent(state, image()), strict=True
    ):
        if wanted is None:
            assert mine is None
            continue
        assert wanted.std() > 0.1
        torch.testing.assert_close(mine, wanted, rtol=1e-4, atol=1e-4)


@torch.no_grad()
def test_adaptsegnet_is_told_by_its_untouched_branches(tmp_path):
    state = reference.random_state(net_table())
    generator = torch.Generator().manual_seed(5)
    for name in ('layer5', 'layer6'):
        for branch in (2, 3):
            weight = state[f'{name}.conv2d_list.{branch}.weight']
            weight.normal_(0, 0.01, generator=generator)
    found = import_advent(save(state, tmp_path / 'a.pth'), width=WIDTH)
    assert found.kind == 'AdaptSegNet network'
    assert found.details['num_active_branches'] == 2
    option = 'model.segmentor.auxiliary_head.num_active_branches=2'
    assert any(option in note for note in found.notes)
    assert found.config == 'adaptsegnet_gta2cs'
    net = segmentor(active=2)
    net.load_state_dict(found.state_dict, strict=True)
    wanted = reference.advent(state, image(), active=2)[1]
    torch.testing.assert_close(
        logits_of(net, image())[1], wanted, rtol=1e-4, atol=1e-4
    )
    all_four = reference.advent(state, image())[1]
    assert (all_four - wanted).abs().max() > 1e-3
    forced = import_advent(as_source(state), active_branches=4, width=WIDTH)
    assert forced.kind == 'ADVENT network'


@pytest.mark.parametrize('prefix', ['Scale.', 'anything.', ''])
@pytest.mark.parametrize('counters', [True, False])
def test_oracle_21_imagenet_start(tmp_path, prefix, counters):
    table = resnet101(WIDTH)
    table |= deeplab_classifier('layer5', 32 * WIDTH, 21)
    state = reference.random_state(table, counters=counters)
    state = {prefix + key: value for key, value in state.items()}
    source = save(state, tmp_path / 'renamed.pth')
    found = import_advent(source, width=WIDTH)
    assert found.classes is None
    assert any('left out layer5 (8 keys)' in note for note in found.notes)
    out = tmp_path / 'start.pth'
    write_imported(found, source, out, None)
    cfg = ConfigDict(
        type='ResNetDeepLab',
        base_channels=WIDTH,
        init_cfg=dict(type='Pretrained', checkpoint=str(out)),
    )
    backbone = MODELS.build(cfg)
    before = {key: v.clone() for key, v in backbone.state_dict().items()}
    backbone.init_weights()
    for key, value in backbone.state_dict().items():
        if key.endswith('num_batches_tracked') and not counters:
            assert torch.equal(value, before[key])
        else:
            assert torch.equal(value, state[prefix + key]), key


@torch.no_grad()
def test_discriminators(tmp_path):
    own = reference.random_state(discriminator(19, WIDTH))
    names = ('conv1', 'conv2', 'conv3', 'conv4', 'classifier')
    theirs = {
        f'{names[int(key[0]) // 2]}{key[1:]}': value
        for key, value in own.items()
    }
    maps = torch.rand(1, 19, 64, 96)
    wanted = reference.discriminator(own, maps)
    torch.testing.assert_close(
        wanted, reference.discriminator(theirs, maps, names)
    )
    for state, owner in ((own, 'ADVENT'), (theirs, 'AdaptSegNet')):
        found = import_advent(as_source(state), width=WIDTH)
        assert found.kind == f'{owner} discriminator' and found.classes == 19
        net = MODELS.build(
            dict(type='FCDiscriminator', in_channels=19, base_channels=WIDTH)
        )
        net.load_state_dict(found.state_dict, strict=True)
        torch.testing.assert_close(net(maps), wanted)


@pytest.mark.parametrize(
    ('config', 'levels', 'classes'),
    [
        ('advent_gta2cs', 2, 19),
        ('minent_gta2cs', 2, 19),
        ('adaptsegnet_gta2cs', 2, 19),
        ('advent_syn2cs', 2, 16),
        ('advent-single_syn2cs', 1, 16),
    ],
)
def test_full_size_weights_fit_the_configs(config, levels, classes):
    cfg = Config.fromfile(REPO / f'configs/methods/{config}.py')
    with torch.device('meta'):
        model = MODELS.build(cfg.model)
    table = net_table(64, classes, levels)
    found = import_advent(as_source(on_meta(table)), active_branches=4)
    own = {k: v.shape for k, v in model.state_dict().items()}
    segmentor_keys = {
        key: value.shape for key, value in found.state_dict.items()
    }
    assert segmentor_keys == {
        key.removeprefix('segmentor.'): shape
        for key, shape in own.items()
        if key.startswith('segmentor.')
    }
    levels_used = ('main', 'aux')[: len(cfg.model.get('discriminators') or ())]
    if levels_used:
        d = as_source(on_meta(discriminator(classes)))
        whole = with_discriminators(found, dict.fromkeys(levels_used, d))
        assert {k: v.shape for k, v in whole.state_dict.items()} == own


def test_a_plain_network_passes_the_guard_of_a_wrapper(tmp_path):
    """tools/test.py: discriminators do not predict and may lack."""
    cfg = ConfigDict(
        type='ADVENT',
        segmentor=dict(
            type='OneStepEncoderDecoder',
            backbone=dict(
                type='ResNetDeepLab', base_channels=WIDTH, out_indices=(2, 3)
            ),
            decode_head=dict(
                type='DeepLabV2Head', in_channels=128, num_classes=19
            ),
            auxiliary_head=dict(
                type='DeepLabV2Head',
                in_channels=64,
                in_index=0,
                num_classes=19,
            ),
            test_cfg=dict(mode='whole'),
        ),
        discriminators=dict(
            main=dict(type='FCDiscriminator', in_channels=19),
            aux=dict(type='FCDiscriminator', in_channels=19),
        ),
    )
    model = MODELS.build(cfg)
    state = reference.random_state(net_table())
    plain = import_advent(as_source(state), width=WIDTH).state_dict
    check_weights(model, plain, 'x.pth')
    weight = model.segmentor.auxiliary_head.convs[1].weight
    assert torch.equal(weight, state['layer5.conv2d_list.1.weight'])
    without_aux = {k: v for k, v in plain.items() if 'auxiliary' not in k}
    with pytest.raises(ValueError, match=r'8 missing in the checkpoint'):
        check_weights(model, without_aux, 'x.pth')


def test_the_summed_branches_have_to_match():
    meta = {'imported': {'num_active_branches': 2}}
    check_branches(segmentor(active=2), meta, 'x.pth')
    check_branches(segmentor(), {}, 'x.pth')
    with pytest.raises(ValueError, match=r'sums 2 branches.*config 4. Set'):
        check_branches(segmentor(), meta, 'x.pth')


def run_tool(load_tool, monkeypatch, *argv):
    tool = load_tool('model_converters/advent')
    narrow = {'width': WIDTH}
    monkeypatch.setattr(
        tool,
        'import_advent',
        lambda *args: import_advent(*args, **narrow),
    )
    monkeypatch.setattr(
        tool,
        'with_discriminators',
        lambda *args: with_discriminators(*args, **narrow),
    )
    return tool.main([str(value) for value in argv])


def test_tool_writes_a_checkpoint_with_its_origin(
    load_tool, monkeypatch, tmp_path, capsys
):
    source = tmp_path / 'model_7.pth'
    torch.save(reference.random_state(net_table()), source)
    critics = [
        tmp_path / f'model_7_D_{level}.pth' for level in ('main', 'aux')
    ]
    for path in critics:
        torch.save(reference.random_state(discriminator(19, WIDTH)), path)
    out = tmp_path / 'out.pth'
    assert run_tool(load_tool, monkeypatch, source, out) == 0
    content = torch.load(out, weights_only=True)
    assert content['meta']['dataset_meta']['class_view'] == 'cityscapes19'
    assert content['meta']['dataset_meta']['classes'][0] == 'road'
    origin = content['meta']['imported']
    assert origin['file'] == 'model_7.pth'
    assert origin['sha256'] == hashlib.sha256(source.read_bytes()).hexdigest()
    assert str(tmp_path) not in str(content['meta'])
    text = capsys.readouterr().out
    assert 'configs/methods/advent_gta2cs.py' in text
    assert (REPO / 'configs/methods/advent_gta2cs.py').is_file()
    with pytest.raises(FileExistsError, match=r'out.pth exists; --force'):
        run_tool(load_tool, monkeypatch, source, out)
    argv = (source, out, '--force', '--d-main', critics[0])
    with pytest.raises(ValueError, match='give --d-main and --d-aux'):
        run_tool(load_tool, monkeypatch, *argv)
    argv = (*argv, '--d-aux', critics[1])
    assert run_tool(load_tool, monkeypatch, *argv) == 0
    keys = torch.load(out, weights_only=True)['state_dict']
    assert 'discriminators.main.layers.8.bias' in keys
    assert 'segmentor.backbone.conv1.weight' in keys


def net_state():
    return reference.random_state(net_table())


def changed(key, value):
    state = net_state()
    state[key] = value
    return state


def without(*keys):
    return {k: v for k, v in net_state().items() if k not in keys}


BAD = {
    'wrapped': (
        lambda: {'state_dict': net_state(), 'epoch': 3},
        'wrapped dict with the keys state_dict, epoch .inside: conv1.weight',
    ),
    'mmengine': (
        lambda: {'meta': {}, 'state_dict': net_state()},
        'checkpoint of mmengine: use it as it is',
    ),
    'sac': (
        lambda: {'model': net_state(), 'opt': {}, 'score': 0.1, 'epoch': 1},
        r'use model_converters/sac.py',
    ),
    'empty': (dict, 'expected a flat state dict'),
    'missing': (
        lambda: without('layer4.2.conv3.weight', 'bn1.bias'),
        r'2 missing:\s+bn1.bias\s+layer4.2.conv3.weight',
    ),
    'unexpected': (
        lambda: changed('layer7.weight', torch.ones(2)),
        r'1 unexpected:\s+layer7.weight',
    ),
    'shape': (
        lambda: changed('layer5.conv2d_list.3.bias', torch.ones(16)),
        r'layer5.conv2d_list.3.bias \(16,\), expected \(19,\)',
    ),
    'some counters': (
        lambda: without('bn1.num_batches_tracked'),
        r'1 missing:\s+bn1.num_batches_tracked',
    ),
    'torchvision': (
        lambda: {
            **reference.random_state(resnet101(WIDTH)),
            'fc.weight': torch.ones(1000, 128),
        },
        r'(?s)1 unexpected:\s+fc.weight.*torchvision .RGB.*no\s+substitute',
    ),
    'other net': (
        lambda: {'features.0.weight': torch.ones(4, 3, 3, 3)},
        'neither a network of ADVENT .*first keys: features.0.weight',
    ),
    'two prefixes': (
        lambda: {f'a.b.{key}': value for key, value in net_state().items()},
        'first keys: a.b.conv1.weight',
    ),
    'broken D': (
        lambda: {'0.weight': torch.ones(4, 19, 4, 4)},
        r'discriminator of ADVENT: the keys do not fit',
    ),
}


@pytest.mark.parametrize('name', BAD)
def test_bad_files(tmp_path, name):
    make, message = BAD[name]
    source = save(make(), tmp_path / 'bad.pth')
    with pytest.raises(ValueError, match=message) as caught:
        import_advent(source, width=WIDTH)
    assert 'bad.pth' in str(caught.value)


def test_wrong_wishes():
    source = as_source(net_state())
    with pytest.raises(ValueError, match=r'multi-level\), but --levels 1'):
        import_advent(source, levels=1, width=WIDTH)
    single = as_source(reference.random_state(net_table(levels=1)))
    with pytest.raises(ValueError, match=r'one classifier.*--levels 2 asks'):
        import_advent(single, levels=2, width=WIDTH)
    path = source.path
    with pytest.raises(ValueError, match='has 19 classes, but class view'):
        view_for(19, 'cityscapes16', path)
    with pytest.raises(ValueError, match=r'has 12 classes.*--class-view'):
        view_for(12, None, path)
    net = import_advent(source, width=WIDTH)
    other = as_source(reference.random_state(discriminator(16, WIDTH)))
    with pytest.raises(ValueError, match=r'--d-main .*of 16 classes.*has 19'):
        with_discriminators(net, {'main': other, 'aux': other}, WIDTH)
    one = import_advent(single, width=WIDTH)
    with pytest.raises(ValueError, match=r"\['aux'\] given.*give --d-main$"):
        with_discriminators(one, {'aux': other}, WIDTH)
    with pytest.raises(ValueError, match='IN is an ADVENT discriminator'):
        with_discriminators(import_advent(other, width=WIDTH), {}, WIDTH)


def test_damaged_weights_are_not_written(tmp_path):
    state = changed('bn1.bias', torch.full((WIDTH,), float('nan')))
    source = as_source(state)
    out = tmp_path / 'out.pth'
    with pytest.raises(ValueError, match=r'1 tensors hold NaN.*bn1.bias'):
        write_imported(import_advent(source, width=WIDTH), source, out, None)
    with pytest.raises(ValueError, match='name must end in .pth'):
        write_imported(
            import_advent(source, width=WIDTH), source, tmp_path / 'o', None
        )
    assert not list(tmp_path.iterdir())

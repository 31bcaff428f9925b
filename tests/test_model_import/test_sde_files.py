# SPDX-License-Identifier: Apache-2.0
"""Import of SDE's networks (SDE sheet, §4, §10 and §13)."""

import copy
from pathlib import Path
from types import SimpleNamespace

import pytest
import reference_nets
import reference_sde_nets as reference
import torch
from contract import REPO
from mmengine.config import Config, ConfigDict
from mmseg.registry import HOOKS, MODELS

from mmseg_da.model_import.files import SourceFile, write_imported
from mmseg_da.model_import.sde import import_sde
from mmseg_da.model_import.sde_files import read_sde
from mmseg_da.model_import.sde_layouts import DECODERS, part_table
from mmseg_da.uda.hooks import DepthTransferHook
from mmseg_da.utils.checkpoint_guard import check_weights

WIDTH = 4
RATES = (6, 12, 18)
POSE = ('pose_encoder', 'pose')
MTL = ('encoder', *POSE, 'mtl_decoder')
DEPTH = ('encoder', *POSE, 'depth')
COUNTER = 'num_batches_tracked'


def content(parts, decoder='dec6', classes=19, width=WIDTH, meta=False):
    """Published weights by part: {part: {key: tensor}}."""
    states = {}
    for seed, part in enumerate(parts):
        table = part_table(part, decoder, classes, width)
        states[part] = (
            {
                key: torch.empty(
                    shape,
                    device='meta',
                    dtype=torch.long if COUNTER in key else torch.float,
                )
                for key, shape in table.items()
            }
            if meta
            else reference_nets.random_state(table, seed)
        )
    return states


def pickled(states, **extra):
    """As the reference saves a run."""
    state = {
        f'models.{part}.{key}': value
        for part, values in states.items()
        for key, value in values.items()
    }
    return {'epoch': 3, 'model_state': state, 'best_iou': 0.5, **extra}


def runner_of(model):
    return SimpleNamespace(model=model, iter=0, _load_from=None)


def as_source(whole, name='in/best_model.pkl'):
    return SourceFile(Path(name), whole, 64 * '0', 32 * '0')


def write_folder(states, folder):
    folder.mkdir()
    for part, state in states.items():
        torch.save(state, folder / f'{part}.pth')
    return folder


def shrunk(config):
    """Model of a config of the repository at width 4."""
    cfg = Config.fromfile(REPO / f'configs/methods/{config}.py').model
    cfg = ConfigDict(copy.deepcopy(cfg.to_dict()))
    in_channels = tuple(WIDTH * c for c in (1, 4, 8, 16, 32))
    part = cfg.get('segmentor', cfg)
    net = part.get('backbone') or part.encoder
    net.update(base_channels=WIDTH, init_cfg=None)
    head = part.get('decode_head') or part.decoder
    head.update(in_channels=in_channels, init_cfg=None)
    if head.type == 'JointSegDepthHead':
        head.channels = WIDTH
    inner = head if head.type == 'DisparityDecoder' else head.decoder
    inner.channels = tuple(c * WIDTH // 64 for c in inner.channels)
    if cfg.get('pose_net'):
        cfg.pose_net.update(
            in_channels=8 * WIDTH, channels=4 * WIDTH, init_cfg=None
        )
        cfg.pose_net.encoder.update(base_channels=WIDTH, init_cfg=None)
    return cfg


def build(config, **changes):
    cfg = shrunk(config)
    cfg.update(changes)
    return MODELS.build(cfg).eval().double()


def double(states):
    """For the reference; fp32 noise grows over 100 layers."""
    return {
        part: {
            k: v.double() if v.is_floating_point() else v
            for k, v in state.items()
        }
        for part, state in states.items()
    }


def images(count=1, seed=9):
    generator = torch.Generator().manual_seed(seed)
    return torch.rand(
        count, 3, 64, 96, generator=generator, dtype=torch.double
    )


def close(found, wanted):
    assert wanted.std() > 1e-3 or wanted.numel() < 20
    torch.testing.assert_close(found, wanted, rtol=1e-8, atol=1e-9)


@pytest.mark.parametrize(
    ('parts', 'decoder', 'entries'),
    [
        (MTL, 'dec6', 884),
        (('encoder', 'segmentation'), 'dec6', 689),
        (DEPTH, 'dec11', 814),
    ],
)
def test_state_dict_sizes_of_the_sheet(parts, decoder, entries):
    tables = [part_table(part, decoder, 19, 64) for part in parts]
    assert sum(map(len, tables)) == entries


@pytest.mark.parametrize(
    ('part', 'decoder', 'parameters'),
    [
        ('encoder', 'dec6', 42_500_160),
        ('pose_encoder', 'dec6', 11_185_920),
        ('pose', 'dec6', 1_314_572),
        ('mtl_decoder', 'dec6', 44_726_766),
        ('segmentation', 'dec6', 22_071_959),
        ('depth', 'dec11', 19_830_356),
    ],
)
def test_parameter_counts_of_the_sheet(part, decoder, parameters):
    buffers = ('running_mean', 'running_var', COUNTER)
    table = part_table(part, decoder, 19, 64)
    sizes = [
        torch.Size(shape).numel()
        for key, shape in table.items()
        if not key.endswith(buffers)
    ]
    assert sum(sizes) == parameters


@pytest.mark.parametrize(
    ('key', 'decoder', 'shape'),
    [
        ('0.project.0', 'dec6', (256, 1280, 1, 1)),
        ('2.block.0.conv', 'dec6', (256, 1280, 3, 3)),
        ('11.block.0.conv', 'dec6', (128, 192, 3, 3)),
        ('12.block.0.conv', 'dec6', (64, 128, 3, 3)),
        ('17.conv', 'dec6', (1, 256, 3, 3)),
        ('5.block.0.conv', 'dec11', (128, 640, 3, 3)),
        ('11.block.0.conv', 'dec11', (32, 96, 3, 3)),
        ('12.block.0.conv', 'dec11', (16, 32, 3, 3)),
        ('11.block.0.conv', 'dec9', (64, 128, 3, 3)),
        ('6.block.0.conv', 'dec9', (128, 128, 3, 3)),
        ('6.block.1', 'dec9', (128,)),
    ],
)
def test_shapes_of_the_sheet(key, decoder, shape):
    table = part_table('depth', decoder, 19, 64)
    assert table[f'decoder.{key}.weight'] == shape


@torch.no_grad()
def test_depth_folder_gives_the_same_outputs(tmp_path):
    states = content(DEPTH)
    bare = copy.deepcopy(states)
    bare['encoder']['encoder.fc.weight'] = torch.ones(3, 3)
    bare['encoder'].update(height=512, width=512, use_stereo=False)
    source = read_sde(write_folder(bare, tmp_path / 'mono'))
    found = import_sde(source, width=WIDTH)
    assert found.kind == 'SDE depth network (dec6)'
    assert found.config == 'sde-depth-phase2_cs' and found.classes is None
    assert 'encoder.encoder.fc.weight' in found.notes[0]
    assert set(found.details['files']) == {f'{part}.pth' for part in DEPTH}
    model = build('sde-depth-phase2_cs', feature_distance=None)
    check_weights(model, found.state_dict, 'x.pth')
    states = double(states)
    features = reference.encoder(states['encoder'], images())
    _, wanted = reference.depth(states['depth'], features, RATES)
    mine = model.decoder(model.encoder(images())).disparities
    assert sorted(mine) == sorted(wanted) == [0, 1, 2, 3]
    for scale, value in wanted.items():
        close(mine[scale], value)
    pose = torch.cat(model.pose_net(images(), images(seed=3)), 1)
    close(
        1e3 * pose,
        1e3
        * reference.pose(
            states['pose_encoder'], states['pose'], images(), images(seed=3)
        ),
    )


@torch.no_grad()
def test_source_depth_pickle(tmp_path):
    """dec11 on an encoder of stride 32; optimiser state is ignored."""
    states = content(DEPTH, 'dec11')
    folder = tmp_path / 'synthia_rev2_89b89'
    folder.mkdir()
    whole = pickled(states, optimizer_state={'state': {}})
    torch.save(whole, folder / 'best_model_without_opt.pkl')
    (folder / 'cfg.yml').write_text('a: 1')
    source = read_sde(folder)
    found = import_sde(source, width=WIDTH)
    assert found.config == 'sde-depth_syn'
    assert found.details['decoder'] == 'dec11'
    assert found.details['epoch'] == 3 and found.details['best_iou'] == 0.5
    out = tmp_path / 'out.pth'
    write_imported(found, source, out, None)
    written = torch.load(out, weights_only=True)['state_dict']
    model = build('sde-depth_syn')
    check_weights(model, written, 'x.pth')
    states = double(states)
    features = reference.encoder(states['encoder'], images(), dilated=False)
    _, wanted = reference.depth(states['depth'], features, (3, 6, 9))
    close(model.disparity(images()), wanted[0])


@torch.no_grad()
def test_depth_student():
    states = content(('encoder', 'depth', 'segmentation'), 'dec9')
    found = import_sde(as_source(pickled(states)), width=WIDTH)
    assert found.config == 'sde-depth-student_cs'
    assert 'left out the parts segmentation' in found.notes
    model = build('sde-depth-student_cs')
    check_weights(model, found.state_dict, 'x.pth')
    states = double(states)
    features = reference.encoder(
        states['encoder'], images(), reference.RESNET50
    )
    _, wanted = reference.depth(states['depth'], features, RATES)
    close(model.disparity(images()), wanted[0])


@torch.no_grad()
def test_joint_network_gives_the_same_logits():
    states = content(('encoder', 'segmentation'))
    found = import_sde(as_source(pickled(states)), width=WIDTH)
    assert found.config == 'sde-no-mtl_gta2cs' and found.classes == 19
    model = build('sde-no-mtl_gta2cs')
    check_weights(model, found.state_dict, 'x.pth')
    net = model.segmentor
    states = double(states)
    features = reference.encoder(states['encoder'], images())
    wanted = reference.joint(states['segmentation'], features, RATES)
    close(net.decode_head(net.extract_feat(images())), wanted)


@torch.no_grad()
@pytest.mark.parametrize('network', ['segmentor', 'all'])
def test_multi_task_network_gives_the_same_outputs(network):
    states = content(MTL)
    found = import_sde(as_source(pickled(states)), network, width=WIDTH)
    assert found.config == 'sde_gta2cs'
    model = build('sde_gta2cs')
    start = int(model.teacher.steps)
    check_weights(model, found.state_dict, 'x.pth')
    states = double(states)
    features = reference.encoder(states['encoder'], images())
    final, intermediate, disparities = reference.pad(
        states['mtl_decoder'], features, RATES
    )
    for net in (model.segmentor, model.teacher.module):
        mine = net.decode_head.forward_tasks(net.extract_feat(images()))
        close(mine.final, final)
        close(mine.intermediate, intermediate)
        for scale, value in disparities.items():
            close(mine.disparities[scale], value)
    squeeze = model.pose_net.net[0].weight
    kept = torch.equal(squeeze, states['pose']['net.0.weight'])
    assert kept == (network == 'all')
    if network == 'all':
        assert set(found.state_dict) == set(model.state_dict())
        assert int(model.teacher.steps) == start == 1
    else:
        assert 'left out the pose net; --network all keeps it' in found.notes


@pytest.mark.parametrize('config', ['sde_gta2cs', 'sde-no-mtl_gta2cs'])
def test_depth_network_starts_the_segmentation(tmp_path, config):
    """One converted file is what DepthTransferHook loads."""
    states = content((*DEPTH, 'imnet_encoder'))
    source = as_source(pickled(states))
    found = import_sde(source, width=WIDTH)
    check_weights(build('sde-depth-phase2_cs'), found.state_dict, 'x.pth')
    out = tmp_path / 'depth.pth'
    write_imported(found, source, out, None)
    model = build(config)
    DepthTransferHook(checkpoint=str(out)).before_train(runner_of(model))
    own = model.state_dict()
    depth = states['depth']
    for decoder in ('depth_decoder', 'seg_decoder', 'decoder'):
        key = f'segmentor.decode_head.{decoder}.after.2.conv.weight'
        if key in own:
            assert torch.equal(
                own[key], depth['decoder.8.block.0.conv.weight']
            )
    assert torch.equal(
        own['segmentor.backbone.conv1.weight'],
        states['encoder']['encoder.conv1.weight'],
    )


def test_phase_without_encoder_starts_the_next(tmp_path):
    states = content((*POSE, 'depth'))
    source = read_sde(write_folder(states, tmp_path / 'dec5'))
    found = import_sde(source, width=WIDTH)
    assert any('SDE_DEPTH_PHASE1=OUT' in note for note in found.notes)
    out = tmp_path / 'phase1.pth'
    write_imported(found, source, out, None)
    model = build('sde-depth-phase2_cs')
    path = REPO / 'configs/methods/sde-depth-phase2_cs.py'
    (hook,) = (
        hook
        for hook in Config.fromfile(path).custom_hooks
        if hook.type == 'DepthTransferHook'
    )
    hook.checkpoint = str(out)
    HOOKS.build(hook).before_train(runner_of(model))
    own = model.state_dict()
    assert torch.equal(
        own['decoder.heads.3.bias'], states['depth']['decoder.17.conv.bias']
    )
    assert torch.equal(
        own['pose_net.net.6.bias'], states['pose']['net.3.bias']
    )


@pytest.mark.parametrize(
    ('config', 'parts', 'decoder', 'network'),
    [
        ('sde_gta2cs', MTL, 'dec6', 'all'),
        ('sde-ssl_cs-100', MTL, 'dec6', 'all'),
        (
            'sde-ssl-depthmix_cs-100',
            ('encoder', 'segmentation'),
            'dec6',
            'all',
        ),
        (
            'sde-depth-phase2_cs',
            (*DEPTH, 'imnet_encoder'),
            'dec6',
            'segmentor',
        ),
        ('sde-depth_gta', DEPTH, 'dec11', 'segmentor'),
    ],
)
def test_full_size_weights_fit_the_configs(config, parts, decoder, network):
    cfg = Config.fromfile(REPO / f'configs/methods/{config}.py')
    with torch.device('meta'):
        model = MODELS.build(cfg.model)
    states = content(parts, decoder, width=64, meta=True)
    found = import_sde(as_source(pickled(states)), network)
    shapes = {k: tuple(v.shape) for k, v in found.state_dict.items()}
    own = {k: tuple(v.shape) for k, v in model.state_dict().items()}
    assert shapes == own


def changed(parts, drop=(), add=(), decoder='dec6', classes=19):
    whole = pickled(content(parts, decoder, classes))
    for key in drop:
        del whole['model_state'][key]
    whole['model_state'].update({key: torch.ones(2) for key in add})
    return whole


@pytest.mark.parametrize(
    ('whole', 'options', 'message'),
    [
        (
            lambda: changed(DEPTH, decoder='dec11'),
            {'decoder': 'dec6'},
            r'(?s)SDE with a dec6 decoder:.*part depth:.*shape:.*'
            r'decoder\.5\.block.*holds a dec11 decoder, dec6 is asked for',
        ),
        (
            lambda: changed(MTL, decoder='dec11'),
            {},
            r'(?s)part mtl_decoder:.*of another shape.*holds a dec11 decoder',
        ),
        (
            lambda: changed(
                DEPTH,
                drop=['models.pose.net.0.bias'],
                add=['models.encoder.encoder.layer9.weight'],
            ),
            {},
            r'(?s)part encoder:\s+1 unexpected:\s+encoder.layer9.weight.*'
            r'part pose:\s+1 missing:\s+net.0.bias.*Nothing was written',
        ),
        (
            lambda: changed(('encoder', 'pose', 'depth')),
            {},
            'only one of the parts pose and pose_encoder',
        ),
        (lambda: changed(('segmentation',)), {}, 'part encoder is missing'),
        (
            lambda: changed(('encoder', *POSE)),
            {},
            r'has the parts encoder, pose_encoder, pose; expected one of',
        ),
        (
            lambda: changed(DEPTH, add=['models.critic.weight']),
            {},
            r'1 entries are not, e.g. models.critic.weight',
        ),
        (
            lambda: changed(
                DEPTH, drop=['models.depth.decoder.5.block.0.conv.bias']
            ),
            {},
            r'part depth has no decoder of SDE \(channels .*dec11',
        ),
        (
            lambda: changed(
                ('encoder', 'segmentation'),
                drop=['models.segmentation.head.2.bias'],
            ),
            {},
            r'head.2.bias is missing, which tells the number of classes',
        ),
        (
            lambda: changed(MTL),
            {'decoder': 'dec11'},
            r'--decoder dec11: .* is a segmentation network, which has dec6',
        ),
        (lambda: changed(DEPTH), {'network': 'x'}, r"--network 'x'; allowed"),
        (
            lambda: {'decoder.0.weight': torch.ones(1)},
            {},
            'no network of SDE .*give their folder',
        ),
    ],
)
def test_bad_networks(whole, options, message):
    with pytest.raises(ValueError, match=message):
        import_sde(as_source(whole()), width=WIDTH, **options)


def test_bad_folders(tmp_path):
    with pytest.raises(ValueError, match='unpack it and give its folder'):
        read_sde(tmp_path / 'mono.zip')
    with pytest.raises(FileNotFoundError, match='no such checkpoint'):
        read_sde(tmp_path / 'nothing')
    folder = tmp_path / 'folder'
    folder.mkdir()
    with pytest.raises(ValueError, match=r'holds neither depth\.pth nor'):
        read_sde(folder)
    for name in ('best_model.pkl', 'best_model_without_opt.pkl'):
        torch.save({}, folder / name)
    with pytest.raises(ValueError, match='name one of them'):
        read_sde(folder)


def test_the_tool(tmp_path, load_tool, capsys, monkeypatch):
    tool = load_tool('model_converters/sde')
    narrow = import_sde
    monkeypatch.setattr(
        tool, 'import_sde', lambda *how: narrow(*how, width=WIDTH)
    )
    path, out = tmp_path / 'best_model.pkl', tmp_path / 'sde.pth'
    torch.save(pickled(content(MTL)), path)
    assert tool.main([str(path), str(out), '--network', 'all']) == 0
    text = capsys.readouterr().out
    assert 'SDE segmentation network (PADHead), all: ' in text
    assert 'configs/methods/sde_gta2cs.py' in text
    meta = torch.load(out, weights_only=True)['meta']
    assert meta['dataset_meta']['class_view'] == 'cityscapes19'
    assert meta['imported']['decoder'] == 'dec6'
    with pytest.raises(FileExistsError, match='--force'):
        tool.main([str(path), str(out)])
    torch.save(pickled(content(MTL, classes=12)), path)
    with pytest.raises(ValueError, match='12 classes'):
        tool.main([str(path), str(out), '--force'])


def test_variants_differ():
    found = {(v.scaled(WIDTH), v.norm) for v in DECODERS.values()}
    assert len(found) == len(DECODERS)

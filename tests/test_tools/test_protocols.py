# SPDX-License-Identifier: Apache-2.0
"""``tools/test.py --protocol``: SDE's scores at half size; depth records."""

import contract
import numpy as np
import pytest
import torch
from mmengine.config import Config
from mmengine.dataset import Compose
from PIL import Image
from tiny_cityscapes import SIZE, write_config
from tool_calls import call, train_tiny

from mmseg_da.benchmark.protocol import mixed_rows
from mmseg_da.benchmark.rows import group_rows
from mmseg_da.datasets.class_views import get_class_view
from mmseg_da.evaluation.record_maker import require_classes
from mmseg_da.evaluation.records import read_record, read_records
from mmseg_da.recipes import RunSettings, load_recipe, plan_recipe
from mmseg_da.utils.evaluation_options import use_protocol

METHODS = contract.REPO / 'configs/methods'
HALF = """
half = dict(
    type='Resize', scale=(32, 16), keep_ratio=False, backend='pillow')
test_protocols = dict(
    ref=[
        dict(type='LoadStreetImage'), dict(type='LoadRawLabels'), half,
        dict(type='PredictAtInputSize'), dict(type='PackUDAInputs')])
test_dataloader = dict(
    dataset=dict(
        pipeline=[
            dict(type='LoadStreetImage'), half, dict(type='LoadRawLabels'),
            dict(type='PackUDAInputs')]))
"""


@pytest.fixture(scope='module')
def tiny(tmp_path_factory):
    """Config with both protocols, checkpoint."""
    folder = tmp_path_factory.mktemp('tiny')
    config, _, checkpoint = train_tiny(folder)
    path = folder / 'sde_cs.py'
    path.write_text(f"_base_ = './{config.name}'{HALF}", encoding='utf-8')
    return path, checkpoint


@pytest.mark.parametrize(
    'name', ['sde_gta2cs', 'sde_syn2cs', 'sde-ssl_cs-744']
)
def test_sde_scores_at_1024x512_like_the_reference(name, tmp_path):
    """Section 8 of the sheet: image by Lanczos, labels nearest."""
    rng = np.random.default_rng(0)
    image = rng.integers(0, 256, (1024, 2048, 3), np.uint8)
    raw = rng.integers(0, 34, (1024, 2048), np.uint8)
    paths = [str(tmp_path / f'{kind}.png') for kind in ('image', 'label')]
    Image.fromarray(image).save(paths[0], compress_level=1)
    Image.fromarray(raw).save(paths[1], compress_level=1)
    cfg = Config.fromfile(METHODS / f'{name}.py')
    use_protocol(cfg, 'ref')
    packed = Compose(cfg.test_dataloader.dataset.pipeline)(
        dict(
            img_path=paths[0],
            seg_map_path=paths[1],
            seg_fields=[],
            reduce_zero_label=False,
            label_table='cityscapes',
            class_view='cityscapes19',
        )
    )
    sample = packed['data_samples']
    assert sample.ori_shape == sample.img_shape == (512, 1024)
    train_ids = get_class_view('cityscapes19').lut('cityscapes')[raw]
    label = sample.gt_sem_seg.data[0].numpy()
    assert np.array_equal(label, train_ids[1::2, 1::2])
    small = Image.fromarray(train_ids).resize((1024, 512), Image.NEAREST)
    assert np.array_equal(label, np.asarray(small))
    small = Image.fromarray(image).resize((1024, 512), Image.LANCZOS)
    seen = packed['inputs'].numpy()[::-1].transpose(1, 2, 0)
    assert np.array_equal(seen, np.asarray(small))


def test_records_of_two_protocols_are_never_in_one_column(tiny, tmp_path):
    config, checkpoint = tiny
    records = tmp_path / 'records'
    for protocol in ('ref', 'full'):
        code = call(
            'test', config, checkpoint, '--work-dir', tmp_path / 'work',
            '--record', records, '--protocol', protocol,
        )  # fmt: skip
        assert code == 0
    full = read_record(records / 'sde_cs_seed3.json')
    ref = read_record(records / 'sde_cs_seed3_ref.json')
    assert full.protocol.evaluation_size == SIZE[::-1]
    assert ref.protocol.evaluation_size == (SIZE[1] // 2, SIZE[0] // 2)
    assert ref.protocol.input_size == full.protocol.input_size == (32, 16)
    # The frames' labels are blocks of 4x4 pixels.
    labels = [record.confusion.sum(1) for record in (full, ref)]
    assert np.array_equal(labels[0], 4 * labels[1]) and labels[1].sum()
    assert (full.stage, ref.stage) == ('test', 'test-ref')
    rows = group_rows(read_records(records))
    assert {row.name for row in rows} == {'sde (test)', 'sde (test-ref)'}
    with pytest.raises(ValueError, match=r'evaluation_size is \[32, 16\]'):
        mixed_rows('cs', rows, allow=False)
    assert list(mixed_rows('cs', rows, allow=True)) == ['sde (test-ref)']


def test_protocols_that_do_not_fit(tiny, tmp_path, capsys):
    config, checkpoint = tiny
    plain = write_config(tmp_path, tmp_path / 'cs')
    cases = [
        ((plain, 'ref'), [], '--protocol ref: this config knows full. Other'),
        ((config, 'half'), [], '--protocol half: this config knows full, ref'),
        ((config, 'ref'), ['--tta'], '--protocol ref and --tta: '),
        ((config, 'ref'), ['--out', tmp_path / 'o'], 'ref and --out: '),
        ((config, 'ref'), ['--show-dir', tmp_path / 's'], 'and --show-dir: '),
    ]
    for (path, protocol), more, message in cases:
        argv = [path, checkpoint, '--work-dir', tmp_path / 'w', *more]
        assert call('test', *argv, '--protocol', protocol) == 2
        assert message in capsys.readouterr().err
    assert not (tmp_path / 'o').exists() and not (tmp_path / 's').exists()


# Depth networks


def test_depth_networks_have_no_record(street_video, tmp_path, capsys):
    path = METHODS / 'sde-depth_swc.py'
    cfg = contract.small_config(path, street_video, tmp_path / 'work')
    cfg.dump(tmp_path / 'depth.py')
    checkpoint = tmp_path / 'x.pth'
    torch.save({'state_dict': {}}, checkpoint)
    for option in ('--json', '--record'):
        argv = [tmp_path / 'depth.py', checkpoint, '--work-dir', tmp_path]
        assert call('test', *argv, option, tmp_path / 'new') == 2
        error = capsys.readouterr().err
        assert f'{option}: MonoDepth predicts no classes' in error
        assert 'WORK_DIR/<time>/<time>.json' in error
    assert not (tmp_path / 'new').exists()
    require_classes(Config.fromfile(METHODS / 'oracle_swc.py'), '--json')


def test_depth_errors_are_written_where_the_message_says(
    street_video, tmp_path
):
    path = METHODS / 'sde-depth-given-pose_swc.py'
    work_dir = tmp_path / 'work'
    cfg = contract.small_config(path, street_video, work_dir)
    cfg.dump(tmp_path / 'depth.py')
    runner, _ = contract.run(cfg)
    assert runner.iter == 2
    argv = [tmp_path / 'depth.py', work_dir / 'iter_2.pth']
    assert call('test', *argv, '--work-dir', tmp_path / 'test') == 0
    (file,) = [
        f for f in (tmp_path / 'test').glob('*/*.json') if 'vis' not in str(f)
    ]
    assert file.stem == file.parent.name
    assert '"depth/abs_rel"' in file.read_text()


def test_recipes_of_depth_networks_are_refused_before_training(
    street_video, tmp_path, monkeypatch
):
    for name, value in contract.dataset_roots(street_video).items():
        monkeypatch.setenv(name, value)
    recipe = load_recipe('sde-depth_swc')
    with pytest.raises(ValueError, match="stage 'test' of a recipe: MonoDep"):
        plan_recipe(recipe, 0, RunSettings(tmp_path))

# SPDX-License-Identifier: Apache-2.0
"""tools/train.py and tools/test.py on a tiny plain EncoderDecoder."""

import json
import shutil
import socket
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from tiny_cityscapes import SIZE, write_config
from tool_calls import TOOLS, call, train_tiny

from mmseg_da.evaluation.records import read_record


@pytest.fixture(scope='module')
def tiny(tmp_path_factory):
    return train_tiny(tmp_path_factory.mktemp('tiny'))


def weights(path):
    content = torch.load(path, weights_only=False)
    return content['state_dict'], content


def test_train_writes_a_checkpoint(tiny):
    _, work_dir, checkpoint = tiny
    _, content = weights(checkpoint)
    assert content['meta']['iter'] == 2
    assert content['meta']['seed'] == 3
    assert content['meta']['dataset_meta']['class_view'] == 'cityscapes19'
    assert not (work_dir / 'error.log').exists()


def test_resume_goes_on(tiny, tmp_path):
    config, work_dir, checkpoint = tiny
    moved = tmp_path / 'moved'
    shutil.copytree(work_dir, moved)
    code = call(
        'train', config, '--work-dir', moved, '--resume',
        '--cfg-options', 'train_cfg.max_iters=4',
    )  # fmt: skip
    assert code == 0
    assert weights(moved / 'iter_4.pth')[1]['meta']['iter'] == 4
    code = call(
        'train', config, '--work-dir', tmp_path / 'other',
        '--resume', checkpoint, '--cfg-options', 'train_cfg.max_iters=4',
    )  # fmt: skip
    assert code == 0
    assert not (tmp_path / 'other' / 'iter_2.pth').exists()


def test_scores_submission_and_json(tiny, tmp_path):
    config, _, checkpoint = tiny
    file, out = tmp_path / 'scores.json', tmp_path / 'out'
    code = call(
        'test', config, checkpoint, '--work-dir', tmp_path / 'work',
        '--out', out, '--json', file, '--show-dir', tmp_path / 'show',
    )  # fmt: skip
    assert code == 0
    record = json.loads(file.read_text())
    metrics = record['scores']['metrics']
    assert metrics['cityscapes/mIoU'] == pytest.approx(
        metrics['mIoU'], abs=1e-6
    )
    assert record['protocol']['images'] == 3
    assert record['protocol']['class_view'] == 'cityscapes19'
    assert record['protocol']['evaluation_size'] == [SIZE[1], SIZE[0]]
    assert record['seed'] == 3 and record['checkpoint']['iteration'] == 2
    assert read_record(file).confusion.sum() > 0
    assert record['cost']['test_seconds'] > 0
    assert record['cost']['peak_rss_mib'] > 10
    assert (out / 'submission.zip').is_file()
    assert len(list((tmp_path / 'show').rglob('*.png'))) == 3


def test_record_has_the_name_of_config_and_seed(tiny, tmp_path):
    config, _, checkpoint = tiny
    code = call(
        'test', config, checkpoint, '--work-dir', tmp_path / 'work',
        '--record', tmp_path / 'records',
    )  # fmt: skip
    assert code == 0
    record = read_record(tmp_path / 'records/tiny_cs_seed3.json')
    assert (record.method, record.direction) == ('tiny', 'cs')
    assert record.selection == 'last' and not record.cost.stages


def test_records_need_scores(tiny, tmp_path, capsys):
    config, _, checkpoint = tiny
    common = [config, checkpoint, '--work-dir', tmp_path / 'work']
    common += ['--format-only', '--out', tmp_path / 'out']
    assert call('test', *common, '--record', tmp_path / 'records') == 2
    assert '--record needs scores' in capsys.readouterr().err
    file = tmp_path / 'scores.json'
    assert call('test', *common, '--json', file) == 0
    with pytest.raises(ValueError, match='the test scored nothing'):
        read_record(file)
    assert read_record(file, need_scores=False).protocol.images == 3


def test_format_only_needs_no_labels(tiny, tmp_path):
    """The benchmark's test split has images only."""
    config, _, checkpoint = tiny
    root = tmp_path / 'cs'
    images = Path(config).parent / 'cs' / 'leftImg8bit'
    shutil.copytree(images, root / 'leftImg8bit')
    other = write_config(tmp_path, root)
    out = tmp_path / 'out'
    for flags in ([], ['--tta']):
        code = call(
            'test', other, checkpoint, '--work-dir', tmp_path / 'work',
            '--format-only', '--out', out, *flags,
        )  # fmt: skip
        assert code == 0
    pngs = list((out / 'label_ids').glob('*.png'))
    assert len(pngs) == 3
    assert np.asarray(Image.open(pngs[0])).shape == SIZE


def test_tta_scores(tiny, tmp_path):
    config, _, checkpoint = tiny
    files = [tmp_path / 'plain.json', tmp_path / 'tta.json']
    for file, flags in zip(files, ([], ['--tta']), strict=True):
        code = call(
            'test', config, checkpoint, '--work-dir', tmp_path / 'work',
            '--json', file, *flags,
        )  # fmt: skip
        assert code == 0
    plain, tta = (read_record(file) for file in files)
    assert tta.protocol.tta and not plain.protocol.tta
    assert tta.scores.confusion != plain.scores.confusion
    assert tta.confusion.sum() == plain.confusion.sum()


def free_port():
    with socket.socket() as probe:
        probe.bind(('127.0.0.1', 0))
        return probe.getsockname()[1]


@pytest.mark.dist
def test_dist_test_on_two_processes(tiny, tmp_path):
    """dist_test.sh with gloo gives the scores of one process."""
    config, _, checkpoint = tiny
    env = {
        'PATH': f'{Path(sys.executable).parent}:/usr/bin:/bin',
        'PORT': str(free_port()),
        'OMP_NUM_THREADS': '1',
    }
    file = tmp_path / 'two.json'
    command = [
        TOOLS / 'dist_test.sh', config, checkpoint, '2', '--json', file,
        '--work-dir', tmp_path / 'two', '--out', tmp_path / 'out',
    ]  # fmt: skip
    done = subprocess.run(
        list(map(str, command)),
        env=env,
        capture_output=True,
        text=True,
        cwd=tmp_path,
    )
    assert done.returncode == 0, done.stderr
    single = tmp_path / 'one.json'
    code = call(
        'test', config, checkpoint, '--work-dir', tmp_path / 'one',
        '--json', single,
    )  # fmt: skip
    assert code == 0
    two, one = (read_record(path) for path in (file, single))
    assert two.cost.processes == 2
    assert two.protocol == one.protocol
    assert two.scores.confusion == one.scores.confusion
    assert two.scores.metrics['cityscapes/mIoU'] == pytest.approx(
        one.scores.miou['mIoU'], abs=1e-6
    )
    assert len(list((tmp_path / 'out' / 'label_ids').iterdir())) == 3

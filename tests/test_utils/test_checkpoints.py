# SPDX-License-Identifier: Apache-2.0
import os

import numpy as np
import pytest
import torch
from mmengine.logging import MessageHub
from mmengine.runner.checkpoint import CheckpointLoader

from mmseg_da.utils.checkpoints import (
    load_checkpoint,
    refuse_unsafe_checkpoints,
    save_checkpoint,
    to_plain,
)


class Evil:
    """Would run a command when unpickled."""

    def __init__(self, marker):
        self.marker = marker

    def __reduce__(self):
        return os.mkdir, (str(self.marker),)


class Attribute:
    """Asks for an attribute as a pickle may."""

    def __reduce__(self):
        return getattr, (np.ndarray, 'tofile')


@pytest.fixture
def training_checkpoint(tmp_path):
    hub = MessageHub.get_instance('test_checkpoints')
    hub.update_scalar('train/loss', 0.5)
    path = tmp_path / 'iter_3.pth'
    content = {
        'meta': {'iter': 3, 'best_score': np.float32(12.5)},
        'state_dict': {'segmentor.w': torch.ones(2)},
        'message_hub': hub.state_dict(),
        'rng': np.random.default_rng(0).bytes(8).hex(),
        'array': np.arange(3, dtype=np.int32),
    }
    torch.save(content, path)
    return path


def test_training_checkpoint_loads(training_checkpoint):
    content = load_checkpoint(training_checkpoint)
    assert content['meta']['best_score'] == 12.5
    assert content['array'].tolist() == [0, 1, 2]
    history = content['message_hub']['log_scalars']['train/loss']
    assert history.current() == 0.5


def test_code_in_a_checkpoint_is_refused(tmp_path):
    path, marker = tmp_path / 'evil.pth', tmp_path / 'ran'
    torch.save({'state_dict': {}, 'x': Evil(marker)}, path)
    with pytest.raises(ValueError, match='more than tensors') as caught:
        load_checkpoint(path)
    assert 'mkdir' in str(caught.value)
    assert 'weights_only=False' in str(caught.value)
    assert not marker.exists()


def test_only_the_history_may_ask_for_attributes(tmp_path):
    path = tmp_path / 'attribute.pth'
    torch.save({'x': Attribute()}, path)
    with pytest.raises(ValueError, match=r"attribute 'tofile'"):
        load_checkpoint(path)


def test_missing_file(tmp_path):
    with pytest.raises(FileNotFoundError, match=r'none\.pth: no such'):
        load_checkpoint(tmp_path / 'none.pth')


def test_file_of_another_kind(tmp_path):
    path = tmp_path / 'page.pth'
    path.write_text('<html>not found</html>')
    with pytest.raises(ValueError, match='not a torch checkpoint'):
        load_checkpoint(path)


def test_truncated_file(training_checkpoint):
    data = training_checkpoint.read_bytes()
    training_checkpoint.write_bytes(data[: len(data) // 2])
    with pytest.raises(ValueError, match='broken or truncated'):
        load_checkpoint(training_checkpoint)


def test_bare_tensor(tmp_path):
    path = tmp_path / 'tensor.pth'
    torch.save(torch.ones(1), path)
    with pytest.raises(ValueError, match='holds a Tensor, expected the dict'):
        load_checkpoint(path)


def test_runner_refuses_unsafe_files(tmp_path, monkeypatch):
    schemes = dict(CheckpointLoader._schemes)
    monkeypatch.setattr(CheckpointLoader, '_schemes', schemes)
    path, marker = tmp_path / 'evil.pth', tmp_path / 'ran'
    torch.save({'state_dict': {}, 'x': Evil(marker)}, path)
    monkeypatch.setenv('MMSEG_DA_TRUST_CHECKPOINTS', '1')
    refuse_unsafe_checkpoints()
    assert CheckpointLoader._schemes == schemes
    monkeypatch.delenv('MMSEG_DA_TRUST_CHECKPOINTS')
    refuse_unsafe_checkpoints()
    with pytest.raises(ValueError, match='MMSEG_DA_TRUST_CHECKPOINTS=1'):
        CheckpointLoader.load_checkpoint(str(path), map_location='cpu')
    assert not marker.exists()


def test_save_leaves_nothing_behind(tmp_path):
    path = tmp_path / 'new' / 'a.pth'
    save_checkpoint({'state_dict': {'w': torch.ones(1)}}, path)
    assert load_checkpoint(path)['state_dict']['w'].tolist() == [1.0]
    with pytest.raises(AttributeError, match='pickle'):
        save_checkpoint({'f': lambda: None}, path)
    assert [p.name for p in path.parent.iterdir()] == ['a.pth']
    assert load_checkpoint(path)['state_dict']['w'].tolist() == [1.0]


def test_to_plain():
    meta = {'classes': ('road', 'car'), 'n': np.int64(2), 1: np.zeros(2)}
    plain = to_plain(meta)
    assert plain == {'classes': ['road', 'car'], 'n': 2, '1': [0.0, 0.0]}
    assert type(plain['n']) is int
    with pytest.raises(ValueError, match=r'meta\.a\[1\] is a set'):
        to_plain({'a': [1, {2}]})

# SPDX-License-Identifier: Apache-2.0
import subprocess
import sys

import pytest

from mmseg_da.demo_run import Step, folder_lock, hash_files


def finished_step(root) -> Step:
    step = Step(root, 'train', {'iters': 5})
    step.folder.mkdir(parents=True)
    file = step.folder / 'weights.pth'
    file.write_bytes(b'1234')
    step.finish({'seconds': 2.0}, [file])
    return step


def test_a_finished_step_is_known_by_the_next_start(tmp_path):
    finished_step(tmp_path)
    again = Step(tmp_path, 'train', {'iters': 5})
    assert again.result() == {'seconds': 2.0}


def test_other_settings_are_another_step(tmp_path):
    step = finished_step(tmp_path)
    other = Step(tmp_path, 'train', {'iters': 6})
    assert other.result() is None
    assert other.folder != step.folder


@pytest.mark.parametrize('change', ['gone', 'cut', 'record'])
def test_a_step_with_damaged_files_is_not_finished(tmp_path, change):
    step = finished_step(tmp_path)
    file = step.folder / 'weights.pth'
    if change == 'gone':
        file.unlink()
    elif change == 'cut':
        file.write_bytes(b'12')
    else:
        (step.folder / 'finished.json').write_text('{"format": "mmseg')
    assert step.result() is None


def test_a_step_cannot_finish_without_its_files(tmp_path):
    step = Step(tmp_path, 'train', {})
    with pytest.raises(FileNotFoundError, match='did not write'):
        step.finish({}, [step.folder / 'weights.pth'])
    assert step.result() is None


def test_seconds_of_interrupted_starts_are_kept(tmp_path):
    step = Step(tmp_path, 'train', {})
    assert step.spent() == 0
    step.note_spent(12.5)
    assert Step(tmp_path, 'train', {}).spent() == 12.5


def test_hash_of_files_sees_names_and_contents(tmp_path):
    (tmp_path / 'a').write_text('x')
    files = [tmp_path / 'a']
    first = hash_files(tmp_path, files)
    (tmp_path / 'a').write_text('y')
    assert hash_files(tmp_path, files) != first
    (tmp_path / 'a').rename(tmp_path / 'b')
    (tmp_path / 'b').write_text('x')
    assert hash_files(tmp_path, [tmp_path / 'b']) != first


def test_a_child_keeps_the_lock_of_its_dead_parent(tmp_path):
    source = 'import sys; sys.stdin.read()'
    with folder_lock(tmp_path) as descriptors:
        child = subprocess.Popen(
            [sys.executable, '-S', '-c', source],
            stdin=subprocess.PIPE,
            pass_fds=descriptors,
        )
    try:
        with (
            pytest.raises(ValueError, match='in use by a demo'),
            folder_lock(tmp_path),
        ):
            pass
    finally:
        child.communicate()
    with folder_lock(tmp_path):
        pass

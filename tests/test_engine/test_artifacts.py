# SPDX-License-Identifier: Apache-2.0
import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import torch
import two_ranks
from mmengine.config import Config

from mmseg_da.engine import (
    KINDS,
    ArtifactStore,
    hash_code,
    hash_config,
    hash_file,
    make_producer,
)

PRODUCER = {'config': 'c' * 64, 'code': 'v1'}
REPO = Path(__file__).resolve().parents[2]


@pytest.fixture
def store(tmp_path):
    return ArtifactStore(tmp_path / 'artifacts')


def make(store, items=('a', 'b'), key='run', producer=PRODUCER, **options):
    with store.writer(
        'pseudo_labels', key, producer, 'cityscapes19', (64, 32), **options
    ) as writer:
        for item in items:
            if item not in writer.done:
                writer.write(item, {f'city/{item}.png': item.encode()})
    return store.root / 'pseudo_labels' / key


def interrupt(store, items):
    """Write some items, then fail in the next."""
    with (
        pytest.raises(KeyboardInterrupt),
        store.writer(
            'pseudo_labels', 'run', PRODUCER, 'cityscapes19', (64, 32)
        ) as writer,
    ):
        for item in items:
            writer.write(item, {f'city/{item}.png': item.encode()})
        writer.path('city/torn.png').write_bytes(b'ha')
        raise KeyboardInterrupt


def test_manifest_describes_the_files(store):
    folder = make(store, meta={'threshold': (0.9, 0.8)})
    found = store.open('pseudo_labels', 'run', verify='full')
    assert found.path == folder
    assert list(found.files) == ['city/a.png', 'city/b.png']
    assert found.files['city/a.png'].read_bytes() == b'a'
    entry = found.manifest['files']['city/a.png']
    assert entry == {'size': 1, 'sha256': hash_file(folder / 'city/a.png')}
    del found.manifest['files']
    assert found.manifest == {
        'kind': 'pseudo_labels',
        'key': 'run',
        'format_version': 1,
        'producer': PRODUCER,
        'class_view': 'cityscapes19',
        'sizes': [64, 32],
        'meta': {'threshold': [0.9, 0.8]},
        'count': 2,
    }
    assert sorted(p.name for p in folder.parent.iterdir()) == ['run']
    assert sorted(p.name for p in folder.iterdir()) == [
        'city',
        'manifest.json',
    ]


def test_files_of_other_libraries_are_added(store):
    with store.writer('flow', 'pairs', PRODUCER) as writer:
        writer.path('x/1.flo').write_bytes(b'flow')
        writer.add('1', ['x/1.flo'])
    assert store.open('flow', 'pairs').manifest['count'] == 1


def test_an_interrupted_stage_goes_on(store):
    interrupt(store, ['a', 'b'])
    with pytest.raises(FileNotFoundError, match='was interrupted'):
        store.open('pseudo_labels', 'run')
    with store.writer(
        'pseudo_labels', 'run', PRODUCER, 'cityscapes19', (64, 32)
    ) as writer:
        assert writer.done == {'a', 'b'}
        writer.write('c', {'city/c.png': b'c'})
    # The torn file of the interrupted item is gone.
    files = store.open('pseudo_labels', 'run', verify='full').files
    assert list(files) == ['city/a.png', 'city/b.png', 'city/c.png']
    assert not (store.root / 'pseudo_labels/run/city/torn.png').exists()


def test_same_bytes_with_and_without_interruption(store, tmp_path):
    interrupt(store, ['a'])
    folder = make(store, ['a', 'b', 'c'])
    other = make(ArtifactStore(tmp_path / 'other'), ['a', 'b', 'c'])
    name = 'manifest.json'
    assert (folder / name).read_bytes() == (other / name).read_bytes()


def test_torn_journal_line_is_made_again(store):
    interrupt(store, ['a', 'b'])
    journal = store.root / 'pseudo_labels/run.partial/.journal/0.jsonl'
    journal.write_text(journal.read_text()[:-7])
    with store.writer(
        'pseudo_labels', 'run', PRODUCER, 'cityscapes19', (64, 32)
    ) as writer:
        assert writer.done == {'a'}
        writer.write('b', {'city/b.png': b'b'})
    assert len(store.open('pseudo_labels', 'run', verify='full').files) == 2


def test_truncated_file_is_made_again(store):
    interrupt(store, ['a', 'b'])
    (store.root / 'pseudo_labels/run.partial/city/a.png').write_bytes(b'')
    make(store)
    store.open('pseudo_labels', 'run', verify='full')


def test_another_producers_half_is_refused_or_cleared(store):
    interrupt(store, ['a'])
    other = {**PRODUCER, 'code': 'v2'}
    with pytest.raises(ValueError, match=r"'v1'.*'v2'.*--clear"):
        make(store, producer=other)
    make(store, ['z'], producer=other, clear=True)
    files = store.open('pseudo_labels', 'run').files
    assert list(files) == ['city/z.png']


def test_a_finished_artifact_is_not_written_over_by_accident(store):
    make(store)
    with pytest.raises(FileExistsError, match=r'is finished.*--overwrite'):
        make(store)
    make(store, ['z'], overwrite=True)
    assert list(store.open('pseudo_labels', 'run').files) == ['city/z.png']
    names = [p.name for p in (store.root / 'pseudo_labels').iterdir()]
    assert names == ['run']


@pytest.mark.dist
def test_all_processes_learn_that_the_first_cannot_write(store, tmp_path):
    make(store)
    two_ranks.start(_refused_as_a_rank, store, two_ranks.port_of(tmp_path))


def _refused_as_a_rank(rank, store, port):
    address = f'tcp://127.0.0.1:{port}'
    torch.distributed.init_process_group(
        'gloo', address, rank=rank, world_size=2
    )
    with pytest.raises(FileExistsError, match='is finished'):
        make(store)
    torch.distributed.destroy_process_group()


def test_a_failed_replacement_leaves_the_old_one(store):
    make(store)
    with (
        pytest.raises(RuntimeError),
        store.writer(
            'pseudo_labels', 'run', PRODUCER, overwrite=True
        ) as writer,
    ):
        writer.write('z', {'z.png': b'z'})
        raise RuntimeError
    assert len(store.open('pseudo_labels', 'run', verify='full').files) == 2


def test_missing_names_the_command(store):
    command = r'python tools/make_artifact\.py flow --key pairs --root'
    with pytest.raises(FileNotFoundError, match=f'is missing.*{command}'):
        store.open('flow', 'pairs')
    assert not store.is_finished('flow', 'pairs')


def test_stale_names_both(store):
    make(store)
    assert store.is_finished('pseudo_labels', 'run', {'sizes': (64, 32)})
    with pytest.raises(ValueError, match=r"stale: its producer.*'v1'.*'v9'"):
        store.open('pseudo_labels', 'run', {'producer': {'code': 'v9'}})
    with pytest.raises(ValueError, match=r'cityscapes19, expected camvid11'):
        store.open('pseudo_labels', 'run', {'class_view': 'camvid11'})
    with pytest.raises(ValueError, match=r'\[64, 32\], expected \[8, 8\]'):
        store.open('pseudo_labels', 'run', {'sizes': (8, 8)})


def damage_missing(folder):
    (folder / 'city/a.png').unlink()


def damage_size(folder):
    (folder / 'city/a.png').write_bytes(b'longer')


def damage_extra(folder):
    (folder / 'city/new.png').write_bytes(b'x')


def damage_content(folder):
    (folder / 'city/a.png').write_bytes(b'X')


@pytest.mark.parametrize(
    ('damage', 'message'),
    [
        (damage_missing, r'city/a\.png is missing'),
        (damage_size, r'city/a\.png has 6 bytes, not 1'),
        (damage_extra, r'city/new\.png is not in the manifest'),
        (damage_content, r'city/a\.png was edited'),
    ],
)
def test_changed_files_are_found(store, damage, message):
    damage(make(store))
    with pytest.raises(ValueError, match=message):
        store.open('pseudo_labels', 'run', verify='full')


def test_same_size_edits_need_the_full_check(store):
    damage_content(make(store))
    store.open('pseudo_labels', 'run')


def edit(folder, **changes):
    path = folder / 'manifest.json'
    manifest = json.loads(path.read_text())
    manifest.update(changes)
    path.write_text(json.dumps(manifest))


@pytest.mark.parametrize(
    ('changes', 'message'),
    [
        ({'kind': 'flow'}, "'kind': 'flow'.*wrong folder"),
        ({'format_version': 7}, "'format_version': 7"),
        ({'files': 3}, 'is not a manifest of mmseg-da'),
        (
            {'files': {'../../x': {'size': 1, 'sha256': ''}}},
            'outside the folder',
        ),
    ],
)
def test_foreign_manifests_are_refused(store, changes, message):
    edit(make(store), **changes)
    with pytest.raises(ValueError, match=message):
        store.open('pseudo_labels', 'run')


def test_unreadable_manifest_is_refused(store):
    (make(store) / 'manifest.json').write_text('{"kind": ')
    with pytest.raises(ValueError, match='is not a manifest'):
        store.open('pseudo_labels', 'run')


@pytest.mark.parametrize('key', ['', '../up', 'a/b', '.hidden', 'x.partial'])
def test_bad_keys(store, key):
    with pytest.raises(ValueError, match='artefact key'):
        store.open('flow', key)


def test_bad_arguments(store):
    with pytest.raises(ValueError, match=f"'flows'.*{', '.join(KINDS)}"):
        store.is_finished('flows', 'x')
    with pytest.raises(ValueError, match="verify='deep'"):
        store.open('flow', 'x', verify='deep')


@pytest.mark.parametrize('name', ['../x', '/x', 'manifest.json', '', '.'])
def test_bad_file_names(store, name):
    with (
        pytest.raises(ValueError, match='use a relative path'),
        store.writer('flow', 'pairs', PRODUCER) as writer,
    ):
        writer.path(name)


def test_two_writers_at_once_are_refused(store):
    with store.writer('flow', 'pairs', PRODUCER) as writer:
        writer.write('a', {'a': b'a'})
        with pytest.raises(ValueError, match=f'by process {os.getpid()} on'):
            store.writer('flow', 'pairs', PRODUCER).__enter__()
    assert store.open('flow', 'pairs').manifest['count'] == 1


def test_the_lock_of_another_host_is_respected(store):
    owner = store.root / 'flow/pairs.lock.json'
    owner.parent.mkdir(parents=True)
    owner.write_text('{"pid": 12, "host": "elsewhere"}')
    with pytest.raises(ValueError, match=r'12 on host elsewhere.*lock\.json'):
        store.writer('flow', 'pairs', PRODUCER).__enter__()


KILLED = """
import sys, time
from mmseg_da.engine.artifacts import ArtifactStore
with ArtifactStore(sys.argv[1]).writer('flow', 'pairs', {'code': 'v1'}) as w:
    for i in range(1000000):
        w.write(f'{i:07d}', {f'{i:07d}.bin': b'x' * 1000})
        print(i, flush=True)
"""


def test_a_killed_writer_is_resumed(store):
    process = subprocess.Popen(
        [sys.executable, '-c', KILLED, str(store.root)],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env={**os.environ, 'PYTHONPATH': str(REPO)},
        text=True,
    )
    for line in process.stdout:
        if line.strip() == '20':
            break
    process.send_signal(signal.SIGKILL)
    process.wait()
    with store.writer('flow', 'pairs', {'code': 'v1'}) as writer:
        assert len(writer.done) >= 20
    found = store.open('flow', 'pairs', verify='full')
    assert found.manifest['count'] == len(found.files) >= 20


def test_config_hash_ignores_where_and_how():
    base = dict(model=dict(lr=(1, 2), type='A'), work_dir='x', launcher='none')
    same = Config(
        dict(launcher='slurm', model=dict(type='A', lr=[1, 2]), resume=True)
    )
    assert hash_config(base) == hash_config(same)
    assert hash_config(base) != hash_config(dict(model=dict(type='B')))


def test_producer_names_config_checkpoint_and_code(tmp_path):
    weights = tmp_path / 'w.pth'
    weights.write_bytes(b'abc')
    producer = make_producer({'a': 1}, weights, (hash_file,))
    assert producer == {
        'config': hash_config({'a': 1}),
        'checkpoint': 'ba7816bf8f01cfea414140de5dae2223'
        'b00361a396177a9cb410ff61f20015ad',
        'code': hash_code(hash_file),
    }
    assert make_producer()['code'].startswith('v')

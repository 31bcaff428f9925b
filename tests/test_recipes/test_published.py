# SPDX-License-Identifier: Apache-2.0
"""Published records: whole, of the stages that made them, with their costs."""

import dataclasses
import json
import sys

import pytest
from fake_stages import example_record

from mmseg_da.evaluation.records import read_record, write_record
from mmseg_da.recipes import RecipeError
from mmseg_da.recipes.processes import Child
from mmseg_da.recipes.publish import retire_records
from mmseg_da.utils.process_memory import peak_memory_mib


def edit(path, old, new):
    """Edit a file without a change of its size."""
    text = path.read_text()
    assert old in text and len(old) == len(new)
    path.write_text(text.replace(old, new))


def test_an_edited_record_is_repaired(workshop):
    config = workshop.config()
    (path,) = workshop.run(config)
    before = read_record(path)
    edit(path, '"mIoU": 6', '"mIoU": 9')
    with pytest.raises(ValueError, match='mIoU'):
        read_record(path)
    workshop.run(config)
    assert '✓' not in workshop.output
    assert read_record(path).scores == before.scores
    assert (path.parent / 'outdated/net_a2b_seed0-damaged.json').is_file()


def test_an_edited_record_of_a_stage_is_measured_again(workshop):
    configs = [workshop.config(name) for name in ('net_a2b', 'other_a2b')]
    (path, _) = workshop.run(*configs)
    test = workshop.plan(configs[0]).stages[1].folder.path
    edit(test / 'record.json', '"mIoU": 6', '"mIoU": 9')
    path.unlink()
    plan = workshop.plan(configs[0])
    assert plan.stages[1].reason == 'record.json was edited (another SHA-256)'
    assert len(workshop.run(*configs)) == 2
    assert workshop.output.count('✓') == 1
    assert read_record(path).scores.miou['mIoU'] < 90
    assert test.with_name(f'{test.name}.damaged1').is_dir()


def test_one_record_that_cannot_be_published_stops_no_other(
    workshop, monkeypatch
):
    configs = [workshop.config(name) for name in ('net_a2b', 'other_a2b')]
    workshop.run(*configs)
    records = workshop.root / 'records'
    for path in records.iterdir():
        path.unlink()
    test = workshop.plan(configs[0]).stages[1].folder.path

    def read(path, need_scores=True):
        if path.parent == test:  # As after --ignore-code with another schema.
            raise ValueError('record of schema version 0')
        return read_record(path, need_scores)

    monkeypatch.setattr('mmseg_da.recipes.publish.read_record', read)
    with pytest.raises(RecipeError, match='record of schema version 0'):
        workshop.run(*configs)
    assert [p.name for p in records.iterdir()] == ['other_a2b_seed0.json']


def test_records_tell_whether_older_code_was_used(workshop):
    ignoring = dataclasses.replace(workshop.settings, ignore_code=True)
    config = workshop.config()
    (path,) = workshop.run(config, settings=ignoring)
    assert not read_record(path).code.ignored  # Nothing was to ignore.
    tool = workshop.folder / 'tools/train.py'
    tool.write_text(tool.read_text() + '\nx = 1\n')
    workshop.config(test_cfg={'type': 'Other'})
    workshop.run(config, settings=ignoring)
    assert workshop.output.count('✓') == 1  # the test alone
    assert read_record(path).code.ignored


@pytest.mark.parametrize('cuda', [None, 4321.0])
def test_memory_of_a_test_is_that_of_the_gpu_if_there_is_one(workshop, cuda):
    record = example_record()
    cost = dataclasses.replace(record.cost, peak_cuda_mib=cuda)
    write_record(
        workshop.folder / 'tools/record.json', record.replace(cost=cost)
    )
    (path,) = workshop.run(workshop.config())
    test = json.loads(path.read_text())['cost']['stages'][-1]
    if cuda is None:
        assert 1 < test['peak_mib'] < 4000
    else:
        assert test['peak_mib'] == cuda


def test_records_elsewhere_are_retired_too(workshop):
    config = workshop.config()
    (path,) = workshop.run(config)
    copies = workshop.folder / 'copies'
    copies.mkdir()
    for name in (path.name, 'foreign_a2b_seed0.json'):
        (copies / name).write_bytes(path.read_bytes())
    assert retire_records(copies, workshop.plan(config)) == []
    workshop.config(model={'width': 2})
    (moved,) = retire_records(copies, workshop.plan(config))
    assert moved.parent == copies / 'outdated' and moved.is_file()
    assert [p.name for p in copies.glob('*.json')] == [
        'foreign_a2b_seed0.json'
    ]


@pytest.mark.skipif(sys.platform != 'linux', reason='only Linux tells')
def test_memory_of_a_command_is_that_of_its_largest_process(tmp_path):
    ballast = bytearray(300 * 2**20)  # Not counted: it is of the parent.
    inner = 'import sys; b = b"x" * (60 << 20); print(flush=True); input()'
    outer = (
        'import subprocess as s, sys\n'
        f'c = s.Popen([sys.executable, "-c", {inner!r}], stdin=s.PIPE)\n'
        'c.wait()'
    )
    log = tmp_path / 'log'
    child = Child([sys.executable, '-c', outer], log, {})
    while not log.read_text():
        assert child.poll() is None
    assert child.poll() is None
    assert 60 < peak_memory_mib(child._process.pid) < 250
    assert peak_memory_mib(2**30) == 0
    child.stop()
    assert len(ballast)

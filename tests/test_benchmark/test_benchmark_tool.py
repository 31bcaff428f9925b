# SPDX-License-Identifier: Apache-2.0
"""The tool, with recipes that take milliseconds."""

import multiprocessing
import random
import time
from pathlib import Path

import pytest
from benchmark_records import make_record, save
from tool_calls import load as load_tool

from mmseg_da.benchmark import GridResult
from mmseg_da.utils.files import atomic_write

STEPS = 16
SCORES = {'source-only': 40, 'adabn': 46, 'oracle': 60}


@pytest.fixture(scope='module')
def tool():
    return load_tool('benchmark')


@pytest.fixture(autouse=True)
def data(street_world, monkeypatch):
    monkeypatch.setenv('STREET_WORLD_ROOT', str(street_world))


def fake_training(root: Path, name: str, steps: int) -> None:
    """Some steps, each with a checkpoint; goes on where it was."""
    checkpoint = root / 'stages' / name
    done = int(checkpoint.read_text()) if checkpoint.is_file() else 0
    for step in range(done, steps):
        time.sleep(0.004)
        with (root / 'stages' / 'log').open('a') as log:
            log.write(f'{name} {step}\n')
        with atomic_write(checkpoint) as temporary:
            temporary.write_text(str(step + 1))


def fake_runner(cells, settings, console, broken=(), steps=2):
    """Stands for ``run_cells``: the same promises, no networks."""
    root, result = settings.work_root, GridResult()
    (root / 'stages').mkdir(exist_ok=True)
    for cell in cells:
        if cell.recipe in broken:
            result.failures[cell] = 'out of memory'
            continue
        name = f'{cell.recipe}_seed{cell.seed}'
        path = root / 'records' / f'{name}.json'
        if not path.is_file():
            fake_training(root, name, steps)
            street = SCORES[cell.recipe.partition('_')[0]] + cell.seed
            record = make_record(cell.recipe, cell.seed, street)
            save(root / 'records', record)
        result.records[cell] = [path]
    return result


def run(tool, root, *options, **runner):
    args = tool.parse_args(['run', f'--work-root={root}', *options])
    return tool.run(args, lambda *a: fake_runner(*a, **runner))


def table(tool, root, capsys):
    capsys.readouterr()
    assert tool.main(['table', f'--records={root}/records']) is None
    return capsys.readouterr().out


METHODS = '--methods=source-only,adabn,oracle'


def test_run_prints_and_writes_the_table(tool, tmp_path, capsys):
    out = tmp_path / 'out'
    assert run(tool, tmp_path / 'w', METHODS, f'--out={out}') == 0
    printed = capsys.readouterr().out
    assert '| adabn       |     3 | 33.5 ± 0.5 |' in printed
    assert (out / 'table.txt').read_text() in printed
    names = {path.name for path in out.iterdir()}
    assert names == {
        'report.html',
        'table.csv',
        'table.md',
        'table.tex',
        'table.txt',
    }


def test_records_are_copied_where_they_are_wanted(tool, tmp_path, capsys):
    folder = tmp_path / 'results'
    run(tool, tmp_path / 'w', METHODS, '--seeds=0', f'--records={folder}')
    assert sorted(path.name for path in folder.glob('*.json')) == [
        'adabn_swg2swc_seed0.json',
        'oracle_swc_seed0.json',
        'source-only_swg2swc_seed0.json',
    ]
    here = tool.main(['table', f'--records={folder}'])
    assert here is None
    assert 'oracle' in capsys.readouterr().out


def test_failures_are_told_at_the_end_and_the_rest_goes_on(
    tool, tmp_path, capsys
):
    root = tmp_path / 'w'
    assert run(tool, root, METHODS, broken=['adabn_swg2swc']) == 1
    output = capsys.readouterr()
    assert '3 of 9 cells failed' in output.err
    assert 'adabn_swg2swc, seed 2: out of memory' in output.err
    assert 'oracle' in output.out
    assert run(tool, root, METHODS) == 0
    steps = (root / 'stages/log').read_text().splitlines()
    assert len(steps) == len(set(steps)) == 9 * 2


def test_a_run_in_which_all_fails_has_no_table(tool, tmp_path, capsys):
    code = run(
        tool, tmp_path / 'w', '--methods=adabn', broken=['adabn_swg2swc']
    )
    assert code == 1
    output = capsys.readouterr()
    assert output.out == ''
    assert 'The same command goes on' in output.err


@pytest.mark.dist
def test_ten_kills_end_with_the_same_table(tool, tmp_path, capsys):
    assert run(tool, tmp_path / 'whole', METHODS) == 0
    expected = table(tool, tmp_path / 'whole', capsys)
    root, chance = tmp_path / 'killed', random.Random(0)
    fork = multiprocessing.get_context('fork')
    # 9 cells of STEPS steps of 4 ms take longer than all of this.
    kills = 0
    for _ in range(10):
        child = fork.Process(
            target=run, args=(tool, root, METHODS), kwargs={'steps': STEPS}
        )
        child.start()
        child.join(chance.uniform(0.01, 0.05))
        kills += child.is_alive()
        child.kill()
        child.join()
    assert kills == 10
    assert run(tool, root, METHODS, steps=STEPS) == 0
    assert table(tool, root, capsys) == expected
    steps = (root / 'stages/log').read_text().splitlines()
    # Every kill repeats at most the step that it interrupted.
    assert 9 * STEPS <= len(steps) <= 9 * STEPS + kills


def test_report_and_noise(tool, records, tmp_path, capsys):
    folder = f'--records={records}'
    assert tool.main(['noise', folder]) is None
    assert 'adabn: 3 seeds, mIoU 36.00 ± 2.00' in capsys.readouterr().out
    out = tmp_path / 'report.html'
    assert tool.main(['report', folder, f'--out={out}']) is None
    assert out.read_text().startswith('<!DOCTYPE html>')


def test_missing_folders_are_errors_of_the_user(tool, records, tmp_path):
    with pytest.raises(FileNotFoundError, match='no such folder of records'):
        tool.main(['table', f'--records={tmp_path}/none'])
    panels = f'--panels={tmp_path}/none'
    with pytest.raises(FileNotFoundError, match='--panels .*no such folder'):
        tool.main(['report', f'--records={records}', '--out=x.html', panels])


@pytest.mark.parametrize(
    'option', ['--seeds=0,0', '--seeds=-1', '--seeds=x', '--parallel=0']
)
def test_wrong_options_are_refused(tool, option):
    with pytest.raises(SystemExit):
        tool.parse_args(['run', option])

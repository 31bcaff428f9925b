# SPDX-License-Identifier: Apache-2.0
import io
import json

import pytest
from mmengine.config import Config
from rich.console import Console

from mmseg_da.demo_run import (
    Demo,
    DemoSettings,
    JobError,
    Method,
    Plan,
    training_progress,
)
from mmseg_da.demo_run.plan import REPO, _code_files

METHODS = (
    Method('source-only', 'source-only_swg2swc'),
    Method('AdaBN', 'adabn_swg2swc', weights_from='source-only'),
    Method('oracle', 'oracle_swc'),
)
SAC = Method('SAC', 'sac-adabn_swg2swc', start_from='source-only')
PREPARATION = {'source-only': 0.0, 'AdaBN': 3.0, 'oracle': 0.0, 'SAC': 0.0}


@pytest.fixture
def same_code(monkeypatch):
    """Edits of the repository while the tests run change no key."""
    monkeypatch.setattr('mmseg_da.demo_run.plan.hash_files', lambda *_: 'code')


def settings(out, iters=None) -> DemoSettings:
    return DemoSettings(out, 0, '256x128', 4, 2, iters, 2, 1)


def write_program(path, content: str) -> list[str]:
    """Arguments that make Python write a file."""
    source = (
        'import pathlib, sys; p = pathlib.Path(sys.argv[1]); '
        'p.parent.mkdir(parents=True, exist_ok=True); '
        'p.write_text(sys.argv[2])'
    )
    return ['-S', '-c', source, str(path), content]


class QuickPlan(Plan):
    """Steps that only write the files the real tools would."""

    broken = ()

    def data_command(self):
        return write_program(self.data_root / 'manifest.json', '{}')

    def train_command(self, method):
        if method.name in self.broken:
            return ['-S', '-c', 'raise SystemExit("no such file")']
        return write_program(self.checkpoint(method), 'weights')

    def test_command(self, method):
        content = {
            'scores': {'miou': {'mIoU': 10.0}, 'metrics': {'mIoU': 10.0}},
            'cost': {
                'preparation_seconds': PREPARATION[method.name],
                'images_per_second': 10.0,
                'peak_rss_mib': 70_000.0,
                'peak_cuda_mib': None,
            },
        }
        file = self.test_step(method).folder / 'test.json'
        return write_program(file, json.dumps(content))


def run(plan) -> tuple[Demo, str]:
    output = io.StringIO()
    demo = Demo(plan, Console(file=output, width=200))
    demo.make_data()
    demo.train()
    demo.test()
    return demo, output.getvalue()


def test_second_run_skips_every_step(tmp_path, same_code):
    plan = QuickPlan(settings(tmp_path), METHODS)
    _, first = run(plan)
    assert 'done before' not in first
    _, second = run(QuickPlan(settings(tmp_path), METHODS))
    assert second.count('done before') == 1 + 2 + 3


def test_a_test_time_method_pays_for_training_and_adaptation(tmp_path):
    demo, _ = run(QuickPlan(settings(tmp_path), METHODS))
    plain, adapted, oracle = demo.results()
    assert adapted.train_seconds == pytest.approx(plain.train_seconds + 3.0)
    assert adapted.test_rate == plain.test_rate == 10.0
    assert adapted.curve == ()
    assert oracle.peak_mib == 70_000.0


def test_a_failed_training_is_done_again_and_the_rest_is_kept(
    tmp_path, same_code
):
    plan = QuickPlan(settings(tmp_path), METHODS)
    plan.broken = ('oracle',)
    with pytest.raises(JobError, match=r'oracle failed(.|\n)*no such file'):
        run(plan)
    assert plan.train_step(METHODS[2]).result() is None
    _, text = run(QuickPlan(settings(tmp_path), METHODS))
    assert 'StreetWorld: done before' in text
    assert '✓ oracle' in text


def test_a_training_that_runs_alone_takes_all_threads(tmp_path):
    plan = Plan(settings(tmp_path), (*METHODS, SAC))
    assert [[m.name for m in r] for r in plan.rounds()] == [
        ['source-only', 'oracle'],
        ['SAC'],
    ]
    threads = {m.name: plan.threads(m) for m in plan.trained()}
    assert threads == {'source-only': 1, 'oracle': 1, 'SAC': 2}
    alone = Plan(settings(tmp_path), METHODS[:1])
    assert alone.threads(METHODS[0]) == 2
    assert plan.environment(2)['OMP_NUM_THREADS'] == '2'
    one, other = (p.train_step(METHODS[0]).key for p in (plan, alone))
    assert one != other


def test_other_iterations_train_anew_on_the_same_images(tmp_path):
    one = Plan(settings(tmp_path, 500), METHODS)
    other = Plan(settings(tmp_path, 100), METHODS)
    assert one.data.folder == other.data.folder
    folders = {p.train_step(METHODS[0]).folder for p in (one, other)}
    assert len(folders) == 2
    assert one.checkpoint(METHODS[1]).name == 'iter_500.pth'
    assert one.checkpoint(METHODS[1]) == one.checkpoint(METHODS[0])


def test_code_that_only_shows_results_changes_no_score():
    parts = {path.relative_to(REPO).parts for path in _code_files()}
    assert ('tools', 'train.py') in parts
    assert ('configs', 'methods', 'oracle_swc.py') in parts
    assert ('mmseg_da', 'uda', 'base.py') in parts
    assert not any(
        'reporting' in names or 'demo_run' in names for names in parts
    )


def test_schedule_is_scaled_with_the_iterations(tmp_path):
    plan = Plan(settings(tmp_path, 50), METHODS)
    options = plan.train_command(METHODS[0])
    cfg = Config.fromfile(REPO / METHODS[0].config_file)
    ends = [s['end'] for s in cfg.param_scheduler]
    assert ends[-1] == cfg.train_cfg.max_iters + 1
    assert f'param_scheduler.{len(ends) - 1}.end=51' in options
    assert 'train_cfg.max_iters=50' in options
    unscaled = Plan(settings(tmp_path), METHODS).train_command(METHODS[0])
    assert not any(o.startswith('param_scheduler') for o in unscaled)


def test_a_row_starts_from_the_weights_of_another(tmp_path, same_code):
    rows = (METHODS[0], SAC, METHODS[2])
    demo, text = run(QuickPlan(settings(tmp_path), rows))
    assert text.index('✓ oracle') < text.index('✓ SAC')
    floor, sac, _ = demo.results()
    plan = demo.plan
    own = plan.train_step(SAC).result()['seconds']
    assert sac.train_seconds == pytest.approx(floor.train_seconds + own)
    plain = Plan(settings(tmp_path), rows)
    load_from = f'load_from={plain.checkpoint(METHODS[0])}'
    assert load_from in plain.train_command(SAC)
    assert not any('load_from' in o for o in plain.train_command(METHODS[0]))


def test_a_row_that_starts_from_another_follows_its_length(tmp_path):
    rows = (METHODS[0], SAC)
    share = Plan(settings(tmp_path), rows).iterations(SAC) / 800
    plans = [Plan(settings(tmp_path, n), rows) for n in (400, 80, 1)]
    found = [plan.iterations(SAC) for plan in plans]
    assert found == [round(400 * share), round(80 * share), 1]
    keys = {plan.train_step(SAC).key for plan in plans}
    assert len(keys) == 3


def test_progress_names_the_last_loss_and_score():
    records = [
        {'iter': 10, 'step': 10, 'loss': 2.0},
        {'step': 10, 'mIoU': 7.25},
        {'iter': 20, 'step': 20, 'loss': 1.5},
    ]
    assert training_progress(records) == (20, 'loss 1.50, val mIoU 7.2')
    assert training_progress([]) == (0, 'starting')

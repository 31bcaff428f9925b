# SPDX-License-Identifier: Apache-2.0
"""Recipes whose stages take milliseconds: stand-ins for the three tools."""

from __future__ import annotations

import io
import json
from pathlib import Path

import numpy as np
import torch
from rich.console import Console

from mmseg_da.evaluation.confusion import class_iou
from mmseg_da.evaluation.records import (
    CheckpointInfo,
    CodeInfo,
    ConfigInfo,
    Cost,
    Protocol,
    Record,
    make_scores,
    write_record,
)
from mmseg_da.recipes import (
    RunSettings,
    identity,
    load_recipe,
    plan_recipe,
    run_recipes,
)

HASH = 'a' * 64
ITERS, INTERVAL = 12, 3

# Its weights are a chain of hashes over the iterations, so that they show
# whether anything was skipped or done with other settings.
TRAIN = """
import argparse, hashlib, json, os, pathlib, time
parser = argparse.ArgumentParser()
parser.add_argument('config')
parser.add_argument('--resume', action='store_true')
parser.add_argument('--work-dir', type=pathlib.Path)
parser.add_argument('--seed')
parser.add_argument('--cfg-options', nargs='+', default=[])
args = parser.parse_args()
cfg = {}
exec(open(args.config).read(), cfg)
if cfg.get('broken'):
    raise SystemExit(f'broken: {cfg["broken"]}')
work = args.work_dir
work.mkdir(exist_ok=True)
text = f'{cfg["model"]} {args.seed} {args.cfg_options}'
start, last = 0, work / 'last_checkpoint'
if args.resume and last.exists():
    start, text = json.loads(pathlib.Path(last.read_text()).read_text())
for step in range(start + 1, cfg['train_cfg']['max_iters'] + 1):
    with (work / 'steps.txt').open('a') as file:
        file.write(f'{step}\\n')
    time.sleep(cfg.get('pause', 0))
    text = hashlib.sha256(f'{text} {step}'.encode()).hexdigest()
    if step % cfg['default_hooks']['checkpoint']['interval'] == 0:
        path = work / f'iter_{step}.pth'
        path.write_text(json.dumps([step, text]))
        part = work / 'part'
        part.write_text(str(path))
        os.replace(part, last)
"""
TEST = """
import argparse, hashlib, json, pathlib, sys, time
parser = argparse.ArgumentParser()
for name in ('config', 'checkpoint', '--work-dir', '--json'):
    parser.add_argument(name)
parser.add_argument('--tta', action='store_true')
parser.add_argument('--cfg-options', nargs='+', default=[])
args = parser.parse_args()
cfg = {}
exec(open(args.config).read(), cfg)
time.sleep(cfg.get('pause', 0))
template = pathlib.Path(__file__).with_name('record.json')
record = json.loads(template.read_text())
content = pathlib.Path(args.checkpoint).read_bytes()
record['checkpoint']['sha256'] = hashlib.sha256(content).hexdigest()
record['config']['name'] = pathlib.Path(args.config).stem
part = pathlib.Path(args.json + '.part')
part.write_text(json.dumps(record))
part.replace(args.json)
"""
# Copies a file into an artefact, counting its starts.
ARTIFACT = """
import argparse, hashlib, json, os, pathlib
parser = argparse.ArgumentParser()
parser.add_argument('kind')
for name in ('--key', '--root', '--config', '--checkpoint', '--labels'):
    parser.add_argument(name)
parser.add_argument('--clear', action='store_true')
args = parser.parse_args()
folder = pathlib.Path(args.root, args.kind, args.key)
part = folder.with_name('part')
part.mkdir(parents=True, exist_ok=True)
content = pathlib.Path(args.labels or args.checkpoint).read_bytes()
(part / 'content').write_bytes(content)
entry = {'size': len(content), 'sha256': hashlib.sha256(content).hexdigest()}
manifest = {
    'kind': args.kind, 'key': args.key, 'format_version': 1, 'producer': {},
    'class_view': None, 'sizes': None, 'meta': {}, 'count': 1,
    'files': {'content': entry},
}
(part / 'manifest.json').write_text(json.dumps(manifest))
os.replace(part, folder)
with open(pathlib.Path(args.root, '..', 'starts.txt'), 'a') as file:
    file.write('start\\n')
"""


def example_record() -> Record:
    """A valid record of three classes, one of which occurs nowhere."""
    matrix = np.array([[5, 1, 0], [2, 7, 0], [0, 0, 0]])
    iou = 100 * class_iou(torch.from_numpy(matrix))
    metrics = {'mIoU': float(iou.nanmean()), 'mIoU13': float('nan')}
    classes = ('road', 'car', 'sky')
    return Record(
        created='2026-01-01T00:00:00+00:00',
        recipe='oracle_swc',
        stage='test',
        method='oracle',
        direction='swc',
        variant='',
        seed=0,
        repeat=0,
        selection='last',
        predict_on='segmentor',
        config=ConfigInfo('oracle_swc', HASH),
        code=CodeInfo('0.1.0', None, None, HASH, False),
        checkpoint=CheckpointInfo('iter_12.pth', HASH, 12),
        data={'test': HASH},
        protocol=Protocol(
            class_view='cityscapes19',
            dataset='cs',
            data_sha256=HASH,
            images=4,
            input_size=(256, 128),
            evaluation_size=(256, 128),
            interpolation='bilinear',
            inference='whole',
            tta=False,
            subsets=('13',),
        ),
        classes=classes,
        scores=make_scores(metrics, matrix, classes),
        curves={'mIoU': ((6.0, 10.0), (12.0, 20.0))},
        cost=Cost(0.0, 1.0, 4.0, 300.0, None, 1, ()),
        versions={'torch': '2.14.1'},
        machine={'cpu': 'a cpu', 'cores': 2},
    )


class Workshop:
    """A folder with configs, the fake tools and a work root.

    Args:
        folder: Empty folder.
        monkeypatch: Puts the fake tools in place of the real ones.
    """

    def __init__(self, folder: Path, monkeypatch) -> None:
        self.folder = folder
        tools = folder / 'tools'
        tools.mkdir()
        write_record(tools / 'record.json', example_record())
        for kind, source in (
            ('train', TRAIN),
            ('test', TEST),
            ('artifact', ARTIFACT),
        ):
            path = tools / f'{kind}.py'
            path.write_text(source)
            monkeypatch.setitem(identity.TOOLS, kind, str(path))
        self.root = folder / 'root'
        self.settings = RunSettings(self.root)
        self.output = ''

    def config(self, name: str = 'net_a2b', **values) -> Path:
        """Write a config; keyword arguments are added to it."""
        content = {
            'model': {'width': 1},
            'train_cfg': {'max_iters': ITERS},
            'default_hooks': {'checkpoint': {'interval': INTERVAL}},
            **values,
        }
        path = self.folder / f'{name}.py'
        lines = [f'{key} = {value!r}' for key, value in content.items()]
        path.write_text('\n'.join(lines) + '\n')
        return path

    def recipe(self, *stages: dict, name: str = 'both_a2b') -> Path:
        """Write a recipe."""
        path = self.folder / f'{name}.py'
        path.write_text(f'stages = {list(stages)!r}\n')
        return path

    def plan(self, name, seed: int = 0, repeat: int = 0, settings=None):
        """Plan a recipe."""
        settings = settings or self.settings
        return plan_recipe(load_recipe(str(name)), seed, settings, repeat)

    def actions(self, name, **options) -> dict[str, str]:
        """Stage name to action."""
        plan = self.plan(name, **options)
        return {stage.spec.name: stage.action for stage in plan.stages}

    def run(self, *names, seeds=(0,), settings=None) -> list[Path]:
        """Plan and run; the console's text is kept in ``output``."""
        settings = settings or self.settings
        plans = [self.plan(n, s, 0, settings) for s in seeds for n in names]
        return self.run_plans(plans, settings)

    def run_plans(self, plans, settings=None) -> list[Path]:
        """Run plans."""
        console = Console(file=io.StringIO(), width=200)
        try:
            return run_recipes(plans, settings or self.settings, console)
        finally:
            self.output = console.file.getvalue()

    def steps(self, stage) -> list[int]:
        """Iterations that the training of a planned stage carried out."""
        text = (stage.folder.work_dir / 'steps.txt').read_text()
        return [int(line) for line in text.split()]


def checkpoint_of(record: Path) -> str:
    """Hash of the weights that a record is about."""
    return json.loads(record.read_text())['checkpoint']['sha256']

# SPDX-License-Identifier: Apache-2.0
"""The command of a stage, and what it leaves when it has ended."""

from __future__ import annotations

import os
import shlex
import sys
from pathlib import Path

from mmengine.config import Config

from mmseg_da.engine.artifacts import MANIFEST, ArtifactStore
from mmseg_da.evaluation.records import read_record

from .declaration import PLACEHOLDER, REPO
from .identity import TOOLS, resolve
from .plan import PlannedStage, RunSettings


def stage_command(stage: PlannedStage, settings: RunSettings) -> list[str]:
    """Command line of a stage; it goes on if the stage was interrupted.

    Args:
        stage: A stage whose inputs are finished.
        settings: How recipes are run.
    """
    spec, folder = stage.spec, stage.folder
    tool = str(REPO / TOOLS[spec.kind])
    config = [] if spec.config is None else [str(spec.config)]
    weights = _checkpoint(stage)
    if spec.kind == 'train':
        command = [*_launch(tool, settings), *config, '--resume']
        command += [f'--work-dir={folder.work_dir}', f'--seed={stage.seed}']
    elif spec.kind == 'test':
        command = [sys.executable, tool, *config, *weights]
        command += [f'--work-dir={folder.work_dir}']
        command += [f'--json={folder.path / "record.json"}']
        command += ['--tta'] if spec.tta else []
    else:
        command = [sys.executable, tool, spec.artifact, '--clear']
        command += [f'--key={artifact_key(stage)}']
        command += [f'--root={artifact_root(stage)}']
        command += [f'--config={path}' for path in config]
        command += [f'--checkpoint={path}' for path in weights]
        command += [fill(text, stage) for text in spec.arguments]
    if spec.options:
        command.append('--cfg-options')
    command += [f'{k}={fill(str(v), stage)}' for k, v in spec.options.items()]
    return command


def stage_environment(
    stage: PlannedStage, settings: RunSettings
) -> dict[str, str]:
    """Variables of a stage: its own, threads, this repository."""
    threads = str(settings.threads)
    path = os.environ.get('PYTHONPATH')
    own = {key: fill(value, stage) for key, value in stage.spec.env.items()}
    return {
        'OMP_NUM_THREADS': threads,
        'MKL_NUM_THREADS': threads,
        'OPENBLAS_NUM_THREADS': threads,
        'PYTHONUNBUFFERED': '1',
        'PYTHONPATH': os.pathsep.join([str(REPO), *([path] * bool(path))]),
        **own,
    }


def fill(text: str, stage: PlannedStage) -> str:
    """Put the paths of finished stages into ``{stage.output}``."""

    def path(match) -> str:
        name, output = match.groups()
        return str(output_of(stage.inputs[name], output or ''))

    return PLACEHOLDER.sub(path, text)


def output_of(stage: PlannedStage, name: str) -> Path | str:
    """An output of a finished stage.

    Args:
        stage: The stage.
        name: Output; '' for the main one.

    Raises:
        ValueError: The stage has none of that name.
    """
    result = stage.folder.result()
    outputs = {} if result is None else dict(result.outputs)
    if stage.spec.kind == 'artifact':
        outputs['root'] = artifact_root(stage)
        outputs['key'] = artifact_key(stage)
        name = name or 'folder'
    name = name or 'last'
    if name not in outputs:
        hint = ''
        if name == 'best':
            hint = (
                "; set default_hooks.checkpoint.save_best='mIoU' in "
                f'{stage.spec.config.name}'
            )
        raise ValueError(
            f'stage {stage.folder.path} has no output {name!r}{hint}'
        )
    return outputs[name]


def artifact_root(stage: PlannedStage) -> Path:
    """Store of an artefact stage."""
    return stage.folder.path / 'artifacts'


def artifact_key(stage: PlannedStage) -> str:
    """Key of the artefact of a stage."""
    return f'{stage.spec.title}-{stage.identity.key[:8]}'


def is_done(stage: PlannedStage) -> bool:
    """Whether an artefact is complete although its stage did not notice."""
    if stage.spec.kind != 'artifact':
        return False
    store = ArtifactStore(artifact_root(stage))
    return store.is_finished(stage.spec.artifact, artifact_key(stage))


def collect_outputs(
    stage: PlannedStage,
) -> tuple[dict[str, Path], list[Path]]:
    """Outputs of a stage whose command ended well, and files to guard.

    Raises:
        FileNotFoundError: Something is missing.
        ValueError: Something is wrong with it.
    """
    folder = stage.folder
    if stage.spec.kind == 'test':
        record = folder.path / 'record.json'
        read_record(record)
        return {'record': record}, [record]
    if stage.spec.kind == 'artifact':
        store = ArtifactStore(artifact_root(stage))
        artifact = store.open(stage.spec.artifact, artifact_key(stage))
        files = [artifact.path / MANIFEST, *artifact.files.values()]
        return {'folder': artifact.path}, files
    last = folder.work_dir / f'iter_{iterations(stage)}.pth'
    if not last.is_file():
        raise FileNotFoundError(
            f'the training ended well but did not write {last}'
        )
    outputs = {'last': last}
    best = sorted(
        folder.work_dir.glob('best_*.pth'), key=lambda p: p.stat().st_mtime
    )
    if best:
        outputs['best'] = best[-1]
    return {**outputs, 'work_dir': folder.work_dir}, list(outputs.values())


def iterations(stage: PlannedStage) -> int:
    """Iterations of a training."""
    return stage_config(stage).train_cfg.max_iters


def stage_config(stage: PlannedStage) -> Config:
    """Config of a stage whose inputs are finished, as its command reads it.

    Raises:
        ValueError: The config is wrong.
    """
    spec = stage.spec
    options = {k: fill(str(v), stage) for k, v in spec.options.items()}
    env = {k: fill(v, stage) for k, v in spec.env.items()}
    return resolve(spec.config, options, env)


def command_text(command: list[str]) -> str:
    """A command as it can be typed."""
    return shlex.join(command)


def _checkpoint(stage: PlannedStage) -> list[str]:
    spec = stage.spec
    if not spec.checkpoint:
        return []
    source = stage.inputs[spec.checkpoint]
    return [str(output_of(source, spec.selection))]


def _launch(tool: str, settings: RunSettings) -> list[str]:
    """How a training is started: alone, by torchrun, or by srun."""
    number = settings.processes
    if settings.launcher == 'slurm':
        extra = shlex.split(os.environ.get('SRUN_ARGS', ''))
        gpus = os.environ.get('GPUS_PER_NODE', str(min(number, 4)))
        srun = ['srun', f'--ntasks={number}', f'--ntasks-per-node={gpus}']
        srun += [f'--gres=gpu:{gpus}', '--kill-on-bad-exit=1', *extra]
        return [*srun, sys.executable, '-u', tool, '--launcher=slurm']
    if number == 1:
        return [sys.executable, tool]
    torchrun = [sys.executable, '-m', 'torch.distributed.run', '--standalone']
    torchrun += [f'--nproc_per_node={number}']
    return [*torchrun, tool, '--launcher=pytorch']

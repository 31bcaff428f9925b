# SPDX-License-Identifier: Apache-2.0
"""Train a model from a config.

python tools/train.py configs/methods/oracle_camvid.py
tools/dist_train.sh configs/methods/oracle_cs.py 4 --amp
"""

import argparse
import logging
import sys
import zipfile
from collections.abc import Sequence
from pathlib import Path

# A clone works without being installed.
sys.path.append(str(Path(__file__).resolve().parents[1]))

try:
    from mmengine.config import Config
    from mmengine.logging import print_log
    from mmengine.runner import Runner
    from mmseg.registry import RUNNERS

    from mmseg_da.compat import check_environment
    from mmseg_da.engine import apply_amp, prepare_launcher
    from mmseg_da.utils import tool_runner
    from mmseg_da.utils.checkpoints import refuse_unsafe_checkpoints
except ImportError as error:
    sys.exit(f'error: {error}\npython tools/doctor.py shows what is missing.')


def parse_args(argv: Sequence[str] | None = None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        description='Train a model from a config.'
    )
    parser.add_argument('config', help='config file')
    parser.add_argument(
        '--resume',
        nargs='?',
        const='auto',
        metavar='CHECKPOINT',
        help='go on from the last checkpoint of the work directory (a fresh '
        'start if there is none), or from the one given',
    )
    parser.add_argument(
        '--amp', action='store_true', help='automatic mixed precision'
    )
    parser.add_argument('--seed', type=int, help='seed of all randomness')
    tool_runner.add_common_arguments(parser)
    return parser.parse_args(argv)


def last_checkpoint(work_dir: str) -> str | None:
    """Newest checkpoint of a work directory, also after it was moved.

    A run that was killed may leave the file ``last_checkpoint`` empty, or a
    checkpoint cut off: then the newest whole ``iter_*.pth`` counts, and None
    (a fresh start) if there is none. The log tells.
    """
    marker = Path(work_dir, 'last_checkpoint')
    if not marker.is_file():
        return None
    name = marker.read_text(encoding='utf-8', errors='replace').strip()
    named = [Path(work_dir, Path(name).name), Path(name)] if name else []
    saved = sorted(
        Path(work_dir).glob('iter_*.pth'),
        key=lambda path: (len(path.name), path.name),
        reverse=True,
    )
    # torch writes zip archives, whose directory comes last.
    whole = (
        path
        for path in (*named, *saved)
        if path.is_file() and zipfile.is_zipfile(path)
    )
    found = next(whole, None)
    if found not in named:
        print_log(
            f'--resume: {marker} names {name!r}, which is no whole checkpoint '
            f'(was the run killed?). {_next_step(found)}',
            logger='current',
            level=logging.WARNING,
        )
    return found and str(found)


def _next_step(found: Path | None) -> str:
    """What is done instead of going on from the named checkpoint."""
    if found is None:
        return 'No other one is whole, so the run starts anew.'
    return f'The newest whole one is taken: {found}.'


def set_resume(cfg: Config, resume: str | None) -> None:
    """Turn ``--resume`` into mmengine's ``resume`` and ``load_from``.

    mmengine's ``resume=True`` would go on from the config's ``load_from``,
    the checkpoint of another run, instead of this run's own.

    Raises:
        FileNotFoundError: The checkpoint does not exist.
    """
    if resume is None:
        return
    found = last_checkpoint(cfg.work_dir) if resume == 'auto' else resume
    cfg.resume = found is not None
    if found is None:
        return
    if not Path(found).expanduser().is_file():
        raise FileNotFoundError(
            f'--resume: checkpoint {found!r} does not exist. Without a value '
            f'--resume takes the last one of {cfg.work_dir!r}.'
        )
    cfg.load_from = found


def train(args: argparse.Namespace) -> None:
    """Check everything that can be checked early, then train."""
    check_environment()
    cfg = tool_runner.load_config(args.config, args.cfg_options)
    tool_runner.set_work_dir(cfg, args)
    set_resume(cfg, args.resume)
    if args.seed is not None:
        cfg.randomness = {**cfg.get('randomness', {}), 'seed': args.seed}
    if args.amp:
        cfg.optim_wrapper = apply_amp(cfg.optim_wrapper)
    prepare_launcher(cfg, args.launcher)
    refuse_unsafe_checkpoints()
    build = RUNNERS.build if 'runner_type' in cfg else Runner.from_cfg
    build(cfg).train()


def main(argv: Sequence[str] | None = None) -> int:
    """Run the tool; the exit code is 2 after an error of the user."""
    return tool_runner.run_tool(train, parse_args(argv))


if __name__ == '__main__':
    sys.exit(main())

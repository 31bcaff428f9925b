# SPDX-License-Identifier: Apache-2.0
"""``tools/make_artifact.py label_selection``."""

from __future__ import annotations

import argparse
import json
import shutil
from collections.abc import Sequence
from pathlib import Path

from mmseg_da.datasets.conversion import artifact_commands
from mmseg_da.datasets.subset_files import check_positions
from mmseg_da.engine.artifact_writer import ArtifactWriter
from mmseg_da.engine.artifacts import ArtifactStore
from mmseg_da.utils.config_options import add_cfg_options

from .label_choice import DIFFICULTY_ERRORS, POOLINGS, check_steps
from .label_procedure import METHODS, select_in_steps
from .label_scores import FEATURES
from .label_sources import LabelSources

__all__ = ['KIND', 'LabelSelectionCommand', 'subset_name']

KIND = 'label_selection'
RANKING = 'subset.json'


class LabelSelectionCommand:
    """Which images are labelled: a given list, or chosen by networks."""

    @staticmethod
    def add_arguments(parser: argparse.ArgumentParser) -> None:
        """Add the options of this kind."""
        artifact_commands.LabelSelectionCommand.add_arguments(parser)
        group = parser.add_argument_group(
            'automatic choice (docs/methods/sde_selection.md)'
        )
        group.add_argument(
            '--method',
            choices=list(METHODS),
            help='instead of --select: choose images by --config and '
            '--checkpoint (a depth network) and --student',
        )
        group.add_argument('--checkpoint', help='weights for --config')
        group.add_argument(
            '--images',
            default='disparity_images',
            metavar='KEY',
            help='variable of --config with all images (default: %(default)s)',
        )
        group.add_argument(
            '--student',
            metavar='CONFIG',
            help='network trained on the images chosen so far: a depth '
            'student, for entropy a segmentation network',
        )
        add_cfg_options(
            group,
            '--student-options',
            'settings that override the config of the student',
        )
        _add_settings(group)

    @staticmethod
    def run(args: argparse.Namespace, store: ArtifactStore) -> str:
        """Make the artefact.

        Returns:
            What to print.

        Raises:
            ValueError: A wrong option, or data that do not fit.
            OSError: Missing files, or a finished artefact.
        """
        if args.method is None:
            return artifact_commands.LabelSelectionCommand.run(args, store)
        _check_options(args)
        work_dir = Path(
            args.work_dir or f'{store.folder(KIND, args.key)}.students'
        )
        sources = LabelSources(args, work_dir)
        steps = check_steps(args.steps, len(sources.stems))
        sources.set_lengths(args.iters, steps)
        _select(args, store, sources, steps)
        if args.work_dir is None:
            shutil.rmtree(work_dir, ignore_errors=True)
        folder = store.folder(KIND, args.key)
        lines = [f"  indices='{folder / subset_name(n)}'" for n in steps]
        total = len(sources.stems)
        return '\n'.join([f'{args.method}, of {total} images:', *lines])


def subset_name(count: int) -> str:
    """File with the list of a step."""
    return f'nlabels{count}_subset.json'


def _add_settings(group: argparse._ArgumentGroup) -> None:
    group.add_argument(
        '--steps',
        type=_numbers,
        default=[25, 50, 100, 200, 372, 744],
        metavar='N,N,...',
        help='sizes of the lists, one file each; a student is trained before '
        'every one but the first (default: 25,50,100,200,372,744)',
    )
    group.add_argument(
        '--iters',
        type=_numbers,
        metavar='N[,N,...]',
        help='iterations of all students, or of each (paper: '
        "4000,8000,12000,16000,20000; default: the config's)",
    )
    group.add_argument(
        '--seed', type=int, default=42, help='default: %(default)s'
    )
    group.add_argument(
        '--weight',
        type=float,
        default=1000.0,
        help='of the difficulty against the distance (default: %(default)s)',
    )
    group.add_argument(
        '--error', choices=list(DIFFICULTY_ERRORS), default='abs_log'
    )
    group.add_argument('--features', choices=list(FEATURES), default='u3')
    group.add_argument('--pooling', choices=list(POOLINGS), default='avg')
    group.add_argument(
        '--pool-size',
        type=int,
        nargs=2,
        default=[4, 8],
        metavar=('ROWS', 'COLUMNS'),
    )
    group.add_argument(
        '--work-dir',
        help='keep the students here (default: beside the artefact, removed '
        'at the end)',
    )
    group.add_argument('--batch-size', type=int, default=1)
    group.add_argument('--workers', type=int, default=0)
    group.add_argument('--device', help='default: cuda if there is one')


def _numbers(text: str) -> list[int]:
    return [int(part) for part in text.split(',')]


def _check_options(args: argparse.Namespace) -> None:
    if not args.key:
        raise ValueError('--key: name the artefact, e.g. --key swc-ds-us-42')
    if args.select or args.indices:
        raise ValueError(
            '--select and --indices do not go with --method, which chooses '
            'from all images'
        )
    if args.seed < 0:
        raise ValueError(f'--seed {args.seed}: expected 0 or more')
    needs = METHODS[args.method]
    given = {
        '--config': args.config,
        '--checkpoint': args.checkpoint,
        '--student': args.student,
    }
    wanted = {
        # At random: any config that names the data set.
        '--config': needs.diversity
        or (args.method == 'random' and bool(args.config)),
        '--checkpoint': needs.diversity,
        '--student': needs.student is not None,
    }
    for option, wants in wanted.items():
        if wants and not given[option]:
            raise ValueError(f'--method {args.method} needs {option}')
        if given[option] and not wants:
            raise ValueError(f'--method {args.method} uses no {option}')
    if args.dataset and args.method != 'random':
        raise ValueError(
            '--dataset goes with --method random; the others take the images '
            'of their configs'
        )


def _select(
    args: argparse.Namespace,
    store: ArtifactStore,
    sources: LabelSources,
    steps: Sequence[int],
) -> None:
    """Run the missing steps and write the lists."""
    facts = {
        'dataset': sources.dataset.dataset_name,
        'split': sources.dataset.split,
        'num_images': len(sources.stems),
        'order': 'ranking',
        'origin': f'{args.method}, seed {args.seed}',
    }
    with store.writer(
        KIND,
        args.key,
        sources.producer,
        meta={**facts, 'method': args.method, 'steps': list(steps)},
        overwrite=args.overwrite,
        clear=args.clear,
    ) as writer:
        done = _finished_steps(writer, steps, len(sources.stems))
        todo = select_in_steps(
            args.method,
            len(sources.stems),
            steps,
            args.seed,
            sources.distances,
            sources.score,
            args.weight,
            done,
        )
        for step, chosen in todo:
            done[step] = chosen
            content = _content(facts, chosen, sources.stems)
            name = subset_name(step)
            writer.write(name, {name: content})
        content = _content(facts, done[steps[-1]], sources.stems)
        writer.write(RANKING, {RANKING: content})


def _content(facts: dict, chosen: list[int], stems: list[str]) -> bytes:
    content = {
        **facts,
        'positions': chosen,
        'names': [stems[i] for i in chosen],
    }
    return (json.dumps(content, indent=1) + '\n').encode()


def _finished_steps(
    writer: ArtifactWriter, steps: Sequence[int], total: int
) -> dict[int, list[int]]:
    """Lists that an interrupted run wrote."""
    done = {}
    for step in steps:
        name = subset_name(step)
        if name not in writer.done:
            break
        path = writer.path(name)
        chosen = json.loads(path.read_text('utf-8'))['positions']
        check_positions(chosen, total, str(path))
        done[step] = chosen
    return done

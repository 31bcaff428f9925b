# SPDX-License-Identifier: Apache-2.0
"""Turn a training checkpoint into one to hand out.

Keeps the weights and plain facts (classes, iteration, versions, config);
drops optimisers, schedules, logs and random states. The file loads with
``torch.load(path, weights_only=True)`` and carries the first eight digits
of its sha256 in its name.

    python tools/misc/publish_model.py iter_800.pth published/source_only.pth
"""

import argparse
import hashlib
import io
from collections.abc import Sequence
from pathlib import Path

import torch

from mmseg_da.utils.checkpoints import load_checkpoint, to_plain
from mmseg_da.utils.cli import exit_with
from mmseg_da.utils.files import atomic_write

META_KEYS = (
    'cfg',
    'dataset_meta',
    'epoch',
    'iter',
    'seed',
    'mmengine_version',
    'mmseg_da_version',
    'exported',
)


def parse_args(argv: Sequence[str] | None = None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('checkpoint', type=Path)
    parser.add_argument(
        'out', type=Path, help='NAME.pth becomes NAME-<sha256[:8]>.pth'
    )
    parser.add_argument(
        '--force', action='store_true', help='replace an existing file'
    )
    return parser.parse_args(argv)


def strip(checkpoint: dict, path: Path) -> dict:
    """Keep weights and plain facts of a checkpoint.

    Args:
        checkpoint (dict): With ``state_dict`` and perhaps ``meta``.
        path (Path): Where it came from, for errors.

    Returns:
        dict: ``meta`` and ``state_dict``; tensors and plain types only.

    Raises:
        ValueError: If there is no ``state_dict`` of tensors.
    """
    state_dict = checkpoint.get('state_dict')
    if not isinstance(state_dict, dict) or not state_dict:
        raise ValueError(
            f'{path}: has no state_dict (keys: {sorted(checkpoint)[:8]}); '
            'expected a checkpoint written by tools/train.py or '
            'tools/misc/export_segmentor.py'
        )
    for key, value in state_dict.items():
        if not isinstance(value, torch.Tensor):
            raise ValueError(
                f'{path}: state_dict[{key!r}] is a {type(value).__name__}, '
                'expected a tensor'
            )
    meta = checkpoint.get('meta') or {}
    return {
        'meta': {k: to_plain(meta[k], k) for k in META_KEYS if k in meta},
        'state_dict': {
            key: value.detach().clone() for key, value in state_dict.items()
        },
    }


def publish(checkpoint: Path, out: Path, force: bool = False) -> Path:
    """Write the published file.

    Args:
        checkpoint (Path): A training or exported checkpoint.
        out (Path): ``NAME.pth``; the digits are put behind the name.
        force (bool): Replace an existing file. Defaults to False.

    Returns:
        Path: The file written, ``NAME-<sha256[:8]>.pth``.

    Raises:
        ValueError: If ``checkpoint`` is not one or ``out`` is no ``.pth``.
        FileExistsError: If the file exists and ``force`` is not set.
    """
    if out.suffix != '.pth':
        raise ValueError(f'out={str(out)!r}: the name must end in .pth')
    content = strip(load_checkpoint(checkpoint), checkpoint)
    # Into memory first: a file's own name would become part of its bytes,
    # and the same weights would get another hash in every run.
    buffer = io.BytesIO()
    torch.save(content, buffer)
    digest = hashlib.sha256(buffer.getvalue()).hexdigest()[:8]
    target = out.with_name(f'{out.stem}-{digest}.pth')
    if target.exists() and not force:
        raise FileExistsError(f'{target} exists already; --force replaces it')
    with atomic_write(target) as temporary:
        temporary.write_bytes(buffer.getvalue())
        verify(temporary, content)
    return target


def verify(path: Path, content: dict) -> None:
    """Reload a file without help and compare it with what was meant.

    Raises:
        ValueError: If a tensor or fact changed on its way.
    """
    reloaded = torch.load(path, map_location='cpu', weights_only=True)
    wanted, found = content['state_dict'], reloaded['state_dict']
    same = reloaded['meta'] == content['meta'] and list(found) == list(wanted)
    same = same and all(
        torch.equal(_bytes(found[key]), _bytes(value))
        for key, value in wanted.items()
    )
    if not same:
        raise ValueError(
            f'{path}: reading it back gave other content than was written; '
            'the disk may be full or broken'
        )


def _bytes(tensor: torch.Tensor) -> torch.Tensor:
    """View a tensor as bytes, because NaN does not equal itself."""
    return tensor.contiguous().reshape(-1).view(torch.uint8)


def main(argv: Sequence[str] | None = None) -> int:
    """Publish one checkpoint, return the exit code."""
    args = parse_args(argv)
    target = publish(args.checkpoint, args.out, args.force)
    before = args.checkpoint.stat().st_size / 2**20
    after = target.stat().st_size / 2**20
    print(f'{target}: {after:.1f} MiB (was {before:.1f} MiB)')
    return 0


if __name__ == '__main__':
    exit_with(main)

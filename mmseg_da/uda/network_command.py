# SPDX-License-Identifier: Apache-2.0
"""What the artefact commands that run a network have in common."""

from __future__ import annotations

import argparse
from typing import Any

import torch
from mmengine.config import Config
from mmengine.dist import init_dist
from mmengine.registry import init_default_scope
from mmseg.registry import MODELS
from torch import nn

from mmseg_da.engine.launch import init_cpu_dist
from mmseg_da.utils.checkpoint_guard import check_weights
from mmseg_da.utils.checkpoints import load_checkpoint
from mmseg_da.utils.config_options import add_cfg_options

__all__ = [
    'add_network_options',
    'find_images',
    'load_model',
    'pick_device',
    'require_network',
    'start_processes',
]


def add_network_options(group: Any) -> None:
    """Add config, checkpoint, and how they are run.

    Args:
        group: Argument group of a parser.
    """
    # Positional for people, an option for recipes.
    for name in ('config', 'checkpoint'):
        group.add_argument(name, nargs='?', default=argparse.SUPPRESS)
        group.add_argument(f'--{name}', help=f'the same as {name.upper()}')
    add_cfg_options(group)
    group.add_argument('--batch-size', type=int, default=1)
    group.add_argument('--workers', type=int, default=0)
    group.add_argument('--device', help='default: cuda if there is one')
    group.add_argument(
        '--launcher',
        choices=['none', 'pytorch'],
        default='none',
        help='how the processes were started (torchrun: pytorch)',
    )


def require_network(args: argparse.Namespace, kind: str) -> None:
    """Raise ValueError unless config and checkpoint were given."""
    for name in ('config', 'checkpoint'):
        if not getattr(args, name, None):
            raise ValueError(
                f'{name} is missing: make_artifact.py {kind} CONFIG CHECKPOINT'
            )


def start_processes(launcher: str) -> None:
    """Join the processes of torchrun, on GPUs or on the CPU."""
    if launcher == 'none':
        return
    if torch.cuda.is_available():
        init_dist(launcher, backend='nccl')
    else:
        init_cpu_dist()


def pick_device(name: str | None) -> str:
    """The named device, else a GPU if there is one."""
    return name or ('cuda' if torch.cuda.is_available() else 'cpu')


def find_images(cfg: Config, name: str, path: str, hint: str) -> dict:
    """Dataset that a variable of a config holds.

    Args:
        cfg: The config.
        name: The variable.
        path: The config's file, for the message.
        hint: What to do if there is none.

    Raises:
        ValueError: There is none; names the config.
    """
    images = cfg.get(name)
    if not isinstance(images, dict) or 'type' not in images:
        raise ValueError(
            f'{path} has no dataset {name!r}: unlabelled images with the '
            f'pipeline of a test. {hint}'
        )
    return images.to_dict()


def load_model(
    cfg: Config, checkpoint: str, content: dict | None = None
) -> nn.Module:
    """Build the model of a config and fill it strictly.

    Args:
        cfg: The config.
        checkpoint: File of the weights.
        content: What it holds, if it was read already.
    """
    init_default_scope(cfg.get('default_scope', 'mmseg'))
    content = content or load_checkpoint(checkpoint)
    model = MODELS.build(cfg.model)
    check_weights(model, content.get('state_dict', content), checkpoint)
    return model

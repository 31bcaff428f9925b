# SPDX-License-Identifier: Apache-2.0
"""Published files in, checkpoints of this suite out."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from mmseg_da.datasets.class_views import CLASS_VIEWS, get_class_view
from mmseg_da.utils.checkpoints import load_checkpoint, save_checkpoint
from mmseg_da.version import __version__

from .matching import first_keys

_VIEWS_BY_COUNT = {19: 'cityscapes19', 16: 'cityscapes16'}


@dataclass(frozen=True)
class SourceFile:
    """A file that was read safely.

    Attributes:
        path: Where it is.
        content: What ``torch.save`` wrote; tensors and plain types.
        sha256, md5: Of its bytes, hexadecimal.
    """

    path: Path
    content: dict[str, Any] = field(repr=False)
    sha256: str
    md5: str


@dataclass(frozen=True)
class Imported:
    """Weights in the names of this suite.

    Attributes:
        kind: What the file was, in words.
        state_dict: The weights.
        classes: Number of classes; None for a backbone alone.
        config: Config the weights are for.
        notes: Lines for the user.
        details: Facts for the checkpoint's ``meta``.
    """

    kind: str
    state_dict: dict[str, Tensor] = field(repr=False)
    classes: int | None
    config: str
    notes: tuple[str, ...] = ()
    details: Mapping[str, Any] = field(default_factory=dict)


def read_source(path: str | Path) -> SourceFile:
    """Read a file with ``weights_only=True`` and compute its digests.

    Raises:
        FileNotFoundError: No such file.
        ValueError: No torch file, a broken one, or one that holds more than
            tensors and plain types.
    """
    path = Path(path).expanduser()
    content = load_checkpoint(path)
    sha256, md5 = hashlib.sha256(), hashlib.md5(usedforsecurity=False)
    with path.open('rb') as file:
        while block := file.read(1 << 20):
            sha256.update(block)
            md5.update(block)
    return SourceFile(path, content, sha256.hexdigest(), md5.hexdigest())


def require_tensors(state: Mapping[str, Any], path: Path) -> None:
    """Refuse a dict that holds something beside tensors.

    Raises:
        ValueError: Names the keys, those inside, and what to do.
    """
    others = [k for k, v in state.items() if not isinstance(v, Tensor)]
    if not others and state:
        return
    if {'model', 'epoch'} <= state.keys():
        advice = 'It looks like a SAC snapshot: use model_converters/sac.py.'
    elif 'meta' in state:
        advice = 'It looks like a checkpoint of mmengine: use it as it is.'
    else:
        advice = 'Save the state dict alone and convert that file.'
    inside = next((v for v in state.values() if isinstance(v, Mapping)), {})
    raise ValueError(
        f'{path}: expected a flat state dict of tensors, found a wrapped '
        f'dict with the keys {first_keys(list(state))} (inside: '
        f'{first_keys(list(inside)) or "nothing"}). {advice}'
    )


def view_for(classes: int, name: str | None, path: Path) -> str:
    """Class view of a file with so many classes.

    Args:
        classes: Outputs of its classifier.
        name: View the user asked for, if any.
        path: The file, for the message.

    Raises:
        ValueError: The view has another number of classes, or none has it.
    """
    if name is None and classes not in _VIEWS_BY_COUNT:
        raise ValueError(
            f'{path}: its classifier has {classes} classes, the published '
            'files have 19 (GTA5) or 16 (SYNTHIA); say with --class-view '
            f'which they are: {sorted(CLASS_VIEWS)}'
        )
    name = name or _VIEWS_BY_COUNT[classes]
    expected = get_class_view(name).num_classes
    if expected != classes:
        raise ValueError(
            f'{path}: its classifier has {classes} classes, but class view '
            f'{name!r} has {expected}; give the view it was trained with'
        )
    return name


def write_imported(
    imported: Imported,
    source: SourceFile,
    out: str | Path,
    class_view: str | None,
    force: bool = False,
) -> dict[str, Any]:
    """Write the checkpoint, whole or not at all.

    Args:
        imported: The weights.
        source: Where they come from.
        out: ``NAME.pth``.
        class_view: View of the classes; None for a backbone.
        force: Replace an existing file.

    Returns:
        Its ``meta``.

    Raises:
        ValueError: ``out`` is no ``.pth``.
        FileExistsError: It exists and ``force`` is not set.
    """
    out = Path(out)
    if out.suffix != '.pth':
        raise ValueError(f'out={str(out)!r}: the name must end in .pth')
    if out.exists() and not force:
        raise FileExistsError(f'{out} exists; --force replaces it')
    meta: dict[str, Any] = {
        'mmseg_da_version': __version__,
        'imported': {
            'kind': imported.kind,
            'file': source.path.name,
            'sha256': source.sha256,
            'md5': source.md5,
            'config': imported.config,
            **imported.details,
        },
    }
    if class_view is not None:
        view = get_class_view(class_view)
        meta['dataset_meta'] = {
            'classes': list(view.classes),
            'palette': [list(color) for color in view.palette],
            'class_view': class_view,
        }
    weights = {
        key: value.detach().contiguous().clone()
        for key, value in imported.state_dict.items()
    }
    _require_finite(weights, source.path)
    save_checkpoint({'meta': meta, 'state_dict': weights}, out)
    return meta


def _require_finite(weights: Mapping[str, Tensor], path: Path) -> None:
    bad = [k for k, v in weights.items() if not torch.isfinite(v).all()]
    if bad:
        raise ValueError(
            f'{path}: {len(bad)} tensors hold NaN or infinite values, e.g. '
            f'{first_keys(bad)}; the file is damaged or its training diverged'
        )

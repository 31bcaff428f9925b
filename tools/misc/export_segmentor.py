# SPDX-License-Identifier: Apache-2.0
"""Take the segmentor out of an adaptation method, as plain mmseg files.

Writes NAME.pth (an ``EncoderDecoder`` checkpoint: tensors and plain types)
and NAME.py (its config with a test pipeline), which mmseg's ``init_model``
and tools load. Where a part of the network comes from mmseg_da, the config
keeps importing it; losses are replaced, since inference has none.

    python tools/misc/export_segmentor.py CONFIG CHECKPOINT NAME.pth
"""

import argparse
import copy
from collections.abc import Sequence
from pathlib import Path

from mmengine import Config, ConfigDict
from mmengine.registry import init_default_scope
from mmseg.registry import MODELS, TRANSFORMS

from mmseg_da.utils.checkpoints import (
    load_checkpoint,
    save_checkpoint,
    to_plain,
)
from mmseg_da.utils.cli import add_config_arguments, exit_with
from mmseg_da.utils.files import atomic_write
from mmseg_da.utils.tool_runner import load_config
from mmseg_da.version import __version__

PREFIXES = {'segmentor': 'segmentor.', 'teacher': 'teacher.module.'}
# Own transforms of the test pipelines -> mmseg's; None: labels, left out.
PLAIN_TRANSFORMS = {
    'LoadStreetImage': 'LoadImageFromFile',
    'PackUDAInputs': 'PackSegInputs',
    'LoadRawLabels': None,
    'LoadAnnotations': None,
}


def parse_args(argv: Sequence[str] | None = None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    add_config_arguments(parser)
    parser.add_argument('checkpoint', type=Path, help='its checkpoint')
    parser.add_argument('out', type=Path, help='NAME.pth; NAME.py beside it')
    parser.add_argument(
        '--which', choices=sorted(PREFIXES), default='segmentor'
    )
    parser.add_argument(
        '--force', action='store_true', help='replace existing files'
    )
    return parser.parse_args(argv)


def plain_state_dict(checkpoint: dict, which: str, path: Path) -> dict:
    """Return the weights of one network without its prefix.

    Args:
        checkpoint (dict): A checkpoint of a wrapper.
        which (str): ``'segmentor'`` or ``'teacher'``.
        path (Path): Where it came from, for errors.

    Raises:
        ValueError: If the checkpoint has no such network.
    """
    state_dict = checkpoint.get('state_dict')
    if not isinstance(state_dict, dict):
        raise ValueError(
            f'{path}: has no state_dict (keys: {sorted(checkpoint)[:8]}); '
            'expected a checkpoint written by tools/train.py'
        )
    prefix = PREFIXES[which]
    plain = {
        key.removeprefix(prefix): value.detach().clone()
        for key, value in state_dict.items()
        if key.startswith(prefix)
    }
    if not plain:
        found = sorted({key.split('.')[0] for key in state_dict})
        hint = (
            'It is a plain mmseg checkpoint already.'
            if 'decode_head' in found
            else f'Choose --which from {sorted(set(found) & set(PREFIXES))}.'
        )
        raise ValueError(
            f'{path}: no weights start with {prefix!r}; it has {found}. {hint}'
        )
    return plain


def plain_model(config: Config) -> ConfigDict:
    """Return the ``EncoderDecoder`` config inside a wrapper's config.

    Raises:
        ValueError: If the config's model is no wrapper.
    """
    wrapper = config.model
    if 'segmentor' not in wrapper:
        raise ValueError(
            f'{config.filename}: model.type={wrapper.type!r} has no '
            '`segmentor`; give the config of an adaptation method '
            '(configs/methods/*.py)'
        )
    model = copy.deepcopy(wrapper.segmentor)
    preprocessor = copy.deepcopy(wrapper.get('data_preprocessor'))
    if preprocessor and preprocessor.type == 'MultiBranchDataPreprocessor':
        preprocessor = preprocessor.data_preprocessor
    if preprocessor:
        model.data_preprocessor = preprocessor
    model.backbone.init_cfg = None
    for head in ('decode_head', 'auxiliary_head'):
        for part in _as_list(model.get(head)):
            if _is_ours(part.get('loss_decode', {})):
                part.loss_decode = dict(type='CrossEntropyLoss')
    return model


def _as_list(value: object) -> list:
    if value is None:
        return []
    return list(value) if isinstance(value, list | tuple) else [value]


def _is_ours(config: object) -> bool:
    """Whether a config names a class that only mmseg_da has."""
    if isinstance(config, dict):
        name = config.get('type')
        registered = None
        if isinstance(name, str):
            registered = MODELS.get(name) or TRANSFORMS.get(name)
        if getattr(registered, '__module__', '').startswith('mmseg_da'):
            return True
        return any(_is_ours(value) for value in config.values())
    if isinstance(config, list | tuple):
        return any(_is_ours(value) for value in config)
    return False


def plain_pipeline(config: Config) -> list[dict]:
    """Return the test pipeline in mmseg's own transforms, without labels."""
    pipeline = config.get('test_pipeline')
    if pipeline is None:
        pipeline = config.test_dataloader.dataset.pipeline
    steps = []
    for step in pipeline:
        name = PLAIN_TRANSFORMS.get(step['type'], step['type'])
        if name is None:
            continue
        if name == step['type']:
            steps.append(copy.deepcopy(step))
        else:
            steps.append(dict(type=name))
    return steps


def plain_config(config: Config) -> Config:
    """Return a config that holds only what mmseg needs for inference."""
    content = dict(
        default_scope='mmseg',
        model=plain_model(config),
        test_pipeline=plain_pipeline(config),
    )
    if _is_ours(content['model']) or _is_ours(content['test_pipeline']):
        content['custom_imports'] = dict(
            imports=['mmseg_da'], allow_failed_imports=False
        )
    return Config(content)


def check_weights(model: ConfigDict, state_dict: dict, path: Path) -> None:
    """Build the plain network and load the weights strictly.

    Raises:
        ValueError: If a weight is missing, left over or of another shape.
    """
    network = MODELS.build(copy.deepcopy(model))
    try:
        network.load_state_dict(state_dict, strict=True)
    except RuntimeError as error:
        lines = [line.strip() for line in str(error).splitlines()[1:5]]
        raise ValueError(
            f'{path} does not fit the config: '
            + ' '.join(line[:300] for line in lines)
            + ' Give the config this checkpoint was trained with (with its '
            '--cfg-options).'
        ) from error


def export(
    config: Config,
    checkpoint: Path,
    out: Path,
    which: str = 'segmentor',
    force: bool = False,
) -> tuple[Path, Path]:
    """Write the plain checkpoint and config.

    Args:
        config (Config): Config of the method.
        checkpoint (Path): Its checkpoint.
        out (Path): ``NAME.pth``; the config goes to ``NAME.py``.
        which (str): ``'segmentor'`` or ``'teacher'``.
        force (bool): Replace existing files. Defaults to False.

    Returns:
        tuple[Path, Path]: The checkpoint and the config file.

    Raises:
        ValueError: If config, checkpoint and ``which`` do not fit.
        FileExistsError: If a file exists and ``force`` is not set.
    """
    if out.suffix != '.pth':
        raise ValueError(f'out={str(out)!r}: the name must end in .pth')
    out_config = out.with_suffix('.py')
    for path in (out, out_config):
        if path.exists() and not force:
            raise FileExistsError(f'{path} exists; --force replaces it')
    init_default_scope(config.get('default_scope', 'mmseg'))
    content = load_checkpoint(checkpoint)
    state_dict = plain_state_dict(content, which, checkpoint)
    plain = plain_config(config)
    check_weights(plain.model, state_dict, checkpoint)
    meta = content.get('meta') or {}
    exported = dict(which=which, method=config.model.type)
    kept = {
        key: to_plain(meta[key], key)
        for key in ('dataset_meta', 'iter', 'seed', 'mmengine_version')
        if key in meta
    }
    kept |= {'exported': exported, 'mmseg_da_version': __version__}
    with atomic_write(out_config) as temporary:
        temporary.write_text(plain.pretty_text, encoding='utf-8')
    save_checkpoint({'meta': kept, 'state_dict': state_dict}, out)
    return out, out_config


def main(argv: Sequence[str] | None = None) -> int:
    """Export one network, return the exit code."""
    args = parse_args(argv)
    config = load_config(args.config, args.cfg_options)
    files = export(config, args.checkpoint, args.out, args.which, args.force)
    print('wrote ' + ' and '.join(map(str, files)))
    if 'custom_imports' in Config.fromfile(files[1]):
        print(
            'note: this network has parts of mmseg_da; the config imports '
            'mmseg_da, which must be installed where it is used'
        )
    return 0


if __name__ == '__main__':
    exit_with(main)

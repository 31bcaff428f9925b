# SPDX-License-Identifier: Apache-2.0
"""The only module that knows versions.

Two stacks give the import names ``mmseg``, ``mmcv`` and ``mmengine``:
``onedl`` (the maintained continuation, default) and ``openmmlab``
(upstream). :func:`check_environment` says what does not fit together and
how to mend it, :func:`stack_info` says what is there, and
:func:`apply_shims` holds every difference that the package has to bridge.
"""

import importlib
import importlib.metadata
import importlib.util
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

from packaging.specifiers import SpecifierSet
from packaging.version import Version

MIN_TORCH = Version('2.6')
MODULES = ('mmseg', 'mmcv', 'mmengine')

# import name -> {distribution name: versions this package works with}
STACKS: dict[str, dict[str, tuple[str, str]]] = {
    'onedl': {
        'mmseg': ('onedl-mmsegmentation', '>=1.4.2,<2'),
        'mmcv': ('onedl-mmcv', '>=2.3.6,<3'),
        'mmengine': ('onedl-mmengine', '>=0.10.12,<0.11'),
    },
    'openmmlab': {
        'mmseg': ('mmsegmentation', '==1.2.2'),
        'mmcv': ('mmcv', '>=2.0.0rc4,<2.2.0'),
        'mmengine': ('mmengine', '>=0.10.7,<0.11'),
    },
}
INSTALL_COMMAND = (
    'pip install -e .[onedl] -c requirements/constraints.txt '
    '(in the folder of mmseg-da)'
)


class StackError(EnvironmentError):
    """The installed packages do not fit together."""


@dataclass(frozen=True)
class Problem:
    """One thing that is wrong with the environment.

    Attributes:
        what (str): What is missing or does not fit.
        mend (str): The command or step that mends it.
    """

    what: str
    mend: str


@dataclass(frozen=True)
class StackInfo:
    """The stack that gives ``mmseg``, ``mmcv`` and ``mmengine``.

    Attributes:
        name (str): ``'onedl'`` or ``'openmmlab'``.
        versions (dict[str, str]): Import name to version.
        has_ops (bool): Whether mmcv carries compiled ops.
    """

    name: str
    versions: dict[str, str]
    has_ops: bool


def installed_version(distribution: str) -> Version | None:
    """Return the version of an installed distribution, None if absent."""
    try:
        return Version(importlib.metadata.version(distribution))
    except importlib.metadata.PackageNotFoundError:
        return None


def has_module(name: str) -> bool:
    """Return whether a top-level module can be found (not imported)."""
    return importlib.util.find_spec(name) is not None


def has_compiled_ops() -> bool:
    """Return whether mmcv was built with its C++/CUDA extension."""
    spec = importlib.util.find_spec('mmcv')
    folders = (spec.submodule_search_locations or ()) if spec else ()
    return any(
        True for folder in folders for _ in Path(folder).glob('_ext*.*')
    )


def expected_torch(torchvision: Version) -> str:
    """Return the torch release that a torchvision release belongs to.

    torchvision 0.(15 + k) is built for torch 2.k.
    https://github.com/pytorch/vision#installation
    """
    return f'2.{torchvision.minor - 15}'


def torch_problem() -> Problem | None:
    """Return what is wrong with torch, None if nothing is."""
    if not has_module('torch'):
        return Problem('torch is not installed', INSTALL_COMMAND)
    version = Version(_import('torch').__version__)
    if version < MIN_TORCH:
        return Problem(
            f'torch {version} is too old, {MIN_TORCH} or newer is needed',
            f"pip install 'torch>={MIN_TORCH}' torchvision",
        )
    return None


def torchvision_problem() -> Problem | None:
    """Return what is wrong with torchvision, None if nothing is.

    A torchvision built for another torch stops the Runner with ``operator
    torchvision::nms does not exist``; no torchvision at all is fine.
    """
    version = installed_version('torchvision')
    if version is None or not has_module('torch'):
        return None
    torch_version = Version(_import('torch').__version__)
    mend = (
        'install both from the same index, for instance: '
        'pip install --force-reinstall torch torchvision'
    )
    # Development builds and far older releases are left to the import.
    release = f'{torch_version.major}.{torch_version.minor}'
    if version.minor >= 15 and expected_torch(version) != release:
        return Problem(
            f'torchvision {version} belongs to torch '
            f'{expected_torch(version)}, but torch is {torch_version}',
            mend,
        )
    try:
        _import('torchvision')
    except (ImportError, OSError, RuntimeError) as error:
        return Problem(
            f'torchvision {version} does not work with torch '
            f'{torch_version}: {str(error).splitlines()[0]}',
            mend,
        )
    return None


def _import(name: str) -> ModuleType:
    return importlib.import_module(name)


def stack_name() -> str | None:
    """Return the name of the stack, None if there is none or a mixture."""
    found = [name for name in STACKS if _distributions(name)]
    if not found and all(has_module(module) for module in MODULES):
        # A source checkout on the path: upstream ended with 1.2.
        version = Version(_import('mmseg').__version__)
        return 'onedl' if version >= Version('1.3') else 'openmmlab'
    return found[0] if len(found) == 1 else None


def _distributions(stack: str) -> list[str]:
    """Return the installed distributions that belong to a stack."""
    names = [name for name, _ in STACKS[stack].values()]
    if stack == 'openmmlab':
        names.append('mmcv-lite')
    return [name for name in names if installed_version(name)]


def stack_problems() -> list[Problem]:
    """Return what is wrong with mmseg, mmcv and mmengine."""
    found = {name: _distributions(name) for name in STACKS}
    if all(found.values()):
        both = sorted(found['onedl'] + found['openmmlab'])
        return [
            Problem(
                'both stacks are installed and overwrite each other: '
                + ', '.join(both),
                f'pip uninstall -y {" ".join(both)}; then {INSTALL_COMMAND}',
            )
        ]
    name = stack_name()
    if name is None:
        return [
            Problem(
                'mmseg, mmcv and mmengine are not installed', INSTALL_COMMAND
            )
        ]
    problems = _version_problems(name)
    if name == 'openmmlab':
        problems += _upstream_problems()
    return problems


def _version_problems(stack: str) -> list[Problem]:
    problems = []
    for module, (distribution, wanted) in STACKS[stack].items():
        if distribution == 'mmcv' and installed_version('mmcv-lite'):
            continue  # named by _upstream_problems
        mend = f"pip install '{distribution}{wanted}'"
        if not has_module(module):
            problems.append(Problem(f'{module} is not installed', mend))
            continue
        version = installed_version(distribution) or Version(
            _import(module).__version__
        )
        if not SpecifierSet(wanted, prereleases=True).contains(version):
            problems.append(
                Problem(
                    f'{distribution} {version} does not fit, '
                    f'{wanted} is needed',
                    mend,
                )
            )
    return problems


def _upstream_problems() -> list[Problem]:
    """Return the problems that only the upstream stack has."""
    problems = []
    if not has_compiled_ops():
        problems.append(
            Problem(
                'mmcv has no compiled ops, and mmseg 1.2 cannot be imported '
                'without them',
                "pip uninstall -y mmcv-lite; build 'mmcv>=2.0.0rc4,<2.2.0' "
                'for your torch, or use the default stack: ' + INSTALL_COMMAND,
            )
        )
    for module in ('ftfy', 'regex'):
        if not has_module(module):
            problems.append(
                Problem(
                    f'{module} is missing; mmseg 1.2 imports it without '
                    'declaring it',
                    f'pip install {module}',
                )
            )
    return problems


def find_problems() -> list[Problem]:
    """Return everything that keeps the package from working."""
    problems = [torch_problem(), torchvision_problem(), *stack_problems()]
    return [problem for problem in problems if problem is not None]


def check_environment() -> None:
    """Check that torch, torchvision and the stack fit together.

    Raises:
        StackError: An ``EnvironmentError`` that names each thing that is
            missing or does not fit, with the command that mends it.
    """
    problems = find_problems()
    if problems:
        lines = [f'- {p.what}\n  mend: {p.mend}' for p in problems]
        raise StackError(
            'mmseg-da cannot run in this environment:\n'
            + '\n'.join(lines)
            + '\n`python tools/doctor.py` shows the whole environment.'
        )


def stack_info() -> StackInfo:
    """Return which stack is installed and its versions.

    Raises:
        StackError: If there is no stack or both are installed.
    """
    name = stack_name()
    if name is None:
        raise StackError(
            '\n'.join(f'{p.what}\n  mend: {p.mend}' for p in stack_problems())
        )
    versions = {}
    for module, (distribution, _) in STACKS[name].items():
        version = installed_version(distribution)
        versions[module] = str(version or _import(module).__version__)
    return StackInfo(name, versions, has_compiled_ops())


def apply_shims() -> None:
    """Bridge the differences between the stacks. May be called again.

    With upstream mmengine on torch >= 2.6, ``torch.load`` refuses every
    training checkpoint because of the log history inside. Allowing these
    few types lets ``--resume`` and testing work without giving up
    ``weights_only=True``. The continuation allows them itself.
    """
    if stack_name() == 'openmmlab':
        import torch

        from mmseg_da.utils.checkpoints import checkpoint_globals

        torch.serialization.add_safe_globals(checkpoint_globals())

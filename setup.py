# SPDX-License-Identifier: Apache-2.0
"""Installation of mmseg-da (``pip install -e .[onedl]``)."""

import re
import shutil
from pathlib import Path

from setuptools import find_packages, setup
from setuptools.command.build_py import build_py

ROOT = Path(__file__).resolve().parent
MIM_PARTS = ('configs', 'tools', 'model-index.yml')


def read_version() -> str:
    """Return the version without importing the package (and torch)."""
    text = (ROOT / 'mmseg_da' / 'version.py').read_text()
    return re.search(r"__version__ = '([^']+)'", text).group(1)


def read_requirements(name: str) -> list[str]:
    """Return the requirement lines of ``requirements/<name>.txt``."""
    lines = (ROOT / 'requirements' / f'{name}.txt').read_text().splitlines()
    lines = [line.split(' #')[0].strip() for line in lines]
    return [line for line in lines if line and not line.startswith('#')]


class BuildWithMim(build_py):
    """Put configs and tools into ``mmseg_da/.mim`` of a built package.

    ``mim`` and mmseg users look for them there. An editable install needs
    no copy: the repository itself is at hand.
    """

    def run(self) -> None:
        super().run()
        if self.editable_mode:
            return
        target = Path(self.build_lib) / 'mmseg_da' / '.mim'
        target.mkdir(parents=True, exist_ok=True)
        for part in MIM_PARTS:
            source = ROOT / part
            if source.is_dir():
                ignore = shutil.ignore_patterns('__pycache__', '*.pyc')
                shutil.copytree(
                    source, target / part, dirs_exist_ok=True, ignore=ignore
                )
            else:
                shutil.copy2(source, target / part)


def read_long_description() -> str:
    """Return the README, which a source archive always carries."""
    return (ROOT / 'README.md').read_text(encoding='utf-8')


setup(
    name='mmseg-da',
    version=read_version(),
    description=(
        'Benchmark suite for domain-adaptive and semi-supervised '
        'segmentation on MMSegmentation'
    ),
    long_description=read_long_description(),
    long_description_content_type='text/markdown',
    license='Apache-2.0',
    license_files=['LICENSE'],
    keywords='computer vision, segmentation, domain adaptation, mmseg',
    packages=find_packages(include=['mmseg_da', 'mmseg_da.*']),
    package_data={
        'mmseg_da.datasets': ['label_subsets/*'],
        'mmseg_da.reporting': ['templates/*'],
    },
    python_requires='>=3.10',
    install_requires=read_requirements('runtime'),
    extras_require={
        'onedl': read_requirements('onedl'),
        'openmmlab': read_requirements('openmmlab'),
        'dev': read_requirements('tests'),
    },
    cmdclass={'build_py': BuildWithMim},
    zip_safe=False,
    classifiers=[
        'Development Status :: 3 - Alpha',
        'Intended Audience :: Science/Research',
        'Operating System :: POSIX :: Linux',
        'Programming Language :: Python :: 3',
        'Programming Language :: Python :: 3.10',
        'Programming Language :: Python :: 3.11',
        'Programming Language :: Python :: 3.12',
        'Topic :: Scientific/Engineering :: Artificial Intelligence',
    ],
)

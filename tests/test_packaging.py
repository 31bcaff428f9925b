# SPDX-License-Identifier: Apache-2.0
"""Set-up files agree with each other, and an aborted install is seen."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from packaging.markers import default_environment
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet

import mmseg_da
from mmseg_da import compat

ROOT = Path(__file__).resolve().parents[1]
PYTHONS = ('3.10', '3.11', '3.12')


def requirements(name):
    lines = (ROOT / 'requirements' / f'{name}.txt').read_text().splitlines()
    lines = [line.split('#')[0].strip() for line in lines]
    return [Requirement(line) for line in lines if line]


@pytest.mark.parametrize('python', PYTHONS)
@pytest.mark.parametrize('name', ['runtime', 'onedl', 'tests'])
def test_each_requirement_has_one_tested_pin(name, python):
    environment = {**default_environment(), 'python_version': python}
    pins = {}
    for pin in requirements('constraints'):
        if pin.marker is None or pin.marker.evaluate(environment):
            assert pin.name not in pins, f'{pin.name} is pinned twice'
            pins[pin.name] = str(pin.specifier).removeprefix('==')
    for requirement in requirements(name):
        assert requirement.specifier.contains(pins[requirement.name])


def test_stacks_do_not_meet_in_one_extra():
    onedl = {requirement.name for requirement in requirements('onedl')}
    upstream = {requirement.name for requirement in requirements('openmmlab')}
    runtime = {requirement.name for requirement in requirements('runtime')}
    assert not (onedl & upstream or (onedl | upstream) & runtime)


@pytest.mark.parametrize('stack', ['onedl', 'openmmlab'])
def test_start_up_check_wants_what_the_extra_installs(stack):
    extra = {item.name: item.specifier for item in requirements(stack)}
    for name, wanted in compat.STACKS[stack].values():
        assert extra[name] == SpecifierSet(wanted)


def test_version_is_told_once():
    citation = yaml.safe_load((ROOT / 'CITATION.cff').read_text())
    assert citation['version'] == mmseg_da.__version__
    assert citation['license'] == 'Apache-2.0'


def test_model_index_lists_every_config():
    index = yaml.safe_load((ROOT / 'model-index.yml').read_text())
    listed = []
    for name in index['Import']:
        meta = yaml.safe_load((ROOT / name).read_text())
        collections = {item['Name'] for item in meta['Collections']}
        for model in meta['Models']:
            assert model['In Collection'] in collections
            assert model['Name'] == Path(model['Config']).stem
            listed.append(model['Config'])
    configs = (ROOT / 'configs' / 'methods').glob('*.py')
    wanted = [path.relative_to(ROOT).as_posix() for path in configs]
    assert sorted(listed) == sorted(wanted)


def test_every_source_file_names_its_license():
    folders = ('mmseg_da', 'tools', 'configs', 'tests', 'benchmarks')
    files = [
        path
        for folder in folders
        for pattern in ('*.py', '*.sh')
        for path in (ROOT / folder).rglob(pattern)
    ]
    assert len(files) > 50
    bare = [
        str(path.relative_to(ROOT))
        for path in [*files, ROOT / 'setup.py']
        if 'SPDX-License-Identifier: Apache-2.0'
        not in ''.join(path.read_text().splitlines(True)[:2])
    ]
    assert not bare


def test_built_package_carries_configs_and_tools(tmp_path):
    command = [sys.executable, 'setup.py', '-q', 'build_py']
    subprocess.run(
        [*command, '--build-lib', str(tmp_path)],
        cwd=ROOT,
        check=True,
        capture_output=True,
        timeout=120,
    )
    mim = tmp_path / 'mmseg_da' / '.mim'
    assert (mim / 'model-index.yml').is_file()
    assert (mim / 'configs/_base_/default_runtime.py').is_file()
    assert (mim / 'tools/doctor.py').is_file()
    packages = {path.parent for path in (ROOT / 'mmseg_da').rglob('*.py')}
    for package in packages:
        relative = package.relative_to(ROOT)
        assert (tmp_path / relative / '__init__.py').is_file(), relative


@pytest.fixture
def make(tmp_path):
    """Run make in a copy of the set-up files, with a fake interpreter."""
    if shutil.which('make') is None:
        pytest.skip('make is not installed')
    for name in ('Makefile', 'setup.py'):
        shutil.copy(ROOT / name, tmp_path)
    shutil.copytree(ROOT / 'requirements', tmp_path / 'requirements')
    (tmp_path / 'mmseg_da').mkdir()
    shutil.copy(ROOT / 'mmseg_da/version.py', tmp_path / 'mmseg_da')
    fake = tmp_path / 'fake_python'

    def run(target, script):
        fake.write_text('#!/bin/sh\n' + script)
        fake.chmod(0o755)
        variables = {k: v for k, v in os.environ.items() if 'MAKE' not in k}
        return subprocess.run(
            ['make', target, f'PYTHON={fake}'],
            cwd=tmp_path,
            env=variables,
            capture_output=True,
            text=True,
            timeout=60,
        )

    return run


VENV = """\
case "$1" in
-c) exit 0;;
--version) echo Python 3.11.0;;
-m) mkdir -p .venv/bin
    printf '#!/bin/sh\\necho called: $*\\nexit {code}\\n' > .venv/bin/python
    chmod +x .venv/bin/python;;
esac
"""


def test_make_names_the_python_it_needs(make):
    done = make('test', 'exit 1\n')
    assert done.returncode != 0
    assert 'No Python >= 3.10 found' in done.stderr
    assert 'make test PYTHON=' in done.stderr


def test_make_takes_no_failed_install_for_finished(make, tmp_path):
    done = make('test', VENV.format(code=7))
    assert done.returncode != 0
    assert 'called: -m pip install' in done.stdout
    assert '-m pytest' not in done.stdout
    assert not (tmp_path / '.venv/.installed').exists()


def test_make_installs_once_then_tests(make, tmp_path):
    first = make('test', VENV.format(code=0))
    assert first.returncode == 0, first.stderr
    assert re.search(r'-e \.\[onedl,dev\] -c .*constraints', first.stdout)
    assert 'called: -m pytest -n 2' in first.stdout
    second = make('test', 'exit 1\n')
    assert second.returncode == 0, second.stderr
    assert 'pip install' not in second.stdout
    # Other requirements: install again.
    newer = (tmp_path / '.venv/.installed').stat().st_mtime + 5
    os.utime(tmp_path / 'requirements/onedl.txt', (newer, newer))
    assert 'pip install' in make('test', VENV.format(code=0)).stdout

# SPDX-License-Identifier: Apache-2.0
"""Version checks and shims. The upstream stack is played by fakes."""

from types import SimpleNamespace

import pytest
import torch
from mmengine.logging import HistoryBuffer
from packaging.version import Version

from mmseg_da import compat

ONEDL = {
    'onedl-mmsegmentation': '1.4.2',
    'onedl-mmcv': '2.3.6',
    'onedl-mmengine': '0.10.12',
}
UPSTREAM = {
    'mmsegmentation': '1.2.2',
    'mmcv': '2.1.0',
    'mmengine': '0.10.7',
}
COMMON = {'torchvision': '0.29.1'}
ALL_MODULES = {'torch', 'mmseg', 'mmcv', 'mmengine', 'ftfy', 'regex'}


@pytest.fixture
def fake(monkeypatch):
    """Pretend that other packages are installed."""

    def install(
        distributions,
        torch_version='2.14.1',
        modules=ALL_MODULES,
        ops=False,
        torchvision_error=None,
    ):
        def imported(name):
            if name == 'torchvision' and torchvision_error:
                raise torchvision_error
            version = {'torch': torch_version, 'mmseg': '1.4.2'}.get(name)
            return SimpleNamespace(__version__=version)

        def version_of(name):
            found = distributions.get(name)
            return Version(found) if found else None

        monkeypatch.setattr(compat, 'installed_version', version_of)
        monkeypatch.setattr(compat, 'has_module', modules.__contains__)
        monkeypatch.setattr(compat, 'has_compiled_ops', lambda: ops)
        monkeypatch.setattr(compat, '_import', imported)

    return install


def test_this_environment_fits():
    compat.check_environment()
    info = compat.stack_info()
    assert info.name in compat.STACKS
    assert set(info.versions) == {'mmseg', 'mmcv', 'mmengine'}


@pytest.mark.parametrize(
    ('distributions', 'ops', 'name'),
    [(ONEDL, False, 'onedl'), (UPSTREAM, True, 'openmmlab')],
)
def test_both_stacks_are_accepted(fake, distributions, ops, name):
    fake({**distributions, **COMMON}, ops=ops)
    compat.check_environment()
    assert compat.stack_info().name == name
    assert compat.stack_info().has_ops is ops


def test_source_checkout_without_distributions(fake):
    fake(COMMON)
    assert compat.stack_name() == 'onedl'


def _message():
    with pytest.raises(EnvironmentError) as caught:
        compat.check_environment()
    text = str(caught.value)
    assert len(text.splitlines()) <= 24
    assert 'mend:' in text
    return text


def test_no_torch(fake):
    fake(ONEDL, modules=ALL_MODULES - {'torch'})
    assert 'torch is not installed' in _message()


def test_old_torch(fake):
    fake(ONEDL, torch_version='2.5.1')
    assert 'torch 2.5.1 is too old, 2.6 or newer' in _message()


def test_torchvision_of_another_torch(fake):
    fake({**ONEDL, 'torchvision': '0.21.0+cpu'}, torch_version='2.14.1+cu130')
    text = _message()
    assert 'torchvision 0.21.0+cpu belongs to torch 2.6' in text
    assert 'pip install --force-reinstall torch torchvision' in text


def test_torchvision_of_another_build(fake):
    error = RuntimeError('operator torchvision::nms does not exist\nmore')
    fake({**ONEDL, **COMMON}, torchvision_error=error)
    assert 'operator torchvision::nms does not exist' in _message()


def test_torchvision_may_be_absent(fake):
    fake(ONEDL)
    compat.check_environment()


@pytest.mark.parametrize(
    ('torchvision', 'wanted'), [('0.21.0', '2.6'), ('0.29.1', '2.14')]
)
def test_torchvision_table(torchvision, wanted):
    assert compat.expected_torch(Version(torchvision)) == wanted


def test_no_stack(fake):
    fake(COMMON, modules={'torch'})
    text = _message()
    assert 'mmseg, mmcv and mmengine are not installed' in text
    assert 'pip install -e .[onedl]' in text
    with pytest.raises(compat.StackError, match='not installed'):
        compat.stack_info()


def test_both_stacks_at_once(fake):
    fake({**ONEDL, **COMMON, 'mmcv-lite': '2.1.0'})
    text = _message()
    assert 'both stacks are installed' in text
    assert 'pip uninstall -y mmcv-lite onedl-mmcv' in text


def test_half_a_stack(fake):
    fake(
        {'onedl-mmengine': '0.10.12', **COMMON},
        modules={'torch', 'mmengine'},
    )
    text = _message()
    assert 'mmseg is not installed' in text
    assert 'mmcv is not installed' in text


def test_mmcv_too_new_for_upstream(fake):
    fake({**UPSTREAM, **COMMON, 'mmcv': '2.2.0'}, ops=True)
    assert 'mmcv 2.2.0 does not fit, >=2.0.0rc4,<2.2.0' in _message()


def test_mmcv_lite(fake):
    lite = {**UPSTREAM, 'mmcv-lite': '2.1.0'}
    del lite['mmcv']
    fake({**lite, **COMMON})
    assert 'mmcv has no compiled ops' in _message()


def test_undeclared_requirements_of_upstream(fake):
    fake({**UPSTREAM, **COMMON}, modules=ALL_MODULES - {'ftfy'}, ops=True)
    assert 'ftfy is missing' in _message()


def test_shim_lets_upstream_read_its_checkpoints(monkeypatch, tmp_path):
    path = tmp_path / 'iter_3.pth'
    torch.save({'message_hub': {'loss': HistoryBuffer([1.0], [1])}}, path)
    before = torch.serialization.get_safe_globals()
    torch.serialization.clear_safe_globals()
    try:
        compat.apply_shims()
        with pytest.raises(Exception, match='Weights only load failed'):
            torch.load(path, weights_only=True)
        monkeypatch.setattr(compat, 'stack_name', lambda: 'openmmlab')
        compat.apply_shims()
        once = len(torch.serialization.get_safe_globals())
        compat.apply_shims()
        assert len(torch.serialization.get_safe_globals()) == once
        content = torch.load(path, weights_only=True)
        assert content['message_hub']['loss'].current() == 1.0
    finally:
        torch.serialization.clear_safe_globals()
        torch.serialization.add_safe_globals(before)

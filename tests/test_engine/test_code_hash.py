# SPDX-License-Identifier: Apache-2.0
"""Which files decide a result, and what in them counts."""

import pytest

from mmseg_da.engine.code_hash import code_hashes, hash_package, hash_source


@pytest.fixture
def tool(tmp_path):
    path = tmp_path / 'tool.py'
    path.write_text('from mmseg_da.engine import hash_file\n')
    return path


def test_only_statements_count(tmp_path):
    path = tmp_path / 'a.py'
    path.write_text('"""Text."""\n\n\ndef f(x):\n    return x  # why\n')
    first = hash_source(path)
    path.write_text('def f(x):\n    """Other text."""\n\n    return (x)\n')
    assert hash_source(path) == first
    path.write_text('def f(x):\n    return -x\n')
    assert hash_source(path) != first


def test_names_are_followed_to_where_they_are_defined(tool):
    """``engine`` re-exports it; the other files of ``engine`` do not count."""
    found = code_hashes(tool, [])
    assert 'mmseg_da.engine.hashing' in found and 'tool.py' in found
    assert 'mmseg_da.engine.ema' not in found
    assert 'mmseg_da.engine' not in found


def test_registered_classes_bring_their_files_and_imports(tool):
    without = code_hashes(tool, ['ResNet', 'not a class'])
    found = code_hashes(tool, ['SupervisedOnly', 'PixelCELoss'])
    more = found.keys() - without.keys()
    assert 'mmseg_da.uda.methods.supervised' in more
    assert 'mmseg_da.uda.base' in more  # imported by it
    assert 'mmseg_da.models.losses.pixel_ce_loss' in more
    assert not any(name.startswith('mmseg_da.reporting') for name in found)


def test_modules_that_a_tool_imports_by_name_count(tool):
    found = code_hashes(tool, [], modules=['mmseg_da.evaluation.confusion'])
    assert 'mmseg_da.evaluation.confusion' in found


def test_other_packages_count_on_request(tool, tmp_path, monkeypatch):
    package = tmp_path / 'own_methods'
    package.mkdir()
    (package / '__init__.py').touch()
    (package / 'net.py').write_text('x = 1\n')
    tool.write_text('from own_methods import net\nimport own_methods.net\n')
    monkeypatch.syspath_prepend(tmp_path)
    assert 'own_methods.net' not in code_hashes(tool, [])
    assert 'own_methods.net' in code_hashes(tool, [], ['own_methods'])


def test_the_package_has_one_hash():
    assert hash_package() == hash_package()
    assert len(hash_package()) == 64

# SPDX-License-Identifier: Apache-2.0
import pytest
from fake_stages import Workshop


@pytest.fixture
def workshop(tmp_path, monkeypatch):
    return Workshop(tmp_path, monkeypatch)

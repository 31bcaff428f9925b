# SPDX-License-Identifier: Apache-2.0
import pytest

from mmseg_da.utils.checkpoint_guard import check_views


def test_own_views_are_compared_by_their_classes():
    trained = dict(class_view='own-source', classes=('a', 'b'))
    check_views(trained, dict(class_view='own-val', classes=['a', 'b']), 'x')
    with pytest.raises(ValueError, match='trained with classes='):
        check_views(
            trained, dict(class_view='own-val', classes=['a', 'c']), 'x'
        )
    with pytest.raises(ValueError, match=r"class_view='own-source'"):
        check_views(trained, dict(class_view='cityscapes19'), 'x')

# SPDX-License-Identifier: Apache-2.0
import torch

from mmseg_da.models.backbones import VGG16BN
from mmseg_da.models.decode_heads import FCN8sHead
from mmseg_da.models.utils import freeze_bn_statistics


def test_statistics_stay_and_gamma_learns_in_backbone_and_head():
    """SAC sheet, oracle 13: bit-identical over 10 iterations."""
    torch.manual_seed(0)
    net = torch.nn.Sequential(
        VGG16BN(base_channels=2),
        FCN8sHead(num_classes=3, in_channels=(8, 16, 16), channels=4),
    )
    net.train()
    freeze_bn_statistics(net)
    assert net[1].vgg_head[3].training  # dropout stays active
    before = {k: v.clone() for k, v in net.state_dict().items()}
    optimizer = torch.optim.SGD(net.parameters(), lr=0.1)
    for _ in range(10):
        net(torch.randn(1, 3, 32, 32)).square().mean().backward()
        optimizer.step()
    after = net.state_dict()
    buffers = [name for name, _ in net.named_buffers()]
    assert len(buffers) == 3 * 15
    assert all(torch.equal(before[k], after[k]) for k in buffers)
    for key in ('0.features.1', '1.vgg_head.1', '1.vgg_head.5'):
        for name in ('weight', 'bias'):
            assert not torch.equal(
                before[f'{key}.{name}'], after[f'{key}.{name}']
            )


def test_train_mode_undoes_it():
    net = VGG16BN(base_channels=2).train()
    freeze_bn_statistics(net)
    assert not net.features[1].training
    assert net.training
    assert net.train().features[1].training

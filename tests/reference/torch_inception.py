"""Inception-v3 of the FID weights in plain PyTorch, block by block: what tinygan's tables are compared with."""
import pytest

torch = pytest.importorskip("torch")
nn, F = torch.nn, torch.nn.functional


class Block(nn.Module):
    def __init__(self, c, o, k, s=1, p=0):
        super().__init__()
        self.conv = nn.Conv2d(c, o, k, s, p, bias=False)
        self.bn = nn.BatchNorm2d(o, eps=1e-3)

    def forward(self, x):
        return F.relu(self.bn(self.conv(x)))


def average(x):
    return F.avg_pool2d(x, 3, stride=1, padding=1, count_include_pad=False)


class BlockA(nn.Module):
    def __init__(self, c, pool):
        super().__init__()
        self.branch1x1 = Block(c, 64, 1)
        self.branch5x5_1, self.branch5x5_2 = Block(c, 48, 1), Block(48, 64, 5, p=2)
        self.branch3x3dbl_1, self.branch3x3dbl_2 = Block(c, 64, 1), Block(64, 96, 3, p=1)
        self.branch3x3dbl_3 = Block(96, 96, 3, p=1)
        self.branch_pool = Block(c, pool, 1)

    def forward(self, x):
        double = self.branch3x3dbl_3(self.branch3x3dbl_2(self.branch3x3dbl_1(x)))
        return torch.cat([self.branch1x1(x), self.branch5x5_2(self.branch5x5_1(x)), double,
                          self.branch_pool(average(x))], 1)


class BlockB(nn.Module):
    def __init__(self):
        super().__init__()
        self.branch3x3 = Block(288, 384, 3, 2)
        self.branch3x3dbl_1, self.branch3x3dbl_2 = Block(288, 64, 1), Block(64, 96, 3, p=1)
        self.branch3x3dbl_3 = Block(96, 96, 3, 2)

    def forward(self, x):
        double = self.branch3x3dbl_3(self.branch3x3dbl_2(self.branch3x3dbl_1(x)))
        return torch.cat([self.branch3x3(x), double, F.max_pool2d(x, 3, 2)], 1)


class BlockC(nn.Module):
    def __init__(self, c):
        super().__init__()
        self.branch1x1 = Block(768, 192, 1)
        self.branch7x7_1, self.branch7x7_2 = Block(768, c, 1), Block(c, c, (1, 7), p=(0, 3))
        self.branch7x7_3 = Block(c, 192, (7, 1), p=(3, 0))
        self.branch7x7dbl_1, self.branch7x7dbl_2 = Block(768, c, 1), Block(c, c, (7, 1), p=(3, 0))
        self.branch7x7dbl_3, self.branch7x7dbl_4 = Block(c, c, (1, 7), p=(0, 3)), Block(c, c, (7, 1), p=(3, 0))
        self.branch7x7dbl_5 = Block(c, 192, (1, 7), p=(0, 3))
        self.branch_pool = Block(768, 192, 1)

    def forward(self, x):
        double = x
        for i in range(1, 6):
            double = getattr(self, f"branch7x7dbl_{i}")(double)
        return torch.cat([self.branch1x1(x), self.branch7x7_3(self.branch7x7_2(self.branch7x7_1(x))), double,
                          self.branch_pool(average(x))], 1)


class BlockD(nn.Module):
    def __init__(self):
        super().__init__()
        self.branch3x3_1, self.branch3x3_2 = Block(768, 192, 1), Block(192, 320, 3, 2)
        self.branch7x7x3_1, self.branch7x7x3_2 = Block(768, 192, 1), Block(192, 192, (1, 7), p=(0, 3))
        self.branch7x7x3_3, self.branch7x7x3_4 = Block(192, 192, (7, 1), p=(3, 0)), Block(192, 192, 3, 2)

    def forward(self, x):
        long = self.branch7x7x3_4(self.branch7x7x3_3(self.branch7x7x3_2(self.branch7x7x3_1(x))))
        return torch.cat([self.branch3x3_2(self.branch3x3_1(x)), long, F.max_pool2d(x, 3, 2)], 1)


class BlockE(nn.Module):
    def __init__(self, c, last):
        super().__init__()
        self.last = last
        self.branch1x1 = Block(c, 320, 1)
        self.branch3x3_1 = Block(c, 384, 1)
        self.branch3x3_2a, self.branch3x3_2b = Block(384, 384, (1, 3), p=(0, 1)), Block(384, 384, (3, 1), p=(1, 0))
        self.branch3x3dbl_1, self.branch3x3dbl_2 = Block(c, 448, 1), Block(448, 384, 3, p=1)
        self.branch3x3dbl_3a = Block(384, 384, (1, 3), p=(0, 1))
        self.branch3x3dbl_3b = Block(384, 384, (3, 1), p=(1, 0))
        self.branch_pool = Block(c, 192, 1)

    def forward(self, x):
        one, two = self.branch3x3_1(x), self.branch3x3dbl_2(self.branch3x3dbl_1(x))
        pooled = F.max_pool2d(x, 3, stride=1, padding=1) if self.last else average(x)
        return torch.cat([self.branch1x1(x), self.branch3x3_2a(one), self.branch3x3_2b(one),
                          self.branch3x3dbl_3a(two), self.branch3x3dbl_3b(two), self.branch_pool(pooled)], 1)


class Inception(nn.Module):
    """Scaled images -> {64, 192, 768, 2048: means over positions, "logits", "logits without bias", "shapes"}."""

    def __init__(self):
        super().__init__()
        self.Conv2d_1a_3x3, self.Conv2d_2a_3x3 = Block(3, 32, 3, 2), Block(32, 32, 3)
        self.Conv2d_2b_3x3 = Block(32, 64, 3, p=1)
        self.Conv2d_3b_1x1, self.Conv2d_4a_3x3 = Block(64, 80, 1), Block(80, 192, 3)
        self.Mixed_5b, self.Mixed_5c, self.Mixed_5d = BlockA(192, 32), BlockA(256, 64), BlockA(288, 64)
        self.Mixed_6a = BlockB()
        self.Mixed_6b, self.Mixed_6c, self.Mixed_6d, self.Mixed_6e = BlockC(128), BlockC(160), BlockC(160), BlockC(192)
        self.Mixed_7a = BlockD()
        self.Mixed_7b, self.Mixed_7c = BlockE(1280, False), BlockE(2048, True)
        self.fc = nn.Linear(2048, 1008)

    def forward(self, x):
        x = self.Conv2d_2b_3x3(self.Conv2d_2a_3x3(self.Conv2d_1a_3x3(x)))
        first = F.max_pool2d(x, 3, 2)
        second = F.max_pool2d(self.Conv2d_4a_3x3(self.Conv2d_3b_1x1(first)), 3, 2)
        third = self.Mixed_6a(self.Mixed_5d(self.Mixed_5c(self.Mixed_5b(second))))
        third = self.Mixed_6e(self.Mixed_6d(self.Mixed_6c(self.Mixed_6b(third))))
        fourth = self.Mixed_7c(self.Mixed_7b(self.Mixed_7a(third)))
        means = {y.shape[1]: y.mean((2, 3)) for y in (first, second, third, fourth)}
        return {**means, "logits": self.fc(means[2048]), "logits without bias": means[2048] @ self.fc.weight.T}

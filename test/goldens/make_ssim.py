"""Structural similarity of two small clips by PyTorch's average pooling: python test/goldens/make_ssim.py"""
import json
import pathlib

import torch
import torch.nn.functional as F

T, H, W, C = 2, 11, 14, 3
WINDOW = 7
i = torch.arange(T * H * W * C, dtype=torch.float64)
a = (i * 7919 % 251).reshape(T, H, W, C)
b = ((a * 3 + i.reshape(T, H, W, C) * 31 % 64) / 3.4).floor()
x, y = (v.permute(0, 3, 1, 2) for v in (a, b))
mean = lambda v: F.avg_pool2d(v, WINDOW, stride=1)
unbiased = WINDOW**2 / (WINDOW**2 - 1)
mx, my = mean(x), mean(y)
vx, vy, vxy = ((mean(p * q) - mean(p) * mean(q)) * unbiased for p, q in ((x, x), (y, y), (x, y)))
c1, c2 = (0.01 * 255) ** 2, (0.03 * 255) ** 2
ssim = (2 * mx * my + c1) * (2 * vxy + c2) / ((mx**2 + my**2 + c1) * (vx + vy + c2))
golden = {"shape": [T, H, W, C], "a": a.flatten().int().tolist(), "b": b.flatten().int().tolist(), "ssim": ssim.mean().item()}
pathlib.Path(__file__).with_name("ssim.json").write_text(json.dumps(golden) + "\n")

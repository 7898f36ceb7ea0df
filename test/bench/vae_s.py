"""The vae-s workload of `kinema engine bench` in PyTorch eager, for comparison: two causal residual blocks.

python test/bench/vae_s.py [--threads 2] [--steps 20]   (torch alone; prints one line of JSON)
"""
import argparse, json, resource, statistics, time

import torch
from torch import nn
from torch.nn import functional as F


class Norm(nn.Module):
    """RMS over the channels of each position."""

    def __init__(self, channels):
        super().__init__()
        self.gain = nn.Parameter(torch.ones(channels, 1, 1, 1))

    def forward(self, x):
        return x * torch.rsqrt(x.square().mean(1, keepdim=True) + 1e-6) * self.gain


class CausalConv(nn.Conv3d):
    def forward(self, x):
        return super().forward(F.pad(x, (0, 0, 0, 0, self.kernel_size[0] - 1, 0)))


class Block(nn.Module):
    def __init__(self, num_in, num_out):
        super().__init__()
        self.norm1, self.norm2 = Norm(num_in), Norm(num_out)
        self.conv1 = CausalConv(num_in, num_out, 3, padding=(0, 1, 1))
        self.conv2 = CausalConv(num_out, num_out, 3, padding=(0, 1, 1))
        self.shortcut = nn.Identity() if num_in == num_out else nn.Conv3d(num_in, num_out, 1)

    def forward(self, x):
        h = self.conv1(F.silu(self.norm1(x)))
        return self.shortcut(x) + self.conv2(F.silu(self.norm2(h)))


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--steps", type=int, default=20)
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    torch.manual_seed(0)
    model = nn.Sequential(Block(32, 64), Block(64, 64))
    x = torch.randn(1, 32, 8, 64, 64)

    def step():
        model.zero_grad(set_to_none=True)
        loss = model(x).square().mean()
        loss.backward()
        return float(loss.detach())

    for _ in range(3):
        step()
    times = []
    for _ in range(args.steps):
        started = time.perf_counter()
        step()
        times.append(1000 * (time.perf_counter() - started))
    print(json.dumps({
        "case": "vae-s",
        "engine": f"torch {torch.__version__}",
        "params": sum(p.numel() for p in model.parameters()),
        "msPerStep": round(statistics.median(times), 1),
        "msBest": round(min(times), 1),
        "peakRssMb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, 1),
    }))


main()

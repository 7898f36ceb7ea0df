"""The dit-s workload of `kinema engine bench` in PyTorch eager, for comparison. Same architecture, same step.

python test/bench/dit_s.py [--threads 2] [--steps 20]   (torch alone; prints one line of JSON)
"""
import argparse, json, resource, statistics, time

import torch
from torch import nn
from torch.nn import functional as F

WIDTH, HEADS, DEPTH, CHANNELS = 384, 6, 6, 64
CLIPS, FRAMES, SIDE = 4, 4, 8
TOKENS = FRAMES * SIDE * SIDE
HEAD = WIDTH // HEADS


def modulate(x, shift, scale):
    """x: clips, frames, cells, width; shift and scale: clips, frames, 1, width."""
    return x * (1 + scale) + shift


class Norm(nn.Module):
    def __init__(self):
        super().__init__()
        self.gain = nn.Parameter(torch.ones(HEAD))

    def forward(self, x):
        return F.rms_norm(x, (HEAD,), self.gain, 1e-6)


def rotate(x, cos, sin):
    a, b = x.chunk(2, dim=-1)
    return torch.cat([a * cos - b * sin, b * cos + a * sin], dim=-1)


class Block(nn.Module):
    def __init__(self):
        super().__init__()
        self.ada = nn.Linear(WIDTH, 6 * WIDTH)
        self.q, self.k, self.v, self.out = (nn.Linear(WIDTH, WIDTH) for _ in range(4))
        self.norm_q, self.norm_k = Norm(), Norm()
        self.up, self.down = nn.Linear(WIDTH, 4 * WIDTH), nn.Linear(4 * WIDTH, WIDTH)

    def attend(self, x, cos, sin):
        def heads(y):
            return y.view(CLIPS, TOKENS, HEADS, HEAD).transpose(1, 2)

        q = rotate(self.norm_q(heads(self.q(x))), cos, sin)
        k = rotate(self.norm_k(heads(self.k(x))), cos, sin)
        y = F.scaled_dot_product_attention(q, k, heads(self.v(x)))
        return self.out(y.transpose(1, 2).reshape(CLIPS, FRAMES, SIDE * SIDE, WIDTH))

    def forward(self, x, signal, cos, sin):
        shift1, scale1, gate1, shift2, scale2, gate2 = self.ada(signal).chunk(6, dim=-1)
        x = x + gate1 * self.attend(modulate(F.layer_norm(x, (WIDTH,)), shift1, scale1), cos, sin)
        h = F.gelu(self.up(modulate(F.layer_norm(x, (WIDTH,)), shift2, scale2)), approximate="tanh")
        return x + gate2 * self.down(h)


class DiT(nn.Module):
    def __init__(self):
        super().__init__()
        self.time_in, self.time_out = nn.Linear(256, WIDTH), nn.Linear(WIDTH, WIDTH)
        self.embed = nn.Linear(CHANNELS, WIDTH)
        self.blocks = nn.ModuleList(Block() for _ in range(DEPTH))
        self.ada = nn.Linear(WIDTH, 2 * WIDTH)
        self.out = nn.Linear(WIDTH, CHANNELS)
        self.register_buffer("frequencies", 1000 * 10000 ** (-torch.arange(128) / 128))
        spatial = HEAD // 6
        split = [HEAD // 2 - 2 * spatial, spatial, spatial]
        grid = torch.meshgrid(torch.arange(FRAMES), torch.arange(SIDE), torch.arange(SIDE), indexing="ij")
        angles = [g.reshape(-1, 1) * 256 ** (-torch.arange(n) / n) for g, n in zip(grid, split)]
        self.register_buffer("cos", torch.cat(angles, 1).cos())
        self.register_buffer("sin", torch.cat(angles, 1).sin())

    def forward(self, x, t):
        angles = t[..., None, None] * self.frequencies
        time = self.time_out(F.silu(self.time_in(torch.cat([angles.cos(), angles.sin()], -1))))
        signal = F.silu(time)
        h = self.embed(x)
        for block in self.blocks:
            h = block(h, signal, self.cos, self.sin)
        shift, scale = self.ada(signal).chunk(2, dim=-1)
        return self.out(modulate(F.layer_norm(h, (WIDTH,)), shift, scale))


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--steps", type=int, default=20)
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    torch.manual_seed(0)
    model = DiT()
    params = list(model.parameters())
    matrices = [p for p in params if p.ndim >= 2]
    vectors = [p for p in params if p.ndim < 2]
    groups = [{"params": matrices, "weight_decay": 0.01}, {"params": vectors, "weight_decay": 0.0}]
    optimizer = torch.optim.AdamW(groups, lr=3e-4, betas=(0.9, 0.99), fused=True)
    ema = [p.detach().clone() for p in params]
    shape = (CLIPS, FRAMES, SIDE * SIDE, CHANNELS)
    x0, noise, t = torch.randn(shape), torch.randn(shape), torch.rand(CLIPS, FRAMES)

    def step():
        wanted = noise - x0
        loss = F.mse_loss(model(x0 + t[..., None, None] * wanted, t), wanted)
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        nn.utils.clip_grad_norm_(params, 1.0, foreach=True)
        optimizer.step()
        with torch.no_grad():
            torch._foreach_lerp_(ema, params, 1 - 0.999)
        return float(loss.detach())

    for _ in range(3):
        step()
    times = []
    for _ in range(args.steps):
        started = time.perf_counter()
        step()
        times.append(1000 * (time.perf_counter() - started))
    print(json.dumps({
        "case": "dit-s",
        "engine": f"torch {torch.__version__}",
        "params": sum(p.numel() for p in params),
        "msPerStep": round(statistics.median(times), 1),
        "msBest": round(min(times), 1),
        "peakRssMb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, 1),
    }))


main()

"""Goldens of the DiT and its objective, from PyTorch. Every clip is computed alone: packing is not part of the reference.

Layers are PyTorch's own where it has them (layer_norm, rms_norm, scaled_dot_product_attention, gelu); the time embedding
is DiT's published code; the rotary embedding is the complex product of RoFormer, in float64, with Wan 2.1's axis split.
Run: python test/goldens/make_dit.py
"""
import math

import torch
import torch.nn.functional as F

import golden

torch.manual_seed(0)
torch.set_default_dtype(torch.float64)

WIDTH, DEPTH, HEADS, MLP_RATIO, THETA, PLACES = 16, 2, 2, 2, 256.0, 12
LATENT, PATCH = 3, (1, 2, 1)
TEXT_WIDTH, TEXT_DEPTH, TEXT_HEADS, MAX_TOKENS = 8, 1, 2, 7
GRIDS = [(3, 2, 4), (2, 3, 2), (3, 2, 2), (1, 2, 3)]  # token grids; two clips of equal length and unequal shape
GRIDS = sorted(GRIDS, key=lambda g: (-g[0] * g[1] * g[2], -g[0], -g[1], -g[2]))
P = LATENT * math.prod(PATCH)

weights = {}


def w(path, *shape):
    if path not in weights:
        scale = 1 / math.sqrt(shape[0]) if len(shape) > 1 else 0.3
        offset = 1.0 if path.endswith("gain") else 0.0
        weights[path] = (offset + scale * torch.randn(*shape)).float().double().requires_grad_()
    return weights[path]


def linear(x, path, n_in, n_out, bias=True):
    return x @ w(f"{path}.weight", n_in, n_out) + (w(f"{path}.bias", n_out) if bias else 0)


def rms(x, path, width):
    return F.rms_norm(x, (width,), w(f"{path}.gain", width), eps=1e-6)


def timestep_embedding(t, dim=256, max_period=10000):  # facebookresearch/DiT, models.py
    half = dim // 2
    freqs = torch.exp(-math.log(max_period) * torch.arange(0, half) / half)
    args = t[:, None] * freqs[None]
    return torch.cat([torch.cos(args), torch.sin(args)], dim=-1)


def angles(grid, d):  # L, d / 2
    t, h, w_ = grid
    split = [d // 2 - 2 * (d // 6), d // 6, d // 6]
    pos = torch.stack(torch.meshgrid(torch.arange(t), torch.arange(h), torch.arange(w_), indexing="ij"), -1).reshape(-1, 3)
    return torch.cat([pos[:, a : a + 1] / THETA ** (torch.arange(n) / n) for a, n in enumerate(split)], 1)


def rope(x, grid):  # x: L H d
    d = x.shape[-1]
    angle = angles(grid, d)
    z = torch.complex(x[..., : d // 2], x[..., d // 2 :]) * torch.polar(torch.ones_like(angle), angle)[:, None]
    return torch.cat([z.real, z.imag], -1)


def heads(x, n):
    return x.reshape(x.shape[0], n, -1)


def attend(q, k, v, mask=None):  # L H d
    q, k, v = (x.transpose(0, 1)[None] for x in (q, k, v))
    return F.scaled_dot_product_attention(q, k, v, attn_mask=mask)[0].transpose(0, 1).flatten(1)


def encode(ids):
    keep = ids != 0
    x = w("text.embedding", 260, TEXT_WIDTH)[ids] + w("text.positions", MAX_TOKENS, TEXT_WIDTH)
    for i in range(TEXT_DEPTH):
        at = f"text.blocks.{i}"
        n = rms(x, f"{at}.norm1", TEXT_WIDTH)
        q, k, v = (heads(linear(n, f"{at}.{m}", TEXT_WIDTH, TEXT_WIDTH, m != "k"), TEXT_HEADS) for m in "qkv")
        x = x + linear(attend(q, k, v, keep[None, None, None, :]), f"{at}.out", TEXT_WIDTH, TEXT_WIDTH)
        n = rms(x, f"{at}.norm2", TEXT_WIDTH)
        up = F.gelu(linear(n, f"{at}.mlp.up", TEXT_WIDTH, 4 * TEXT_WIDTH), approximate="tanh")
        x = x + linear(up, f"{at}.mlp.down", 4 * TEXT_WIDTH, TEXT_WIDTH)
    x = rms(x, "text.norm", TEXT_WIDTH)
    return x, keep, x[keep].mean(0)


def dit_clip(x, t_f, ids, grid):
    text, keep, pooled = encode(ids)
    hidden = linear(timestep_embedding(1000 * t_f), "time.in", 256, WIDTH)
    c = linear(F.silu(hidden), "time.out", WIDTH, WIDTH) + linear(pooled, "pooled", TEXT_WIDTH, WIDTH)
    c = F.silu(c).repeat_interleave(grid[1] * grid[2], 0)  # per token
    norm = lambda y: F.layer_norm(y, (WIDTH,), eps=1e-6)
    place = angles(grid, PLACES)
    h = linear(x, "embed", P, WIDTH) + linear(torch.cat([place.cos(), place.sin()], 1), "place", PLACES, WIDTH, False)
    for i in range(DEPTH):
        at = f"blocks.{i}"
        s1, c1, g1, s2, c2, g2 = linear(c, f"{at}.adaLN", WIDTH, 6 * WIDTH).chunk(6, -1)
        n = norm(h) * (1 + c1) + s1
        q, k, v = (heads(linear(n, f"{at}.attn.{m}", WIDTH, WIDTH), HEADS) for m in "qkv")
        q, k = (rope(rms(y, f"{at}.attn.norm{m}", WIDTH // HEADS), grid) for y, m in ((q, "Q"), (k, "K")))
        h = h + g1 * linear(attend(q, k, v), f"{at}.attn.out", WIDTH, WIDTH)
        q = rms(heads(linear(norm(h), f"{at}.crossAttn.q", WIDTH, WIDTH), HEADS), f"{at}.crossAttn.normQ", WIDTH // HEADS)
        k = rms(heads(linear(text, f"{at}.crossAttn.k", TEXT_WIDTH, WIDTH), HEADS), f"{at}.crossAttn.normK", WIDTH // HEADS)
        v = heads(linear(text, f"{at}.crossAttn.v", TEXT_WIDTH, WIDTH), HEADS)
        h = h + linear(attend(q, k, v, keep[None, None, None, :]), f"{at}.crossAttn.out", WIDTH, WIDTH)
        n = norm(h) * (1 + c2) + s2
        up = F.gelu(linear(n, f"{at}.mlp.up", WIDTH, MLP_RATIO * WIDTH), approximate="tanh")
        h = h + g2 * linear(up, f"{at}.mlp.down", MLP_RATIO * WIDTH, WIDTH)
    shift, scale = linear(c, "adaLN", WIDTH, 2 * WIDTH).chunk(2, -1)
    return linear(norm(h) * (1 + scale) + shift, "out", WIDTH, P) + linear(c, "skip", WIDTH, P) * x


texts = ["ab", "red", "", "héy"]
ids = torch.zeros(len(GRIDS), MAX_TOKENS, dtype=torch.long)
for row, text in enumerate(texts):
    tokens = [1, *(b + 4 for b in text.encode()), 2] if row != 2 else [3]
    ids[row, : len(tokens)] = torch.tensor(tokens)

single = lambda x: x.float().double()
sizes = [t * h * w_ for t, h, w_ in GRIDS]
frames = [g[0] for g in GRIDS]
x0, eps = (single(torch.randn(sum(sizes), P)) for _ in range(2))
t_F = single(torch.rand(sum(frames)))
weight_F = single(torch.rand(sum(frames)))

out, losses = [], {"v": 0.0, "x0": 0.0}
frame_loss = []
for c, grid in enumerate(GRIDS):
    rows = slice(sum(sizes[:c]), sum(sizes[: c + 1]))
    mine = slice(sum(frames[:c]), sum(frames[: c + 1]))
    t = t_F[mine].repeat_interleave(grid[1] * grid[2])[:, None]
    x_t, v = (1 - t) * x0[rows] + t * eps[rows], eps[rows] - x0[rows]
    y = dit_clip(x_t, t_F[mine], ids[c], grid)
    out.append(y)
    per_frame = lambda e: e.reshape(grid[0], -1).mean(1)
    frame_loss.append(per_frame((y - v) ** 2))
    losses["v"] = losses["v"] + (weight_F[mine] * frame_loss[-1]).sum()
    from_clean = (x_t - y) / t.clamp(min=0.05)
    losses["x0"] = losses["x0"] + (weight_F[mine] * per_frame((from_clean - v) ** 2)).sum()

grads = dict(zip(weights, torch.autograd.grad(losses["v"], list(weights.values()), retain_graph=True)))
golden.write("dit", {
    "grids": [dict(zip("thw", g)) for g in GRIDS],
    "texts": texts,
    "ids": ids.tolist(),
    "weights": golden.tensors(weights),
    "inputs": golden.tensors({"x0_LP": x0, "eps_LP": eps, "t_F": t_F, "weight_F": weight_F}),
    "output_LP": golden.tensor(torch.cat(out)),
    "frameLoss_F": golden.tensor(torch.cat(frame_loss)),
    "loss": {name: loss.item() for name, loss in losses.items()},
    "gradients": golden.tensors(grads),
})

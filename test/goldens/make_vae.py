"""Goldens of the causal VAE and its loss, from PyTorch: conv3d with padding on the left of time, rms_norm, and blocks
of space and time gathered cell by cell. Run: python test/goldens/make_vae.py"""
import math

import torch
import torch.nn.functional as F

import golden

torch.manual_seed(0)
torch.set_default_dtype(torch.float64)

LATENT = 3
LEVELS = [dict(down=(2, 2), channels=4, blocks=1, kernel=(3, 3, 3)), dict(down=(2, 2), channels=6, blocks=1, kernel=(1, 3, 3))]
weights = {}


def w(path, *shape):
    if path not in weights:
        scale = 1 / math.sqrt(math.prod(shape[1:])) if len(shape) > 1 else 0.3
        offset = 1.0 if path.endswith("gain") else 0.0
        weights[path] = (offset + scale * torch.randn(*shape)).float().double().requires_grad_()
    return weights[path]


def linear(x, path, n_out):
    return x @ w(f"{path}.weight", x.shape[-1], n_out) + w(f"{path}.bias", n_out)


def to_depth(x, down):  # B T H W C
    t, s = down
    x = torch.cat([x[:, :1]] * (t - 1) + [x], 1)
    return torch.cat([x[:, i::t, j::s, k::s] for i in range(t) for j in range(s) for k in range(s)], -1)


def to_space(x, down):
    t, s = down
    b, f, h, w_, p = x.shape
    c = p // (t * s * s)
    y = torch.zeros(b, f * t, h * s, w_ * s, c)
    n = 0
    for i in range(t):
        for j in range(s):
            for k in range(s):
                y[:, i::t, j::s, k::s] = x[..., n * c : n * c + c]
                n += 1
    return y[:, t - 1 :]


def norm(x, path):  # channels last
    return F.rms_norm(x, (x.shape[-1],), w(f"{path}.gain", x.shape[-1]), eps=1e-6)


def conv(x, path, n_out, kernel):  # channels last in and out
    kt, kh, kw = kernel
    x = F.pad(x.permute(0, 4, 1, 2, 3), (kw // 2, kw // 2, kh // 2, kh // 2, kt - 1, 0))
    return F.conv3d(x, w(f"{path}.weight", n_out, x.shape[1], *kernel), w(f"{path}.bias", n_out)).permute(0, 2, 3, 4, 1)


def block(x, path, n_out, kernel):
    h = conv(F.silu(norm(x, f"{path}.norm1")), f"{path}.conv1", n_out, kernel)
    h = conv(F.silu(norm(h, f"{path}.norm2")), f"{path}.conv2", n_out, kernel)
    return h + (x if x.shape[-1] == n_out else conv(x, f"{path}.shortcut", n_out, (1, 1, 1)))


def encode(x):
    h = x
    for i, level in enumerate(LEVELS):
        h = linear(to_depth(h, level["down"]), f"encoder.levels.{i}.stem", level["channels"])
        for j in range(level["blocks"]):
            h = block(h, f"encoder.levels.{i}.blocks.{j}", level["channels"], level["kernel"])
    h = linear(F.silu(norm(h, "encoder.norm")), "encoder.out", 2 * LATENT)
    patches = x
    for level in LEVELS:
        patches = to_depth(patches, level["down"])
    return linear(patches, "encoder.linear", LATENT) + h[..., :LATENT], h[..., LATENT:] - 8


def decode(z):
    h = linear(z, "decoder.in", LEVELS[-1]["channels"])
    for i, level in reversed(list(enumerate(LEVELS))):
        for j in range(level["blocks"]):
            h = block(h, f"decoder.levels.{i}.blocks.{j}", level["channels"], level["kernel"])
        n_out = (LEVELS[i - 1]["channels"] if i else 3) * level["down"][0] * level["down"][1] ** 2
        h = to_space(linear(F.silu(norm(h, f"decoder.levels.{i}.norm")), f"decoder.levels.{i}.head", n_out), level["down"])
    y = linear(z, "decoder.linear", 3 * math.prod(l["down"][0] * l["down"][1] ** 2 for l in LEVELS))
    for level in reversed(LEVELS):
        y = to_space(y, level["down"])
    return y + h


single = lambda x: x.float().double()
video = single(torch.rand(2, 5, 8, 12, 3) * 2 - 1)
eps = single(torch.randn(2, 2, 2, 3, LATENT))
mean, logvar = encode(video)
decoded = decode(mean + torch.exp(logvar / 2) * eps)
error = decoded - video
penalty = {"l1": error.abs(), "l2": error**2, "charbonnier": torch.sqrt(error**2 + 1e-6)}
gradient = sum(error.diff(dim=d).abs().mean() for d in (1, 2, 3)) / 3
kl = torch.distributions.kl_divergence(
    torch.distributions.Normal(mean, torch.exp(logvar / 2)), torch.distributions.Normal(0.0, 1.0)
).mean()
deviation = (video - video.mean((1, 2, 3), keepdim=True)).abs().mean(-1, keepdim=True)
weight = (1 + 2 * deviation / (deviation.mean((1, 2, 3), keepdim=True) + 1e-6)) / 3
pixel = (penalty["l1"] * weight).mean()
squared = (error**2).mean()
loss = pixel + 3 * squared + 0.5 * gradient + 0.1 * kl

block_x = single(torch.randn(1, 3, 4, 5, 2))
block_y = block(block_x, "block", 4, (3, 3, 3))
block_weights = {k: weights.pop(k) for k in list(weights) if k.startswith("block")}
block_grads = torch.autograd.grad((block_y**2).sum(), list(block_weights.values()))

golden.write("vae", {
    "levels": [{k: list(v) if isinstance(v, tuple) else v for k, v in level.items()} for level in LEVELS],
    "weights": golden.tensors(weights),
    "inputs": golden.tensors({"video_BTHWC": video, "eps_Bthwz": eps}),
    "mean_Bthwz": golden.tensor(mean),
    "logvar_Bthwz": golden.tensor(logvar),
    "decoded_BTHWC": golden.tensor(decode(mean)),
    "terms": {"loss": loss.item(), "pixel": pixel.item(), "squared": squared.item(), "gradient": gradient.item(), "kl": kl.item(),
              "psnr": (10 * torch.log10(4 / ((decoded.clamp(-1, 1) - video) ** 2).mean())).item()},
    "pixelTerms": {name: p.mean().item() for name, p in penalty.items()},
    "gradients": golden.tensors(dict(zip(weights, torch.autograd.grad(loss, list(weights.values()))))),
    "block": {"x_BTHWC": golden.tensor(block_x), "y_BTHWC": golden.tensor(block_y), "weights": golden.tensors(block_weights),
              "gradients": golden.tensors(dict(zip(block_weights, block_grads)))},
})

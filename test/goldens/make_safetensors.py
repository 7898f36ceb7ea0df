"""Makes test/goldens/safetensors/*.safetensors with the Python package. Run: python test/goldens/make_safetensors.py"""
import hashlib
from pathlib import Path

import numpy as np
import torch
from safetensors.numpy import save_file
from safetensors.torch import load_file
from safetensors.torch import save_file as save_torch

here = Path(__file__).parent / "safetensors"

# What our writer writes: it must give the same bytes.
save_file(
    {
        "blocks.10.attn.w": np.arange(6, dtype=np.float32).reshape(2, 3) / 7,
        "blocks.2.attn.w": np.array([1.5, -0.0, np.inf], dtype=np.float32),
        "12": np.array([[-1, 2**31 - 1]], dtype=np.int32),
        "mask": np.array([True, False, True]),
        "scalar": np.array(3.25, dtype=np.float32),
        "empty": np.zeros((0, 4), dtype=np.float32),
        "käse": np.array([7], dtype=np.int32),
    },
    here / "ours.safetensors",
    {"part": "model"},
)

# What others write.
save_torch(
    {
        "f64": torch.tensor([0.1, -1e300], dtype=torch.float64),
        "f16": torch.tensor([1.0, -0.333251953125, 65504.0, 6e-8, -6.103515625e-05, float("inf")], dtype=torch.float16),
        "bf16": torch.tensor([1.0, -3.140625, 1e38, 1e-40], dtype=torch.bfloat16),
        "i64": torch.tensor([-(2**31), 2**31 - 1, 5], dtype=torch.int64),
        "i16": torch.tensor([-32768, 32767], dtype=torch.int16),
        "i8": torch.tensor([-128, 127], dtype=torch.int8),
        "u8": torch.tensor([0, 255], dtype=torch.uint8),
    },
    here / "others.safetensors",
)
for name in ("f64", "f16", "bf16"):
    print(name, load_file(here / "others.safetensors")[name].float().numpy().view(np.uint32).tolist())
halves = torch.arange(65536, dtype=torch.int32).to(torch.int16).view(torch.float16).float()
print("sha256 of all halves as floats, NaN as 0:", hashlib.sha256(torch.nan_to_num(halves, 0, torch.inf, -torch.inf).numpy().tobytes()).hexdigest())

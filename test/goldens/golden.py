"""Writes goldens: named float32 tensors as base64, with plain values beside them."""
import base64
import json
import pathlib

import numpy as np


def tensor(x):
    x = x.detach().numpy() if hasattr(x, "detach") else np.asarray(x)
    data = np.ascontiguousarray(x, dtype="<f4").tobytes()
    return {"shape": list(x.shape), "base64": base64.b64encode(data).decode()}


def tensors(named):
    return {name: tensor(x) for name, x in named.items()}


def write(name, values):
    path = pathlib.Path(__file__).parent / f"{name}.json"
    path.write_text(json.dumps(values, indent=1) + "\n")
    print(path, path.stat().st_size, "bytes")

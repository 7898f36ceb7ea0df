"""Steps of diffusers' flow schedulers, its guidance and its linear-quadratic times -> samplers.json, guidance.json.

Velocities are drawn, not modelled: every solver's step is linear in them, so any will do.
Run with PyTorch and diffusers (0.40.0.dev0 of 2026-08-23 was used) on the path.
"""
import ast
import pathlib

import diffusers
import torch
from diffusers import (
    DPMSolverMultistepScheduler,
    FlowMatchEulerDiscreteScheduler,
    FlowMatchHeunDiscreteScheduler,
    UniPCMultistepScheduler,
)
from diffusers.guiders.adaptive_projected_guidance import MomentumBuffer, normalized_guidance
from diffusers.guiders.guider_utils import rescale_noise_cfg

import golden

torch.manual_seed(7)
UNEVEN = [1.0, 0.93, 0.81, 0.62, 0.4, 0.23, 0.11]
EDIT = [0.7, 0.52, 0.37, 0.22, 0.1]
FLOW = {"prediction_type": "flow_prediction", "use_flow_sigmas": True, "final_sigmas_type": "zero"}


def linear_quadratic_schedule():
    """The function of Mochi's pipeline, without what the pipeline needs besides."""
    path = pathlib.Path(diffusers.__file__).parent / "pipelines/mochi/pipeline_mochi.py"
    body = ast.parse(path.read_text()).body
    found = [node for node in body if getattr(node, "name", None) == "linear_quadratic_schedule"]
    names = {}
    exec(compile(ast.Module(found, []), str(path), "exec"), names)
    return names["linear_quadratic_schedule"]


def unipc(order):
    return lambda: UniPCMultistepScheduler(solver_order=order, solver_type="bh2", **FLOW)


def dpm():
    return DPMSolverMultistepScheduler(solver_order=2, algorithm_type="dpmsolver++", solver_type="midpoint", **FLOW)


def with_times(scheduler, sigmas, repeats=1):
    """The scheduler at these times, its last step leading to 0."""
    scheduler.set_timesteps(len(sigmas))
    inner = [sigma for sigma in sigmas[1:] for _ in range(repeats)]
    near = 1 - 1e-6 if "UniPC" in type(scheduler).__name__ or "DPM" in type(scheduler).__name__ else 1.0
    listed = [min(sigmas[0], near), *inner]
    scheduler.sigmas = torch.tensor([*listed, 0.0], dtype=torch.float64)
    scheduler.timesteps = 1000 * torch.tensor(listed)
    scheduler.set_begin_index(0)
    return scheduler


def case(make, kind, sigmas, order=None, repeats=1):
    scheduler = with_times(make(), sigmas, repeats)
    start = torch.randn(1, 6, dtype=torch.float64)
    x, velocities, points = start, [], []
    for t in scheduler.timesteps:
        v = torch.randn(1, 6, dtype=torch.float64)
        x = scheduler.step(v, t, x).prev_sample
        velocities.append(v)
        points.append(x)
    return {
        "kind": kind,
        **({} if order is None else {"order": order}),
        "times": [*sigmas, 0],
        "start": golden.tensor(start),
        "velocities": golden.tensor(torch.cat(velocities)),
        "points": golden.tensor(torch.cat(points)),
    }


golden.write("samplers", {
    "steps": [
        case(FlowMatchEulerDiscreteScheduler, "euler", UNEVEN),
        case(FlowMatchHeunDiscreteScheduler, "heun", UNEVEN, repeats=2),
        *[case(dpm, "dpm++", sigmas) for sigmas in (UNEVEN, EDIT, [1.0], [1.0, 0.5])],
        *[case(unipc(2), "unipc", sigmas, 2) for sigmas in (UNEVEN, EDIT, [1.0], [1.0, 0.5])],
        *[case(unipc(3), "unipc", sigmas, 3) for sigmas in (UNEVEN, EDIT, [1.0, 0.5], [1.0, 0.7, 0.3])],
    ],
    "linearQuadratic": [
        {"steps": steps, "threshold": threshold, "times": linear_quadratic_schedule()(steps, threshold)}
        for steps, threshold in ((12, 0.025), (7, 0.025), (64, 0.1))
    ],
})

# Two clips, three steps of 4 tokens of 3 values. The pairs are clean predictions for APG, velocities for the rescaling.
conditional, unconditional = torch.randn(3, 2, 4, 3) + 0.5, torch.randn(3, 2, 4, 3)
scale, rescale, momentum, eta, limit = 4.0, 0.7, -0.5, 0.25, 3.0
buffer = MomentumBuffer(momentum)
golden.write("guidance", {
    "scale": scale,
    "conditional": golden.tensor(conditional),
    "unconditional": golden.tensor(unconditional),
    "rescale": rescale,
    "rescaled": golden.tensor(torch.stack([
        rescale_noise_cfg(u + scale * (c - u), c, rescale) for c, u in zip(conditional, unconditional)
    ])),
    "momentum": momentum,
    "parallel": eta,
    "limit": limit,
    "projected": golden.tensor(torch.stack([
        normalized_guidance(c, u, scale - 1, buffer, eta, limit, use_original_formulation=True)
        for c, u in zip(conditional, unconditional)
    ])),
})

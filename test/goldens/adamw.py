"""Golden of AdamW with clipping by global norm and an EMA. Run: python adamw.py > adamw.json"""
import json
import torch

torch.manual_seed(0)
weight = torch.nn.Parameter(torch.randn(3, 4, dtype=torch.float64))
bias = torch.nn.Parameter(torch.randn(4, dtype=torch.float64))
ema = [weight.detach().clone(), bias.detach().clone()]
optimizer = torch.optim.AdamW(
    [{"params": [weight], "weight_decay": 0.1}, {"params": [bias], "weight_decay": 0.0}],
    lr=0.01, betas=(0.9, 0.99), eps=1e-8,
)
start = {"weight": weight.tolist(), "bias": bias.tolist()}
steps = []
for step in range(1, 6):
    weight.grad = torch.randn(3, 4, dtype=torch.float64) * (5.0 if step == 3 else 0.1)
    bias.grad = torch.randn(4, dtype=torch.float64) * 0.1
    grads = {"weight": weight.grad.tolist(), "bias": bias.grad.tolist()}
    norm = torch.nn.utils.clip_grad_norm_([weight, bias], 1.0)
    optimizer.step()
    decay = min(0.999, (1 + step) / (10 + step))
    for average, value in zip(ema, [weight, bias]):
        average.mul_(decay).add_(value.detach(), alpha=1 - decay)
    steps.append({
        "grads": grads, "norm": norm.item(), "weight": weight.tolist(), "bias": bias.tolist(),
        "emaWeight": ema[0].tolist(), "emaBias": ema[1].tolist(),
    })
print(json.dumps({"start": start, "steps": steps}))

"""Golden of Muon with decay and AdamW's step size, by PyTorch's own. Run: python muon.py > muon.json

PyTorch iterates in bfloat16; here float64 stays what it is, so that the two can be compared closely.
"""
import json
import torch

torch.Tensor.bfloat16 = lambda self: self
torch.manual_seed(0)
shapes = {"wide": (3, 5), "tall": (6, 4)}
weights = {name: torch.nn.Parameter(torch.randn(shape, dtype=torch.float64)) for name, shape in shapes.items()}
optimizer = torch.optim.Muon(
    weights.values(), lr=0.01, weight_decay=0.1, momentum=0.95, nesterov=True, ns_steps=5, adjust_lr_fn="match_rms_adamw"
)
start = {name: weight.tolist() for name, weight in weights.items()}
steps = []
for step in range(4):
    for weight in weights.values():
        weight.grad = torch.randn(weight.shape, dtype=torch.float64) * (3.0 if step == 2 else 0.1)
    grads = {name: weight.grad.tolist() for name, weight in weights.items()}
    optimizer.step()
    steps.append({"grads": grads, "params": {name: weight.tolist() for name, weight in weights.items()}})
print(json.dumps({"start": start, "steps": steps}))

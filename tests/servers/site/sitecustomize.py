"""Makes torchvision importable where its compiled operators cannot be loaded (CPU builds of torch).

torchvision only ships CUDA builds for some platforms; its import then fails at two operators that
it describes and that are not there. Declaring their signatures is enough: image models never call
them. On the path of the servers of `make test-servers` and of their subprocesses only.
"""

import torch

_SIGNATURES = (
    "nms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor",
    "qnms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor",
)

library = torch.library.Library("torchvision", "FRAGMENT")
for signature in _SIGNATURES:
    library.define(signature)

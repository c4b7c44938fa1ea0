"""A dynamic int8 Linear layer for devices on which torch's own does not run.

torch's own computes with fbgemm, on the CPU. This one computes the same numbers with functions that
torch has on each device: the steps are those of torch's `quantized/cpu/qlinear_dynamic.cpp` and of
fbgemm's `QuantizeAvx2` and `requantizeForFloatAvx2`. No batch waits for the device.

Tensors are divided by tensors here, because CUDA multiplies by the reciprocal of a Python number.
"""

import torch
from torch import nn
from torch.ao.quantization.qconfig import default_dynamic_qconfig

LARGEST_CODE = 127  # of the range of a batch: torch leaves one bit, so that no sum overflows
CENTRE = 128  # taken off the codes of activations, 0 to 255, to make them int8
LEAST_STEP = float(torch.tensor(6.1e-5))
LANES = 8  # numbers of which fbgemm searches the least and the largest at once


def range_of(values: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Find the least and the largest number of a batch as fbgemm does.

    A NaN makes its lane forget what came before. The first entry alone makes both NaN.
    """
    flat = torch.cat([values.flatten()[:1].expand(LANES), values.flatten()])
    lanes = flat[: len(flat) // LANES * LANES].view(-1, LANES)
    place = torch.arange(len(lanes), device=flat.device)[:, None]
    counts = place > torch.where(lanes.isnan(), place, -1).amax(0)
    left = ~flat[lanes.numel() :].isnan()
    low, high = torch.where(torch.cat([counts.flatten(), left]), flat, flat[0]).aminmax()
    return low, high


def step_and_zero(low: torch.Tensor, high: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Choose how the activations of a batch become codes, as torch's ChooseQuantizationParams does.

    Args:
        low: Least activation, float32 without dimensions.
        high: Largest activation, likewise.

    Returns:
        The step between two codes, float32, and the code of 0, int32. Where torch refuses a batch
        because of NaN, the step is NaN, and so is all that is computed with it.
    """
    low, high = low.clamp(max=0), high.clamp(min=0)
    step = (high.double() - low.double()) / torch.full_like(low, LARGEST_CODE)
    step = torch.where((step.float() == 0) | (1 / step.float()).isinf(), 0.1, step)
    least = torch.full_like(low, LEAST_STEP)
    growth, small = least / step.float(), step < LEAST_STEP
    grown = torch.where(high == 0, -least * LARGEST_CODE, low * growth)
    high = torch.where(small, torch.where(low == 0, least * LARGEST_CODE, high * growth), high)
    low, step = torch.where(small, grown, low), torch.where(small, LEAST_STEP, step)
    below, above = low / step, LARGEST_CODE - high / step
    zero = torch.where(below < above, -below, above)
    # Of an infinite batch it is NaN, which becomes the least int32 on an x86 processor.
    zero = torch.where(zero.isnan(), -(2.0**31), zero.clamp(0, LARGEST_CODE).round())
    return step.float(), zero.int()


def _rounded_once(one: torch.Tensor, other: torch.Tensor) -> torch.Tensor:
    """The sum of float64 numbers in float32, rounded as the fused steps of fbgemm round it."""
    total = one + other
    part = total - one
    lost = (one - (total - part)) + (other - part)
    # An odd last digit of float64 stands for what is lost, so that no tie is seen where none is.
    even = total.view(torch.int64) % 2 == 0
    odd = torch.nextafter(total, torch.where(lost > 0, torch.inf, -torch.inf).to(total))
    return torch.where(even & (lost.abs() > 0), odd, total).float()


def activation_codes(values: torch.Tensor, step: torch.Tensor, zero: torch.Tensor) -> torch.Tensor:
    """The codes of activations, 0 to 255, as float32 of the shape of `values`. That of NaN is 255."""
    codes = _rounded_once(values.double() * (1 / step).double(), zero.double())
    return torch.where(codes.isnan(), 255, codes.round().clamp(0, 255))


def weight_codes(weight: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """The codes of a float32 weight, int8 of its shape, and the step between two codes, float32."""
    observer = default_dynamic_qconfig.weight()
    observer(torch.stack(weight.detach().aminmax()).cpu())
    step = observer.calculate_qparams()[0].to(weight.device)
    return (weight.detach() * (1 / step)).round_().clamp_(-128, 127).to(torch.int8), step


class DynamicInt8Linear(nn.Module):
    """Computes what torch's dynamic int8 layer of a Linear layer computes.

    Where a batch holds NaN, some codes can be over LARGEST_CODE + 1. Of such rows, torch's sums
    overflow on a processor without VNNI. Here they are exact, as they are on one with VNNI.

    Args:
        layer: The float32 layer.
    """

    codes: torch.Tensor
    sums: torch.Tensor
    step: torch.Tensor
    bias: torch.Tensor | None

    def __init__(self, layer: nn.Linear) -> None:
        super().__init__()
        codes, step = weight_codes(layer.weight)
        # On CUDA, the sizes of an integer product have to be multiples of 8.
        padded = nn.functional.pad(codes, (0, -codes.shape[1] % 8, 0, -codes.shape[0] % 8))
        self.register_buffer("codes", padded)
        self.register_buffer("sums", codes.sum(1, dtype=torch.int32))
        self.register_buffer("step", step)
        self.register_buffer("bias", None if layer.bias is None else layer.bias.detach())

    def forward(self, values: torch.Tensor) -> torch.Tensor:
        """Compute the outputs of a batch, with one step for all of it."""
        rows = values.flatten(0, -2)
        step, zero = step_and_zero(*range_of(rows))
        codes = (activation_codes(rows, step, zero) - CENTRE).to(torch.int8)
        # On CUDA, an integer product has more than 16 rows.
        more = max(24 - len(rows), -len(rows) % 8)
        codes = nn.functional.pad(codes, (0, self.codes.shape[1] - codes.shape[1], 0, more))
        products = torch._int_mm(codes, self.codes.t())[: len(rows), : len(self.sums)]
        exact = (products - (zero - CENTRE) * self.sums).float().double() * (step * self.step)
        output = exact.float() if self.bias is None else _rounded_once(exact, self.bias.double())
        return output.unflatten(0, values.shape[:-1])

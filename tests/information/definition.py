"""IIC's information as its definition reads: loops over displacements and clusters, in float64."""

from __future__ import annotations

import math

import torch
from torch import Tensor


def information(joint: Tensor, lamb: float) -> float:
    P: list[list[float]] = (joint / joint.sum()).tolist()
    rows = [sum(row) for row in P]
    columns = [sum(column) for column in zip(*P, strict=True)]
    return sum(
        p * (math.log(p) - lamb * math.log(rows[i]) - lamb * math.log(columns[j]))
        for i, row in enumerate(P)
        for j, p in enumerate(row)
        if p > 0
    )


def displaced_joint(first: Tensor, second: Tensor, down: int, right: int) -> Tensor:
    """Sum over images and pixels u such that both u and u + t lie in the maps."""
    height, width = first.shape[-2:]
    rows = [row for row in range(height) if 0 <= row + down < height]
    columns = [column for column in range(width) if 0 <= column + right < width]
    here = first[:, :, rows][..., columns]
    there = second[:, :, [row + down for row in rows]][..., [column + right for column in columns]]
    return torch.einsum("niyx,njyx->ij", here, there)


def displaced_information(
    first: Tensor, second: Tensor, *, radius: int, lamb: float, collapsed: bool, mask: Tensor | None
) -> float:
    if mask is not None:
        first, second = first * mask[:, None], second * mask[:, None]
    steps = range(-radius, radius + 1)
    joints = [displaced_joint(first, second, down, right) for down in steps for right in steps]
    if collapsed:
        joints = [torch.stack(joints).sum(dim=0)]
    if first.shape[1] == second.shape[1]:
        joints = [(joint + joint.T) / 2 for joint in joints]
    return sum(information(joint, lamb) for joint in joints) / len(joints)

"""Rules on the share of a class within the centre crop, such as "person >= 0.2"."""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np
from jaxtyping import UInt8

from infoseg_bench.data.centre_crop import centre_crop
from infoseg_bench.errors import UsageError, unknown_name


@dataclass(frozen=True, kw_only=True)
class ShareRule:
    """Selects photos by the share of one class.

    Attributes:
        cls: class index
        at_least: whether `share` is the smallest or the largest allowed share
        share: share of the crop's pixels, including padding and void, in [0, 1]
        crop: side of the centre crop in pixels
    """

    cls: int
    at_least: bool
    share: float
    crop: int

    @classmethod
    def parse(cls, text: str, classes: tuple[str, ...], crop: int, option: str) -> ShareRule:
        """Parse a rule: a class name, `>=` or `<=`, and a share; `option` is named in messages.

        Raises:
            UsageError: not a rule, an unknown class, or a share outside [0, 1]
        """
        match = re.fullmatch(r"\s*(.+?)\s*(>=|<=)\s*([0-9]*\.?[0-9]+)\s*", text)
        if match is None:
            raise UsageError(f"{option} {text!r}: not a rule: write it as in '{classes[-1]} >= 0.2'")
        name, relation, number = match.groups()
        if name not in classes:
            raise unknown_name(f"class in {option}", name, classes)
        if not 0 <= float(number) <= 1:
            raise UsageError(f"{option} {text!r}: {number} is not a share: use a number from 0 to 1")
        return cls(cls=classes.index(name), at_least=relation == ">=", share=float(number), crop=crop)

    def accepts(self, labels: UInt8[np.ndarray, "height width"]) -> bool:
        """Return whether a photo's class labels satisfy the rule within the centre crop."""
        share = int(np.count_nonzero(centre_crop(labels, self.crop) == self.cls)) / self.crop**2
        return share >= self.share if self.at_least else share <= self.share

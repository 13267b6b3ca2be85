"""What tracks cost whoever runs the server, where they said so."""

import re
from dataclasses import dataclass
from typing import Self

_PRICE = re.compile(r"(\d{1,6}(?:\.\d{1,6})?)\s*([A-Za-z]{1,10}|[$€£¥])")


@dataclass(frozen=True, slots=True)
class Price:
    """The price of one track, in a currency that is only ever repeated."""

    amount: str
    currency: str

    @classmethod
    def read(cls, text: str) -> Self:
        """The price in a text such as `0.01 USD`.

        Raises:
            ValueError: It is none.
        """
        found = _PRICE.fullmatch(text.strip())
        if found is None:
            raise ValueError("give what one track costs, an amount and a currency, like 0.01 USD")
        return cls(found[1], found[2])

    def of(self, tracks: int) -> str:
        """What so many tracks cost."""
        from decimal import Decimal  # noqa: PLC0415  # a start does without it

        return f"{Decimal(self.amount) * tracks:f} {self.currency}"


def spent(tracks: int, unknown: int, price: Price | None) -> str:
    """What so many bought tracks cost, with those of unknown outcome said apart, never as none."""
    cost = f", {price.of(tracks)} at {price.of(1)} each" if price else ""
    said = f"Tracks bought: {tracks}{cost}."
    if unknown:
        more = f" (up to {price.of(unknown)} more)" if price else ""
        said += f" Of unknown outcome, perhaps charged: {unknown}{more}."
    if not price:
        said += " What they cost is on the gateway's dashboard; set ACESTEP_PRICE to see it here."
    return said

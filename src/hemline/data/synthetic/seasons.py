"""The calendar: seasonal and weekly demand.

A garment group's season is one cosine of the logarithm, with a peak day and an amplitude fitted by
eye to the monthly shares of the genuine sample. Real seasons are less smooth; one cosine is enough
to test a seasonal monitor and simple enough for a reader to check.
"""

from datetime import date
from typing import Final

import numpy as np
import numpy.typing as npt

YEAR_DAYS: Final = 365.25

PEAKS: Final = {
    "Unknown": (15, 0.1),
    "Jersey Basic": (165, 0.45),
    "Knitwear": (315, 0.8),
    "Jersey Fancy": (180, 0.3),
    "Woven/Jersey/Knitted mix Baby": (260, 0.2),
    "Outdoor": (315, 0.45),
    "Dressed": (240, 0.25),
    "Trousers": (150, 0.15),
    "Blouses": (175, 0.4),
    "Shirts": (190, 0.2),
    "Skirts": (160, 0.35),
    "Dresses Ladies": (180, 0.5),
    "Dresses/Skirts girls": (180, 0.5),
    "Trousers Denim": (110, 0.2),
    "Under-, Nightwear": (140, 0.15),
    "Swimwear": (145, 1.05),
    "Accessories": (345, 0.12),
    "Shoes": (150, 0.45),
    "Socks and Tights": (320, 0.6),
    "Special Offers": (200, 0.2),
    "Shorts": (158, 1.1),
}
"""Garment group to (day of the year of its peak, amplitude of the logarithm)."""

# Share of sales per weekday, Monday first, from the genuine sample.
_WEEKDAYS: Final = np.array([0.134, 0.123, 0.155, 0.155, 0.148, 0.150, 0.135])
_YEAR_PEAK, _YEAR_AMPLITUDE = 178, 0.24
_SALES: Final = ((174, 179), (329, 332))  # days of the year: end of June, last Friday of November
_SALE_LIFT: Final = 1.5


def log_demand(garment_groups: list[str], day: date) -> npt.NDArray[np.float64]:
    """Return the logarithm of the seasonal demand per garment group on a day, mean 0 over a year.

    >>> log_demand(["Knitwear"], date(2020, 11, 10)).round(2).tolist()
    [0.8]
    """
    peak, amplitude = np.array([PEAKS[name] for name in garment_groups]).T
    phase = (day.timetuple().tm_yday - peak) / YEAR_DAYS
    return np.asarray(amplitude * np.cos(2 * np.pi * phase), np.float64)


def day_weights(first_day: date, last_day: date) -> npt.NDArray[np.float64]:
    """Return how busy the shop is on each day: weekday, season and sales periods."""
    days = np.arange(np.datetime64(first_day, "D"), np.datetime64(last_day, "D") + 1)
    weekday = (days.astype(np.int64) + 3) % 7  # 1970-01-01 was a Thursday
    day_of_year = (days - days.astype("datetime64[Y]")).astype(np.int64) + 1
    season = _YEAR_AMPLITUDE * np.cos(2 * np.pi * (day_of_year - _YEAR_PEAK) / YEAR_DAYS)
    sale = np.where(_is_sale(day_of_year), _SALE_LIFT, 1.0)
    return np.asarray(_WEEKDAYS[weekday] * np.exp(season) * sale, np.float64)


def _is_sale(day_of_year: npt.NDArray[np.int64]) -> npt.NDArray[np.bool_]:
    days = [np.arange(first, last + 1) for first, last in _SALES]
    return np.isin(day_of_year, np.concatenate(days))

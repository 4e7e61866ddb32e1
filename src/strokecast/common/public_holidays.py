"""Public holidays of countries and regions, by the package `holidays`."""

from __future__ import annotations

import datetime

from strokecast.common.errors import UserError

_KEY = "params.yaml: features.forecast.holiday_country"


def holidays(country: str, first: int, last: int) -> dict[datetime.date, tuple[str, ...]]:
    """The public holidays of a country (`US`) or region (`US-IL`) from year `first` to `last`: day → names.

    A substitute day that is observed has the name of its holiday.

    Raises:
        UserError: if the package `holidays` does not know the country or region, or for years before 1 or after 9999.
    """
    import holidays as package

    if first < datetime.MINYEAR or last > datetime.MAXYEAR:
        raise UserError(
            f"no holidays are known for the years {first} to {last}",
            location=_KEY,
            fix="set it to null, or cut the series by quality.series.start and end",
        )
    code, _, region = country.partition("-")
    try:
        by_day = package.country_holidays(code, subdiv=region or None, years=range(first, last + 1))
    except NotImplementedError:
        regions = package.list_supported_countries().get(code)
        allowed = (
            f"{code} alone, or with one of {', '.join(regions[:12])} ..."
            if regions
            else "an ISO code such as US or US-IL"
        )
        raise UserError(f"no holidays are known for {country!r}", location=_KEY, allowed=allowed) from None
    return {
        day: tuple(name.removesuffix(" (observed)") for name in by_day.get_list(day))
        for day in sorted(by_day)
    }

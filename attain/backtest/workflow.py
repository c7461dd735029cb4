"""``attain backtest``: which kind of history it is, the back-test, and the files it leaves."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from attain.backtest.origins import HORIZONS, BacktestRefused, read_every, read_horizons
from attain.backtest.periods import backtest_periods
from attain.backtest.records import Backtest
from attain.backtest.run import FOLDS, REPLICATIONS, Said, backtest_deals
from attain.backtest.source import Source
from attain.backtest.table import period_mapping
from attain.fitted_effort import Capacity
from attain.history.beside import read_tables
from attain.history.holidays import known_country
from attain.history.mapping import Mapping, read_mapping
from attain.history.sheets import is_url


def backtest(
    history: str | os.PathLike[str],
    *,
    mapping: str | os.PathLike[str] | Mapping | None = None,
    folds: int = FOLDS,
    every: str = "1mo",
    horizons: str | Sequence[str] = tuple(HORIZONS),
    n: int = REPLICATIONS,
    seed: int = 0,
    learn: int | None = None,
    library: bool = True,
    sets: Sequence[str] = (),
    currency: str | None = None,
    rates: str | os.PathLike[str] | None = None,
    table: str = "",
    deals: str | os.PathLike[str] | None = None,
    timezone: str = "",
    accounts: str | os.PathLike[str] | None = None,
    products: str | os.PathLike[str] | None = None,
    people: str | os.PathLike[str] | None = None,
    quotas: str | os.PathLike[str] | None = None,
    capacity: Capacity | None = None,
    country: str | None = None,
    on_progress: Said | None = None,
) -> Backtest:
    """Forecast ``folds`` past months' ends, ``every`` so many months (1mo, 1q), and score what came after each.

    ``horizons``: some of month, quarter and half. At each origin the plan is fitted to what was known that day and
    simulated ``n`` times in phase 3. ``learn``: earlier origins, forecast for recalibration alone; as many as ``folds``
    unless given. ``library``: AutoETS and AutoARIMA too, where they are installed. ``sets`` vary each fitted plan, as
    ``--set`` does. ``currency``, ``rates``, ``table``, ``deals``, ``timezone``, ``country``, the tables beside the
    history and ``capacity``: as ``calibrate`` takes them, the tables cut to what they tell of each day
    (``joined.known_by``). A mapping with ``shape: periods`` makes the same of a table without deals. Raises
    HistoryRefused, MappingRefused, PlanRefused or BacktestRefused.
    """
    step = read_every(every)
    asked = read_horizons(horizons if isinstance(horizons, str) else ",".join(horizons))
    files = {"accounts": accounts, "products": products, "people": people, "quotas": quotas}
    address = str(history)
    path = Path(history)
    if isinstance(mapping, (str, os.PathLike)):
        periods = period_mapping(Path(mapping))
        if periods is not None:
            asked_of_deals = {"currency": currency, "rates": rates, "table": table or None, "country": country}
            asked_of_deals |= {"deals": deals, "timezone": timezone or None}
            _without(**files, **asked_of_deals, learn=learn, set=sets or None, capacity=capacity)
            return backtest_periods(
                path, periods, folds=folds, every=step, horizons=asked, n=n, seed=seed, library=library,
                on_progress=on_progress,
            )  # fmt: skip
        mapping = read_mapping(Path(mapping))
    source = Source(
        address if is_url(address) else path,
        mapping,
        currency,
        Path(rates) if rates is not None else None,
        table,
        known_country(country) if country is not None else None,
        read_tables({kind: Path(file) for kind, file in files.items() if file is not None}, mapping),
        capacity,
        str(deals) if deals is not None else None,
        timezone,
    )
    return backtest_deals(
        source, folds=folds, every=step, horizons=asked, n=n, seed=seed, learn=learn, library=library, sets=sets,
        on_progress=on_progress,
    )  # fmt: skip


def _without(**given: object) -> None:
    """Refuse what is of deals, of plans fitted to them, and of recalibration: nothing given is ignored."""
    said = {"capacity": "hours-per-week, busy"}
    names = [said.get(name, name) for name, value in given.items() if value is not None]
    if names:
        raise BacktestRefused(f"a table of periods has no deals and makes no plan: leave out {', '.join(names)}")

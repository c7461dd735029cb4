"""The example plan that every version must load, with the files that it names."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

EXAMPLE = """\
attain: 1
name: Key accounts 2026
currency: CNY
horizon: {start: 2026-01-01, end: 2026-12-31}    # as_of, later than start, when part of it has happened
calendar: {country: CN, makeup_workdays: true, hours_per_day: 8}
goals:
  company: {metric: bookings, at_least: 5000万}
  erp-north: {metric: bookings, at_least: 900万, where: {product: ERP, region: North}}
  first-half: {metric: bookings, at_least: 2000万, until: 2026-06-30}
  every-month: {metric: deals_won, at_least: 1, every: month}       # joint over the months
  everyone: {all_of: quotas}                                        # joint over the reps
stages:                                          # in order; the deal is booked where won stands; stages after it go on
  - {name: lead,      work: 1 h, wait: {exponential: {mean: 5 d}}, advance: 0.50}
  - {name: proposal,  work: 6 h, wait: {lognormal: {median: 12 d, p90: 30 d}}, advance: {wins: 24, of: 60}}
  - {name: contract,  work: {triangular: {low: 1 h, mode: 2 h, high: 6 h}}, wait: 3 d, advance: 0.50, won: true}
  - {name: delivery,  work: 0 h, wait: 30 d, advance: 0.98}
products:
  ERP: {deal_value: {lognormal: {mean: 1_000_000, cv: 0.6}}}
  CRM: {deal_value: {empirical: {file: crm-values.csv, column: value}}}
regions: {North: {}, East: {}}                   # may nest to any depth: {华北: {北京: {}, 河北: {石家庄: {}}}}
segments: {manufacturing: {}, finance: {}}       # optional
reps:
  - name: 张伟
    region: North
    products: [ERP, CRM]
    hours_per_week: 40
    prospecting: {hours_per_week: 8, prospects_per_hour: 0.3}   # what reps find themselves
    advance: {contract: 1.2}                                    # this rep's odds, against the stage's
    quota: {year: 1000万, months: [40万, 60万]}                 # or one number
  - {name: Li Na, region: [North, East], products: [ERP], hours_per_week: 32, quota: 12_000_000}
sources:
  inbound: {leads_per_month: 42, mix: {North: {ERP: 2, CRM: 1}, East: {ERP: 1, CRM: 1}}}
  list: {prospects: 500, spread: year, mix: {North: {ERP: 1}}}  # exactly 500
  events:
    budget: {North: 200_000, East: 150_000}      # for the horizon; by product, or by month, where it is split so
    response: {hill: {most_leads_per_month: 30, half_at: 25_000, shape: 1.0}}
    mix: {North: {ERP: 1}, East: {ERP: 1, CRM: 1}}
economy: {sd: 0.10, persistence: 0.8, regional_sd: 0.05}        # absent unless written
accounts: {file: accounts.csv}                   # owner, segment, MAN scores: a known account goes to its owner
pipeline: {file: open-deals.csv}                 # deals open on the first day, with stage, age, owner, value
rules: []                                        # section 8
decide:                                          # what the optimiser may move, and its limits
  reference: last-year.csv                       # for proportions and change limits; else the plan's own split
  budget: {total: 500_000, step: 10_000, change_at_most: 50%}
  quotas: {over_assignment: [1.0, 1.15]}
"""

FILES = {
    "crm-values.csv": "value\n300000\n45万\n520000\n",
    "accounts.csv": (
        "account,owner,region,segment,money,authority,need\n"
        "上海重工,张伟,North,manufacturing,0.9,0.6,0.7\nBank of X,Li Na,East,finance,0.4,,0.9\n"
    ),
    "open-deals.csv": (
        "deal,stage,age,owner,product,region,value,account\n"
        "D1,proposal,12,张伟,ERP,North,120万,上海重工\nD2,contract,3 d,Li Na,ERP,East,,\n"
    ),
    "last-year.csv": "source,region,budget\nevents,North,180000\nevents,East,140000\n",
}


@pytest.fixture
def example_text() -> str:
    return EXAMPLE


@pytest.fixture
def write_example(tmp_path: Path) -> Callable[..., Path]:
    """Writes the example (or another text), the files it names and further files into a folder; gives its path."""

    def write(text: str = EXAMPLE, **files: str) -> Path:
        for name, content in FILES.items():
            (tmp_path / name).write_text(content, encoding="utf-8")
        for name, content in files.items():
            (tmp_path / name.replace("__", ".").replace("_", "-")).write_text(content, encoding="utf-8")
        path = tmp_path / "plan.yaml"
        path.write_text(text, encoding="utf-8")
        return path

    return write

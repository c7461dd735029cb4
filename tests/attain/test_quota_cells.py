"""Quotas by cell of region and product: to the last unit, beside the plan's own goals, and in the new plan."""

from __future__ import annotations

import numpy as np
import pytest

from attain.optimise import optimise
from attain.optimise.search import work_limits
from attain.simulate import simulate
from engine.batch import Simulator
from engine.draws import SIMULATE
from engine.goals import BOOKINGS, MEASURES
from engine.plan.findings import findings
from engine.plan.load import load_plan
from engine.world import build
from tests.attain.cli_runs import Attain

TEXT = """\
attain: 1
name: 配额
currency: CNY
horizon: {start: 2026-01-01, end: 2026-12-31}
calendar: {days: 240}
goals:
  company: {metric: bookings, at_least: 6_000_000}
  软件: {metric: bookings, at_least: 2_500_000, where: {product: 软件}}
  北方: {metric: bookings, at_least: 3_000_000, where: {region: 北方}}
  京硬: {metric: bookings, at_least: 1_000_000, where: {region: 北京, product: 硬件}}
  半年: {metric: bookings, at_least: 1_000_000, until: 2026-06-30, where: {product: 硬件}}
stages: [{name: sign, work: 0 h, wait: 10 d, advance: 0.5, won: true}]
products:
  软件: {deal_value: {lognormal: {mean: 30_000, cv: 0.5}}}
  硬件: {deal_value: {lognormal: {mean: 150_000, cv: 0.8}}}
regions: {北方: {北京: {}, 天津: {}}, 上海: {}}
reps:
  - {name: 张伟, region: 北方}
  - {name: Ann, region: [北京, 上海]}
sources:
  s: {leads_per_month: 30, mix: {北京: {软件: 4, 硬件: 1}, 天津: {软件: 2, 硬件: 1}, 上海: {软件: 3, 硬件: 1}}}
routing: {share: {张伟: 1, Ann: 1}}
decide: {quotas: {over_assignment: [1.0, 1.1]}}
"""


@pytest.fixture(scope="module")
def answer(tmp_path_factory: pytest.TempPathFactory):
    folder = tmp_path_factory.mktemp("cells")
    (folder / "配额.yaml").write_text(TEXT, encoding="utf-8")
    return optimise(folder / "配额.yaml", seed=2, n=600, jobs=1, effort=0.02, out=folder / "new.yaml"), folder


def test_cells_sum_to_each_quota_and_parts_to_all(answer) -> None:
    found, _ = answer
    parts = found.quota_parts
    given = sum(row.after for row in found.quotas)
    for row in found.quotas:
        assert sum(cell.quota for cell in row.split) == row.after
        assert len({(cell.region, cell.product) for cell in row.split}) == len(row.split)
    for rows in (parts.products, parts.regions, parts.cells):
        assert sum(part.quota for part in rows) == given
    assert [(part.region, part.product) for part in parts.products] == [("", "硬件"), ("", "软件")]
    assert {part.region for part in parts.regions} == {"北京", "天津", "上海"}
    assert len(parts.cells) == 6


def test_parts_stand_beside_the_goals_of_just_them(answer) -> None:
    found, _ = answer
    parts = found.quota_parts
    goals = {(part.region, part.product): (part.goal, part.target) for part in (*parts.products, *parts.cells)}
    assert goals["", "软件"] == ("软件", 2_500_000)
    assert goals["北京", "硬件"] == ("京硬", 1_000_000)
    assert goals["", "硬件"] == ("", None)  # half a year is another goal
    (north,) = parts.goals  # a region above those of the cells
    inside = [part for part in parts.cells if part.region in ("北京", "天津")]
    assert (north.goal, north.target, north.region) == ("北方", 3_000_000, "北方")
    assert north.quota == sum(part.quota for part in inside)
    assert north.expected == pytest.approx(sum(part.expected for part in inside))


def test_odds_and_means_are_those_of_fresh_paths(answer) -> None:
    """Counted again from the cells of phase 0's replications, in the new plan."""
    found, folder = answer
    world = build(load_plan(folder / "new.yaml"))
    paths = work_limits(world, 2, 0.02).quotas
    batch = Simulator(world, 2, SIMULATE, keep="cells")(0, paths)
    booked = np.zeros((paths, len(world.reps), len(world.products), len(world.regions)))
    np.add.at(booked, tuple(batch.cell_keys[:, :4].T), batch.cells[:, MEASURES.index(BOOKINGS)])
    for row in found.quotas:
        for cell in row.split:
            at = (world.reps.index(row.rep), world.products.index(cell.product), world.regions.index(cell.region))
            hit = booked[:, *at] >= round(cell.quota * world.minor)
            assert cell.odds == pytest.approx(hit.mean(), abs=1e-12)
    results = simulate(folder / "new.yaml", n=600, seed=2, jobs=1)
    software = results.margins["product"][:, world.products.index("软件"), MEASURES.index(BOOKINGS)] / world.minor
    part = next(part for part in found.quota_parts.products if part.product == "软件")
    assert part.expected == pytest.approx(software.mean())
    assert part.odds == pytest.approx((software >= part.quota - 0.005).mean())


def test_the_new_plan_holds_them_and_says_when_they_no_longer_tie(answer) -> None:
    found, folder = answer
    loaded = load_plan(folder / "new.yaml")
    for rep in loaded.plan.reps:
        row = next(row for row in found.quotas if row.rep == rep.name)
        held = {(region, name): x for region, by in rep.quota.cells.items() for name, x in by.items()}
        assert held == {(cell.region, cell.product): cell.quota for cell in row.split}
    assert not any("cells" in one.path for one in findings(loaded))
    varied = load_plan(folder / "new.yaml", sets=["reps.Ann.quota.cells.北京.软件=9"])
    assert [one.path for one in findings(varied) if "cells" in one.path] == ["reps.Ann.quota.cells"]


def test_screens_show_parts_beside_goals(answer, capsys: pytest.CaptureFixture[str]) -> None:
    _, folder = answer
    for language, words in (("en", "Quotas by part of the business"), ("zh", "配额按产品与区域")):
        arguments = ("--seed", 2, "-n", 64, "--jobs", 1, "--effort", 0.01, "--language", language)
        said = Attain(capsys)("optimise", folder / "配额.yaml", *map(str, arguments))
        assert said.code == 0
        assert words in said.out
        assert "(软件)" in said.out

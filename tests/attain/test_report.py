"""The report's page: well-formed, self-contained, escaped, readable by machines and people, in both languages."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from html.parser import HTMLParser
from itertools import pairwise
from pathlib import Path
from string import Formatter

import pytest

from attain.funnel.records import Funnel, Needs, StageNeed
from attain.funnel.records import Odds as FunnelOdds
from attain.report import Page, ReportRefused, heat_of, page_of, parsed, render, report
from attain.simulate import simulate
from attain.summary import Lever
from attain.wording import TEXTS, chance, percent
from attain.wording.texts_report import REPORT
from engine.statistics import Estimate

HOSTILE = "<script>alert(1)</script>"
QUOTES = 'O\'Neil ]]> "Q" & {{ 7*7 }}'
PLAN = f"""attain: 1
name: Two <regions> & "two" products
note: "</style><script>alert(2)</script>"
currency: CNY
horizon: {{start: 2026-01-01, end: 2026-06-30}}
goals:
  company: {{metric: bookings, at_least: 2000万}}
  every-month: {{metric: deals_won, at_least: 1, every: month}}
  north: {{metric: bookings, at_least: 900万, where: {{region: 华北}}}}
  everyone: {{all_of: quotas}}
  wish: "be <b>markedly</b> better known"
stages:
  - {{name: "offer <i>", work: 8 h, wait: {{exponential: {{mean: 5 d}}}}, advance: {{wins: 24, of: 60}}}}  # <x>
  - {{name: contract, work: 1 h, wait: 3 d, advance: 0.5, won: true}}
products:
  ERP: {{deal_value: {{lognormal: {{mean: 1_000_000, cv: 0.6}}}}}}
  CRM: {{deal_value: {{lognormal: {{mean: 400_000, cv: 0.4}}}}}}
regions: {{华北: {{}}, 华东: {{}}}}
reps:
  - {{name: 张伟, region: 华北, products: [ERP, CRM], quota: 900万}}
  - {{name: {json.dumps(HOSTILE)}, region: 华东, products: [ERP, CRM], quota: 500万}}
  - {{name: {json.dumps(QUOTES)}, region: 华东, products: [CRM], quota: 200万, hours_per_week: 30}}
sources:
  inbound: {{leads_per_month: 25, mix: {{华北: {{ERP: 2, CRM: 1}}, 华东: {{ERP: 1, CRM: 1}}}}}}
"""
OPTIMISED = {
    "status": "improved", "reason": "", "plan": 'Two <regions> & "two" products', "objective": "company", "seed": 5,
    "replications": 96, "before": {"probability": 0.41, "interval": [0.3, 0.5]},
    "reference": {"probability": 0.4, "interval": [0.3, 0.5]}, "after": {"probability": 0.53, "interval": [0.4, 0.6]},
    "gain": {"points": 12.0, "interval": [5.5, 18.5]}, "in_sample": 0.56, "optimism": 0.03,
    "bound": {"value": None, "label": "no certificate"},
    "goals": [{"goal": "company", "before": {"probability": 0.41, "interval": [0.3, 0.5]},
               "after": {"probability": 0.53, "interval": [0.4, 0.6]},
               "gain": {"points": 12.0, "interval": [5.5, 18.5]}}],
    "allocation": [
        {"kind": "budget", "source": HOSTILE, "region": "华北", "product": "", "reference": 1e5, "plan": 1e5,
         "new": 123456.0, "limit": "cap"},
        {"kind": "budget", "source": "fairs", "region": "华东", "product": "", "reference": 1e5, "plan": 1e5,
         "new": 76544.0, "limit": ""},
    ],
    "quotas": [
        {"rep": "张伟", "before": 9e6, "after": 8e6, "odds_before": 0.3, "odds_after": 0.55},
        {"rep": QUOTES, "before": 2e6, "after": 3e6, "odds_before": 0.7, "odds_after": 0.54},
    ],
    "quota_odds": {"before": [0.3, 0.7], "after": [0.54, 0.55]}, "over_assignment": 1.05, "assumed": ["fairs"],
    "clashing_limits": [], "notes": [],
}  # fmt: skip
VOID = {"meta", "br", "link", "img", "input", "hr", "path", "rect", "line"}


class Reader(HTMLParser):
    """Collects tags, ids and text; fails on a tag that is closed out of order."""

    def __init__(self, html: str) -> None:
        super().__init__(convert_charrefs=True)
        self.open: list[str] = []
        self.tags: list[tuple[str, dict[str, str]]] = []
        self.text: list[str] = []
        self.headings: list[tuple[int, str]] = []
        self.tables: list[dict[str, list[str]]] = []
        self.feed(html)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        held = {name: value or "" for name, value in attrs}
        assert len(held) == len(attrs), f"an attribute twice in <{tag}>"
        self.tags.append((tag, held))
        if tag == "table":
            self.tables.append({"caption": [], "th": []})
        if tag == "th":
            self.tables[-1]["th"].append(held.get("scope", ""))
        if re.fullmatch("h[1-6]", tag):
            self.headings.append((int(tag[1]), ""))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, {name: value or "" for name, value in attrs}))

    def handle_endtag(self, tag: str) -> None:
        if tag not in VOID:
            assert self.open
            assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1] == "style":
            return
        self.text.append(data)
        if self.open and re.fullmatch("h[1-6]", self.open[-1]):
            level, said = self.headings[-1]
            self.headings[-1] = (level, said + data)
        if self.open and self.open[-1] == "caption":
            self.tables[-1]["caption"].append(data)

    @property
    def said(self) -> str:
        return " ".join(" ".join(self.text).split())

    def attributes(self, name: str) -> list[str]:
        return [held[name] for _, held in self.tags if name in held]


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("report")
    plan = folder / "plan.yaml"
    plan.write_text(PLAN, encoding="utf-8")
    simulate(plan, n=128, seed=5, jobs=1, out=folder / "run")
    (folder / "run" / "optimisation.json").write_text(json.dumps(OPTIMISED), encoding="utf-8")
    return folder / "run"


@pytest.fixture(scope="module")
def page(run: Path) -> Page:
    page = page_of(run)
    goal = page.summary.goal("company")
    needs = Needs(
        target=2e7, booked=0.0, in_hand_expected=0.0, planned_expected=1.8e7, per_win=7e5, scale=1.2, leads=150.0,
        stages=(
            StageNeed("offer <i>", 180.0, 10.0, 170.0, 150.0, 0.2, 0.9),
            StageNeed("contract", 72.0, 0.0, 72.0, 60.0, 0.5, 1.0),
        ),
        wins=(), rows=(), activities=(), hours=(), in_hand=(),
    )  # fmt: skip
    lever = Lever(0.8, "prospects", 31.0, "prospects", goal.sentence)
    funnel = Funnel(
        plan=page.summary.plan, currency="CNY", goal="company", sentence=goal.sentence, metric="bookings", unit="money",
        seed=5, engine="simpy", replications=128, searched=0, watched=0, simulated=128, seconds=1.0, months=(), reps=(),
        stands=goal.probability, needs=needs, odds=FunnelOdds(Estimate(0.47, 0.4, 0.5), 1.2, 180.0, None), takes=(),
        levers=(lever,),
    )  # fmt: skip
    return replace(page, funnel=funnel)


@pytest.fixture(scope="module", params=["en", "zh"])
def html(request: pytest.FixtureRequest, page: Page) -> str:
    return render(replace(page, language=request.param))


@pytest.fixture(scope="module")
def reader(html: str) -> Reader:
    return Reader(html)


def test_ids_are_unique_and_references_lead_somewhere(reader: Reader) -> None:
    ids = reader.attributes("id")
    assert len(ids) == len(set(ids))
    targets = {href[1:] for href in reader.attributes("href")}
    targets |= {name for held in reader.attributes("aria-labelledby") for name in held.split()}
    assert targets
    assert targets <= set(ids)


def test_nothing_is_fetched_and_nothing_runs(html: str, reader: Reader) -> None:
    policy = [held["content"] for tag, held in reader.tags if held.get("http-equiv") == "Content-Security-Policy"]
    assert len(policy) == 1
    assert policy[0].startswith("default-src 'none'; style-src 'unsafe-inline'; img-src data:;")
    assert all(href.startswith("#") for href in reader.attributes("href"))
    assert not reader.attributes("src")
    names = {name for _, held in reader.tags for name in held}
    assert not [
        name for name in names if name.startswith("on") or name in ("srcset", "xlink:href", "action", "background")
    ]
    assert not {tag for tag, _ in reader.tags} & {
        "script",
        "link",
        "iframe",
        "object",
        "embed",
        "form",
        "base",
        "foreignobject",
    }
    style = html[html.index("<style>") : html.index("</style>")]
    assert "@import" not in style
    assert "url(" not in html
    assert set(re.findall(r"https?://[^\"'\s<]+", html)) <= {"http://www.w3.org/2000/svg"}


def test_the_plans_words_are_text_and_never_markup(html: str, reader: Reader) -> None:
    assert html.count("</style>") == 1
    for name in (
        HOSTILE,
        QUOTES,
        "张伟",
        "offer <i>",
        "</style><script>alert(2)</script>",
        "be <b>markedly</b> better known",
    ):
        assert name in reader.said
    drawn = [held.get("aria-label", "") for tag, held in reader.tags if tag == "svg"]
    assert any(HOSTILE in label for label in drawn)  # the allocation's alternative text


def test_headings_step_down_one_level_at_a_time(reader: Reader) -> None:
    levels = [level for level, _ in reader.headings]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(below - above <= 1 for above, below in pairwise(levels))
    assert all(said.strip() for _, said in reader.headings)


def test_tables_and_figures_have_names(reader: Reader) -> None:
    assert len(reader.tables) > 10
    for table in reader.tables:
        assert "".join(table["caption"]).strip()
        assert table["th"]
        assert set(table["th"]) <= {"col", "row", "rowgroup"}
    drawn = [held for tag, held in reader.tags if tag == "svg"]
    assert len(drawn) == 5
    assert all(held["role"] == "img" and held["aria-label"].strip() for held in drawn)
    for tag, held in reader.tags:
        if held.get("role") == "region":
            assert held["tabindex"] == "0"  # what scrolls can be scrolled by keyboard
        if tag == "details":
            assert ("summary", {}) in reader.tags


def test_sections_stand_in_their_order(reader: Reader) -> None:
    sections = [held["id"] for tag, held in reader.tags if tag == "section"]
    assert sections == [
        "verdict", "gap", "breakdown", "funnel", "months", "heat", "optimised", "distinction", "people", "errors",
        "inputs", "provenance",
    ]  # fmt: skip


def test_the_verdict_says_what_was_found(page: Page, html: str, reader: Reader) -> None:
    language = "zh" if '<html lang="zh-Hans">' in html else "en"
    company, summary = page.summary.goal("company"), page.summary
    verdict = Reader(html[html.index('<section id="verdict"') : html.index("<nav")]).said
    assert f"{chance(company.probability.value, language)} {percent(company.probability.value, language)}" in verdict
    assert summary.everyone is not None
    assert percent(summary.everyone.value, language) in verdict
    assert summary.verdict is not None
    assert summary.verdict.reasons[0].say(language) in verdict
    assert "41%" in verdict
    assert "53%" in verdict
    assert str(summary.digest) in reader.said
    for rep in summary.reps:
        assert rep.probability is not None
        assert percent(rep.probability.value, language) in reader.said


def test_the_page_speaks_its_language(html: str, reader: Reader) -> None:
    chinese = '<html lang="zh-Hans">' in html
    own = [said for level, said in reader.headings if level == 2]
    assert len(own) == 12
    assert all(bool(re.search("[\u4e00-\u9fff]", said)) == chinese for said in own)
    assert "report." not in reader.said  # no key of a text shows


def test_the_same_page_gives_the_same_bytes(page: Page) -> None:
    assert render(page) == render(replace(page))


def test_no_key_colour_is_left_in_a_figure(html: str) -> None:
    assert not re.search("#fa[0-9a-f]{2}07", html, re.IGNORECASE)
    assert 'class="s-main"' in html


def test_a_page_without_extras_leaves_their_parts_out(page: Page) -> None:
    bare = replace(page, optimised=None, funnel=None, heat=None, summary=replace(page.summary, distinction=None))
    made = Reader(render(bare))
    assert "optimised" not in made.attributes("id")
    assert REPORT["report.heat.none"][0] in made.said
    assert REPORT["report.distinction.none"][0] in made.said
    assert made.said.count("Advanced") == 1


@pytest.mark.parametrize("status", ["no_lever", "no_gain", "infeasible", "interrupted"])
def test_every_outcome_of_an_optimisation_is_said(page: Page, status: str) -> None:
    document = {"status": status, "reason": "because <so>", "clashing_limits": ["floor of <a> above the total"]}
    made = Reader(render(replace(page, optimised=parsed(document))))
    assert REPORT[f"report.optimised.{status}"][0] in made.said
    assert "because <so>" in made.said
    assert "floor of <a> above the total" in made.said


def test_a_page_of_a_large_plan_stays_small(page: Page) -> None:
    reps = tuple(replace(page.summary.reps[i % 3], name=f"rep {i}") for i in range(2_000))
    html = render(replace(page, summary=replace(page.summary, reps=reps)))
    assert len(html.encode()) < 1_500_000
    assert "rep 59" in html
    assert "rep 61" not in html
    assert REPORT["report.more_rows"][0].format(n="1,940") in Reader(html).said


# --- the file ---------------------------------------------------------------------------------------------------------


def test_the_page_is_written_beside_the_run_or_where_asked(run: Path, tmp_path: Path) -> None:
    assert report(run) == run / "report.html"
    out = report(run, tmp_path / "页.html", "zh")
    assert out.read_text(encoding="utf-8").startswith('<!doctype html>\n<html lang="zh-Hans">')
    assert [path.name for path in tmp_path.iterdir()] == ["页.html"]


def test_what_cannot_be_written_or_read_is_refused_in_a_sentence(run: Path, tmp_path: Path) -> None:
    with pytest.raises(ReportRefused, match="is a folder"):
        report(run, tmp_path)
    with pytest.raises(ReportRefused, match="cannot be written"):
        report(run, tmp_path / "absent" / "page.html")
    with pytest.raises(ReportRefused, match="no page in 'fr'"):
        report(run, tmp_path / "page.html", "fr")  # type: ignore[arg-type]
    with pytest.raises(ReportRefused, match="cannot be read"):
        report(run, tmp_path / "page.html", optimised=tmp_path / "none.json")
    for text, said in (
        ("{", "not a JSON document"),
        ("[" * 100_000, "not a JSON document"),
        ("[]", "the document"),
        ('{"status": "improved", "in_sample": NaN}', "in_sample"),
        ('{"status": "improved", "allocation": [{"plan": "x", "new": 1}]}', "allocation.0.plan"),
    ):
        (tmp_path / "bad.json").write_text(text, encoding="utf-8")
        with pytest.raises(ReportRefused, match=said):
            report(run, tmp_path / "page.html", optimised=tmp_path / "bad.json")
    assert not (tmp_path / "page.html").exists()


# --- the words and the map --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("key", sorted(REPORT))
def test_both_languages_have_the_same_places(key: str) -> None:
    places = [{name for _, name, _, _ in Formatter().parse(said) if name is not None} for said in TEXTS[key]]
    assert places[0] == places[1]
    assert all(said.strip() for said in TEXTS[key])


def test_every_text_of_the_page_is_used(html: str) -> None:
    package = Path(__file__).parents[2] / "attain" / "report"
    code = "\n".join(
        path.read_text(encoding="utf-8") for path in [*package.glob("*.py"), *(package / "templates").glob("*.jinja")]
    )
    built = {prefix for prefix in re.findall(r'"(report\.(?:\w+\.)*)"\s*~|f"(?:report\.(?:\w+\.)*)\{', code) if prefix}
    built |= set(re.findall(r'f"(report\.(?:\w+\.)*)\{', code))
    built -= {"report."}  # the sections' headings, which are names of sections
    headings = {f"report.{name}" for name in re.findall(r'<section id="(\w+)"', html)}
    keys = headings | {f"report.provenance.{key}" for key in re.findall(r'call row\("(\w+)"\)', code)}
    unused = {
        key
        for key in REPORT
        if f'"{key}"' not in code and f"'{key}'" not in code and key not in keys
        and not any(key.startswith(prefix) and "." not in key.removeprefix(prefix) for prefix in built)
    }  # fmt: skip
    assert unused == set()


def test_the_map_holds_each_cells_bookings_over_its_part_of_the_quota(run: Path) -> None:
    from attain.simulate import read_run
    from attain.summary import summarise

    results = read_run(run)
    summary = summarise(results)
    heat = heat_of(results, summary)
    assert heat is not None
    assert (heat.rows, heat.columns, heat.basis) == ("rep", "product", "fair")
    booked = results.sums[..., 4].sum(axis=2) / results.n / 100.0
    rep, erp, crm = (results.world.reps.index("张伟"), *map(results.world.products.index, ("ERP", "CRM")))
    share = booked[:, erp].sum() / booked.sum()
    row = heat.row_names.index("张伟")
    assert heat.values[row][heat.column_names.index("ERP")] == pytest.approx(booked[rep, erp] / (9e6 * share))
    assert heat.totals[row] == pytest.approx((booked[rep, erp] + booked[rep, crm]) / 9e6)
    assert heat.values[heat.row_names.index(QUOTES)][heat.column_names.index("ERP")] is None


# --- to be seen by everyone -------------------------------------------------------------------------------------------


def _colours(block: str) -> dict[str, str]:
    return dict(re.findall(r"--(\w+):\s*(#[0-9a-f]{3,6})", block))


def _luminance(colour: str) -> float:
    digits = colour[1:] if len(colour) == 7 else "".join(2 * c for c in colour[1:])
    parts = [int(digits[i : i + 2], 16) / 255 for i in (0, 2, 4)]
    linear = [p / 12.92 if p <= 0.03928 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def _contrast(a: str, b: str) -> float:
    high, low = sorted((_luminance(a), _luminance(b)), reverse=True)
    return (high + 0.05) / (low + 0.05)


def _themes() -> dict[str, dict[str, str]]:
    css = (Path(__file__).parents[2] / "attain/report/templates/style.css").read_text(encoding="utf-8")
    light, dark, paper = (_colours(part) for part in re.findall(r":root \{(.*?)\}", css, re.DOTALL))
    return {"light": light, "dark": light | dark, "print": light | paper}


@pytest.mark.parametrize("theme", ["light", "dark", "print"])
def test_texts_stand_out_from_their_ground(theme: str) -> None:
    """WCAG 2.2, success criteria 1.4.3 and 1.4.11: 4.5 for texts, 3 for what pictures are made of."""
    colours = _themes()[theme]
    for ink in ("ink", "muted", "main", "plan"):
        for ground in ("paper", "surface"):
            assert _contrast(colours[ink], colours[ground]) >= 4.5, (ink, ground)
    for step in range(6):
        assert _contrast(colours["h0i" if step == 0 else "hi"], colours[f"h{step}"]) >= 4.5, step
        assert _contrast(colours["si" if step > 3 else "ink"], colours[f"s{step}"]) >= 4.5, step
    assert _contrast(colours["ink"], colours["band"]) >= 4.5
    assert _contrast(colours["main"], colours["bandin"]) >= 3.0
    assert _contrast(colours["main"], colours["empty"]) >= 3.0


def test_greys_on_paper_get_darker_the_further_below_target() -> None:
    colours = _themes()["print"]
    below = [_luminance(colours[f"h{step}"]) for step in range(5)]
    assert all(dark + 0.05 < light for dark, light in pairwise(below))
    shares = [_luminance(colours[f"s{step}"]) for step in range(6)]
    assert all(light > dark + 0.05 for light, dark in pairwise(shares))

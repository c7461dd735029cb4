"""The commented plan that `attain new` writes: small, complete, loads as it is, and passes `attain check`."""

from __future__ import annotations

from typing import Literal

# `#@ key` stands for a comment in the language asked for.
_PLAN = """\
#@ head
attain: 1
name: Two products, two regions
currency: CNY
horizon: {start: YEAR-01-01, end: YEAR-12-31}   #@ horizon
calendar: {country: CN, hours_per_day: 8}       #@ calendar

#@ goals
goals:
  company: {metric: bookings, at_least: 2000万}
  first-half: {metric: bookings, at_least: 800万, until: YEAR-06-30}
  every-quarter: {metric: deals_won, at_least: 9, every: quarter}
  everyone: {all_of: quotas}

#@ stages
stages:
  - {name: lead, work: 1 h, wait: {exponential: {mean: 5 d}}, advance: 0.45}
  - {name: visit, work: 5 h, wait: {lognormal: {median: 8 d, p90: 20 d}}, advance: 0.60, activities: {visits: 1}}
  - name: proposal
    work: 8 h
    wait: {lognormal: {median: 10 d, p90: 28 d}}
    advance: {wins: 24, of: 60}
    stale_after: 90 d
  - {name: contract, work: {triangular: {low: 1 h, mode: 3 h, high: 8 h}}, wait: 5 d, advance: 0.75, won: true}
  - {name: delivery, work: 4 h, wait: 30 d, advance: 0.98}

#@ products
products:
  ERP: {deal_value: {lognormal: {mean: 600_000, cv: 0.6}}}
  CRM: {deal_value: {lognormal: {mean: 250_000, cv: 0.5}}}

regions: {North: {}, East: {}}                  #@ regions

#@ reps
reps:
  - name: 张伟
    region: North
    hours_per_week: 40
    prospecting: {hours_per_week: 6, prospects_per_hour: 0.3}   #@ prospecting
    advance: {contract: 1.2}                                    #@ odds
    quota: {year: 550万, months: [30万, 30万]}                  #@ quota
  - {name: 李娜, region: North, quota: 500万}
  - {name: 王芳, region: East, quota: 550万}
  - {name: Chen Jie, region: [North, East], products: [ERP], hours_per_week: 32, quota: 600万}
#@ hire
# - {name: 赵敏, region: East, start: YEAR-04-01, ramp: 3 mo, quota: 300万}

#@ sources
sources:
  inbound:
    leads_per_month: 30
    season: [8, 6, 10, 10, 10, 10, 9, 9, 11, 10, 10, 9]         #@ season
    mix: {North: {ERP: 2, CRM: 2}, East: {ERP: 2, CRM: 1}}
  events:
    budget: {North: 300_000, East: 200_000}                     #@ budget
    response: {hill: {most_leads_per_month: 20, half_at: 25_000, shape: 1.0}, assumed: true}
    mix: {North: {ERP: 1, CRM: 1}, East: {ERP: 1, CRM: 1}}
routing: least_loaded                           #@ routing

economy: {sd: 0.10, persistence: 0.8, regional_sd: 0.05}        #@ economy

#@ files
# accounts: {file: accounts.csv}
# pipeline: {file: open-deals.csv}

#@ decide
decide:
  budget: {total: 500_000, step: 10_000, change_at_most: 50%}
  quotas: {over_assignment: [1.0, 1.15]}
"""

_COMMENTS: dict[str, dict[str, str]] = {
    "en": {
        "head": "A sales plan for attain. Change it into yours; every number here is made up.\n"
        "Then: attain check plan.yaml, attain simulate plan.yaml, attain optimise plan.yaml",
        "horizon": "as_of: a later date, once part of it has happened",
        "calendar": "public holidays, make-up working days",
        "goals": "What is to be attained, by when; the last three are joint: over the quarters, over the reps.",
        "stages": "In order. A deal takes the rep's hours (work), then waits for the customer (wait), then advances\n"
        "or is lost. It is booked where won stands. {wins, of}: a probability known only from so many tries.",
        "products": "What a deal is worth.",
        "regions": "may nest: {华北: {北京: {}, 天津: {}}}",
        "reps": "Who sells what where, in how many hours a week, against which quota.",
        "prospecting": "what reps find themselves",
        "odds": "this rep's odds, against the stage's",
        "quota": "the other months share the rest",
        "hire": "Somebody who begins within the year, and takes months to get up to speed; who leaves has an end:",
        "sources": "Where leads come from: a rate, an exact list (prospects: 500), or a response to budget.",
        "season": "January first",
        "budget": "for the horizon",
        "routing": "or round_robin, or {share: {张伟: 2, 李娜: 1}}",
        "economy": "months that are good or bad for everyone",
        "files": "Known customers with their owners, and deals already open; see the plan reference for the columns.",
        "decide": "What `attain optimise` may move, and how far.",
    },
    "zh": {
        "head": "attain 销售计划。请改成您自己的计划；这里的数字都是虚构的。\n"
        "然后运行：attain check plan.yaml，attain simulate plan.yaml，attain optimise plan.yaml",
        "horizon": "计划期；已过去一部分时加 as_of",
        "calendar": "法定节假日与调休",
        "goals": "要达成什么、到何时为止；后两项是联合目标：每个季度都达成，每个人都完成配额。",
        "stages": "按顺序。每个阶段先占用销售的工时（work），再等客户（wait），然后推进或丢单。\n"
        "标有 won 的阶段推进后计为签约。{wins, of} 表示概率只来自这么多次经验。",
        "products": "每单金额。",
        "regions": "可以嵌套：{华北: {北京: {}, 天津: {}}}",
        "reps": "谁在哪里卖什么，每周多少工时，配额多少。",
        "prospecting": "自己开发的客户",
        "odds": "此人在该阶段的胜算倍数",
        "quota": "其余月份分摊剩下的配额",
        "hire": "年中入职、需要时间上手的人；离职者写 end：",
        "sources": "线索来源：固定速率、确切名单（prospects: 500），或随预算变化。",
        "season": "从一月开始",
        "budget": "整个计划期的预算",
        "routing": "或 round_robin，或 {share: {张伟: 2, 李娜: 1}}",
        "economy": "大家一起好、一起坏的月份",
        "files": "已有客户及其负责人，以及目前的在手商机；列名见计划文件参考。",
        "decide": "attain optimise 可以调整什么、调整多少。",
    },
}


def template(language: Literal["en", "zh"] = "en", year: int = 2026) -> str:
    """The plan's text, its comments in English or Chinese, over the calendar year given."""
    comments = _COMMENTS[language]
    lines: list[str] = []
    for line in _PLAN.replace("YEAR", f"{year:04d}").splitlines():
        before, mark, key = line.partition("#@ ")
        if not mark:
            lines.append(line)
        elif before.strip():
            lines.append(f"{before}# {comments[key]}")
        else:
            lines.extend(f"# {part}" for part in comments[key].splitlines())
    return "\n".join(lines) + "\n"

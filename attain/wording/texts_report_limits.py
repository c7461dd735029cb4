"""Texts of the page on what an optimisation holds: required probabilities, territories in balance, quotas by part."""

from __future__ import annotations

LIMITS: dict[str, tuple[str, str]] = {
    "report.optimised.not_held": (
        "What is required cannot be held: no allocation within the limits was found that does.",
        "无法保证所要求的概率：限制之内没有找到满足要求的分配。",
    ),
    "report.optimised.mean": (
        "Expected {metric}: {before} in the plan, {after} as proposed: {gain} (95 in 100 sure: {low} to {high}). Both are measured on the same fresh paths, none of which the search had seen.",
        "期望{metric}：原计划 {before}，建议方案 {after}：{gain}（95% 把握：{low} 至 {high}）。两者用同一批全新的路径衡量，搜索过程从未见过。",
    ),
    "report.optimised.mean_over": (
        "Over the plan's proportions within its own limits it is {gain} ({low} to {high}).",
        "与在限制之内沿用原比例相比：{gain}（{low} 至 {high}）。",
    ),
    "report.mean.bookings": ("bookings", "签约额"),
    "report.mean.margin": ("margin, less the budget", "毛利（扣除预算）"),
    "report.mean.deals_won": ("deals won", "赢单数"),
    "report.mean.leads": ("leads", "线索数"),
    "report.optimised.required": ("Required probabilities", "所要求的概率"),
    "report.optimised.required_odds": ("Required", "要求"),
    "report.met.held": ("held", "达到"),
    "report.met.unclear": ("within the error", "在误差之内"),
    "report.met.missed": ("not held", "未达到"),
    "report.limit.above": ("at the band's top", "到上限"),
    "report.limit.below": ("at the band's bottom", "到下限"),
    "report.territory": ("Territories", "片区均衡"),
    "report.territory.lead": (
        "Each rep's expected {what}, for the hours each has, is to be within {band} of the mean of {among}. By the mean funnel, which knows no queues and no cycles.",
        "按各自可用工时计，每名销售的期望{what}与{among}的均值相差不超过 {band}。由平均漏斗得出，不计排队与周期。",
    ),
    "report.territory.hours": ("hours of work", "工作小时"),
    "report.territory.bookings": ("bookings", "签约额"),
    "report.territory.leads": ("leads", "线索数"),
    "report.territory.among_products": ("reps who sell the same products", "销售相同产品的人员"),
    "report.territory.among_region": (
        "reps who sell the same products in the same regions",
        "在相同区域销售相同产品的人员",
    ),
    "report.territory.among_everyone": ("all reps", "全部销售"),
    "report.territory.off": ("off the mean", "偏离均值"),
    "report.quota_parts": ("What the quotas come to by product and region", "配额按产品与区域合计"),
    "report.quota_parts.part": ("Part", "部分"),
    "report.quota_parts.quota": ("Quotas", "配额合计"),
    "report.quota_parts.expected": ("Expected", "期望签约额"),
    "report.quota_parts.goal": ("Top-down goal", "自上而下的目标"),
}  # fmt: skip

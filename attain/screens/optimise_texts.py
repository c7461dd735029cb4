"""The words of an optimisation's screen, in English and Chinese."""

from __future__ import annotations

from attain.optimise.records import Wish
from attain.wording.numbers import Language

TEXTS: dict[str, tuple[str, str]] = {
    "status_improved": ("a better allocation", "找到更好的分配"),
    "status_no_gain": ("nothing within the limits is better beyond the error", "限制之内没有明显更好的分配"),
    "status_not_held": ("what is required cannot be held", "无法保证所要求的概率"),
    "not_held": (
        "{goal} is to have {required}; the highest probability found within the limits is {found}.",
        "“{goal}”要求 {required}，限制之内找到的最高概率为 {found}。",
    ),
    "mean_gain": (
        "expected {metric}: {before} before, {after} after: {gain} ({share}; 95%: {low} to {high}), on paths never seen before",
        "期望{metric}：之前 {before}，之后 {after}：{gain}（{share}；95%：{low} 至 {high}），在全新路径上检验",
    ),
    "mean_over": (
        "within its own limits the plan would expect {reference}: {gain} over that (95%: {low} to {high})",
        "计划若遵守自身限制，期望为 {reference}；与之相比 {gain}（95%：{low} 至 {high}）",
    ),
    "metric_bookings": ("bookings", "签约额"),
    "metric_margin": ("margin", "毛利（扣除预算）"),
    "metric_deals_won": ("deals won", "赢单数"),
    "metric_leads": ("leads", "线索数"),
    "required": ("Required probabilities, on fresh paths", "所要求的概率（在全新路径上检验）"),
    "goal": ("goal", "目标"),
    "required_odds": ("required", "要求"),
    "met": ("", ""),
    "met_held": ("held", "达到"),
    "met_unclear": ("within the error", "在误差之内"),
    "met_missed": ("not held", "未达到"),
    "marginal_mean": ("{metric} for {unit} more", "每增加{unit}带来的{metric}"),
    "aim_mean": ("{names}, together", "同时达成：{names}"),
    "territory": ("Territories: {what}, within {band} of comparable reps", "片区均衡：{what}，与可比销售的均值相差不超过 {band}"),
    "territory_hours": ("hours of work", "工作小时"),
    "territory_bookings": ("expected bookings", "期望签约额"),
    "territory_leads": ("leads", "线索数"),
    "work_before": ("before", "之前"),
    "work_after": ("after", "之后"),
    "off_mean": ("off", "偏离"),
    "limit_above": ("at the band's top", "到上限"),
    "limit_below": ("at the band's bottom", "到下限"),
    "among_products": ("reps who sell the same products", "销售相同产品的人员"),
    "among_region": ("reps who sell the same products in the same regions", "在相同区域销售相同产品的人员"),
    "among_everyone": ("all reps", "全部销售"),
    "territory_how": (
        "How far each is from the mean of {among}, for the hours each has. By the mean funnel: no queues, no cycles.",
        "“偏离”为按各自可用工时计，与{among}均值的差。由平均漏斗得出：不计排队与周期。",
    ),
    "territory_broken": ("Checked again, the worst is {worst} off, more than {band}.", "复核：最大偏离 {worst}，超过 {band}。"),
    "status_no_lever": ("nothing to move", "没有可调整的内容"),
    "status_infeasible": ("the limits cannot hold together", "限制条件互相冲突"),
    "status_interrupted": ("interrupted: the best so far", "已中断：目前最好的结果"),
    "gain": ("{before} before, {after} after: {points} points (95%: {low} to {high}), on paths never seen before",
             "之前{before}，之后{after}：{points} 个百分点（95%：{low} 至 {high}），在全新路径上检验"),
    "clash": ("Loosen one of these:", "请放宽其中之一："),
    "odds": ("Chances on fresh paths, the same for both", "在相同的全新路径上的概率"),
    "aim_at_least": ("at least {count} of {names}", "至少达成其中 {count} 项：{names}"),
    "aim_weighted": ("weighted: {names}", "加权：{names}"),
    "frontier": ("Budget against probability", "预算与达成概率"),
    "total": ("budget", "预算"),
    "probability": ("probability", "概率"),
    "price": ("one more point costs", "每提高 1 个百分点的代价"),
    "no_money": ("no price", "无价"),
    "splits": ("The best split of each budget", "各预算的最佳分配"),
    "unspent": (
        "Where a larger budget did no better, the smaller one's split stands and the rest is not spent.",
        "预算增加而概率没有提高时，沿用较小预算的分配，余额不花。",
    ),
    "frontier_notes": (
        "Measured on {n} fresh paths, the same for all budgets. No certificate that no better split exists.",
        "在 {n} 条全新路径上检验，各预算用相同路径。没有证明不存在更好的分配。",
    ),
    "objective": ("all goals together", "全部目标同时达成"),
    "before": ("before", "之前"),
    "after": ("after", "之后"),
    "points": ("points", "百分点"),
    "interval": ("95%", "95%"),
    "last_year": ("last year's split", "去年的分配"),
    "plan": ("plan", "计划"),
    "new": ("new", "新"),
    "change": ("change", "变化"),
    "limit": ("limit", "限制"),
    "cap": ("at its cap", "到上限"),
    "floor": ("at its floor", "到下限"),
    "change_at_most": ("may change no more", "到变动上限"),
    "not_negative": ("nothing left to take", "已减到零"),
    "minimum": ("at its least spend", "到最低投入"),
    "either": ("its set has no place left", "同组名额已满"),
    "off": ("none: its least spend is more", "不投：不足最低投入"),
    "held": ("may not move", "不可调整"),
    "marginal": ("points for {unit} more", "每增加{unit}的百分点"),
    "why": (
        "Points for {unit} more are the odds that the next {unit} would buy there. Money has moved until they are alike, but for"
        " limits, steps and the error.",
        "“每增加{unit}的百分点”是下一笔{unit}在该处能换来的概率；除限制、步长与误差外，资金已调整到各处相近。",
    ),
    "source": ("source", "来源"),
    "rep": ("rep", "销售"),
    "region": ("region", "区域"),
    "product": ("product", "产品"),
    "budget_months": ("Budget by month, all lines together", "各月预算（全部预算项合计）"),
    "month": ("month", "月份"),
    "headcount": ("New reps by region", "新增销售，按区域"),
    "in_proportion": ("in proportion to reps", "按现有人数比例"),
    "budget": ("Budget", "预算"),
    "shares": ("Shares of leads", "线索份额"),
    "hours": ("Prospecting hours a week", "每周开拓工时"),
    "focus": ("Shares of each rep's hours", "各销售的工时分配"),
    "more_rows": ("and {count} cells that move less; all of them with --json", "另有 {count} 个变化更小的单元；用 --json 查看全部"),
    "quotas": ("Quotas", "配额"),
    "quota_before": ("now", "现配额"),
    "odds_before": ("chance", "概率"),
    "top_down": ("top-down", "自上而下"),
    "bottom_up": ("bottom-up", "自下而上"),
    "quota_after": ("quota", "新配额"),
    "odds_after": ("chance", "概率"),
    "more_reps": ("and {count} reps more; all of them with --json", "另有 {count} 名销售；用 --json 查看全部"),
    "totals_short": (
        "Top-down, the goal asks {top}. Bottom-up, what each rep makes with a chance of {level} adds up to {bottom}: {gap} short."
        " Reconciled, quotas add up to {given}.",
        "自上而下：目标要求 {top}。自下而上：各销售以 {level} 的概率能完成的合计 {bottom}，差 {gap}。折中：配额合计 {given}。",
    ),
    "totals_over": (
        "Top-down, the goal asks {top}. Bottom-up, what each rep makes with a chance of {level} adds up to {bottom}: {gap} more."
        " Reconciled, quotas add up to {given}.",
        "自上而下：目标要求 {top}。自下而上：各销售以 {level} 的概率能完成的合计 {bottom}，多 {gap}。折中：配额合计 {given}。",
    ),
    "quota_parts": ("Quotas by part of the business", "配额按产品与区域"),
    "part": ("part", "部分"),
    "quotas_given": ("quotas", "配额"),
    "expected_bookings": ("expected", "期望"),
    "chance": ("chance", "概率"),
    "goal_of_part": ("top-down", "自上而下"),
    "more_parts": (
        "and {count} cells of region and product: with --json. Each rep's cells are in the new plan.",
        "另有 {count} 个区域与产品的组合，用 --json 查看。各销售的分项写入新计划。",
    ),
    "reps_cells": (
        "Each rep's quota by region and product is in the new plan, its odds with --json.",
        "各销售按区域与产品的配额写入新计划，概率见 --json。",
    ),
    "by_month": (
        "By month, as the pipeline in hand, the sales cycle and the calendar bring it in: {months}. Each rep's months are in the new"
        " plan; weeks with --json.",
        "按月（依据在手商机、销售周期与日历）：{months}。各销售的月配额写入新计划；周配额见 --json。",
    ),
    "spread": ("Chances of making quota run from {before} before, and {after} after.", "达成配额的概率：之前 {before}，之后 {after}。"),
    "quotas_apart": (
        "Quotas change the odds of making them and nothing else: people are not assumed to work harder for them.",
        "配额只改变达成配额的概率：模型不假设人会因此更努力。",
    ),
    "optimism": (
        "It looked like {in_sample} on the {paths} paths it was chosen on, and is {fresh} on {n} fresh ones (optimism {optimism} points; 95 in 100 sure: {low} to {high}).",
        "在选择所用的 {paths} 条路径上为 {in_sample}，在 {n} 条全新路径上为 {fresh}（乐观偏差 {optimism} 个百分点；95% 把握：{low} 至 {high}）。",
    ),
    "bound": (
        "No certificate that nothing better exists: {because}.",
        "没有证明不存在更好的分配：{because}。",
    ),
    "bound_reference": (
        "For reference, no proof: with each path's luck known beforehand, about {value} could be had, as far as slopes at the answer say.",
        "仅供参考，并非证明：若事先知道每条路径的运气，按结果处的斜率推算约可达 {value}。",
    ),
    "a_mean": ("bounds here are on probabilities, and it is a mean that is maximised", "上界只针对概率，而此处最大化的是期望值"),
    "not_open": (
        "deals wait for one another, or more than the budget may move, and no programme then holds exactly what the simulation does",
        "各单互相等待，或可调整的不止预算，仿真因此无法写成精确的规划",
    ),
    "too_dear": ("a path of this plan is too much work for a proof", "此计划每条路径的计算量过大，无法证明"),
    "nothing_excluded": ("the bound that was found excludes nothing", "求得的上界没有排除任何结果"),
    "bound_sample": ("No allocation attains more than {value} of the paths searched.", "在搜索所用路径上，任何分配都不超过{value}。"),
    "bound_population": ("No allocation attains more than {value}, with 95% confidence (a bound on the plan itself, from ten samples).", "以 95% 的置信度，任何分配都不超过{value}（由十组样本得出，对计划本身成立）。"),
    "unbroken": (
        "Limits checked again on the answer: it breaks none.",
        "已对结果重新核对各项限制：全部满足。",
    ),
    "violation": (
        "Limits checked again on the answer: the largest violation is {value} of the total.",
        "对结果复核限制：最大偏差为总额的 {value}。",
    ),
    "effort": (
        "Paths and seconds: search {search}; choice among {finalists} on paths of its own {selection}; bound {bound}; verification {verification}.",
        "路径与秒数：搜索 {search}；在独立路径上从 {finalists} 个候选中选择 {selection}；上界 {bound}；检验 {verification}。",
    ),
    "none": ("none", "无"),
    "effort_part": ("{paths} in {seconds} s", "{paths} 条 {seconds} 秒"),
    "assumed": ("Rests on an assumed response of leads to budget: {names}", "依赖假设的预算响应：{names}"),
    "run": ("seed {seed}, {paths} sample paths searched, {seconds} s", "种子 {seed}，搜索路径 {paths} 条，{seconds} 秒"),
    "wrote": ("Wrote {out}", "已写入 {out}"),
    "hint": ("--out NEW.yaml writes the new plan, your comments kept.", "--out NEW.yaml 写出新计划，并保留注释。"),
}  # fmt: skip


def wish_in_words(wish: Wish, language: Language = "en") -> str:
    """What is maximised."""
    if wish.kind == "goal":
        return wish.goals[0]
    key = "objective" if wish.kind == "all" else f"aim_{wish.kind}"
    return said(key, language, count=wish.needed, names=(", " if language == "en" else "、").join(wish.goals))


def said(key: str, language: Language = "en", **values: object) -> str:
    """A text of this screen."""
    english, chinese = TEXTS[key]
    return (chinese if language == "zh" else english).format(**values)

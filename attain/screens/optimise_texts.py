"""The words of an optimisation's screen, in English and Chinese."""

from __future__ import annotations

from attain.wording.numbers import Language

TEXTS: dict[str, tuple[str, str]] = {
    "status_improved": ("a better allocation", "找到更好的分配"),
    "status_no_gain": ("nothing within the limits is better beyond the error", "限制之内没有明显更好的分配"),
    "status_no_lever": ("nothing to move", "没有可调整的内容"),
    "status_infeasible": ("the limits cannot hold together", "限制条件互相冲突"),
    "status_interrupted": ("interrupted: the best so far", "已中断：目前最好的结果"),
    "gain": ("{before} before, {after} after: {points} points (95%: {low} to {high}), on paths never seen before",
             "之前{before}，之后{after}：{points} 个百分点（95%：{low} 至 {high}），在全新路径上检验"),
    "clash": ("Loosen one of these:", "请放宽其中之一："),
    "odds": ("Chances on fresh paths, the same for both", "在相同的全新路径上的概率"),
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
    "cap": ("at its most", "到上限"),
    "floor": ("at its least", "到下限"),
    "source": ("source", "来源"),
    "rep": ("rep", "销售"),
    "region": ("region", "区域"),
    "product": ("product", "产品"),
    "budget": ("Budget", "预算"),
    "shares": ("Shares of leads", "线索份额"),
    "hours": ("Prospecting hours a week", "每周开拓工时"),
    "more_rows": ("and {count} cells that move less; all of them with --json", "另有 {count} 个变化更小的单元；用 --json 查看全部"),
    "quotas": ("Quotas", "配额"),
    "quota_before": ("before", "之前"),
    "quota_after": ("after", "之后"),
    "odds_before": ("chance before", "之前概率"),
    "odds_after": ("chance after", "之后概率"),
    "spread": ("Chances of making quota run from {before} before, and {after} after.", "达成配额的概率：之前 {before}，之后 {after}。"),
    "quotas_apart": (
        "Quotas change the odds of making them and nothing else: people are not assumed to work harder for them.",
        "配额只改变达成配额的概率：模型不假设人会因此更努力。",
    ),
    "optimism": (
        "It looked like {in_sample} on the {paths} paths it was chosen on, and is {fresh} on {n} fresh ones (optimism {optimism} points).",
        "在选择所用的 {paths} 条路径上为 {in_sample}，在 {n} 条全新路径上为 {fresh}（乐观偏差 {optimism} 个百分点）。",
    ),
    "bound": ("No certificate that nothing better exists.", "没有证明不存在更好的分配。"),
    "assumed": ("Rests on an assumed response of leads to budget: {names}", "依赖假设的预算响应：{names}"),
    "run": ("seed {seed}, {paths} sample paths searched, {seconds} s", "种子 {seed}，搜索路径 {paths} 条，{seconds} 秒"),
    "wrote": ("Wrote {out}", "已写入 {out}"),
    "hint": ("--out NEW.yaml writes the new plan, your comments kept.", "--out NEW.yaml 写出新计划，并保留注释。"),
}  # fmt: skip


def said(key: str, language: Language = "en", **values: object) -> str:
    """A text of this screen."""
    english, chinese = TEXTS[key]
    return (chinese if language == "zh" else english).format(**values)

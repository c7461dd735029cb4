"""What is said of a plan's recalibrated goals. Key -> (English, Chinese)."""

from __future__ import annotations

RECALIBRATED: dict[str, tuple[str, str]] = {
    "recalibrated.title": (
        "Recalibrated by the back-test of {history} (months to {until}), beside the plan's own",
        "按 {history} 的回测（截至 {until} 的月份）重新校准，与计划自身的结果并列",
    ),
    "recalibrated.goal": ("Goal", "目标"),
    "recalibrated.ahead": ("{measure} to {until}", "至 {until} 的{measure}"),
    "recalibrated.model": ("Plan, 10 to 90%", "计划，10 至 90%"),
    "recalibrated.made": ("recalibrated", "重新校准"),
    "recalibrated.chance": ("Chance", "概率"),
    "recalibrated.chance_made": ("recalibrated", "重新校准"),
    "recalibrated.from": ("From", "依据"),
    "recalibrated.learnt": ("{n} origins, next {horizon}", "{n} 个起点，未来{horizon}"),
    "recalibrated.unchanged": ("Not recalibrated:", "未重新校准："),
    "recalibrated.horizon.month": ("month", "一个月"),
    "recalibrated.horizon.quarter": ("quarter", "一个季度"),
    "recalibrated.horizon.half": ("half-year", "半年"),
    "recalibrated.level.company": ("the company", "公司"),
    "recalibrated.level.region": ("regions", "区域"),
    "recalibrated.level.product": ("products", "产品"),
    "recalibrated.level.rep": ("reps", "销售"),
    "recalibrated.held": (
        "In the back-test's {n} forecasts of the company's next {horizon}, {measure}, 80% intervals held {model} of the time as fitted, {made} recalibrated.",
        "回测对公司未来{horizon}{measure}的 {n} 次预测中，80% 区间包含实际值的比例：按拟合结果为 {model}，重新校准后为 {made}。",
    ),
    "recalibrated.same": (
        "Holds for the plan as fitted to that history: a plan that was changed by hand is another forecast, and was not scored.",
        "仅适用于由该历史拟合的计划：手工修改过的计划是另一种预测，未经评分。",
    ),
    "recalibrated.sets": (
        "The back-test varied its plans with {theirs}, this run with {ours}: what was scored is not quite this plan.",
        "回测时的改动为 {theirs}，本次为 {ours}：评分的与此计划不尽相同。",
    ),
    "recalibrated.earlier": (
        "The plan stands at {day}, the back-test reaches to {until}: only origins that had ended by {day} are used.",
        "计划截至 {day}，回测到 {until}：只使用 {day} 之前已结束的起点。",
    ),
    "recalibrated.stale": (
        "The plan stands at {day}, the back-test ends with {until}: run it again on the newer history. The last known error is "
        "too old to be carried on; only the spread is corrected.",
        "计划截至 {day}，回测止于 {until}：请用更新的历史重新回测。最近的误差已过旧，不再沿用，只校正离散程度。",
    ),
    "recalibrated.joint": (
        "made of several (every month, everyone, other goals): a back-test scores one figure at a time",
        "由多项组成（每月、每人或其他目标）：回测逐项评分",
    ),
    "recalibrated.measure": ("{name} was not scored: bookings and deals won are", "{name} 未经评分：只评分签约额和赢单数"),
    "recalibrated.where": (
        "such a part was not scored: the company, one region, one product or one rep is",
        "这样的范围未经评分：只评分公司、单个区域、单个产品或单个销售",
    ),
    "recalibrated.over": ("its time is over", "其期限已过"),
    "recalibrated.later": ("it begins later than the plan stands; back-tests score what comes next", "其起始晚于计划所在日期；回测只评分紧接着的期间"),
    "recalibrated.level": ("no forecast of {level} was scored", "没有对{level}的预测评分"),
    "recalibrated.long": (
        "{months} months ahead, and nothing longer than {longest} was scored", "还有 {months} 个月，而评分最长为 {longest} 个月",
    ),
    "recalibrated.few": (
        "{n} origins had ended, and the next {horizon} takes {needed} (steps of {step} mo): attain backtest with more --learn, or a "
        "longer history",
        "只有 {n} 个起点已结束，未来{horizon}需要 {needed} 个（间隔 {step} 个月）：回测时加大 --learn，或使用更长的历史",
    ),
}  # fmt: skip

"""Texts of the back-calculation. Key -> (English, Chinese)."""

from __future__ import annotations

FUNNEL: dict[str, tuple[str, str]] = {
    # what gets to a probability
    "lever.prospects": (
        "{p}: {amount} instead of {now} ({low} to {high}), all else as it is.",
        "{p}：需要 {amount}，而非 {now}（{low} 至 {high}），其余不变。",
    ),
    "lever.hours": (
        "{p}: {amount} of the reps' a week instead of {now} ({low} to {high}), all else as it is.",
        "{p}：销售每周合计需要 {amount}，而非 {now}（{low} 至 {high}），其余不变。",
    ),
    "lever.target": (
        "{p}: a target of {amount} instead of {now} ({low} to {high}), with the plan as it is.",
        "{p}：现有计划可支撑 {amount} 的目标，而非 {now}（{low} 至 {high}）。",
    ),
    "lever.beyond": ("beyond", "以上"),
    # the story
    "funnel.title": ("Back-calculation: {plan}", "目标倒推：{plan}"),
    "funnel.goal": ("Goal {name}: {goal}.", "目标 {name}：{goal}。"),
    "funnel.chain": (
        "{target} at {each} a deal is {deals} to win; by the plan's own conversions that takes {leads}.",
        "{target}，每单 {each}，需赢下 {deals}；按计划自身的转化率，需要 {leads}。",
    ),
    "funnel.chain_rest": (
        "{target} at {each} a deal is {deals} to win, {hand} of them from what is in hand; by the plan's own conversions and "
        "times the rest takes {leads} over the horizon.",
        "{target}，每单 {each}，需赢下 {deals}，其中 {hand} 来自手头；按计划自身的转化率和时长，其余需要在计划期内有 {leads}。",
    ),
    "funnel.chain_count": (
        "{target}: by the plan's own conversions that takes {leads}.",
        "{target}：按计划自身的转化率，需要 {leads}。",
    ),
    "funnel.booked": ("{booked} has counted already.", "已计入 {booked}。"),
    "funnel.in_hand": (
        "In hand: {deals}, which bring {expected} in time, on average.",
        "手头有{deals}，平均可按时带来 {expected}。",
    ),
    "funnel.in_time": (
        "Of what enters {stage}, {share} is in time; the rest comes after the goal's date, or never.",
        "进入{stage}的商机中，{share} 能赶上；其余晚于目标日期，或没有结果。",
    ),
    "funnel.odds": (
        "Followed to the letter, that attains the goal {chance} ({p}; 95% {low} to {high}).",
        "完全照此执行，{chance}能达成目标（{p}；95% 区间 {low} 至 {high}）。",
    ),
    "funnel.average_is_a_middle": (
        "An average is a middle: as many paths end below it as above.",
        "平均值只是居中：有多少条路径在其上，就有多少条在其下。",
    ),
    "funnel.saturated": (
        "The averages do not hold there: with these leads the plan brings {mean}, for want of hours or time.",
        "平均值在此不成立：受工时或时间所限，这些线索平均只带来 {mean}。",
    ),
    "funnel.beyond": (
        "That is {times} times the plan's leads; it was not simulated.",
        "这是计划线索量的 {times} 倍，未作模拟。",
    ),
    "funnel.nothing": (
        "No lead of the plan can count for this goal in time, so there is nothing to scale.",
        "计划中没有线索能按时计入该目标，因此无从放大。",
    ),
    "funnel.enough": (
        "What is in hand makes the target on average, without another lead.",
        "仅凭手头的商机，平均即可达成目标，无需新线索。",
    ),
    "funnel.stands": (
        "The plan as it stands: {p} (95% {low} to {high}).",
        "计划现状：{p}（95% 区间 {low} 至 {high}）。",
    ),
    # tables
    "funnel.stages": ("What the target needs, stage by stage", "各阶段所需"),
    "funnel.stage": ("Stage", "阶段"),
    "funnel.needed": ("Needed", "所需"),
    "funnel.in_hand_column": ("In hand", "手头"),
    "funnel.missing": ("To find", "尚缺"),
    "funnel.planned": ("The plan brings", "计划可带来"),
    "funnel.to_won": ("To won", "至赢单"),
    "funnel.share_in_time": ("In time", "按时"),
    "funnel.won": ("won", "赢单"),
    "funnel.people": ("Needed by person", "各人所需"),
    "funnel.by_month": ("Needed by month of entry", "各月所需（按进入月份）"),
    "funnel.rep": ("Rep", "销售"),
    "funnel.month": ("Month", "月份"),
    "funnel.hours_needed": ("Hours", "工时"),
    "funnel.hours_there": ("of", "可用"),
    "funnel.activities": ("Activities needed", "所需活动"),
    "funnel.pipeline": ("Deals in hand", "手头商机"),
    "funnel.deals": ("Deals", "个数"),
    "funnel.value": ("Value", "金额"),
    "funnel.age": ("Age, days", "停留天数"),
    "funnel.odds_column": ("Odds in time", "按时赢单概率"),
    "funnel.expected": ("Expected", "期望"),
    "funnel.takes": ("What it takes", "所需条件"),
    "funnel.for": ("For", "概率"),
    "funnel.prospects": ("Prospects", "潜在客户"),
    "funnel.hours": ("Hours a week", "每周工时"),
    "funnel.target": ("Or a target of", "或目标降至"),
    "funnel.never": ("not within {times} times of today (at most {p})", "{times} 倍以内无法达到（最高 {p}）"),
    "funnel.never_hours": ("not by hours alone (at most {p})", "仅靠工时无法达到（最高 {p}）"),
    "funnel.always": ("less than {share} of today's", "不到现在的 {share}"),
    "funnel.no_effect": ("no effect", "无影响"),
    "funnel.range": ("{value} ({low} to {high})", "{value}（{low} 至 {high}）"),
    "funnel.beyond_range": ("more", "更多"),
    "funnel.simulated": (
        "{n} for the odds, {searched} at each scale tried, {watched} watched stage by stage; seed {seed}, {seconds} s.",
        "概率用 {n}，每个倍数 {searched}，逐阶段观察 {watched}；种子 {seed}，{seconds} 秒。",
    ),
}

"""Texts of comparisons and of one replication's timeline. Key -> (English, Chinese)."""

from __future__ import annotations

COMPARE: dict[str, tuple[str, str]] = {
    "compare.better": (
        "{b} beats {a} by {points} points on {goal} (95% {low} to {high}).",
        "{goal}：{b} 优于 {a} {points} 个百分点（95% 区间 {low} 至 {high}）。",
    ),
    "compare.worse": (
        "{b} is {points} points behind {a} on {goal} (95% {low} to {high}).",
        "{goal}：{b} 落后于 {a} {points} 个百分点（95% 区间 {low} 至 {high}）。",
    ),
    "compare.even": (
        "{a} and {b} cannot be told apart on {goal}: {points} points (95% {low} to {high}).",
        "{goal}：{a} 与 {b} 无法区分，相差 {points} 个百分点（95% 区间 {low} 至 {high}）。",
    ),
    "compare.best": ("Best on {goal}: {plan}, with probability {p}.", "{goal} 最佳：{plan}，概率 {p}。"),
    "compare.worth": (
        "On common random numbers; as sharp as {times} times the replications drawn apart.",
        "采用公共随机数；相当于独立抽样 {times} 倍的模拟次数。",
    ),
    "compare.targets_differ": (
        "The plans set different targets for {goal}: {targets}. Each is judged by its own.",
        "各计划对 {goal} 的定义不同：{targets}。各按自身的目标评判。",
    ),
    "compare.only_in": ("Not in every plan, so not compared: {goals}.", "并非所有计划都有，故未比较：{goals}。"),
    "compare.currencies": (
        "The plans count in different currencies, so that amounts are not compared.",
        "各计划币种不同，金额不作比较。",
    ),
    "compare.partial": (
        "{n} of {asked} replications finished; these are compared.",
        "完成 {n} / {asked} 次模拟；以此比较。",
    ),
    "compare.title": ("Comparison", "比较"),
    "compare.plan": ("Plan", "计划"),
    "compare.goal": ("Goal", "目标"),
    "compare.probability": ("Probability", "概率"),
    "compare.points": ("Points", "百分点"),
    "compare.mean": ("Mean", "均值"),
    "compare.difference": ("Mean difference", "均值之差"),
    "compare.chance_best": ("Best", "最佳概率"),
    "compare.of_over": ("{b} over {a}", "{b} 对 {a}"),
    # one replication
    "replay.title": ("Replication {k} of {plan}, seed {seed}", "{plan} 第 {k} 次模拟，种子 {seed}"),
    "replay.around": ("Around {what}: {n} of {of} events", "仅看 {what}：{of} 个事件中的 {n} 个"),
    "replay.events": ("{n} events", "{n} 个事件"),
    "replay.more": ("{n} more events.", "另有 {n} 个事件。"),
    "replay.date": ("Date", "日期"),
    "replay.time": ("Hour", "工时"),
    "replay.event": ("Event", "事件"),
    "replay.deal": ("Deal", "商机"),
    "replay.stage": ("Stage", "阶段"),
    "replay.rep": ("Rep", "销售"),
    "replay.amount": ("Amount", "金额"),
    "replay.goal": ("Goal", "目标"),
    "replay.value": ("Value", "实际"),
    "replay.target": ("Target", "目标值"),
    "replay.attained": ("attained", "达成"),
    "replay.missed": ("missed", "未达成"),
    "replay.arrived": ("arrived", "进入"),
    "replay.started": ("work started", "开始处理"),
    "replay.worked": ("work done", "处理完毕"),
    "replay.advanced": ("advanced", "推进"),
    "replay.lost": ("lost", "丢失"),
    "replay.stale": ("went stale", "搁置"),
    "replay.booked": ("booked", "签约"),
    "replay.handed_over": ("handed over", "移交"),
}

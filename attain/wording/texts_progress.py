"""Texts of what is shown while work is under way. Key -> (English, Chinese)."""

from __future__ import annotations

PROGRESS: dict[str, tuple[str, str]] = {
    "progress.starting": ("Starting", "启动中"),
    "progress.compiling": (
        "Compiling the engine: once on each machine, up to a minute",
        "正在编译引擎：每台机器只需一次，最多一分钟",
    ),
    "progress.plan": ("Reading the plan", "正在读取计划"),
    "progress.fitting": ("Reading and fitting", "正在读取和拟合"),
    "progress.forecasting": ("Forecasting the past", "正在预测过去"),
    "progress.page": ("Writing the page", "正在写页面"),
    "progress.measuring": (
        "Measuring: some seconds for each plan, a minute for compiling",
        "正在测量：每份计划数秒，编译约一分钟",
    ),
    "progress.peers": ("Measuring the peers: some minutes", "正在测量同类程序：需要几分钟"),
    "progress.methods": (
        "Allocating by every method: some minutes for a plan",
        "正在用各种方法分配：每份计划需要几分钟",
    ),
    "progress.funnel": ("Funnel", "漏斗"),
    "progress.comparing": ("Comparing", "比较"),
    "progress.back": ("Calculating back", "倒推"),
    "progress.wrote": ("Wrote {path}", "已写入 {path}"),
    "progress.wrote_plan": (
        "Wrote {path}. Change it to your own, then: attain check {path}",
        "已写入 {path}。改成自己的内容后运行：attain check {path}",
    ),
    "progress.line": ("{title}: {count} ({share}), {pace}", "{title}：{count}（{share}），{pace}"),
    "progress.count": ("{done} of {total}", "{done} / {total}"),
    "progress.pace": ("{rate} a second, {left} left", "每秒 {rate} 次，剩余{left}"),
    "progress.unknown": ("an unknown time", "时间未知"),
    "progress.seconds": ("about {n} s", "约 {n} 秒"),
    "progress.minutes": ("about {n} min", "约 {n} 分钟"),
    "progress.hours": ("about {n} h", "约 {n} 小时"),
    "search.begun": (
        "Searching {what}: {cells} cells, about {paths} paths",
        "正在搜索{what}：{cells} 个单元，约 {paths} 条路径",
    ),
    "search.going": (
        "Searching {what}: {done} of about {paths} sample paths",
        "正在搜索{what}：约 {paths} 条样本路径中的 {done} 条",
    ),
    "search.total": ("Searching a total of {total}", "正在搜索总额 {total}"),
    "search.bound": ("Looking for what no allocation can exceed", "正在求任何分配都不能超过的上界"),
    "search.verifying": ("Verifying on fresh paths", "正在用全新路径检验"),
    "search.quotas": ("Setting quotas", "正在设定配额"),
    "search.stopping": (
        "Stopping: the best so far is being verified; Ctrl-C again gives it up",
        "正在停止：检验目前最好的分配；再按一次 Ctrl-C 即放弃",
    ),
    "search.of.headcount": ("new reps", "新增销售"),
    "search.of.budget": ("the budget", "预算"),
    "search.of.shares": ("shares of leads", "线索份额"),
    "search.of.hours": ("prospecting hours", "开发时间"),
    "search.of.focus": ("shares of hours", "工时份额"),
}

"""Texts of the comments in a fitted plan's file. Key -> (English, Chinese).

What a number rests on is written as "from N deals" and 据 N 笔: ``inputs`` reads it back from there.
"""

from __future__ import annotations

PLANFILE: dict[str, tuple[str, str]] = {
    "planfile.title": ("Fitted to {history}", "据 {history} 拟合"),
    "planfile.head": (
        "Fitted by `attain calibrate` from {history}: {rows} rows, {used} used, {left} left out.",
        "由 `attain calibrate` 据 {history} 拟合：共 {rows} 行，采用 {used} 行，未用 {left} 行。",
    ),
    "planfile.left": ("left out: {n} x {why}", "未用：{n} 行，{why}"),
    "planfile.columns": (
        "Columns: {file}. Every comment says what its number rests on.",
        "列映射：{file}。每条注释说明其数字的依据。",
    ),
    "planfile.quality": ("Data quality:", "数据质量："),
    "planfile.finding": ("{what}: {done}", "{what}：{done}"),
    "planfile.not_fitted": ("Not fitted, and what would suffice:", "未能拟合，以及怎样才够："),
    "planfile.found": ("What was found:", "发现："),
    "planfile.currency": ("not in the data: as guessed or given", "数据中没有：猜测或给定"),
    "planfile.horizon": ("four quarters; as_of the history's last day", "四个季度；as_of 为历史的最后一天"),
    "planfile.weekends": ("weekends only", "仅周末休息"),
    "planfile.weekend": ("hardly anything ends on other days", "其余日子几乎没有商机结束"),
    "planfile.no_weekend": ("deals end on all days of the week", "一周七天都有商机结束"),
    "planfile.no_country": (
        "{week}; public holidays, here and in the season: calibrate with --country US, say",
        "{week}；若要计入法定假日（日历与季节）：calibrate 时加 --country CN 等",
    ),
    "planfile.bookings": ("bookings", "签约额"),
    "planfile.deals_won": ("deals won", "赢单数"),
    "planfile.base": (
        "{what} of {since} to {until}: {amount} from {deals} deals",
        "{since} 至 {until} 的{what}：{amount}，据 {deals} 笔",
    ),
    "planfile.base_scaled": ("{base}, {n} months scaled to a year", "{base}，由 {n} 个月折算为一年"),
    "planfile.as_given": ("as given; {base}", "给定；{base}"),
    "planfile.times": ("{times} x {base}", "{times} 倍于 {base}"),
    "planfile.everyone": ("that every rep makes their quota, jointly", "所有销售同时达成各自配额"),
    "planfile.no_work": (
        "effort is not in the data: work is 0 h until you write it, and waits hold the whole time",
        "数据中没有工时：work 为 0 h，待您填写；等待包含全部时间",
    ),
    "planfile.of": (
        "of: how many deals a wait is known from; spread_of: how many its sigma or shape is, where that differs;",
        "of：等待时间由多少笔商机得知；spread_of：其 sigma 或 shape 由多少笔得知（不同时才写）；",
    ),
    "planfile.posterior": (
        "its posterior is drawn once a replication, as that of advance is",
        "每次模拟抽取一次后验，advance 亦然",
    ),
    "planfile.returns": (
        "{back} of {ended} visits went back to an earlier stage; a deal that comes here comes {times} times: write the work of one visit times that",
        "{ended} 次停留中有 {back} 次退回更早阶段；来到此处的商机平均来 {times} 次：工时请写一次停留的工时乘以该数",
    ),
    "planfile.entered": (
        "{entered} deals entered: {advanced} advanced, {lost} lost, {open} still open (censored).",
        "进入 {entered} 笔：推进 {advanced}，丢失 {lost}，仍在手 {open}（删失）。",
    ),
    "planfile.rates": (
        "Advanced of entered {raw}; with open deals censored (Aalen-Johansen) {censored}.",
        "推进占进入 {raw}；将在手商机作删失处理（Aalen-Johansen）为 {censored}。",
    ),
    "planfile.average": (
        "A deal of average odds {p}: reps and products spread around it.",
        "平均赔率的商机为 {p}：销售与产品围绕它分布。",
    ),
    "planfile.fewer": (
        "Known as from fewer deals than there are: conversion has moved between cohorts more than by chance.",
        "所知少于笔数：各批次间转化率的变动超出偶然。",
    ),
    "planfile.no_effort": ("not in the data", "数据中没有"),
    "planfile.work_split": (
        "{hours} h a visit (95%: {low} to {high}), {visits} visits",
        "每次 {hours} 小时（95%：{low} 至 {high}），{visits} 次",
    ),
    "planfile.work_alike": (
        "{hours} h a visit, as any: how they split is not told, {visits} visits",
        "每次 {hours} 小时，各阶段相同：无从得知如何分摊，{visits} 次",
    ),
    "planfile.effort_hours": (
        "work: {people} people had {hours} hours for deals, over {months} months of people's work; that they were busy",
        "work：{people} 人在 {months} 个人月中有 {hours} 小时可用于商机；其中有多少是忙碌的，",
    ),
    "planfile.effort_busy": (
        "{busy} of them is an assumption (--busy), and all work moves in proportion to it. {visits} visits came to them:",
        "为假设：{busy}（--busy），全部工时随之成比例变动。共 {visits} 次停留：",
    ),
    "planfile.effort_mean": (
        "{mean} h each. Visits' own efforts differ as an exponential's do, which is assumed;",
        "每次 {mean} 小时。各次之间的差异假设为指数分布；",
    ),
    "planfile.effort_of": (
        "of: such that the sum of all is as sure as it is.",
        "of：使总和的把握程度与实际相符。",
    ),
    "planfile.effort_lately": (
        "They kept up with {times} times the year's visits in the last three months: it is in these that they were as busy.",
        "最近三个月承接了全年平均 {times} 倍的停留：忙碌程度以这三个月计。",
    ),
    "planfile.effort_alike": (
        "How hours split over stages cannot be told: every visit is given the same (95% of the mean of all: {low} to {high}).",
        "无从得知工时如何分摊到各阶段：每次停留相同（全部均值的 95%：{low} 至 {high}）。",
    ),
    "planfile.effort_waits": (
        "Waits are what is left of the time in a stage without the queue and the work at that busy part.",
        "等待为阶段时间减去该忙碌程度下的排队与工时之后的部分。",
    ),
    "planfile.advanced": ("from {n} deals that advanced, {family}", "据 {n} 笔推进的商机，{family}"),
    "planfile.lost": ("from {n} deals that were lost, {family}", "据 {n} 笔丢失的商机，{family}"),
    "planfile.none_seen": ("none seen", "未见"),
    "planfile.months": (
        "from {months} months with {ended} ended deals: sd {sd}, persistence {persistence} (95%)",
        "据 {months} 个月、{ended} 笔已结束商机：sd {sd}，persistence {persistence}（95%）",
    ),
    "planfile.to": ("{low} to {high}", "{low} 至 {high}"),
    "planfile.one_each": ("one a replication", "每次模拟取其一"),
    "planfile.sources": (
        "leads_sd, growth_sd, season_sd: how sure; overdispersion: a month's own luck, beyond Poisson",
        "leads_sd、growth_sd、season_sd：把握程度；overdispersion：各月超出泊松的自身波动",
    ),
    "planfile.shares": (
        "of a region's and product's deals in the last twelve months, pulled toward the region's by 10 deals",
        "最近十二个月该区域与产品的商机占比，以 10 笔的权重向区域均值收缩",
    ),
    "planfile.created": (
        "{leads} deals were created in {months} complete months; level is their fit at the middle of the horizon, half of their growth carried on.",
        "{months} 个完整月新建 {leads} 笔；水平为拟合在期限中点的值，增长只延续一半。",
    ),
    "planfile.moving": (
        "The last four months ran at {recent} a month, the eight before at {earlier}: the flow is moving; check which level will hold.",
        "最近四个月每月 {recent}，此前八个月每月 {earlier}：水平在变，请确认哪一个会持续。",
    ),
    "planfile.steady": (
        "The last four months ran at {recent} a month, the eight before at {earlier}: steady.",
        "最近四个月每月 {recent}，此前八个月每月 {earlier}：平稳。",
    ),
    "planfile.season": (
        "by calendar month ({months}), shrunk to {share} of what was seen",
        "按月份（{months}），收缩为所见的 {share}",
    ),
    "planfile.month_names": ("Jan, Feb, Mar, Apr, May, Jun, Jul, Aug, Sep, Oct, Nov, Dec", "1 月至 12 月"),
    "planfile.festival": (
        "in it: the Spring Festival, where it falls: x {middle} in a month with all its days (95%: {low} to {high})",
        "其中春节所在之月：整个假期落在当月则 x {middle}（95%：{low} 至 {high}）",
    ),
    "planfile.working_days": (
        "in it: the plan's own working days; one more in a month of {days}: {middle} leads (95%: {low} to {high}); {of}",
        "其中本计划各月的工作日：{days} 天的月份每多一天，线索 {middle}（95%：{low} 至 {high}）；{of}",
    ),
    "planfile.holidays_known": ("public holidays of {country} known", "已计入 {country} 的法定假日"),
    "planfile.holidays_unknown": ("public holidays not known", "未知法定假日"),
    "planfile.mostly_assumed": (
        "{of}; mostly as is usual elsewhere, since the months say little",
        "{of}；主要取自通常情况，因为各月数据说明不了多少",
    ),
    "planfile.no_season": (
        "no season: the history does not repeat months often enough, or shows no more than chance",
        "无季节性：历史中月份重复不足，或差异不超过偶然",
    ),
    "planfile.to_owner": ("leads that went to their account's owner ({file})", "归客户负责人的线索（{file}）"),
    "planfile.of_known": ("leads of known accounts ({file})", "已知客户的线索（{file}）"),
    "planfile.mix": (
        "deals created in the last twelve months, and those still open",
        "最近十二个月新建及仍在手的商机",
    ),
    "planfile.spend": (
        "from {n} periods of {file}: {middle} leads a month at this spend (95%: {low} to {high});",
        "据 {n} 期（{file}）：此花费下每月 {middle} 条线索（95%：{low} 至 {high}）；",
    ),
    "planfile.tried": (
        "spend tried up to {most} a month: beyond that nothing is known of the curve",
        "试过的花费最高每月 {most}：超出部分曲线无从得知",
    ),
    "planfile.economy": (
        "from how {regions} regions' leads moved together over {months} months; 95%: sd {sd}, regional {own}",
        "由 {regions} 个区域的线索在 {months} 个月中如何共同变动得出；95%：sd {sd}，区域 {own}",
    ),
    "planfile.conversion": (
        "how conversion has moved is in its months, or its {{wins, of}}; counted once",
        "转化率的变动已在其各月或 {{wins, of}} 中，只计一次",
    ),
    "planfile.triples": (
        "sd, persistence, regional_sd: one a replication",
        "sd、persistence、regional_sd：每次模拟取其一",
    ),
    "planfile.accounts": ("{n} of {file}", "{file} 中的 {n} 个"),
    "planfile.accounts_scored": (
        "{n} of {file}; scores count once `customers` is written",
        "{file} 中的 {n} 个；写入 `customers` 后评分才计入",
    ),
    "planfile.open": ("{n} open deals", "在手商机 {n} 笔"),
    "planfile.actuals": ("{n} deals won from {since} to {until}: {amount}", "{since} 至 {until} 赢单 {n} 笔：{amount}"),
    "planfile.decide": ("of a rep's share of a cell's leads", "各销售在每个单元的线索份额的变动上限"),
    "planfile.products": (
        "values of won deals; advance: odds against the average, shrunk toward 1 where deals are few",
        "赢单金额；advance：相对平均的赔率，笔数少时向 1 收缩",
    ),
    "planfile.mean": ("mean {mean} of {n} won deals", "均值 {mean}，据 {n} 笔赢单"),
    "planfile.no_amounts": ("no amounts in the data", "数据中没有金额"),
    "planfile.segments": (
        "of accounts in {file}; share: leads of the last twelve months",
        "{file} 中的客户细分；share：最近十二个月的线索",
    ),
    "planfile.price": ("list price {price}", "标价 {price}"),
    "planfile.cost": ("cost {cost} (a plan counts no costs)", "成本 {cost}（计划不计成本）"),
    "planfile.ratio": (
        "won deals come to {share} of their list prices on average",
        "赢单平均为标价的 {share}",
    ),
    "planfile.people": (
        "People, their regions, managers, hours, starts and ends: {file}; odds from their deals.",
        "人员及其区域、经理、工时、入离职：{file}；赔率由其商机得出。",
    ),
    "planfile.quotas": (
        "Quotas: {file}; odds against the average, shrunk toward 1.",
        "配额：{file}；赔率相对平均，向 1 收缩。",
    ),
    "planfile.own_quotas": (
        "Quotas: the goal in proportion to each rep's bookings of the base year; odds against the average, shrunk toward 1.",
        "配额：目标按各销售基准年的签约额分摊；赔率相对平均，向 1 收缩。",
    ),
    "planfile.gone": ("Gone before the plan begins: {who} ({day})", "计划开始前已离开：{who}（{day}）"),
    "planfile.rep": (
        "{deals} deals, {won} won, {bookings} in the base year",
        "商机 {deals} 笔，赢单 {won}，基准年 {bookings}",
    ),
    "planfile.fresh": (
        "no deal in the last twelve months: odds of the average person, leads of the average share",
        "最近十二个月没有商机：取平均的赔率与线索份额",
    ),
    "planfile.manager": ("{seen}; manager {who}", "{seen}；经理 {who}"),
    "planfile.since": ("there since {day}", "入职 {day}"),
    "planfile.until": ("gone from then on", "此后离开"),
    "planfile.no_quota": ("no quota: {why}", "无配额：{why}"),
    "planfile.none_in": ("none in {file}", "{file} 中没有"),
    "planfile.no_base": ("nothing booked in the base year", "基准年没有签约"),
    "planfile.quota_unused": (
        "its quota is not used: the history knows no amounts to hold against it",
        "其配额未采用：历史中没有金额可与之对照",
    ),
    "planfile.table.accounts": ("Accounts: {file}, {rows} rows", "客户：{file}，{rows} 行"),
    "planfile.table.products": ("Products: {file}, {rows} rows", "产品：{file}，{rows} 行"),
    "planfile.table.people": ("People: {file}, {rows} rows", "人员：{file}，{rows} 行"),
    "planfile.table.quotas": ("Quotas: {file}, {rows} rows", "配额：{file}，{rows} 行"),
    "planfile.table.deals": (
        "The log's deals: {file}, {rows} rows, {used} used",
        "日志的商机：{file}，{rows} 行，采用 {used} 行",
    ),
    "planfile.table_left": ("{table}, {n} left out", "{table}，未用 {n} 行"),
    "planfile.nearest": (" (nearest: {name})", "（最接近：{name}）"),
    "planfile.deals": (", {n} deals", "，{n} 笔商机"),
    "planfile.stranger": ("{name}{near}{deals}: {what}", "{name}{near}{deals}：{what}"),
    "planfile.more": ("and {n} more names; --json lists all", "另有 {n} 个名称；--json 列出全部"),
}

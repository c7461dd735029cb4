"""Texts of a run's summary: goals, verdict, reasons, errors, warnings. Key -> (English, Chinese)."""

from __future__ import annotations

SUMMARY: dict[str, tuple[str, str]] = {
    "metric.bookings": ("bookings", "签约额"),
    # goals
    "goal.of": ("{amount} of {metric}", "{metric}至少 {amount}"),
    "goal.count": ("{amount}", "至少 {amount}"),
    "goal.scope": (" ({names})", "（{names}）"),
    "goal.by": ("at least {what}{scope} by {until}", "截至{until}，{what}{scope}"),
    "goal.between": ("at least {what}{scope} from {since} to {until}", "{since}至{until}，{what}{scope}"),
    "goal.every_month": ("at least {what}{scope} in every month", "每个月{what}{scope}"),
    "goal.every_quarter": ("at least {what}{scope} in every quarter", "每个季度{what}{scope}"),
    "goal.quotas": ("every rep makes their quota", "每名销售都完成配额"),
    "goal.all_of": ("all of these at once: {goals}", "同时达成：{goals}"),
    # verdict
    "verdict.headline": (
        "{chance} ({p}): {goal}. That is {likelihood}.",
        "{chance}（{p}）达成：{goal}。可以说{likelihood}。",
    ),
    "verdict.everyone": (
        "That every rep makes quota: {chance} ({p}).",
        "所有销售都完成各自配额：{chance}（{p}）。",
    ),
    "reason.never_missed": ("No path misses it.", "没有一条路径未达成。"),
    "reason.average_short": (
        "Even the average path falls short: it brings {mean}, {short} too little.",
        "平均而言就不够：平均为{mean}，还差{short}。",
    ),
    "reason.saturated": (
        "{n} of {of} have more work than hours ({names}); their deals wait up to {days} in the queue.",
        "{of}中有 {n} 名工作量超出工时（{names}）；他们的商机排队最长平均 {days}。",
    ),
    "reason.weakest": (
        "{label} fails most often: it is reached in {p} of the paths.",
        "最常未达成的是{label}：只有 {p} 的路径达成。",
    ),
    "reason.factor": (
        "What most sets the misses apart is {name}: {missed} against {hit} ({share} of the gap).",
        "未达成的路径主要差在{name}：{missed}，而达成的路径为 {hit}（占差距的 {share}）。",
    ),
    "reason.input": (
        "Of what is not known beforehand, {name} matters most: {missed} on the misses against {hit} ({share} of the gap).",
        "事先未知的因素中，影响最大的是{name}：未达成时为 {missed}，达成时为 {hit}（占差距的 {share}）。",
    ),
    "reason.unclear": (
        "No single cause stands out: the misses are bad luck spread over everything.",
        "没有突出的单一原因：未达成多是各处零散的坏运气。",
    ),
    # both errors
    "errors.sampling": (
        "More simulation would move {p} little: to between {low} and {high} (95 in 100).",
        "继续模拟不会让 {p} 变动多少：95% 的把握在 {low} 到 {high} 之间。",
    ),
    "errors.inputs": (
        "What is not known beforehand is another matter: where the inputs that are drawn (conversions, leads, values, economy) turn "
        "out in their worse tenth, the chance is {low} or less; in their better tenth, {high} or more. Simulating longer does not "
        "narrow that.",
        "事先未知的因素则是另一回事：不确定的输入（转化率、线索量、单价、经济景气）处于较差的一成时，概率不超过 {low}；较好的一成时，不低于 {high}。"
        "增加模拟次数不会缩小这一范围。",
    ),
    "errors.inputs_unknown": (
        "Some inputs are uncertain, but too few paths hit or miss to tell how much the chance hangs on them.",
        "部分输入不确定，但达成或未达成的路径太少，无法判断概率受其影响多大。",
    ),
    "errors.no_inputs": (
        "Every input is taken as exactly right. If a conversion or a lead flow is off, so is this chance: write what is "
        "known as wins of tries, such as {{wins: 15, of: 150}}, to see by how much.",
        "所有输入都被当作完全准确。若转化率或线索量有偏差，这个概率也会有偏差：把转化率写成"
        "“成功次数/总次数”，如 {{wins: 15, of: 150}}，即可看到影响有多大。",
    ),
    # warnings
    "caution.partial": (
        "The run was stopped: {n} of {asked} replications are counted.",
        "运行中断：只计入 {asked} 次中的 {n} 次模拟。",
    ),
    "caution.few": (
        "Only {n}: probabilities are good to about {points} either way.",
        "只有 {n}：概率的误差约为上下 {points}。",
    ),
    "caution.held": (
        "Probabilities of goals are of all {of} replications; parts and causes are of the first {n}, so that "
        "memory stays small.",
        "目标的概率按全部 {of} 次模拟计算；各部分与原因按前 {n} 次计算，以节省内存。",
    ),
    "caution.phase": (
        "These are not the paths that simulate and compare use (phase {phase}).",
        "这些不是 simulate 与 compare 所用的路径（阶段 {phase}）。",
    ),
    "caution.no_uncertainty": (
        "No input is uncertain in this plan, so the chance leaves out that its numbers may be wrong.",
        "计划中没有不确定的输入，因此该概率没有考虑数字本身可能有误。",
    ),
    "caution.no_range": (
        "{n} paths are too few to show how the chance hangs on the uncertain inputs.",
        "{n} 条路径太少，无法显示概率如何取决于不确定的输入。",
    ),
    "caution.assumed_response": (
        "How leads answer to budget is assumed, not measured: {sources}.",
        "线索对预算的响应是假设的，未经测量：{sources}。",
    ),
    "caution.saturated": (
        "{n} of {of} are overloaded ({names}): more leads would bring them little.",
        "{of}中有 {n} 名超负荷（{names}）：更多线索对他们帮助不大。",
    ),
    "caution.statements": (
        "Nothing measures these goals, so they are not simulated: {names}.",
        "以下目标无法衡量，因此没有模拟：{names}。",
    ),
    "caution.no_goal": ("The plan has no goal that can be measured.", "计划中没有可以衡量的目标。"),
    "caution.calendar": ("Calendar: {note}", "日历：{note}"),
    # what distinguishes the misses
    "gap.of_goal": (
        "The paths that miss book {gap} less than those that hit.",
        "未达成的路径比达成的路径少签约{gap}。",
    ),
    "gap.of_count": (
        "The paths that miss fall {gap} behind those that hit.",
        "未达成的路径比达成的路径少 {gap}。",
    ),
    "gap.fewer_deals": (
        "They win {fewer} fewer ({missed} against {hit}).",
        "它们少赢 {fewer}（{missed} 对 {hit}）。",
    ),
    "gap.more_deals": (
        "They win {fewer} more ({missed} against {hit}), but smaller ones.",
        "它们多赢 {fewer}（{missed} 对 {hit}），但单子更小。",
    ),
    "gap.part": ("{name} {share}", "{name} {share}"),
    "gap.over": ("{name} {share} (with {own} of the whole)", "{name} {share}（占总额的 {own}）"),
    "gap.process": ("What makes the gap: {parts}.", "差距的构成：{parts}。"),
    "gap.inputs": (
        "What was not known beforehand, and what is chance: {parts}.",
        "按事先未知的因素与运气划分：{parts}。",
    ),
    "gap.cut": (
        "More than its part of the gap, by {dimension}: {parts}.",
        "按{dimension}，对差距的影响超过其份额的有：{parts}。",
    ),
    "dimension.rep": ("rep", "销售"),
    "dimension.product": ("product", "产品"),
    "dimension.region": ("region", "区域"),
    "dimension.segment": ("segment", "细分市场"),
    "dimension.month": ("month", "月份"),
    "dimension.process": ("what happens to deals", "商机过程"),
    "dimension.inputs": ("inputs and chance", "输入与运气"),
    "driver.prospects": ("the number of prospects", "潜在客户数"),
    "driver.decided": ("the share decided in time", "按期有结果的比例"),
    "driver.win_rate": ("the win rate", "赢单率"),
    "driver.deal_value": ("the size of deals", "单价"),
    "driver.deals_won": ("deals won", "赢单数"),
    "driver.utilisation": ("how busy the reps are", "销售忙碌程度"),
    "driver.chance": ("chance", "运气"),
    "driver.advance": ("the conversion of {stage}", "{stage}的转化率"),
    "driver.leads": ("the leads of {source}", "{source}的线索量"),
    "driver.value": ("what a deal of {product} is worth", "{product}的单价"),
    "driver.economy": ("the economy", "经济景气"),
    "driver.economy_of": ("the economy of {region}", "{region}的景气"),
}

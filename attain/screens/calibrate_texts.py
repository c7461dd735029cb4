"""The words of a calibration's screen, in English and Chinese."""

from __future__ import annotations

from attain.wording.numbers import Language

TEXTS: dict[str, tuple[str, str]] = {
    "read": ("Read {rows} rows of {shape}, used {used}.", "读取 {shape} {rows} 行，使用 {used} 行。"),
    "shape_opportunities": ("opportunities", "商机"),
    "shape_events": ("stage events", "阶段事件"),
    "left_out": ("Rows left out", "未使用的行"),
    "reason": ("Reason", "原因"),
    "rows": ("Rows", "行数"),
    "first": ("The first of them", "首例"),
    "line": ("line {row}: {why}", "第 {row} 行：{why}"),
    "mapping": ("What each column was taken for", "各列的含义"),
    "field": ("Field", "字段"),
    "column": ("Column of the file", "文件中的列"),
    "format": ("Read as", "读作"),
    "words": ("Taken for {what}: {words}", "视为{what}：{words}"),
    "word_won": ("won", "赢单"),
    "word_lost": ("lost", "输单"),
    "word_open": ("open", "进行中"),
    "word_stages": ("stages, in order", "阶段（依次）"),
    "word_automats": ("machines, not people", "机器而非人员"),
    "unit": ("One unit of the amounts is {unit} of the currency.", "金额的单位为 {unit}。"),
    "cases": ("Amounts come from {file}, column {amount}.", "金额取自 {file} 的 {amount} 列。"),
    "correct": ("Wrong? Correct {file}, then: attain calibrate HISTORY --mapping {file} --out {plan}",
                "有误？请修改 {file}，然后运行：attain calibrate HISTORY --mapping {file} --out {plan}"),
    "stages": ("Stages, open deals counted as still undecided", "各阶段（进行中的商机按尚未定局计）"),
    "stage": ("Stage", "阶段"),
    "entered": ("Entered", "进入"),
    "lost": ("Lost", "丢失"),
    "open": ("Open", "进行中"),
    "raw": ("Raw", "原始"),
    "conversion": ("Rate", "转化率"),
    "known": ("As from", "样本"),
    "half": ("Half", "半数"),
    "most": ("9 of 10", "九成"),
    "stages_how": (
        "As from: how many deals' worth of certainty the plan gives the rate. "
        "Half, 9 of 10: the time within which those who advance do.",
        "样本：计划对转化率的把握相当于多少个商机。半数、九成：推进者在此时间内完成等待。",
    ),
    "products": ("What a deal won is worth", "赢单的金额"),
    "product": ("Product", "产品"),
    "deals": ("Deals won", "赢单数"),
    "mean": ("On average", "平均"),
    "more": ("and {n} more; --json lists all", "另有 {n} 项；--json 列出全部"),
    "rest": ("The rest", "其他"),
    "people": ("People", "人员"),
    "people_value": ("{n} reps", "{n} 名销售"),
    "regions": ("Regions", "区域"),
    "leads": ("Leads", "线索"),
    "leads_value": ("{n} a month", "每月 {n} 条"),
    "leads_season": ("{n} a month; {low} has least ({low_share}), {high} most ({high_share})",
                     "每月 {n} 条；{low}最少（{low_share}），{high}最多（{high_share}）"),
    "pipeline": ("Open deals", "进行中的商机"),
    "pipeline_value": ("{n} on {day}, the plan's pipeline", "{day} 共 {n} 个，作为计划的商机储备"),
    "booked": ("Booked so far", "已签约"),
    "booked_value": ("{amount} in {n} deals, {start} to {day}", "{start} 至 {day}：{n} 单，{amount}"),
    "base": ("The year before", "上一年"),
    "base_value": ("{amount}, {since} to {until}", "{since} 至 {until}：{amount}"),
    "base_scaled": ("{amount} a year, scaled up from {since} to {until}", "按 {since} 至 {until} 折算，每年 {amount}"),
    "goal": ("Goal", "目标"),
    "goal_value": ("{amount} by {end}", "{end} 之前 {amount}"),
    "preset": ("Read as an export of {name}.", "按 {name} 的导出读取。"),
    "quality": ("Data quality: what is odd, and what was done", "数据质量：异常与处理"),
    "effect": ("Left alone:", "如不处理："),
    "done": ("Done:", "处理："),
    "not_fitted": ("Not fitted, and what would suffice", "未能拟合的部分及所需数据"),
    "between": ("{n} ({low} to {high})", "{n}（{low} 至 {high}）"),
    "economy": ("Shared ups and downs", "共同起伏"),
    "economy_value": ("{sd} a month ({low} to {high}), common to all regions", "每月 {sd}（{low} 至 {high}），各区域同涨同落"),
    "notes": ("What to know about this history", "关于这份历史数据"),
    "wrote": ("Wrote", "已写入"),
    "next": ("Next: attain simulate {plan}", "下一步：attain simulate {plan}"),
    "minutes": ("{n} min", "{n} 分钟"),
    "hours": ("{n} h", "{n} 小时"),
    "days": ("{n} d", "{n} 天"),
}  # fmt: skip

# Why rows are left out, as `attain.history` says it; the rest of a reason quotes the file.
REASONS_ZH = {
    "date in another format": "日期格式不同",
    "amount not readable": "金额无法识别",
    "status not known": "状态未知",
    "no deal number": "没有商机编号",
    "deal listed twice": "商机重复",
    "no creation date": "没有创建日期",
    "won without a closing date": "赢单但没有关闭日期",
    "lost without a closing date": "输单但没有关闭日期",
    "closed before it was created": "关闭早于创建",
    "created after the history's last day": "创建晚于数据的最后一天",
    "no case": "没有案件编号",
    "not the completion of an activity": "不是活动的完成",
    "no activity": "没有活动",
    "no time": "没有时间",
    "not a change of stage": "不是阶段变更",
    "no exchange rate": "没有汇率",
}
# Kinds of findings of the data-quality report: the name, what it would do to a fit, what was done.
KINDS_ZH = {
    "spelling": ("名称写法不一", "同一名称会被当作几个，各自样本更少", "按最常见的写法合并"),
    "bulk closings": ("批量关闭", "丢单耗时会变成清理前的耗时", "计为丢单，但不用于估计丢单耗时"),
    "bulk creations": (
        "批量创建",
        "线索量会出现虚假高峰，等待时间会从导入日算起",
        "用于转化率和金额，不用于线索量和阶段耗时",
    ),
    "twins": ("疑似重复", "若确为重复，线索和签约额会偏高", "编号不同，予以保留；只有您能判断"),
    "outliers": ("离群值", "单笔即可左右均值", "保留；金额的尾部按数据拟合"),
    "no value": ("没有金额", "以往签约额会偏低", "计为赢单，不用于金额"),
    "cut quarter": ("季度不完整", "该季度会显得偏弱", "不完整的月份不用于线索量"),
    "currencies": ("多种货币", "不同货币不能相加", "按给定汇率换算为一种"),
}


def said(key: str, language: Language = "en", **values: object) -> str:
    """A text of this screen."""
    english, chinese = TEXTS[key]
    return (chinese if language == "zh" else english).format(**values)

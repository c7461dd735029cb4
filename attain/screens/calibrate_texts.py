"""The words of a calibration's screen, in English and Chinese."""

from __future__ import annotations

import re

from attain.wording import Told, in_language, text
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
    "correct": ("Wrong? Correct {file}, then: attain calibrate HISTORY --mapping {file} --out {plan} --force",
                "有误？请修改 {file}，然后运行：attain calibrate HISTORY --mapping {file} --out {plan} --force"),
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
    "workdays": ("Working days", "工作日"),
    "workdays_value": ("one more in a month of {of}: {middle} leads ({low} to {high})",
                       "每月 {of} 天，多一天则线索 {middle}（{low} 至 {high}）"),
    "holidays_of": ("; public holidays of {country}", "；计入 {country} 的公共假日"),
    "holidays_none": ("; public holidays not known", "；未知公共假日"),
    "workdays_assumed": ("; mostly assumed, since the months say little", "；历史月份不足以说明，以假设为主"),
    "festival": ("Spring Festival", "春节"),
    "festival_value": ("a month with all its days has {middle} of its leads ({low} to {high})",
                       "整个节期都在其中的月份，线索为平常的 {middle}（{low} 至 {high}）"),
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
    "timezone": ("Times that say how far from UTC they are are brought to {zone}.", "带时区偏移的时间换算为 {zone} 的时间。"),
    "deals_table": ("The table of the log's deals", "日志对应的商机表"),
    "table_deals": ("Deals", "商机"),
    "paired": ("{both} deals in both files, {log} in the log alone, {deals} in the table alone",
               "两个文件都有 {both} 个商机，只在日志中 {log} 个，只在商机表中 {deals} 个"),
    "tables": ("Tables beside the history", "历史之外的表"),
    "table_people": ("People", "人员"),
    "table_accounts": ("Accounts", "客户"),
    "table_products": ("Products", "产品"),
    "table_quotas": ("Quotas", "配额"),
    "table_read": ("{kind}: {file}, {rows} rows, used {used}", "{kind}：{file}，{rows} 行，使用 {used} 行"),
    "table_columns": ("Columns", "列"),
    "strangers": ("Names that match nothing, and what was done", "对不上的名称及处理"),
    "name": ("Name", "名称"),
    "nearest": ("Nearest", "最接近"),
    "what": ("What was done", "处理"),
    "deal_count": ("Deals", "商机"),
    "notes": ("What to know about this history", "关于这份历史数据"),
    "wrote": ("Wrote", "已写入"),
    "next": ("Next: attain simulate {plan}", "下一步：attain simulate {plan}"),
    "minutes": ("{n} min", "{n} 分钟"),
    "hours": ("{n} h", "{n} 小时"),
    "days": ("{n} d", "{n} 天"),
}  # fmt: skip

# Why rows are left out, as `attain.history` says it; the rest of a reason quotes the file.
REASONS_ZH = {
    "no name": "没有名称",
    "listed twice": "重复列出",
    "ends before it starts": "离职早于入职",
    "score not readable": "评分无法识别",
    "hours not readable": "工时无法识别",
    "ramp not readable": "爬坡期无法识别",
    "period not readable": "期间无法识别",
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
    "a date far from all others": "日期远离其他日期",
    "not a row of the table": "不属于表格的行",
    "no exchange rate": "没有汇率",
}
# Kinds of findings of the data-quality report.
KINDS_ZH = {
    "spelling": "名称写法不一",
    "no closing date": "没有关闭日期",
    "closed stages": "已关闭的阶段",
    "bulk closings": "批量关闭",
    "bulk creations": "批量创建",
    "twins": "疑似重复",
    "outliers": "离群值",
    "no value": "没有金额",
    "cut quarter": "季度不完整",
    "currencies": "多种货币",
    "clocks": "时区",
    "only in the log": "只在日志中",
    "only in the deals' table": "只在商机表中",
    "never moved": "从未变更",
    "cells": "无法识别的单元格",
    "left open by the log": "日志中未结",
    "two files do not agree": "两个文件不一致",
    "two exports of different days": "导出日期不同",
}
# What the fit could not tell, as `engine.fit` says it: the text of it, and its numbers in order.
_UNFITTED = (
    (re.compile(r"season: (\d+) complete months are there, (\d+) would suffice"), "unfit.season", ("n", "need")),
    (re.compile(r"working days: (\d+) complete months are there, (\d+) would"), "unfit.working_days", ("n", "need")),
    (re.compile(r"Spring Festival: (\d+) complete months are there, (\d+) would"), "unfit.festival", ("n", "need")),
    (re.compile(r"trend: (\d+) complete months are there, (\d+) would suffice"), "unfit.trend", ("n", "need")),
    (re.compile(r"common shocks: (\d+) region; (\d+) that move"), "unfit.shock_region", ("n", "need")),
    (re.compile(r"common shocks: (\d+) complete months; (\d+)"), "unfit.shock_months", ("n", "need")),
    (re.compile(r"common shocks: (\d+) regions have (\d+) leads a month or more; (\d+)"), "unfit.shock_leads",
     ("n", "leads", "need")),
)  # fmt: skip


def unfitted(why: str, language: Language = "en") -> str:
    """Why a part was not fitted, in a language."""
    if language == "en" or isinstance(why, Told):
        return in_language(why, language)
    for pattern, key, names in _UNFITTED:
        match = pattern.match(why)
        if match is not None:
            return text(key, language, **dict(zip(names, match.groups(), strict=True)))
    return why


def said(key: str, language: Language = "en", **values: object) -> str:
    """A text of this screen."""
    english, chinese = TEXTS[key]
    return (chinese if language == "zh" else english).format(**values)

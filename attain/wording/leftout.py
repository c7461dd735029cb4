"""Why rows of a history were left out, and parts of it not fitted, in Chinese: for screens and the plan's comments."""

from __future__ import annotations

import re

from attain.wording.numbers import Language
from attain.wording.refusals import refusal_in
from attain.wording.sentences import Told, in_language, text

# Why rows are left out, as `attain.history` says it; the rest of a reason quotes the file.
_REASONS = {
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
    return refusal_in(why, language)


def reason_in(reason: str, language: Language = "en") -> str:
    """Why rows were left out, in a language."""
    return _REASONS.get(reason, reason) if language == "zh" else reason

"""Which column holds what: guessed from names in English and Chinese, and from values where names do not tell."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from attain.history.sheets import Sheet


def _words(text: str) -> tuple[str, ...]:
    return tuple(text.split())


# field -> names, the surest first. Names are compared in lower case without spaces, punctuation and units in brackets.
OPPORTUNITY: dict[str, tuple[str, ...]] = {
    "id": _words(
        "opportunityid opportunitynumber dealid opportunityno dealno recordid id opportunityname dealname "
        "商机编号 商机号 商机id 机会编号 销售机会编号 项目编号 编号 订单编号 商机名称 机会名称 销售机会名称 项目名称"
    ),
    "account": _words(
        "account accountname customer customername company client 客户 客户名称 客户名 公司 公司名称 单位名称"
    ),
    "territory": _words("territory salesterritory territoryname 销售区域 片区 战区 销售片区"),
    "region": _words("region salesregion area office 区域 大区 地区 省份 城市 所属区域 所属地区 区域名称 分公司"),
    "product": _words("product productname item sku 产品 产品名称 产品线 商品 商品名称 意向产品 服务"),
    "category": _words(
        "productcategory category productline productfamily productgroup 产品类别 产品大类 产品分类 品类"
    ),
    "owner": _words(
        "owner opportunityowner dealowner salesperson salesrep salesagent rep accountexecutive assignedto seller 负责人 销售 "
        "销售人员 销售员 销售代表 业务员 客户经理 销售经理 商机负责人 所有人 机会所有人 销售机会所有人 商机所有人 跟进人 归属人"
    ),
    "stage": _words("salesstage stage stagename dealstage pipelinestage 阶段 销售阶段 商机阶段 当前阶段 项目阶段"),
    "status": _words("status opportunitystatus dealstatus outcome result state 状态 商机状态 结果 赢单状态 成交状态"),
    "value": _words(
        "value amount dealvalue opportunityvalue revenue actualvalue contractvalue dealamount price "
        "estimatedvalue expectedrevenue 金额 合同金额 成交金额 商机金额 销售金额 签约金额 报价 estimatedrevenue 预计金额 "
        "预计成交金额 预计合同金额"
    ),
    "created": _words(
        "createdon createddate created createdate createdat creationdate opendate opened startdate engagedate "
        "创建时间 创建日期 建立时间 建立日期 录入时间 立项时间 立项日期 开始时间 登记日期 提交时间"
    ),
    "closed": _words(
        "closedon closeddate closedate closed closedat actualclosedate wondate enddate 关闭时间 关闭日期 成交时间 "
        "成交日期 结束时间 结束日期 实际成交日期 签约日期 签约时间 赢单时间 结单日期 完成时间"
    ),
    "expected": _words(
        "expectedclose expectedclosedate estimatedclosedate forecastclosedate estclosedate 预计成交日期 "
        "预计成交时间 预计关闭日期 预计签约日期 预计结单日期 预计签单日期 预计签约时间"
    ),
    "changed": _words(
        "laststagechangedate stagechangedate laststagechange modifiedon lastmodifieddate lastmodified lastmodifiedat "
        "updatedat 阶段变更时间 输单时间 丢单时间 最后修改时间 最近修改时间 更新时间 修改时间"
    ),
    "segment": _words("industry segment sector 行业 所属行业 客户行业"),
    "source": _words("leadsource source channel origin campaign 来源 商机来源 线索来源 客户来源 渠道"),
    "estimate": _words(
        "estimatedamount estimatedrevenue estrevenue expectedamount 预计成交金额 预计金额 预计合同金额 预估金额"
    ),
    "currency": _words("currency currencycode currencyisocode amountcurrency 币种 货币 币别"),
    "rate": _words("exchangerate fxrate 汇率"),
    "is_won": _words("iswon isclosedwon 是否赢单 是否成交"),
    "is_closed": _words("isclosed isdealclosed 是否关闭 是否结束"),
}
EXACT = frozenset({"changed", "source", "estimate", "currency", "rate", "is_won", "is_closed", "from"})
EVENT: dict[str, tuple[str, ...]] = {
    "case": _words(
        "caseid case caseconceptname opportunityid dealid applicationid id 案件编号 案例编号 商机编号 商机号 编号"
    ),
    "activity": _words(
        "tostage newstage 变更后阶段 变更后 新阶段 目标阶段 activity activityname conceptname event stage task 活动 事件 阶段 步骤 "
        "环节 动作"
    ),
    "time": _words(
        "timestamp time timetimestamp datetime eventtime completetimestamp date 时间 时间戳 日期 发生时间 "
        "操作时间 变更时间 变更日期 阶段变更时间 进入时间 进入阶段时间"
    ),
    "resource": _words("resource orgresource user person performer owner 人员 操作人 负责人 执行人 资源 销售"),
    "lifecycle": _words("lifecycle lifecycletransition transition"),
    "from": _words("fromstage oldstage previousstage 变更前阶段 变更前 原阶段 前一阶段 上一阶段"),
    "amount": _words("amount amountreq value loanamount 金额 申请金额 合同金额"),
    "region": OPPORTUNITY["region"],
    "product": OPPORTUNITY["product"],
    "source": OPPORTUNITY["source"],
}

WON = _words(
    "won closedwon win winner success successful signed 赢单 已赢单 赢 成交 已成交 签约 已签约 中标 已中标 成功 "
    "赢单关闭 成单 已成单"
)
LOST = _words(
    "lost closedlost lose loss cancelled canceled rejected declined disqualified dead abandoned noopportunity "
    "输单 已输单 丢单 已丢单 输 流失 已流失 失败 未中标 作废 已作废 无效 取消 已取消 放弃 输单关闭 未成交 关闭 "
    "已关闭"
)
OPEN = _words(
    "open inprogress active pending new ongoing working 进行中 跟进中 打开 开放 未关闭 洽谈中 在谈 进行 跟进 开启 "
    "新建 未结束 谈判中"
)

# traditional characters of the words above, as simplified ones
_SIMPLE = str.maketrans(
    "額編號戶稱區產負責階態創時關閉預計贏單輸進機會項銷業經員實際結簽約價來線幣種匯狀聯絡開間類潛類別國無優鎖動環節錄標歸屬該數",
    "额编号户称区产负责阶态创时关闭预计赢单输进机会项销业经员实际结签约价来线币种汇状联络开间类潜类别国无优锁动环节录标归属该数",
)
_BRACKETS = re.compile(r"[(（\[【].*?[)）\]】]")
_UNIT = re.compile(r"(百万|千万|万|亿|千)\s*(?:元|人民币)?")


def plain(name: str) -> str:
    """A name for comparison: lower case, without brackets, spaces and punctuation."""
    return re.sub(r"[\W_]+", "", _BRACKETS.sub("", name)).lower().translate(_SIMPLE)


def header_unit(name: str) -> float:
    """10000.0 for ``金额(万元)``, 1.0 where the header names no unit."""
    inside = re.search(r"[(（\[【/]\s*([^)）\]】]*)", name)
    if inside is None:
        return 1.0
    unit = _UNIT.match(inside.group(1).strip())
    table = {"千": 1e3, "万": 1e4, "百万": 1e6, "千万": 1e7, "亿": 1e8}
    return table[unit.group(1)] if unit else 1.0


def chinese(texts: Iterable[str]) -> bool:
    """Whether any of the texts holds Chinese characters."""
    return any("\u4e00" <= c <= "\u9fff" for text in texts for c in text)


def guess(header: Sequence[str], names: dict[str, tuple[str, ...]], *, near: bool = True) -> dict[str, str]:
    """Field -> column, by exact name first, then (``near``) by a name that a column's name contains; none serves twice.

    What only some systems have (rates, flags, sources) is taken by its exact name alone.
    """
    columns = {plain(h): h for h in reversed(header) if h}
    chosen: dict[str, str] = {}
    ranked = sorted(
        (rank, field, columns[name])
        for field, synonyms in names.items()
        for rank, name in enumerate(synonyms)
        if name in columns
    )
    for _, field, column in ranked:
        if field not in chosen and column not in chosen.values():
            chosen[field] = column
    for field, synonyms in names.items():
        if field in chosen or not near or field in EXACT:
            continue
        for name in synonyms:
            if len(name) < (2 if ord(name[0]) > 127 else 5):
                continue
            close = [h for key, h in columns.items() if _is_near(name, key) and h not in chosen.values()]
            if close:
                chosen[field] = min(close, key=len)
                break
    return {field: chosen[field] for field in names if field in chosen}


def _is_near(name: str, key: str) -> bool:
    """Whether a column's name is a longer form of a name: a Chinese one says last what it is (销售机会名称 is no 销售)."""
    if ord(name[0]) < 128:
        return name in key
    return any(end.endswith(name) for end in (key, key.removesuffix("名称"), key.removesuffix("姓名")))


_ENDS = {
    "won": re.compile(r"(?<![未待拟])(?:赢单|成交|中标)"),
    "lost": re.compile(r"输单|丢单|流失|未成交|未中标|战败"),
}
_OVER = re.compile(r"[\W\d_]*(closed|dead|cancell?ed|disqualified|已关闭|关闭|作废|无效)")
_NOT_YET = re.compile(r"预计|预期|即将|可能|推进|待|拟|中$")


def word(text: str) -> str:
    """'won', 'lost', 'open', or '' for a word of a status column that is none of them.

    A word of the lists, whatever its case, spaces and numbers; else one that says won or lost among others: Closed Won -
    Renewal, 6 Signed/Won, Closed (Lost), 阶段五：赢单.
    """
    if listed(text):
        return listed(text)
    tokens = set(re.findall(r"[a-z]+", text.lower()))
    said = {kind for kind in ("won", "lost") if kind in tokens}
    if not _NOT_YET.search(text):
        said |= {kind for kind, pattern in _ENDS.items() if pattern.search(text)}
    return said.pop() if len(said) == 1 and not tokens & {"not", "if", "be", "win"} else ""


def listed(text: str) -> str:
    """'won', 'lost', 'open' for a word of the lists alone, '' for any other."""
    key = re.sub(r"^\d+", "", plain(text))
    return next((kind for kind, words in (("won", WON), ("lost", LOST), ("open", OPEN)) if key in words), "")


def ended_otherwise(text: str) -> bool:
    """Whether a stage's name says that the deal is over, and not that it was won: Closed - Duplicate, Dead, 已关闭（重复）."""
    return not word(text) and bool(_OVER.match(text.lower()))


def status_by_values(sheet: Sheet, taken: Sequence[str]) -> str | None:
    """A column whose few words include won and lost ones, whatever its name."""
    head = sheet.data.head(5000)
    for name in sheet.header:
        if name in taken:
            continue
        words = head[name].unique().to_list()
        kinds = {listed(w) for w in words if w} if len(words) <= 12 else set()
        if {"won", "lost"} <= kinds:
            return name
    return None


def repeats(sheet: Sheet, column: str) -> bool:
    """Whether a column's cells come again and again, as a deal's number does in a log of its stages."""
    cases = sheet.data[column]  # all of it: a log may stand in the order of its stages
    return cases.n_unique() < 0.9 * len(cases) or len(cases) < 10


def is_event_log(sheet: Sheet) -> bool:
    """One row a stage event: case, activity and time, cases repeated, and nothing that says how a deal ended."""
    found = guess(sheet.header, EVENT)
    if not {"case", "activity", "time"} <= found.keys():
        return False
    other = guess(sheet.header, OPPORTUNITY)
    if "status" in other or {"created", "closed"} <= other.keys():
        return False
    return repeats(sheet, found["case"])

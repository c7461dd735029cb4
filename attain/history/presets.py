"""Exports as systems make them: which system wrote a file, known by its headers, and what its columns hold.

A preset is tried before ``columns`` guesses: it names columns that a guess would read otherwise (Salesforce's close
date is the expected one while a deal is open) and which of them only that system has. What it leaves open is guessed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

from attain.history.columns import EVENT, OPPORTUNITY, guess, plain


@dataclass(frozen=True, slots=True)
class Preset:
    """``marks``: sets of headers, any of which tells the system; ``columns``: field -> headers, the surest first."""

    name: str
    title: str
    shape: Literal["opportunities", "events"]
    marks: tuple[frozenset[str], ...]
    columns: dict[str, tuple[str, ...]]
    absent: frozenset[str] = field(default_factory=frozenset)  # headers that another system's file would have
    chinese: str = ""  # its title on a Chinese screen
    codes: dict[str, str] = field(default_factory=dict)  # numbers of its status column -> won, lost, open


def _marks(*sets: str) -> tuple[frozenset[str], ...]:
    return tuple(frozenset(s.split()) for s in sets)


def _columns(**fields: str) -> dict[str, tuple[str, ...]]:
    return {name: tuple(words.split()) for name, words in fields.items()}


ENTERED = "hubspot-stages"  # of the log that ``entered`` makes of HubSpot's columns
BY_NAME = (
    "salesforce-history",
    "hubspot-history",
    "fxiaoke-history",
    "xiaoshouyi-history",
    ENTERED,
)  # histories whose stages' names say which are won and lost
PRESETS = (
    Preset(
        ENTERED,
        "HubSpot deals with the days on which they entered their stages",
        "events",
        _marks("recordid stageentered dateentered"),
        _columns(case="recordid", activity="stageentered", time="dateentered", resource="dealowner", amount="amount"),
        chinese="HubSpot 交易（含进入各阶段的日期）",
    ),
    Preset(
        "salesforce-history",
        "Salesforce opportunity history",
        "events",
        _marks("opportunityid stagename createddate", "opportunityid tostage editdate", "opportunityname tostage lastmodified",
               "opportunityid tostage lastmodified", "opportunityid newvalue oldvalue field createddate",
               "opportunityname tostage editdate", "opportunityname fieldevent oldvalue newvalue editdate",
               "opportunityid fieldevent oldvalue newvalue editdate", "opportunityname field oldvalue newvalue editdate",
               "opportunityid field oldvalue newvalue editdate", "opportunityid stage lastmodified fromstage"),
        _columns(case="opportunityid opportunityname", activity="tostage stagename stage newvalue",
                 time="createddate lastmodified editdate lastmodifieddate", amount="amount", expected="closedate",
                 resource="opportunityowner lastmodifiedby editedby createdby createdbyid ownerid",
                 **{"from": "fromstage oldvalue"}),
        frozenset({"isclosed", "iswon"}),
        chinese="Salesforce 商机历史",
    ),
    Preset(
        "hubspot-history",
        "HubSpot deals' history of stages",
        "events",
        _marks("dealid property value timestamp", "objectid property value timestamp", "recordid property value timestamp",
               "recordid propertyname propertyvalue timestamp", "objectid propertyname propertyvalue timestamp",
               "dealid dealstage timestamp", "recordid dealstage timestamp", "dealid value dateentered",
               "dealid dealstage changedate", "recordid dealstage changedate"),
        _columns(case="dealid recordid objectid hsobjectid", activity="dealstage value propertyvalue",
                 time="timestamp dateentered changedate", **{"from": "previousvalue oldvalue"}),
        frozenset({"closedate", "createdate"}),
        chinese="HubSpot 交易阶段历史",
    ),
    Preset(
        "fxiaoke-history",
        "纷享销客商机阶段变更记录",
        "events",
        _marks("商机名称 变更后阶段", "商机编号 变更后阶段", "商机20名称 变更后阶段", "商机20编号 变更后阶段", "商机名称 商机阶段 进入时间",
               "商机编号 商机阶段 进入时间", "商机20名称 商机阶段 进入时间"),
        _columns(case="商机编号 商机20编号 商机20名称 商机名称", activity="变更后阶段 商机阶段", time="变更时间 进入时间 阶段变更时间 操作时间 修改时间",
                 resource="负责人 商机负责人 操作人 变更人 修改人", **{"from": "变更前阶段"}),
    ),
    Preset(
        "xiaoshouyi-history",
        "销售易销售机会阶段历史",
        "events",
        _marks("销售机会名称 变更后阶段", "销售机会编号 变更后阶段", "机会名称 变更后阶段", "机会编号 变更后阶段", "销售机会名称 新阶段",
               "销售机会编号 新阶段", "销售机会 变更后阶段", "销售机会 新阶段"),
        _columns(case="销售机会编号 机会编号 销售机会名称 机会名称 销售机会", activity="变更后阶段 新阶段", time="变更时间 修改时间 操作时间 变更日期",
                 resource="销售机会所有人 所有人 负责人 修改人 操作人 变更人", **{"from": "变更前阶段 旧阶段 原阶段"}),
    ),
    Preset(
        "salesforce",
        "Salesforce opportunities",
        "opportunities",
        _marks("stagename closedate createddate", "opportunityname stage closedate createddate",
               "opportunityid stage closedate createddate", "opportunityowner stage closedate createddate"),
        _columns(id="opportunityid id", account="accountname accountid", owner="opportunityowner ownername ownerid",
                 stage="stagename stage", value="amountconverted amount", created="createddate", closed="closedate",
                 is_won="iswon won", is_closed="isclosed closed", currency="currencyisocode amountcurrency opportunitycurrency",
                 source="leadsource", region="territory region billingstateprovince billingcountry",
                 product="productfamily productname product type", segment="industry"),
        chinese="Salesforce 商机",
    ),
    Preset(
        "hubspot",
        "HubSpot deals",
        "opportunities",
        _marks("dealname dealstage createdate closedate", "recordid dealstage createdate closedate",
               "dealid dealstage createdate closedate"),
        _columns(id="recordid dealid hsobjectid", account="associatedcompany associatedcompanyprimary companyname",
                 owner="dealowner hubspotownerid", stage="dealstage",
                 value="amountincompanycurrency amount", created="createdate", closed="closedate",
                 is_won="isclosedwon hsisclosedwon", is_closed="isdealclosed isclosed hsisclosed",
                 currency="currency dealcurrencycode", source="originalsourcetype originaltrafficsource",
                 region="region territory", product="dealtype product"),
        chinese="HubSpot 交易",
    ),
    Preset(
        "dynamics",
        "Microsoft Dynamics 365 opportunities",
        "opportunities",
        _marks("topic estclosedate actualclosedate createdon", "topic estrevenue status createdon",
               "topic actualclosedate status createdon", "name estimatedclosedate actualclosedate statecode createdon"),
        _columns(id="donotmodifyopportunity opportunityid opportunity topic name", account="potentialcustomer account customerid",
                 owner="owner ownerid", stage="salesstage pipelinephase processstage stepname stage", status="status statecode",
                 value="actualrevenuebase actualrevenue actualvalue", estimate="estrevenuebase estrevenue estimatedvalue",
                 created="createdon", closed="actualclosedate", expected="estclosedate estimatedclosedate",
                 currency="currency transactioncurrencyid", rate="exchangerate", source="campaignsource sourcecampaign originatinglead",
                 region="territory salesterritory region", product="productline product"),
        chinese="Microsoft Dynamics 365 商机",
        codes={"0": "open", "1": "won", "2": "lost"},
    ),
    Preset(
        "xiaoshouyi",
        "销售易销售机会",
        "opportunities",
        _marks("销售机会名称 结单日期", "机会名称 结单日期", "销售机会编号 结单日期", "销售机会所有人 销售阶段"),
        _columns(id="销售机会编号 机会编号 销售机会名称 机会名称", account="客户名称 客户", owner="销售机会所有人 机会所有人 所有人 负责人",
                 stage="销售阶段 阶段", status="状态 机会状态 销售机会状态", value="销售金额 机会金额 金额", estimate="预计金额 预计销售金额",
                 created="创建日期 创建时间", closed="实际结单日期 赢单日期 结单日期", expected="预计结单日期 结单日期", currency="币种",
                 rate="汇率", source="机会来源 线索来源 来源", region="所属区域 区域 大区 省份", product="产品线 产品名称 产品", segment="行业"),
    ),
    Preset(
        "fxiaoke",
        "纷享销客商机",
        "opportunities",
        _marks("商机20名称 预计成交日期", "商机名称 商机阶段 赢率", "商机名称 销售流程 预计成交日期", "商机名称 生命状态"),
        _columns(id="商机编号 商机20编号 商机20名称 商机名称", account="客户名称 客户", owner="负责人 商机负责人",
                 stage="商机阶段 销售阶段 阶段", status="商机状态 阶段状态", value="实际成交金额 成交金额 商机金额 金额",
                 estimate="商机金额 预计成交金额 预计金额", created="创建时间 创建日期", closed="实际成交日期 赢单时间 输单时间 结单日期 关闭日期",
                 expected="预计成交日期", currency="币种", rate="汇率", source="来源 商机来源 线索来源", region="所属区域 区域 大区 省份 省",
                 product="产品 产品名称 意向产品", segment="行业 客户行业"),
    ),
    Preset(
        "jiandaoyun",
        "简道云商机",
        "opportunities",
        _marks("商机名称 提交时间", "商机编号 提交时间", "商机阶段 提交时间", "商机名称 提交人", "销售阶段 提交时间 更新时间"),
        _columns(id="商机编号 流水号 数据id", account="客户名称 客户", owner="负责人 销售负责人 商机负责人 销售员 提交人",
                 stage="商机阶段 销售阶段 当前阶段 跟进阶段", status="商机状态 跟进状态 赢单状态 商机结果",
                 value="成交金额 实际成交金额 合同金额 签约金额", estimate="预计成交金额 预计金额 商机金额 预估金额 预计签约金额",
                 created="创建时间 创建日期 立项日期 提交时间",
                 closed="成交日期 实际成交日期 赢单日期 结束日期 关闭日期 结单日期 签约日期", expected="预计成交日期 预计签约日期 预计结单日期",
                 currency="币种 货币", rate="汇率", source="商机来源 客户来源 线索来源", region="所属区域 区域 大区 省份",
                 product="产品名称 意向产品 产品", segment="行业 所属行业"),
    ),
)  # fmt: skip


def preset_of(header: Sequence[str]) -> Preset | None:
    """The system that writes such headers, or none."""
    names = {plain(h) for h in header}
    for preset in PRESETS:
        if any(mark <= names for mark in preset.marks) and not preset.absent & names:
            return preset
    return None


def columns_of(header: Sequence[str], preset: Preset | None, shape: str) -> dict[str, str]:
    """Field -> column: by the preset first, the rest guessed from names; no column serves twice."""
    table = EVENT if shape == "events" else OPPORTUNITY
    if preset is None:
        found = guess(header, table)
        if "value" not in found and "estimate" in found:
            found["value"] = found.pop("estimate")
        return found
    own = {plain(h): h for h in reversed(header)}
    chosen: dict[str, str] = {}
    for name, words in preset.columns.items():
        for word in words:
            if word in own and own[word] not in chosen.values():
                chosen[name] = own[word]
                break
    rest = [h for h in header if h not in chosen.values()]
    # of what a preset leaves open only exact names are taken: it knows its own columns
    others = guess(rest, {f: t for f, t in table.items() if f not in chosen}, near=False)
    chosen |= {f: column for f, column in others.items() if f not in ("closed", "created", "value", "status")}
    if "companycurrency" in plain(chosen.get("value", "")):  # whatever the deal's own is
        chosen.pop("currency", None)
    # of two amounts where only one is there, the one that is there is the deal's
    if "value" not in chosen and "estimate" in chosen:
        chosen["value"] = chosen.pop("estimate")
    if "status" not in chosen and "stage" in chosen and not {"is_won", "is_closed"} <= chosen.keys():
        chosen["status"] = chosen["stage"]
    return chosen

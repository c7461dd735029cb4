"""What a history's columns hold, by the mapping's own words for it: key -> (English, Chinese)."""

from __future__ import annotations

_ZH = {
    "id": "商机编号", "account": "客户", "territory": "片区", "region": "区域", "product": "产品", "category": "产品类别", "owner": "负责人",
    "stage": "阶段", "status": "状态", "value": "金额", "estimate": "预计金额", "created": "创建时间", "closed": "关闭时间",
    "expected": "预计成交日期", "changed": "最后变更时间", "segment": "行业", "source": "来源", "currency": "币种", "rate": "汇率",
    "is_won": "是否赢单", "is_closed": "是否关闭", "case": "案件编号", "activity": "活动", "time": "时间", "resource": "人员",
    "lifecycle": "生命周期", "amount": "金额", "from": "变更前阶段",
}  # fmt: skip
FIELDS: dict[str, tuple[str, str]] = {f"field.{name}": (name, chinese) for name, chinese in _ZH.items()}

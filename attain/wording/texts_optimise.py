"""Why an optimiser answered as it did, and limits by name. Key -> (English, Chinese)."""

from __future__ import annotations

OPTIMISE: dict[str, tuple[str, str]] = {
    "optimise.always": (
        "the goals are attained on all of {paths} sample paths as it is: no allocation does much better",
        "按现有计划，目标在全部 {paths} 条样本路径上都已达成：任何分配都难以明显更好",
    ),
    "optimise.assumed": (
        "the response of {names} is assumed: --allow-assumed moves its budget all the same",
        "{names} 的预算响应是假设的：加 --allow-assumed 仍可调整其预算",
    ),
    "optimise.tight": (
        "the limits leave each budget line where it is: loosen change_at_most, floors or caps in `decide`",
        "限制条件使每条预算都无法移动：请放宽 `decide` 中的 change_at_most、下限或上限",
    ),
    "optimise.no_lever": (
        "the plan has no budget that leads answer to, does not route leads by share, and no rep prospects: give a source a budget with "
        "a response, route by share, or ask for quotas in `decide`",
        "计划中没有能带来线索的预算，线索不按份额分派，也没有销售自行开拓：请给某个来源写预算与响应，或按份额分派，或在 `decide` 中要求配额",
    ),
    "optimise.no_hours": (
        "no rep has hours to share: deals that take work of more than one kind, or prospecting that may move",
        "没有销售有可分配的工时：需要有两类以上占用工时的商机，或可调整的开拓工时",
    ),
    "optimise.clash": (
        "these limits cannot hold together, loosen one of them: {shown}{more}",
        "这些限制无法同时满足，请放宽其中之一：{shown}{more}",
    ),
    "optimise.clash_more": ("; and {n} more", "；另有 {n} 项"),
    "optimise.limit": ("{kind} of {name}", "{name} 的{kind}"),
    "optimise.limit.total": ("total", "总额"),
    "optimise.limit.floor": ("floor", "下限"),
    "optimise.limit.cap": ("cap", "上限"),
    "optimise.limit.change_at_most": ("change_at_most", "变动上限"),
    "optimise.limit.not_negative": ("not_negative", "非负"),
    "optimise.limit.minimum": ("minimum", "最低投入"),
    "optimise.limit.either": ("either", "互斥组"),
    "optimise.limit.territory": ("territory", "区域均衡"),
    "optimise.limit.step": ("step", "步长"),
    "optimise.limit.at_least": ("at_least", "最少人数"),
    "optimise.limit.cost_per_month": ("cost_per_month", "每月成本"),
    "optimise.better": ("the new allocation is better than the plan, beyond the error", "新分配优于计划，超出误差"),
    "optimise.better_proportions": (
        "the new allocation is better than its proportions within the limits, which the plan itself breaks, beyond the error",
        "新分配优于计划按限制修正后的比例（计划本身不满足限制），超出误差",
    ),
    "optimise.no_better": ("nothing within the limits is better than the plan, beyond the error", "限制之内没有优于计划且超出误差的分配"),
    "optimise.no_better_proportions": (
        "nothing within the limits is better than its proportions within the limits, which the plan itself breaks, beyond the error",
        "限制之内没有优于计划修正后比例（计划本身不满足限制）且超出误差的分配",
    ),
    "optimise.only_quotas": ("only quotas may move", "只有配额可以调整"),
    "optimise.interrupted": ("interrupted: the best so far, verified", "已中断：目前最好的结果，已检验"),
}  # fmt: skip

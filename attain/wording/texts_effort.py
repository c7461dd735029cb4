"""What is said of effort from people's capacity. Key -> (English, Chinese)."""

from __future__ import annotations

EFFORT: dict[str, tuple[str, str]] = {
    "effort.nobody": (
        "effort: nobody is known whose hours are; an owner for each deal, and hours for them, would suffice",
        "工作量：历史中没有已知工时的人员；每个商机有负责人且其工时已知即可",
    ),
    "effort.short": (
        "effort: {n} months of people's work are there; {need} would suffice",
        "工作量：只有 {n} 个人月；{need} 个即可",
    ),
    "effort.together": (
        "effort by stage: how hours split over stages cannot be told, since visits to all of them rise and fall together, or new "
        "deals are dealt out as evenly as any split makes hours; every visit is given the same, but none more than it can have been worked on. Logged activities, or people who "
        "are as busy with other mixes of stages, would suffice",
        "各阶段工作量：进入各阶段的次数同涨同落，或新商机本就平均分配，无法得知工时如何分摊到各阶段；因此每次进入阶段的工时相同（但不超过其停留时间所允许的）。有活动记录，"
        "或同样忙碌而阶段构成不同的人员即可",
    ),
    "effort.found": (
        "work is from capacity: {people} people had {hours} hours for deals over {months} months of work, were busy {busy} of them (an "
        "assumption: --busy), and {visits} visits to stages came to them: {mean} hours a visit",
        "工作量由人员产能得出：{people} 人共 {months} 个人月、{hours} 小时可用于商机，其中忙碌的比例为 {busy}（假设：--busy），"
        "期间共 {visits} 次进入阶段：每次 {mean} 小时",
    ),
    "effort.median_hours": (
        "{n} people have no hours in {file}: the median of the others, {hours} a week, is taken for them",
        "{file} 中有 {n} 人没有工时：按其他人的中位数每周 {hours} 小时计",
    ),
    "effort.over": (
        "visits of {names} ({n} in all) would take more than all their hours: they take less for a visit than others, or were less "
        "with these deals; in the plan their deals queue",
        "{names}（共 {n} 人）的工作量超过其全部工时：他们处理更快，或并未全程处理这些商机；在计划中其商机会排队",
    ),
    "effort.longer": (
        "{hours} hours a week would not do for the visits of {names} ({n} in all), who have kept up: the plan gives them these hours, so "
        "that all are a little less busy than assumed; their own hours, in --people, would mend it",
        "每周 {hours} 小时不够 {names}（共 {n} 人）完成其工作量，而实际跟上了：计划按括号内的工时计，因此整体略低于所假设的忙碌程度；在 --people 中给出各自工时即可",
    ),
    "effort.busier": (
        "visits of the last three months were {times} times those of the year, and people have kept up: it is in these months that they "
        "are taken to be {busy} busy",
        "近三个月进入阶段的次数是全年平均的 {times} 倍，而人员跟上了：因此假设忙碌 {busy} 的是这几个月",
    ),
    "effort.quieter": (
        "visits of the last three months were {times} times those of the year, over which people are taken to have been {busy} busy: "
        "lately that would be {now}",
        "近三个月进入阶段的次数是全年平均的 {times} 倍，而假设人员全年忙碌 {busy}：近来应为 {now}",
    ),
    "effort.fast": (
        "people as busy as that would take {days} days to get to a visit and do it, more than half of all the time that deals are in "
        "{names}: they may be less busy, or these be done at once; the plan's deals take longer there",
        "如此忙碌的人员从进入到做完需 {days} 天，超过商机在 {names} 停留时间的一半：人员可能没有那么忙，或这些阶段一次做完；计划中的商机在此停留更久",
    ),
}  # fmt: skip

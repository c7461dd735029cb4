"""The words of the screen of allocations by several methods, in English and Chinese."""

from __future__ import annotations

from attain.wording.numbers import Language

TEXTS: dict[str, tuple[str, str]] = {
    "method": ("method", "方法"),
    "probability": ("probability", "概率"),
    "interval": ("95%", "95%"),
    "ahead": ("ours over it", "我们高出"),
    "seconds": ("seconds", "秒"),
    "aim": ("{plan}: {aim}", "{plan}：{aim}"),
    "last year's proportions": ("last year's proportions", "按去年比例"),
    "equal split": ("equal split", "平均分配"),
    "greedy by marginal return": ("greedy by marginal return", "按边际回报逐笔分配"),
    "SLSQP on the mean": ("SLSQP on the mean", "对均值用 SLSQP"),
    "best mean (LP)": ("best mean (LP)", "均值最大（线性规划）"),
    "big-M, CBC": ("big-M, CBC", "大 M 整数规划，CBC"),
    "big-M, HiGHS": ("big-M, HiGHS", "大 M 整数规划，HiGHS"),
    "attain optimise": ("attain optimise (ours)", "attain optimise（我们）"),
    "nothing": ("nothing in this plan may be moved", "此计划没有可调整的内容"),
    "behind": ("Ours is behind beyond the error: {names}", "我们明显落后于：{names}"),
    "notes": (
        "Judged on {n} fresh paths of the simulator, the same for all (phase 0, seed {seed}). Ours over it: in points, "
        "with the paired 95% interval. Every method may move what `attain optimise` may move, within the same limits. Seconds by the clock, "
        "simulating for the method included. Big-M: {paths} sample paths, yields read off the simulator, at most {nodes} "
        "nodes and {clock} s, whichever comes first; where the clock stops it, it is not repeatable.",
        "在模拟器的 {n} 条全新路径上评判，各方法相同（阶段 0，种子 {seed}）。我们高出：百分点，附配对的 95% 区间。"
        "每种方法可调整的内容与限制都与 `attain optimise` 相同。秒数为实际用时，含该方法所需的模拟。"
        "大 M：{paths} 条样本路径，产出取自模拟器，最多 {nodes} 个节点、{clock} 秒，先到为止；由时钟停止的不可重复。",
    ),
}


def said(key: str, language: Language, **values: object) -> str:
    """The words of a key."""
    return TEXTS[key][language == "zh"].format(**values)

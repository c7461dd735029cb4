"""What is said of a history and of what was fitted to it: notes, findings, tables beside it. Key -> (English, Chinese)."""

from __future__ import annotations

HISTORY: dict[str, tuple[str, str]] = {
    # reading
    "history.put_back": (
        "put back to {day}: an export keeps only a deal's latest stage, so deals open that day stand at the first stage with "
        "their age; owners, products and amounts are the export's latest",
        "已退回到 {day}：导出只保留商机的最新阶段，因此当日未结的商机都放在第一阶段并带上其时长；负责人、产品与金额为导出时的最新值",
    ),
    "history.part": ("read from sheet {part}; the workbook's others are {others}", "读取工作表 {part}；另有 {others}"),
    "history.numbered": (
        "column {header} repeats too often to be a deal's number; rows are numbered",
        "列 {header} 重复过多，不能作为商机编号；改用行号",
    ),
    "history.ahead": (
        "{n} deals carry a closing date after the last creation ({day}): dated ahead, taken as closed on {day}",
        "{n} 个商机的关闭日期晚于最后一次创建（{day}）：属提前填写，按 {day} 关闭处理",
    ),
    "history.late": (
        "{n} open deals are past their expected close: taken as lost, and left out of the pipeline",
        "{n} 个未结商机已过预计成交日期：计为丢失，不放入商机储备",
    ),
    "history.old": (
        "{n} open deals are older than any deal was when it ended ({days} days): taken as lost, and left out of the pipeline",
        "{n} 个未结商机的时长超过任何已结商机（{days} 天）：计为丢失，不放入商机储备",
    ),
    "passage.count": ("{name}: {won} won, {lost} lost, {open} open", "{name}：赢 {won}、丢 {lost}、进行中 {open}"),
    "passage.one": (
        "{why}; a shorter funnel is fitted, of one stage from creation to the end",
        "{why}；因此拟合只有一个阶段（从创建到结束）的短漏斗",
    ),
    "passage.little": (
        "the export shows the stage a deal is in or ended in ({counts}), not when it entered it: a deal is taken to have passed all "
        "earlier stages, and its time is divided over them as the numbers open in each suggest (Little's law)",
        "导出只显示商机所在或结束时的阶段（{counts}），不显示何时进入：视商机已走过此前各阶段，其时长按各阶段在途数量分摊（利特尔法则）",
    ),
    "passage.no_stages": ("the history names no stages that deals pass through", "历史数据没有商机依次经过的阶段"),
    "passage.early": (
        "the stages are no funnel: {share} of the wins stand in a stage before the last ({counts}), so that no stage is a passage "
        "with a conversion of its own",
        "这些阶段不构成漏斗：{share} 的赢单停在最后阶段之前（{counts}），各阶段没有自己的转化率",
    ),
    "passage.few": (
        "too few deals were lost or stand along the way to tell one stage's conversion from another's ({counts})",
        "中途丢失或停留的商机太少，分不清各阶段的转化率（{counts}）",
    ),
    "passage.untimely": ("the stages are not in order of time ({counts})", "各阶段的先后与时间不符（{counts}）"),
    "passage.age": ("{days} days at {name}", "{name} {days} 天"),
    "passage.disorder": (
        "open deals are not older the further they are: their median age is {shown}",
        "越靠后的未结商机并非越久：时长中位数为{shown}",
    ),
    "log.amounts": ("amounts are taken from {file}, column {column}, by {case}", "金额取自 {file} 的 {column} 列，按 {case} 对应"),
    "log.unread": ("{n} amounts in {file} cannot be read: their cases have no amount", "{file} 中有 {n} 个金额无法识别：相应案件没有金额"),
    "log.machine": (
        "resource {names} takes most cases' first step: taken for a machine, not a rep",
        "资源 {names} 执行多数案件的第一步：视为机器而非销售",
    ),
    "log.entered": (
        "stages are read from the columns that say when deals entered them: {entries} entries of {deals} deals; {undated} deals without "
        "any are taken to have begun at {stage} when they were created, and to have ended on their close date",
        "各阶段取自“进入日期”列：{deals} 个商机共 {entries} 次进入；{undated} 个没有日期的商机按创建时进入 {stage}、关闭日期结束计",
    ),
    "log.unmoved": (
        "{n} deals have not changed their stage yet: taken to be where most begin, {stage}",
        "{n} 个商机尚未变更阶段：视为处于多数商机的起始阶段 {stage}",
    ),
    "log.no_creation": (
        "the history of changes does not say when deals were created: their time in the first stage is not known, and deals that "
        "never changed are not there",
        "变更历史没有商机的创建记录：第一阶段的时长未知，从未变更的商机不在其中",
    ),
    "log.unrecorded": (
        "{n} cases are won without a record of {name}: they leave the stage in neither way",
        "{n} 个案件已赢但没有 {name} 的记录：不计入该阶段的去向",
    ),
    "log.stale": (
        "{n} open cases have been in their stage longer than any case that ended there: taken as lost, and left out",
        "{n} 个未结案件在其阶段停留的时间超过任何已结案件：计为丢失，予以剔除",
    ),
    "log.stages": ("stages found in the log: {names}", "日志中识别出的阶段：{names}"),
    "log.history_stages": ("stages found in the history: {names}", "历史中识别出的阶段：{names}"),
    "log.with": ("{others} with {kept}", "{others} 同 {kept}"),
    "log.together": ("activities that occur in the same cases are one step: {names}", "同案件中一同出现的活动视为一步：{names}"),
    "log.ends": ("a case is won at {won}; lost at {lost}; open at any other", "案件到 {won} 为赢，到 {lost} 为丢，其余为进行中"),
    "log.no_activity": ("no activity", "（无）"),
    # a log and the table of its deals
    "paired.filled": (
        "{n} of the log's {of} deals are in {file}, by {id}; from there are, where the log does not say, {fields}: as they were when "
        "the table was written",
        "日志 {of} 个商机中有 {n} 个在 {file} 中（按 {id} 对应）；日志没有的取自该表：{fields}，均为导出时的最新值",
    ),
    "paired.turned": (
        "the first file is the table of deals, and {log} is the log: taken as attain calibrate {log} --deals {deals}",
        "第一个文件是商机表，{log} 才是日志：按 attain calibrate {log} --deals {deals} 处理",
    ),
    "paired.unread": (
        "{n} deals of {file} have a day or an amount that cannot be read ({shown})",
        "{file} 中有 {n} 个商机的日期或金额无法识别（{shown}）",
    ),
    "paired.unread.effect": ("left out, the owners and products of these deals would be lost, too", "若剔除，这些商机的负责人与产品也会丢失"),
    "paired.unread.done": ("taken as not known; what else the row says is kept", "按未知处理；该行的其他内容保留"),
    "paired.later": (
        "{file} goes to {table}, the log only to {log}",
        "{file} 到 {table} 为止，日志只到 {log}",
    ),
    "paired.later.effect": (
        "deals that ended since would have ended, and those that moved on would stand where they were", "此后结束的商机会显示为已结束，而继续推进的却停在原处",
    ),
    "paired.later.done": ("the table is put back to the log's last day", "商机表退回到日志的最后一天"),
    "paired.earlier": (
        "the log goes to {log}, {file} only to {table}: deals that came since are not in it",
        "日志到 {log} 为止，{file} 只到 {table}：此后的商机不在该表中",
    ),
    "paired.earlier.effect": (
        "the last leads would be nobody's, and of no product or region", "最近的线索会没有负责人、产品和区域",
    ),
    "paired.earlier.done": ("the log is put back to the table's last day", "日志退回到商机表的最后一天"),
    "paired.only_log": ("{n} deals of the log are not in {file}", "日志中有 {n} 个商机不在 {file} 中"),
    "paired.only_log.effect": ("without them stages would be fitted from fewer deals", "若剔除，各阶段的样本会变少"),
    "paired.only_log.done": ("kept, without owner, account and what else only the table has", "保留，但没有负责人、客户等只有该表才有的内容"),
    "paired.only_deals": (
        "{n} deals of {file} are not in the log ({won} won, {lost} lost, {open} open or ended on no known day; {early} created before the log begins)",
        "{file} 中有 {n} 个商机不在日志中（赢 {won}、丢 {lost}、未结或结束日期不明 {open}；其中 {early} 个创建于日志开始之前）",
    ),
    "paired.only_deals.effect": (
        "when they came to which stage is not known: with times made up, stages would look quicker or slower than they are",
        "不知其何时进入哪个阶段；若编造时间，各阶段会显得更快或更慢",
    ),
    "paired.only_deals.done": (
        "they count in lead flow, values and bookings, and not in the stages; open ones are not in the pipeline",
        "用于线索量、金额与签约额，不用于各阶段；未结的不放入商机储备",
    ),
    "paired.unmoved": (
        "{n} deals of {file} have no change in the log", "{file} 中有 {n} 个商机在日志中没有变更",
    ),
    "paired.unmoved.effect": (
        "without those that never left it, the first stage would look better than it is", "若剔除从未离开首阶段的商机，首阶段会显得比实际好",
    ),
    "paired.unmoved.done": (
        "taken to be in {stage} since they were created, until the table says that they ended", "视为自创建起一直处于 {stage}，直到商机表显示结束",
    ),
    "paired.ended": (
        "{n} deals that the log leaves open are won or lost in {file}", "日志中未结的 {n} 个商机在 {file} 中已赢或已输",
    ),
    "paired.ended.effect": ("as open deals they would fill the pipeline, and stages would look slower", "若视为进行中，会虚增商机储备，阶段显得更慢"),
    "paired.ended.done": (
        "ended on the day that the table says, and no earlier than the log's last word of them", "按商机表的日期结束（不早于日志中的最后一条记录）",
    ),
    "paired.conflicts": (
        "the log and {file} do not agree on {shown} deals", "日志与 {file} 不一致：{shown}",
    ),
    "paired.conflicts.effect": (
        "one of them would be taken at random", "两者不能同时为真",
    ),
    "paired.conflicts.done": (
        "the log counts: it was written when it happened, the table shows today", "以日志为准：它在事情发生时记录，商机表只是当前状态",
    ),
    "paired.of": ("the {field} of {n}", "{n} 个的{field}"),
    # times and zones
    "clocks.told": (
        "column {column} holds {n} times that say how far they are from UTC: {shown}",
        "列 {column} 有 {n} 个带时区偏移的时间：{shown}",
    ),
    "clocks.told.effect": ("a day would be another place's", "日期会是别处的日期"),
    "clocks.told.done": ("brought to the clock of {zone}", "换算为 {zone} 的时间"),
    "clocks.utc": ("column {column} holds {n} times in UTC", "列 {column} 有 {n} 个 UTC 时间"),
    "clocks.utc.effect": (
        "days are UTC's: in Shanghai they begin at 8 in the morning, so that what is done before counts for the day before, and a month's "
        "last deals for another month",
        "日期按 UTC 划分：北京时间早上 8 点前的事会算到前一天，月初的商机会算到上月",
    ),
    "clocks.utc.done": (
        "taken as written; --timezone with where the business works, such as Asia/Shanghai, brings them to its clock",
        "按原样读取；可用 --timezone 指明业务所在时区（如 Asia/Shanghai）",
    ),
    "clocks.several": (
        "column {column} holds {n} times with several distances from UTC: {shown}", "列 {column} 的 {n} 个时间带有多种时区偏移：{shown}",
    ),
    "clocks.several.effect": (
        "brought to UTC, days would be nobody's; as written, a time between two of them may err by what they differ by",
        "若统一为 UTC，日期不属于任何地方；按原样读取，则两者之间的时长会有相应误差",
    ),
    "clocks.several.done": (
        "each taken as its own clock showed it, as with summer time; --timezone brings all to one clock",
        "各按其当地时间读取（如夏令时）；可用 --timezone 统一为一个时区",
    ),
    "clocks.unused": (
        "no time says how far from UTC it is: all are taken to be {zone}'s already", "没有带时区偏移的时间：都视为 {zone} 的当地时间",
    ),
    # data quality: what, effect, done
    "quality.spelling": (
        "{field}: {n} names are another spelling of one that is there ({shown})",
        "{field}：{n} 个名称是已有名称的另一种写法（{shown}）",
    ),
    "quality.spelled": ("{one} as {other}", "{one} 即 {other}"),
    "quality.spelling.effect": ("one {field} would be fitted as several, each from fewer deals", "同一 {field} 会被当作几个，各自样本更少"),
    "quality.spelling.done": ("taken as the commonest spelling", "按最常见的写法合并"),
    "quality.undated": (
        "{n} deals that were won or lost have no closing date; column {column} says when they were last changed",
        "{n} 个已赢或已输的商机没有关闭日期；列 {column} 有其最后变更时间",
    ),
    "quality.undated.effect": ("left out, the win rate would be that of deals with a date", "若剔除，赢单率只反映有日期的商机"),
    "quality.undated.done": ("taken as closed when last changed, which is no earlier", "按最后变更时间计为关闭（不早于实际关闭）"),
    "quality.over": (
        "{n} deals stand in {shown}: that says that they are over, and not that they were won",
        "{n} 个商机处于 {shown}：只说明已结束，并未说明赢单",
    ),
    "quality.over.effect": ("as open deals they would fill the pipeline, and be won one day", "若视为进行中，会虚增商机储备并被算作将来赢单"),
    "quality.over.done": ("taken as lost; the mapping's won, lost and open say otherwise", "计为丢单；可在映射的 won、lost、open 中改正"),
    "quality.closings": (
        "{n} deals were closed as lost on {days}: a clean-up, not {n} answers on a day",
        "{n} 个商机在 {days} 集中关闭为丢单：是清理，而非一天内的 {n} 个答复",
    ),
    "quality.closings.effect": ("time until a loss would be the time until the clean-up", "丢单耗时会变成清理前的耗时"),
    "quality.closings.done": (
        "they count as lost, and are left out of how long losses take", "计为丢单，但不用于估计丢单耗时",
    ),
    "quality.creations": (
        "{n} deals carry the creation date {days}: an import, not {n} leads on a day",
        "{n} 个商机的创建日期为 {days}：是导入，而非一天内的 {n} 条线索",
    ),
    "quality.creations.effect": (
        "the lead flow would show a peak, and waits would begin at the import", "线索量会出现虚假高峰，等待时间会从导入日算起",
    ),
    "quality.creations.done": (
        "they count in conversion and values, and are left out of lead flow and of how long stages take",
        "用于转化率和金额，不用于线索量和阶段耗时",
    ),
    "quality.days": ("{shown} and {n} more days", "{shown}，另有 {n} 天"),
    "quality.twins": (
        "{n} deals agree with another in account, product, owner, creation, status and value",
        "{n} 个商机与另一个在客户、产品、负责人、创建日期、状态和金额上完全相同",
    ),
    "quality.twins.effect": (
        "if they are one deal entered twice, leads and bookings are too high by as much", "若确为重复录入，线索和签约额会相应偏高",
    ),
    "quality.twins.done": ("kept: their numbers differ, and only you can tell", "编号不同，予以保留；只有您能判断"),
    "quality.unit": (
        "{n} deals have values from {low} to {high}, thousands of times from the usual {middle} with nothing in between: another "
        "unit, most likely",
        "{n} 个商机的金额为 {low} 至 {high}，与通常的 {middle} 相差数千倍且中间无过渡：很可能用了别的单位",
    ),
    "quality.unit.effect": ("a handful of such deals would be all that is won", "少数几个这样的商机就会占去几乎全部金额"),
    "quality.unit.done": (
        "their values are taken as not known, and the deals kept: correct them in the file",
        "其金额按未知处理，商机保留；请在文件中改正",
    ),
    "quality.above": (
        "{n} won deals are far above the others (from {low} to {high}), {share} of all value won",
        "{n} 个赢单的金额远高于其他（{low} 至 {high}），占赢单总额的 {share}",
    ),
    "quality.above.effect": ("one such deal moves a mean, and its quota, by itself", "一笔这样的商机就能左右均值和配额"),
    "quality.above.units": (
        "one such deal moves a mean, and its quota, by itself; the largest looks like an amount in another unit",
        "一笔这样的商机就能左右均值和配额；最大的一笔像是用了别的单位",
    ),
    "quality.above.done": (
        "kept: large deals are part of the business; the tail of values is fitted as heavy as they make it",
        "保留：大单也是业务的一部分；金额的尾部按其实际拟合",
    ),
    "quality.below": ("{n} won deals are far below the others (at most {high})", "{n} 个赢单的金额远低于其他（最多 {high}）"),
    "quality.below.effect": ("tokens and tests pull the median down", "象征性或测试性的金额会拉低中位数"),
    "quality.kept": ("kept", "保留"),
    "quality.no_value": ("{n} of {of} won deals have no value, or nought", "{of} 个赢单中有 {n} 个没有金额或金额为零"),
    "quality.no_value.effect": ("bookings of the past are too low by what they were worth", "以往签约额会相应偏低"),
    "quality.no_value.done": ("left out of the values; counted as won", "不用于金额，仍计为赢单"),
    "quality.first": (
        "the history begins on {day}, inside a quarter; its {n} deals are not a quarter's",
        "历史从 {day} 开始，不在季度之初；其 {n} 个商机不是一个完整季度",
    ),
    "quality.first.effect": (
        "the first quarter would look weak, and what was already open then is not there", "第一个季度会显得偏弱，且当时已在途的商机不在数据中",
    ),
    "quality.first.done": (
        "a month it does not cover whole is left out of lead flow and season; no deal from before is assumed",
        "不完整的月份不用于线索量与季节性；不假设此前的商机",
    ),
    "quality.last": (
        "the history ends on {day}, inside a quarter; {n} deals were created in it so far",
        "历史到 {day} 为止，不在季度之末；该季度至今创建了 {n} 个商机",
    ),
    "quality.last.effect": ("the last quarter would look weak", "最后一个季度会显得偏弱"),
    "quality.last.done": (
        "an unfinished month is left out of lead flow; what it booked counts as booked so far",
        "未完的月份不用于线索量；已签约的计为已签约",
    ),
    "quality.currencies": ("amounts in {shown}", "金额的币种：{shown}"),
    "quality.currencies.effect": ("amounts of several currencies cannot be added up", "不同货币的金额不能相加"),
    "quality.currencies.done": ("brought to {base} by the rates given", "按给定汇率换算为 {base}"),
    "quality.one_currency": ("one currency", "一种货币"),
    # tables beside the history
    "beside.respelt": (
        "{file}: names spelt otherwise than in the history, taken as its own: {shown} ({n} in all)",
        "{file}：写法与历史不同、按历史的名称处理：{shown}（共 {n} 个）",
    ),
    "beside.merged": (
        "{file}: {n} rows are spellings of names that are there already; the first of each counts",
        "{file}：{n} 行与已有名称只是写法不同；以首行为准",
    ),
    "beside.absent.people": ("has deals and is not in {file}: stays a rep, from the deals alone", "有商机但不在 {file} 中：仍作为销售，仅依据其商机"),
    "beside.absent.accounts": ("has deals and is not in {file}: no owner and no segment are known", "有商机但不在 {file} 中：不知其负责人与行业"),
    "beside.absent.products": ("has deals and is not in {file}: no list price is known", "有商机但不在 {file} 中：不知其标价"),
    "beside.unsold": ("no deal has it: left out of the plan, since nothing says how many leads it would get",
                      "没有任何商机：不放入计划，因为无从知道它会有多少线索"),
    "beside.regions.people": (
        "the history has no regions: the {n} of people in {file} are taken, a deal's that of its owner",
        "历史没有区域：取 {file} 中人员的 {n} 个区域，商机随其负责人",
    ),
    "beside.regions.accounts": (
        "the history has no regions: the {n} of accounts in {file} are taken", "历史没有区域：取 {file} 中客户的 {n} 个区域",
    ),
    # people
    "people.inactive": (
        "{n} of {of} reps had no deal in the last twelve months, and are left out", "{of} 名销售中有 {n} 名近十二个月没有商机，予以剔除",
    ),
    "people.team": ("the history names no reps: one rep, 'Team', takes every deal", "历史没有销售姓名：由一名销售“Team”承接全部商机"),
    "people.fresh": (
        "people of {file} without a deal in the last twelve months: {n} ({names}); reps at the average odds of their region, as unsure as people "
        "differ, with the average person's share of its leads",
        "{file} 中有 {n} 人近十二个月没有商机：按所在区域的平均胜率作为销售，不确定度等于人与人之间的差异，线索份额取人均（{names}）",
    ),
    "people.gone": (
        "people of {file} who had left before the plan begins: {n} ({names}); left out, their open deals are routed to others",
        "{file} 中有 {n} 人在计划开始前已离职：予以剔除，其未结商机分派给他人（{names}）",
    ),
    "people.coming": ("people who start after the plan's end: {n} ({names}); left out", "{n} 人在计划结束后才入职：予以剔除（{names}）"),
    "people.pooled": ("no deal in the history: a rep at the average odds", "历史中没有商机：按平均胜率作为销售"),
    "people.left_out": ("left out: no deal, and region {region} is none of the history's", "剔除：没有商机，且区域 {region} 不在历史中"),
    "people.nowhere": (
        "people: {name} is left out, without deals and in region {region}, which the history does not have{near}; a region of the "
        "history, or deals, would suffice",
        "人员：{name} 被剔除，既无商机，其区域 {region} 也不在历史中{near}；填写历史中的区域，或有商机即可",
    ),
    "people.served": (
        "deals of {product} in {region} name no owner: everybody there takes them", "{region} 的 {product} 商机没有负责人：由该区域所有人接手",
    ),
    "people.unserved": (
        "deals of {product} in {region} name no owner, and nobody works there: everybody takes them",
        "{region} 的 {product} 商机没有负责人，且该区域无人：由所有人接手",
    ),
    "people.taken_over": (
        "nobody who is left in {region} has sold {product}: everybody there takes it over",
        "{region} 留下的人都没有卖过 {product}：由该区域所有人接手",
    ),
    # quotas
    "quotas.sum": (
        "quotas of {n} reps from {file} add up to {total}, {share} times the goal", "{file} 中 {n} 名销售的配额合计 {total}，为目标的 {share} 倍",
    ),
    "quotas.unit": (
        "quotas of {n} reps from {file} add up to {total}, {share} times the goal: in another unit, most likely; say which in the "
        "mapping (unit: 10000)",
        "{file} 中 {n} 名销售的配额合计 {total}，为目标的 {share} 倍：多半单位不同，请在列对应文件中写明（unit: 10000）",
    ),
    "quotas.short": (
        "quotas: those of {n} reps ({names}) cover {months} of the plan's 12 months; {missing} would suffice ({file})",
        "配额：{n} 名销售（{names}）的配额只覆盖计划 12 个月中的 {months} 个月；补上 {missing} 即可（{file}）",
    ),
    "quotas.nobody": ("a quota of nobody in the plan: not used", "计划中没有此人：其配额未使用"),
    "quotas.gone": ("has left before the plan begins: the quota is not used", "计划开始前已离职：其配额未使用"),
    "quotas.without": ("has no quota in the table, and none in the plan", "表中没有其配额，计划中也没有"),
    # accounts and products
    "accounts.owner": ("owns accounts and is no rep of the plan: their leads are routed as others", "名下有客户但不是计划中的销售：其线索按其他规则分派"),
    "accounts.region": ("no region of the history: where its deals were is taken", "不是历史中的区域：取该客户商机所在的区域"),
    "accounts.segments_only": (
        "{file} names no owners: it gives the deals their segments, and no account is written into the plan",
        "{file} 没有负责人：只用来给商机定行业，计划中不写客户",
    ),
    "accounts.unowned": (
        "{file}: {n} accounts have no owner who works in their region, and are not written: their leads go by shares, as all others",
        "{file}：{n} 个客户没有在其区域工作的负责人，不写入计划：其线索与其他线索一样按份额分派",
    ),
    "accounts.routed": (
        "of {of} leads in twelve months {known} are of accounts in {file}, and {n} went to the owner listed: that share goes to "
        "accounts' owners in the plan, the rest by shares",
        "近十二个月的 {of} 条线索中，{known} 条来自 {file} 中的客户，其中 {n} 条由所列负责人承接：计划中按此比例分给客户负责人，其余按份额分派",
    ),
    "values.listed": (
        "product {product} has {n} won deals with a value: its list price is taken, times what others' won deals came to of theirs",
        "产品 {product} 只有 {n} 个有金额的赢单：取其标价，乘以其他产品成交额与标价之比",
    ),
}  # fmt: skip

FITTED: dict[str, tuple[str, str]] = {
    "fit.no_amounts": (
        "the history knows no amounts: every deal is worth 1, and the goal counts deals", "历史没有金额：每单按 1 计，目标按单数计",
    ),
    "fit.lone_region": (
        "all deals are in one region ({lone}): its {n} territories are taken as regions", "全部商机在同一区域（{lone}）：取其 {n} 个片区作为区域",
    ),
    "fit.no_region": ("no region is given: its {n} territories are taken as regions", "没有区域：取 {n} 个片区作为区域"),
    "fit.categories": (
        "{n} products are more than {most}: their {categories} categories are taken instead", "{n} 个产品多于 {most} 个：改用 {categories} 个品类",
    ),
    "fit.nameless": ("{n} deals have no {column}: taken as {other}", "{n} 个商机没有{column}：归入 {other}"),
    "fit.folded": (
        "{n} {column}s are more than {most}: all but the {kept} commonest are taken as {other}",
        "{n} 个{column}多于 {most} 个：除最常见的 {kept} 个外归入 {other}",
    ),
    "fit.column.region": ("region", "区域"),
    "fit.column.product": ("product", "产品"),
    "fit.column.segment": ("segment", "行业"),
    "fit.drift": (
        "a won deal was worth {after} on average in the last twelve months, {before} before: values are fitted to the last twelve months",
        "近十二个月每个赢单平均 {after}，此前为 {before}：金额按近十二个月拟合",
    ),
    "fit.pooled_values": (
        "product {product} has {n} won deals with a value: the values of all products are taken",
        "产品 {product} 只有 {n} 个有金额的赢单：取全部产品的金额",
    ),
    "fit.base_days": (
        "the history begins after {start}: the base year is its {days} days, scaled to a year", "历史始于 {start} 之后：以其 {days} 天折算为一年",
    ),
    "fit.base_months": (
        "the history reaches back {months} months before {start}, not four quarters: their bookings are scaled to a year, and lack the "
        "wins of deals begun before it, so that the goal is lower than it would be",
        "历史只到 {start} 之前 {months} 个月，不足四个季度：其签约额折算为一年，且缺少更早开始的商机的赢单，目标因此偏低",
    ),
    "fit.spend": (
        "{name}: at {year} a year it brings {middle} leads a month ({low} to {high}), from {n} periods; as many are taken off {largest}",
        "{name}：每年 {year} 的花费每月带来 {middle} 条线索（{low} 至 {high}），依据 {n} 期；从 {largest} 中扣除同样多",
    ),
    "fit.few_sources": (
        "sources: {n} of {of} have {least} leads in twelve months, which a flow of its own takes; all leads are taken as one source",
        "来源：{of} 个中只有 {n} 个在十二个月内有 {least} 条线索（单独拟合所需）；全部线索按一个来源处理",
    ),
    "fit.other_sources": (
        "sources: {n} with fewer than {least} leads in twelve months, or beyond the {most} largest, are taken together as {other}",
        "来源：{n} 个在十二个月内不足 {least} 条线索，或不在最大的 {most} 个之内，合并为 {other}",
    ),
    "fit.silent": (
        "nothing is recorded as ended in the last {days} days, in which some {due} endings were due: what is open is taken as not "
        "entered since then, and no older than it was",
        "最近 {days} 天没有任何结束记录，而按近况应有约 {due} 个：视为此后尚未录入，未结商机的时长不计这段时间",
    ),
    "fit.tail": (
        "stage {name}: many open deals are older than nearly all that ended; how they end is taken from the tail of the fitted "
        "waits, and conversion is known as from {of} deals",
        "阶段 {name}：许多未结商机比几乎所有已结的都久；其结局由拟合的等待时间尾部推得，转化率的把握相当于 {of} 个商机",
    ),
    "fit.moving_quarter": (
        "stage {name}: conversion moves more than chance does, between {low} and {high} by quarter of entry; the plan knows the "
        "coming year's as from {of} deals, not from {ended}",
        "阶段 {name}：按进入季度看，转化率在 {low} 与 {high} 之间波动，超出偶然；计划对来年的把握相当于 {of} 个商机，而非 {ended} 个",
    ),
    "fit.moving_month": (
        "stage {name}: conversion moves more than chance does, between {low} and {high} by month of entry; the plan knows the "
        "coming year's as from {of} deals, not from {ended}",
        "阶段 {name}：按进入月份看，转化率在 {low} 与 {high} 之间波动，超出偶然；计划对来年的把握相当于 {of} 个商机，而非 {ended} 个",
    ),
    "fit.months_quarter": (
        "stage {name}: conversion moves more than chance does, between {low} and {high} by quarter of entry; the plan gives "
        "each month odds of its own (sd of their logarithm {sd}), known of those that have been",
        "阶段 {name}：按进入季度看，转化率在 {low} 与 {high} 之间波动，超出偶然；计划给每个月自己的胜率（对数标准差 {sd}），已过去的月份为已知",
    ),
    "fit.months_month": (
        "stage {name}: conversion moves more than chance does, between {low} and {high} by month of entry; the plan gives "
        "each month odds of its own (sd of their logarithm {sd}), known of those that have been",
        "阶段 {name}：按进入月份看，转化率在 {low} 与 {high} 之间波动，超出偶然；计划给每个月自己的胜率（对数标准差 {sd}），已过去的月份为已知",
    ),
    "fit.no_months": ("stage {name}: {why}", "阶段 {name}：{why}"),
    "fit.tables_as_they_are": (
        "{files}: taken as they are, later days than {day} included: give the tables as they were then, or use attain backtest, which cuts them",
        "{files}：按现状采用，包括 {day} 之后的内容：请提供当时的表，或使用会按日截断的 attain backtest",
    ),
    "fit.assumed_goal": (
        "no goal was given: {growth} over the last four quarters is assumed", "没有给出目标：按近四个季度 {growth} 假设",
    ),
    "fit.no_country": (
        "public holidays were not known: only days of the week count, here and in the plan; with --country US, say, its "
        "holidays count too",
        "未知公共假日：此处与计划均只按星期计；用 --country CN 等指定国家后计入其假日",
    ),
    # what the fit says where it cannot tell
    "unfit.working_days": ("working days: {n} complete months are there, {need} would suffice", "工作日天数的影响：有 {n} 个完整月份，{need} 个即可"),
    "unfit.festival": ("Spring Festival: {n} complete months are there, {need} would suffice", "春节：有 {n} 个完整月份，{need} 个即可"),
    "unfit.season": ("season: {n} complete months are there, {need} would suffice", "季节性：有 {n} 个完整月份，{need} 个即可"),
    "unfit.trend": ("trend: {n} complete months are there, {need} would suffice", "趋势：有 {n} 个完整月份，{need} 个即可"),
    "unfit.shock_region": ("common shocks: {n} region; {need} that move together suffice", "共同冲击：只有 {n} 个区域；{need} 个同涨同落的区域即可"),
    "unfit.shock_months": ("common shocks: {n} complete months; {need} would suffice", "共同冲击：有 {n} 个完整月份，{need} 个即可"),
    "unfit.shock_leads": (
        "common shocks: {n} regions have {leads} leads a month or more; {need} would suffice",
        "共同冲击：{n} 个区域每月有 {leads} 条以上线索，{need} 个即可",
    ),
}  # fmt: skip

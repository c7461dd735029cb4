"""What is said of a history that cannot be read or fitted, and of rows left out: English -> Chinese. ``{why}`` and
``{whys}`` are sentences of this table themselves; other fields quote the file."""

from __future__ import annotations

REFUSALS: dict[str, str] = {
    # files
    "{path}: no such file": "{path}：没有这个文件",
    "{path}: no such file, asked for as --{kind}": "{path}：没有这个文件（--{kind} 所指）",
    "{path} is a folder: name the table of {kind} in it": "{path} 是文件夹：请指明其中的 {kind} 表",
    "{path} is a folder with {n} tables; name the one that is the history": "{path} 文件夹中有 {n} 个表；请指明哪个是历史数据",
    "{path} is a folder: name a file in it for {what}, such as {other}.": "{path} 是文件夹：请为 {what} 指明其中的文件，例如 {other}。",
    "{path} is a file: name a folder for the page and the numbers, such as {other}.": "{path} 是文件：请指明文件夹，例如 {other}。",
    "{path} is there already: name another file, or give --force to replace it.": "{path} 已存在：请换一个文件名，或用 --force 覆盖。",
    "{folder}: no such folder to write the plan into": "{folder}：没有这个文件夹，无法写入计划",
    "{path}: cannot be written ({error})": "{path}：无法写入（{error}）",
    "{file} has a header ({header}) and no rows below it": "{file} 只有表头（{header}），没有数据行",
    "{file} is a spreadsheet of Numbers; save it as Excel or CSV and pass that": "{file} 是 Numbers 表格；请另存为 Excel 或 CSV",
    "{file}: a header and rows below it were expected, in {part}": "{file}：应有表头及其下的数据行（{part}）",
    "{file} has no sheet {part}; it has: {sheets}": "{file} 没有工作表 {part}；现有：{sheets}",
    "{file}: spreadsheets need the package fastexcel; install attain[excel], or save it as CSV":
        "{file}：读取 Excel 需要 fastexcel；请安装 attain[excel]，或另存为 CSV",
    "{file}: cannot be read as {form} ({error}); save it as CSV and pass that": "{file}：无法按 {form} 读取（{error}）；请另存为 CSV",
    "a database needs the package sqlalchemy; install attain[database]": "读取数据库需要 sqlalchemy；请安装 attain[database]",
    "which table of the database holds the history? Name it with --table, a SELECT serves too":
        "数据库中哪个表是历史数据？请用 --table 指明，也可以是一条 SELECT",
    "--table {table}: a table's name (schema.table), or one SELECT, was expected": "--table {table}：应为表名（schema.table）或一条 SELECT",
    "this kind of database needs its driver, the package {package}": "此类数据库需要驱动程序 {package}",
    "the database cannot be read: {error}": "数据库无法读取：{error}",
    "expected a table with a header row and rows below it (found an empty file)": "文件是空的；应有表头及其下的数据行",
    "expected a table with a header row and rows below it (found no rows)": "文件没有行；应有表头及其下的数据行",
    "row {row}: expected {n} cells, as in the header (found {found} cells)": "第 {row} 行：应有 {n} 格（与表头一致），实有 {found} 格",
    "row {row}, {column}: expected each column's name once (found two columns of this name)": "第 {row} 行：列名 {column} 重复",
    "row {row}: expected a well-formed row (are its quotation marks closed?) (found {found})": "第 {row} 行：格式有误（引号是否闭合？）（{found}）",
    "row {row}, byte {byte}: expected text in the encoding of the rest of the file ({encoding}); save the file again as UTF-8 "
    "(found {found})": "第 {row} 行第 {byte} 字节：与文件其余部分的编码（{encoding}）不符（{found}）；请另存为 UTF-8",
    "{whys} (and {n} more)": "{whys}（另有 {n} 处）",
    # columns and words
    "no column for {whys}. The file has: {header}. Name the columns in a mapping, and pass it with --mapping":
        "找不到这些列：{whys}。文件的列有：{header}。请在映射中指明，并用 --mapping 传入",
    "the day a deal was created (such as 'Created On' or 创建时间)": "商机创建日期（如 创建时间、Created On）",
    "the day a deal was closed (such as 'Closed On' or 关闭时间)": "商机关闭日期（如 关闭时间、Closed On）",
    "a deal's status, won, lost or open (such as 'Status' or 状态)": "商机状态：赢、输或进行中（如 状态、Status）",
    "a deal's value (such as 'Value' or 金额)": "商机金额（如 金额、Value）",
    "the case (such as 'case_id' or 商机编号)": "案件编号（如 商机编号、case_id）",
    "the activity (such as 'activity' or 阶段)": "活动（如 阶段、activity）",
    "the time (such as 'timestamp' or 时间)": "时间（如 时间、timestamp）",
    "the mapping names columns that the file does not have ({absent}); it has: {header}": "映射中的列文件里没有（{absent}）；文件的列有：{header}",
    "the mapping names columns that the log does not have ({absent}); it has: {header}": "映射中的列日志里没有（{absent}）；日志的列有：{header}",
    "the mapping names activities that the log does not have: {unknown}": "映射中的活动日志里没有：{unknown}",
    "column {column} should say which deals were won, and holds {words}; write the words in the mapping (won: [...], lost: [...], "
    "open: [...])": "列 {column} 应说明哪些商机赢单，其内容为 {words}；请在映射中写明（won: [...]、lost: [...]、open: [...]）",
    "{n} of {all} rows have a status in {column} that is not known to be won, lost or open: {words}. Without them the others are no "
    "sample; write the words in the mapping (won: [...], lost: [...], open: [...])":
        "{all} 行中有 {n} 行的状态（列 {column}）不知是赢、输还是进行中：{words}。缺了它们，其余的不成样本；请在映射中写明（won: [...]、lost: [...]、open: "
        "[...]）",
    "no order of stages can be found in the log: no activity's cases contain another's. Name the stages in a mapping (stages: "
    "[...], won: [...], lost: [...])": "日志中找不到阶段的先后；请在映射中写明（stages: [...]、won: [...]、lost: [...]）",
    "no stage of the history is called won ({names}); name it in a mapping (won: [...])": "历史中没有名为赢单的阶段（{names}）；请在映射中写明（won: [...]）",
    "the history holds no stage besides won and lost; map one (stages: [...])": "历史中除赢、输外没有阶段；请在映射中写明（stages: [...]）",
    "{path}: no such mapping file": "{path}：没有这个映射文件",
    "{file}: not YAML: {error}": "{file}：不是 YAML：{error}",
    "the deal's number, as the log has it (such as 'Opportunity ID' or 商机编号)": "商机编号，与日志一致（如 商机编号、Opportunity ID）",
    "the mapping names columns that the deals' table does not have ({absent}); it has: {header}":
        "映射中的列商机表里没有（{absent}）；商机表的列有：{header}",
    "none of the log's {n} deals is in {file}: the log has {one} where column {column} has {other}. Name the column of the deals' "
    "numbers in a mapping (deals: {example}), and pass it with --mapping":
        "日志的 {n} 个商机都不在 {file} 中：日志里是 {one}，列 {column} 里是 {other}。请在映射中指明商机编号所在的列（deals: {example}），并用 --mapping 传入",
    "neither this file nor {file} is a log of stages, one row a stage that a deal came to; a table of deals alone is a history "
    "by itself, without --deals":
        "此文件和 {file} 都不是阶段日志（每行一次进入阶段）；只有商机表时不需要 --deals",
    "--deals: a file was expected, or, where the history is a database's, the name of another of its tables":
        "--deals：应为文件；历史来自数据库时，可写其中另一个表的名称",
    "{file} and {other} are both logs of stages; the table of the deals, one row a deal, was expected as --deals":
        "{file} 和 {other} 都是阶段日志；--deals 应为商机表（每行一个商机）",
    "no time zone is called {name} (nearest: {near}); a name such as Asia/Shanghai was expected":
        "没有名为 {name} 的时区（最接近：{near}）；应为 Asia/Shanghai 这样的名称",
    "no time zone is called {name}; a name such as Asia/Shanghai was expected": "没有名为 {name} 的时区；应为 Asia/Shanghai 这样的名称",
    # dates and amounts
    "column {column} should hold dates; {text} is not one that can be read": "列 {column} 应为日期；{text} 无法识别",
    "column {column} mixes dates in several formats: {shown}. Export it in one format, such as 2024-03-31":
        "列 {column} 混有多种日期格式：{shown}。请按一种格式导出，例如 2024-03-31",
    "column {column} holds dates such as {text}, which could be day/month or month/day and no row tells; say which in the mapping "
    "(dates: {example}), or export them as 2024-03-31":
        "列 {column} 的日期如 {text}，分不清日/月还是月/日；请在映射中写明（dates: {example}），或按 2024-03-31 导出",
    "column {column} holds both day/month and month/day dates; export it in one format": "列 {column} 既有日/月也有月/日；请按一种格式导出",
    "column {column} holds amounts such as {text}, which could be {a} or {b}, and no row tells; say which in the mapping (decimal: "
    "',' or decimal: '.')": "列 {column} 的金额如 {text}，可能是 {a} 或 {b}，无从判断；请在映射中写明（decimal: ',' 或 decimal: '.'）",
    "{column} {text} is not written as the column's other dates are ({form})": "{column} {text} 与该列其他日期的写法（{form}）不同",
    "{column} {text} is no date of the calendar when read as {form}": "{column} {text} 按 {form} 读不是有效日期",
    "{column} {text} is not an amount such as {shown} or 1.2亿": "{column} {text} 不是金额（应如 {shown} 或 1.2亿）",
    "{column} {text} is not an amount of zero or more": "{column} {text} 是负数；金额应不小于零",
    "{column} {text} is not an amount below 10^15": "{column} {text} 过大；金额应小于 10^15",
    # rows
    "{column} is empty": "{column} 为空",
    "{column} {text} is none of the mapping's words": "{column} {text} 不在映射的词中",
    "created {a}, closed {b}": "创建于 {a}，关闭于 {b}",
    "created {a}, last day {b}": "创建于 {a}，数据的最后一天为 {b}",
    "created {a}, the others between {b} and {c}": "创建于 {a}，其余在 {b} 至 {c} 之间",
    "closed {a}, though nothing was created after {b}": "关闭于 {a}，而 {b} 之后没有任何创建",
    "{id} stands in row {row} already": "{id} 已见于第 {row} 行",
    "{id} stands in an earlier row already": "{id} 已见于前面的行",
    "an amount in {currency} without a rate in {column}": "{currency} 金额在 {column} 中没有汇率",
    "a change of {field}": "{field} 的变更",
    "ends {a}, before it starts {b}": "结束于 {a}，早于开始 {b}",
    "no row of {file} can be used; the first reasons: {whys}": "{file} 没有可用的行；最先的原因：{whys}",
    "{file}: no row can be used; {whys}": "{file}：没有可用的行；{whys}",
    "no row has a date of creation that can be read; {whys}": "没有一行的创建日期可以识别；{whys}",
    "row {row}: {why}": "第 {row} 行：{why}",
    "the column is empty": "该列为空",
    # currencies
    "amounts are in {n} currencies ({shown}) and nothing says what one is worth in another; pass --rates FILE with columns currency "
    "and rate, or map the file's own column of rates (columns: {{rate: ...}})":
        "金额有 {n} 种货币（{shown}），没有汇率可以换算；请用 --rates FILE 给出（列 currency 和 rate），或在映射中指明文件的汇率列（columns: {{rate: "
        "...}}）",
    "the log's amounts are in {n} currencies ({shown}), and only exports of one row a deal are brought to one by rates: bring them "
    "to one before, or leave the amounts out": "日志的金额有 {n} 种货币（{shown}），只有一行一商机的导出才能按汇率换算：请先换成一种，或去掉金额",
    "no rate for {missing}: write what one unit is worth in {base} into the table of rates": "缺少 {missing} 的汇率：请在汇率表中写明一单位值多少 {base}",
    "a table of rates is in some currency: say which with --currency": "汇率表以某种货币计：请用 --currency 指明",
    "the country {code} is not known; expected a country's ISO 3166 code, such as CN, US or DE. Did you mean {near}?": (
        "国家代码 {code} 未知；应为 ISO 3166 国家代码，如 CN、US、DE。是否指 {near}？"
    ),
    "the country {code} is not known; expected a country's ISO 3166 code, such as CN, US or DE.": (
        "国家代码 {code} 未知；应为 ISO 3166 国家代码，如 CN、US、DE。"
    ),
    "the country {code} is not known; expected a subdivision of {country}: {known}. Did you mean {near}?": (
        "国家代码 {code} 未知；应为 {country} 的地区：{known}。是否指 {near}？"
    ),
    "the country {code} is not known; expected a subdivision of {country}: {known}.": (
        "国家代码 {code} 未知；应为 {country} 的地区：{known}。"
    ),
    # too little
    "effects of months: nothing holds them; more ended deals in the last months would": (
        "各月影响：没有数据可以确定；最近几个月有更多已结束的商机即可"
    ),
    "conversion by month: {n} months have {few} ended deals or more; {need} would suffice": (
        "各月转化率：{n} 个月有 {few} 个以上已结束的商机；{need} 个月即可"
    ),
    "waits by month: {n} months have {few} ended deals or more; {need} would suffice": (
        "各月等待时间：{n} 个月有 {few} 个以上已结束的商机；{need} 个月即可"
    ),
    "no deal in {file} has been won, so no win rate, cycle or value can be fitted": "{file} 中没有赢单，无法拟合赢单率、周期和金额",
    "all {n} deals in {file} that have ended were won: a list of orders, or an export without the lost ones, has no win rate; deals "
    "that were lost, with the day on which they were, would suffice":
        "{file} 中已结束的 {n} 个商机全部赢单：订单清单或不含丢单的导出没有赢单率；补上丢单及其日期即可",
    "{n} of {all} deals that were {kind} have no closing date in {column}, and no other says when: what is left is no sample of them. "
    "A column of when deals were won and lost, or last changed (columns: {{changed: ...}}), would suffice":
        "{all} 个已结束（{kind}）的商机中有 {n} 个在 {column} 中没有关闭日期，也没有其他日期可用：剩下的不成样本。补上赢、输或最后变更的日期列（columns: "
        "{{changed: ...}}）即可",
    "nothing is known of {day}: the history ends on {last}. An as-of day no later than that, or a newer export, would do":
        "对 {day} 一无所知：历史数据止于 {last}。请用不晚于此的日期，或更新的导出",
    "no deal had been created by {day}": "到 {day} 还没有创建任何商机",
    "nothing had happened by {day}": "到 {day} 还没有发生任何事件",
    "nothing was booked between {a} and {b}, so a goal relative to it is nought; give the goal as an amount":
        "{a} 至 {b} 之间没有签约，相对目标无从算起；请直接给出目标金额",
    "no complete month of leads; one complete calendar month of created deals would suffice": "没有完整月份的线索；有一个完整自然月的商机创建记录即可",
    "no deal has left this stage, so nothing can be said about its conversion; ten that have would suffice to begin":
        "没有商机离开过该阶段，无法估计转化率；有十个离开即可开始",
    "stage {stage}: {why}": "阶段 {stage}：{why}",
    "no value above zero": "没有大于零的金额",
    "response to spend: {n} periods; {need} would suffice for {c} channels": "投放响应：现有 {n} 期；{c} 个渠道需要 {need} 期",
    "response to {name}: its spend takes {n} different values; {need} would suffice (what never varies cannot be told from the level)":
        "{name} 的响应：投放只有 {n} 个不同的值；需要 {need} 个（从不变化就分不清效果与水平）",
    "the goal {text} is neither a change such as +10% nor an amount such as 5000万 or 20_000_000":
        "目标 {text} 既不是 +10% 这样的变化，也不是 5000万 或 20_000_000 这样的金额",
    "the goal {text} should be above zero": "目标 {text} 应大于零",
    # back-tests
    "the history has {n} complete months, {a} to {b}; a back-test needs {need}: {fit} to fit on and {score} to score":
        "历史数据有 {n} 个完整月份（{a} 至 {b}）；回测需要 {need} 个：{fit} 个用于拟合，{score} 个用于评分",
    "{file} holds no complete month: {a} to {b}": "{file} 没有完整的月份：{a} 至 {b}",
    "{file}: no origin could be forecast. {whys}": "{file}：没有一个时点能做预测。{whys}",
    "busy {text}: a part of people's hours was expected, such as 80%": "busy {text}：应为人员工时中忙碌的比例，例如 80%",
    "--busy is a part of people's hours: give them, with --hours-per-week or in --people":
        "--busy 是人员工时的比例：请用 --hours-per-week 或在 --people 中给出工时",
    "hours_per_week between 0 and 168, and busy between 0 and 1, were expected": "hours_per_week 应在 0 与 168 之间，busy 应在 0 与 1 之间",
    "a table of periods has no deals and makes no plan: leave out {names}": "按期间的表没有商机，也不生成计划：请去掉 {names}",
    "{day}: nothing was forecast; {why}": "{day}：未作预测；{why}",
    "{text} is no step between origins: such as 1mo, 3mo or 1q, a year at most": "{text} 不是时点间隔：应如 1mo、3mo 或 1q，最多一年",
    "{text} is no horizon; expected some of {all}": "{text} 不是预测期；应为 {all} 中的若干",
}  # fmt: skip

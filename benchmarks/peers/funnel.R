# The peer funnel as a simmer user would write it: a resource for each rep, a generator for each priority, and one
# trajectory through the stages. As a user who cares for speed: simmer's own way to choose a resource at random, and
# nothing monitored.
#
#     echo "1 250" | Rscript funnel.R
#
# Reads lines "seed days" and answers each with "leads won moves seconds" (processor seconds of that replication).

suppressPackageStartupMessages(library(simmer))

reps <- paste0("rep", 1:50)
priorities <- 0:3
leads_per_day <- 80
work <- c(0.05, 0.1, 0.15, 0.2, 0.3)  # mean of exponential work, days
wait <- c(3, 7, 10, 10, 12)           # median of lognormal waits, days
sigma <- 0.6
advance <- c(0.5, 0.6, 0.6, 0.7, 0.8)
counted <- c("leads", "won", "moves")

count <- function(path, name) set_global(path, name, 1, mod = "+")

visit <- function(stage) {
  rate <- 1 / work[stage]
  meanlog <- log(wait[stage])
  trajectory() %>%
    seize_selected() %>%
    timeout(function() rexp(1, rate)) %>%
    release_selected() %>%
    timeout(function() rlnorm(1, meanlog, sigma)) %>%
    count("moves") %>%
    leave(1 - advance[stage])
}

replication <- function(seed, days) {
  set.seed(seed)
  arrival <- trajectory() %>%
    count("leads") %>%
    select(reps, policy = "random")
  win <- trajectory() %>%
    count("won")
  deal <- join(c(list(arrival), lapply(seq_along(work), visit), list(win)))
  env <- simmer()
  for (name in counted) add_global(env, name, 0)
  for (rep in reps) add_resource(env, rep, capacity = 1, mon = FALSE)
  for (priority in priorities) {
    add_generator(env, paste0("priority", priority, "-"), deal,
                  function() rexp(1, leads_per_day / length(priorities)), mon = 0, priority = priority)
  }
  run(env, until = days)
  vapply(counted, function(name) get_global(env, name), 0)
}

asked <- file("stdin", open = "r")
while (length(line <- readLines(asked, n = 1)) > 0) {
  numbers <- as.numeric(strsplit(line, " ")[[1]])
  before <- proc.time()
  counts <- replication(numbers[1], numbers[2])
  taken <- proc.time() - before
  cat(sprintf("%.0f %.0f %.0f %.6f\n", counts[1], counts[2], counts[3], taken[["user.self"]] + taken[["sys.self"]]))
  flush(stdout())
}

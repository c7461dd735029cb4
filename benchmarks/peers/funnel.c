/* The peer funnel in plain C, as one would write it by hand: a binary heap of events, deals in recycled slots, a
 * first-in-first-out list for each rep and priority, xoshiro256++ and the maths library's log and exp.
 *
 *     cc -O2 -o funnel funnel.c -lm && echo "1 250" | ./funnel
 *
 * Reads lines "seed days" and answers each with "leads won moves seconds" (processor seconds of that replication).
 */
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum { REPS = 50, PRIORITIES = 4, STAGES = 5, NONE = -1 };

static const double LEADS_PER_DAY = 80.0;
static const double WORK[STAGES] = {0.05, 0.1, 0.15, 0.2, 0.3};   /* mean of exponential work, days */
static const double WAIT[STAGES] = {3.0, 7.0, 10.0, 10.0, 12.0};  /* median of lognormal waits, days */
static const double SIGMA = 0.6;
static const double ADVANCE[STAGES] = {0.5, 0.6, 0.6, 0.7, 0.8};

/* Random numbers: xoshiro256++ 1.0 (Blackman and Vigna 2019), seeded by splitmix64. */

static uint64_t state[4];
static double spare;
static int has_spare;

static uint64_t rotl(uint64_t x, int k) { return (x << k) | (x >> (64 - k)); }

static void seed_with(uint64_t seed) {
    for (int i = 0; i < 4; i++) {
        uint64_t z = (seed += 0x9e3779b97f4a7c15u);
        z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
        z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
        state[i] = z ^ (z >> 31);
    }
    has_spare = 0;
}

static uint64_t next_word(void) {
    uint64_t result = rotl(state[0] + state[3], 23) + state[0], t = state[1] << 17;
    state[2] ^= state[0];
    state[3] ^= state[1];
    state[1] ^= state[2];
    state[0] ^= state[3];
    state[2] ^= t;
    state[3] = rotl(state[3], 45);
    return result;
}

static double uniform(void) { return ((next_word() >> 12) + 0.5) * 0x1p-52; }

static int below(int n) { return (int)(((next_word() >> 32) * (uint64_t)n) >> 32); }

static double exponential(double mean) { return -mean * log(uniform()); }

/* Marsaglia's polar method: two normals for one logarithm. */
static double normal(void) {
    double x, y, s;
    if (has_spare) {
        has_spare = 0;
        return spare;
    }
    do {
        x = 2.0 * uniform() - 1.0;
        y = 2.0 * uniform() - 1.0;
        s = x * x + y * y;
    } while (s >= 1.0 || s == 0.0);
    s = sqrt(-2.0 * log(s) / s);
    spare = y * s;
    has_spare = 1;
    return x * s;
}

/* Events: a binary heap by time. */

typedef enum { ARRIVAL, WORKED, WAITED } Kind;
typedef struct { double time; int32_t kind, deal; } Event;

static Event *heap;
static int events, heap_room;

static void *grown(void *block, int *room, size_t size) {
    *room = *room ? 2 * *room : 1024;
    block = realloc(block, (size_t)*room * size);
    if (!block) {
        fputs("out of memory\n", stderr);
        exit(1);
    }
    return block;
}

static void push(double time, Kind kind, int deal) {
    int i;
    if (events == heap_room) heap = grown(heap, &heap_room, sizeof *heap);
    for (i = events++; i > 0 && heap[(i - 1) / 2].time > time; i = (i - 1) / 2) heap[i] = heap[(i - 1) / 2];
    heap[i] = (Event){time, (int32_t)kind, deal};
}

static Event pop(void) {
    Event first = heap[0], last = heap[--events];
    int i = 0, child;
    while ((child = 2 * i + 1) < events) {
        if (child + 1 < events && heap[child + 1].time < heap[child].time) child++;
        if (heap[child].time >= last.time) break;
        heap[i] = heap[child];
        i = child;
    }
    heap[i] = last;
    return first;
}

/* Deals in slots that are used again, and each rep's queues. */

typedef struct { int32_t rep, priority, stage, next; } Deal;

static Deal *deals;
static int deal_room, slots, idle_slot;
static int first_of[REPS][PRIORITIES], last_of[REPS][PRIORITIES], busy[REPS];

static int new_deal(void) {
    int deal = idle_slot;
    if (deal != NONE) {
        idle_slot = deals[deal].next;
        return deal;
    }
    if (slots == deal_room) deals = grown(deals, &deal_room, sizeof *deals);
    return slots++;
}

static void start_work(double now, int deal) { push(now + exponential(WORK[deals[deal].stage]), WORKED, deal); }

static void enter_stage(double now, int deal) {
    int rep = deals[deal].rep, priority = deals[deal].priority;
    if (!busy[rep]) {
        busy[rep] = 1;
        start_work(now, deal);
        return;
    }
    deals[deal].next = NONE;
    if (first_of[rep][priority] == NONE) first_of[rep][priority] = deal;
    else deals[last_of[rep][priority]].next = deal;
    last_of[rep][priority] = deal;
}

static void serve_next(double now, int rep) {
    for (int priority = 0; priority < PRIORITIES; priority++) {
        int deal = first_of[rep][priority];
        if (deal != NONE) {
            first_of[rep][priority] = deals[deal].next;
            start_work(now, deal);
            return;
        }
    }
    busy[rep] = 0;
}

static long leads, won, moves;

static void run(uint64_t seed, double days) {
    double log_wait[STAGES];
    for (int s = 0; s < STAGES; s++) log_wait[s] = log(WAIT[s]);
    for (int r = 0; r < REPS; r++) {
        busy[r] = 0;
        for (int p = 0; p < PRIORITIES; p++) first_of[r][p] = NONE;
    }
    events = slots = 0;
    idle_slot = NONE;
    leads = won = moves = 0;
    seed_with(seed);
    push(exponential(1.0 / LEADS_PER_DAY), ARRIVAL, NONE);
    while (heap[0].time < days) {
        Event event = pop();
        double now = event.time;
        int deal = event.deal;
        if (event.kind == ARRIVAL) {
            leads++;
            deal = new_deal();
            deals[deal] = (Deal){below(REPS), below(PRIORITIES), 0, NONE};
            enter_stage(now, deal);
            push(now + exponential(1.0 / LEADS_PER_DAY), ARRIVAL, NONE);
        } else if (event.kind == WORKED) {
            push(now + exp(log_wait[deals[deal].stage] + SIGMA * normal()), WAITED, deal);
            serve_next(now, deals[deal].rep);
        } else {
            int advanced = uniform() < ADVANCE[deals[deal].stage];
            moves++;
            if (advanced && ++deals[deal].stage < STAGES) {
                enter_stage(now, deal);
                continue;
            }
            won += advanced;
            deals[deal].next = idle_slot;
            idle_slot = deal;
        }
    }
}

int main(void) {
    unsigned long long seed;
    double days;
    while (scanf("%llu %lf", &seed, &days) == 2) {
        clock_t start = clock();
        run(seed, days);
        printf("%ld %ld %ld %.9f\n", leads, won, moves, (double)(clock() - start) / CLOCKS_PER_SEC);
        fflush(stdout);
    }
    return 0;
}

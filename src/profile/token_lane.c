/* The rules of a lane, and the table of lanes: sets of a few places, of which the one that was not
 * used for longest is given to a new name. */
#include "profile/token_lane.h"

#include "base/alloc.h"
#include "base/encode.h"
#include "base/hash.h"
#include "base/int64.h"
#include "vault/crypto.h"

#include <pthread.h>
#include <stdlib.h>

enum {
    SECOND_US = 1000 * 1000,
    CLIENT_DIGEST = 8, /* bytes */
    CREDIT_US = 50 * 1000,
    SPEED_LEAST_US = 100 * 1000,    /* the shortest time that a speed is computed from */
    SPEED_US = SECOND_US / 2,       /* it is computed from one to two of these */
    HOLD_US = 15 * SECOND_US,       /* after a cut the pace stays; doubled while it proves right */
    SEARCH_HOLD_US = 3 * SECOND_US, /* the same while it is searched */
    HOLDS_MAX = 3,                  /* doublings */
    PROVEN_US = 5 * SECOND_US,      /* a pace that was kept so long is near what the vendor gives */
    DOUBLE_US = 5 * SECOND_US,      /* after the hold the growth doubles each such time */
    DOUBLINGS_MAX = 3,
    UNUSED_PACE = 2, /* times the speed of the last calls: a faster pace does not grow */
    STALL_US =
        50 * 1000,   /* a call that takes so much longer than STALL_TIMES the quickest ones … */
    STALL_TIMES = 4, /* … was held up */
    AFTER_STALL_US = SECOND_US / 4, /* how long it explains throttled calls */
    EXCUSES_APART_US = 10 * SECOND_US,
};

/* What a cut leaves of the pace. */
static const double first_cut = 0.85; /* of the speed of the last calls */
static const double search_cut = 0.9; /* of a pace that grew fast */
static const double cut_half_s = 0.3; /* half of a pace that was kept so long, more of others */
static const double cut_least = 0.5, cut_most = 0.95;
static const double far_cut = 0.85;          /* with less left, the pace may be far from right */
static const double growth_a_second = 0.005; /* of the pace, at first */
static const double search_growth = 0.04;    /* the same while it is searched */
static const double pace_least = 0.2;        /* a second */

#define QUICK_GROWTH 1.01 /* with each answer, what the quickest of late took */

struct lane {
    uint64_t hash; /* of the name; 0: the place is free */
    int64_t used_us;
    int limit;
    int successes; /* since the limit last changed */
    bool was_cut;
    int64_t pause_until_us; /* the vendor's word, as far as TOKEN_LANE_PAUSE_MAX_MS */
    double pace;            /* calls a second; 0: as many as come */
    int64_t next_us;        /* when the next call of the pace may be made */
    int64_t cut_us, grown_us;
    int holds;         /* doublings of HOLD_US */
    bool is_searching; /* the pace may be far from right */
    /* Calls since counted_us, which of them before half_us. */
    int64_t counted_us, half_us;
    int earlier, later;
    double call_us;     /* how long a renewal takes, a moving average */
    double quick_us;    /* the quickest of late */
    int64_t heeded_us;  /* the last throttled answer that counted */
    int64_t stalled_us; /* the last answer of a call that was held up */
    int64_t excused_us; /* the last throttled answer that a stall explained */
};

struct token_lanes {
    pthread_mutex_t lock;
    struct lane lanes[TOKEN_LANES_MAX]; /* set by set */
};

struct token_lanes *token_lanes_new(void)
{
    struct token_lanes *lanes = xcalloc(1, sizeof(*lanes));
    pthread_mutex_init(&lanes->lock, NULL);
    return lanes;
}

void token_lanes_free(struct token_lanes *lanes)
{
    pthread_mutex_destroy(&lanes->lock);
    free(lanes);
}

/* --- names --- */

#define UNTIL_END " until-end"

struct str token_lane_name(struct arena *arena, const struct token_renewal *renewal)
{
    unsigned char digest[CRYPTO_HASH_SIZE];
    char client[2 * CLIENT_DIGEST + 1];
    crypto_sha256(renewal->client, digest);
    encode_hex(digest, CLIENT_DIGEST, client);
    return arena_printf(arena, "%.*s:%d%s%.*s %s%s", STR_ARG(renewal->host), renewal->port,
                        renewal->route.len > 0 ? " by " : "", STR_ARG(renewal->route), client,
                        renewal->policy->same_until_end ? UNTIL_END : "");
}

bool token_lane_can_begin_early(struct str name)
{
    return name.len > 0 && !str_ends(name, STR(UNTIL_END));
}

/* --- the table; under the lock --- */

/* The name's place; NULL: it has none. *ret_oldest: the one to give it. */
static struct lane *find(struct token_lanes *lanes, uint64_t hash, struct lane **ret_oldest)
{
    struct lane *set = &lanes->lanes[hash % TOKEN_LANE_SETS * TOKEN_LANE_WAYS];
    *ret_oldest = set;
    for (size_t i = 0; i < TOKEN_LANE_WAYS; i++) {
        if (set[i].hash == hash)
            return &set[i];
        if (set[i].used_us < (*ret_oldest)->used_us)
            *ret_oldest = &set[i];
    }
    return NULL;
}

static uint64_t hash_of(struct str name)
{
    uint64_t hash = hash_text(name);
    return hash != 0 ? hash : 1;
}

static struct lane *use(struct token_lanes *lanes, struct str name, int64_t now_us)
{
    uint64_t hash = hash_of(name);
    struct lane *oldest, *lane = find(lanes, hash, &oldest);
    if (!lane) {
        lane = oldest;
        *lane = (struct lane){.hash = hash, .limit = TOKEN_LANE_START};
    }
    lane->used_us = now_us;
    return lane;
}

/* --- the rules --- */

static void halve_limit(struct lane *lane, int least)
{
    lane->limit = lane->limit / 2 > least ? lane->limit / 2 : least;
    lane->successes = 0;
    lane->was_cut = true;
}

/* Only the last calls count: a lane begins slowly. */
static void count_call(struct lane *lane, int64_t at_us)
{
    if (lane->later == 0 || at_us >= lane->half_us + 2 * SPEED_US) {
        lane->counted_us = lane->half_us = at_us;
        lane->earlier = lane->later = 0;
    } else if (at_us >= lane->half_us + SPEED_US) {
        lane->counted_us = lane->half_us;
        lane->half_us += SPEED_US;
        lane->earlier = lane->later;
        lane->later = 0;
    }
    lane->later++;
}

/* Calls a second of late. */
static double speed(const struct lane *lane, int64_t now_us)
{
    int64_t took_us = i64_max(now_us - lane->counted_us, SPEED_LEAST_US);
    return (double)(lane->earlier + lane->later) * SECOND_US / (double)took_us;
}

/* The sooner after its pause a lane is throttled again, the farther its pace is from right. */
static double cut_of_kept(int64_t kept_us)
{
    double kept_s = kept_us > 0 ? (double)kept_us / SECOND_US : 0;
    double left = kept_s / (kept_s + cut_half_s);
    return left < cut_least ? cut_least : left > cut_most ? cut_most : left;
}

/* What a cut leaves of the pace that was kept for so long. */
static double choose_cut(const struct lane *lane, int64_t kept_us)
{
    if (lane->pace == 0)
        return first_cut;
    return lane->is_searching && kept_us >= PROVEN_US ? search_cut : cut_of_kept(kept_us);
}

static void cut_pace(struct lane *lane, int64_t now_us)
{
    int64_t kept_us = now_us - i64_max(lane->cut_us, lane->pause_until_us);
    bool is_first = lane->pace == 0;
    bool is_right = !is_first && !lane->is_searching && kept_us >= PROVEN_US;
    double left = choose_cut(lane, kept_us);
    lane->pace = left * (is_first ? speed(lane, now_us) : lane->pace);
    if (lane->pace < pace_least)
        lane->pace = pace_least;
    lane->holds = !is_right ? 0 : lane->holds < HOLDS_MAX ? lane->holds + 1 : HOLDS_MAX;
    lane->is_searching = is_first || left < far_cut;
    lane->cut_us = lane->grown_us = now_us;
}

/* Renewals under way that the pace needs, as long as each takes. */
static int least_for_pace(const struct lane *lane)
{
    double needed = lane->pace * lane->call_us / SECOND_US + 2;
    return needed < lane->limit ? (int)needed : lane->limit;
}

/* Slowly where the pace that was throttled is near. A pace of twice the calls that are made limits
 * none of them, so their answers say nothing about a faster one. */
static void grow_pace(struct lane *lane, int64_t now_us)
{
    int64_t hold_us = lane->is_searching ? SEARCH_HOLD_US : (int64_t)HOLD_US << lane->holds;
    int64_t after_hold_us = now_us - lane->cut_us - hold_us;
    if (lane->pace == 0 || after_hold_us < 0 || now_us - lane->grown_us < SECOND_US)
        return;
    if (lane->pace > UNUSED_PACE * speed(lane, now_us))
        return;
    int64_t doublings = i64_min(after_hold_us / DOUBLE_US, DOUBLINGS_MAX);
    lane->pace *=
        1 + (lane->is_searching ? search_growth : growth_a_second * (double)(1 << doublings));
    lane->grown_us = now_us;
}

/* Calls that pile up while the vendor, or the way there, stands still come to it all at once then:
 * it throttles some of them whatever the pace is. The first to be answered have waited for longest.
 */
static void look_for_stall(struct lane *lane, const struct token_lane_call *call, int64_t now_us)
{
    double took_us = (double)(now_us - call->begun_us);
    if (lane->quick_us > 0 && took_us >= STALL_TIMES * lane->quick_us + STALL_US)
        lane->stalled_us = now_us;
}

/* Whether the pace may be right although a call was throttled; not twice in a short time. */
static bool is_excused(struct lane *lane, int64_t now_us)
{
    bool stalled = lane->stalled_us != 0 && now_us - lane->stalled_us < AFTER_STALL_US;
    if (!stalled || (lane->excused_us != 0 && now_us - lane->excused_us < EXCUSES_APART_US))
        return false;
    lane->excused_us = now_us;
    return true;
}

static void note_throttled(struct lane *lane, const struct token_lane_call *call, int64_t now_us)
{
    int64_t pause_ms = call->retry_after_ms > 0 ? call->retry_after_ms : TOKEN_LANE_PAUSE_MS;
    if (pause_ms > TOKEN_LANE_PAUSE_MAX_MS)
        pause_ms = TOKEN_LANE_PAUSE_MAX_MS;
    if (call->taken_us >= lane->heeded_us) { /* else its turn was given before that */
        lane->heeded_us = now_us;
        if (!is_excused(lane, now_us)) {
            cut_pace(lane, now_us);
            halve_limit(lane, least_for_pace(lane));
        }
    }
    lane->pause_until_us = i64_max(lane->pause_until_us, now_us + pause_ms * 1000);
}

static void note_answered(struct lane *lane, const struct token_lane_call *call, int64_t now_us)
{
    double took_us = (double)(now_us - call->begun_us);
    lane->call_us = lane->call_us > 0 ? lane->call_us + (took_us - lane->call_us) / 16 : took_us;
    bool is_quickest = lane->quick_us == 0 || took_us < QUICK_GROWTH * lane->quick_us;
    lane->quick_us = is_quickest ? took_us : QUICK_GROWTH * lane->quick_us;
    grow_pace(lane, now_us);
    int step = lane->was_cut ? TOKEN_LANE_STEP : TOKEN_LANE_FIRST_STEP;
    if (++lane->successes < step || lane->limit >= TOKEN_LANE_MAX)
        return;
    lane->limit++;
    lane->successes = 0;
}

/* --- what is asked and told --- */

static size_t limit_at(const struct lane *lane, int64_t now_us)
{
    return lane->pause_until_us > now_us ? 0 : (size_t)lane->limit;
}

size_t token_lane_limit(struct token_lanes *lanes, struct str name, int64_t now_us)
{
    struct lane *oldest;
    pthread_mutex_lock(&lanes->lock);
    const struct lane *lane = find(lanes, hash_of(name), &oldest);
    size_t limit = lane ? limit_at(lane, now_us) : TOKEN_LANE_START;
    pthread_mutex_unlock(&lanes->lock);
    return limit;
}

int64_t token_lane_enter(struct token_lanes *lanes, struct str name, int64_t now_us)
{
    pthread_mutex_lock(&lanes->lock);
    struct lane *lane = use(lanes, name, now_us);
    /* Turns that no thread took just now may be made up for. */
    int64_t turn_us = i64_max(lane->pause_until_us,
                              lane->pace > 0 ? i64_max(lane->next_us, now_us - CREDIT_US) : 0);
    int64_t wait_us = i64_max(turn_us - now_us, 0);
    bool taken = wait_us <= TOKEN_LANE_WAIT_MAX_MS * 1000;
    if (taken && lane->pace > 0)
        lane->next_us = turn_us + (int64_t)(SECOND_US / lane->pace);
    if (taken)
        count_call(lane, turn_us > now_us ? turn_us : now_us);
    pthread_mutex_unlock(&lanes->lock);
    return taken ? wait_us : -1;
}

void token_lane_note(struct token_lanes *lanes, struct str name, const struct token_lane_call *call,
                     int64_t now_us)
{
    pthread_mutex_lock(&lanes->lock);
    struct lane *lane = use(lanes, name, now_us);
    look_for_stall(lane, call, now_us);
    switch (call->answer) {
    case LANE_ANSWERED:
        note_answered(lane, call, now_us);
        break;
    case LANE_THROTTLED:
        note_throttled(lane, call, now_us);
        break;
    case LANE_BUSY:
    case LANE_SILENT:
        halve_limit(lane, 1);
        break;
    }
    pthread_mutex_unlock(&lanes->lock);
}

double token_lane_rate(struct token_lanes *lanes, struct str name)
{
    struct lane *oldest;
    pthread_mutex_lock(&lanes->lock);
    const struct lane *lane = find(lanes, hash_of(name), &oldest);
    double rate = lane && lane->call_us > 0 ? lane->limit * (double)SECOND_US / lane->call_us : 0;
    if (lane && lane->pace > 0 && lane->pace < rate)
        rate = lane->pace;
    pthread_mutex_unlock(&lanes->lock);
    return rate;
}

int64_t token_lanes_resume_at_ms(struct token_lanes *lanes, int64_t now_ms)
{
    int64_t first_us = INT64_MAX;
    pthread_mutex_lock(&lanes->lock);
    for (size_t i = 0; i < TOKEN_LANES_MAX; i++) {
        int64_t until_us = lanes->lanes[i].pause_until_us;
        if (until_us > now_ms * 1000 && until_us < first_us)
            first_us = until_us;
    }
    pthread_mutex_unlock(&lanes->lock);
    return first_us == INT64_MAX ? INT64_MAX : first_us / 1000 + 1;
}

/* The table of forecasts: for each kind of credential the first row whose conditions hold decides.
 * An end that is only assumed, documented or announced does not hold for credentials that the
 * vendor has accepted after it. */
#include "profile/forecast.h"

#include "base/clock.h"

enum condition {
    IF_RENEWABLE = 1 << 0,    /* an access token: something can bring another one */
    IF_EXPIRY = 1 << 1,       /* the vendor said when it ends */
    IF_ASSERTION = 1 << 2,    /* it came from an assertion */
    IF_YOUNG = 1 << 3,        /* the authorization is younger than young_s */
    IF_ISSUED = 1 << 4,       /* idle_s, where each use brings a new token */
    IF_FIXED = 1 << 5,        /* absolute_s */
    IF_IDLE = 1 << 6,         /* idle_s */
    IF_CONDITIONAL = 1 << 7,  /* which may not apply */
    IF_ANNOUNCED = 1 << 8,    /* password_ends_ms */
    IF_REPLACEABLE = 1 << 9,  /* a refresh token: once it is refused, the client gets tokens */
    IF_SIGNS = 1 << 10,       /* the key signs assertions */
    IF_REFRESH_END = 1 << 11, /* the vendor said when the refresh token ends */
    IF_ROTATING = 1 << 12,    /* each use brings a new refresh token */
    IF_FIXED_FIRST = 1 << 13, /* absolute_s ends before anything else of the refresh token does */
    IF_ASKED = 1 << 14,       /* the vendor said when it ends, when it was asked */
    IF_ENDLESS = 1 << 15,     /* it said that it does not */
    IF_MOVING = 1 << 16,      /* each use may move that end */
};

enum forecast_end {
    END_NONE,
    END_ACCESS,    /* access_expires_ms */
    END_YOUNG,     /* given_ms + young_s */
    END_FIXED,     /* given_ms + absolute_s */
    END_IDLE,      /* last use + idle_s */
    END_REFRESH,   /* refresh_expires_ms */
    END_ANNOUNCED, /* password_ends_ms */
    END_ASKED,     /* asked_end_ms */
    FORECAST_ENDS,
};

static const struct forecast_rule {
    enum credential_kind kind;
    unsigned conditions; /* enum condition; all of them */
    enum forecast_end end;
    enum forecast_confidence confidence;
    const char *because; /* NULL: what the vendor's facts say, see because_of */
} rules[] = {
    {CREDENTIAL_ACCESS_TOKEN, IF_RENEWABLE, END_NONE, FORECAST_KNOWN, "it is renewed when it ends"},
    {CREDENTIAL_ACCESS_TOKEN, IF_ASSERTION | IF_ASKED | IF_MOVING, END_ASKED, FORECAST_ASSUMED,
     "the session ends unless it is used before, and an assertion works once"},
    {CREDENTIAL_ACCESS_TOKEN, IF_ASKED | IF_MOVING, END_ASKED, FORECAST_ASSUMED,
     "the session ends unless it is used before, and nothing can renew it"},
    {CREDENTIAL_ACCESS_TOKEN, IF_ASSERTION | IF_ASKED, END_ASKED, FORECAST_REPORTED,
     "the access token ends, and an assertion works once"},
    {CREDENTIAL_ACCESS_TOKEN, IF_ASKED, END_ASKED, FORECAST_REPORTED,
     "the access token ends, and nothing can renew it"},
    {CREDENTIAL_ACCESS_TOKEN, IF_ENDLESS, END_NONE, FORECAST_REPORTED,
     "it was given no end; it can be revoked"},
    {CREDENTIAL_ACCESS_TOKEN, IF_ASSERTION | IF_EXPIRY, END_ACCESS, FORECAST_KNOWN,
     "the access token ends, and an assertion works once"},
    {CREDENTIAL_ACCESS_TOKEN, IF_ASSERTION, END_NONE, FORECAST_UNKNOWN,
     "it works as long as its session, and an assertion works once"},
    {CREDENTIAL_ACCESS_TOKEN, IF_EXPIRY, END_ACCESS, FORECAST_KNOWN,
     "the access token ends, and nothing can renew it"},
    {CREDENTIAL_ACCESS_TOKEN, 0, END_NONE, FORECAST_ASSUMED, "no end known; it can be revoked"},

    {CREDENTIAL_REFRESH_TOKEN, IF_REPLACEABLE, END_NONE, FORECAST_KNOWN,
     "when it ends, the client brings another one"},
    {CREDENTIAL_REFRESH_TOKEN, IF_FIXED_FIRST, END_FIXED, FORECAST_DOCUMENTED,
     "the refresh token ends a fixed time after the authorization"},
    {CREDENTIAL_REFRESH_TOKEN, IF_REFRESH_END | IF_ROTATING, END_REFRESH, FORECAST_KNOWN,
     "the refresh token ends unless it is used; each use brings a new one"},
    {CREDENTIAL_REFRESH_TOKEN, IF_REFRESH_END, END_REFRESH, FORECAST_KNOWN,
     "the refresh token ends, as the vendor said"},
    {CREDENTIAL_REFRESH_TOKEN, IF_YOUNG, END_YOUNG, FORECAST_ASSUMED, NULL},
    {CREDENTIAL_REFRESH_TOKEN, IF_ISSUED, END_IDLE, FORECAST_DOCUMENTED,
     "the refresh token ends unless it is used; each use brings a new one"},
    {CREDENTIAL_REFRESH_TOKEN, IF_FIXED, END_FIXED, FORECAST_DOCUMENTED,
     "the refresh token ends a fixed time after the authorization"},
    {CREDENTIAL_REFRESH_TOKEN, IF_IDLE | IF_CONDITIONAL, END_IDLE, FORECAST_ASSUMED,
     "the OAuth app may have an idle limit; each use moves it"},
    {CREDENTIAL_REFRESH_TOKEN, IF_IDLE, END_IDLE, FORECAST_DOCUMENTED,
     "the refresh token ends when it is not used; each use moves this"},
    {CREDENTIAL_REFRESH_TOKEN, 0, END_NONE, FORECAST_ASSUMED, NULL},

    {CREDENTIAL_CLIENT, 0, END_NONE, FORECAST_ASSUMED, "until the client secret is changed"},
    {CREDENTIAL_PASSWORD, IF_ANNOUNCED, END_ANNOUNCED, FORECAST_ANNOUNCED, NULL},
    {CREDENTIAL_PASSWORD, 0, END_NONE, FORECAST_UNKNOWN, NULL},
    {CREDENTIAL_KEY, IF_SIGNS, END_NONE, FORECAST_ASSUMED,
     "until the vendor's app has another key"},
    {CREDENTIAL_KEY, IF_ASKED, END_ASKED, FORECAST_REPORTED, "the key ends"},
    {CREDENTIAL_KEY, IF_ENDLESS, END_NONE, FORECAST_REPORTED,
     "it was given no end; it can be revoked"},
    {CREDENTIAL_KEY, 0, END_NONE, FORECAST_UNKNOWN, NULL},
    {CREDENTIAL_ROLE, 0, END_NONE, FORECAST_ASSUMED, "until the role or its permissions change"},
};

static const char *const kind_names[CREDENTIAL_KINDS] = {
    [CREDENTIAL_REFRESH_TOKEN] = "refresh token",
    [CREDENTIAL_CLIENT] = "client secret",
    [CREDENTIAL_PASSWORD] = "password",
    [CREDENTIAL_KEY] = "key",
    [CREDENTIAL_ROLE] = "role",
    [CREDENTIAL_ACCESS_TOKEN] = "access token",
};

static const char *const confidence_names[] = {
    [FORECAST_UNKNOWN] = "unknown",       [FORECAST_ASSUMED] = "assumed",
    [FORECAST_ANNOUNCED] = "announced",   [FORECAST_KNOWN] = "known",
    [FORECAST_DOCUMENTED] = "documented", [FORECAST_REPORTED] = "reported",
};

static const char *const state_names[FORECAST_STATES] = {
    [FORECAST_UNREADABLE] = "unreadable",
    [FORECAST_NEEDS_REAUTHORIZATION] = "needs re-authorization",
    [FORECAST_FAILED] = "failed",
    [FORECAST_PENDING] = "pending",
    [FORECAST_BACKING_OFF] = "backing off",
    [FORECAST_FELL_BACK] = "fell back",
    [FORECAST_DUE] = "due",
    [FORECAST_REFRESHING] = "refreshing",
    [FORECAST_FRESH] = "fresh",
};

const char *credential_kind_name(enum credential_kind kind)
{
    return kind_names[kind];
}

const char *forecast_confidence_name(enum forecast_confidence level)
{
    return confidence_names[level];
}

const char *forecast_state_name(enum forecast_state state)
{
    return state_names[state];
}

/* --- the table --- */

static void find_ends(const struct forecast_facts *facts, int64_t ret_ends[FORECAST_ENDS])
{
    const struct credential_life *life = facts->life;
    int64_t used_ms = facts->obtained_ms != 0 ? facts->obtained_ms : facts->given_ms;
    ret_ends[END_NONE] = 0;
    ret_ends[END_ACCESS] = facts->access_expires_ms;
    ret_ends[END_YOUNG] = facts->given_ms + 1000 * life->young_s;
    ret_ends[END_FIXED] = facts->given_ms + 1000LL * facts->policy->absolute_s;
    ret_ends[END_REFRESH] = facts->refresh_expires_ms;
    ret_ends[END_IDLE] = used_ms + 1000LL * facts->policy->idle_s;
    ret_ends[END_ANNOUNCED] = life->password_ends_ms;
    ret_ends[END_ASKED] = facts->asked_end_ms;
}

static int64_t life_of(enum forecast_end end, const struct forecast_facts *facts)
{
    const struct credential_life *life = facts->life;
    bool is_got = facts->has[CREDENTIAL_ACCESS_TOKEN] && facts->obtained_ms != 0;
    const int64_t lives_ms[FORECAST_ENDS] = {
        [END_ACCESS] = facts->access_expires_ms - facts->obtained_ms,
        [END_YOUNG] = 1000 * life->young_s,
        [END_FIXED] = 1000LL * facts->policy->absolute_s,
        [END_IDLE] = 1000LL * facts->policy->idle_s,
        [END_REFRESH] = facts->refresh_expires_ms - facts->obtained_ms,
        [END_ASKED] = is_got ? facts->asked_end_ms - facts->obtained_ms : 0,
    };
    return lives_ms[end];
}

/* A use moves the other ends, and brings new refresh tokens, but not this one. */
static bool is_fixed_first(const struct forecast_facts *facts, const int64_t ends[FORECAST_ENDS])
{
    const struct {
        bool applies;
        enum forecast_end end;
    } others[] = {
        {facts->refresh_expires_ms != 0, END_REFRESH},
        {facts->policy->idle_s != 0, END_IDLE},
        {facts->life->young_s != 0 && facts->verified_ms < ends[END_YOUNG], END_YOUNG},
    };
    bool is_first = facts->policy->absolute_s != 0;
    for (size_t i = 0; i < sizeof(others) / sizeof(*others); i++)
        is_first &= !others[i].applies || ends[END_FIXED] < ends[others[i].end];
    return is_first;
}

static unsigned conditions_of(const struct forecast_facts *facts, const int64_t ends[FORECAST_ENDS])
{
    const struct credential_life *life = facts->life;
    const struct token_policy *policy = facts->policy;
    const bool *has = facts->has;
    bool renewable = has[CREDENTIAL_REFRESH_TOKEN] || has[CREDENTIAL_CLIENT] ||
                     has[CREDENTIAL_PASSWORD] || facts->signs;
    unsigned found = 0;
    const struct {
        bool holds;
        enum forecast_end end; /* that no verification may have come after */
        unsigned condition;
    } rows[] = {
        {renewable, END_NONE, IF_RENEWABLE},
        {has[CREDENTIAL_CLIENT], END_NONE, IF_REPLACEABLE},
        {facts->signs, END_NONE, IF_SIGNS},
        {facts->access_expires_ms != 0, END_NONE, IF_EXPIRY},
        {facts->from_assertion, END_NONE, IF_ASSERTION},
        {life->young_s != 0, END_YOUNG, IF_YOUNG},
        {policy->idle_s != 0 && policy->rotation == ROTATION_ALWAYS, END_IDLE, IF_ISSUED},
        {facts->refresh_expires_ms != 0, END_NONE, IF_REFRESH_END},
        {policy->rotation == ROTATION_ALWAYS, END_NONE, IF_ROTATING},
        {policy->absolute_s != 0, END_FIXED, IF_FIXED},
        {is_fixed_first(facts, ends), END_FIXED, IF_FIXED_FIRST},
        {policy->idle_s != 0, END_IDLE, IF_IDLE},
        {life->idle_is_conditional, END_NONE, IF_CONDITIONAL},
        {life->password_ends_ms != 0, END_ANNOUNCED, IF_ANNOUNCED},
        {facts->asked_end_ms != 0, facts->asked_moves ? END_ASKED : END_NONE, IF_ASKED},
        {facts->asked_moves, END_NONE, IF_MOVING},
        {facts->is_endless, END_NONE, IF_ENDLESS},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        if (rows[i].holds && (rows[i].end == END_NONE || facts->verified_ms < ends[rows[i].end]))
            found |= rows[i].condition;
    }
    return found;
}

static const char *because_of(const struct forecast_rule *rule, const struct credential_life *life)
{
    if (rule->because)
        return rule->because;
    if (rule->conditions & IF_YOUNG)
        return life->young;
    if (rule->conditions & IF_ANNOUNCED)
        return life->password_ends;
    if (rule->kind == CREDENTIAL_REFRESH_TOKEN)
        return life->refresh ? life->refresh : "no end known; it can be revoked";
    if (rule->kind == CREDENTIAL_PASSWORD)
        return life->password ? life->password : "until the password is changed or expires";
    return life->key ? life->key : "no end published; until the key is revoked";
}

static const struct forecast_rule *find_rule(enum credential_kind kind, unsigned conditions)
{
    const struct forecast_rule *rule = rules;
    while (rule->kind != kind || (rule->conditions & conditions) != rule->conditions)
        rule++; /* each kind has a row without conditions */
    return rule;
}

static bool ends_before(const struct credential_forecast *a, const struct credential_forecast *b)
{
    return a->works_until_ms != 0 &&
           (b->works_until_ms == 0 || a->works_until_ms < b->works_until_ms);
}

static enum forecast_state state_of(const struct forecast_facts *facts,
                                    const struct profile_forecast *forecast)
{
    const struct credential_forecast *first = forecast->first;
    bool ended = first && first->works_until_ms != 0 && first->works_until_ms <= facts->now_ms;
    if (ended && first->confidence >= FORECAST_DOCUMENTED)
        return FORECAST_NEEDS_REAUTHORIZATION;
    bool is_due = facts->access_expires_ms != 0 && facts->access_expires_ms <= facts->now_ms;
    return is_due ? FORECAST_DUE : FORECAST_FRESH;
}

void forecast_compute(const struct forecast_facts *facts, struct profile_forecast *ret_forecast)
{
    int64_t ends[FORECAST_ENDS];
    find_ends(facts, ends);
    unsigned conditions = conditions_of(facts, ends);
    *ret_forecast =
        (struct profile_forecast){.policy = facts->policy, .verified_ms = facts->verified_ms};
    for (int kind = 0; kind < CREDENTIAL_KINDS; kind++) {
        if (!facts->has[kind])
            continue;
        const struct forecast_rule *rule = find_rule((enum credential_kind)kind, conditions);
        bool is_token = kind == CREDENTIAL_REFRESH_TOKEN || kind == CREDENTIAL_ACCESS_TOKEN;
        bool is_access = kind == CREDENTIAL_ACCESS_TOKEN;
        bool is_asked = rule->end == END_ASKED;
        struct credential_forecast *each = &ret_forecast->credentials[ret_forecast->count++];
        *each = (struct credential_forecast){
            .kind = (enum credential_kind)kind,
            .obtained_ms =
                is_token && facts->obtained_ms != 0 ? facts->obtained_ms : facts->given_ms,
            .expires_ms = is_asked    ? facts->asked_end_ms
                          : is_access ? facts->access_expires_ms
                                      : 0,
            .works_until_ms = ends[rule->end],
            .life_ms = life_of(rule->end, facts),
            .because = because_of(rule, facts->life),
            .confidence = rule->confidence,
            .moves_with_use = is_asked && facts->asked_moves,
        };
        if (!ret_forecast->first || ends_before(each, ret_forecast->first))
            ret_forecast->first = each;
    }
    if (ret_forecast->first)
        ret_forecast->works_until_ms = ret_forecast->first->works_until_ms;
    ret_forecast->state = state_of(facts, ret_forecast);
}

/* --- the token keeper --- */

static const char *keeper_says(const struct token_state_row *row, enum token_state state,
                               struct arena *arena)
{
    char since[CLOCK_TEXT_SIZE];
    struct str reason = row->reason.data ? row->reason : STR("not known why");
    clock_text(row->since_ms, since);
    if (state == TOKEN_NEEDS_REAUTHORIZATION)
        return arena_printf(arena, "a person must authorize again since %s: %.*s", since,
                            STR_ARG(reason))
            .data;
    return arena_printf(arena, "renewals fail since %s, %lld times: %.*s", since,
                        (long long)row->attempts, STR_ARG(reason))
        .data;
}

static struct credential_forecast *find_renewed(struct profile_forecast *forecast)
{
    for (size_t i = 0; i < forecast->count; i++) {
        if (forecast->credentials[i].kind != CREDENTIAL_KEY)
            return &forecast->credentials[i]; /* what renews is before the access token */
    }
    return NULL;
}

/* What follows from the job: who has it, or that its time has come (as SQL_TOKEN_STATE_COUNT). */
static enum token_state state_at(const struct token_state_row *row, int64_t now_ms)
{
    if (row->state == TOKEN_NEEDS_REAUTHORIZATION)
        return row->state;
    if (row->lease_until_ms > now_ms)
        return TOKEN_REFRESHING;
    bool is_due = row->next_at_ms != 0 && row->next_at_ms <= now_ms;
    return row->state == TOKEN_FRESH && is_due ? TOKEN_DUE : row->state;
}

void forecast_heed_keeper(struct profile_forecast *forecast, const struct token_state_row *row,
                          int64_t now_ms, struct arena *arena)
{
    static const enum forecast_state states[TOKEN_STATES] = {
        [TOKEN_FRESH] = FORECAST_FRESH,
        [TOKEN_DUE] = FORECAST_DUE,
        [TOKEN_REFRESHING] = FORECAST_REFRESHING,
        [TOKEN_BACKING_OFF] = FORECAST_BACKING_OFF,
        [TOKEN_NEEDS_REAUTHORIZATION] = FORECAST_NEEDS_REAUTHORIZATION,
    };
    enum token_state state = state_at(row, now_ms);
    struct credential_forecast *renewed = find_renewed(forecast);
    bool has_met_nothing = state == TOKEN_FRESH || state == TOKEN_DUE;
    if (has_met_nothing && forecast->state == FORECAST_NEEDS_REAUTHORIZATION)
        return; /* the next renewal will meet the end that the table has */
    forecast->state = states[state];
    if (!renewed || (state != TOKEN_BACKING_OFF && state != TOKEN_NEEDS_REAUTHORIZATION))
        return;
    bool is_end_known = row->works_until_ms != 0 || state == TOKEN_BACKING_OFF;
    renewed->works_until_ms = is_end_known ? row->works_until_ms : row->since_ms;
    renewed->life_ms = 0;
    renewed->because = keeper_says(row, state, arena);
    renewed->confidence = FORECAST_KNOWN;
    forecast->first = renewed;
    forecast->works_until_ms = renewed->works_until_ms;
}

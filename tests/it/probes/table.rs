//! Who tries what, and who may.

/// How the probe of somebody who may differs.
pub(super) enum May {
    /// They find this word.
    See(&'static str, &'static str),
    /// They get this far: a success, a redirect to another page, or a conflict.
    Do(&'static str),
    /// Nobody may, or there is nothing to see.
    None,
}
use May::{Do, See};

pub(super) struct Probe {
    pub(super) who: &'static str,
    pub(super) method: &'static str,
    pub(super) path: &'static str,
    pub(super) body: &'static str,
    pub(super) may: May,
    /// Numbers of a whole service may differ, words may not.
    pub(super) counts: bool,
}

const fn get(who: &'static str, path: &'static str, may: May) -> Probe {
    Probe { who, method: "GET", path, body: "", may, counts: false }
}

const fn post(who: &'static str, path: &'static str, body: &'static str, may: May) -> Probe {
    Probe { who, method: "POST", path, body, may, counts: false }
}

const fn patch(who: &'static str, path: &'static str, body: &'static str, may: May) -> Probe {
    Probe { who, method: "PATCH", path, body, may, counts: false }
}

const fn counts(probe: Probe) -> Probe {
    Probe { counts: true, ..probe }
}

/// A session of an employee outside everything, a token of theirs with all scopes, and
/// another team's support owner.
const BEN: &str = "ben";
const BEN_API: &str = "token:ben/requests+tickets:read+tickets:write+search";
const OLGA: &str = "olga";
const OLGA_API: &str = "token:olga/requests+tickets:read+tickets:write+search";
const HANA_API: &str = "token:hana/requests+tickets:read+tickets:write+search";
const ZORA_API: &str = "token:zora/requests+tickets:read+tickets:write+search";
const FRED_API: &str = "token:fred/requests+search";

pub(super) fn probes() -> Vec<Probe> {
    let mut all = vec![
        // Lists and their filters.
        get(BEN, "/tickets", See("hana", "quincefall")),
        get(BEN, "/tickets?order=newest", See("hana", "larchwood")),
        get(BEN, "/tickets?order=oldest", See("hana", "larchwood")),
        get(BEN, "/tickets?order=priority", See("hana", "quincefall")),
        get(BEN, "/tickets?order=updated", See("hana", "quincefall")),
        get(BEN, "/tickets?order=least_confident&unreviewed=1&open=1", See("hana", "quincefall")),
        get(BEN, "/tickets?open=0", May::None),
        get(BEN, "/tickets?kind=incident", See("hana", "quincefall")),
        get(BEN, "/tickets?system=Peoplehub", See("hana", "quincefall")),
        get(BEN, "/tickets?status=triaged", May::None),
        get(BEN, "/tickets?team=people-ops", See("hana", "quincefall")),
        get(BEN, "/tickets?assignee=hana@example.com", May::None),
        get(BEN, "/tickets?requester=zora@example.com", See("hana", "quincefall")),
        get(BEN, "/tickets?max_confidence=1", See("hana", "quincefall")),
        get(BEN, "/tickets?age=day", See("hana", "quincefall")),
        get(BEN, "/tickets?q=quincefall", See("hana", "{hr}")),
        get(BEN, "/tickets?q=larchwood", See("hana", "{plain}")),
        get(BEN, "/tickets?q={hr}", See("hana", "quincefall")),
        get(BEN, "/tickets?q=%25", May::None),
        get(BEN, "/my", See("zora", "quincefall")),
        get(OLGA, "/tickets?order=newest&team=people-ops", See("hana", "quincefall")),
        get(OLGA, "/tickets?q=quincefall", See("hana", "{hr}")),
        // A link that ties an account of a chat to whoever uses it: unknown ones tie nothing.
        get(BEN, "/link/{hr}", May::None),
        post(BEN, "/link/{hr}", "", May::None),
        // Accounts are shown to whoever they are tied to, who alone unties them.
        get(BEN, "/accounts", May::None),
        post(BEN, "/accounts/untie", "platform=discord&tenant=*&account={hr}", May::None),
        // One ticket, and all that can be done to it.
        get(BEN, "/tickets/{hr}", See("hana", "tamarisk")),
        get(BEN, "/tickets/{hr}?queue=1", See("hana", "quincefall")),
        get(BEN, "/tickets/{plain}", See("zora", "larchwood")),
        get(BEN, "/tickets/{mixed}", See(OLGA, "orders are lost")),
        get(BEN, "/tickets/{quoting}", See(OLGA, "I see an error page")),
        get(OLGA, "/tickets/{hr}", See("hana", "brambleton")),
        get(BEN, "/tickets/{hr}/events", See("hana", "event: changed")),
        get(BEN, "/tickets/{plain}/events?seen=x", See("zora", "event: changed")),
        get(OLGA, "/tickets/{hr}/events", See("zora", "event: changed")),
        get("nobody", "/tickets/{hr}/events", See("hana", "event: changed")),
        post(BEN, "/tickets/{hr}/change", "kind=bug", Do("hana")),
        post(BEN, "/tickets/{hr}/change", "status=in_progress", Do("hana")),
        post(BEN, "/tickets/{hr}/change", "assignee=ben@example.com", Do("hana")),
        post(BEN, "/tickets/{hr}/change", "kind=rant", May::None),
        post(OLGA, "/tickets/{hr}/change", "priority=P1", Do("hana")),
        post(BEN, "/tickets/{hr}/comment", "text=hello", Do("hana")),
        post(BEN, "/tickets/{hr}/comment", "text=hello&internal=1", Do("hana")),
        post(OLGA, "/tickets/{hr}/comment", "text=hello", Do("hana")),
        post(BEN, "/tickets/{hr}/merge", "into={own}", May::None),
        post(BEN, "/tickets/{own}/merge", "into={hr}", May::None),
        post(OLGA, "/tickets/{erp}/merge", "into={hr}", May::None),
        post(OLGA, "/tickets/{hr}/merge", "into={erp}", May::None),
        post(BEN, "/tickets/{hanas}/merge", "into={plain}", Do("hana")),
        post(BEN, "/tickets/{hanas}/unmerge", "", Do("hana")),
        post(BEN, "/tickets/{hr}/review", "", Do("hana")),
        post(OLGA, "/tickets/{hr}/review", "", Do("hana")),
        post(BEN, "/tickets/{hr}/reopen", "", May::None),
        post(BEN, "/tickets/{hr}/follow", "", Do("hana")),
        post(OLGA, "/tickets/{hr}/follow", "", Do("hana")),
        post(BEN, "/tickets/{hr}/unfollow", "", Do("hana")),
        // A private incident is there for those who take part in it.
        get(BEN, "/incidents", See("zora", "ptarmigan")),
        get(OLGA, "/incidents", See("zora", "ptarmigan")),
        get(OLGA, "/incidents?over=1", May::None),
        get(BEN, "/incidents/{incident}", See("zora", "ptarmigan")),
        get(OLGA, "/incidents/{incident}", See("zora", "ptarmigan")),
        get("root", "/incidents/{incident}", See("zora", "ptarmigan")),
        get(BEN, "/incidents/{incident}/events", See("zora", "event: changed")),
        get("nobody", "/incidents/{incident}/events", See("zora", "event: changed")),
        post(BEN, "/incidents/{incident}/do", "verb=note&text=hello", Do("zora")),
        post(OLGA, "/incidents/{incident}/do", "verb=take", May::None),
        post(BEN, "/incidents/{incident}/do", "verb=reslove", May::None),
        // What was kept back in a channel where the bot only suggests.
        get(BEN, "/suggestions", See("hana", "marrowfat")),
        get(OLGA, "/suggestions", See("hana", "marrowfat")),
        get(OLGA, "/suggestions?state=posted", May::None),
        get("nobody", "/suggestions", See("hana", "marrowfat")),
        post(BEN, "/suggestions/{suggestion}/post", "version=1", Do("hana")),
        post(OLGA, "/suggestions/{suggestion}/post", "version=1", Do("hana")),
        post(BEN, "/suggestions/{suggestion}/dismiss", "", Do("hana")),
        post(OLGA, "/suggestions/{suggestion}/dismiss", "", Do("root")),
        // Another's conversation, and one's own with another's request.
        get(BEN, "/", See("zora", "quincefall")),
        get(BEN, "/chat/list", See("zora", "quincefall")),
        get(BEN, "/chat/list?current={chat}", See("zora", "quincefall")),
        get(BEN, "/chat/{chat}", See("zora", "brambleton")),
        get(BEN, "/chat/{chat}?form={request}", See("zora", "brambleton")),
        get(OLGA, "/chat/{chat}", See("zora", "brambleton")),
        get(BEN, "/chat/{chat}/events", See("zora", "brambleton")),
        get(BEN, "/chat/{chat}/events?after=1", See("zora", "brambleton")),
        get(BEN, "/chat/{chat}/form?request={request}", See("zora", "quincefall")),
        get(BEN, "/chat/{mychat}/form?request={request}", May::None),
        get(BEN, "/chat/{mychat}/form?request={request}&kind=bug", May::None),
        get(BEN, "/chat/{mychat}?form={request}", May::None),
        post(BEN, "/chat", "event_id=p1&text=more&conversation={chat}", Do("zora")),
        post(BEN, "/chat", "event_id=p2&text=mine&attachment={file}", Do("zora")),
        post(BEN, "/chat/{chat}/feedback", "request_id={request}&verdict=solved", Do("zora")),
        post(BEN, "/chat/{mychat}/feedback", "request_id={request}&verdict=solved", May::None),
        post(BEN, "/chat/{chat}/title", "title=mine", Do("zora")),
        post(BEN, "/chat/{chat}/person", "request_id={request}", Do("zora")),
        post(BEN, "/chat/{mychat}/person", "request_id={request}", May::None),
        post(BEN, "/chat/{chat}/follow", "request_id={request}", Do("zora")),
        post(BEN, "/chat/{mychat}/follow", "request_id={request}", May::None),
        post(BEN, "/chat/{chat}/ticket", "kind=bug&summary=x", Do("zora")),
        post(BEN, "/chat/{mychat}/ticket", "kind=bug&summary=x&request_id={request}", May::None),
        // Files and articles.
        get(BEN, "/attachments/{file}", See("hana", "wolframite")),
        get(OLGA, "/attachments/{file}", See("zora", "wolframite")),
        get(BEN, "/articles/{article}", See("fred", "zebrafinch")),
        get(BEN, "/articles/{article}?passage={passage}", See("fred", "zebrafinch")),
        get(OLGA, "/articles/{article}", See("root", "zebrafinch")),
        get(BEN, "/articles/{open}", See("fred", "{article}")),
        get(BEN, "/knowledge", See("fred", "Osprey")),
        get(BEN, "/knowledge?system=Keystone&show=stale", See("fred", "Osprey")),
        get(BEN, "/knowledge?q=zebrafinch", See("fred", "Osprey")),
        get(BEN, "/knowledge?q=close+the+month", See("fred", "Osprey")),
        counts(get(OLGA, "/knowledge", See("root", "cormorant"))),
        counts(get(OLGA, "/knowledge?q=accrual+report", See("fred", "zebrafinch"))),
        counts(get(OLGA, "/knowledge?show=stale", See("hana", "juniperus"))),
        // Jobs and dead letters.
        get(BEN, "/jobs", See("root", "hollowmere")),
        get(OLGA, "/jobs", See("root", "hollowmere")),
        post(BEN, "/jobs/{job}/retry", "", Do("root")),
        post(OLGA, "/jobs/{job}/discard", "", Do("root")),
        post(BEN, "/jobs/{job}/discard", "", Do("root")),
        post(BEN, "/jobs/retry", "", Do("root")),
        post(BEN, "/demo/become", "email=zora@example.com", May::None),
        // Without a session.
        get("nobody", "/tickets/{hr}", See("hana", "quincefall")),
        get("nobody", "/tickets?q=quincefall", See("hana", "{hr}")),
        get("nobody", "/chat/{chat}", See("zora", "brambleton")),
        get("nobody", "/chat/{chat}/events", See("zora", "brambleton")),
        get("nobody", "/attachments/{file}", See("zora", "wolframite")),
        get("nobody", "/articles/{article}", See("fred", "zebrafinch")),
        get("nobody", "/knowledge?q=zebrafinch", See("fred", "Osprey")),
        get("nobody", "/jobs", May::None),
        post("nobody", "/tickets/{hr}/comment", "text=hello", Do("hana")),
        // What is open to all, and errors.
        get("nobody", "/api/v1/openapi.json", May::None),
        get("nobody", "/healthz", May::None),
        counts(get("nobody", "/readyz", May::None)),
        counts(get("nobody", "/metrics", May::None)),
        get("nobody", "/sign-in?token={hr}", May::None),
        get(BEN, "/nowhere/{hr}", May::None),
        get(BEN, "/assets/{hr}", May::None),
        post(BEN, "/tickets/{hr}", "", May::None),
    ];
    all.extend(api_probes());
    all
}

fn api_probes() -> Vec<Probe> {
    vec![
        get(BEN_API, "/api/v1/tickets", See(HANA_API, "quincefall")),
        get(BEN_API, "/api/v1/tickets?limit=200&order=oldest", See(HANA_API, "larchwood")),
        get(BEN_API, "/api/v1/tickets?q=quincefall", See(HANA_API, "{hr}")),
        get(BEN_API, "/api/v1/tickets?requester=zora@example.com", See(HANA_API, "quincefall")),
        get(BEN_API, "/api/v1/tickets?system=Peoplehub", See(HANA_API, "quincefall")),
        get(BEN_API, "/api/v1/tickets?team=desk-team", See(HANA_API, "larchwood")),
        get(OLGA_API, "/api/v1/tickets?system=Peoplehub", See(HANA_API, "quincefall")),
        get(BEN_API, "/api/v1/tickets/{hr}", See(HANA_API, "quincefall")),
        get(BEN_API, "/api/v1/tickets/{plain}", See(ZORA_API, "larchwood")),
        get(OLGA_API, "/api/v1/tickets/{hr}", See(ZORA_API, "quincefall")),
        patch(BEN_API, "/api/v1/tickets/{plain}", r#"{"priority":"P1"}"#, Do(HANA_API)),
        patch(BEN_API, "/api/v1/tickets/{hr}", r#"{"status":"closed"}"#, Do(HANA_API)),
        patch(OLGA_API, "/api/v1/tickets/{hr}", r#"{"summary":"x"}"#, Do(HANA_API)),
        get(BEN_API, "/api/v1/requests/{request}", See(ZORA_API, "quincefall")),
        get(OLGA_API, "/api/v1/requests/{request}", See(HANA_API, "quincefall")),
        get(BEN_API, "/api/v1/requests/{request}/events", See(ZORA_API, "quincefall")),
        get(OLGA_API, "/api/v1/requests/{quote}", See(FRED_API, "gannet")),
        post(
            BEN_API,
            "/api/v1/requests/{request}/feedback",
            r#"{"verdict":"solved"}"#,
            Do(ZORA_API),
        ),
        post(
            BEN_API,
            "/api/v1/requests",
            r#"{"text":"and more","conversation_id":"{chat}"}"#,
            Do(ZORA_API),
        ),
        get(BEN_API, "/api/v1/search?q=zebrafinch", See(FRED_API, "zebrafinch")),
        counts(get(BEN_API, "/api/v1/search?q=close+the+month&limit=50", See(FRED_API, "Osprey"))),
        get(BEN_API, "/api/v1/search?q=osprey+cormorant", See(FRED_API, "Osprey")),
        // Tokens without the scope, and none.
        get("token:zora/search", "/api/v1/tickets/{hr}", See(ZORA_API, "quincefall")),
        get("token:zora/search", "/api/v1/tickets", See(ZORA_API, "quincefall")),
        get("token:zora/search", "/api/v1/requests/{request}", See(ZORA_API, "quincefall")),
        get("token:zora/search", "/api/v1/requests/{request}/events", See(ZORA_API, "quincefall")),
        patch(
            "token:hana/tickets:read",
            "/api/v1/tickets/{hr}",
            r#"{"summary":"x"}"#,
            Do(HANA_API),
        ),
        get("token:fred/requests", "/api/v1/search?q=zebrafinch", See(FRED_API, "zebrafinch")),
        get("token:none", "/api/v1/tickets/{hr}", May::None),
        get("token:none", "/api/v1/tickets?q=quincefall", May::None),
        get("token:none", "/api/v1/requests/{request}", May::None),
        get("token:none", "/api/v1/search?q=zebrafinch", May::None),
        // A page's session is no token.
        get(BEN, "/api/v1/tickets/{hr}", May::None),
    ]
}

/// Pages on which another team's owner may read a ticket whose thread also holds what
/// they may not: compared with nothing, searched for the words. Who asked is no secret
/// to the team of their ticket.
pub(super) fn shared_pages() -> Vec<Probe> {
    vec![
        get(OLGA, "/tickets/{mixed}", See("zora", "sandpiper")),
        get(OLGA, "/tickets/{quoting}", See("fred", "gannet")),
        get(OLGA, "/tickets/{mixed}/events", See("zora", "event: changed")),
        get(OLGA, "/tickets/{erp}", May::None),
        get(OLGA, "/tickets?order=newest", May::None),
        get(OLGA_API, "/api/v1/tickets?requester=fred@example.com", May::None),
        get(OLGA_API, "/api/v1/tickets/{quoting}", May::None),
    ]
}

//! How fast Discord is spoken to (<https://docs.discord.com/developers/topics/rate-limits>). Each
//! kind of call draws from a bucket of its channel or server, whose size and filling Discord tells
//! with every answer; kinds may share one. All calls together have another.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use reqwest::header::HeaderMap;

use crate::platform::pace::{Pace, Rate};

/// Of all calls together, 50 in any second: some at once, and what comes again meanwhile.
const ALL: Rate = Rate { burst: 20, a_minute: 30 * 60 };
/// What stands for all places where one is named.
pub(super) const EVERYWHERE: &str = "*";
/// Buckets that are remembered.
const KEPT: usize = 10_000;

/// Which bucket a call draws from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Route {
    /// Method and path, without the ids in it.
    kind: String,
    /// The channel or server; empty for calls that concern none.
    place: String,
}

impl Route {
    /// `None` for answers to interactions: each has a bucket of its own, and the limit on all calls
    /// is not for them.
    pub(super) fn of(method: &str, path: &str) -> Option<Route> {
        let mut parts: Vec<&str> = path.trim_start_matches('/').split('/').collect();
        let first = *parts.first()?;
        if matches!(first, "interactions" | "webhooks") {
            return None;
        }
        let place = match first {
            "channels" | "guilds" => parts.get(1).copied().unwrap_or_default().to_owned(),
            _ => String::new(),
        };
        let id = |part: &&str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
        parts.iter_mut().filter(|part| id(part)).for_each(|part| *part = "{id}");
        Some(Route { kind: format!("{method} /{}", parts.join("/")), place })
    }

    /// As it is named to other processes.
    pub(super) fn name(&self) -> String {
        format!("{} {}", self.kind, self.place)
    }

    fn named(name: &str) -> Option<Route> {
        let (kind, place) = name.rsplit_once(' ')?;
        Some(Route { kind: kind.to_owned(), place: place.to_owned() })
    }
}

/// What Discord tells of a bucket with an answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Told {
    bucket: String,
    limit: u32,
    remaining: u32,
    /// Until it is full again.
    reset_ms: i64,
}

impl Told {
    pub(super) fn read(headers: &HeaderMap) -> Option<Told> {
        let text = |name: &str| headers.get(name)?.to_str().ok().map(str::trim);
        let seconds: f64 = text("x-ratelimit-reset-after")?.parse().ok()?;
        Some(Told {
            bucket: text("x-ratelimit-bucket")?.to_owned(),
            limit: text("x-ratelimit-limit")?.parse().ok()?,
            remaining: text("x-ratelimit-remaining")?.parse().ok()?,
            reset_ms: (seconds * 1000.0).ceil() as i64,
        })
    }
}

/// What is known of a kind of call.
#[derive(Debug, Clone)]
struct Kind {
    bucket: String,
    limit: u32,
    /// The longest it was told to take until the bucket is full.
    length_ms: i64,
}

/// A bucket in one place. Times are epoch milliseconds.
#[derive(Debug, Clone, Copy)]
struct Window {
    remaining: u32,
    /// Calls that Discord may not have counted yet.
    under_way: u32,
    resets_at: i64,
    paused_until: i64,
}

/// A call for which there is room, until it has ended.
pub(super) struct Room<'a> {
    buckets: &'a Buckets,
    route: &'a Route,
}

impl Drop for Room<'_> {
    fn drop(&mut self) {
        let mut known = self.buckets.lock();
        let window = known.window(self.route, 0);
        window.under_way = window.under_way.saturating_sub(1);
    }
}

#[derive(Default)]
struct Known {
    kinds: HashMap<String, Kind>,
    /// By bucket, or kind where that is not known yet, and place.
    windows: HashMap<(String, String), Window>,
}

pub(super) struct Buckets {
    all: Pace,
    known: Mutex<Known>,
}

impl Buckets {
    pub(super) fn new() -> Buckets {
        Buckets { all: Pace::new(ALL), known: Mutex::default() }
    }

    /// Makes room for a call.
    ///
    /// # Errors
    /// How many ms to wait when there is none. What can wait (`bulk`) leaves the last call to what
    /// cannot.
    pub(super) fn take<'a>(
        &'a self,
        route: &'a Route,
        bulk: bool,
        now: i64,
    ) -> Result<Room<'a>, i64> {
        let mut known = self.lock();
        let kind = known.kinds.get(&route.kind).cloned();
        let window = known.window(route, now);
        if window.paused_until > now {
            return Err(window.paused_until - now);
        }
        if let Some(Kind { limit, length_ms, .. }) = kind {
            if now >= window.resets_at {
                // What is under way may come in the new window.
                window.remaining = limit.saturating_sub(window.under_way);
                window.resets_at = now + length_ms;
            }
            let needed = if bulk && limit > 1 { 2 } else { 1 };
            if window.remaining < needed {
                return Err(window.resets_at - now);
            }
        }
        self.all.token(EVERYWHERE, bulk, now)?;
        window.remaining = window.remaining.saturating_sub(1);
        window.under_way += 1;
        Ok(Room { buckets: self, route })
    }

    fn lock(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Heeds what the answer to a call told, while there is still room for it.
    pub(super) fn learn(&self, route: &Route, told: Told, now: i64) {
        let mut known = self.lock();
        let Told { bucket, limit, remaining, reset_ms } = told;
        let before = known.kinds.get(&route.kind).filter(|kind| kind.bucket == bucket);
        let length_ms = before.map_or(reset_ms, |kind| kind.length_ms.max(reset_ms));
        known.kinds.insert(route.kind.clone(), Kind { bucket, limit, length_ms });
        let window = known.window(route, now);
        let resets_at = now + reset_ms;
        // Calls under way are counted here and not yet there.
        if (resets_at - window.resets_at).abs() <= length_ms / 2 {
            window.remaining = window.remaining.min(remaining);
            window.resets_at = window.resets_at.max(resets_at);
        } else if resets_at > window.resets_at {
            // This call is known there, the others under way are not.
            window.remaining = remaining.saturating_sub(window.under_way.saturating_sub(1));
            window.resets_at = resets_at;
        }
    }

    /// Discord wants a route left alone until then, by its [`Route::name`], or all of them.
    pub(super) fn pause(&self, name: &str, until: i64) {
        if name == EVERYWHERE {
            return self.all.pause(EVERYWHERE, until);
        }
        let Some(route) = Route::named(name) else { return };
        let mut known = self.lock();
        let window = known.window(&route, until);
        window.paused_until = window.paused_until.max(until);
    }
}

impl Known {
    /// The window a route's calls fall into. What kinds share is one from when that is known.
    fn window(&mut self, route: &Route, now: i64) -> &mut Window {
        if self.windows.len() >= KEPT {
            self.windows
                .retain(|_, it| it.under_way > 0 || it.resets_at > now || it.paused_until > now);
        }
        let bucket = self.kinds.get(&route.kind).map_or(&route.kind, |kind| &kind.bucket);
        let new = Window { remaining: 0, under_way: 0, resets_at: 0, paused_until: 0 };
        let early = self.windows.get(&(route.kind.clone(), route.place.clone())).copied();
        let key = (bucket.clone(), route.place.clone());
        self.windows.entry(key).or_insert(early.unwrap_or(new))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const POST: &str = "POST";

    fn route(channel: u64) -> Route {
        Route::of(POST, &format!("/channels/{channel}/messages")).expect("it is paced")
    }

    fn told(remaining: u32, reset_ms: i64) -> Told {
        Told { bucket: "b".into(), limit: 5, remaining, reset_ms }
    }

    /// A call that ends at once.
    fn taken(buckets: &Buckets, route: &Route, bulk: bool, now: i64) -> Result<(), i64> {
        buckets.take(route, bulk, now).map(drop)
    }

    #[test]
    fn calls_draw_from_the_bucket_of_their_kind_and_place() {
        for (method, path, kind, place) in [
            (POST, "/channels/12/messages", "POST /channels/{id}/messages", "12"),
            ("PATCH", "/channels/12/messages/34", "PATCH /channels/{id}/messages/{id}", "12"),
            ("GET", "/guilds/7/threads/active", "GET /guilds/{id}/threads/active", "7"),
            ("GET", "/users/@me", "GET /users/@me", ""),
            ("PUT", "/applications/9/commands", "PUT /applications/{id}/commands", ""),
        ] {
            let of = Route::of(method, path).expect("it is paced");
            assert_eq!((of.kind.as_str(), of.place.as_str()), (kind, place));
            assert_eq!(Route::named(&of.name()), Some(of));
        }
        for path in ["/interactions/1/secret/callback", "/webhooks/1/secret/messages/@original"] {
            assert_eq!(Route::of(POST, path), None, "no secret becomes a name");
        }
    }

    #[test]
    fn headers_are_read_or_passed_over() {
        let mut headers = HeaderMap::new();
        assert_eq!(Told::read(&headers), None);
        for (name, value) in [
            ("x-ratelimit-bucket", "b"),
            ("x-ratelimit-limit", "5"),
            ("x-ratelimit-remaining", "0"),
            ("x-ratelimit-reset-after", "1.2501"),
        ] {
            headers.insert(name, value.parse().expect("a header"));
        }
        assert_eq!(Told::read(&headers), Some(told(0, 1_251)));
        for odd in ["", "-1", "x", "99999999999"] {
            headers.insert("x-ratelimit-limit", odd.parse().expect("a header"));
            assert_eq!(Told::read(&headers), None, "{odd}");
        }
    }

    #[test]
    fn what_discord_tells_is_not_exceeded() {
        let buckets = Buckets::new();
        assert_eq!(taken(&buckets, &route(1), false, 0), Ok(()), "nothing is known yet");
        buckets.learn(&route(1), told(4, 5_000), 100);
        for (bulk, now, outcome) in [
            (false, 200, Ok(())),
            (true, 200, Ok(())),
            (true, 200, Ok(())),
            // The last is left to what cannot wait.
            (true, 300, Err(4_800)),
            (false, 300, Ok(())),
            (false, 300, Err(4_800)),
            (false, 5_100, Ok(())),
        ] {
            assert_eq!(taken(&buckets, &route(1), bulk, now), outcome, "{bulk} {now}");
        }
        // Other channels have buckets of the same size.
        for _ in 0..5 {
            assert_eq!(taken(&buckets, &route(2), false, 6_000), Ok(()));
        }
        assert_eq!(taken(&buckets, &route(2), false, 6_000), Err(5_000));
        // What another process drew is told with the next answer; the bucket fills anew from when
        // Discord took the first call, a little later than was thought.
        buckets.learn(&route(1), told(0, 3_200), 7_000);
        assert_eq!(taken(&buckets, &route(1), false, 7_000), Err(3_200));
        // An answer to an earlier call comes late and changes nothing.
        buckets.learn(&route(1), told(4, 10), 7_100);
        assert_eq!(taken(&buckets, &route(1), false, 7_100), Err(3_100));
    }

    #[test]
    fn calls_under_way_may_fall_into_the_next_window() {
        let buckets = Buckets::new();
        buckets.learn(&route(1), told(5, 5_000), 0);
        let one = route(1);
        let under_way: Vec<_> = (0..2).map(|_| buckets.take(&one, false, 4_900).ok()).collect();
        for n in 0..3 {
            assert_eq!(taken(&buckets, &one, false, 5_000), Ok(()), "{n}");
        }
        assert_eq!(taken(&buckets, &one, false, 5_000), Err(5_000));
        drop(under_way);
        assert_eq!(taken(&buckets, &one, false, 5_000), Err(5_000), "they were sent");
        assert_eq!(taken(&buckets, &one, false, 10_000), Ok(()));
    }

    #[test]
    fn kinds_of_one_bucket_draw_from_it_together() {
        let buckets = Buckets::new();
        let edit = Route::of("PATCH", "/channels/1/messages/2").expect("it is paced");
        buckets.learn(&route(1), told(1, 1_000), 0);
        buckets.learn(&edit, told(1, 1_000), 0);
        assert_eq!(taken(&buckets, &edit, false, 0), Ok(()));
        assert_eq!(taken(&buckets, &route(1), false, 0), Err(1_000));
    }

    #[test]
    fn all_calls_together_keep_their_measure() {
        let buckets = Buckets::new();
        for channel in 0..19 {
            assert_eq!(taken(&buckets, &route(channel), channel % 2 == 0, 0), Ok(()), "{channel}");
        }
        assert_eq!(taken(&buckets, &route(99), true, 0), Err(34));
        assert_eq!(taken(&buckets, &route(99), false, 0), Ok(()));
        assert_eq!(taken(&buckets, &route(98), false, 0), Err(34));
    }

    #[test]
    fn pauses_are_kept() {
        let buckets = Buckets::new();
        buckets.pause(&route(1).name(), 9_000);
        buckets.pause(&route(1).name(), 2_000);
        assert_eq!(taken(&buckets, &route(1), false, 1_000), Err(8_000));
        assert_eq!(taken(&buckets, &route(2), false, 1_000), Ok(()));
        // Its bucket becomes known meanwhile.
        buckets.learn(&route(2), told(4, 1_000), 1_000);
        buckets.learn(&route(1), told(0, 1_000), 1_000);
        assert_eq!(taken(&buckets, &route(1), false, 3_000), Err(6_000));
        buckets.pause(EVERYWHERE, 20_000);
        assert_eq!(taken(&buckets, &route(3), false, 1_000), Err(19_000));
        buckets.pause("nonsense", 1);
        assert_eq!(taken(&buckets, &route(3), false, 20_000), Ok(()));
    }
}

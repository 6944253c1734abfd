//! Limits on calls as Discord has them (<https://docs.discord.com/developers/topics/rate-limits>):
//! a bucket of each kind of call in each channel, and one of all calls. Its documents leave the
//! sizes to what answers tell; these are such as it tells.

use std::collections::HashMap;

/// Calls of a kind in a channel within so many ms.
const LIMIT: u32 = 5;
const LENGTH_MS: i64 = 5_000;
/// Of all calls.
const ALL: u32 = 50;
const ALL_LENGTH_MS: i64 = 1_000;

/// Epoch milliseconds.
pub(super) type Now = Box<dyn Fn() -> i64 + Send>;

pub(super) struct Rates {
    now: Now,
    /// When each window began, and the calls in it. The one without a name is that of all.
    windows: HashMap<String, (i64, u32)>,
    /// Calls there was no room for.
    pub(super) refused: Vec<String>,
}

/// What an answer tells of its bucket.
pub(super) struct Left {
    pub(super) bucket: String,
    pub(super) remaining: u32,
    pub(super) reset_s: f64,
}

/// A refusal: how long to wait, and whether all calls are meant.
pub(super) struct Refused {
    pub(super) retry_after_s: f64,
    pub(super) global: bool,
}

impl Rates {
    pub(super) const LIMIT: u32 = LIMIT;

    pub(super) fn new(now: Now) -> Rates {
        Rates { now, windows: HashMap::new(), refused: Vec::new() }
    }

    /// Counts a call, given as `POST /channels/7/messages`.
    pub(super) fn admit(&mut self, route: &str) -> Result<Left, Refused> {
        let (mut kind, mut place) = (Vec::new(), "");
        for (n, part) in route.split('/').enumerate() {
            let id = !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
            kind.push(if id { "" } else { part });
            if id && n == 2 {
                place = part;
            }
        }
        let bucket = kind.join("/");
        let key = format!("{bucket} {place}");
        let now = (self.now)();
        for (key, limit, length, global) in
            [("", ALL, ALL_LENGTH_MS, true), (key.as_str(), LIMIT, LENGTH_MS, false)]
        {
            let window = self.windows.entry(key.to_owned()).or_insert((now, 0));
            if now - window.0 >= length {
                *window = (now, 0);
            }
            if window.1 >= limit {
                self.refused.push(format!("{route} at {now} {global} {:?}", window));
                let retry_after_s = (window.0 + length - now) as f64 / 1000.0;
                return Err(Refused { retry_after_s, global });
            }
        }
        let mut count = |key: &str| {
            let window = self.windows.get_mut(key).expect("made above");
            window.1 += 1;
            *window
        };
        count("");
        let (began, calls) = count(&key);
        let reset_s = (began + LENGTH_MS - now) as f64 / 1000.0;
        Ok(Left { bucket, remaining: LIMIT - calls, reset_s })
    }
}

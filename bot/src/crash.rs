//! Named points where a test may kill the process: after an event is kept, a job leased, an
//! event heard, accepted, a request assessed, a draft begun, shown and noted, a request settled, a
//! reply sent. `FIRSTLINE_CRASH_AT=leased:3` aborts the
//! third time the point `leased` is passed, `any:17` at the seventeenth point of any
//! name. Without the variable a point costs one
//! atomic read.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicI64, Ordering};

struct Planned {
    point: String,
    left: AtomicI64,
}

fn planned() -> Option<&'static Planned> {
    static PLANNED: OnceLock<Option<Planned>> = OnceLock::new();
    PLANNED
        .get_or_init(|| {
            let text = std::env::var("FIRSTLINE_CRASH_AT").ok()?;
            let (point, count) = text.split_once(':').unwrap_or((&text, "1"));
            Some(Planned {
                point: point.to_owned(),
                left: AtomicI64::new(count.parse().unwrap_or(1)),
            })
        })
        .as_ref()
}

/// Dies here, without any clean-up, if a test asked for it.
pub fn point(name: &str) {
    if let Some(planned) = planned()
        && (planned.point == name || planned.point == "any")
        && planned.left.fetch_sub(1, Ordering::SeqCst) == 1
    {
        std::process::abort();
    }
}

//! Moments as people say them, where they are.

use jiff::tz::TimeZone;
use jiff::{Timestamp, Zoned};

use super::{Tongue, tongue};

/// When something is told, and in which time zone its reader is (IANA name).
#[derive(Debug, Clone, Copy, Default)]
pub struct Told<'a> {
    /// Epoch milliseconds.
    pub now: i64,
    pub zone: Option<&'a str>,
}

/// Whether there is a time zone of this name (IANA, `Europe/Berlin`).
pub fn is_time_zone(name: &str) -> bool {
    name.len() <= 64 && TimeZone::get(name).is_ok()
}

impl Told<'_> {
    /// A moment in epoch milliseconds: `today 14:05`, `yesterday 09:12`, `Mon 2 Nov 09:12`, of
    /// another year `2 Nov 2025 09:12`. Where the reader's time zone is not known, it is UTC and
    /// says so.
    pub fn when(&self, at: i64, language: &str) -> String {
        let zone = self.zone.and_then(|name| TimeZone::get(name).ok());
        let suffix = if zone.is_some() { "" } else { " UTC" };
        let zone = zone.unwrap_or(TimeZone::UTC);
        let there =
            |ms: i64| Timestamp::from_millisecond(ms).unwrap_or_default().to_zoned(zone.clone());
        let (at, now) = (there(at), there(self.now));
        let time = at.strftime("%H:%M");
        format!("{} {time}{suffix}", day(&at, &now, language))
    }
}

fn day(at: &Zoned, now: &Zoned, language: &str) -> String {
    let german = tongue(language) == Tongue::De;
    let ago = now.date().since(at.date()).map_or(0, |span| span.get_days());
    match ago {
        0 if at.date() == now.date() => return (if german { "heute" } else { "today" }).to_owned(),
        1 => return (if german { "gestern" } else { "yesterday" }).to_owned(),
        _ => {}
    }
    let weekday = usize::try_from(at.weekday().to_monday_zero_offset()).unwrap_or_default();
    let month = usize::try_from(at.month() - 1).unwrap_or_default();
    let (weekdays, months) = if german { (&TAGE, &MONATE) } else { (&DAYS, &MONTHS) };
    let weekday = weekdays.get(weekday).copied().unwrap_or_default();
    let month = months.get(month).copied().unwrap_or_default();
    let (number, year) = (at.day(), at.year());
    match (german, at.year() == now.year()) {
        (false, true) => format!("{weekday} {number} {month}"),
        (false, false) => format!("{number} {month} {year}"),
        (true, true) => format!("{weekday} {number}. {month}"),
        (true, false) => format!("{number}. {month} {year}"),
    }
}

const DAYS: [&str; 7] = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"];
const TAGE: [&str; 7] = ["Mo", "Di", "Mi", "Do", "Fr", "Sa", "So"];
const MONTHS: [&str; 12] =
    ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
const MONATE: [&str; 12] = [
    "Januar",
    "Februar",
    "März",
    "April",
    "Mai",
    "Juni",
    "Juli",
    "August",
    "September",
    "Oktober",
    "November",
    "Dezember",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_are_told_where_the_reader_is() {
        // Monday, 2 November 2026, 12:00 UTC.
        const NOON: i64 = 1_793_620_800_000;
        const HOUR: i64 = 3_600_000;
        const DAY: i64 = 24 * HOUR;
        let (berlin, tokyo) = (Some("Europe/Berlin"), Some("Asia/Tokyo"));
        for (at, zone, language, told) in [
            (NOON, berlin, "en", "today 13:00"),
            (NOON, None, "en", "today 12:00 UTC"),
            (NOON, Some("Mars/Base"), "en", "today 12:00 UTC"),
            (NOON, tokyo, "en-GB", "today 21:00"),
            // Where one is already tomorrow, it is not for the other.
            (NOON - 22 * HOUR, berlin, "en", "yesterday 15:00"),
            (NOON - 22 * HOUR, tokyo, "en", "yesterday 23:00"),
            (NOON - 20 * HOUR, tokyo, "en", "today 01:00"),
            (NOON + DAY, berlin, "en", "Tue 3 Nov 13:00"),
            // Before the clocks were put back.
            (NOON - 10 * DAY, berlin, "en", "Fri 23 Oct 14:00"),
            (NOON - 10 * DAY, berlin, "de", "Fr 23. Oktober 14:00"),
            (NOON - 400 * DAY, berlin, "en", "28 Sep 2025 14:00"),
            (NOON, berlin, "de-AT", "heute 13:00"),
            (NOON - DAY, berlin, "de", "gestern 13:00"),
        ] {
            let here = Told { now: NOON, zone };
            assert_eq!(here.when(at, language), told, "{at} {zone:?}");
        }
    }

    #[test]
    fn zones_have_names_of_their_own() {
        for (name, is) in [
            ("Europe/Berlin", true),
            ("America/Argentina/Buenos_Aires", true),
            ("UTC", true),
            ("Berlin", false),
            ("", false),
            ("../etc/passwd", false),
        ] {
            assert_eq!(is_time_zone(name), is, "{name}");
        }
    }
}

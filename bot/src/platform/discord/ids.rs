//! Discord's ids: numbers in text that hold the time they were made
//! (<https://docs.discord.com/developers/reference#snowflakes>).

use serde_json::Value;

/// The first second of 2015, in epoch milliseconds.
const FIRST_MS: i64 = 1_420_070_400_000;

/// The id in a field.
pub(super) fn id_of(field: &Value) -> Option<u64> {
    field.as_str()?.parse().ok()
}

/// The smallest id made at `ms` or later.
pub(super) fn ids_since(ms: i64) -> u64 {
    u64::try_from(ms - FIRST_MS).unwrap_or_default() << 22
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example of Discord's documentation.
    #[test]
    fn ids_hold_their_time() {
        let (id, ms) = (175_928_847_299_117_063, 1_462_015_105_796);
        assert!(ids_since(ms) <= id && id < ids_since(ms + 1));
        assert_eq!(ids_since(0), 0);
    }
}

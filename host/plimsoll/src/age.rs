//! When images were made, and how old that makes them.
//!
//! Input: what an image says of itself, and the one moment that counts as now for
//! a whole run. Output: texts and whole days. Invariant: who has the same answer
//! and the same now has the same age, whatever the clock says meanwhile.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use time::format_description::well_known::Rfc3339;
use time::{Date, OffsetDateTime, UtcOffset};

/// The variable that sets the moment, as for reproducible builds: seconds since 1970.
pub const SOURCE_DATE_EPOCH: &str = "SOURCE_DATE_EPOCH";

/// 2013-01-01. There were no images before: whatever was made then says a time
/// of convention, such as 1970 or 1980.
const IMAGES_SINCE: i64 = 1_356_998_400;

/// The last second of the year 9999, after which times have no text.
const SECONDS_MAX: u64 = 253_402_300_799;

const SECONDS_A_DAY: u64 = 24 * 60 * 60;

/// The moment that counts as now: what [`SOURCE_DATE_EPOCH`] says, else the
/// clock's. None where the variable says nothing that can be read.
pub fn now(source_date_epoch: Option<&str>) -> Option<SystemTime> {
    let Some(text) = source_date_epoch.filter(|text| !text.is_empty()) else { return Some(SystemTime::now()) };
    let is_number = text.bytes().all(|byte| byte.is_ascii_digit());
    let seconds = text.parse().ok().filter(|seconds| is_number && *seconds <= SECONDS_MAX)?;
    Some(UNIX_EPOCH + Duration::from_secs(seconds))
}

/// What an image says of when it was made, in UTC and whole seconds; none if that
/// cannot be read.
pub fn made(created: Option<&str>) -> Option<String> {
    parse(created).map(shown)
}

/// A moment in the same form; the last that has one for those after it.
pub fn text(moment: SystemTime) -> String {
    shown(utc(moment))
}

/// The day of a moment, in UTC.
pub fn day(moment: SystemTime) -> Date {
    utc(moment).date()
}

fn utc(moment: SystemTime) -> OffsetDateTime {
    let seconds = moment.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs().min(SECONDS_MAX);
    let moment = i64::try_from(seconds).ok().and_then(|seconds| OffsetDateTime::from_unix_timestamp(seconds).ok());
    moment.unwrap_or(OffsetDateTime::UNIX_EPOCH)
}

fn shown(made: OffsetDateTime) -> String {
    let (year, month, day) = (made.year(), u8::from(made.month()), made.day());
    let (hour, minute, second) = made.to_hms();
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z")
}

/// How many whole days ago that was. None for what cannot be read, for a time
/// before there were images, and for one to come.
pub fn days(created: Option<&str>, now: SystemTime) -> Option<u32> {
    let made = parse(created)?.unix_timestamp();
    let made = u64::try_from(made).ok().filter(|_| made >= IMAGES_SINCE)?;
    let now = now.duration_since(UNIX_EPOCH).ok()?.as_secs();
    u32::try_from(now.checked_sub(made)? / SECONDS_A_DAY).ok()
}

fn parse(created: Option<&str>) -> Option<OffsetDateTime> {
    let made = OffsetDateTime::parse(created?, &Rfc3339).ok()?.checked_to_offset(UtcOffset::UTC)?;
    (0..=9999).contains(&made.year()).then_some(made)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_and_said_in_one_way() {
        let check =
            |created: &str, expect: Option<&str>| assert_eq!(made(Some(created)).as_deref(), expect, "{created}");
        check("2026-01-31T12:00:00Z", Some("2026-01-31T12:00:00Z"));
        check("2026-01-31T12:00:00.123456789Z", Some("2026-01-31T12:00:00Z"));
        check("2026-01-31T23:30:00-01:30", Some("2026-02-01T01:00:00Z"));
        check("0001-01-01T00:00:00Z", Some("0001-01-01T00:00:00Z"));
        check("1970-01-01T00:00:00Z", Some("1970-01-01T00:00:00Z"));
        for nonsense in
            ["", "yesterday", "2026-01-31", "2026-02-30T00:00:00Z", "2026-01-31T12:00:00", "9999-12-31T23:59:59-01:00"]
        {
            check(nonsense, None);
        }
        assert_eq!(made(None), None);
    }

    #[test]
    fn ages_are_whole_days_at_the_moment_of_the_run() {
        // 2026-11-21T00:00:00Z.
        let now = UNIX_EPOCH + Duration::from_secs(1_795_219_200);
        let check = |created: &str, expect: Option<u32>| assert_eq!(days(Some(created), now), expect, "{created}");
        check("2026-11-21T00:00:00Z", Some(0));
        check("2026-11-20T00:00:01Z", Some(0));
        check("2026-11-20T00:00:00Z", Some(1));
        check("2025-11-21T00:00:00Z", Some(365));
        check("2026-11-21T00:00:01Z", None);
        check("2012-12-31T23:59:59Z", None);
        check("1980-01-01T00:00:01Z", None);
        check("1970-01-01T00:00:00Z", None);
        check("0001-01-01T00:00:00Z", None);
        check("soon", None);
        assert_eq!(days(None, now), None);
    }

    #[test]
    fn the_moment_can_be_set() {
        assert_eq!(now(Some("86400")), Some(UNIX_EPOCH + Duration::from_secs(86_400)));
        assert!(now(None).is_some() && now(Some("")).is_some());
        for nonsense in ["-1", "+1", "1.5", "tomorrow", "253402300800", "99999999999999999999"] {
            assert_eq!(now(Some(nonsense)), None, "{nonsense}");
        }
    }
}

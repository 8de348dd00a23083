//! When to try again: jittered pauses, `Retry-After` where it fits, never past the deadline.

use std::hash::{BuildHasher, Hasher, RandomState};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use super::failure::Failure;
use crate::limits::{RETRY_AFTER_MAX, RETRY_DELAYS};

impl Failure {
    /// How long to pause before another try, after `tries` retries; `None` where there is none.
    pub fn delay(&self, tries: usize, deadline: Option<Instant>) -> Option<Duration> {
        let pause = jittered(*RETRY_DELAYS.get(tries).filter(|_| self.transient)?);
        let pause = pause.max(self.retry_after.unwrap_or_default());
        let left = match deadline {
            Some(deadline) => deadline.saturating_duration_since(Instant::now()),
            None => RETRY_AFTER_MAX,
        };
        (pause < left).then_some(pause)
    }
}

/// `Retry-After`: seconds, or a date of the form `Wed, 21 Oct 2015 07:28:00 GMT`.
pub(super) fn parse_retry_after(text: &str) -> Option<Duration> {
    let text = text.trim();
    if let Ok(seconds) = text.parse::<u32>() {
        return Some(Duration::from_secs(seconds.into()));
    }
    let date = UNIX_EPOCH.checked_add(Duration::from_secs(parse_date(text)?))?;
    Some(date.duration_since(SystemTime::now()).unwrap_or_default())
}

/// Between three and five quarters of `delay`, so that many callers do not come back together.
pub(super) fn jittered(delay: Duration) -> Duration {
    let random = RandomState::new().build_hasher().finish() % 512;
    delay * 3 / 4 + delay * random as u32 / 1024
}

/// Seconds since 1970 of an HTTP date.
fn parse_date(text: &str) -> Option<u64> {
    const MONTHS: [&str; 12] = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    let words: Vec<&str> = text.split_ascii_whitespace().collect();
    let &[_, day, month, year, time, "GMT"] = words.as_slice() else {
        return None;
    };
    let day: u64 = day.parse().ok().filter(|day| (1..=31).contains(day))?;
    let month = MONTHS.iter().position(|name| *name == month)? as u64 + 1;
    let year: u64 = year.parse().ok().filter(|year| (1970..10_000).contains(year))?;
    let clock =
        time.split(':').map(|part| part.parse().ok().filter(|part| *part < 62)).collect::<Option<Vec<u64>>>()?;
    let &[hours, minutes, seconds] = clock.as_slice() else {
        return None;
    };
    Some(((days(year, month, day) * 24 + hours) * 60 + minutes) * 60 + seconds)
}

/// Days since 1970 of a date in the Gregorian calendar (Hinnant's `days_from_civil`).
fn days(year: u64, month: u64, day: u64) -> u64 {
    let year = if month <= 2 { year - 1 } else { year };
    let (era, year_of_era) = (year / 400, year % 400);
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    era * 146_097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year - 719_468
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn http_dates_are_read() {
        assert_eq!(parse_date("Thu, 01 Jan 1970 00:00:00 GMT"), Some(0));
        assert_eq!(parse_date("Wed, 21 Oct 2015 07:28:00 GMT"), Some(1_445_412_480));
        assert_eq!(parse_date("Thu, 29 Feb 2024 23:59:59 GMT"), Some(1_709_251_199));
        for bad in ["", "soon", "Wed, 21 Oct 2015 07:28:00", "Wed, 99 Oct 2015 07:28:00 GMT", "a b c d e GMT"] {
            assert_eq!(parse_date(bad), None, "{bad}");
        }
    }

    #[test]
    fn retry_after_is_seconds_or_a_date() {
        assert_eq!(parse_retry_after("3"), Some(Duration::from_secs(3)));
        assert_eq!(parse_retry_after("Wed, 21 Oct 2015 07:28:00 GMT"), Some(Duration::ZERO));
        assert_eq!(parse_retry_after("-1"), None);
    }

    #[test]
    fn pauses_are_jittered_within_bounds() {
        for _ in 0..100 {
            let pause = jittered(Duration::from_millis(100));
            assert!((75..=125).contains(&pause.as_millis()), "{pause:?}");
        }
    }
}

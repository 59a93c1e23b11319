//! Unix time and the calendar: dates on the command line, times on the screen. UTC throughout.

use std::time::{SystemTime, UNIX_EPOCH};

/// Seconds of a day.
pub(crate) const DAY: u64 = 86_400;

/// Seconds of an hour.
pub(crate) const HOUR: u64 = 3_600;

/// Seconds since 1970, by the machine's clock.
pub(crate) fn unix_now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
}

/// `2024-08-05 06:15`.
pub(crate) fn minute(unix: u64) -> String {
    let (year, month, day) = date(unix / DAY);
    let second = unix % DAY;
    format!("{year:04}-{month:02}-{day:02} {:02}:{:02}", second / HOUR, second % HOUR / 60)
}

/// Reads `2024-08-05`, `2024-08-05T06`, `2024-08-05T06:15` (UTC) or Unix seconds.
pub(crate) fn parse(text: &str) -> Option<u64> {
    if text.len() >= 9 && text.chars().all(|c| c.is_ascii_digit()) {
        return text.parse().ok();
    }
    let (day, clock) = text.split_once(['T', ' ']).unwrap_or((text, "0"));
    let mut parts = day.split('-').map(|part| part.parse::<u64>().ok());
    let (year, month, day) = (parts.next()??, parts.next()??, parts.next()??);
    let (hour, minute) = clock.trim_end_matches('Z').split_once(':').unwrap_or((clock, "0"));
    // Seconds may follow; bars do not know them.
    let minute = minute.split(':').next()?;
    let (hour, minute) = (hour.parse::<u64>().ok()?, minute.parse::<u64>().ok()?);
    let days = days_since_epoch(year, month, day)?;
    // A day that does not exist (30 February) does not come back from its number.
    let real = parts.next().is_none() && date(days) == (year, month, day);
    (real && hour < 24 && minute < 60).then_some(days * DAY + hour * HOUR + minute * 60)
}

/// Days since 1970-01-01 of a date in the Gregorian calendar, counted from 1 March of year 0 (after
/// Howard Hinnant, "chrono-compatible low-level date algorithms").
fn days_since_epoch(year: u64, month: u64, day: u64) -> Option<u64> {
    if !(1970..=9999).contains(&year) || !(1..=12).contains(&month) || !(1..=31).contains(&day) {
        return None;
    }
    let year = if month <= 2 { year - 1 } else { year };
    let (era, year_of_era) = (year / 400, year % 400);
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    (era * 146_097 + day_of_era).checked_sub(719_468)
}

/// Year, month and day of a day since 1970-01-01.
fn date(days: u64) -> (u64, u64, u64) {
    let days = days + 719_468;
    let (era, day_of_era) = (days / 146_097, days % 146_097);
    let year_of_era =
        (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = if month_from_march < 10 { month_from_march + 3 } else { month_from_march - 9 };
    (era * 400 + year_of_era + u64::from(month <= 2), month, day)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_read_and_write() {
        assert_eq!(parse("2024-08-01"), Some(1_722_470_400));
        assert_eq!(parse("2024-08-05T06:15"), Some(1_722_838_500));
        assert_eq!(parse("2024-08-05T06:15:00Z"), Some(1_722_838_500));
        assert_eq!(parse("1722470400"), Some(1_722_470_400));
        assert_eq!(parse("1970-01-01"), Some(0));
        assert_eq!(minute(1_722_838_500), "2024-08-05 06:15");
        assert_eq!(minute(951_782_400), "2000-02-29 00:00");
    }

    #[test]
    fn dates_that_do_not_exist_are_refused() {
        for text in
            ["", "2024", "2024-13-01", "2023-02-29", "2024-08-01T25", "yesterday", "2024-8-1-1"]
        {
            assert_eq!(parse(text), None, "{text}");
        }
    }
}

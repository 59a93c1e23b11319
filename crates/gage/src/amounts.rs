//! Amounts of the protocol as people read them: 256-bit numbers, tokens, dollars, rates, health.

use alloy_primitives::{Address, U256};

use crate::decimal::{WAD_DECIMALS, brief, dollars, exact, human, percent_of_bps, percent_of_wad};

/// Seconds of a year, as rates are shown.
const YEAR_SECONDS: u64 = 31_536_000;

/// What turns a ray into a wad.
const WAD_PER_RAY: u64 = 1_000_000_000;

/// Narrowed for showing; amounts of the protocol fit.
fn narrow(value: U256) -> u128 {
    value.saturating_to()
}

/// `1,234.56`.
pub(crate) fn tokens(amount: U256, decimals: u8) -> String {
    brief(narrow(amount), decimals)
}

/// Every digit: `1234.567891`.
pub(crate) fn all_digits(amount: U256, decimals: u8) -> String {
    exact(narrow(amount), decimals)
}

/// A value in dollars, given as a wad.
pub(crate) fn usd(wad: U256) -> String {
    dollars(narrow(wad))
}

/// Basis points as a percentage.
pub(crate) fn bps(value: u16) -> String {
    percent_of_bps(value.into())
}

/// A wad between 0 and 1 as a percentage.
pub(crate) fn percent(wad: U256) -> String {
    percent_of_wad(narrow(wad))
}

/// A ray per second as a percentage per year, without compounding.
pub(crate) fn per_year(ray_per_second: U256) -> String {
    let wad = ray_per_second.saturating_mul(U256::from(YEAR_SECONDS)) / U256::from(WAD_PER_RAY);
    percent(wad)
}

/// A health factor: `1.0432`, or `∞` without debt.
pub(crate) fn health(wad: U256) -> String {
    if wad == U256::MAX { "∞".to_owned() } else { human(narrow(wad), WAD_DECIMALS, 4) }
}

/// A price in dollars; `—` if there is none.
pub(crate) fn price(wad: U256) -> String {
    if wad.is_zero() { "—".to_owned() } else { format!("${}", brief(narrow(wad), WAD_DECIMALS)) }
}

/// Wei for a unit of gas: in gwei, or in wei where that says more.
pub(crate) fn gas_price(wei: u64) -> String {
    const GWEI: u64 = 1_000_000_000;
    if wei < GWEI / 1_000 {
        format!("{wei} wei")
    } else {
        format!("{} gwei", human(wei.into(), 9, 3))
    }
}

/// So many blocks.
pub(crate) fn blocks(count: u64) -> String {
    if count == 1 { "1 block".to_owned() } else { format!("{count} blocks") }
}

/// `0xf39F…2266`.
pub(crate) fn short(address: Address) -> String {
    let text = address.to_string();
    format!("{}…{}", &text[..6], &text[38..])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_are_written_for_people() {
        assert_eq!(health(U256::MAX), "∞");
        assert_eq!(health(U256::from(1_043_200_000_000_000_000_u64)), "1.0432");
        assert_eq!(short(Address::ZERO), "0x0000…0000");
        // 5 % a year.
        assert_eq!(per_year(U256::from(1_585_489_600_000_000_000_u64)), "5.00 %");
        assert_eq!(price(U256::ZERO), "—");
        assert_eq!(tokens(U256::from(1_500_000), 6), "1.5000");
        assert_eq!(gas_price(7), "7 wei");
        assert_eq!(gas_price(1_500_000_000), "1.500 gwei");
    }
}

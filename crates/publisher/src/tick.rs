//! What a venue says of a symbol.

/// A venue's quote, in wads of its quote currency.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tick {
    /// The venue's name of the pair.
    pub symbol: String,
    /// The best price that somebody pays.
    pub bid: u128,
    /// The best price for which somebody sells; not below the bid.
    pub ask: u128,
    /// When it was so by the venue's clock, in milliseconds since 1970, where it says.
    pub time: Option<u64>,
}

impl Tick {
    /// A quote, unless the book is crossed or empty.
    #[must_use]
    pub fn new(symbol: &str, bid: u128, ask: u128, time: Option<u64>) -> Option<Self> {
        (bid > 0 && bid <= ask).then(|| Self { symbol: symbol.to_owned(), bid, ask, time })
    }

    /// A price without a spread, from elsewhere than a book.
    #[must_use]
    pub fn flat(symbol: &str, price: u128, time: Option<u64>) -> Self {
        Self { symbol: symbol.to_owned(), bid: price, ask: price, time }
    }

    /// Between bid and ask, rounded down.
    #[must_use]
    pub const fn middle(&self) -> u128 {
        self.bid.saturating_add(self.ask.saturating_sub(self.bid) / 2)
    }

    /// Half of the spread, rounded up.
    #[must_use]
    pub const fn half_spread(&self) -> u128 {
        self.ask.saturating_sub(self.bid).div_ceil(2)
    }
}

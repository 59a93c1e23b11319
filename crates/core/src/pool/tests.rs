//! Pools as their source says they behave, and what moves the mean.

use super::*;
use crate::fixed::WAD;
use proptest::prelude::*;

const POOL: Address = Address::repeat_byte(0x77);
const START: u64 = 1_800_000_000;

fn terms(window: u32) -> PoolTerms {
    PoolTerms {
        pool: POOL,
        priced: PoolToken::Zero,
        decimals: 18,
        quote_decimals: 6,
        window,
        drift: Bps::new(u16::MAX),
        reserve_min: 1,
        quote: FeedId::new(1),
    }
}

/// A pair as its source says it behaves, apart from the code that reads it: it adds up by its own 32-bit clock.
#[derive(Clone, Copy, Debug)]
struct Pair {
    reserves: [u128; 2],
    clock: u32,
    cumulative: [U256; 2],
}

impl Pair {
    fn new(reserves: [u128; 2], now: u64) -> Self {
        Self { reserves, clock: now as u32, cumulative: [U256::ZERO; 2] }
    }

    fn price(&self, token: usize) -> U256 {
        (U256::from(self.reserves[1 - token]) << 112) / U256::from(self.reserves[token])
    }

    fn trade(&mut self, reserves: [u128; 2], now: u64) {
        let elapsed = U256::from((now as u32).wrapping_sub(self.clock));
        for token in [0, 1] {
            self.cumulative[token] =
                self.cumulative[token].wrapping_add(self.price(token).wrapping_mul(elapsed));
        }
        (self.reserves, self.clock) = (reserves, now as u32);
    }

    fn words(&self, token: PoolToken) -> PoolWords {
        let [zero, one] = self.reserves.map(U256::from);
        let reserves = U256::from(self.clock) << 224 | one << 112 | zero;
        let cumulative = self.cumulative[usize::from(token == PoolToken::One)];
        PoolWords { reserves, cumulative }
    }

    fn read(&self, terms: &PoolTerms, now: u64) -> Result<PoolReading, Unusable> {
        PoolReading::of(terms, &self.words(terms.priced), Timestamp::new(now))
    }
}

/// A trail that is read, and the time back to which its last mean reached.
#[derive(Clone, Copy, Debug, Default)]
struct Watch {
    trail: PoolTrail,
    mean: Option<Mean>,
}

impl Watch {
    fn read(&mut self, terms: &PoolTerms, pair: &Pair, now: u64) {
        match pair.read(terms, now) {
            Ok(reading) => {
                let (trail, mean) = self.trail.advance(terms, &reading);
                (self.trail, self.mean) = (trail, mean.ok());
            }
            Err(_) => *self = Self::default(),
        }
    }
}

fn any_reserve() -> impl Strategy<Value = u128> {
    (20_u32..112, any::<u128>()).prop_map(|(bits, number)| (number >> (128 - bits)).max(1))
}

fn any_token() -> impl Strategy<Value = PoolToken> {
    prop::sample::select(vec![PoolToken::Zero, PoolToken::One])
}

/// Reserves, and for how many seconds they stand.
fn any_path() -> impl Strategy<Value = Vec<([u128; 2], u64)>> {
    let reserves = prop::array::uniform2(any_reserve());
    prop::collection::vec((reserves, 1_u64..400), 10..60)
}

/// `Σ p·Δt` over a path from its start to `until`, summed from the path itself.
fn integral(path: &[([u128; 2], u64)], token: usize, (from, until): (u64, u64)) -> U512 {
    let (mut at, mut sum) = (0, U512::ZERO);
    for (reserves, seconds) in path {
        let end = at + seconds;
        let overlap = end.min(until).saturating_sub(at.max(from));
        let price = Pair::new(*reserves, 0).price(token);
        sum += U512::from(price) * U512::from(overlap);
        at = end;
    }
    sum
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    /// ORC-3: the mean is the integral of the price over the time that it says, exactly, wherever the pair's counter and
    /// clock stand, and however irregularly it is read.
    #[test]
    fn the_mean_is_the_exact_integral(
        path in any_path(),
        token in any_token(),
        start in prop_oneof![Just(START), (1_u64 << 32) - 3_000..1_u64 << 32],
        counter in prop_oneof![Just(U256::ZERO), any::<[u8; 32]>().prop_map(U256::from_be_bytes), Just(U256::MAX)],
        pauses in prop::collection::vec(1_u64..500, 60),
    ) {
        let terms = PoolTerms { priced: token, ..terms(WINDOW_MIN) };
        let side = usize::from(token == PoolToken::One);
        let mut pair = Pair::new(path[0].0, start);
        pair.cumulative = [counter; 2];
        let mut watch = Watch::default();
        let (mut at, mut due) = (0, 0);
        let mut pauses = pauses.into_iter().cycle();
        for (place, (_, seconds)) in path.iter().enumerate() {
            let end = at + seconds;
            while due < end {
                watch.read(&terms, &pair, start + due);
                if let Some(mean) = watch.mean {
                    let window = u64::from(terms.window);
                    prop_assert!(mean.seconds >= window && mean.seconds <= 2 * window);
                    prop_assert!(mean.seconds <= due);
                    let exact = integral(&path, side, (due - mean.seconds, due));
                    prop_assert_eq!(U512::from(mean.integral), exact);
                }
                due += pauses.next().unwrap();
            }
            if let Some((next, _)) = path.get(place + 1) {
                pair.trade(*next, start + end);
            }
            at = end;
        }
    }

    /// Who reads in every second and who reads now and then agree where their means reach back equally far.
    #[test]
    fn sampling_does_not_matter(path in any_path(), pauses in prop::collection::vec(1_u64..290, 60)) {
        let terms = terms(WINDOW_MIN);
        let mut pair = Pair::new(path[0].0, START);
        let (mut often, mut seldom) = (Vec::new(), Watch::default());
        let (mut at, mut due) = (0, 0);
        let mut pauses = pauses.into_iter().cycle();
        for (place, (_, seconds)) in path.iter().enumerate() {
            for now in at..at + seconds {
                let reading = pair.read(&terms, START + now).unwrap();
                often.push(reading.cumulative);
                if now == due {
                    seldom.read(&terms, &pair, START + now);
                    due += pauses.next().unwrap();
                    if let Some(mean) = seldom.mean {
                        let base = often[(now - mean.seconds) as usize];
                        prop_assert_eq!(mean.integral, reading.cumulative.wrapping_sub(base));
                    }
                }
            }
            at += seconds;
            if let Some((next, _)) = path.get(place + 1) {
                pair.trade(*next, START + at);
            }
        }
    }

    /// Nothing is said before the window is full; from then on, with a reading every few seconds, something always is, and
    /// it is never of more than one and a half windows and two gaps.
    #[test]
    fn the_window_is_full_before_anything_is_said(
        window in WINDOW_MIN..4 * WINDOW_MIN,
        pauses in prop::collection::vec(1_u64..40, 400),
    ) {
        let (terms, pair) = (terms(window), Pair::new([10, 20], START));
        let (mut watch, mut now) = (Watch::default(), START);
        for pause in pauses {
            watch.read(&terms, &pair, now);
            let full = now - START >= u64::from(window);
            prop_assert_eq!(watch.mean.is_some(), full);
            if let Some(mean) = watch.mean {
                prop_assert!(2 * mean.seconds <= 3 * u64::from(window) + 4 * 40);
            }
            now += pause;
        }
    }

    /// A price of so many whole quote tokens reads so, whatever both tokens' decimals and whichever side is priced.
    #[test]
    fn decimals_are_exact(
        decimals in 0_u8..=27,
        quote_decimals in 0_u8..=27,
        token in any_token(),
        price in 1_u64..1_000_000,
        quote in 1_u128..1_000_000 * WAD,
    ) {
        // Reserves that hold the price exactly, in a counter that is not rounded: a power of two on the priced side.
        let terms = PoolTerms { decimals, quote_decimals, priced: token, ..terms(WINDOW_MIN) };
        let spot = U512::from(price) * power(quote_decimals) * (U512::ONE << 112) / power(decimals);
        let spot = U256::from(spot);
        let seconds = u64::from(WINDOW_MIN);
        let mean = Mean { integral: spot * U256::from(seconds), seconds };
        let ratio = mean.ratio(&terms).unwrap().get();
        // The counter's own rounding: one part of 2¹¹² of a base unit for a base unit.
        let grain = power(decimals) * U512::from(WAD) / power(quote_decimals) / (U512::ONE << 112);
        let grain = u128::try_from(grain).unwrap() + 1;
        let whole = u128::from(price) * WAD;
        prop_assert!(ratio <= whole && whole - ratio <= grain, "{} {}", ratio, whole);
        let dollars = mean.price(&terms, Wad::new(quote)).unwrap().get();
        let exact = u128::from(price) * quote;
        let grain = U512::from(grain) * U512::from(quote) / U512::from(WAD);
        prop_assert!(dollars <= exact && exact - dollars <= u128::try_from(grain).unwrap() + 1);
    }

    /// Words of any content give a reading or a reason; a price that does not fit is an error.
    #[test]
    fn no_words_stop_a_reader(
        words in prop::array::uniform4(any::<[u8; 32]>().prop_map(U256::from_be_bytes)),
        now in any::<u64>(),
        seconds in 1_u64..=u64::from(WINDOW_MAX) * 2,
        decimals in prop::array::uniform2(0_u8..=27),
        token in any_token(),
    ) {
        let [reserves, cumulative, zero, one] = words;
        let terms = PoolTerms { priced: token, decimals: decimals[0], quote_decimals: decimals[1], ..terms(WINDOW_MIN) };
        let _ = terms.tokens([zero, one]);
        let _ = PoolReading::of(&terms, &PoolWords { reserves, cumulative }, Timestamp::new(now));
        let mean = Mean { integral: cumulative, seconds };
        let _ = mean.price(&terms, Wad::MAX);
        let _ = mean.drifted(reserves >> 32, terms.drift);
    }
}

/// Watches a pair at a price of one for long, every `block` seconds, then at `factor` for `held` blocks, then at one
/// again for a block; returns the largest mean, as a part of the price before, in wads.
fn pumped(terms: &PoolTerms, (block, held): (u64, u64), factor: u128) -> Option<u128> {
    let base = [WAD << 40, WAD << 40];
    let root = factor.isqrt();
    let high = [base[0] / root, base[1] * root];
    let (mut pair, mut watch, mut now) = (Pair::new(base, START), Watch::default(), START);
    for _ in 0..2 * u64::from(terms.window) / block {
        watch.read(terms, &pair, now);
        now += block;
    }
    assert!(watch.mean.is_some());
    if held == 0 {
        // In one block: the prelude saw the price before, and sees the price after.
        pair.trade(high, now);
        pair.trade(base, now);
    } else {
        pair.trade(high, now);
    }
    let mut most = None;
    for height in 0..2 * u64::from(terms.window) / block {
        now += block;
        if height + 1 == held {
            // What the prelude of the next block reads is the price that was held until it.
            watch.read(terms, &pair, now);
            most = most.max(watch.mean.map(|mean| mean.ratio(terms).unwrap().get()));
            pair.trade(base, now);
            continue;
        }
        watch.read(terms, &pair, now);
        most = most.max(watch.mean.map(|mean| mean.ratio(terms).unwrap().get()));
    }
    most
}

fn even(window: u32) -> PoolTerms {
    PoolTerms { quote_decimals: 18, ..terms(window) }
}

/// O-01, O-07: what is pumped and sold back within a block leaves nothing, by whatever factor; held for `h` seconds of a
/// window `W` it moves the mean by `(x − 1)·h/W` at most, and what is said by the drift at most.
#[test]
fn reg_o07_a_pump_moves_the_mean_by_the_time_it_stood() {
    for power in 1..=6 {
        // Roots are whole, so that the factor is what the reserves say.
        let factor = 10_u128.pow(power).isqrt().pow(2);
        for window in [WINDOW_MIN, 1_800, 7_200] {
            let (loose, strict) =
                (even(window), PoolTerms { drift: Bps::new(1_000), ..even(window) });
            assert_eq!(pumped(&loose, (1, 0), factor), Some(WAD));
            for (block, held) in [(1, 1), (1, 2), (12, 1), (12, 10)] {
                let (stood, full) = (u128::from(block * held), u128::from(window));
                let bound = WAD + (factor - 1) * WAD * stood / full;
                let most = pumped(&loose, (block, held), factor).unwrap();
                assert!(most <= bound, "{factor} {window} {block} {held}: {most} > {bound}");
                // Whatever the factor, what is said is never further off than the drift.
                let most = pumped(&strict, (block, held), factor).unwrap();
                assert!(most <= WAD * 11 / 10, "{factor} {window} {block} {held}: {most}");
            }
        }
    }
}

/// O-19: whoever knows when the kept readings are made gains nothing: a price that stands for a block at every one of these
/// moments counts for the seconds that it stood.
#[test]
fn reg_o19_sampling_times_carry_no_weight() {
    let terms = even(WINDOW_MIN);
    let (base, high) = ([WAD << 40, WAD << 40], [WAD << 38, WAD << 42]);
    let (mut pair, mut watch) = (Pair::new(base, START), Watch::default());
    let mut stood = Vec::new();
    for now in START..START + 6 * u64::from(WINDOW_MIN) {
        let before = watch.trail;
        watch.read(&terms, &pair, now);
        if let Some(mean) = watch.mean {
            let inside = stood.iter().filter(|at| **at >= now - mean.seconds).count() as u128;
            let exact = WAD + 15 * WAD * inside / u128::from(mean.seconds);
            assert_eq!(mean.ratio(&terms).unwrap().get(), exact);
            assert!(exact <= WAD + 15 * WAD * 3 / u128::from(WINDOW_MIN));
        }
        // The prelude just kept a reading: its block's last trade sets a price for a second.
        let kept = before != watch.trail;
        pair.trade(if kept { high } else { base }, now);
        if kept {
            stood.push(now);
        }
    }
    assert!(stood.len() > 10);
}

/// O-06: a pool that was emptied to an absurd price says nothing, and nothing for a window after it is whole again.
#[test]
fn reg_o06_an_emptied_pool_says_nothing_for_a_window() {
    let terms = PoolTerms { reserve_min: 1_000, ..even(WINDOW_MIN) };
    let mut pair = Pair::new([5_000, 5_000], START);
    let (mut watch, mut now) = (Watch::default(), START);
    let mut run = |pair: &Pair, seconds: u64| {
        let mut said = 0;
        for _ in 0..seconds / 5 {
            watch.read(&terms, pair, now);
            said += usize::from(watch.mean.is_some());
            now += 5;
        }
        (said, now)
    };
    assert!(run(&pair, 900).0 > 0);
    let (_, at) = run(&pair, 5);
    pair.trade([25_000, 999], at);
    let thin = Unusable::Thin { reserve: 999, least: 1_000 };
    assert_eq!(pair.read(&terms, at), Err(thin));
    assert_eq!(run(&pair, 3_600).0, 0);
    let (_, at) = run(&pair, 5);
    pair.trade([5_000, 5_000], at);
    assert_eq!(run(&pair, 600).0, 0);
    assert_eq!(run(&pair, 600).0, 120);
}

/// After a long time without readings there is nothing until a window is full again.
#[test]
fn a_trail_that_was_left_begins_anew() {
    let (terms, pair) = (even(WINDOW_MIN), Pair::new([1 << 60, 1 << 60], START));
    let mut watch = Watch::default();
    for now in (START..=START + 1_200).step_by(60) {
        watch.read(&terms, &pair, now);
    }
    assert!(watch.mean.is_some());
    let back = START + 1_200 + 1_201;
    for after in (0..600).step_by(60) {
        watch.read(&terms, &pair, back + after);
        assert_eq!(watch.mean, None, "{after}");
    }
    watch.read(&terms, &pair, back + 600);
    assert!(watch.mean.is_some());
}

/// The mean is not said while the present price is away from it by more than the drift, up or down.
#[test]
fn drift_silences() {
    let spot = U256::from(1_000_u64) << 112;
    let seconds = 600;
    let mean = Mean { integral: spot * U256::from(seconds), seconds };
    let at = |price: u64| U256::from(price) << 112;
    let drift = Bps::new(1_000);
    for (price, silent) in
        [(1_000, false), (1_100, false), (1_101, true), (910, false), (909, true)]
    {
        assert_eq!(mean.drifted(at(price), drift), silent, "{price}");
    }
    assert!(mean.drifted(U256::ZERO, drift));
}

#[test]
fn malformed_words_are_refused() {
    let terms = PoolTerms { reserve_min: 10, ..terms(WINDOW_MIN) };
    let read = |reserves: [u128; 2], clock: u64, now: u64| {
        let pair = Pair { reserves, clock: clock as u32, cumulative: [U256::ZERO; 2] };
        pair.read(&terms, now).map(|reading| reading.cumulative)
    };
    assert_eq!(read([0, 0], 0, START), Err(Unusable::Empty));
    assert_eq!(read([0, 50], START, START), Err(Unusable::Empty));
    assert_eq!(read([50, 0], START, START), Err(Unusable::Empty));
    assert_eq!(read([50, 50], START + 1, START), Err(Unusable::Ahead));
    assert_eq!(read([50, 9], START, START), Err(Unusable::Thin { reserve: 9, least: 10 }));
    assert_eq!(read([50, 10], START, START), Ok(U256::ZERO));
    // Over the turn of the 32-bit clock.
    let turn = 1_u64 << 32;
    assert_eq!(read([1, 10], turn - 5, turn + 5), Ok(U256::from(100) << 112));
    let all = read([RESERVE_MAX, RESERVE_MAX], START, START + 1);
    assert_eq!(all, Ok(U256::ONE << 112));

    let tokens = |zero: U256, one: U256| terms.tokens([zero, one]);
    let refused = Err(Error::NotAPool { pool: POOL });
    let (low, high) = (U256::from(5), U256::from(6));
    let addresses = [low, high].map(|word| Address::from_word(word.into()));
    assert_eq!(tokens(low, high), Ok(addresses));
    let other = PoolTerms { priced: PoolToken::One, ..terms };
    assert_eq!(other.tokens([low, high]), Ok([addresses[1], addresses[0]]));
    for (zero, one) in [
        (high, low),
        (low, low),
        (U256::ZERO, low),
        (low, U256::ONE << 160),
        (U256::ONE << 200, U256::ONE << 201),
        (U256::MAX, U256::MAX),
    ] {
        assert_eq!(tokens(zero, one), refused);
    }
}

#[test]
fn terms_have_bounds() {
    let good = terms(WINDOW_MIN);
    assert_eq!(good.check(), Ok(()));
    assert_eq!(PoolTerms { pool: Address::ZERO, ..good }.check(), Err(Error::ZeroAddress));
    for (bad, name) in [
        (PoolTerms { decimals: 28, ..good }, "decimals"),
        (PoolTerms { quote_decimals: 28, ..good }, "quote decimals"),
        (PoolTerms { window: WINDOW_MIN - 1, ..good }, "window"),
        (PoolTerms { window: WINDOW_MAX + 1, ..good }, "window"),
        (PoolTerms { drift: Bps::ZERO, ..good }, "drift"),
        (PoolTerms { reserve_min: 0, ..good }, "least reserve"),
        (PoolTerms { reserve_min: RESERVE_MAX + 1, ..good }, "least reserve"),
    ] {
        let refused = bad.check();
        assert!(matches!(refused, Err(Error::InvalidParameter { name: of, .. }) if of == name));
    }
}

/// A price that no [`Wad`] holds is an error, not another price.
#[test]
fn a_price_too_large_is_an_error() {
    let terms = PoolTerms { decimals: 27, quote_decimals: 0, ..terms(WINDOW_MIN) };
    let mean = Mean { integral: U256::MAX, seconds: 1 };
    assert_eq!(mean.ratio(&terms), Err(Error::Overflow));
    let mean = Mean { integral: U256::MAX, seconds: 0 };
    assert_eq!(mean.ratio(&PoolTerms { decimals: 0, ..terms }), Err(Error::Overflow));
}

//! Feeds computed slowly and apart from the protocol's code: lists instead of sums, 256 bits instead of care, and the
//! exponential of the machine.

use std::collections::BTreeMap;

use gage_core::growth::HEADROOM_SECONDS;
use gage_core::quote::Status;
use gage_core::sources::ROUND_MAX;
use gage_core::{FeedKind, FeedTerms, Guards, RAY, U256, WAD};

/// A source and what it said last.
#[derive(Clone, Debug)]
pub(crate) struct ModelSource {
    pub(crate) weight: u64,
    pub(crate) max_age: u64,
    /// Whether it means what it says.
    pub(crate) honest: bool,
    pub(crate) price: u128,
    /// In millionths of the price.
    pub(crate) confidence: u128,
    pub(crate) time: u64,
    pub(crate) round: u64,
}

#[derive(Clone, Debug)]
pub(crate) struct ModelFeed {
    pub(crate) kind: FeedKind,
    pub(crate) terms: FeedTerms,
    pub(crate) sources: BTreeMap<u8, ModelSource>,
    pub(crate) price: u128,
    pub(crate) time: u64,
    pub(crate) pinned: bool,
    pub(crate) smoothed: u128,
    pub(crate) smoothed_at: u64,
    pub(crate) frozen_until: u64,
    pub(crate) resumes_at: u64,
    pub(crate) fallback: Option<u32>,
    /// The anchor, its moment, and the growth a second.
    pub(crate) cap: (u128, u64, u128),
    pub(crate) settled: Option<(u128, u64)>,
    level: Option<(u128, u64)>,
    pub(crate) doubt_until: Option<u64>,
    budget: u64,
    budget_at: u64,
    rounds: u64,
}

/// One fresh report.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Said {
    pub(crate) tag: u8,
    pub(crate) weight: u64,
    pub(crate) price: u128,
    pub(crate) honest: bool,
    confidence: u128,
    time: u64,
}

/// What reports make together.
#[derive(Clone, Debug)]
pub(crate) struct Together {
    pub(crate) price: u128,
    pub(crate) spread: u128,
    pub(crate) time: u64,
    pub(crate) accepted: Vec<Said>,
}

/// The two in the middle of a list in which everything stands as often as it weighs.
fn medians<T: Copy + Ord>(values: impl Iterator<Item = (T, u64)>) -> (T, T) {
    let mut list = Vec::new();
    for (value, weight) in values {
        list.extend((0..weight).map(|_| value));
    }
    list.sort();
    (list[(list.len() - 1) / 2], list[list.len() / 2])
}

fn middle(values: impl Iterator<Item = (u128, u64)>) -> u128 {
    let (low, high) = medians(values);
    low + (high - low) / 2
}

/// `a · b / c`, rounded down, at most what a price can be.
pub(crate) fn part(a: u128, b: u128, c: u128) -> u128 {
    (U256::from(a) * U256::from(b) / U256::from(c)).saturating_to()
}

/// The part that `of` is of `whole` in millionths, rounded up.
pub(crate) fn millionths(of: u128, whole: u128) -> u128 {
    let parts = (U256::from(of) * U256::from(1_000_000)).div_ceil(U256::from(whole));
    parts.saturating_to::<u128>().min(u32::MAX.into())
}

pub(crate) fn together(said: &[Said], guards: &Guards) -> Option<Together> {
    if said.is_empty() {
        return None;
    }
    let price = middle(said.iter().map(|said| (said.price, said.weight)));
    let mad = medians(said.iter().map(|said| (said.price.abs_diff(price), said.weight))).0;
    let by_mad = (U256::from(mad) * U256::from(9)).div_ceil(U256::from(2));
    let outlier = U256::from(guards.outlier.get());
    let floor = (U256::from(price) * outlier).div_ceil(U256::from(10_000));
    let counts = |said: &&Said| U256::from(said.price.abs_diff(price)) <= by_mad.max(floor);
    let accepted: Vec<Said> = said.iter().filter(counts).copied().collect();
    let mut times: Vec<u64> = accepted.iter().map(|said| said.time).collect();
    times.sort();
    times.reverse();
    let time = *times.get(usize::from(guards.quorum) - 1)?;
    let apart = |said: &Said| (millionths(said.price.abs_diff(price), price), said.weight);
    let apart = medians(accepted.iter().map(apart)).1;
    let held = medians(accepted.iter().map(|said| (said.confidence, said.weight))).1;
    Some(Together { price, spread: apart.max(held), time, accepted })
}

fn is_jump(guards: &Guards, from: u128, to: u128, elapsed: u64) -> bool {
    if guards.jump.get() == 0 {
        return false;
    }
    // The root of time in ten thousandths, one at least.
    let root = (u128::from(elapsed) * 100_000_000 / u128::from(guards.confirm)).isqrt();
    let reach = part(from, root.max(10_000) * u128::from(guards.jump.get()), 100_000_000);
    to.abs_diff(from) > reach
}

impl ModelFeed {
    pub(crate) fn new(kind: FeedKind, terms: FeedTerms, growth: u128) -> Self {
        Self {
            kind,
            terms,
            sources: BTreeMap::new(),
            price: 0,
            time: 0,
            pinned: false,
            smoothed: 0,
            smoothed_at: 0,
            frozen_until: 0,
            resumes_at: 0,
            fallback: None,
            cap: (0, 0, growth),
            settled: None,
            level: None,
            doubt_until: None,
            budget: 0,
            budget_at: 0,
            rounds: 0,
        }
    }

    /// Keeps a report, unless it is to be refused.
    pub(crate) fn hear(
        &mut self,
        tag: u8,
        (price, confidence): (u128, u128),
        (time, round): (u64, u64),
        now: u64,
    ) -> bool {
        let Some(source) = self.sources.get_mut(&tag) else { return false };
        if time > now || time <= source.time || round <= source.round || round > ROUND_MAX {
            return false;
        }
        source.price = price.max(1);
        source.confidence = millionths(confidence, source.price);
        (source.time, source.round) = (time, round);
        true
    }

    /// What is fresh.
    pub(crate) fn said(&self, now: u64) -> Vec<Said> {
        let fresh = |source: &ModelSource| source.round > 0 && now <= source.time + source.max_age;
        let said = |(tag, source): (&u8, &ModelSource)| {
            let ModelSource { weight, honest, price, confidence, time, .. } = *source;
            fresh(source).then_some(Said { tag: *tag, weight, price, honest, confidence, time })
        };
        self.sources.iter().filter_map(said).collect()
    }

    fn is_at_bound(&self, price: u128) -> bool {
        price <= self.terms.price_min.get() || price >= self.terms.price_max.get()
    }

    pub(crate) fn limit(&self, at: u64) -> u128 {
        let (anchor, since, growth) = self.cap;
        anchor.saturating_add(part(anchor, growth * u128::from(at.saturating_sub(since)), RAY))
    }

    /// What the growth cap and the bounds leave of a number.
    fn accepts(&mut self, reported: u128, time: u64) -> u128 {
        let bounded =
            |price: u128| price.clamp(self.terms.price_min.get(), self.terms.price_max.get());
        if !self.kind.is_capped() {
            return bounded(reported);
        }
        let (anchor, since, growth) = self.cap;
        if anchor == 0 {
            let price = bounded(reported);
            if !self.is_at_bound(price) {
                self.cap = (reported, time, growth);
            }
            return price;
        }
        let limit = self.limit(time);
        let accepted = reported.min(limit);
        let earliest = time.saturating_sub(HEADROOM_SECONDS);
        let cap = if accepted > anchor {
            // Growth that was not used, in seconds.
            let left = part(limit - accepted, RAY, accepted).checked_div(growth).unwrap_or(0);
            let left = u64::try_from(left).unwrap_or(u64::MAX);
            (accepted, time.saturating_sub(left).max(earliest), growth)
        } else {
            (anchor, since.max(earliest), growth)
        };
        let price = bounded(accepted);
        if !self.is_at_bound(price) {
            self.cap = cap;
        }
        price
    }

    /// Makes a price of what was said; what the smoothed price should be, as far as a machine's number says it.
    pub(crate) fn update(&mut self, now: u64) -> Option<(Together, f64)> {
        let guards = self.terms.guards;
        let found = together(&self.said(now), &guards)?;
        if self.rounds > 0 && now.saturating_sub(self.time) > u64::from(self.terms.max_age) {
            self.resumes_at = self.resumes_at.max(now + 600);
        }
        let price = self.accepts(found.price, found.time);
        let (stood, was_pinned) = (self.price, self.pinned);
        (self.price, self.time, self.pinned) = (price, found.time, self.is_at_bound(price));
        if self.pinned {
            return Some((found, self.smoothed as f64));
        }
        let old = self.smoothed as f64;
        let smoothed = match (self.settled, guards.smoothing) {
            (None, _) | (_, 0) => price as f64,
            _ if was_pinned => old,
            (_, constant) => {
                let elapsed = (now - self.smoothed_at) as f64;
                stood as f64 + (old - stood as f64) * (-elapsed / f64::from(constant)).exp()
            }
        };
        self.smoothed_at = now;
        self.rounds += 1;
        self.judge(price, (found.time, now), found.spread);
        Some((found, smoothed))
    }

    fn judge(&mut self, price: u128, (time, now): (u64, u64), spread: u128) {
        let guards = self.terms.guards;
        let away = self
            .settled
            .is_some_and(|(settled, at)| is_jump(&guards, settled, price, time.saturating_sub(at)));
        let jumped = away
            && match self.level {
                Some((level, since)) if !is_jump(&guards, level, price, 0) => {
                    time.saturating_sub(since) < u64::from(guards.confirm)
                }
                _ => {
                    self.level = Some((price, time));
                    true
                }
            };
        let allowed = u128::from(guards.spread.get()) * 100;
        let doubtful = jumped || (allowed > 0 && spread > allowed);
        if !away {
            self.level = None;
        }
        if !doubtful || self.settled.is_none() {
            self.settled = Some((price, time));
            self.level = None;
        }
        let whole = u64::from(guards.budget);
        match (self.doubt_until, doubtful) {
            (None, true) => {
                let gained =
                    part((now - self.budget_at).into(), whole.into(), guards.window.into());
                self.budget = whole.min(self.budget.saturating_add(gained.try_into().unwrap()));
                self.budget_at = now;
                self.doubt_until = Some(now + self.budget);
            }
            (Some(_), false) => {
                self.budget = self.budget.saturating_sub(now - self.budget_at);
                self.budget_at = now;
                self.doubt_until = None;
            }
            _ => (),
        }
    }
}

/// What a feed should say now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct ModelQuote {
    /// Newest, low and high, for collateral and for debt.
    pub(crate) ends: [[u128; 3]; 2],
    pub(crate) time: u64,
    pub(crate) resumes_at: u64,
    pub(crate) doubt_until: Option<u64>,
    /// Stale or frozen, if it may not be used.
    pub(crate) unusable: Option<Status>,
}

impl ModelQuote {
    pub(crate) fn status(&self) -> Status {
        let doubted = if self.doubt_until.is_some() { Status::Doubtful } else { Status::Live };
        self.unusable.unwrap_or(doubted)
    }

    fn with(self, other: Self, ends: [[u128; 3]; 2]) -> Self {
        Self {
            ends,
            time: self.time.min(other.time),
            resumes_at: self.resumes_at.max(other.resumes_at),
            doubt_until: self.doubt_until.max(other.doubt_until),
            unusable: self.unusable.or(other.unusable),
        }
    }
}

/// All feeds, and what a vault's share is worth in its asset: nothing, if it holds too little.
#[derive(Clone, Debug, Default)]
pub(crate) struct Model {
    pub(crate) feeds: BTreeMap<u32, ModelFeed>,
    pub(crate) share: Option<u128>,
}

impl Model {
    fn reported(&self, id: u32, now: u64) -> ModelQuote {
        let feed = &self.feeds[&id];
        let own = Self::own(feed, now);
        match feed.fallback {
            Some(fallback) if own.unusable == Some(Status::Stale) => {
                let other = Self::own(&self.feeds[&fallback], now);
                if other.unusable.is_none() { other } else { own }
            }
            _ => own,
        }
    }

    fn own(feed: &ModelFeed, now: u64) -> ModelQuote {
        let [low, high] = [feed.price.min(feed.smoothed), feed.price.max(feed.smoothed)];
        let pinned = feed.pinned.then_some(Status::Frozen);
        ModelQuote {
            ends: [[feed.price, low, high]; 2],
            time: feed.time,
            resumes_at: feed.resumes_at,
            doubt_until: feed.doubt_until,
            unusable: Self::aged(feed, feed.price, feed.time, now).or(pinned),
        }
    }

    fn aged(feed: &ModelFeed, price: u128, time: u64, now: u64) -> Option<Status> {
        let is_old = now.saturating_sub(time) > u64::from(feed.terms.max_age);
        if now < feed.frozen_until {
            Some(Status::Frozen)
        } else {
            (price == 0 || is_old).then_some(Status::Stale)
        }
    }

    pub(crate) fn quote(&self, id: u32, now: u64) -> ModelQuote {
        let feed = &self.feeds[&id];
        let times = |[newest, low, high]: [u128; 3], by: [u128; 3]| {
            [part(newest, by[0], WAD), part(low, by[1], WAD), part(high, by[2], WAD)]
        };
        let quote = match feed.kind {
            FeedKind::Product { base, rate } => {
                let (base, rate) = (self.reported(base.get(), now), self.reported(rate.get(), now));
                base.with(rate, [0, 1].map(|side| times(base.ends[side], rate.ends[side])))
            }
            FeedKind::Ratio { base, rate } => {
                let (base, rate) = (self.reported(base.get(), now), self.reported(rate.get(), now));
                let over = |price: u128, by: u128| if by == 0 { 0 } else { part(price, WAD, by) };
                let ends = [0, 1].map(|side| {
                    let ([newest, low, high], by) = (base.ends[side], rate.ends[side]);
                    [over(newest, by[0]), over(low, by[2]), over(high, by[1])]
                });
                base.with(rate, ends)
            }
            FeedKind::Pegged { base } => {
                let base = self.reported(base.get(), now);
                let peg = feed.terms.price_max.get();
                base.with(base, [base.ends[0].map(|price| price.min(peg)), base.ends[1]])
            }
            FeedKind::Lesser { one, other } => {
                let (one, other) = (self.quote(one.get(), now), self.quote(other.get(), now));
                let pick = |side: usize, pick: fn(u128, u128) -> u128| {
                    [0, 1, 2].map(|end| pick(one.ends[side][end], other.ends[side][end]))
                };
                one.with(other, [pick(0, u128::min), pick(1, u128::max)])
            }
            FeedKind::SharePrice { base, .. } => {
                let base = self.quote(base.get(), now);
                let Some(share) = self.share else {
                    let frozen = (now < feed.frozen_until).then_some(Status::Frozen);
                    let unusable = base.unusable.or(frozen);
                    return ModelQuote { ends: [[0; 3]; 2], unusable, ..base };
                };
                let share = share.min(feed.limit(now));
                base.with(base, base.ends.map(|ends| times(ends, [share; 3])))
            }
            FeedKind::Reported | FeedKind::Rate | FeedKind::NetAssetValue => {
                return self.reported(id, now);
            }
        };
        let price = quote.ends[0][0];
        let outside = match feed.kind {
            FeedKind::Pegged { .. } => price <= feed.terms.price_min.get(),
            _ => feed.is_at_bound(price),
        };
        let own = Self::aged(feed, price, quote.time, now);
        let unusable = quote.unusable.or(own).or(outside.then_some(Status::Frozen));
        ModelQuote { unusable, resumes_at: quote.resumes_at.max(feed.resumes_at), ..quote }
    }
}

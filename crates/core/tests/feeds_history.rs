//! Random histories of feeds of every kind, whose sources are honest, late, silent, lying, early or repeat themselves; beside
//! a model that is computed apart, and compared after every step.
//!
//! `GAGE_SEEDS` and `GAGE_STEPS` lengthen a run, `GAGE_SEED` repeats one seed or names the first.
#![allow(clippy::unwrap_used, reason = "a test may stop")]

mod world;

use std::collections::BTreeMap;

use gage_core::feed::creation::{
    ShareTerms, create_computed_feed, create_feed, create_net_asset_value_feed, create_rate_feed,
    create_share_feed,
};
use gage_core::feed::freeze::{FREEZE_MAX, freeze, unfreeze};
use gage_core::feed::{self, FeedTerms};
use gage_core::portfolio::Side;
use gage_core::quote::{Status, quote};
use gage_core::{
    Address, Bps, Event, FeedId, FeedKind, Guards, Report, Source, SourceId, SourceTerms, Stop,
    Timestamp, U256, VaultId, WAD, Wad, sources,
};
use world::acts::*;
use world::feed_model::{Model, ModelFeed, ModelSource, Together};
use world::staking::{bounds, per_year};
use world::*;

/// Feeds that sources report to, after the three of the world: two prices, a rate and a net asset value.
const PRICE: u32 = 4;
const SECOND: u32 = 5;
const RATE: u32 = 6;
const BOOKS: u32 = 7;
const REPORTED: [u32; 4] = [PRICE, SECOND, RATE, BOOKS];
/// What each is about at first, in units of the number itself.
const TRUTH: [u128; 4] = [100 * WAD, 100 * WAD, 2 * WAD, 90 * WAD];
const KEYS: u8 = 7;

/// How a source goes about it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Manner {
    Honest,
    Late,
    Silent,
    Early,
    Repeating,
    Lying,
}

const MANNERS: [Manner; 8] = [
    Manner::Honest,
    Manner::Honest,
    Manner::Late,
    Manner::Silent,
    Manner::Early,
    Manner::Repeating,
    Manner::Lying,
    Manner::Lying,
];

struct Run {
    world: World,
    model: Model,
    dice: Dice,
    truth: BTreeMap<u32, u128>,
    manners: BTreeMap<(u32, u8), Manner>,
    tally: BTreeMap<&'static str, u64>,
}

fn key(tag: u8) -> SourceId {
    SourceId::publisher(Address::repeat_byte(0xb0 + tag))
}

impl Run {
    fn new(seed: u64) -> Self {
        let mut world = World::new(&[6, 18, 18], 1);
        deposit(&mut world, LENDER, 1, 1_000 * unit(6)).unwrap();
        pledge(&mut world, ALICE, 2, 2_000 * WAD);
        borrow(&mut world, ALICE, 1, 850 * unit(6)).unwrap();
        let truth = REPORTED.into_iter().zip(TRUTH).collect();
        let (manners, tally) = (BTreeMap::new(), BTreeMap::new());
        let mut run =
            Self { world, model: Model::default(), dice: Dice(seed), truth, manners, tally };
        run.create();
        for feed in REPORTED {
            for tag in 0..=run.dice.below(KEYS.into()) as u8 {
                run.name(feed, tag);
            }
            run.change_terms(feed);
        }
        run
    }

    fn create(&mut self) {
        let l = &mut self.world.ledger;
        let (wide, subject) = (bounds(3_600, 1, 1 << 120), about(asset(2), ""));
        let growth = per_year(50);
        create_feed(l, OWNER, subject, &wide).unwrap();
        create_feed(l, OWNER, subject, &wide).unwrap();
        create_rate_feed(l, OWNER, subject, &wide, growth).unwrap();
        create_net_asset_value_feed(l, OWNER, subject, &wide, growth).unwrap();
        let [price, second, rate, books] = REPORTED.map(FeedId::new);
        let (product, pegged) = (FeedId::new(8), FeedId::new(10));
        for kind in [
            FeedKind::Product { base: price, rate },
            FeedKind::Ratio { base: second, rate },
            FeedKind::Pegged { base: price },
            FeedKind::Lesser { one: product, other: second },
            FeedKind::Lesser { one: books, other: pegged },
        ] {
            let terms = match kind {
                FeedKind::Pegged { .. } => bounds(3_600, 1, 99 * WAD),
                _ => bounds(3_600, 1, u128::MAX),
            };
            create_computed_feed(l, OWNER, subject, &terms, kind).unwrap();
        }
        let share = ShareTerms { vault: VaultId::new(1), base: product, growth: per_year(900) };
        create_share_feed(l, OWNER, label(""), &bounds(3_600, 1, u128::MAX), &share).unwrap();
        for (id, feed) in l.feeds.clone().into_iter().filter(|(id, _)| id.get() >= PRICE) {
            let cap = l.growth_caps.get(&id).copied().unwrap_or_default();
            let mut model = ModelFeed::new(feed.kind, l.feed_terms[&id], cap.growth.get());
            model.cap = (cap.anchor.get(), cap.since.get(), cap.growth.get());
            self.model.feeds.insert(id.get(), model);
        }
    }

    fn now(&self) -> u64 {
        self.world.ledger.now.get()
    }

    fn counts(&mut self, what: &'static str) {
        *self.tally.entry(what).or_default() += 1;
    }

    /// Names a source anew, or changes how one counts.
    fn name(&mut self, feed: u32, tag: u8) {
        let weight = self.dice.pick(&[1, 1, 1, 2, 5]);
        let max_age = self.dice.pick(&[60, 300, 3_000]);
        let terms = SourceTerms { weight, max_age };
        let l = &mut self.world.ledger;
        sources::set_source(l, OWNER, FeedId::new(feed), &Source { id: key(tag), terms }).unwrap();
        let manner = self.dice.pick(&MANNERS);
        let manner = *self.manners.entry((feed, tag)).or_insert(manner);
        let fresh = ModelSource {
            weight: 0,
            max_age: 0,
            honest: manner != Manner::Lying,
            price: 0,
            confidence: 0,
            time: 0,
            round: 0,
        };
        let sources = &mut self.model.feeds.get_mut(&feed).unwrap().sources;
        let source = sources.entry(tag).or_insert(fresh);
        (source.weight, source.max_age) = (weight.into(), max_age.into());
    }

    fn remove(&mut self, feed: u32, tag: u8) {
        let l = &mut self.world.ledger;
        let done = l.atomically(|l| sources::remove_source(l, OWNER, FeedId::new(feed), &key(tag)));
        let known = self.model.feeds.get_mut(&feed).unwrap().sources.remove(&tag).is_some();
        self.manners.remove(&(feed, tag));
        assert_eq!(done.is_ok(), known);
    }

    fn change_terms(&mut self, feed: u32) {
        let dice = &mut self.dice;
        let mut guards = Guards {
            quorum: dice.pick(&[1, 1, 2, 3, 4]),
            outlier: Bps::new(dice.pick(&[0, 50, 200, 1_000])),
            spread: Bps::new(dice.pick(&[0, 100, 500])),
            jump: Bps::new(dice.pick(&[0, 200, 1_000])),
            confirm: dice.pick(&[60, 300]),
            smoothing: dice.pick(&[60, 600, 3_600]),
            ..Guards::default()
        };
        if guards.spread > Bps::ZERO || guards.jump > Bps::ZERO {
            guards.budget = dice.pick(&[30, 600, 3_600]);
            guards.window = guards.budget * 10 + dice.pick(&[0, 50_000]);
        } else if dice.below(2) == 0 {
            guards.smoothing = 0;
        }
        let truth = self.truth[&feed];
        let least = dice.pick(&[1, truth / 2, truth * 9 / 10]);
        let most = dice.pick(&[u128::MAX, truth * 2, truth * 11 / 10]);
        let terms = FeedTerms { guards, ..bounds(dice.pick(&[120, 900, 3_600]), least, most) };
        feed::set_feed_terms(&mut self.world.ledger, OWNER, FeedId::new(feed), &terms).unwrap();
        let model = self.model.feeds.get_mut(&feed).unwrap();
        model.terms = terms;
        model.pinned = model.price > 0 && (model.price <= least || model.price >= most);
    }

    /// Terms of a computed feed.
    fn change_own_terms(&mut self, feed: u32) {
        let truth = self.model.quote(feed, self.now()).ends[0][0].max(2);
        let least = self.dice.pick(&[1, 1, truth / 2, truth]);
        let most = self.dice.pick(&[
            u128::MAX,
            u128::MAX,
            truth.saturating_mul(2),
            truth.saturating_add(1),
        ]);
        let terms = bounds(self.dice.pick(&[120, 900, 3_600]), least, most);
        let l = &mut self.world.ledger;
        if l.atomically(|l| feed::set_feed_terms(l, OWNER, FeedId::new(feed), &terms)).is_ok() {
            self.model.feeds.get_mut(&feed).unwrap().terms = terms;
        }
    }

    /// The truth moves: a little, sometimes much.
    fn drift(&mut self, feed: u32) {
        let per_mille = match self.dice.below(40) {
            0 => self.dice.pick(&[700, 900, 1_100, 1_400]),
            _ => 996 + u128::from(self.dice.below(9)),
        };
        let truth = self.truth.get_mut(&feed).unwrap();
        *truth = (*truth / 1_000 * per_mille).clamp(WAD / 1_000, 1_000_000 * WAD);
    }

    /// What a source would say: price, confidence, time and round.
    fn report(&mut self, feed: u32, tag: u8) -> Option<[u128; 4]> {
        let (now, truth) = (u128::from(self.now()), self.truth[&feed]);
        let last = self.model.feeds[&feed].sources[&tag].clone();
        let dice = &mut self.dice;
        let near = truth / 10_000 * (9_980 + u128::from(dice.below(41)));
        let confidence = dice.pick(&[0, 0, truth / 1_000, truth / 20]);
        let next = u128::from(last.round) + 1 + u128::from(dice.below(3));
        let said = match self.manners[&(feed, tag)] {
            Manner::Honest => [near, confidence, now, next],
            Manner::Late => [near, confidence, now.saturating_sub(dice.below(400).into()), next],
            Manner::Silent if dice.below(10) > 0 => return None,
            Manner::Silent => [near, 0, now, next],
            Manner::Early => [near, 0, now + u128::from(dice.below(3)), next],
            Manner::Repeating => {
                let round = u128::from(last.round.saturating_sub(dice.below(2))).max(1);
                let pick = dice.below(2) == 0;
                [near, 0, now, if pick { round } else { next }]
            }
            Manner::Lying => {
                let lies =
                    [0, 1, truth / 10, truth * 97 / 100, truth * 101 / 100, truth * 3, u128::MAX];
                [dice.pick(&lies), confidence, now, next]
            }
        };
        Some(said)
    }

    /// A block's prelude for one feed: some of its sources are heard, and the feed makes its price.
    fn block(&mut self, feed: u32) {
        self.drift(feed);
        for tag in 0..KEYS {
            let known = self.model.feeds[&feed].sources.contains_key(&tag);
            if !known || self.dice.below(10) > 7 {
                continue;
            }
            let Some([price, confidence, time, round]) = self.report(feed, tag) else { continue };
            let [time, round] = [time, round].map(|number| number as u64);
            let (price, confidence) = (Wad::new(price), Wad::new(confidence));
            let at = Timestamp::new(time);
            let report = Report { feed: FeedId::new(feed), round, time: at, price, confidence };
            let l = &mut self.world.ledger;
            let done = l.atomically(|l| sources::record(l, &report, &key(tag)));
            assert!(!matches!(done, Err(Stop::Fault(_))));
            let now = self.now();
            let model = self.model.feeds.get_mut(&feed).unwrap();
            let words = (price.get(), confidence.get());
            let heard = model.hear(tag, words, (time, round), now);
            assert_eq!(done.is_ok(), heard, "{feed} {tag} {report:?} {done:?}");
            self.counts(if heard { "heard" } else { "refused" });
        }
        self.update(feed);
    }

    fn update(&mut self, feed: u32) {
        let (id, now) = (FeedId::new(feed), self.now());
        let together = feed::aggregate_now(&mut self.world.ledger, id).unwrap();
        self.world.ledger.events.clear();
        feed::update(&mut self.world.ledger, id).unwrap();
        let model = self.model.feeds.get_mut(&feed).unwrap();
        let before = model.doubt_until;
        let Some((found, smoothed)) = model.update(now) else {
            assert!(together.is_err());
            let missed = |event: &Event| matches!(event, Event::QuorumMissed { .. });
            assert!(self.world.ledger.events.iter().any(missed));
            self.counts("quorum missed");
            return;
        };
        // The machine's numbers are good for fifteen digits; the protocol's are the model's from here on.
        let told = self.world.ledger.feeds[&id].smoothed.get();
        let error = (told as f64 - smoothed).abs();
        assert!(error <= 2.0 + 1e-9 * smoothed.max(model.price as f64), "{told} {smoothed}");
        model.smoothed = told;
        // LIQ-1: doubt relieves for its budget at most, and does not prolong itself.
        let (budget, doubted) = (u64::from(model.terms.guards.budget), model.doubt_until);
        match (before, doubted) {
            (None, Some(until)) => assert!(until <= now + budget),
            (Some(before), Some(until)) => assert_eq!(before, until),
            (_, None) => (),
        }
        let said = model.said(now);
        let together = together.unwrap();
        assert_eq!(together.price.get(), found.price);
        assert_eq!(u128::from(together.spread.get()), found.spread);
        assert_eq!(together.accepted.count_ones() as usize, found.accepted.len());
        assert_eq!(together.rejected.count_ones() as usize, said.len() - found.accepted.len());
        self.counts(if found.accepted.len() < said.len() { "outliers" } else { "no outliers" });
        if doubted.is_some() {
            self.counts("doubted");
        }
        self.stays_among_the_honest(feed, &found);
    }

    /// ORC-4: whoever holds less than half of the weight moves the price among honest reports only.
    fn stays_among_the_honest(&mut self, feed: u32, found: &Together) {
        let said = self.model.feeds[&feed].said(self.now());
        let weight = |honest: bool| -> u64 {
            said.iter().filter(|said| said.honest == honest).map(|said| said.weight).sum()
        };
        if weight(false) >= weight(true) {
            return;
        }
        let honest: Vec<u128> =
            said.iter().filter(|said| said.honest).map(|said| said.price).collect();
        let hull = *honest.iter().min().unwrap()..=*honest.iter().max().unwrap();
        assert!(hull.contains(&found.price), "{feed}: {} {said:?}", found.price);
        self.counts("among the honest");
    }

    fn stop_or_start(&mut self, feed: u32) {
        let (id, now) = (FeedId::new(feed), self.now());
        let l = &mut self.world.ledger;
        let model = self.model.feeds.get_mut(&feed).unwrap();
        if self.dice.below(2) == 0 {
            let seconds = self.dice.pick(&[1, 60, 3_000, FREEZE_MAX]);
            freeze(l, OWNER, id, seconds).unwrap();
            model.frozen_until = now + u64::from(seconds);
            model.resumes_at = model.frozen_until + 600;
        } else if l.atomically(|l| unfreeze(l, OWNER, id)).is_ok() {
            assert!(model.frozen_until > now);
            (model.frozen_until, model.resumes_at) = (0, now + 600);
        } else {
            assert!(model.frozen_until <= now);
        }
    }

    fn set_growth(&mut self, feed: u32) {
        let growth = per_year(self.dice.pick(&[0, 5, 50, 900]));
        let (now, l) = (self.now(), &mut self.world.ledger);
        let id = FeedId::new(feed);
        let done = l.atomically(|l| feed::set_growth(l, OWNER, id, growth));
        let share = self.model.share.unwrap_or_default();
        let model = self.model.feeds.get_mut(&feed).unwrap();
        assert_eq!(done.is_ok(), model.kind.is_capped() && !model.pinned, "{feed} {done:?}");
        if done.is_ok() {
            let number = match model.kind {
                FeedKind::SharePrice { .. } => share.min(model.limit(now)),
                _ => model.price,
            };
            model.cap = (number, now, growth.get());
        }
    }

    fn set_fallback(&mut self) {
        let (one, other) = self.dice.pick(&[(PRICE, SECOND), (SECOND, PRICE)]);
        let fallback = (self.dice.below(3) > 0).then_some(other);
        let l = &mut self.world.ledger;
        feed::set_fallback(l, OWNER, FeedId::new(one), fallback.map(FeedId::new)).unwrap();
        self.model.feeds.get_mut(&one).unwrap().fallback = fallback;
    }

    fn step(&mut self) {
        let reported = self.dice.pick(&REPORTED);
        let any = PRICE + self.dice.below(self.model.feeds.len() as u64) as u32;
        let tag = self.dice.below(KEYS.into()) as u8;
        match self.dice.below(100) {
            0..66 => {
                self.world.pass(self.dice.below(40));
                self.block(reported);
            }
            66..74 => {
                for feed in REPORTED {
                    self.world.pass(1);
                    self.block(feed);
                }
            }
            74..80 => {
                let longest = self.dice.pick(&[300, 2_000, 20_000, 2_000_000]);
                self.world.pass(self.dice.below(longest));
            }
            80..84 => self.name(reported, tag),
            84..86 => self.remove(reported, tag),
            86..90 => self.change_terms(reported),
            90..92 if any > BOOKS => self.change_own_terms(any),
            92..94 => self.stop_or_start(any),
            94..97 => self.set_growth(any),
            _ => self.set_fallback(),
        }
        self.compare();
    }

    /// What a share of the vault is worth in its asset, computed apart.
    fn share(&self) -> Option<u128> {
        let ledger = &self.world.ledger;
        let accrued = ledger.vaults[&VaultId::new(1)].accrue(ledger.now);
        let assets = U256::from(accrued.total_assets().get());
        let shares = U256::from(accrued.record().shares.get()) + U256::from(1_000_000);
        let price = (assets + U256::ONE) * U256::from(WAD) * U256::from(1_000_000) / shares;
        // A million units at least: a whole token of six decimals.
        (assets >= U256::from(1_000_000)).then(|| price.saturating_to())
    }

    fn compare(&mut self) {
        self.model.share = self.share();
        let now = self.now();
        let mut fresh = BTreeMap::new();
        for (id, feed) in self.model.feeds.clone() {
            let told = quote(&mut self.world.ledger, FeedId::new(id)).unwrap();
            let model = self.model.quote(id, now);
            let [collateral, debt] = model.ends;
            let context = || format!("feed {id} {:?} at {now}: {told:?} {model:?}", feed.kind);
            assert_eq!(told.status(), model.status(), "{}", context());
            assert_eq!(told.price.get(), collateral[0], "{}", context());
            assert_eq!(told.updated_at.get(), model.time, "{}", context());
            assert_eq!(told.liquidation_resumes_at.get(), model.resumes_at, "{}", context());
            assert_eq!(told.doubt_until.get(), model.doubt_until.unwrap_or(0), "{}", context());
            let relief = model.doubt_until.is_some_and(|until| now < until);
            let judged = if relief { [collateral[2], debt[1]] } else { [collateral[0], debt[0]] };
            let waits = now < model.resumes_at;
            let usable = model.unusable.is_none();
            for (side, careful, judged) in
                [(Side::Collateral, collateral[1], judged[0]), (Side::Debt, debt[2], judged[1])]
            {
                assert_eq!(told.careful_price(side).get(), careful, "{}", context());
                assert_eq!(told.judged_price(side).get(), judged, "{}", context());
                let settled = told.settled_price(side).ok().map(Wad::get);
                assert_eq!(settled, (usable && !waits).then_some(judged), "{}", context());
                let sale = told.sale_price(side).is_ok();
                assert_eq!(sale, usable && !waits && !relief, "{}", context());
                let opening = told.opening_price(side).is_ok();
                assert_eq!(opening, model.status() == Status::Live, "{}", context());
            }
            // ORC-1: whatever rests on something that may not be used may not be used.
            fresh.insert(id, told.is_fresh());
            let legs = feed.kind.legs().into_iter().flatten();
            assert!(
                !told.is_fresh() || legs.into_iter().all(|leg| fresh[&leg.get()]),
                "{}",
                context()
            );
            self.live_sources(id, &feed);
            let computed = !feed.kind.is_reported();
            self.counts(match (told.status(), computed) {
                (Status::Live, false) => "live",
                (Status::Doubtful, false) => "doubtful",
                (Status::Stale, false) => "stale",
                (Status::Frozen, false) => "frozen",
                (Status::Live, true) => "computed live",
                (Status::Doubtful, true) => "computed doubtful",
                (Status::Stale, true) => "computed stale",
                (Status::Frozen, true) => "computed frozen",
            });
        }
    }

    /// Who counts now.
    fn live_sources(&mut self, id: u32, feed: &ModelFeed) {
        let now = self.now();
        let standings = sources::standings(&mut self.world.ledger, FeedId::new(id)).unwrap();
        let live = |tag: &u8| {
            standings.iter().any(|standing| standing.source.id == key(*tag) && standing.fresh)
        };
        let told: Vec<u8> = (0..KEYS).filter(live).collect();
        let model: Vec<u8> = feed.said(now).iter().map(|said| said.tag).collect();
        assert_eq!((told, standings.len()), (model, feed.sources.len()), "feed {id} at {now}");
    }
}

fn number(name: &str, otherwise: u64) -> u64 {
    std::env::var(name).ok().map_or(otherwise, |text| text.parse().unwrap())
}

/// ORC-1, ORC-2, ORC-3, ORC-4, ORC-6: whatever sources say and owners decide, a feed says what the model says.
#[test]
fn random_histories_of_feeds_follow_the_model() {
    let steps = number("GAGE_STEPS", 400);
    let only = std::env::var("GAGE_SEED").ok().map(|text| text.parse::<u64>().unwrap());
    let seeds = match only {
        Some(first) => first..first + number("GAGE_SEEDS", 1),
        None => 0..number("GAGE_SEEDS", 12),
    };
    let several = seeds.end - seeds.start >= 8 && steps >= 400;
    let mut tally: BTreeMap<&str, u64> = BTreeMap::new();
    for seed in seeds {
        let mut run = Run::new(seed);
        for step in 0..steps {
            println!("seed {seed}, step {step}");
            run.step();
        }
        sound(&run.world);
        for (what, count) in run.tally {
            *tally.entry(what).or_default() += count;
        }
    }
    let all = [
        "heard",
        "refused",
        "quorum missed",
        "outliers",
        "no outliers",
        "doubted",
        "among the honest",
        "live",
        "doubtful",
        "stale",
        "frozen",
        "computed live",
        "computed doubtful",
        "computed stale",
        "computed frozen",
    ];
    for what in all.iter().filter(|_| several) {
        assert!(tally.get(what).copied().unwrap_or_default() > 30, "{what}: {tally:?}");
    }
}

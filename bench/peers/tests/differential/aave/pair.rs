//! The same assets twice: Aave's pool on a stock EVM, Gage's vaults and a market on another.

use alloy_primitives::{Address, U256, keccak256};
use alloy_sol_types::SolCall;
use gage_abi::addresses::MARKET;
use gage_abi::{IAsset, IMarket, IVault};
use gage_peers::aave::{
    Aave, IPool, IScaledToken, InterestRateData, Listing, VARIABLE_RATE, deploy_feed, set_feed,
};
use gage_peers::chain::{Call, Chain};
use gage_peers::dice::Dice;
use gage_peers::engine::ethereum;
use gage_peers::gage::{
    Market, UNLIMITED, create_asset, create_feed, create_vault, engine, report_prices,
};
use gage_peers::token::{self, IToken};

use crate::ARTIFACTS;

/// The oldest that a price may be: longer than any pause of a history.
const PRICE_AGE_MAX: u32 = 90 * 86_400;
/// Users beside the treasury.
const USERS: u64 = 6;
/// Collaterals come first, then what is lent.
pub(super) const COLLATERALS: usize = 3;
/// All assets.
pub(super) const ASSETS: usize = 6;
/// Decimals of the assets, and what a whole one costs at first, in dollars.
const KINDS: [(u8, u64); ASSETS] =
    [(18, 2_000), (8, 60_000), (6, 1), (6, 1), (18, 2_000), (8, 60_000)];
/// Gage's unit of a dollar over Aave's.
const WAD_PER_BASE: u128 = 10_000_000_000;

/// What an asset's reserve is like, in basis points.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Reserve {
    pub(super) decimals: u8,
    pub(super) ltv: u16,
    pub(super) threshold: u16,
    pub(super) base: u32,
    pub(super) slopes: [u32; 2],
    pub(super) kink: u16,
    pub(super) fee: u16,
}

impl Reserve {
    fn random(place: usize, dice: &mut Dice) -> Self {
        let decimals = KINDS[place].0;
        if place < COLLATERALS {
            let threshold = 5_000 + dice.below(40) as u16 * 100;
            let ltv = threshold - 100 * (1 + dice.below(10) as u16);
            // The least curve that Aave takes.
            return Self { decimals, ltv, threshold, kink: 5_000, ..Self::default() };
        }
        let slope1 = dice.below(2_000) as u32;
        Self {
            decimals,
            base: dice.below(300) as u32,
            slopes: [slope1, slope1 + dice.below(8_000) as u32],
            kink: 4_000 + dice.below(55) as u16 * 100,
            fee: dice.pick(&[0, 1_000, 2_000]),
            ..Self::default()
        }
    }

    /// A whole unit.
    pub(super) fn unit(&self) -> u128 {
        10_u128.pow(self.decimals.into())
    }

    /// How much the rate per second changes at most with utilisation.
    pub(super) fn steepness(&self) -> f64 {
        let kink = f64::from(self.kink);
        let [below, above] = self.slopes.map(f64::from);
        (below / kink).max(above / (10_000.0 - kink)) / 31_536_000.0
    }
}

/// Both chains and everybody on them.
pub(super) struct Pair {
    pub(super) reserves: [Reserve; ASSETS],
    /// Aave's prices, a hundred-millionth of a dollar.
    pub(super) prices: [u64; ASSETS],
    pub(super) users: Vec<Address>,
    pub(super) treasury: Address,
    admin: Address,
    gage: Chain<'static>,
    market: u32,
    assets: [Address; ASSETS],
    feeds: [u32; ASSETS],
    vaults: [Address; ASSETS],
    aave_chain: Chain<'static>,
    pool: Address,
    tokens: [Address; ASSETS],
    aave_feeds: [Address; ASSETS],
}

/// A lent asset on one side.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Lent {
    pub(super) cash: u128,
    pub(super) debt: u128,
    /// Rays.
    pub(super) index: u128,
    /// What a lender's unit has grown to.
    pub(super) liquidity: f64,
    /// What the lenders own, on Gage.
    pub(super) assets: u128,
}

/// An account on one side: dollars as each counts them.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Standing {
    /// Of 8 decimals.
    pub(super) collateral: f64,
    pub(super) debt: f64,
    pub(super) limit: f64,
    pub(super) liquidation_limit: f64,
    pub(super) health: f64,
    pub(super) ltv: f64,
    pub(super) threshold: f64,
    pub(super) debts: [u128; ASSETS],
    pub(super) pledged: [u128; ASSETS],
}

/// Both transactions of an operation.
pub(super) struct Twice {
    pub(super) gage: Call,
    pub(super) aave: Call,
}

fn wide(number: u128) -> U256 {
    U256::from(number)
}

fn narrow(number: U256) -> u128 {
    number.try_into().unwrap()
}

impl Pair {
    /// Sets both up: everybody owns plenty, the treasury lends a thousandth of it.
    pub(super) fn new(dice: &mut Dice) -> Self {
        let person = |name: String| Address::from_word(keccak256(name));
        let (admin, treasury) = (person("admin".into()), person("treasury".into()));
        let mut pair = Self {
            reserves: std::array::from_fn(|place| Reserve::random(place, dice)),
            prices: KINDS.map(|(_, dollars)| dollars * 100_000_000),
            users: (0..USERS).map(|number| person(format!("user {number}"))).collect(),
            treasury,
            admin,
            gage: Chain::new(engine(admin), &ARTIFACTS),
            market: 0,
            assets: [Address::ZERO; ASSETS],
            feeds: [0; ASSETS],
            vaults: [Address::ZERO; ASSETS],
            aave_chain: Chain::new(ethereum(&[]), &ARTIFACTS),
            pool: Address::ZERO,
            tokens: [Address::ZERO; ASSETS],
            aave_feeds: [Address::ZERO; ASSETS],
        };
        pair.open_gage();
        pair.open_aave();
        pair.pass(1);
        for (place, (_, dollars)) in KINDS.iter().enumerate().skip(COLLATERALS) {
            let lent = pair.reserves[place].unit() * 2_000_000 / u128::from(*dollars);
            assert_eq!(pair.both(treasury, pair.supply(place, lent, treasury)), (None, None));
        }
        pair
    }

    fn open_gage(&mut self) {
        let (admin, chain) = (self.admin, &mut self.gage);
        let wad = |hundredths: u128| wide(hundredths * 10_000_000_000_000_000);
        let terms = IMarket::MarketTerms { targetHealth: wad(105), fullBonusHealth: wad(90) };
        let market = Market::create(chain, admin, terms).unwrap();
        self.market = market.id;
        for (place, reserve) in self.reserves.iter().enumerate() {
            let asset = create_asset(chain, admin, &format!("A{place}"), reserve.decimals).unwrap();
            let feed = create_feed(chain, admin, asset, PRICE_AGE_MAX).unwrap();
            (self.assets[place], self.feeds[place]) = (asset, feed);
            if place < COLLATERALS {
                let terms = IMarket::CollateralTerms {
                    feed,
                    ltv: reserve.ltv,
                    threshold: reserve.threshold,
                    bonusMin: 500,
                    bonusMax: 500,
                    riskWeight: 0,
                    cap: UNLIMITED,
                };
                market.add_collateral(chain, asset, terms).unwrap();
                continue;
            }
            let [slope1, slope2] = reserve.slopes;
            let rates = IVault::Rates {
                kind: 0,
                base: reserve.base,
                slope1,
                slope2,
                kink: reserve.kink,
                rateAtTarget: 0,
            };
            let vault = create_vault(chain, admin, asset, (reserve.fee, rates)).unwrap();
            market.list_vault(chain, vault, (feed, U256::ONE)).unwrap();
            self.vaults[place] = vault;
        }
        for to in self.users.iter().chain([&self.treasury]) {
            for asset in self.assets {
                let mint = IAsset::mintCall { to: *to, value: wide(1 << 96) };
                self.gage.send(admin, Call::new(asset, &mint)).unwrap();
            }
        }
    }

    fn open_aave(&mut self) {
        let (admin, chain) = (self.admin, &mut self.aave_chain);
        let mut listings = Vec::new();
        for (place, reserve) in self.reserves.iter().enumerate() {
            let symbol = format!("A{place}");
            let token = token::deploy(chain, admin, &symbol, reserve.decimals).unwrap();
            let feed = deploy_feed(chain, admin).unwrap();
            (self.tokens[place], self.aave_feeds[place]) = (token, feed);
            set_feed(chain, admin, feed, U256::from(self.prices[place])).unwrap();
            let [slope1, slope2] = reserve.slopes;
            listings.push(Listing {
                token,
                symbol,
                feed,
                rates: InterestRateData {
                    optimalUsageRatio: reserve.kink,
                    baseVariableBorrowRate: reserve.base,
                    variableRateSlope1: slope1,
                    variableRateSlope2: slope2,
                },
                ltv: reserve.ltv.into(),
                // Of no meaning where the LTV is nothing, but Aave wants one.
                liquidation_threshold: reserve.threshold.max(5_000).into(),
                liquidation_bonus: 10_500,
                reserve_factor: reserve.fee.into(),
                liquidation_protocol_fee: 0,
                supply_cap: 0,
                borrow_cap: 0,
            });
        }
        self.pool = Aave::deploy(chain, admin, &listings).unwrap().pool;
        let spender = self.pool;
        for to in self.users.iter().chain([&self.treasury]) {
            for token in self.tokens {
                let mint = IToken::mintCall { to: *to, value: wide(1 << 96) };
                self.aave_chain.send(admin, Call::new(token, &mint)).unwrap();
                let approve = IToken::approveCall { spender, value: U256::MAX };
                self.aave_chain.send(*to, Call::new(token, &approve)).unwrap();
            }
        }
    }

    /// Lets time pass on both and reports the prices.
    pub(super) fn pass(&mut self, seconds: u64) {
        self.gage.advance(seconds);
        self.aave_chain.advance(seconds);
        let prices: Vec<_> = self
            .feeds
            .iter()
            .zip(self.prices)
            .map(|(feed, price)| (*feed, wide(u128::from(price) * WAD_PER_BASE)))
            .collect();
        report_prices(&mut self.gage, &prices).unwrap();
        for (feed, price) in self.aave_feeds.into_iter().zip(self.prices) {
            set_feed(&mut self.aave_chain, self.admin, feed, U256::from(price)).unwrap();
        }
    }

    /// Tries both; they keep it if both would. Says why not, of Gage and of Aave.
    pub(super) fn both(
        &mut self,
        who: Address,
        Twice { gage, aave }: Twice,
    ) -> (Option<String>, Option<String>) {
        let gage = self.gage.attempt(who, gage).unwrap();
        let aave = self.aave_chain.attempt(who, aave).unwrap();
        let ours =
            gage.outcome.as_ref().err().map(|output| gage_abi::decode_error(output).unwrap());
        let theirs =
            aave.outcome.as_ref().err().map(|output| self.aave_chain.revert_reason(output));
        if ours.is_none() && theirs.is_none() {
            self.gage.keep(gage).unwrap();
            self.aave_chain.keep(aave).unwrap();
        }
        (ours, theirs)
    }

    fn on_pool(&self, call: &impl SolCall) -> Call {
        Call::new(self.pool, call)
    }

    /// Lends.
    pub(super) fn supply(&self, place: usize, amount: u128, who: Address) -> Twice {
        let (amount, asset) = (wide(amount), self.tokens[place]);
        let supply = IPool::supplyCall { asset, amount, onBehalfOf: who, referralCode: 0 };
        let gage = if place < COLLATERALS {
            let (market, asset) = (self.market, self.assets[place]);
            let pledge =
                IMarket::supplyCollateralCall { market, owner: who, sub: 0, asset, amount };
            Call::new(MARKET, &pledge)
        } else {
            Call::new(self.vaults[place], &IVault::depositCall { assets: amount, receiver: who })
        };
        Twice { gage, aave: self.on_pool(&supply) }
    }

    /// Takes back what was lent or pledged.
    pub(super) fn withdraw(&self, place: usize, amount: u128, who: Address) -> Twice {
        let (amount, asset) = (wide(amount), self.tokens[place]);
        let withdraw = IPool::withdrawCall { asset, amount, to: who };
        let gage = if place < COLLATERALS {
            let (market, asset) = (self.market, self.assets[place]);
            let release =
                IMarket::withdrawCollateralCall { market, sub: 0, asset, amount, receiver: who };
            Call::new(MARKET, &release)
        } else {
            let withdraw = IVault::withdrawCall { assets: amount, receiver: who, owner: who };
            Call::new(self.vaults[place], &withdraw)
        };
        Twice { gage, aave: self.on_pool(&withdraw) }
    }

    pub(super) fn borrow(&self, place: usize, amount: u128, who: Address) -> Twice {
        let (amount, asset) = (wide(amount), self.tokens[place]);
        let (market, vault) = (self.market, self.vaults[place]);
        let borrow = IPool::borrowCall {
            asset,
            amount,
            interestRateMode: VARIABLE_RATE,
            referralCode: 0,
            onBehalfOf: who,
        };
        let gage = IMarket::borrowCall { market, sub: 0, vault, amount, receiver: who };
        Twice { gage: Call::new(MARKET, &gage), aave: self.on_pool(&borrow) }
    }

    /// So much, or all of it.
    pub(super) fn repay(&self, place: usize, amount: Option<u128>, who: Address) -> Twice {
        let (amount, asset) = (amount.map_or(U256::MAX, wide), self.tokens[place]);
        let (market, vault) = (self.market, self.vaults[place]);
        let repay =
            IPool::repayCall { asset, amount, interestRateMode: VARIABLE_RATE, onBehalfOf: who };
        let gage = IMarket::repayCall { market, owner: who, sub: 0, vault, amount };
        Twice { gage: Call::new(MARKET, &gage), aave: self.on_pool(&repay) }
    }

    pub(super) fn gage_lent(&mut self, place: usize) -> Lent {
        let state = self.gage.ask(self.admin, self.vaults[place], &IVault::stateCall {}).unwrap();
        let (assets, shares) = (narrow(state.totalAssets), narrow(state.totalShares));
        Lent {
            cash: narrow(state.cash),
            debt: narrow(state.debt),
            index: narrow(state.borrowIndex),
            liquidity: (assets + 1) as f64 / (shares + 1_000_000) as f64 * 1e6,
            assets,
        }
    }

    pub(super) fn aave_lent(&mut self, place: usize) -> Lent {
        let (asset, chain) = (self.tokens[place], &mut self.aave_chain);
        let data = chain.ask(self.admin, self.pool, &IPool::getReserveDataCall { asset }).unwrap();
        let cash = IPool::getVirtualUnderlyingBalanceCall { asset };
        let cash = chain.ask(self.admin, self.pool, &cash).unwrap();
        let debt = IScaledToken::totalSupplyCall {};
        let debt = chain.ask(self.admin, data.variableDebtToken, &debt).unwrap();
        Lent {
            cash,
            debt: narrow(debt),
            index: data.variableBorrowIndex,
            liquidity: data.liquidityIndex as f64 / 1e27,
            assets: 0,
        }
    }

    /// What a lender may take out of Gage, and of Aave.
    pub(super) fn supplied(&mut self, place: usize, owner: Address) -> [u128; 2] {
        let ours = IVault::maxWithdrawCall { owner };
        let ours = self.gage.ask(owner, self.vaults[place], &ours).unwrap();
        let data = IPool::getReserveDataCall { asset: self.tokens[place] };
        let token = self.aave_chain.ask(owner, self.pool, &data).unwrap().aToken;
        let theirs = IScaledToken::balanceOfCall { user: owner };
        let theirs = self.aave_chain.ask(owner, token, &theirs).unwrap();
        [ours, theirs].map(narrow)
    }

    pub(super) fn gage_standing(&mut self, owner: Address) -> Standing {
        let state = IMarket::accountStateCall { market: self.market, owner, sub: 0 };
        let state = self.gage.ask(owner, MARKET, &state).unwrap();
        let base = |wad: U256| narrow(wad) as f64 / WAD_PER_BASE as f64;
        let collateral = base(state.collateralValue);
        let (limit, liquidation_limit) = (base(state.borrowLimit), base(state.liquidationLimit));
        let mut standing = Standing {
            collateral,
            debt: base(state.debtValue),
            limit,
            liquidation_limit,
            health: state.healthFactor.saturating_to::<u128>() as f64 / 1e18,
            ltv: limit / collateral * 1e4,
            threshold: liquidation_limit / collateral * 1e4,
            ..Standing::default()
        };
        for debt in state.debts {
            let place = self.vaults.iter().position(|vault| *vault == debt.vault).unwrap();
            standing.debts[place] = narrow(debt.amount);
        }
        for pledge in state.collaterals {
            let place = self.assets.iter().position(|asset| *asset == pledge.asset).unwrap();
            standing.pledged[place] = narrow(pledge.amount);
        }
        standing
    }

    pub(super) fn aave_standing(&mut self, owner: Address) -> Standing {
        let (pool, chain) = (self.pool, &mut self.aave_chain);
        let data = chain.ask(owner, pool, &IPool::getUserAccountDataCall { user: owner }).unwrap();
        let [collateral, debt] = [data.collateral, data.debt].map(|base| narrow(base) as f64);
        let [ltv, threshold] = [data.ltv, data.threshold].map(|points| narrow(points) as f64);
        let mut standing = Standing {
            collateral,
            debt,
            limit: collateral * ltv / 1e4,
            liquidation_limit: collateral * threshold / 1e4,
            health: data.health.saturating_to::<u128>() as f64 / 1e18,
            ltv,
            threshold,
            ..Standing::default()
        };
        for place in 0..ASSETS {
            let asset = self.tokens[place];
            let data = chain.ask(owner, pool, &IPool::getReserveDataCall { asset }).unwrap();
            let is_pledged = place < COLLATERALS;
            let token = if is_pledged { data.aToken } else { data.variableDebtToken };
            let balance = IScaledToken::balanceOfCall { user: owner };
            let balance = narrow(chain.ask(owner, token, &balance).unwrap());
            let places = if is_pledged { &mut standing.pledged } else { &mut standing.debts };
            places[place] = balance;
        }
        standing
    }
}

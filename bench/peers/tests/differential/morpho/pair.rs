//! One market twice: Morpho Blue's contract on a stock EVM, Gage's native ones on another.

use alloy_primitives::{Address, Bytes, U256, keccak256};
use alloy_sol_types::{SolCall, SolValue};
use gage_abi::addresses::MARKET;
use gage_abi::{IAsset, IERC20Permit, IMarket, IVault};
use gage_peers::chain::{Call, Chain, Receipt};
use gage_peers::engine::ethereum;
use gage_peers::gage::{
    Market, UNLIMITED, create_asset, create_feed, create_vault, engine, report_prices,
};
use gage_peers::morpho::{IMorpho, MarketParams, Morpho};
use gage_peers::token::{self, IToken};

use super::terms::Terms;
use crate::ARTIFACTS;

/// The oldest that a price may be: longer than any pause of a history.
const PRICE_AGE_MAX: u32 = 90 * 86_400;
/// Users beside the treasury.
const USERS: u64 = 6;

/// A wad.
pub(super) const WAD: u128 = 1_000_000_000_000_000_000;

/// Both chains and everybody on them.
pub(super) struct Pair {
    pub(super) terms: Terms,
    pub(super) users: Vec<Address>,
    pub(super) treasury: Address,
    admin: Address,
    gage: Chain<'static>,
    market: u32,
    vault: Address,
    collateral: Address,
    feeds: [u32; 2],
    blue: Chain<'static>,
    morpho: Morpho,
    /// What a whole unit of collateral costs, a wad of dollars; the debt's asset costs one.
    pub(super) price: u128,
}

/// What both made of a transaction.
pub(super) enum Outcome {
    /// Both did it.
    Done(Box<[Receipt; 2]>),
    /// One of them refused, Gage and Morpho with these words; neither keeps it.
    Refused(Option<String>, Option<String>),
}

/// The totals of either side, in base units.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Totals {
    pub(super) cash: u128,
    pub(super) debt: u128,
    /// What lenders own, the fee's part not among it.
    pub(super) assets: u128,
    /// The fee's part.
    pub(super) fee: u128,
    /// What a share is worth, in base units for a million.
    pub(super) share_price: f64,
    /// What a debt of one has grown to.
    pub(super) index: f64,
}

/// What somebody has on either side, in base units.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Standing {
    pub(super) supplied: u128,
    pub(super) shares: u128,
    pub(super) debt: u128,
    pub(super) debt_shares: u128,
    pub(super) collateral: u128,
}

/// Shares of somebody else's: where Morpho's fee goes.
fn fee_recipient() -> Address {
    Address::repeat_byte(0xfe)
}

pub(super) fn wide(number: u128) -> U256 {
    U256::from(number)
}

fn narrow(number: U256) -> u128 {
    number.try_into().unwrap()
}

/// A transaction of either chain.
pub(super) struct Twice {
    pub(super) gage: Call,
    pub(super) morpho: Call,
}

impl Pair {
    /// Sets both up: everybody owns plenty, the treasury lends 1,000 and owes 500 of it.
    pub(super) fn new(terms: Terms) -> Self {
        let person = |name: String| Address::from_word(keccak256(name));
        let users = (0..USERS).map(|number| person(format!("user {number}"))).collect();
        let (admin, treasury) = (person("admin".into()), person("treasury".into()));
        let mut pair = Self {
            terms,
            users,
            treasury,
            admin,
            gage: Chain::new(engine(admin), &ARTIFACTS),
            market: 0,
            vault: Address::ZERO,
            collateral: Address::ZERO,
            feeds: [0; 2],
            blue: Chain::new(ethereum(&[]), &ARTIFACTS),
            morpho: Morpho::default(),
            price: 1_000 * WAD,
        };
        pair.open_gage();
        pair.open_morpho();
        pair.pass(1, pair.price);
        let (lent, unit) = (1_000 * terms.debt_unit(), terms.collateral_unit());
        for twice in [
            pair.supply(lent, treasury),
            pair.supply_collateral(1_000_000 * unit, treasury),
            pair.borrow(lent / 2, treasury),
        ] {
            assert!(matches!(pair.both(treasury, twice), Outcome::Done(_)));
        }
        pair
    }

    fn everybody(&self) -> Vec<Address> {
        self.users.iter().copied().chain([self.treasury]).collect()
    }

    fn open_gage(&mut self) {
        let (terms, admin, chain) = (self.terms, self.admin, &mut self.gage);
        let collateral = create_asset(chain, admin, "COLL", terms.collateral_decimals).unwrap();
        let debt = create_asset(chain, admin, "DEBT", terms.debt_decimals).unwrap();
        self.collateral = collateral;
        self.feeds = [collateral, debt]
            .map(|asset| create_feed(chain, admin, asset, PRICE_AGE_MAX).unwrap());
        self.vault = create_vault(chain, admin, debt, (terms.fee, terms.curve())).unwrap();
        let wad = |hundredths: u128| wide(hundredths * WAD / 100);
        let market_terms =
            IMarket::MarketTerms { targetHealth: wad(105), fullBonusHealth: wad(90) };
        let market = Market::create(chain, admin, market_terms).unwrap();
        let collateral_terms = IMarket::CollateralTerms {
            feed: self.feeds[0],
            ltv: terms.ltv(),
            threshold: terms.lltv,
            bonusMin: terms.bonus(),
            bonusMax: terms.bonus(),
            riskWeight: 0,
            cap: UNLIMITED,
        };
        market.add_collateral(chain, collateral, collateral_terms).unwrap();
        market.list_vault(chain, self.vault, (self.feeds[1], U256::ONE)).unwrap();
        self.market = market.id;
        for to in self.everybody() {
            for token in [collateral, debt] {
                let mint = IAsset::mintCall { to, value: wide(1 << 98) };
                self.gage.send(admin, Call::new(token, &mint)).unwrap();
            }
        }
    }

    fn open_morpho(&mut self) {
        let (terms, admin, chain) = (self.terms, self.admin, &mut self.blue);
        let [base, slope1, slope2] = terms.rates.map(U256::from);
        let curve = (base, slope1, slope2, U256::from(terms.kink)).abi_encode_params();
        let market = MarketParams {
            loanToken: token::deploy(chain, admin, "DEBT", terms.debt_decimals).unwrap(),
            collateralToken: token::deploy(chain, admin, "COLL", terms.collateral_decimals)
                .unwrap(),
            oracle: chain.deploy(admin, "PairOracle", &[]).unwrap(),
            irm: chain.deploy(admin, "KinkedIrm", &curve).unwrap(),
            lltv: wide(u128::from(terms.lltv) * WAD / 10_000),
        };
        self.morpho = Morpho::deploy(chain, admin, market.clone()).unwrap();
        let spender = self.morpho.address;
        if terms.fee > 0 {
            let recipient = IMorpho::setFeeRecipientCall { recipient: fee_recipient() };
            chain.send(admin, Call::new(spender, &recipient)).unwrap();
            let fee = wide(u128::from(terms.fee) * WAD / 10_000);
            let set = IMorpho::setFeeCall { market: market.clone(), fee };
            chain.send(admin, Call::new(spender, &set)).unwrap();
        }
        for to in self.everybody() {
            for token in [market.loanToken, market.collateralToken] {
                let mint = IToken::mintCall { to, value: wide(1 << 98) };
                self.blue.send(admin, Call::new(token, &mint)).unwrap();
                let approve = IToken::approveCall { spender, value: U256::MAX };
                self.blue.send(to, Call::new(token, &approve)).unwrap();
            }
        }
    }

    /// Lets time pass on both and reports a price.
    pub(super) fn pass(&mut self, seconds: u64, price: u128) {
        self.price = price;
        self.gage.advance(seconds);
        self.blue.advance(seconds);
        let prices = [(self.feeds[0], wide(price)), (self.feeds[1], wide(WAD))];
        report_prices(&mut self.gage, &prices).unwrap();
        // 36 decimals, those of the debt's asset, less those of the collateral; the wad has 18 of them.
        let decimals = 18 + self.terms.debt_decimals - self.terms.collateral_decimals;
        let quoted = wide(price) * U256::from(10).pow(U256::from(decimals));
        self.morpho.set_price(&mut self.blue, self.admin, quoted).unwrap();
    }

    /// Tries both; they keep it if both would.
    pub(super) fn both(&mut self, who: Address, twice: Twice) -> Outcome {
        let gage = self.gage.attempt(who, twice.gage).unwrap();
        let morpho = self.blue.attempt(who, twice.morpho).unwrap();
        let ours = gage.outcome.as_ref().err().map(|output| {
            gage_abi::decode_error(output).unwrap_or_else(|| panic!("Gage said {output}"))
        });
        let theirs = morpho.outcome.as_ref().err().map(|output| self.blue.revert_reason(output));
        if ours.is_some() || theirs.is_some() {
            return Outcome::Refused(ours, theirs);
        }
        Outcome::Done(Box::new([self.gage.keep(gage).unwrap(), self.blue.keep(morpho).unwrap()]))
    }

    /// What Gage would do, without doing it.
    pub(super) fn gage_alone(&mut self, who: Address, call: Call) -> Result<Receipt, String> {
        let attempt = self.gage.attempt(who, call).unwrap();
        attempt.outcome.map_err(|output| gage_abi::decode_error(&output).unwrap())
    }

    /// Something that only Morpho's side needs.
    pub(super) fn morpho_alone(&mut self, who: Address, call: Call) {
        self.blue.send(who, call).unwrap();
    }

    /// Something that only Gage's side needs.
    pub(super) fn gage_only(&mut self, who: Address, call: Call) {
        self.gage.send(who, call).unwrap();
    }

    fn on_vault(&self, call: &impl SolCall) -> Call {
        Call::new(self.vault, call)
    }

    fn on_morpho(&self, call: &impl SolCall) -> Call {
        Call::new(self.morpho.address, call)
    }

    fn params(&self) -> MarketParams {
        self.morpho.market.clone()
    }

    pub(super) fn accrue(&self) -> Twice {
        Twice {
            gage: self.on_vault(&IVault::accrueCall {}),
            morpho: self.on_morpho(&IMorpho::accrueInterestCall { market: self.params() }),
        }
    }

    pub(super) fn supply(&self, amount: u128, who: Address) -> Twice {
        let (assets, shares, data) = (wide(amount), U256::ZERO, Bytes::new());
        let market = self.params();
        Twice {
            gage: self.on_vault(&IVault::depositCall { assets, receiver: who }),
            morpho: self.on_morpho(&IMorpho::supplyCall {
                market,
                assets,
                shares,
                onBehalf: who,
                data,
            }),
        }
    }

    /// `amount` in assets; of shares `[Gage's, Morpho's]`.
    pub(super) fn withdraw(&self, amount: Result<u128, [u128; 2]>, who: Address) -> Twice {
        let market = self.params();
        let (assets, shares) = match amount {
            Ok(assets) => (wide(assets), [U256::ZERO; 2]),
            Err(shares) => (U256::ZERO, shares.map(wide)),
        };
        let gage = match amount {
            Ok(_) => self.on_vault(&IVault::withdrawCall { assets, receiver: who, owner: who }),
            Err(_) => {
                self.on_vault(&IVault::redeemCall { shares: shares[0], receiver: who, owner: who })
            }
        };
        let morpho = IMorpho::withdrawCall {
            market,
            assets,
            shares: shares[1],
            onBehalf: who,
            receiver: who,
        };
        Twice { gage, morpho: self.on_morpho(&morpho) }
    }

    pub(super) fn supply_collateral(&self, amount: u128, who: Address) -> Twice {
        let (amount, market, data) = (wide(amount), self.params(), Bytes::new());
        Twice {
            gage: Call::new(
                MARKET,
                &IMarket::supplyCollateralCall {
                    market: self.market,
                    owner: who,
                    sub: 0,
                    asset: self.collateral,
                    amount,
                },
            ),
            morpho: self.on_morpho(&IMorpho::supplyCollateralCall {
                market,
                assets: amount,
                onBehalf: who,
                data,
            }),
        }
    }

    pub(super) fn withdraw_collateral(&self, amount: u128, who: Address) -> Twice {
        let (amount, market) = (wide(amount), self.params());
        Twice {
            gage: Call::new(
                MARKET,
                &IMarket::withdrawCollateralCall {
                    market: self.market,
                    sub: 0,
                    asset: self.collateral,
                    amount,
                    receiver: who,
                },
            ),
            morpho: self.on_morpho(&IMorpho::withdrawCollateralCall {
                market,
                assets: amount,
                onBehalf: who,
                receiver: who,
            }),
        }
    }

    pub(super) fn borrow(&self, amount: u128, who: Address) -> Twice {
        let (amount, vault) = (wide(amount), self.vault);
        Twice {
            gage: Call::new(
                MARKET,
                &IMarket::borrowCall { market: self.market, sub: 0, vault, amount, receiver: who },
            ),
            morpho: self.on_morpho(&IMorpho::borrowCall {
                market: self.params(),
                assets: amount,
                shares: U256::ZERO,
                onBehalf: who,
                receiver: who,
            }),
        }
    }

    /// So much of it, or all that is owed: `[Gage's largest amount, Morpho's shares]`.
    pub(super) fn repay(&self, amount: Result<u128, u128>, who: Address) -> Twice {
        let (ours, assets, shares) = match amount {
            Ok(amount) => (wide(amount), wide(amount), U256::ZERO),
            Err(shares) => (U256::MAX, U256::ZERO, wide(shares)),
        };
        let (market, vault, data) = (self.params(), self.vault, Bytes::new());
        let gage =
            IMarket::repayCall { market: self.market, owner: who, sub: 0, vault, amount: ours };
        Twice {
            gage: Call::new(MARKET, &gage),
            morpho: self.on_morpho(&IMorpho::repayCall {
                market,
                assets,
                shares,
                onBehalf: who,
                data,
            }),
        }
    }

    /// Gage's liquidation of at most `most`.
    pub(super) fn gage_liquidation(&self, owner: Address, most: U256, by: Address) -> Call {
        let liquidate = IMarket::liquidateCall {
            market: self.market,
            owner,
            sub: 0,
            vault: self.vault,
            asset: self.collateral,
            maxRepay: most,
            receiver: by,
        };
        Call::new(MARKET, &liquidate)
    }

    /// Morpho's, by collateral or by shares of debt, the other being zero.
    pub(super) fn morpho_liquidation(
        &self,
        borrower: Address,
        [seized, shares]: [u128; 2],
    ) -> Call {
        self.on_morpho(&IMorpho::liquidateCall {
            market: self.params(),
            borrower,
            seizedAssets: wide(seized),
            repaidShares: wide(shares),
            data: Bytes::new(),
        })
    }

    /// Gage's totals.
    pub(super) fn gage_totals(&mut self) -> Totals {
        let state = self.gage.ask(self.admin, self.vault, &IVault::stateCall {}).unwrap();
        let (assets, shares) = (narrow(state.totalAssets), narrow(state.totalShares));
        Totals {
            cash: narrow(state.cash),
            debt: narrow(state.debt),
            assets,
            fee: narrow(state.reserves),
            share_price: (assets + 1) as f64 / (shares + 1_000_000) as f64 * 1e6,
            index: narrow(state.borrowIndex) as f64 / 1e27,
        }
    }

    /// Morpho's market, as its contract says.
    pub(super) fn morpho_market(&mut self) -> IMorpho::marketReturn {
        self.morpho.totals(&mut self.blue).unwrap()
    }

    /// Morpho's totals.
    pub(super) fn morpho_totals(&mut self) -> Totals {
        let market = self.morpho_market();
        let recipient = self.morpho.position(&mut self.blue, fee_recipient()).unwrap();
        let fee = worth_down(narrow(recipient.supplyShares), &market);
        Totals {
            cash: market.supplyAssets - market.borrowAssets,
            debt: market.borrowAssets,
            assets: market.supplyAssets - fee,
            fee,
            share_price: (market.supplyAssets + 1) as f64
                / (market.supplyShares + 1_000_000) as f64
                * 1e6,
            index: (market.borrowAssets + 1) as f64 / (market.borrowShares + 1_000_000) as f64
                * 1e6,
        }
    }

    /// What somebody has on Gage.
    pub(super) fn gage_standing(&mut self, owner: Address) -> Standing {
        let (market, vault, asset, sub) = (self.market, self.vault, self.collateral, 0);
        let chain = &mut self.gage;
        let shares =
            chain.ask(owner, vault, &IERC20Permit::balanceOfCall { account: owner }).unwrap();
        let worth = chain.ask(owner, vault, &IVault::convertToAssetsCall { shares }).unwrap();
        let debt = IMarket::debtOfCall { market, owner, sub, vault };
        let debt = chain.ask(owner, MARKET, &debt).unwrap();
        let collateral = IMarket::collateralOfCall { market, owner, sub, asset };
        let collateral = chain.ask(owner, MARKET, &collateral).unwrap();
        Standing {
            supplied: narrow(worth),
            shares: narrow(shares),
            debt: narrow(debt),
            debt_shares: 0,
            collateral: narrow(collateral),
        }
    }

    /// What somebody has on Morpho, by its shares' arithmetic.
    pub(super) fn morpho_standing(&mut self, owner: Address) -> Standing {
        let market = self.morpho_market();
        let IMorpho::positionReturn { supplyShares, borrowShares, collateral } =
            self.morpho.position(&mut self.blue, owner).unwrap();
        let all = wide(market.borrowShares) + wide(1_000_000);
        let debt = (wide(borrowShares) * (wide(market.borrowAssets) + U256::ONE)).div_ceil(all);
        Standing {
            supplied: worth_down(narrow(supplyShares), &market),
            shares: narrow(supplyShares),
            debt: narrow(debt),
            debt_shares: borrowShares,
            collateral,
        }
    }

    /// What both vaults really hold of the debt's asset: `[Gage's, Morpho's]`.
    pub(super) fn custody(&mut self) -> [u128; 2] {
        let debt = self.gage.ask(self.admin, self.vault, &IVault::assetCall {}).unwrap();
        let ours = IERC20Permit::balanceOfCall { account: self.vault };
        let ours = self.gage.ask(self.admin, debt, &ours).unwrap();
        let theirs = IToken::balanceOfCall { owner: self.morpho.address };
        let theirs = self.blue.ask(self.admin, self.morpho.market.loanToken, &theirs).unwrap();
        [ours, theirs].map(narrow)
    }
}

/// What lenders' shares are worth on Morpho.
fn worth_down(shares: u128, market: &IMorpho::marketReturn) -> u128 {
    let all = wide(market.supplyShares) + wide(1_000_000);
    narrow(wide(shares) * (wide(market.supplyAssets) + U256::ONE) / all)
}

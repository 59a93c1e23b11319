//! The two assets of the story and the plain ERC-20 that stands for them beside the peers.

use std::collections::BTreeMap;

use alloy_primitives::{Address, U256};
use anyhow::Result;
pub(crate) use gage_peers::token::IToken;
use gage_peers::token::deploy;

use crate::chain::{Call, Chain};
use crate::scenario::Cast;

/// What is lent, or pledged.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Asset {
    /// The collateral; 18 decimals.
    Weth,
    /// What is lent and borrowed; 6 decimals.
    Usdc,
}

impl Asset {
    /// Its symbol.
    pub(crate) fn symbol(self) -> &'static str {
        match self {
            Self::Weth => "WETH",
            Self::Usdc => "USDC",
        }
    }

    /// Decimals of its token.
    pub(crate) fn decimals(self) -> u8 {
        match self {
            Self::Weth => 18,
            Self::Usdc => 6,
        }
    }

    /// So many whole ones, in base units.
    pub(crate) fn units(self, whole: u64) -> U256 {
        self.tenths(whole) * U256::from(10)
    }

    /// So many tenths of one, in base units.
    pub(crate) fn tenths(self, tenths: u64) -> U256 {
        U256::from(tenths) * U256::from(10).pow(U256::from(self.decimals() - 1))
    }
}

/// The deployed ERC-20s.
#[derive(Default)]
pub(crate) struct Tokens(BTreeMap<Asset, Address>);

impl Tokens {
    /// Deploys both.
    pub(crate) fn deploy(chain: &mut Chain<'_>, admin: Address) -> Result<Self> {
        let mut tokens = BTreeMap::new();
        for asset in [Asset::Weth, Asset::Usdc] {
            tokens.insert(asset, deploy(chain, admin, asset.symbol(), asset.decimals())?);
        }
        Ok(Self(tokens))
    }

    /// Where an asset's token is.
    ///
    /// # Panics
    /// Before [`Self::deploy`].
    pub(crate) fn of(&self, asset: Asset) -> Address {
        *self.0.get(&asset).expect("the tokens are deployed first")
    }

    /// Gives everyone their endowment and lets `spender` take it.
    pub(crate) fn endow(&self, chain: &mut Chain<'_>, cast: &Cast, spender: Address) -> Result<()> {
        for (owner, asset, value) in cast.endowments() {
            if !value.is_zero() {
                let mint = IToken::mintCall { to: owner, value };
                chain.send(cast.admin, Call::new(self.of(asset), &mint))?;
            }
            let approve = IToken::approveCall { spender, value: U256::MAX };
            chain.send(owner, Call::new(self.of(asset), &approve))?;
        }
        Ok(())
    }
}

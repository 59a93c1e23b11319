//! Reading the protocol through its own contracts: the same questions, asked of a chain in this
//! process or of a node over JSON-RPC.

use alloy_primitives::{Address, Bytes, U256};
use alloy_sol_types::SolCall;
use anyhow::{Context as _, bail};
use gage_abi::{IERC20Permit, IMarket, IOracle, IRegistry, IVault};

use crate::contracts::{self, MARKET, ORACLE, REGISTRY};

/// Something that answers calls at its newest block.
pub(crate) trait Answers {
    /// What the contract returns; a revert is an error that names its cause.
    fn answer(&self, to: Address, input: Bytes) -> anyhow::Result<Bytes>;
}

/// Asks one question.
pub(crate) fn ask<C: SolCall>(
    of: &dyn Answers,
    to: Address,
    call: &C,
) -> anyhow::Result<C::Return> {
    let output = of.answer(to, call.abi_encode().into())?;
    C::abi_decode_returns(&output).with_context(|| {
        format!("{to} answered {} with {} bytes that do not decode", C::SIGNATURE, output.len())
    })
}

/// How many there are of each.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Counts {
    pub(crate) assets: u32,
    pub(crate) vaults: u32,
    pub(crate) markets: u32,
    pub(crate) feeds: u32,
}

/// A token's names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Token {
    pub(crate) address: Address,
    pub(crate) symbol: String,
    pub(crate) decimals: u8,
}

/// A vault with its token and its asset's.
#[derive(Clone, Debug)]
pub(crate) struct VaultReading {
    pub(crate) id: u32,
    pub(crate) token: Token,
    pub(crate) asset: Token,
    pub(crate) state: IVault::VaultState,
}

/// One account, by its parts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct AccountKey {
    pub(crate) market: u32,
    pub(crate) owner: Address,
    pub(crate) sub: u32,
}

/// How many assets, vaults, markets and feeds there are.
pub(crate) fn counts(of: &dyn Answers) -> anyhow::Result<Counts> {
    let counts = ask(of, REGISTRY, &IRegistry::countsCall {})?;
    let IRegistry::countsReturn { assets, vaults, markets, feeds } = counts;
    Ok(Counts { assets, vaults, markets, feeds })
}

/// A token's symbol and decimals.
pub(crate) fn token(of: &dyn Answers, address: Address) -> anyhow::Result<Token> {
    let symbol = ask(of, address, &IERC20Permit::symbolCall {})?;
    let decimals = ask(of, address, &IERC20Permit::decimalsCall {})?;
    Ok(Token { address, symbol, decimals })
}

/// A vault by its id.
pub(crate) fn vault(of: &dyn Answers, id: u32) -> anyhow::Result<VaultReading> {
    let address = contracts::vault(id);
    let state = ask(of, address, &IVault::stateCall {})?;
    Ok(VaultReading { id, token: token(of, address)?, asset: token(of, state.asset)?, state })
}

/// What waits in a vault's exit queue, in its asset.
pub(crate) fn exits_waiting(of: &dyn Answers, vault: Address) -> anyhow::Result<U256> {
    Ok(ask(of, vault, &IVault::exitQueueCall {})?.worth)
}

/// Every vault.
pub(crate) fn vaults(of: &dyn Answers) -> anyhow::Result<Vec<VaultReading>> {
    (1..=counts(of)?.vaults).map(|id| vault(of, id)).collect()
}

/// Every asset's token, by id from 1.
pub(crate) fn assets(of: &dyn Answers) -> anyhow::Result<Vec<Token>> {
    (1..=counts(of)?.assets).map(|id| token(of, contracts::asset(id))).collect()
}

/// The bids of one queue.
#[derive(Clone, Debug)]
pub(crate) struct QueueReading {
    pub(crate) market: u32,
    pub(crate) vault: Address,
    pub(crate) asset: Address,
    /// Those that hold shares, lowest discount first.
    pub(crate) tiers: Vec<IMarket::TierState>,
}

/// Every queue of every market.
pub(crate) fn queues(of: &dyn Answers) -> anyhow::Result<Vec<QueueReading>> {
    let mut queues = Vec::new();
    for id in 1..=counts(of)?.markets {
        let listed = market(of, id)?;
        for vault in &listed.vaults {
            for asset in &listed.collaterals {
                let (vault, asset) = (*vault, *asset);
                let call = IMarket::queueStateCall { market: id, vault, asset };
                let tiers = ask(of, MARKET, &call)?;
                queues.push(QueueReading { market: id, vault, asset, tiers });
            }
        }
    }
    Ok(queues)
}

/// A market by its id.
pub(crate) fn market(of: &dyn Answers, id: u32) -> anyhow::Result<IMarket::MarketState> {
    ask(of, MARKET, &IMarket::marketStateCall { market: id })
}

/// A feed's status in a word.
pub(crate) const fn status_word(status: u8) -> &'static str {
    match status {
        0 => "live",
        1 => "doubtful",
        2 => "stale",
        _ => "frozen",
    }
}

/// What a feed's sources said last.
pub(crate) fn sources(of: &dyn Answers, id: u32) -> anyhow::Result<Vec<IOracle::SourceState>> {
    ask(of, ORACLE, &IOracle::sourceStatesCall { feed: id })
}

/// The newest round that any source's reports to a feed have come to; 0 before the first.
pub(crate) fn newest_round(of: &dyn Answers, id: u32) -> anyhow::Result<u64> {
    Ok(sources(of, id)?.iter().map(|state| state.round).max().unwrap_or_default())
}

/// The newest round that a publisher's reports to a feed have come to; 0 before the first.
pub(crate) fn publisher_round(
    of: &dyn Answers,
    id: u32,
    publisher: Address,
) -> anyhow::Result<u64> {
    let found = sources(of, id)?;
    let own = found
        .iter()
        .find(|state| state.source.kind == 0 && Address::from_word(state.source.key) == publisher);
    Ok(own.map_or(0, |state| state.round))
}

/// A feed by its id.
pub(crate) fn feed(of: &dyn Answers, id: u32) -> anyhow::Result<IOracle::FeedState> {
    ask(of, ORACLE, &IOracle::feedStateCall { feed: id })
}

/// Everything about an account.
pub(crate) fn account(of: &dyn Answers, key: AccountKey) -> anyhow::Result<IMarket::AccountState> {
    let AccountKey { market, owner, sub } = key;
    ask(of, MARKET, &IMarket::accountStateCall { market, owner, sub })
}

/// What people call a thing: an address, an asset's or a vault's symbol (in any case), or a vault's
/// asset.
pub(crate) struct Names {
    assets: Vec<Token>,
    vaults: Vec<VaultReading>,
}

impl Names {
    /// Reads every symbol of the chain.
    pub(crate) fn read(of: &dyn Answers) -> anyhow::Result<Self> {
        Ok(Self { assets: assets(of)?, vaults: vaults(of)? })
    }

    /// The asset that `text` names, or the vault whose share it is.
    pub(crate) fn asset(&self, text: &str) -> anyhow::Result<&Token> {
        let shares = self.vaults.iter().map(|vault| &vault.token);
        let mut tokens = self.assets.iter().chain(shares);
        let named: Option<&Token> = match text.parse::<Address>() {
            Ok(address) => tokens.find(|token| token.address == address),
            Err(_) => tokens.find(|token| token.symbol.eq_ignore_ascii_case(text)),
        };
        named.with_context(|| {
            let known: Vec<_> = self.assets.iter().map(|token| token.symbol.as_str()).collect();
            format!("no asset is called `{text}`; there are {}", known.join(", "))
        })
    }

    /// The vault that `text` names: by address, its own symbol, or its asset's if there is but one.
    pub(crate) fn vault(&self, text: &str) -> anyhow::Result<&VaultReading> {
        let address = text.parse::<Address>().ok();
        let same = |symbol: &str| symbol.eq_ignore_ascii_case(text);
        let exact =
            self.vaults.iter().find(|v| address == Some(v.token.address) || same(&v.token.symbol));
        if let Some(vault) = exact {
            return Ok(vault);
        }
        let of_asset: Vec<_> = self
            .vaults
            .iter()
            .filter(|v| address == Some(v.asset.address) || same(&v.asset.symbol))
            .collect();
        match of_asset.as_slice() {
            [vault] => Ok(vault),
            [] => {
                let known: Vec<_> = self.vaults.iter().map(|v| v.token.symbol.as_str()).collect();
                bail!("no vault is called `{text}`; there are {}", known.join(", "))
            }
            several => {
                let known: Vec<_> = several.iter().map(|v| v.token.symbol.as_str()).collect();
                bail!("several vaults lend {text}: say {}", known.join(" or "))
            }
        }
    }

    /// Every vault.
    pub(crate) fn vaults(&self) -> &[VaultReading] {
        &self.vaults
    }

    /// Every asset.
    pub(crate) fn assets(&self) -> &[Token] {
        &self.assets
    }

    /// The symbol of an asset or a vault, or its address.
    pub(crate) fn symbol(&self, address: Address) -> String {
        let vaults = self.vaults.iter().map(|vault| &vault.token);
        let known = self.assets.iter().chain(vaults).find(|token| token.address == address);
        known.map_or_else(|| address.to_string(), |token| token.symbol.clone())
    }

    /// The decimals of an asset or a vault's shares.
    pub(crate) fn decimals(&self, address: Address) -> u8 {
        let vaults = self.vaults.iter().map(|vault| &vault.token);
        let known = self.assets.iter().chain(vaults).find(|token| token.address == address);
        known.map_or(0, |token| token.decimals)
    }
}

//! Commands of those who use a chain, over its RPC.

use alloy_primitives::Address;
use alloy_signer_local::PrivateKeySigner;
use anyhow::Context as _;
use clap::Args;

use crate::keys::parse_key;

/// Which node, and in which form to answer.
#[derive(Clone, Debug, Args)]
pub(crate) struct Remote {
    /// The node's RPC
    #[arg(long, env = "GAGE_RPC_URL", default_value = "http://127.0.0.1:8545")]
    pub(crate) rpc_url: String,
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
}

/// Who signs.
#[derive(Clone, Debug, Args)]
pub(crate) struct Signing {
    /// Private key of the sender
    #[arg(long, env = "GAGE_PRIVATE_KEY", hide_env_values = true)]
    private_key: Option<String>,
    #[command(flatten)]
    pub(crate) remote: Remote,
}

impl Signing {
    /// The sender's key.
    pub(crate) fn key(&self) -> anyhow::Result<PrivateKeySigner> {
        let text = self.private_key.as_deref();
        parse_key(text.context("who signs? give --private-key or set GAGE_PRIVATE_KEY")?)
    }

    /// Who is meant: `named`, or the sender if nobody is.
    pub(crate) fn or_sender(&self, named: Option<Address>) -> anyhow::Result<Address> {
        named.map_or_else(|| Ok(self.key()?.address()), Ok)
    }
}

/// Which of an owner's accounts.
#[derive(Clone, Copy, Debug, Args)]
pub(crate) struct OwnAccount {
    /// The market's id
    #[arg(long, default_value_t = 1)]
    pub(crate) market: u32,
    /// The account's number among the owner's in this market
    #[arg(long, default_value_t = 0)]
    pub(crate) sub: u32,
}

/// Whose account.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  gage account 0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266\n  \
    gage explain                 the account of GAGE_PRIVATE_KEY in market 1\n  \
    gage explain --market 2")]
pub(crate) struct AccountArgs {
    /// The owner [default: the private key's address]
    pub(crate) owner: Option<Address>,
    /// The market's id [default: every market for `account`, 1 for `explain`]
    #[arg(long)]
    pub(crate) market: Option<u32>,
    /// The account's number among the owner's in the market
    #[arg(long, default_value_t = 0)]
    pub(crate) sub: u32,
    #[command(flatten)]
    pub(crate) signing: Signing,
}

/// A vault and an amount.
#[derive(Debug, Args)]
pub(crate) struct VaultArgs {
    /// The vault: its symbol, its asset's symbol, or an address
    pub(crate) vault: String,
    /// How much of the asset: 1000, 0.5, or max
    pub(crate) amount: String,
    #[command(flatten)]
    pub(crate) signing: Signing,
}

/// An asset and an amount of collateral.
#[derive(Debug, Args)]
pub(crate) struct CollateralArgs {
    /// The asset: its symbol or address
    pub(crate) asset: String,
    /// How much: 2, 0.5, or max
    pub(crate) amount: String,
    /// Whose account; to take collateral back you must be its operator [default: one's own]
    #[arg(long)]
    pub(crate) owner: Option<Address>,
    #[command(flatten)]
    pub(crate) account: OwnAccount,
    #[command(flatten)]
    pub(crate) signing: Signing,
}

/// A vault and an amount of debt.
#[derive(Debug, Args)]
pub(crate) struct BorrowArgs {
    /// The vault: its symbol, its asset's symbol, or an address
    pub(crate) vault: String,
    /// How much: 1000, 0.5
    pub(crate) amount: String,
    /// Whose account, if you are its operator [default: one's own]
    #[arg(long)]
    pub(crate) owner: Option<Address>,
    #[command(flatten)]
    pub(crate) account: OwnAccount,
    #[command(flatten)]
    pub(crate) signing: Signing,
}

/// A debt to repay.
#[derive(Debug, Args)]
pub(crate) struct RepayArgs {
    /// The vault: its symbol, its asset's symbol, or an address
    pub(crate) vault: String,
    /// How much: 1000, 0.5, or all
    pub(crate) amount: String,
    /// Whose debt [default: one's own]
    #[arg(long)]
    pub(crate) owner: Option<Address>,
    #[command(flatten)]
    pub(crate) account: OwnAccount,
    #[command(flatten)]
    pub(crate) signing: Signing,
}

/// An account whose risk premium is refreshed.
#[derive(Debug, Args)]
pub(crate) struct RefreshArgs {
    /// Whose account [default: one's own]
    pub(crate) owner: Option<Address>,
    #[command(flatten)]
    pub(crate) account: OwnAccount,
    #[command(flatten)]
    pub(crate) signing: Signing,
}

/// An account to liquidate.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  gage explain 0x70997970C51812dc3A010C7d01b50e0d17dc79C8\n  \
    gage liquidate 0x70997970C51812dc3A010C7d01b50e0d17dc79C8 USDC WETH\n  \
    gage liquidate 0x70997970C51812dc3A010C7d01b50e0d17dc79C8 USDC WETH --with-shares")]
pub(crate) struct LiquidateArgs {
    /// Whose account
    pub(crate) owner: Address,
    /// The vault whose debt is repaid
    pub(crate) vault: String,
    /// The collateral that is taken
    pub(crate) asset: String,
    /// How much to repay at most
    #[arg(default_value = "max")]
    pub(crate) amount: String,
    /// Pay with shares of the vault, burned against the debt: works when the vault is lent out
    #[arg(long)]
    pub(crate) with_shares: bool,
    #[command(flatten)]
    pub(crate) account: OwnAccount,
    #[command(flatten)]
    pub(crate) signing: Signing,
}

/// A transfer.
#[derive(Debug, Args)]
pub(crate) struct SendArgs {
    /// To whom
    pub(crate) to: Address,
    /// How much
    pub(crate) amount: String,
    /// The asset or vault share to send [default: coins]
    #[arg(long)]
    pub(crate) asset: Option<String>,
    #[command(flatten)]
    pub(crate) signing: Signing,
}

/// An amount of coins.
#[derive(Debug, Args)]
pub(crate) struct WrapArgs {
    /// How much
    pub(crate) amount: String,
    #[command(flatten)]
    pub(crate) signing: Signing,
}

/// A price to publish.
#[derive(Debug, Args)]
pub(crate) struct PriceArgs {
    /// The feed: its id, its description, or the asset before the slash
    pub(crate) feed: String,
    /// Dollars for one whole token
    pub(crate) price: String,
    #[command(flatten)]
    pub(crate) signing: Signing,
}

/// Coins to ask for.
#[derive(Debug, Args)]
pub(crate) struct FaucetArgs {
    /// For whom
    pub(crate) to: Address,
    /// How many coins
    #[arg(default_value = "100")]
    pub(crate) amount: String,
    #[command(flatten)]
    pub(crate) remote: Remote,
}

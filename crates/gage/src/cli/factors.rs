//! Commands about what backs a vault's debt, and what assets have in common.

use clap::{Args, Subcommand};

use super::user::{Remote, Signing};

/// Whose exposure.
#[derive(Debug, Args)]
#[command(after_help = "\
Each debt is attributed to the collateral that backs it, best first, and summed up: by collateral on\n\
each line, and by factor (an issuer, a bridge, an oracle provider, an underlying) over all lines of\n\
the vault. A full bar is a full cap; nothing more is lent against it then.\n\n\
Examples:\n  gage exposure USDC\n  gage exposure --json")]
pub(crate) struct ExposureArgs {
    /// The vault: its symbol, its asset's symbol, or an address [default: every vault]
    pub(crate) vault: Option<String>,
    #[command(flatten)]
    pub(crate) remote: Remote,
}

/// Say what assets have in common, and how much a vault lends against it.
#[derive(Debug, Subcommand)]
#[command(after_help = "\
A factor is something that can fail for several assets at once: an issuer, a bridge, an oracle\n\
provider, an underlying. Governance registers factors and tags assets with them, at most one of each\n\
kind. A vault's curator caps what the vault lends against a factor over all its lines, and against\n\
one collateral on one line (its ceiling). A cap below what there is stops growth and nothing else.\n\n\
Example (on `gage dev`, with the key of governance and curator, dev account 9):\n  \
gage factor add bridge \"Example bridge\"\n  gage factor tag WBTC \"Example bridge\"\n  \
gage factor cap USDC \"Example bridge\" 500000\n  gage factor ceiling USDC WBTC 200000\n  \
gage exposure USDC")]
pub(crate) enum FactorCommand {
    /// List the factors and the assets that have them
    #[command(after_help = "Example:\n  gage factor list")]
    List(Remote),
    /// Register a factor (governance)
    #[command(after_help = "Examples:\n  gage factor add bridge \"Example bridge\"\n  \
        gage factor add issuer \"Example Mint\"")]
    Add(AddFactorArgs),
    /// Say that an asset has a factor, in place of the one of that kind that it had (governance)
    #[command(after_help = "Example:\n  gage factor tag WBTC \"Example bridge\"")]
    Tag(TagArgs),
    /// Say that an asset has no factor of a kind any more (governance)
    #[command(after_help = "Example:\n  gage factor untag WBTC bridge")]
    Untag(UntagArgs),
    /// Cap what a vault lends, over all its lines, against assets with a factor (curator)
    #[command(after_help = "Examples:\n  gage factor cap USDC \"Example bridge\" 500000\n  \
        gage factor cap USDC 1 none")]
    Cap(FactorCapArgs),
    /// Cap what a vault lends through its line to a market against one collateral (curator)
    #[command(after_help = "Examples:\n  gage factor ceiling USDC WBTC 200000\n  \
        gage factor ceiling USDC WBTC none --market 2")]
    Ceiling(CeilingArgs),
}

/// In which respect assets are alike.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Kind {
    /// Who promises to redeem them
    Issuer,
    /// What carried them here
    Bridge,
    /// Who says what they are worth
    Oracle,
    /// What they stand for
    Underlying,
}

/// A factor to register.
#[derive(Debug, Args)]
pub(crate) struct AddFactorArgs {
    /// In which respect assets are alike
    pub(crate) kind: Kind,
    /// What it is called: at most 31 bytes
    pub(crate) label: String,
    #[command(flatten)]
    pub(crate) signing: Signing,
}

/// An asset to tag.
#[derive(Debug, Args)]
pub(crate) struct TagArgs {
    /// The asset: its symbol or an address
    pub(crate) asset: String,
    /// The factor: its number or label
    pub(crate) factor: String,
    #[command(flatten)]
    pub(crate) signing: Signing,
}

/// An asset to untag.
#[derive(Debug, Args)]
pub(crate) struct UntagArgs {
    /// The asset: its symbol or an address
    pub(crate) asset: String,
    /// Which of its factors
    pub(crate) kind: Kind,
    #[command(flatten)]
    pub(crate) signing: Signing,
}

/// A cap on a factor.
#[derive(Debug, Args)]
pub(crate) struct FactorCapArgs {
    /// The vault: its symbol, its asset's symbol, or an address
    pub(crate) vault: String,
    /// The factor: its number or label
    pub(crate) factor: String,
    /// The most to lend against it, in the vault's asset: 500000, 0, or none
    pub(crate) cap: String,
    #[command(flatten)]
    pub(crate) signing: Signing,
}

/// A ceiling for a collateral.
#[derive(Debug, Args)]
pub(crate) struct CeilingArgs {
    /// The vault: its symbol, its asset's symbol, or an address
    pub(crate) vault: String,
    /// The collateral: its symbol or an address
    pub(crate) asset: String,
    /// The most to lend against it through the line, in the vault's asset: 200000, 0, or none
    pub(crate) cap: String,
    /// The id of the market whose line it is
    #[arg(long, default_value_t = 1)]
    pub(crate) market: u32,
    #[command(flatten)]
    pub(crate) signing: Signing,
}

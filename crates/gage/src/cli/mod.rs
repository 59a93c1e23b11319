//! The command line: what can be asked for, with an example for each.

mod operate;
mod user;

use clap::{Parser, Subcommand};

pub(crate) use operate::{AbiArgs, CheckArgs, DevArgs, HistoryCommand, NodeArgs, Speed};
pub(crate) use user::{
    AccountArgs, BorrowArgs, CollateralArgs, FaucetArgs, LiquidateArgs, PriceArgs, Remote,
    RepayArgs, SendArgs, Signing, VaultArgs, WrapArgs,
};

/// A lending chain: EVM-compatible, with the lending engine in native code.
#[derive(Debug, Parser)]
#[command(
    name = "gage",
    version,
    max_term_width = 100,
    after_help = "Start here:\n  \
    gage dev                      a development chain with assets, vaults and markets\n  \
    gage dev --replay 2024-08     the crash of August 2024, with 1,000 borrowers\n\n\
    Then, in another terminal:\n  \
    export GAGE_PRIVATE_KEY=0xac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80\n  \
    gage supply WETH 2 && gage borrow USDC 1000 && gage explain"
)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Run a development chain in one process: blocks, database, RPC, funded accounts, a demo world
    Dev(Box<DevArgs>),
    /// Run a node from a genesis file and a configuration
    Node(NodeArgs),
    /// Print an example of a genesis file, or of a node's configuration
    #[command(
        after_help = "Example:\n  gage genesis > genesis.json && gage genesis --config > gage.toml"
    )]
    Genesis {
        /// Print a node's configuration (TOML) instead
        #[arg(long)]
        config: bool,
    },
    /// Write the JSON ABIs of the native contracts and their Solidity interfaces
    Abi(AbiArgs),
    /// Check a stored chain: every block, index and state root, and that the protocol's totals tie
    Check(CheckArgs),
    /// Price histories: list those in the binary, or download one from an exchange
    #[command(subcommand)]
    History(HistoryCommand),

    /// List the markets: collateral, limits, lines
    #[command(after_help = "Example:\n  gage markets")]
    Markets(Remote),
    /// List the vaults: cash, debt, utilisation, rates
    #[command(after_help = "Example:\n  gage vaults --json")]
    Vaults(Remote),
    /// List the price feeds
    #[command(after_help = "Example:\n  gage feeds")]
    Feeds(Remote),
    /// Show what an account holds, lends, has pledged and owes
    Account(AccountArgs),
    /// Explain an account's health: limits, liquidation prices, what a liquidation would do
    Explain(AccountArgs),

    /// Lend to a vault
    #[command(after_help = "Example:\n  gage deposit USDC 1000")]
    Deposit(VaultArgs),
    /// Take lent assets out of a vault
    #[command(after_help = "Example:\n  gage redeem USDC max")]
    Redeem(VaultArgs),
    /// Pledge collateral (coins are wrapped as needed)
    #[command(after_help = "Example:\n  gage supply WETH 2")]
    Supply(CollateralArgs),
    /// Take collateral back
    #[command(after_help = "Example:\n  gage withdraw WETH 0.5\n  gage withdraw WETH max")]
    Withdraw(CollateralArgs),
    /// Borrow from a vault against the account's collateral
    #[command(after_help = "Example:\n  gage borrow USDC 1000")]
    Borrow(BorrowArgs),
    /// Repay a debt, one's own or another's
    #[command(after_help = "Example:\n  gage repay USDC 250\n  gage repay USDC all")]
    Repay(RepayArgs),
    /// Repay an unhealthy account's debt and take collateral for it
    Liquidate(LiquidateArgs),
    /// Send coins or tokens
    #[command(
        after_help = "Example:\n  gage send 0x70997970C51812dc3A010C7d01b50e0d17dc79C8 1.5\n  \
        gage send 0x70997970C51812dc3A010C7d01b50e0d17dc79C8 100 --asset USDC"
    )]
    Send(SendArgs),
    /// Wrap coins into their token
    #[command(after_help = "Example:\n  gage wrap 2")]
    Wrap(WrapArgs),
    /// Unwrap the coins' token
    #[command(after_help = "Example:\n  gage unwrap max")]
    Unwrap(WrapArgs),
    /// Sign a price report as its publisher, and hand it in for the next block
    #[command(
        after_help = "Example (the demo's publisher is dev account 8):\n  gage price WETH 2500 \
        --private-key 0xdbda1821b80551c9d65939329250298aa3472ba22feea921c0cf5d620ea67b97"
    )]
    Price(PriceArgs),
    /// Ask a dev chain for coins
    #[command(
        after_help = "Example:\n  gage faucet 0x70997970C51812dc3A010C7d01b50e0d17dc79C8 100"
    )]
    Faucet(FaucetArgs),
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory as _;

    fn parse(line: &str) -> Result<Cli, clap::Error> {
        Cli::try_parse_from(line.split_whitespace())
    }

    #[test]
    fn definitions_are_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn every_command_has_an_example() {
        for command in Cli::command().get_subcommands().filter(|command| !command.has_subcommands())
        {
            let help = command.get_after_help().map(ToString::to_string).unwrap_or_default();
            assert!(help.contains("gage "), "{} has none", command.get_name());
        }
    }

    #[test]
    fn commands_are_read() {
        let Command::Dev(dev) =
            parse("gage dev --replay 2024-08 --speed max --borrowers 50").unwrap().command
        else {
            panic!("not dev")
        };
        assert_eq!(dev.speed, Speed::Max);
        assert_eq!((dev.replay.as_deref(), dev.borrowers), (Some("2024-08"), Some(50)));
        assert!(parse("gage borrow USDC 1000 --market 2 --json").is_ok());
        assert!(parse("gage repay USDC all").is_ok());
        assert!(parse("gage explain").is_ok());
        let fetch = "gage history fetch --exchange kraken --symbols BTC,eth --from 2024-01-01 \
                     --to 2024-01-02 --out x";
        assert!(parse(fetch).is_ok());
    }

    #[test]
    fn nonsense_is_refused() {
        for line in [
            "gage",
            "gage dance",
            "gage dev --speed fast",
            "gage dev --speed 0",
            "gage dev --speed -5",
            "gage dev --port 70000",
            "gage dev --data-dir x --ephemeral",
            "gage dev --exit",
            "gage dev --replay x --no-demo",
            "gage borrow USDC",
            "gage supply",
            "gage liquidate 0x12 USDC WETH",
            "gage history fetch --exchange nasdaq --symbols BTC --from a --to b --out x",
        ] {
            assert!(parse(line).is_err(), "{line}");
        }
    }
}

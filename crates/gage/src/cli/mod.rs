//! The command line: what can be asked for, with an example for each.

mod bids;
mod delegates;
mod exits;
mod factors;
mod feeds;
mod guards;
mod market;
mod operate;
mod publish;
mod rates;
mod stakes;
mod terms;
mod user;

use clap::{Parser, Subcommand};

pub(crate) use bids::{
    BidCommand, ClaimArgs, ClearArgs, Discount, ListArgs, PlaceArgs, QueueArgs, RangeArgs, SetArgs,
    ShowArgs, StopLossCommand, TierArgs, WithdrawArgs,
};
pub(crate) use delegates::{
    Allowed, AuthorisationsArgs, CreditCommand, DelegateArgs, DrawArgs, OperatorCommand,
    RehomeArgs, RevokeArgs, SetOperatorArgs, SignCreditArgs, SubmitArgs, VoidArgs,
};
pub(crate) use exits::{ClaimExitArgs, ExitCommand, PlacesArgs, RequestArgs};
pub(crate) use factors::{
    AddFactorArgs, CeilingArgs, ExposureArgs, FactorCapArgs, FactorCommand, Kind, TagArgs,
    UntagArgs,
};
pub(crate) use feeds::FeedsArgs;
pub(crate) use guards::{
    BreakerArgs, FeedCommand, FreezeArgs, Level, MeterArgs, PauseArgs, RecogniseArgs, UnfreezeArgs,
};
pub(crate) use market::{MarginArgs, MarginCommand, MarketCommand, SetMarginArgs};
pub(crate) use operate::{
    AbiArgs, CheckArgs, DbCommand, DevArgs, ExportArgs, HistoryCommand, ImportArgs, InspectArgs,
    NodeArgs, SnapshotCommand, Speed,
};
pub(crate) use publish::{MessageArgs, Provider, PublishArgs, ReplayArgs};
pub(crate) use rates::RatesArgs;
pub(crate) use stakes::{AddStakeArgs, LineArgs, StakeCommand, StakesArgs, UnstakeArgs};
pub(crate) use terms::{
    AddMembersArgs, CreateGroupArgs, EnterGroupArgs, GroupCommand, GroupTermsArgs, LeaveGroupArgs,
    MarketArgs, MembersArgs, MoveArgs, Percent, SetGroupArgs, SetTermsArgs, TermsCommand,
};
pub(crate) use user::{
    AccountArgs, BorrowArgs, CollateralArgs, FaucetArgs, LiquidateArgs, PriceArgs, RefreshArgs,
    Remote, RepayArgs, SendArgs, Signing, VaultArgs, WrapArgs,
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
    /// Check every invariant of the protocol: on a node that runs, or on a stored chain
    Check(InspectArgs),
    /// Look after a stored chain, with no node running
    #[command(subcommand)]
    Db(DbCommand),
    /// Carry a chain to another machine: write a snapshot, or start from one
    #[command(subcommand)]
    Snapshot(SnapshotCommand),
    /// Price histories: list those in the binary, or download one from an exchange
    #[command(subcommand)]
    History(HistoryCommand),

    /// List the markets: collateral, limits, lines
    #[command(after_help = "Example:\n  gage markets")]
    Markets(Remote),
    /// Rule a market: its margin, its pause, its meters and its breaker
    #[command(subcommand)]
    Market(MarketCommand),
    /// List the vaults: cash, debt, utilisation, rates
    #[command(after_help = "Example:\n  gage vaults --json")]
    Vaults(Remote),
    /// Draw a vault's rate curve; compare interest models along a recorded path of utilisation
    Rates(RatesArgs),
    /// Show prices: their sources, spread, age and status, and what they block; or watch them
    Feeds(FeedsArgs),
    /// Freeze a feed, or use it again
    #[command(subcommand)]
    Feed(FeedCommand),
    /// Show what an account holds, lends, has pledged and owes
    Account(AccountArgs),
    /// Explain an account's health: limits, liquidation prices, what a sweep or a liquidator would do
    Explain(AccountArgs),

    /// Show who waits to buy liquidated collateral: bids by discount
    Queue(QueueArgs),
    /// Show what backs vaults' debt, by common factor and by collateral, and the caps on it
    Exposure(ExposureArgs),
    /// List liquidations: why, at which price, how much, who bought
    Liquidations(RangeArgs),
    /// List bad debt, and who bore it
    Losses(RangeArgs),

    /// Lend to a vault
    #[command(after_help = "Example:\n  gage deposit USDC 1000")]
    Deposit(VaultArgs),
    /// Take lent assets out of a vault
    #[command(after_help = "Example:\n  gage redeem USDC max")]
    Redeem(VaultArgs),
    /// Leave a vault whose cash is lent out: take a place in its exit queue
    #[command(subcommand)]
    Exit(ExitCommand),
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
    /// Charge an account the risk premium of what backs its debt now
    #[command(
        after_help = "After a repayment or new collateral the premium stays until it is refreshed; anyone\n\
        may do that, for any account. Where a vault caps its exposure, the debt is attributed anew to\n\
        the collateral that backs it (`gage exposure`).\n\nExample:\n  gage refresh"
    )]
    Refresh(RefreshArgs),
    /// Repay an unhealthy account's debt and take collateral for it
    Liquidate(LiquidateArgs),
    /// Bid for collateral of liquidated accounts, at a discount of your choice
    #[command(subcommand)]
    Bid(BidCommand),
    /// Stake vault shares as first-loss capital, and earn a premium for it
    #[command(subcommand)]
    Stake(StakeCommand),
    /// Say what assets have in common, and cap what vaults lend against it
    #[command(subcommand)]
    Factor(FactorCommand),
    /// Groups of collaterals and debts whose prices move together: list, enter, leave, create
    #[command(subcommand)]
    Group(GroupCommand),
    /// A collateral's terms: what is newest, what accounts keep, and moves
    #[command(subcommand)]
    Terms(TermsCommand),
    /// Sell collateral before it can be liquidated, on your own terms
    #[command(subcommand)]
    StopLoss(StopLossCommand),
    /// Let others act on an account within bounds: release, borrow or manage
    #[command(subcommand)]
    Operator(OperatorCommand),
    /// Let others draw on an account's credit, up to a limit
    #[command(subcommand)]
    Credit(CreditCommand),
    /// Move an account, collateral and debt, to another market or to other vaults
    Rehome(RehomeArgs),
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
    /// Read prices from exchanges, sign their median and hand it in, again and again
    Publish(PublishArgs),
    /// Publish a history's prices to a running node
    Replay(ReplayArgs),
    /// Hand a signed message of Pyth, RedStone or Chainlink in for the next block
    Message(MessageArgs),
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
        let cli = Cli::command();
        let groups = cli.get_subcommands().flat_map(clap::Command::get_subcommands);
        for command in cli.get_subcommands().chain(groups) {
            let help = command.get_after_help().map(ToString::to_string).unwrap_or_default();
            let is_group = command.has_subcommands();
            assert!(is_group || help.contains("gage "), "{} has none", command.get_name());
        }
    }

    /// Command lines that people type.
    const TYPED: &[&str] = &[
        "gage queue 1 --vault USDC --asset WETH",
        "gage bid place USDC WETH 5 1000 --deposit",
        "gage bid place USDC WETH 5% max --market 2 --shares",
        "gage bid announce USDC WETH 2.5",
        "gage bid withdraw USDC WETH 5 max",
        "gage bid claim",
        "gage bid claim USDC WETH 5",
        "gage bid list",
        "gage stop-loss set WETH USDC --trigger 1.1 --target 1.3 --max-discount 2",
        "gage stop-loss clear --sub 1",
        "gage stop-loss show",
        "gage stake add USDC 1000 --deposit --market 2",
        "gage stake announce USDC",
        "gage stake withdraw USDC max",
        "gage stake list",
        "gage market margin show --market 2",
        "gage market margin set margin.toml",
        "gage check",
        "gage check --data-dir gage-data --block 12 --json",
        "gage exposure",
        "gage exposure USDC --json",
        "gage factor list",
        "gage factor add bridge Example",
        "gage factor tag WBTC 1",
        "gage factor untag WBTC bridge",
        "gage factor cap USDC Example 500000",
        "gage factor ceiling USDC WBTC none --market 2",
        "gage operator set 0x70997970C51812dc3A010C7d01b50e0d17dc79C8 --allow borrow,manage --until 30d",
        "gage operator list",
        "gage operator revoke 0x70997970C51812dc3A010C7d01b50e0d17dc79C8 --sub 1",
        "gage credit delegate 0x70997970C51812dc3A010C7d01b50e0d17dc79C8 USDC 500 --until 2027-01-31",
        "gage credit draw 0x70997970C51812dc3A010C7d01b50e0d17dc79C8 USDC max",
        "gage credit sign 0x70997970C51812dc3A010C7d01b50e0d17dc79C8 USDC 500 --until 30d --deadline 2h",
        "gage credit submit -",
        "gage credit void --next 9",
        "gage borrow USDC 10 --owner 0x70997970C51812dc3A010C7d01b50e0d17dc79C8",
        "gage rehome --to-market 2 --vault gUSDC=gUSDC2 --preview",
        "gage exit request USDC max",
        "gage exit request USDC 5 --shares",
        "gage exit list",
        "gage exit claim",
        "gage exit claim USDC 7 --json",
        "gage group list --market 2",
        "gage group create Dollars --ltv 93 --threshold 95 --bonus-min 0.5 --bonus-max 1 \
         --band 1 --collateral USDC,USDT --vault USDC",
        "gage group add 1 --collateral DAI",
        "gage group enter 1 --sub 2",
        "gage group leave",
        "gage terms show",
        "gage terms set WETH --threshold 80% --cap 500",
        "gage terms move WETH --in 1d --over 30d",
        "gage terms move --group 1 --in 36h --over 1d",
        "gage liquidations --from-block 5",
        "gage losses",
        "gage rates USDC --json",
        "gage rates",
        "gage rates --model kinked:0,5.5,60,90 --model adaptive:4 --path x.csv --plot y.svg",
    ];

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
        for line in TYPED {
            assert!(parse(line).is_ok(), "{line}");
        }
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
            "gage dev --check",
            "gage check --block newest",
            "gage dev --replay x --no-demo",
            "gage borrow USDC",
            "gage supply",
            "gage liquidate 0x12 USDC WETH",
            "gage queue main",
            "gage bid",
            "gage bid place USDC WETH",
            "gage bid place USDC WETH 5.3 1000",
            "gage bid place USDC WETH 31 1000",
            "gage bid claim USDC WETH",
            "gage bid list nobody",
            "gage stop-loss set WETH USDC --trigger 1.1",
            "gage stake",
            "gage market margin set",
            "gage stake add USDC",
            "gage factor",
            "gage factor add colour Red",
            "gage factor cap USDC 1",
            "gage stake list nobody",
            "gage operator set nobody --allow borrow --until 30d",
            "gage operator set 0x70997970C51812dc3A010C7d01b50e0d17dc79C8 --allow steal --until 30d",
            "gage operator set 0x70997970C51812dc3A010C7d01b50e0d17dc79C8 --allow borrow",
            "gage credit delegate 0x70997970C51812dc3A010C7d01b50e0d17dc79C8 USDC 5 --until soon",
            "gage credit submit",
            "gage rehome",
            "gage rehome --to-market 2 --vault gUSDC",
            "gage exit",
            "gage exit request USDC",
            "gage exit list nobody",
            "gage exit claim USDC",
            "gage exit claim USDC -1",
            "gage group",
            "gage group enter Dollars",
            "gage group create Dollars --ltv 93",
            "gage terms set WETH --threshold 800",
            "gage terms move --in 1d --over 2d",
            "gage terms move WETH --group 1 --in 1d --over 2d",
            "gage terms move WETH --in soon --over 2d",
            "gage losses --from-block -1",
            "gage rates USDC --model adaptive:4",
            "gage rates --model adaptive",
            "gage rates --reserve-fee 101",
            "gage history fetch --exchange nasdaq --symbols BTC --from a --to b --out x",
        ] {
            assert!(parse(line).is_err(), "{line}");
        }
    }
}

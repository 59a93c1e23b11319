//! The providers' own contracts, each set up to verify one recorded message.

use alloy_primitives::aliases::{I192, U192};
use alloy_primitives::{Address, B256, Bytes, U256};
use alloy_sol_types::{SolCall, SolValue, sol};
use anyhow::{Context, Result, ensure};
use gage_oracle::{Observation, pyth, redstone};

use super::recordings::Recording;
use crate::chain::{Call, Chain};
use crate::scenario::Sample;

sol! {
    struct AddressAndWeight {
        address addr;
        uint64 weight;
    }

    interface IVerifierProxy {
        function initializeVerifier(address verifier) external;
        function verify(bytes memory payload, bytes memory parameters) external payable returns (bytes memory);
    }

    interface IVerifier {
        function setConfig(bytes32 digest, address[] memory signers, uint8 f, AddressAndWeight[] memory recipients)
            external;
    }

    interface IRedStoneReader {
        function read(bytes32[] memory feeds) external view returns (uint256[] memory);
    }

    struct GuardianSet {
        address[] keys;
        uint32 expirationTime;
    }

    struct GuardianSignature {
        bytes32 r;
        bytes32 s;
        uint8 v;
        uint8 guardianIndex;
    }

    struct Vaa {
        uint8 version;
        uint32 timestamp;
        uint32 nonce;
        uint16 emitterChainId;
        bytes32 emitterAddress;
        uint64 sequence;
        uint8 consistencyLevel;
        bytes payload;
        uint32 guardianSetIndex;
        GuardianSignature[] signatures;
        bytes32 hash;
    }

    interface IMessages {
        function storeGuardianSetPub(GuardianSet memory set, uint32 index) external;
        function parseAndVerifyVM(bytes memory encoded) external view
            returns (Vaa memory vm, bool valid, string memory reason);
    }
}

/// A report of schema 3 as Solidity decodes it.
type Stream = (B256, u32, u32, U192, U192, u32, I192, I192, I192);

/// Who owns the contracts.
const OWNER: Address = Address::repeat_byte(0xad);

/// Bytes of a Wormhole payload before the root that Pyth puts there.
const ROOT_AT: usize = 17;

/// A contract that verifies one message.
pub(super) struct Verifying {
    /// The call to measure.
    pub(super) call: Call,
    /// Whether it says the same as Gage's parser.
    agrees: fn(&[u8], &Recording, &[Observation]) -> Result<()>,
}

impl Verifying {
    /// Sends the call; returns what it cost.
    ///
    /// # Errors
    /// The contract refused the message, or reads something else in it than Gage.
    pub(super) fn run(
        &self,
        chain: &mut Chain<'_>,
        recording: &Recording,
        said: &[Observation],
    ) -> Result<Sample> {
        let Call { to, data, value } = &self.call;
        let call = Call { to: *to, data: data.clone(), value: *value };
        let receipt = chain.send(OWNER, call)?;
        (self.agrees)(receipt.output.data(), recording, said)?;
        Ok(Sample::from(&receipt))
    }

    /// Chainlink's verifier behind its proxy, without fees and without access control.
    pub(super) fn chainlink(chain: &mut Chain<'_>, recording: &Recording) -> Result<Self> {
        let proxy = chain.deploy(OWNER, "VerifierProxy", &Address::ZERO.abi_encode())?;
        let verifier = chain.deploy(OWNER, "Verifier", &proxy.abi_encode())?;
        let initialize = IVerifierProxy::initializeVerifierCall { verifier };
        chain.send(OWNER, Call::new(proxy, &initialize))?;
        let configure = IVerifier::setConfigCall {
            digest: recording.name,
            signers: recording.set.signers.clone(),
            f: recording.set.threshold - 1,
            recipients: Vec::new(),
        };
        chain.send(OWNER, Call::new(verifier, &configure))?;
        let (payload, parameters) = (recording.first.clone(), Bytes::new());
        let call = Call::new(proxy, &IVerifierProxy::verifyCall { payload, parameters });
        Ok(Self { call, agrees: stream_agrees })
    }

    /// RedStone's base contract with the signers of its main service.
    pub(super) fn redstone(chain: &mut Chain<'_>, recording: &Recording) -> Result<Self> {
        let to = chain.deploy(OWNER, "RedStoneReader", &[])?;
        let payload = &recording.first;
        let mut feeds: Vec<B256> = Vec::new();
        for point in redstone::parse(payload)?.packages.iter().flat_map(|package| &package.points) {
            if !feeds.contains(&point.id) {
                feeds.push(point.id);
            }
        }
        feeds.sort_unstable();
        let mut data = IRedStoneReader::readCall { feeds }.abi_encode();
        data.extend_from_slice(payload);
        let call = Call { to, data: data.into(), value: U256::ZERO };
        Ok(Self { call, agrees: payload_agrees })
    }

    /// Wormhole's core contract, which checks the guardians' signatures for Pyth's.
    pub(super) fn wormhole(chain: &mut Chain<'_>, recording: &Recording) -> Result<Self> {
        let to = chain.deploy(OWNER, "ExportedMessages", &[])?;
        let set = GuardianSet { keys: recording.set.signers.clone(), expirationTime: u32::MAX };
        let index = pyth::peek(&recording.first)?;
        chain.send(OWNER, Call::new(to, &IMessages::storeGuardianSetPubCall { set, index }))?;
        let encoded = vaa(&recording.first)?;
        let call = Call::new(to, &IMessages::parseAndVerifyVMCall { encoded });
        Ok(Self { call, agrees: guardians_agree })
    }
}

fn stream_agrees(output: &[u8], _: &Recording, said: &[Observation]) -> Result<()> {
    let report = IVerifierProxy::verifyCall::abi_decode_returns(output)?;
    let (id, _, time, _, _, _, price, bid, ask) = Stream::abi_decode(&report)?;
    let found = |value: I192| u128::try_from(value).context("a price");
    let [price, bid, ask] = [found(price)?, found(bid)?, found(ask)?];
    let confidence = (price - bid).max(ask - price);
    let time = u64::from(time);
    let found = Observation { id, feed: None, price, confidence, time, round: 0 };
    ensure!([found] == said, "{found:?} is not {said:?}");
    Ok(())
}

fn payload_agrees(output: &[u8], _: &Recording, said: &[Observation]) -> Result<()> {
    let found = IRedStoneReader::readCall::abi_decode_returns(output)?;
    let wads = found.iter().map(|value| *value * U256::from(10_000_000_000_u64));
    let expected = said.iter().map(|one| U256::from(one.price));
    ensure!(wads.eq(expected), "{found:?} is not {said:?}");
    Ok(())
}

/// The contract reads no price: what the guardians signed must be what Gage's parser reads there, the root among it.
fn guardians_agree(output: &[u8], recording: &Recording, said: &[Observation]) -> Result<()> {
    let found = IMessages::parseAndVerifyVMCall::abi_decode_returns(output)?;
    ensure!(found.valid, "the contract refuses it: {}", found.reason);
    let pyth::Body { time, chain, emitter, sequence, root, .. } =
        pyth::parse(&recording.first)?.body;
    let vm = found.vm;
    let read = (vm.timestamp, vm.emitterChainId, vm.emitterAddress, vm.sequence);
    ensure!(read == (time, chain, emitter, sequence), "{read:?} was not signed");
    ensure!(vm.payload.get(ROOT_AT..ROOT_AT + root.len()) == Some(&root[..]), "another root");
    ensure!(said.len() == 1, "one price hangs under the root");
    Ok(())
}

/// The part of Pyth's update that Wormhole's guardians signed, with their signatures: behind mark, version, a header
/// of the length that stands before it, and a kind, with its length in two bytes.
fn vaa(update: &[u8]) -> Result<Bytes> {
    let header = usize::from(*update.get(6).context("an update has a header")?);
    let rest = update.get(8 + header..).context("an update has a kind")?;
    let (length, rest) = rest.split_first_chunk::<2>().context("an update has a length")?;
    let length = usize::from(u16::from_be_bytes(*length));
    Ok(rest.get(..length).context("an update has a signed part")?.to_vec().into())
}

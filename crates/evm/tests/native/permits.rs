//! Permits: EIP-2612 over EIP-712.

use crate::support::*;
use alloy_primitives::{Address, B256, U256, keccak256, uint};
use alloy_sol_types::SolValue;
use gage_abi::IERC20Permit::{self, permitCall};
use secp256k1::SecretKey;

const ORDER: U256 = uint!(0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141_U256);

/// The digest by the EIPs' own words, independent of the crate's.
fn digest(
    name: &str,
    chain_id: u64,
    token: Address,
    message: (Address, Address, U256, U256, U256),
) -> B256 {
    let kind = keccak256(
        "EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)",
    );
    let domain = keccak256(
        (kind, keccak256(name), keccak256("1"), U256::from(chain_id), token).abi_encode(),
    );
    let kind = keccak256(
        "Permit(address owner,address spender,uint256 value,uint256 nonce,uint256 deadline)",
    );
    let (owner, spender, value, nonce, deadline) = message;
    let data = keccak256((kind, owner, spender, value, nonce, deadline).abi_encode());
    keccak256([&[0x19, 0x01], domain.as_slice(), data.as_slice()].concat())
}

fn permit(owner_key: &SecretKey, token: (&str, Address), nonce: u64, deadline: u64) -> permitCall {
    let owner = address_of(owner_key);
    let (value, deadline) = (u(500), U256::from(deadline));
    let message = (owner, STRANGER, value, U256::from(nonce), deadline);
    let (v, r, s) = sign(owner_key, digest(token.0, CHAIN_ID, token.1, message));
    permitCall { owner, spender: STRANGER, value, deadline, v, r, s }
}

#[test]
fn permits_allow_on_assets_and_shares() {
    let mut world = World::market();
    let deadline = world.now + 60;
    for token in [("Dollar", USD), ("Dollar Vault", VAULT)] {
        let owner = address_of(&key(5));
        for nonce in 0..2 {
            let call = permit(&key(5), token, nonce, deadline);
            world.ok(LENDER, token.1, call);
            let nonces = world.ok(STRANGER, token.1, IERC20Permit::noncesCall { owner });
            assert_eq!(nonces, U256::from(nonce + 1));
        }
        let call = IERC20Permit::allowanceCall { owner, spender: STRANGER };
        assert_eq!(world.ok(STRANGER, token.1, call), u(500));
    }
}

/// AUT-1, P-10: `reg_p10`. A permit is good for its very words, once, until its deadline.
#[test]
fn reg_p10_permits_bind_every_word() {
    let mut world = World::market();
    let deadline = world.now + 60;
    let good = permit(&key(5), ("Dollar", USD), 0, deadline);
    let other = address_of(&key(6));
    let high_s = B256::from(ORDER - U256::from_be_bytes(good.s.0));
    let mutants = [
        permitCall { owner: other, ..good.clone() },
        permitCall { owner: Address::ZERO, ..good.clone() },
        permitCall { spender: LENDER, ..good.clone() },
        permitCall { value: good.value + U256::ONE, ..good.clone() },
        permitCall { deadline: good.deadline + U256::ONE, ..good.clone() },
        permitCall { v: good.v ^ 7, ..good.clone() },
        permitCall { v: good.v - 27, ..good.clone() },
        permitCall { v: 0, ..good.clone() },
        permitCall { r: B256::repeat_byte(1), ..good.clone() },
        permitCall { s: B256::repeat_byte(1), ..good.clone() },
        permitCall { r: B256::ZERO, s: B256::ZERO, ..good.clone() },
        permitCall { v: 55 - good.v, s: high_s, ..good.clone() },
        permitCall { owner: Address::ZERO, v: 0, r: B256::ZERO, s: B256::ZERO, ..good.clone() },
        permit(&key(5), ("Dollar", USD), 1, deadline),
        permit(&key(5), ("Gold", USD), 0, deadline),
        permit(&key(5), ("Dollar", GOLD), 0, deadline),
    ];
    let before = world.state();
    for mutant in mutants {
        let error = world.refused(LENDER, USD, mutant.clone());
        assert!(error.starts_with("ERC2612InvalidSigner("), "{mutant:?}: {error}");
        assert_eq!(world.state(), before);
    }
    world.ok(LENDER, USD, good.clone());
    let again = world.refused(LENDER, USD, good);
    assert!(again.starts_with("ERC2612InvalidSigner("), "{again}");
    let late = permit(&key(5), ("Dollar", USD), 1, world.now - 1);
    assert!(world.refused(LENDER, USD, late).starts_with("ERC2612ExpiredSignature("));
}

#[test]
fn domains_are_told() {
    let mut world = World::market();
    let domain = world.ok(STRANGER, USD, IERC20Permit::eip712DomainCall {});
    assert_eq!(domain.name, "Dollar");
    assert_eq!(domain.version, "1");
    assert_eq!(domain.chainId, U256::from(CHAIN_ID));
    assert_eq!(domain.verifyingContract, USD);
    let kind = keccak256(
        "EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)",
    );
    let words = (kind, keccak256("Dollar"), keccak256("1"), U256::from(CHAIN_ID), USD);
    let separator = world.ok(STRANGER, USD, IERC20Permit::DOMAIN_SEPARATORCall {});
    assert_eq!(separator, keccak256(words.abi_encode()));
}

/// AUT-1, P-02: `reg_p02`. Who spends uses what the owner allowed them, and nothing else.
#[test]
fn reg_p02_only_the_owner_s_allowance_is_spent() {
    let users = [LENDER, BORROWER, STRANGER];
    for token in [USD, VAULT] {
        for (owner, spender) in users.iter().flat_map(|o| users.iter().map(move |s| (*o, *s))) {
            let mut world = World::market();
            for user in users {
                world.ok(
                    OWNER,
                    USD,
                    gage_abi::IAsset::mintCall { to: user, value: u(2_000 * DOLLAR) },
                );
                let deposit =
                    gage_abi::IVault::depositCall { assets: u(1_000 * DOLLAR), receiver: user };
                world.ok(user, VAULT, deposit);
            }
            world.ok(owner, token, IERC20Permit::approveCall { spender, value: u(50) });
            for (from, by) in users.iter().flat_map(|f| users.iter().map(move |b| (*f, *b))) {
                let mut world = world.clone();
                let spend = IERC20Permit::transferFromCall { from, to: OWNER, value: u(50) };
                let done = world.call(by, token, spend);
                assert_eq!(done.is_success(), (from, by) == (owner, spender));
            }
        }
    }
}
